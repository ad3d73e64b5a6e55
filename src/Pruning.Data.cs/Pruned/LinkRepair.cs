using Pruning.Data.Graphs;
using Pruning.Data.Tracksters;

namespace Pruning.Data.Pruned;

/// <summary>
/// Links of a trackster once layer clusters are gone. A link whose ends are both kept stays. A follower whose parent is
/// pruned is linked to the nearest kept one above it, parent by parent; where there is none it becomes a root. A link to a
/// pruned follower goes. So what hung together through pruned layer clusters still does, and no cycle is made.
/// </summary>
internal sealed class LinkRepair
{
    private int[] _firstParent = []; // [nodes + 1] where the links that reach a node begin in _parents
    private int[] _parents = []; // [links] rows of the parents, by follower
    private int[] _rows = []; // [2 * links] rows of both ends of each link
    private int[] _seen = []; // [nodes] number of the link that a node was last looked at for
    private readonly Stack<int> _open = new();

    /// <summary>Ids of the parents of the links that are left, entry after entry.</summary>
    public List<long> Origins { get; } = [];

    /// <summary>Ids of their followers.</summary>
    public List<long> Targets { get; } = [];

    /// <summary>Links that got another parent.</summary>
    public long Relinked { get; private set; }

    /// <summary>Links of kept followers that found none: the followers are roots now, unless another link reaches them.</summary>
    public long Detached { get; private set; }

    /// <summary>Adds the links of one trackster that is a graph.</summary>
    /// <param name="one">Its columns.</param>
    /// <param name="pruned">[nodes] the decisions.</param>
    /// <param name="links">Gets the position of the link that each one left comes from.</param>
    public void Add(in TracksterColumns one, ReadOnlySpan<bool> pruned, Selection links)
    {
        Index(one);
        for (int link = 0; link < one.Origin.Length; link++)
        {
            int parent = _rows[2 * link];
            int follower = _rows[(2 * link) + 1];
            if (pruned[follower])
                continue;
            if (!pruned[parent])
                Keep(one, parent, follower, link, links);
            else
                Climb(one, pruned, parent, follower, link, links);
        }
    }

    private void Climb(in TracksterColumns one, ReadOnlySpan<bool> pruned, int parent, int follower, int link, Selection links)
    {
        int stamp = link + 1;
        bool found = false;
        _open.Push(parent);
        _seen[parent] = stamp;
        _seen[follower] = stamp; // a cycle through pruned ones does not make a link of a node to itself
        while (_open.TryPop(out int at))
        {
            if (!pruned[at])
            {
                Keep(one, at, follower, link, links);
                found = true;
                Relinked++;
                continue;
            }

            for (int i = _firstParent[at]; i < _firstParent[at + 1]; i++)
            {
                if (_seen[_parents[i]] == stamp)
                    continue;
                _seen[_parents[i]] = stamp;
                _open.Push(_parents[i]);
            }
        }

        Detached += found ? 0 : 1;
    }

    private void Keep(in TracksterColumns one, int parent, int follower, int link, Selection links)
    {
        Origins.Add(one.Id[parent]);
        Targets.Add(one.Id[follower]);
        links.Add(link);
    }

    // Rows of the ends of every link, and the parents of every node, by a counting sort.
    private void Index(in TracksterColumns one)
    {
        int nodes = one.NodeCount, count = one.Origin.Length;
        Grow(ref _firstParent, nodes + 1);
        Grow(ref _seen, nodes);
        Grow(ref _parents, count);
        Grow(ref _rows, 2 * count);
        Array.Clear(_firstParent, 0, nodes + 1);
        Array.Clear(_seen, 0, nodes);
        using NodeIndex rows = new(one.Id, out _);
        for (int link = 0; link < count; link++)
        {
            _rows[2 * link] = rows.Find(one.Origin[link]);
            _rows[(2 * link) + 1] = rows.Find(one.Target[link]);
            _firstParent[_rows[(2 * link) + 1]]++;
        }

        for (int node = 0, sum = 0; node <= nodes; node++)
            (_firstParent[node], sum) = (sum + _firstParent[node], sum + _firstParent[node]);

        // Filled from behind, so that the ends become the beginnings.
        for (int link = count - 1; link >= 0; link--)
            _parents[--_firstParent[_rows[(2 * link) + 1]]] = _rows[2 * link];
    }

    private static void Grow(ref int[] array, int length)
    {
        if (array.Length < length)
            array = new int[Math.Max(length, 2 * array.Length)];
    }
}
