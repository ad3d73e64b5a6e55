namespace Pruning.Native.Kernels;

/// <summary>
/// In-neighbours of every node, and the blocks of nodes that a kernel works on together: at most 64 nodes each, by falling
/// in-degree, so that those that still have a t-th neighbour are a prefix. Blocks are made within 512 consecutive nodes: in a
/// batch those are whole graphs or nearly so, and what their edges read and write stays in the processor's cache.
/// </summary>
public sealed class NeighbourLists
{
    /// <summary>Most nodes of a block.</summary>
    internal const int BlockNodes = 64;

    private const int RegionNodes = 512;

    private NeighbourLists(int[] firstEdge, int[] source, int[] nodeOfPlace, int[] firstPlace)
    {
        FirstEdge = firstEdge;
        Source = source;
        NodeOfPlace = nodeOfPlace;
        FirstPlace = firstPlace;
    }

    /// <summary>Number of nodes.</summary>
    public int NodeCount => FirstEdge.Length - 1;

    /// <summary>Number of edges.</summary>
    public int EdgeCount => Source.Length;

    /// <summary>[nodes + 1] node v reads Source[FirstEdge[v] .. FirstEdge[v + 1]), in this order.</summary>
    internal int[] FirstEdge { get; }

    /// <summary>[edges] node that each edge leaves.</summary>
    internal int[] Source { get; }

    /// <summary>[nodes] block after block.</summary>
    internal int[] NodeOfPlace { get; }

    /// <summary>[blocks + 1] block b has the places [FirstPlace[b], FirstPlace[b + 1]).</summary>
    internal int[] FirstPlace { get; }

    /// <summary>Builds the lists. O(nodes log nodes + edges).</summary>
    /// <param name="segmentSource">[edges] source of each edge, edges sorted by target.</param>
    /// <param name="inDegree">[nodes] number of in-edges; sums to the edges.</param>
    /// <exception cref="ArgumentException">The degrees do not sum to the edges, or a source is no node.</exception>
    public static NeighbourLists Of(ReadOnlySpan<long> segmentSource, ReadOnlySpan<long> inDegree)
    {
        int nodes = inDegree.Length;
        int[] firstEdge = new int[nodes + 1];
        for (int v = 0; v < nodes; v++)
        {
            if (inDegree[v] < 0 || inDegree[v] > segmentSource.Length - firstEdge[v])
                throw new ArgumentException(
                    $"wanted in-degrees that sum to {segmentSource.Length} edges, found {inDegree[v]} at node {v} after {firstEdge[v]} edges.", nameof(inDegree));
            firstEdge[v + 1] = firstEdge[v] + (int)inDegree[v];
        }

        if (firstEdge[nodes] != segmentSource.Length)
            throw new ArgumentException($"wanted in-degrees that sum to {segmentSource.Length} edges, found {firstEdge[nodes]}.",
                nameof(inDegree));
        int[] source = new int[segmentSource.Length];
        for (int e = 0; e < source.Length; e++)
        {
            if ((ulong)segmentSource[e] >= (ulong)nodes)
                throw new ArgumentException($"edge {e} leaves node {segmentSource[e]}, but there are {nodes} nodes.",
                    nameof(segmentSource));
            source[e] = (int)segmentSource[e];
        }

        (int[] order, int[] firstPlace) = Blocks(firstEdge);
        return new NeighbourLists(firstEdge, source, order, firstPlace);
    }

    /// <summary>In-degree of the node at a place.</summary>
    internal int DegreeAt(int place) => FirstEdge[NodeOfPlace[place] + 1] - FirstEdge[NodeOfPlace[place]];

    private static (int[] Order, int[] FirstPlace) Blocks(int[] firstEdge)
    {
        int nodes = firstEdge.Length - 1;
        long[] keys = new long[nodes];
        int[] order = new int[nodes];
        List<int> first = [0];
        for (int start = 0; start < nodes; start += RegionNodes)
        {
            int count = Math.Min(RegionNodes, nodes - start);
            for (int v = start; v < start + count; v++)
            {
                keys[v] = ((long)(firstEdge[v] - firstEdge[v + 1]) << 32) + v; // falling degree, then rising number
                order[v] = v;
            }

            Array.Sort(keys, order, start, count);
            for (int done = 0; done < count; done += BlockNodes)
                first.Add(start + Math.Min(count, done + BlockNodes));
        }

        return (order, first.ToArray());
    }
}
