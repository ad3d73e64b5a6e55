namespace Pruning.Data.Graphs;

/// <summary>Where a graph came from: enough to find it again and to name it in an error.</summary>
/// <param name="File">Path of the ROOT file, or a name for graphs made in memory.</param>
/// <param name="Entry">Entry of the tree Tracksters.</param>
/// <param name="Event">Event number if the file says which event, else null.</param>
public sealed record GraphOrigin(string File, long Entry, long? Event)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}, entry {Entry}";
}

/// <summary>
/// One trackster as a graph. Nodes are layer clusters, row i of every array is node i. Edges run source to target,
/// messages flow the same way; reversed edges and self loops are part of the list. Immutable by contract: the arrays
/// are shared, never copied, and nobody writes to them after <c>GraphBuilder</c> made them.
/// </summary>
public sealed class ShowerGraph
{
    /// <summary>Number of input features per node.</summary>
    public const int FeatureCount = (int)RawFeature.SeedLow + 1;

    /// <summary>Takes ownership of the arrays. Lengths are checked.</summary>
    /// <param name="origin">Where the graph came from.</param>
    /// <param name="features">Row-major [nodes, <see cref="FeatureCount"/>].</param>
    /// <param name="source">[edges] node a message leaves.</param>
    /// <param name="target">[edges] node a message reaches.</param>
    /// <param name="labels">[nodes] 1 = prune, 0 = keep.</param>
    /// <param name="linkCount">How many of the first edges are the trackster's own links, if that is known.</param>
    /// <exception cref="ArgumentException">Lengths disagree, or an edge names a node that is not there.</exception>
    public ShowerGraph(GraphOrigin origin, float[] features, int[] source, int[] target, byte[] labels, int? linkCount = null)
    {
        Origin = origin;
        Features = features;
        Source = source;
        Target = target;
        Labels = labels;
        LinkCount = linkCount;
        if (features.Length != labels.Length * FeatureCount)
            throw new ArgumentException(
                $"{origin}: wanted {labels.Length} x {FeatureCount} features for {labels.Length} labels, found {features.Length}.");
        if (source.Length != target.Length)
            throw new ArgumentException($"{origin}: {source.Length} edge sources but {target.Length} edge targets.");
        if (linkCount is int links && (uint)links > (uint)source.Length)
            throw new ArgumentException($"{origin}: {links} links among {source.Length} edges.");
        for (int e = 0; e < source.Length; e++)
        {
            if ((uint)source[e] >= (uint)labels.Length || (uint)target[e] >= (uint)labels.Length)
                throw new ArgumentException($"{origin}: edge {e} runs {source[e]} -> {target[e]}, but there are {labels.Length} nodes.");
        }
    }

    /// <summary>File, entry and event.</summary>
    public GraphOrigin Origin { get; }

    /// <summary>Row-major [nodes, <see cref="FeatureCount"/>]: the columns of <see cref="RawFeature"/>.</summary>
    public float[] Features { get; }

    /// <summary>[edges] node a message leaves.</summary>
    public int[] Source { get; }

    /// <summary>[edges] node a message reaches.</summary>
    public int[] Target { get; }

    /// <summary>[nodes] 1 = prune, 0 = keep.</summary>
    public byte[] Labels { get; }

    /// <summary>
    /// [nodes] calorimeter layer of each node, from 1, as the file says or else as the position along the beam does
    /// (<see cref="CalorimeterLayers"/>); null where nobody knows.
    /// </summary>
    /// <exception cref="ArgumentException">Not one layer a node.</exception>
    public byte[]? Layers
    {
        get;
        init => field = value is null || value.Length == Labels.Length
            ? value
            : throw new ArgumentException($"{Origin}: wanted a layer for each of {Labels.Length} nodes, found {value.Length}.");
    }

    /// <summary>[nodes] hits (cells) of each layer cluster; null where nobody knows.</summary>
    /// <exception cref="ArgumentException">Not one number a node.</exception>
    public int[]? HitCounts
    {
        get;
        init => field = value is null || value.Length == Labels.Length
            ? value
            : throw new ArgumentException($"{Origin}: wanted the hits of each of {Labels.Length} nodes, found {value.Length} numbers.");
    }

    /// <summary>The same graph with other features.</summary>
    /// <param name="features">Row-major [nodes, <see cref="FeatureCount"/>]; kept.</param>
    public ShowerGraph WithFeatures(float[] features) =>
        new(Origin, features, Source, Target, Labels, LinkCount) { Layers = Layers, HitCounts = HitCounts };

    /// <summary>Number of layer clusters.</summary>
    public int NodeCount => Labels.Length;

    /// <summary>Number of directed edges, reversed ones and self loops included.</summary>
    public int EdgeCount => Source.Length;

    /// <summary>Edges [0, LinkCount) are the trackster's own links, parent to follower; null where nobody said.</summary>
    public int? LinkCount { get; }

    /// <summary>Energy of a node in GeV.</summary>
    public float Energy(int node) => Feature(node, RawFeature.Energy);

    /// <summary>A feature of a node.</summary>
    public float Feature(int node, RawFeature column) => Features[(node * FeatureCount) + (int)column];
}
