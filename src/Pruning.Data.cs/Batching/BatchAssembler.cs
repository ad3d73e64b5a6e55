using System.Numerics;
using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>Graphs to batches: everything that depends on the graphs alone is done here, once, in the loader.</summary>
public static class BatchAssembler
{
    /// <summary>Lays graphs end to end; the order of nodes and edges within each graph stays.</summary>
    /// <param name="graphs">Any number of graphs, none included.</param>
    /// <exception cref="OverflowException">More than 2^31 - 1 nodes, edges or feature values.</exception>
    public static GraphBatch Collate(IReadOnlyList<ShowerGraph> graphs) => Collate(graphs, GraphPreparation.None);

    /// <summary>Lays graphs end to end and prepares what a network needs of them.</summary>
    /// <param name="graphs">Any number of graphs, none included.</param>
    /// <param name="preparation">What the network needs.</param>
    /// <exception cref="OverflowException">More than 2^31 - 1 nodes, edges or feature values.</exception>
    public static GraphBatch Collate(IReadOnlyList<ShowerGraph> graphs, GraphPreparation preparation) => preparation.Prepare(Lay(graphs));

    private static BatchGraphs Lay(IReadOnlyList<ShowerGraph> graphs)
    {
        int[] nodeOffsets = new int[graphs.Count + 1];
        int[] edgeOffsets = new int[graphs.Count + 1];
        for (int g = 0; g < graphs.Count; g++)
        {
            nodeOffsets[g + 1] = checked(nodeOffsets[g] + graphs[g].NodeCount);
            edgeOffsets[g + 1] = checked(edgeOffsets[g] + graphs[g].EdgeCount);
        }

        int nodeCount = nodeOffsets[^1], edgeCount = edgeOffsets[^1];
        GraphOrigin[] origins = new GraphOrigin[graphs.Count];
        // All of it is written below.
        float[] features = GC.AllocateUninitializedArray<float>(checked(nodeCount * ShowerGraph.FeatureCount));
        long[] source = GC.AllocateUninitializedArray<long>(edgeCount);
        long[] target = GC.AllocateUninitializedArray<long>(edgeCount);
        long[] graphOfNode = GC.AllocateUninitializedArray<long>(nodeCount);
        long[] labels = GC.AllocateUninitializedArray<long>(nodeCount);
        byte[] layers = new byte[nodeCount]; // unknown until a graph says better
        int[] hits = new int[nodeCount]; // likewise
        int[] linkCounts = new int[graphs.Count];
        int[] seeds = new int[graphs.Count];
        for (int g = 0; g < graphs.Count; g++)
        {
            ShowerGraph graph = graphs[g];
            int firstNode = nodeOffsets[g], firstEdge = edgeOffsets[g];
            origins[g] = graph.Origin;
            linkCounts[g] = graph.LinkCount ?? -1;
            graph.Layers?.CopyTo(layers, firstNode);
            graph.HitCounts?.CopyTo(hits, firstNode);
            graph.Features.CopyTo(features, firstNode * ShowerGraph.FeatureCount);
            graphOfNode.AsSpan(firstNode, graph.NodeCount).Fill(g);
            Widen(graph.Labels, labels.AsSpan(firstNode, graph.NodeCount));
            Shift(graph.Source, firstNode, source.AsSpan(firstEdge, graph.EdgeCount));
            Shift(graph.Target, firstNode, target.AsSpan(firstEdge, graph.EdgeCount));
            seeds[g] = BatchGraphs.SeedOf(features, firstNode, nodeOffsets[g + 1]);
        }

        return new BatchGraphs
        {
            Origins = origins,
            NodeOffsets = nodeOffsets,
            EdgeOffsets = edgeOffsets,
            Features = features,
            Source = source,
            Target = target,
            GraphOfNode = graphOfNode,
            Labels = labels,
            Layers = layers,
            HitCounts = hits,
            LinkCounts = linkCounts,
            Seeds = seeds,
        };
    }

    /// <summary>
    /// The order in which edges are visited, by counting sorts: O(nodes + edges) whatever the degrees are.
    /// </summary>
    /// <param name="nodeCount">Number of nodes.</param>
    /// <param name="source">[edges] node a message leaves.</param>
    /// <param name="target">[edges] node a message reaches.</param>
    /// <exception cref="ArgumentException">Lengths disagree, or an edge names a node that is not there.</exception>
    public static NeighbourPlan Plan(int nodeCount, ReadOnlySpan<long> source, ReadOnlySpan<long> target)
    {
        if (source.Length != target.Length)
            throw new ArgumentException($"wanted as many edge targets as sources, {source.Length}, found {target.Length}.", nameof(target));
        long[] inDegree = new long[nodeCount];
        for (int e = 0; e < target.Length; e++)
        {
            if ((ulong)source[e] >= (ulong)nodeCount || (ulong)target[e] >= (ulong)nodeCount)
                throw new ArgumentException($"edge {e} runs {source[e]} -> {target[e]}, but there are {nodeCount} nodes.", nameof(target));
            inDegree[target[e]]++;
        }

        int[] activeCounts = ActiveCounts(inDegree);
        (long[] nodeOfRank, long[] rankOfNode) = Ranks(inDegree, activeCounts);

        // Where the edges of a step, and those of a target, begin.
        int[] stepStart = new int[activeCounts.Length];
        for (int t = 1; t < stepStart.Length; t++)
            stepStart[t] = stepStart[t - 1] + activeCounts[t - 1];
        int[] segmentStart = new int[nodeCount];
        for (int i = 1; i < nodeCount; i++)
            segmentStart[i] = segmentStart[i - 1] + (int)inDegree[i - 1];

        long[] stepSource = GC.AllocateUninitializedArray<long>(source.Length);
        long[] segmentSource = GC.AllocateUninitializedArray<long>(source.Length);
        long[] segmentTarget = GC.AllocateUninitializedArray<long>(source.Length);
        int[] seen = new int[nodeCount];
        for (int e = 0; e < source.Length; e++)
        {
            int node = (int)target[e];
            int step = seen[node]++;
            stepSource[stepStart[step] + (int)rankOfNode[node]] = source[e];
            int place = segmentStart[node] + step;
            segmentSource[place] = source[e];
            segmentTarget[place] = node;
        }

        return new NeighbourPlan(activeCounts, stepSource, nodeOfRank, rankOfNode, segmentSource, segmentTarget, inDegree);
    }

    // [t] nodes with more than t in-edges.
    private static int[] ActiveCounts(long[] inDegree)
    {
        long steps = 0;
        foreach (long degree in inDegree)
            steps = Math.Max(steps, degree);
        int[] counts = new int[steps];
        foreach (long degree in inDegree)
        {
            if (degree > 0)
                counts[degree - 1]++;
        }

        for (int t = counts.Length - 2; t >= 0; t--)
            counts[t] += counts[t + 1];
        return counts;
    }

    // The nodes of degree d follow those of more than d in-edges, of which there are activeCounts[d].
    private static (long[] NodeOfRank, long[] RankOfNode) Ranks(long[] inDegree, int[] activeCounts)
    {
        int[] next = new int[activeCounts.Length + 1];
        activeCounts.CopyTo(next, 0);
        long[] nodeOfRank = GC.AllocateUninitializedArray<long>(inDegree.Length);
        long[] rankOfNode = GC.AllocateUninitializedArray<long>(inDegree.Length);
        for (int node = 0; node < inDegree.Length; node++)
        {
            int rank = next[inDegree[node]]++;
            nodeOfRank[rank] = node;
            rankOfNode[node] = rank;
        }

        return (nodeOfRank, rankOfNode);
    }

    private static void Shift(int[] from, int by, Span<long> to)
    {
        int i = 0;
        Vector<int> shift = new(by); // a batch has fewer than 2^31 nodes: the sum fits before it is widened
        for (; i <= from.Length - Vector<int>.Count; i += Vector<int>.Count)
        {
            Vector.Widen(new Vector<int>(from, i) + shift, out Vector<long> low, out Vector<long> high);
            low.CopyTo(to[i..]);
            high.CopyTo(to[(i + Vector<long>.Count)..]);
        }

        for (; i < from.Length; i++)
            to[i] = from[i] + by;
    }

    private static void Widen(byte[] from, Span<long> to)
    {
        for (int i = 0; i < from.Length; i++)
            to[i] = from[i];
    }
}
