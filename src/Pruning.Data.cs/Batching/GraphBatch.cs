using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>
/// Several graphs laid end to end as one block-diagonal graph: node and edge arrays are concatenated, edge ends are
/// shifted by the nodes before them. Plain arrays, ready to become tensors without another copy.
/// </summary>
public sealed class GraphBatch
{
    private readonly Lazy<LinkForest> _forest;

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

    /// <summary>The order in which edges are visited.</summary>
    public NeighbourPlan Plan { get; }

    /// <summary>The links as a forest, found when first asked for: only strategies that decide jointly need it.</summary>
    public LinkForest Forest => _forest.Value;

    /// <summary>Number of graphs.</summary>
    public int GraphCount => Origins.Length;

    /// <summary>Number of nodes.</summary>
    public int NodeCount => Labels.Length;

    /// <summary>Number of directed edges.</summary>
    public int EdgeCount => Source.Length;
}
