namespace Pruning.Data.Batching;

/// <summary>
/// What a network needs of a batch besides its graphs. It depends on the graphs alone, so the loader's workers prepare it and the
/// thread that trains only copies it to the device. A batch remembers its preparation.
/// </summary>
public sealed record GraphPreparation
{
    /// <summary>Nothing besides the graphs and the order of their edges.</summary>
    public static GraphPreparation None { get; } = new();

    /// <summary>Whether features are computed from the seed, the layer or the hits of each node.</summary>
    public bool Details { get; init; }

    /// <summary>Whether features of the surroundings of each node are read, see <see cref="NodeSurroundings"/>.</summary>
    public bool Surroundings { get; init; }

    /// <summary>Edges that each node gets from its nearest neighbours, besides those of the graph; 0 or more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative number.</exception>
    public int Neighbours
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>Whether the links are wanted as a forest, see <see cref="LinkForest"/>.</summary>
    public bool Forest { get; init; }

    /// <summary>
    /// Whether a batch prepared like this serves a network that needs <paramref name="wanted"/>. More features or a forest do no
    /// harm; other edges do.
    /// </summary>
    /// <param name="wanted">What the network needs.</param>
    public bool Covers(GraphPreparation wanted) =>
        Neighbours == wanted.Neighbours
        && (Details || !wanted.Details)
        && (Surroundings || !wanted.Surroundings)
        && (Forest || !wanted.Forest);

    /// <summary>The same graphs, prepared like this. The arrays of the graphs are shared. The loader does this on its workers.</summary>
    /// <param name="batch">Graphs, prepared in any way.</param>
    /// <returns><paramref name="batch"/> itself when it is prepared like this already.</returns>
    public GraphBatch Apply(GraphBatch batch) => batch.Preparation == this ? batch : Prepare(batch.Graphs);

    /// <summary>The parts, in words: for errors.</summary>
    public override string ToString()
    {
        List<string> parts = [];
        if (Details)
            parts.Add("details of nodes");
        if (Surroundings)
            parts.Add("surroundings of nodes");
        if (Neighbours > 0)
            parts.Add($"edges from {Neighbours} nearest neighbours");
        if (Forest)
            parts.Add("the forest of links");
        return parts.Count == 0 ? "the edges of the graphs alone" : string.Join(", ", parts);
    }

    internal GraphBatch Prepare(BatchGraphs graphs)
    {
        MessageEdges messages = NearestNeighbours.Join(graphs, Neighbours);
        return new GraphBatch(graphs, this,
            new PreparedParts(messages, BatchAssembler.Plan(graphs.NodeCount, messages.Source, messages.Target))
            {
                SeedOfNode = Details ? SeedOfNode(graphs) : null,
                Surroundings = Surroundings ? NodeSurroundings.Of(graphs) : null,
                Forest = Forest ? LinkForest.Of(graphs) : null,
            });
    }

    internal static long[] SeedOfNode(BatchGraphs graphs) => Array.ConvertAll(graphs.GraphOfNode, graph => (long)graphs.Seeds[graph]);
}
