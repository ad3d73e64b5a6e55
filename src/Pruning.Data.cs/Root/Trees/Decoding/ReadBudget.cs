namespace Pruning.Data.Root;

/// <summary>
/// The memory that one read may take, charged as its columns grow: what the file claims counts for nothing. Shared by
/// the threads of the read.
/// </summary>
internal sealed class ReadBudget(long limit, RootLocation at)
{
    private long _taken;

    /// <summary>Charges bytes about to be taken.</summary>
    /// <exception cref="RootFormatException">They do not fit the limit.</exception>
    public void Take(long bytes)
    {
        long taken = Interlocked.Add(ref _taken, bytes);
        if (taken > limit)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"the values would take more than {nameof(RootReadOptions.MaxReadBytes)}, which is {limit}; read fewer entries at once or raise the limit",
                at);
        }
    }

    /// <summary>Refuses arrays longer than any can be.</summary>
    public void CheckLength(long items)
    {
        if (items > Array.MaxLength)
            throw new RootFormatException(RootErrorKind.MemoryLimit, $"one array cannot hold {items} items; read fewer entries at once", at);
    }
}
