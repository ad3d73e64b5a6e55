using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>
/// Several graphs laid end to end as one block-diagonal graph: node and edge arrays are concatenated, edge ends are
/// shifted by the nodes before them. Plain arrays, ready to become tensors without another copy.
/// </summary>
public sealed class GraphBatch
{
    private readonly Lazy<LinkForest> _forest;
    private readonly Lazy<int[]> _seeds;
    private readonly Lazy<NodeSurroundings> _surroundings;

    internal GraphBatch(GraphOrigin[] origins, int[] nodeOffsets, float[] features, long[] source, long[] target, long[] graphOfNode, long[] labels, NeighbourPlan plan)
    {
        Origins = origins;
        NodeOffsets = nodeOffsets;
        Features = features;
        Source = source;
        Target = target;
        GraphOfNode = graphOfNode;
        Labels = labels;
        Plan = plan;
        _forest = new Lazy<LinkForest>(() => LinkForest.Of(this));
        _seeds = new Lazy<int[]>(() => SeedsOf(this));
        _surroundings = new Lazy<NodeSurroundings>(() => NodeSurroundings.Of(this));
    }

    /// <summary>[graphs] where each graph came from.</summary>
    public GraphOrigin[] Origins { get; }

    /// <summary>[graphs + 1] graph g owns the nodes [NodeOffsets[g], NodeOffsets[g + 1]).</summary>
    public int[] NodeOffsets { get; }

    /// <summary>Row-major [nodes, 9], see <see cref="ShowerGraph.Features"/>.</summary>
    public float[] Features { get; }

    /// <summary>[edges] node of the batch that a message leaves.</summary>
    public long[] Source { get; }

    /// <summary>[edges] node of the batch that a message reaches.</summary>
    public long[] Target { get; }

    /// <summary>[nodes] graph of each node, rising.</summary>
    public long[] GraphOfNode { get; }

    /// <summary>[nodes] 1 = prune, 0 = keep.</summary>
    public long[] Labels { get; }

    /// <summary>[nodes] calorimeter layer of each node, see <see cref="ShowerGraph.Layers"/>; 0 where nobody knows.</summary>
    public byte[] Layers { get; internal init; } = [];

    /// <summary>[nodes] hits of each node, see <see cref="ShowerGraph.HitCounts"/>; 0 where nobody knows.</summary>
    public int[] HitCounts { get; internal init; } = [];

    /// <summary>[graphs] how many of the first edges of each graph are its links, parent to follower; -1 where nobody said.</summary>
    public int[] LinkCounts { get; internal init; } = [];

    /// <summary>The order in which edges are visited.</summary>
    public NeighbourPlan Plan { get; }

    /// <summary>The links as a forest, found when first asked for: only strategies that decide jointly need it.</summary>
    public LinkForest Forest => _forest.Value;

    /// <summary>
    /// [graphs] the node of each graph that is its seed: positions are relative to it, so it is the node nearest to (0, 0, 0);
    /// of several the one with the Low flag, with the High flag, with the most energy, the first. 0 for an empty graph.
    /// </summary>
    public int[] Seeds => _seeds.Value;

    /// <summary>What the surroundings of each node look like, found when first asked for.</summary>
    public NodeSurroundings Surroundings => _surroundings.Value;

    // What is known of nodes and links does not change with the edges.
    private GraphBatch SameNodes
    {
        init => (_forest, _seeds, _surroundings) = (value._forest, value._seeds, value._surroundings);
    }

    /// <summary>Number of graphs.</summary>
    public int GraphCount => Origins.Length;

    /// <summary>Number of nodes.</summary>
    public int NodeCount => Labels.Length;

    /// <summary>Number of directed edges.</summary>
    public int EdgeCount => Source.Length;

    /// <summary>The same graphs with other edges, which stand graph after graph and begin with the links of each; both are kept.</summary>
    /// <param name="source">[edges] node that a message leaves.</param>
    /// <param name="target">[edges] node that a message reaches.</param>
    internal GraphBatch WithEdges(long[] source, long[] target) =>
        new(Origins, NodeOffsets, Features, source, target, GraphOfNode, Labels, BatchAssembler.Plan(NodeCount, source, target))
        {
            Layers = Layers,
            HitCounts = HitCounts,
            LinkCounts = LinkCounts,
            SameNodes = this,
        };

    private static int[] SeedsOf(GraphBatch batch)
    {
        int[] seeds = new int[batch.GraphCount];
        for (int g = 0; g < seeds.Length; g++)
        {
            int first = batch.NodeOffsets[g], end = batch.NodeOffsets[g + 1];
            if (first == end)
                continue;
            int best = first;
            (double, float, float, float) least = Rank(batch, first);
            for (int i = first + 1; i < end; i++)
            {
                (double, float, float, float) rank = Rank(batch, i);
                if (rank.CompareTo(least) < 0)
                    (best, least) = (i, rank);
            }

            seeds[g] = best;
        }

        return seeds;
    }

    private static (double Distance, float Low, float High, float Energy) Rank(GraphBatch batch, int node)
    {
        ReadOnlySpan<float> row = batch.Features.AsSpan(node * ShowerGraph.FeatureCount, ShowerGraph.FeatureCount);
        double distance = ((double)row[0] * row[0]) + ((double)row[1] * row[1]) + ((double)row[2] * row[2]);
        return (distance, -row[8], -row[7], -row[3]);
    }
}
