namespace Pruning.Root.Columns;

/// <summary>Work that is done for one of the eleven .NET types of values, which is known at run time only.</summary>
internal interface IElementTypeVisitor<out TResult>
{
    TResult Visit<T>()
        where T : unmanaged;
}
