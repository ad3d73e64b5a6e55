namespace Pruning.Data.Batching;

/// <summary>
/// The order in which a batch's edges are visited. It depends on the graphs alone, so it is built once per batch, in
/// the loader, and serves every layer, pass and backward step.
/// <para>
/// Gated aggregators walk all neighbourhoods at once: nodes are sorted by falling in-degree (equal degrees keep their
/// order), step t takes the t-th in-edge (in edge order) of every node that has one, and those nodes are a prefix of
/// the sorted list. Order-free aggregators use the same edges sorted by target.
/// </para>
/// </summary>
public sealed class NeighbourPlan
{
    internal NeighbourPlan(int[] activeCounts, long[] stepSource, long[] nodeOfRank, long[] rankOfNode, long[] segmentSource,
        long[] segmentTarget, long[] inDegree)
    {
        ActiveCounts = activeCounts;
        StepSource = stepSource;
        NodeOfRank = nodeOfRank;
        RankOfNode = rankOfNode;
        SegmentSource = segmentSource;
        SegmentTarget = segmentTarget;
        InDegree = inDegree;
    }

    /// <summary>[steps] how many nodes still have a neighbour at step t; never rising, and it sums to the edges.</summary>
    public int[] ActiveCounts { get; }

    /// <summary>[edges] source node of each visited edge, step after step; within a step in rank order.</summary>
    public long[] StepSource { get; }

    /// <summary>[nodes] node at each rank (rank 0 has the most in-edges).</summary>
    public long[] NodeOfRank { get; }

    /// <summary>[nodes] rank of each node: the inverse of <see cref="NodeOfRank"/>.</summary>
    public long[] RankOfNode { get; }

    /// <summary>[edges] source node of each edge, edges sorted by target, equal targets in edge order.</summary>
    public long[] SegmentSource { get; }

    /// <summary>[edges] target node of each edge, rising.</summary>
    public long[] SegmentTarget { get; }

    /// <summary>[nodes] number of in-edges.</summary>
    public long[] InDegree { get; }
}
