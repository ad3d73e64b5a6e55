namespace Pruning.Root.Trees;

/// <summary>Cuts entries into the ranges that were written together, so that no basket is decompressed twice.</summary>
internal static class ClusterRanges
{
    /// <summary>Entries [First, End) of each chunk, in order.</summary>
    /// <param name="autoFlush">Entries of a cluster, where positive.</param>
    /// <param name="clusters">Up to which entry (inclusive) clusters have which size; what follows has
    /// <paramref name="autoFlush"/>.</param>
    /// <param name="branches">The branches to read. If the tree has no clusters, the branch with the fewest baskets gives the cuts.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one.</param>
    public static IEnumerable<(long First, long End)> Of(long autoFlush,
        IReadOnlyList<(long Last, long Size)> clusters, IReadOnlyList<RootBranch> branches, long first, long end)
    {
        long[] starts = autoFlush > 0 || clusters.Count > 0 || branches.Count == 0
            ? []
            : [.. branches.MinBy(branch => branch.BasketCount)!.BasketStarts];
        int next = 0;
        while (first < end)
        {
            long cut;
            if (starts.Length > 0)
            {
                while (next < starts.Length && starts[next] <= first)
                    next++;
                cut = next < starts.Length ? starts[next] : end;
            }
            else
            {
                cut = EndOfCluster(autoFlush, clusters, first);
            }
            cut = cut > first ? Math.Min(cut, end) : end; // ignore a table that decreases
            yield return (first, cut);
            first = cut;
        }
    }

    private static long EndOfCluster(long autoFlush, IReadOnlyList<(long Last, long Size)> clusters, long entry)
    {
        long begin = 0;
        foreach ((long last, long size) in clusters)
        {
            if (entry <= last)
                return size > 0 ? Math.Min(Next(begin, size, entry), last + 1) : last + 1;
            begin = Math.Max(begin, last + 1);
        }
        return autoFlush > 0 ? Next(begin, autoFlush, entry) : long.MaxValue;
    }

    private static long Next(long begin, long size, long entry)
    {
        long whole = (entry - begin) / size * size;
        return size > long.MaxValue - begin - whole ? long.MaxValue : begin + whole + size;
    }
}
