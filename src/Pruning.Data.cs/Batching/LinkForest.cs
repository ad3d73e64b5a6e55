namespace Pruning.Data.Batching;

/// <summary>One round of taking leaves off: none of its nodes has another of them for a parent, so a round is one step for all.</summary>
/// <param name="Child">[leaves] nodes that are taken off.</param>
/// <param name="Parent">[leaves] the one neighbour that each still has.</param>
/// <param name="Link">[leaves] the link between the two.</param>
/// <param name="ChildIsSecond">[leaves] whether the child is the second end of its link.</param>
public sealed record LeafRound(long[] Child, long[] Parent, long[] Link, bool[] ChildIsSecond);

/// <summary>
/// The links of a batch without direction, self loops and repetitions, and the order in which exact inference visits them.
/// <para>
/// CLUE3D links every layer cluster to at most one nearest higher one, so the links of a trackster are a forest. Leaves
/// are taken off round by round until one node of each tree is left: its root is then the middle of the tree, and the
/// number of rounds is half of the tree's diameter. Links on cycles, and between cycles, are never taken off; they are the
/// core.
/// </para>
/// </summary>
public sealed class LinkForest
{
    private LinkForest(long[] first, long[] second, LeafRound[] rounds, long[] roots, long[] coreLinks, bool[] isLoopy)
    {
        First = first;
        Second = second;
        Rounds = rounds;
        Roots = roots;
        CoreLinks = coreLinks;
        IsLoopy = isLoopy;
    }

    /// <summary>[links] the lower end of each link; links rise by (first, second).</summary>
    public long[] First { get; }

    /// <summary>[links] the higher end of each link.</summary>
    public long[] Second { get; }

    /// <summary>Rounds of leaves, from the outside in.</summary>
    public LeafRound[] Rounds { get; }

    /// <summary>[trees] the node of each tree that is left in the end.</summary>
    public long[] Roots { get; }

    /// <summary>[core] links that are never taken off; empty for a forest.</summary>
    public long[] CoreLinks { get; }

    /// <summary>[graphs] whether a graph's links hold a cycle.</summary>
    public bool[] IsLoopy { get; }

    /// <summary>Number of links.</summary>
    public int LinkCount => First.Length;

    /// <summary>Finds the forest of a batch. Cost: a sort of its edges.</summary>
    public static LinkForest Of(GraphBatch batch) => Of(batch.Graphs);

    internal static LinkForest Of(BatchGraphs graphs)
    {
        long[] keys = Links(graphs);
        int[] first = new int[keys.Length], second = new int[keys.Length];
        int[] degree = new int[graphs.NodeCount];
        for (int link = 0; link < keys.Length; link++)
        {
            (first[link], second[link]) = ((int)(keys[link] >> 32), (int)keys[link]);
            degree[first[link]]++;
            degree[second[link]]++;
        }
        (int[] offsets, int[] linkAt) = Incidence(first, second, degree);
        var roots = new List<long>();
        var rounds = new List<LeafRound>();
        bool[] taken = new bool[keys.Length];
        var leaves = new List<int>();
        for (int node = 0; node < degree.Length; node++)
        {
            if (degree[node] == 0)
                roots.Add(node);
            else if (degree[node] == 1)
                leaves.Add(node);
        }
        while (leaves.Count > 0)
        {
            var round = new Round();
            foreach (int leaf in leaves)
            {
                // The last two nodes of a tree are leaves of each other: the first to be visited goes, the other stays.
                if (degree[leaf] == 0)
                    continue;
                int link = Remaining(leaf, offsets, linkAt, taken);
                int parent = first[link] == leaf ? second[link] : first[link];
                taken[link] = true;
                degree[leaf] = 0;
                degree[parent]--;
                round.Add(leaf, parent, link, second[link] == leaf);
            }
            rounds.Add(round.ToLeafRound());
            leaves = round.Next(degree, roots);
        }
        long[] core = [.. Enumerable.Range(0, keys.Length).Where(link => !taken[link]).Select(link => (long)link)];
        bool[] isLoopy = new bool[graphs.GraphCount];
        foreach (long link in core)
            isLoopy[graphs.GraphOfNode[first[link]]] = true;
        return new LinkForest([.. first.Select(node => (long)node)], [.. second.Select(node => (long)node)], [.. rounds], [.. roots], core,
            isLoopy);
    }

    // Ends of every link as one number, lower end first, sorted and without repetition.
    private static long[] Links(BatchGraphs graphs)
    {
        long[] keys = new long[graphs.EdgeCount];
        int count = 0;
        for (int edge = 0; edge < graphs.EdgeCount; edge++)
        {
            (long a, long b) = (graphs.Source[edge], graphs.Target[edge]);
            if (a != b)
                keys[count++] = (Math.Min(a, b) << 32) | Math.Max(a, b);
        }
        Array.Sort(keys, 0, count);
        int kept = 0;
        for (int i = 0; i < count; i++)
        {
            if (i == 0 || keys[i] != keys[i - 1])
                keys[kept++] = keys[i];
        }
        return keys[..kept];
    }

    // Links at each node: node n has linkAt[offsets[n]] .. linkAt[offsets[n + 1] - 1].
    private static (int[] Offsets, int[] LinkAt) Incidence(int[] first, int[] second, int[] degree)
    {
        int[] offsets = new int[degree.Length + 1];
        for (int node = 0; node < degree.Length; node++)
            offsets[node + 1] = offsets[node] + degree[node];
        int[] next = offsets[..^1];
        int[] linkAt = new int[2 * first.Length];
        for (int link = 0; link < first.Length; link++)
        {
            linkAt[next[first[link]]++] = link;
            linkAt[next[second[link]]++] = link;
        }
        return (offsets, linkAt);
    }

    private static int Remaining(int node, int[] offsets, int[] linkAt, bool[] taken)
    {
        for (int i = offsets[node]; i < offsets[node + 1]; i++)
        {
            if (!taken[linkAt[i]])
                return linkAt[i];
        }
        throw new InvalidOperationException($"node {node} is counted as a leaf but has no link left");
    }

    private sealed class Round
    {
        private readonly List<long> _child = [];
        private readonly List<long> _parent = [];
        private readonly List<long> _link = [];
        private readonly List<bool> _childIsSecond = [];

        public void Add(int child, int parent, int link, bool childIsSecond)
        {
            _child.Add(child);
            _parent.Add(parent);
            _link.Add(link);
            _childIsSecond.Add(childIsSecond);
        }

        public LeafRound ToLeafRound() => new([.. _child], [.. _parent], [.. _link], [.. _childIsSecond]);

        /// <summary>Parents that have become leaves, each once; those without a link left are roots.</summary>
        public List<int> Next(int[] degree, List<long> roots)
        {
            var leaves = new List<int>();
            foreach (int node in _parent.Distinct().Select(node => (int)node))
            {
                if (degree[node] == 1)
                    leaves.Add(node);
                else if (degree[node] == 0)
                    roots.Add(node);
            }
            return leaves;
        }
    }
}
