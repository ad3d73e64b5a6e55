namespace Pruning.Root;

/// <summary>One branch to read, and the type that its values should get.</summary>
public abstract record ColumnRequest
{
    private protected ColumnRequest(string branch) => Branch = branch;

    /// <summary>Name of the branch.</summary>
    public string Branch { get; }

    /// <summary>A branch in its own type.</summary>
    public static ColumnRequest Of(string branch) => new OwnType(branch);

    /// <summary>A branch converted to <typeparamref name="T"/> while it is decoded; see <see cref="RootTree.ReadAs{T}"/>.</summary>
    public static ColumnRequest As<T>(string branch)
        where T : unmanaged => new Converted<T>(branch);

    /// <summary>Type that the values should get; null for their own.</summary>
    internal abstract Type? ValueType { get; }

    internal abstract ColumnSink CreateSink(RootBranch branch, long first, long end);

    private sealed record OwnType(string Name) : ColumnRequest(Name)
    {
        internal override Type? ValueType => null;

        internal override ColumnSink CreateSink(RootBranch branch, long first, long end) => branch.SupportedLayout().Element.Type switch
        {
            RootElementType.Bool => new ColumnSink<bool>(branch, first, end),
            RootElementType.Int8 => new ColumnSink<sbyte>(branch, first, end),
            RootElementType.UInt8 => new ColumnSink<byte>(branch, first, end),
            RootElementType.Int16 => new ColumnSink<short>(branch, first, end),
            RootElementType.UInt16 => new ColumnSink<ushort>(branch, first, end),
            RootElementType.Int32 => new ColumnSink<int>(branch, first, end),
            RootElementType.UInt32 => new ColumnSink<uint>(branch, first, end),
            RootElementType.Int64 => new ColumnSink<long>(branch, first, end),
            RootElementType.UInt64 => new ColumnSink<ulong>(branch, first, end),
            RootElementType.Float32 => new ColumnSink<float>(branch, first, end),
            _ => new ColumnSink<double>(branch, first, end),
        };
    }

    private sealed record Converted<T>(string Name) : ColumnRequest(Name)
        where T : unmanaged
    {
        internal override Type? ValueType => typeof(T);

        internal override ColumnSink CreateSink(RootBranch branch, long first, long end) => new ColumnSink<T>(branch, first, end);
    }
}
