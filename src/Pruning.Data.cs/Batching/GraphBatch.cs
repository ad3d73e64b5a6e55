using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>
/// Several graphs laid end to end as one block-diagonal graph: node and edge arrays are concatenated, edge ends are
/// shifted by the nodes before them. Plain arrays, ready to become tensors without another copy. What a network needs
/// besides is there once a <see cref="GraphPreparation"/> was applied.
/// </summary>
public sealed class GraphBatch
{
    private readonly long[]? _seedOfNode;
    private readonly NodeSurroundings? _surroundings;
    private readonly LinkForest? _forest;

    internal GraphBatch(BatchGraphs graphs, GraphPreparation preparation, PreparedParts parts)
    {
        Graphs = graphs;
        Preparation = preparation;
        Messages = parts.Messages;
        Plan = parts.Plan;
        _seedOfNode = parts.SeedOfNode;
        _surroundings = parts.Surroundings;
        _forest = parts.Forest;
    }

    internal BatchGraphs Graphs { get; }

    /// <summary>[graphs] where each graph came from.</summary>
    public GraphOrigin[] Origins => Graphs.Origins;

    /// <summary>[graphs + 1] graph g owns the nodes [NodeOffsets[g], NodeOffsets[g + 1]).</summary>
    public int[] NodeOffsets => Graphs.NodeOffsets;

    /// <summary>[graphs + 1] graph g owns the edges [EdgeOffsets[g], EdgeOffsets[g + 1]).</summary>
    public int[] EdgeOffsets => Graphs.EdgeOffsets;

    /// <summary>Row-major [nodes, <see cref="ShowerGraph.FeatureCount"/>], see <see cref="RawFeature"/>.</summary>
    public float[] Features => Graphs.Features;

    /// <summary>[edges] node of the batch at the beginning of each edge of the graphs.</summary>
    public long[] Source => Graphs.Source;

    /// <summary>[edges] node of the batch at the end of each edge of the graphs.</summary>
    public long[] Target => Graphs.Target;

    /// <summary>[nodes] graph of each node, rising.</summary>
    public long[] GraphOfNode => Graphs.GraphOfNode;

    /// <summary>[nodes] 1 = prune, 0 = keep.</summary>
    public long[] Labels => Graphs.Labels;

    /// <summary>[nodes] calorimeter layer of each node, see <see cref="ShowerGraph.Layers"/>; 0 where nobody knows.</summary>
    public byte[] Layers => Graphs.Layers;

    /// <summary>[nodes] hits of each node, see <see cref="ShowerGraph.HitCounts"/>; 0 where nobody knows.</summary>
    public int[] HitCounts => Graphs.HitCounts;

    /// <summary>[graphs] how many of the first edges of each graph are its links, parent to follower; -1 where nobody said.</summary>
    public int[] LinkCounts => Graphs.LinkCounts;

    /// <summary>
    /// [graphs] the node of each graph that is its seed: positions are relative to it, so it is the node nearest to (0, 0, 0);
    /// of several the one with the Low flag, with the High flag, with the most energy, the first. 0 for an empty graph.
    /// </summary>
    public int[] Seeds => Graphs.Seeds;

    /// <summary>Number of graphs.</summary>
    public int GraphCount => Graphs.GraphCount;

    /// <summary>Number of nodes.</summary>
    public int NodeCount => Graphs.NodeCount;

    /// <summary>Number of directed edges of the graphs.</summary>
    public int EdgeCount => Graphs.EdgeCount;

    /// <summary>What was prepared besides the graphs and the plan.</summary>
    public GraphPreparation Preparation { get; }

    /// <summary>
    /// The edges along which a network sends messages: those of the graphs and, if prepared, those of nearest neighbours.
    /// </summary>
    public MessageEdges Messages { get; }

    /// <summary>The order in which the edges of <see cref="Messages"/> are visited.</summary>
    public NeighbourPlan Plan { get; }

    /// <summary>[nodes] node that is the seed of each node's graph.</summary>
    /// <exception cref="InvalidOperationException">The batch is not prepared with it.</exception>
    public long[] SeedOfNode => _seedOfNode ?? throw NotPrepared("the seed of each node", nameof(GraphPreparation.Details));

    /// <summary>The features of the surroundings of each node.</summary>
    /// <exception cref="InvalidOperationException">The batch is not prepared with them.</exception>
    public NodeSurroundings Surroundings => _surroundings
        ?? throw NotPrepared("the surroundings of nodes", nameof(GraphPreparation.Surroundings));

    /// <summary>The links as a forest.</summary>
    /// <exception cref="InvalidOperationException">The batch is not prepared with it.</exception>
    public LinkForest Forest => _forest ?? throw NotPrepared("the forest of links", nameof(GraphPreparation.Forest));

    /// <summary>A raw feature of a node.</summary>
    public float Feature(int node, RawFeature column) => Graphs.Feature(node, column);

    private static InvalidOperationException NotPrepared(string what, string option) => new(
        $"Cannot read {what} of a batch: the batch was made without it. Make the batch with a {nameof(GraphPreparation)} "
            + $"that sets {option}.");
}
