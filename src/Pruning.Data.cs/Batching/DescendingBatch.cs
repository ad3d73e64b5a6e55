namespace Pruning.Data.Batching;

/// <summary>
/// The graphs of a batch and the edges of their messages laid out again, largest first (equal sizes keep their order).
/// Whatever runs one step per node
/// of a graph then has its unfinished graphs, and their nodes and edges, always as a prefix.
/// </summary>
public sealed class DescendingBatch
{
    private readonly long[] _source;
    private readonly long[] _target;
    private readonly int[] _edgeOffsets;

    private DescendingBatch(int[] graphOrder, int[] nodeOffsets, long[] nodeOrder, long[] source, long[] target, int[] edgeOffsets)
    {
        GraphOrder = graphOrder;
        NodeOffsets = nodeOffsets;
        NodeOrder = nodeOrder;
        _source = source;
        _target = target;
        _edgeOffsets = edgeOffsets;
    }

    /// <summary>[graphs] graph of the batch at each place.</summary>
    public int[] GraphOrder { get; }

    /// <summary>[graphs + 1] the graph at place p owns the nodes [NodeOffsets[p], NodeOffsets[p + 1]) of the new layout.</summary>
    public int[] NodeOffsets { get; }

    /// <summary>[nodes] node of the batch at each place of the new layout.</summary>
    public long[] NodeOrder { get; }

    /// <summary>Nodes of the graph at a place.</summary>
    public int Size(int place) => NodeOffsets[place + 1] - NodeOffsets[place];

    /// <summary>Lays a batch out again. O(nodes + edges + graphs log graphs).</summary>
    public static DescendingBatch Of(GraphBatch batch)
    {
        int graphs = batch.GraphCount;
        int[] order = new int[graphs];
        int[] negativeSize = new int[graphs];
        for (int g = 0; g < graphs; g++)
        {
            order[g] = g;
            negativeSize[g] = batch.NodeOffsets[g] - batch.NodeOffsets[g + 1];
        }

        Array.Sort(order, (a, b) => negativeSize[a] != negativeSize[b] ? negativeSize[a].CompareTo(negativeSize[b]) : a.CompareTo(b));

        int[] nodeOffsets = new int[graphs + 1];
        long[] nodeOrder = new long[batch.NodeCount];
        long[] shift = new long[graphs];
        for (int place = 0; place < graphs; place++)
        {
            int graph = order[place];
            int first = batch.NodeOffsets[graph];
            int count = batch.NodeOffsets[graph + 1] - first;
            nodeOffsets[place + 1] = nodeOffsets[place] + count;
            shift[graph] = nodeOffsets[place] - first;
            for (int i = 0; i < count; i++)
                nodeOrder[nodeOffsets[place] + i] = first + i;
        }

        MessageEdges edges = batch.Messages;
        long[] source = new long[edges.Count];
        long[] target = new long[edges.Count];
        int[] edgeOffsets = new int[graphs + 1];
        for (int place = 0; place < graphs; place++)
        {
            int graph = order[place];
            int next = edgeOffsets[place];
            for (int e = edges.Offsets[graph]; e < edges.Offsets[graph + 1]; e++, next++)
            {
                source[next] = edges.Source[e] + shift[graph];
                target[next] = edges.Target[e] + shift[graph];
            }

            edgeOffsets[place + 1] = next;
        }

        return new DescendingBatch(order, nodeOffsets, nodeOrder, source, target, edgeOffsets);
    }

    /// <summary>The neighbour plan of the first <paramref name="graphs"/> places.</summary>
    public NeighbourPlan PlanOfFirst(int graphs) => BatchAssembler.Plan(
        NodeOffsets[graphs],
        _source.AsSpan(0, _edgeOffsets[graphs]),
        _target.AsSpan(0, _edgeOffsets[graphs]));

    /// <summary>
    /// The nodes of the first <paramref name="graphs"/> places as a rectangle [graphs, largest graph], row after row;
    /// places past the end of a graph hold <paramref name="filler"/>.
    /// </summary>
    public long[] Rectangle(int graphs, long filler)
    {
        int width = graphs == 0 ? 0 : Size(0);
        long[] nodes = new long[graphs * width];
        for (int place = 0; place < graphs; place++)
        {
            for (int i = 0; i < width; i++)
                nodes[(place * width) + i] = i < Size(place) ? NodeOffsets[place] + i : filler;
        }

        return nodes;
    }
}
