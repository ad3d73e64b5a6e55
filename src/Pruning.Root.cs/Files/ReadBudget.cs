using Pruning.Root.Errors;

namespace Pruning.Root.Files;

/// <summary>
/// The memory that one read may use. It is charged before each allocation, so sizes that a file claims have no effect.
/// Shared by the threads of the read.
/// </summary>
/// <param name="limit">Bytes.</param>
/// <param name="at">The location for errors if the caller gives none.</param>
internal sealed class ReadBudget(long limit, RootLocation at)
{
    private long _taken;

    /// <summary>Charges bytes that will be allocated.</summary>
    /// <exception cref="RootFormatException">They do not fit the limit.</exception>
    public void Take(long bytes) => Take(bytes, at);

    /// <summary>Charges an array of <paramref name="count"/> elements that belongs to <paramref name="place"/>.</summary>
    /// <exception cref="RootFormatException">It does not fit the limit, or no array can be as long.</exception>
    public void Take(long count, int elementBytes, RootLocation place)
    {
        CheckLength(count, place);
        Take(count * elementBytes, place);
    }

    /// <summary>Refuses arrays longer than any can be.</summary>
    public void CheckLength(long items) => CheckLength(items, at);

    private static void CheckLength(long items, RootLocation place)
    {
        if (items > Array.MaxLength)
            throw new RootFormatException(RootErrorKind.MemoryLimit, $"one array cannot hold {items} items", place,
                "Read fewer entries at once.");
    }

    private void Take(long bytes, RootLocation place)
    {
        long taken = Interlocked.Add(ref _taken, bytes);
        if (bytes < 0 || taken < 0 || taken > limit)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"the values would take more than the limit {nameof(RootReadOptions.MaxReadBytes)} of {limit} bytes",
                place,
                $"Read fewer entries at once, or raise {nameof(RootReadOptions.MaxReadBytes)}.");
        }
    }
}
