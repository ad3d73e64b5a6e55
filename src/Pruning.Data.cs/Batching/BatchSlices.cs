using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>Some graphs of a batch as a batch of their own.</summary>
public static class BatchSlices
{
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

    /// <summary>The given graphs laid end to end, in the given order, and prepared as the batch is.</summary>
    /// <param name="batch">Where they are.</param>
    /// <param name="graphs">Graphs of the batch; each may be taken several times.</param>
    /// <exception cref="ArgumentOutOfRangeException">A graph is not in the batch.</exception>
    public static GraphBatch Of(GraphBatch batch, IReadOnlyList<int> graphs)
    {
        foreach (int graph in graphs)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(graph, nameof(graphs));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(graph, batch.GraphCount, nameof(graphs));
        }

        BatchGraphs slice = Graphs(batch.Graphs, graphs);
        MessageEdges messages = ReferenceEquals(batch.Messages.Source, batch.Source)
            ? new MessageEdges(slice.Source, slice.Target, slice.EdgeOffsets)
            : Messages(batch, slice.NodeOffsets, graphs);
        GraphPreparation preparation = batch.Preparation;
        return new GraphBatch(slice, preparation,
            new PreparedParts(messages, BatchAssembler.Plan(slice.NodeCount, messages.Source, messages.Target))
            {
                SeedOfNode = preparation.Details ? GraphPreparation.SeedOfNode(slice) : null,
                Surroundings = preparation.Surroundings
                ? new NodeSurroundings(Pick(batch.Surroundings.Values, batch.NodeOffsets, graphs, NodeSurroundings.Count))
                : null,
                Forest = preparation.Forest ? LinkForest.Of(slice) : null,
            });
    }

    private static BatchGraphs Graphs(BatchGraphs all, IReadOnlyList<int> graphs)
    {
        int[] nodeOffsets = Offsets(all.NodeOffsets, graphs), edgeOffsets = Offsets(all.EdgeOffsets, graphs);
        long[] graphOfNode = new long[nodeOffsets[^1]];
        int[] seeds = new int[graphs.Count];
        for (int place = 0; place < graphs.Count; place++)
        {
            int first = nodeOffsets[place], end = nodeOffsets[place + 1];
            graphOfNode.AsSpan(first, end - first).Fill(place);
            seeds[place] = first == end ? 0 : all.Seeds[graphs[place]] - all.NodeOffsets[graphs[place]] + first;
        }

        return new BatchGraphs
        {
            Origins = [.. graphs.Select(graph => all.Origins[graph])],
            NodeOffsets = nodeOffsets,
            EdgeOffsets = edgeOffsets,
            Features = Pick(all.Features, all.NodeOffsets, graphs, ShowerGraph.FeatureCount),
            Source = Ends(all.Source, all.EdgeOffsets, all.NodeOffsets, nodeOffsets, graphs),
            Target = Ends(all.Target, all.EdgeOffsets, all.NodeOffsets, nodeOffsets, graphs),
            GraphOfNode = graphOfNode,
            Labels = Pick(all.Labels, all.NodeOffsets, graphs, 1),
            Layers = Pick(all.Layers, all.NodeOffsets, graphs, 1),
            HitCounts = Pick(all.HitCounts, all.NodeOffsets, graphs, 1),
            LinkCounts = [.. graphs.Select(graph => all.LinkCounts[graph])],
            Seeds = seeds,
        };
    }

    private static MessageEdges Messages(GraphBatch batch, int[] nodeOffsets, IReadOnlyList<int> graphs) => new(
        Ends(batch.Messages.Source, batch.Messages.Offsets, batch.NodeOffsets, nodeOffsets, graphs),
        Ends(batch.Messages.Target, batch.Messages.Offsets, batch.NodeOffsets, nodeOffsets, graphs),
        Offsets(batch.Messages.Offsets, graphs));

    // [graphs + 1] where the things of each graph begin when the graphs stand side by side.
    private static int[] Offsets(int[] all, IReadOnlyList<int> graphs)
    {
        int[] offsets = new int[graphs.Count + 1];
        for (int place = 0; place < graphs.Count; place++)
            offsets[place + 1] = checked(offsets[place] + all[graphs[place] + 1] - all[graphs[place]]);
        return offsets;
    }

    // The rows of the graphs side by side; `width` values a row.
    private static T[] Pick<T>(T[] values, int[] offsets, IReadOnlyList<int> graphs, int width)
    {
        int rows = 0;
        foreach (int graph in graphs)
            rows = checked(rows + offsets[graph + 1] - offsets[graph]);
        T[] picked = new T[checked(rows * width)];
        int next = 0;
        foreach (int graph in graphs)
        {
            int count = (offsets[graph + 1] - offsets[graph]) * width;
            values.AsSpan(offsets[graph] * width, count).CopyTo(picked.AsSpan(next, count));
            next += count;
        }

        return picked;
    }

    // Ends of edges, moved to where the nodes of their graphs are now.
    private static long[] Ends(long[] ends, int[] edgeOffsets, int[] nodeOffsets, int[] newNodeOffsets, IReadOnlyList<int> graphs)
    {
        long[] moved = Pick(ends, edgeOffsets, graphs, 1);
        int next = 0;
        for (int place = 0; place < graphs.Count; place++)
        {
            int graph = graphs[place];
            long shift = newNodeOffsets[place] - nodeOffsets[graph];
            int end = next + edgeOffsets[graph + 1] - edgeOffsets[graph];
            for (; next < end; next++)
                moved[next] += shift;
        }

        return moved;
    }
}
