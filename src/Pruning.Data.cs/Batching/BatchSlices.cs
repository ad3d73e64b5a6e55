using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>Some graphs of a batch as a batch of their own.</summary>
public static class BatchSlices
{
    /// <summary>[graphs + 1] where the edges of each graph begin. O(edges).</summary>
    /// <param name="batch">The batch.</param>
    public static int[] EdgeOffsets(GraphBatch batch)
    {
        // Edges stand graph after graph in a batch.
        int[] offsets = new int[batch.GraphCount + 1];
        for (int e = 0; e < batch.EdgeCount; e++)
            offsets[batch.GraphOfNode[batch.Source[e]] + 1]++;
        for (int g = 0; g < batch.GraphCount; g++)
            offsets[g + 1] += offsets[g];
        return offsets;
    }

    /// <summary>
    /// Divides items into parts of about the same cost: the dearest item goes to the cheapest part, then the next. Equal costs go by
    /// number, so the answer depends on the costs alone.
    /// </summary>
    /// <param name="costs">Cost of each item, not negative.</param>
    /// <param name="parts">Most parts, at least 1.</param>
    /// <returns>Items of each part in rising order; no part is empty.</returns>
    public static int[][] Balanced(IReadOnlyList<long> costs, int parts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(parts, 1);
        var found = new List<int>[Math.Min(parts, costs.Count)];
        long[] load = new long[found.Length];
        for (int p = 0; p < found.Length; p++)
            found[p] = [];
        foreach (int item in Enumerable.Range(0, costs.Count).OrderByDescending(item => costs[item]).ThenBy(item => item))
        {
            int cheapest = 0;
            for (int p = 1; p < load.Length; p++)
            {
                // Parts without an item come first even when costs are zero.
                if (load[p] < load[cheapest] || (load[p] == load[cheapest] && found[p].Count < found[cheapest].Count))
                    cheapest = p;
            }

            found[cheapest].Add(item);
            load[cheapest] += costs[item];
        }

        foreach (List<int> part in found)
            part.Sort();
        return Array.ConvertAll(found, part => part.ToArray());
    }

    /// <summary>The given graphs laid end to end, in the given order.</summary>
    /// <param name="batch">Where they are.</param>
    /// <param name="graphs">Graphs of the batch.</param>
    /// <exception cref="ArgumentOutOfRangeException">A graph is not in the batch.</exception>
    public static GraphBatch Of(GraphBatch batch, IReadOnlyList<int> graphs)
    {
        int[] edgeOffsets = EdgeOffsets(batch);
        ShowerGraph[] slices = new ShowerGraph[graphs.Count];
        for (int i = 0; i < slices.Length; i++)
        {
            int graph = graphs[i];
            ArgumentOutOfRangeException.ThrowIfNegative(graph);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(graph, batch.GraphCount);
            int first = batch.NodeOffsets[graph];
            int end = batch.NodeOffsets[graph + 1];
            int width = ShowerGraph.FeatureCount;
            int[] source = Ends(batch.Source, edgeOffsets[graph], edgeOffsets[graph + 1], first);
            int[] target = Ends(batch.Target, edgeOffsets[graph], edgeOffsets[graph + 1], first);
            byte[] labels = Array.ConvertAll(batch.Labels[first..end], label => (byte)label);
            slices[i] = new ShowerGraph(batch.Origins[graph], batch.Features[(first * width)..(end * width)], source, target, labels, batch.LinkCounts[graph] < 0 ? null : batch.LinkCounts[graph])
            {
                Layers = batch.Layers.Length == 0 ? null : batch.Layers[first..end],
                HitCounts = batch.HitCounts[first..end],
            };
        }

        return BatchAssembler.Collate(slices);
    }

    private static int[] Ends(long[] ends, int first, int end, int firstNode)
    {
        int[] own = new int[end - first];
        for (int e = first; e < end; e++)
            own[e - first] = (int)(ends[e] - firstNode);
        return own;
    }
}
