namespace Pruning.Root.Columns;

/// <summary>One branch to read, and the type that its values should get.</summary>
public abstract record ColumnRequest
{
    private protected ColumnRequest(string branch) => Branch = branch;

    /// <summary>Name of the branch.</summary>
    public string Branch { get; }

    /// <summary>A branch in its own type.</summary>
    public static ColumnRequest Of(string branch) => new OwnType(branch);

    /// <summary>A branch converted to <typeparamref name="T"/> while it is decoded; integers must be exact.</summary>
    public static ColumnRequest As<T>(string branch)
        where T : unmanaged => new Converted<T>(branch);

    /// <summary>Type that the values should get; null for their own.</summary>
    internal abstract Type? ValueType { get; }

    /// <summary>Calls the visitor with the type that the values should get.</summary>
    /// <param name="own">The branch's own type.</param>
    /// <param name="visitor">Called once.</param>
    internal abstract TResult Accept<TResult>(RootElementType own, IElementTypeVisitor<TResult> visitor);

    private sealed record OwnType(string Name) : ColumnRequest(Name)
    {
        internal override Type? ValueType => null;

        internal override TResult Accept<TResult>(RootElementType own, IElementTypeVisitor<TResult> visitor) => own.Accept(visitor);
    }

    private sealed record Converted<T>(string Name) : ColumnRequest(Name)
        where T : unmanaged
    {
        internal override Type? ValueType => typeof(T);

        internal override TResult Accept<TResult>(RootElementType own, IElementTypeVisitor<TResult> visitor) => visitor.Visit<T>();
    }
}
