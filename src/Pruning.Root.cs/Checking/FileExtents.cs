using Pruning.Root.Errors;

namespace Pruning.Root.Checking;

/// <summary>
/// The byte ranges of the records of a file. Two records that overlap without being equal are an error. A record that two
/// cycles of a tree share is one range.
/// </summary>
internal sealed class FileExtents
{
    private readonly SortedDictionary<(long First, long End), RootLocation> _extents = [];

    /// <summary>Adds the bytes of a record.</summary>
    public void Add(long first, long bytes, RootLocation at)
    {
        if (first > 0 && bytes > 0)
            _extents.TryAdd((first, first + bytes), at with { Byte = first });
    }

    /// <summary>Every record that begins inside of one before it.</summary>
    public IEnumerable<RootFinding> Overlaps()
    {
        (long First, long End) above = default;
        foreach (((long First, long End) extent, RootLocation at) in _extents)
        {
            if (extent.First < above.End)
            {
                yield return new RootFinding(
                    RootErrorKind.CorruptKey,
                    $"the record of the bytes {extent.First} to {extent.End} begins inside the one of the bytes "
                        + $"{above.First} to {above.End}",
                    at);
            }
            if (extent.End > above.End)
                above = extent;
        }
    }
}
