using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>Items [First, End) of a cluster, counted within it, that a read needs.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="First">First item.</param>
/// <param name="End">Item after the last one.</param>
/// <param name="Start">Index of the first one in the output.</param>
/// <param name="IsLast">The cluster has no items after these.</param>
internal readonly record struct ClusterSlice(ClusterRecord Cluster, long First, long End, long Start, bool IsLast)
{
    /// <summary>Memory of one, for budgets.</summary>
    public const int Bytes = 40;

    public long Count => End - First;
}

/// <summary>Finds the pages of a column that hold the wanted elements of a cluster.</summary>
internal static class ClusterColumns
{
    /// <summary>Adds a read for every page that holds a wanted element.</summary>
    /// <param name="reads">Takes the reads.</param>
    /// <param name="sink">Takes the elements.</param>
    /// <param name="family">The column, in all representations.</param>
    /// <param name="slice">The wanted elements; <see cref="ClusterSlice.Start"/> is the destination of the first.</param>
    /// <param name="perEntry">Elements per entry where that is constant, else null.</param>
    /// <param name="budget">Memory of the call.</param>
    /// <returns>Number of elements at the beginning of the slice that were never written: they are zero.</returns>
    public static long AddReads(List<PageRead> reads, PageSink sink, ColumnFamily family, ClusterSlice slice, long? perEntry,
        ReadBudget budget)
    {
        RootLocation at = sink.Location with { Cluster = slice.Cluster.Index };
        (PhysicalColumn column, PageRange? range) = Active(family, slice.Cluster, at);
        long missing = Missing(column, range, slice.Cluster, perEntry, at);
        long elements = missing + (range?.Elements ?? 0);
        if (slice.End > elements)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"the cluster's elements {slice.First} to {slice.End} are wanted but its pages have {elements}", at);
        if (perEntry is long each && (UInt128)elements != (UInt128)slice.Cluster.EntryCount * (ulong)each)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"{slice.Cluster.EntryCount} entries of {each} elements have pages of {elements}", at);
        // Unused elements would only cost time to decompress; a hostile file could have any number of them.
        if (slice.IsLast && slice.End != elements)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"the cluster's lists end at element {slice.End} but its pages have {elements}", at);
        long begin = missing;
        PageRecord[] pages = range?.Pages ?? [];
        for (int i = 0; i < pages.Length && begin < slice.End; i++)
        {
            long first = Math.Max(slice.First, begin);
            long end = Math.Min(slice.End, begin + pages[i].Elements);
            if (first < end)
            {
                budget.Take(1, PageRead.Bytes, at);
                reads.Add(new PageRead(sink, column, pages[i], slice.Cluster.Index, i, (int)(first - begin), (int)(end - first),
                    slice.Start + (first - slice.First)));
            }
            begin += pages[i].Elements;
        }
        return Math.Clamp(missing - slice.First, 0, slice.Count);
    }

    // Clusters written before the schema was extended list fewer columns.
    private static (PhysicalColumn Column, PageRange? Range) Active(ColumnFamily family, ClusterRecord cluster, RootLocation at)
    {
        bool listed = false;
        foreach (PhysicalColumn column in family.Columns)
        {
            if (column.Id >= cluster.Columns.Length)
                continue;
            listed = true;
            if (!cluster.Columns[column.Id].IsSuppressed)
                return (column, cluster.Columns[column.Id]);
        }
        return listed
            ? throw new RootFormatException(RootErrorKind.CorruptNtuple, "every representation of the column is suppressed in the cluster",
                at)
            : (family.First, null);
    }

    // Entries before a field was added have no elements. They precede the elements that the cluster has.
    private static long Missing(PhysicalColumn column, PageRange? range, ClusterRecord cluster, long? perEntry, RootLocation at)
    {
        if (!column.IsDeferred || perEntry is not long each)
            return 0;
        UInt128 firstOfCluster = (UInt128)cluster.FirstEntry * (ulong)each;
        UInt128 wanted = (UInt128)cluster.EntryCount * (ulong)each;
        UInt128 missing = column.FirstElement <= firstOfCluster ? 0 : UInt128.Min(wanted, column.FirstElement - firstOfCluster);
        if (wanted > long.MaxValue || missing + (ulong)(range?.Elements ?? 0) > wanted)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"the field was added at element {column.FirstElement}, but the cluster has {range?.Elements ?? 0} of its {wanted} elements from {firstOfCluster} on", at);
        return (long)missing;
    }
}
