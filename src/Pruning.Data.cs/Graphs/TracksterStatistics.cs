namespace Pruning.Data.Graphs;

/// <summary>
/// What a set of graphs looks like: the two numbers that the original research code printed (graphs without pruning,
/// pruned nodes) and distributions. A state that adds: see graphs one by one, merge states.
/// </summary>
public sealed class TracksterStatistics
{
    private static readonly double[] s_sizes = [0, 1, 2, 3, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100, 150, 200, 500, 1000, 10000];
    private static readonly double[] s_degrees = [0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 30, 100];
    private static readonly double[] s_logEnergies =
        [-3, -2.5, -2, -1.75, -1.5, -1.25, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3];
    private static readonly double[] s_tracksterEnergies = [0, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 400, 1000];
    private static readonly double[] s_shares = [0, double.Epsilon, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1];
    private static readonly double[] s_times = [0, 5, 10, 10.5, 11, 11.5, 12, 12.5, 13, 14, 15, 16, 18, 20, 25];
    private static readonly double[] s_fractions = [0, double.Epsilon, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999999, 1];
    private readonly Moments[] _features = new Moments[ShowerGraph.FeatureCount];

    /// <summary>Graphs seen.</summary>
    public long GraphCount { get; private set; }

    /// <summary>Nodes seen.</summary>
    public long NodeCount { get; private set; }

    /// <summary>Links of the tracksters seen, each once.</summary>
    public long LinkCount { get; private set; }

    /// <summary>Nodes to prune.</summary>
    public long PrunedNodeCount { get; private set; }

    /// <summary>Graphs without a node to prune.</summary>
    public long GraphsWithoutPruning { get; private set; }

    /// <summary>Links whose parent is to be pruned and whose follower is to be kept: pruning does not take whole sub-trees.</summary>
    public long ViolatingLinkCount { get; private set; }

    /// <summary>Graphs with such a link.</summary>
    public long GraphsWithViolation { get; private set; }

    /// <summary>Graphs that have one link less than nodes, as a tree has.</summary>
    public long GraphsOfTreeSize { get; private set; }

    /// <summary>Nodes with a time above 0.</summary>
    public long NodesWithTime { get; private set; }

    /// <summary>Energy of all nodes in GeV.</summary>
    public double TotalEnergy { get; private set; }

    /// <summary>Energy of the nodes to prune in GeV.</summary>
    public double PrunedEnergy { get; private set; }

    /// <summary>Share of graphs that need no pruning, in percent (original: calculate_stats); NaN without graphs.</summary>
    public double GraphsWithoutPruningPercent => 100.0 * GraphsWithoutPruning / GraphCount;

    /// <summary>Share of nodes that are to be pruned, in percent (original: calculate_stats); NaN without nodes.</summary>
    public double PrunedNodesPercent => 100.0 * PrunedNodeCount / NodeCount;

    /// <summary>Share of the energy that is to be pruned, in percent.</summary>
    public double PrunedEnergyPercent => 100.0 * PrunedEnergy / TotalEnergy;

    /// <summary>
    /// Share of graphs in which a pruned parent has a kept follower, in percent: those that the original's loader left out.
    /// </summary>
    public double GraphsWithViolationPercent => 100.0 * GraphsWithViolation / GraphCount;

    /// <summary>Nodes to keep for each node to prune: what a weight has to balance.</summary>
    public double KeptPerPruned => (double)(NodeCount - PrunedNodeCount) / PrunedNodeCount;

    /// <summary>Nodes whose share of the shower the file gives.</summary>
    public long NodesWithFraction => Fractions.Moments.Count;

    /// <summary>Share of links that violate sub-tree pruning, in percent; NaN without links.</summary>
    public double ViolatingLinksPercent => 100.0 * ViolatingLinkCount / LinkCount;

    /// <summary>Nodes of a graph.</summary>
    public Histogram NodesPerGraph { get; } = new(s_sizes);

    /// <summary>Links of a graph.</summary>
    public Histogram LinksPerGraph { get; } = new(s_sizes);

    /// <summary>Links that touch a node, as parent or as follower.</summary>
    public Histogram LinksPerNode { get; } = new(s_degrees);

    /// <summary>Links from a node without a parent to the farthest node below it, the largest of a graph.</summary>
    public Histogram Depth { get; } = new(s_sizes);

    /// <summary>Times of nodes that have one above 0, ns.</summary>
    public Histogram Times { get; } = new(s_times);

    /// <summary>
    /// Shares of nodes' energies that belong to the shower, where the file gives them; the first bin is exactly none, the last
    /// next to all.
    /// </summary>
    public Histogram Fractions { get; } = new(s_fractions);

    /// <summary>Nodes of a graph with a seed flag.</summary>
    public Histogram SeedsPerGraph { get; } = new(0, 1, 2, 3, 4, 10);

    /// <summary>Share of a graph's nodes that are to be pruned; the first bin is exactly none.</summary>
    public Histogram PrunedSharePerGraph { get; } = new(s_shares);

    /// <summary>Energy of a graph in GeV.</summary>
    public Histogram TracksterEnergy { get; } = new(s_tracksterEnergies);

    /// <summary>Logarithm to base 10 of the energy of a node in GeV; energies of 0 or less are not in it.</summary>
    public Histogram LogEnergy { get; } = new(s_logEnergies);

    /// <summary>The same of the nodes to prune.</summary>
    public Histogram LogEnergyPruned { get; } = new(s_logEnergies);

    /// <summary>[9] moments of each feature as the network sees it.</summary>
    public IReadOnlyList<Moments> Features => _features;

    /// <summary>[bins of <see cref="LogEnergy"/>] share of the nodes to prune; NaN in an empty bin.</summary>
    public double[] PrunedShareByEnergy() => [.. LogEnergy.Counts.Zip(LogEnergyPruned.Counts, (all, pruned) => (double)pruned / all)];

    /// <summary>Sees a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="fractions">[nodes] shares of the shower, or nothing where they are not known.</param>
    /// <exception cref="ArgumentException">A graph that does not say which of its edges are the trackster's own.</exception>
    public void Add(ShowerGraph graph, ReadOnlySpan<float> fractions = default)
    {
        int links = graph.LinkCount
            ?? throw new ArgumentException($"{graph.Origin}: the graph does not say which edges are links of its trackster.",
            nameof(graph));
        int pruned = 0, seeds = 0;
        double energy = 0;
        for (int i = 0; i < graph.NodeCount; i++)
        {
            ReadOnlySpan<float> row = graph.Features.AsSpan(i * ShowerGraph.FeatureCount, ShowerGraph.FeatureCount);
            for (int f = 0; f < row.Length; f++)
                _features[f].Add(row[f]);
            bool prune = graph.Labels[i] == 1;
            pruned += prune ? 1 : 0;
            seeds += row[(int)RawFeature.SeedHigh] > 0 || row[(int)RawFeature.SeedLow] > 0 ? 1 : 0;
            if (row[(int)RawFeature.Time] > 0)
            {
                NodesWithTime++;
                Times.Add(row[(int)RawFeature.Time]);
            }

            energy += row[(int)RawFeature.Energy];
            PrunedEnergy += prune ? row[(int)RawFeature.Energy] : 0;
            if (row[(int)RawFeature.Energy] > 0)
            {
                double log = Math.Log10(row[(int)RawFeature.Energy]);
                LogEnergy.Add(log);
                if (prune)
                    LogEnergyPruned.Add(log);
            }
        }

        GraphCount++;
        NodeCount += graph.NodeCount;
        LinkCount += links;
        PrunedNodeCount += pruned;
        TotalEnergy += energy;
        GraphsWithoutPruning += pruned == 0 ? 1 : 0;
        GraphsOfTreeSize += links == graph.NodeCount - 1 ? 1 : 0;
        NodesPerGraph.Add(graph.NodeCount);
        LinksPerGraph.Add(links);
        SeedsPerGraph.Add(seeds);
        TracksterEnergy.Add(energy);
        if (graph.NodeCount > 0)
            PrunedSharePerGraph.Add((double)pruned / graph.NodeCount);
        foreach (float fraction in fractions)
            Fractions.Add(fraction);
        AddLinks(graph, links);
    }

    /// <summary>Adds what another has seen.</summary>
    public void Merge(TracksterStatistics other)
    {
        GraphCount += other.GraphCount;
        NodeCount += other.NodeCount;
        LinkCount += other.LinkCount;
        PrunedNodeCount += other.PrunedNodeCount;
        GraphsWithoutPruning += other.GraphsWithoutPruning;
        ViolatingLinkCount += other.ViolatingLinkCount;
        GraphsWithViolation += other.GraphsWithViolation;
        GraphsOfTreeSize += other.GraphsOfTreeSize;
        NodesWithTime += other.NodesWithTime;
        TotalEnergy += other.TotalEnergy;
        PrunedEnergy += other.PrunedEnergy;
        NodesPerGraph.Merge(other.NodesPerGraph);
        LinksPerGraph.Merge(other.LinksPerGraph);
        LinksPerNode.Merge(other.LinksPerNode);
        Depth.Merge(other.Depth);
        Times.Merge(other.Times);
        Fractions.Merge(other.Fractions);
        SeedsPerGraph.Merge(other.SeedsPerGraph);
        PrunedSharePerGraph.Merge(other.PrunedSharePerGraph);
        TracksterEnergy.Merge(other.TracksterEnergy);
        LogEnergy.Merge(other.LogEnergy);
        LogEnergyPruned.Merge(other.LogEnergyPruned);
        for (int f = 0; f < _features.Length; f++)
            _features[f].Merge(other._features[f]);
    }

    private void AddLinks(ShowerGraph graph, int links)
    {
        int violations = 0;
        int[] touching = new int[graph.NodeCount];
        Depth.Add(DepthOf(graph, links));
        for (int e = 0; e < links; e++)
        {
            int parent = graph.Source[e], follower = graph.Target[e];
            touching[parent]++;
            touching[follower]++;
            violations += graph.Labels[parent] == 1 && graph.Labels[follower] == 0 ? 1 : 0;
        }

        foreach (int count in touching)
            LinksPerNode.Add(count);
        ViolatingLinkCount += violations;
        GraphsWithViolation += violations > 0 ? 1 : 0;
    }

    // Breadth first from every node without a parent; a node is reached once, so links in a circle end too.
    private static int DepthOf(ShowerGraph graph, int links)
    {
        int[] start = new int[graph.NodeCount + 1];
        bool[] reached = new bool[graph.NodeCount];
        bool[] hasParent = new bool[graph.NodeCount];
        for (int e = 0; e < links; e++)
        {
            start[graph.Source[e] + 1]++;
            hasParent[graph.Target[e]] |= graph.Source[e] != graph.Target[e];
        }

        for (int i = 0; i < graph.NodeCount; i++)
            start[i + 1] += start[i];
        int[] followers = new int[links];
        int[] next = start[..graph.NodeCount];
        for (int e = 0; e < links; e++)
            followers[next[graph.Source[e]]++] = graph.Target[e];
        List<int> level = [];
        for (int i = 0; i < graph.NodeCount; i++)
        {
            if (!hasParent[i])
            {
                level.Add(i);
                reached[i] = true;
            }
        }

        int depth = 0;
        while (true)
        {
            List<int> below = [];
            foreach (int node in level)
            {
                for (int f = start[node]; f < start[node + 1]; f++)
                {
                    if (!reached[followers[f]])
                    {
                        reached[followers[f]] = true;
                        below.Add(followers[f]);
                    }
                }
            }

            if (below.Count == 0)
                return depth;
            depth++;
            level = below;
        }
    }
}
