namespace Pruning.Data.Batching;

/// <summary>
/// More edges than a trackster's own links: to each layer cluster from the nearest others of its trackster. CLUE3D links a
/// layer cluster to one nearest higher one only, so two that lie side by side may be many links apart.
/// </summary>
public static class NearestNeighbours
{
    /// <summary>What a layer counts in a distance, cm: about the distance of two layers in CE-E.</summary>
    public const double LayerDistance = 1;

    /// <summary>
    /// The edges of the graphs and, behind those of each graph, an edge to each node from each of the <paramref name="count"/> nearest
    /// that none comes from yet. Distances are those of <see cref="NodeSurroundings"/>, a layer counting
    /// <see cref="LayerDistance"/>; of equal distances the first node.
    /// </summary>
    /// <param name="batch">The graphs.</param>
    /// <param name="count">Most edges that each node gets; with 0 the edges are those of the graphs.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative number.</exception>
    public static MessageEdges Join(GraphBatch batch, int count) => Join(batch.Graphs, count);

    internal static MessageEdges Join(BatchGraphs graphs, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count == 0)
            return new MessageEdges(graphs.Source, graphs.Target, graphs.EdgeOffsets);
        int[] edges = graphs.EdgeOffsets;
        int[] offsets = new int[edges.Length];
        SeedAxis axis = SeedAxis.Of(graphs);
        int most = MostEdges(graphs, count);
        List<long> source = new(most), target = new(most);
        for (int g = 0; g < graphs.GraphCount; g++)
        {
            source.AddRange(graphs.Source.AsSpan(edges[g], edges[g + 1] - edges[g]));
            target.AddRange(graphs.Target.AsSpan(edges[g], edges[g + 1] - edges[g]));
            Add(graphs, axis, g, count, source, target);
            offsets[g + 1] = source.Count;
        }

        return new MessageEdges([.. source], [.. target], offsets);
    }

    private static int MostEdges(BatchGraphs graphs, int count)
    {
        int most = graphs.EdgeCount;
        for (int g = 0; g < graphs.GraphCount; g++)
        {
            int nodes = graphs.NodeOffsets[g + 1] - graphs.NodeOffsets[g];
            most = checked(most + (nodes * Math.Min(count, Math.Max(0, nodes - 1))));
        }

        return most;
    }

    private static void Add(BatchGraphs graphs, SeedAxis axis, int graph, int count, List<long> source, List<long> target)
    {
        int first = graphs.NodeOffsets[graph], nodes = graphs.NodeOffsets[graph + 1] - first;
        bool[] isJoined = new bool[nodes * nodes]; // [target, source]
        for (int i = 0; i < nodes; i++)
            isJoined[(i * nodes) + i] = true;
        for (int e = graphs.EdgeOffsets[graph]; e < graphs.EdgeOffsets[graph + 1]; e++)
            isJoined[((graphs.Target[e] - first) * nodes) + (graphs.Source[e] - first)] = true;
        double[] distances = new double[nodes];
        int[] order = new int[nodes];
        for (int i = 0; i < nodes; i++)
        {
            int free = 0;
            for (int j = 0; j < nodes; j++)
            {
                if (isJoined[(i * nodes) + j])
                    continue;
                distances[free] = Square(i, j);
                order[free++] = j;
            }

            Span<double> keys = distances.AsSpan(0, free);
            Span<int> rows = order.AsSpan(0, free);
            int wanted = Math.Min(count, free);
            for (int place = 0; place < wanted; place++)
            {
                int best = place;
                for (int k = place + 1; k < free; k++)
                {
                    if (keys[k] < keys[best] || (keys[k] == keys[best] && rows[k] < rows[best]))
                        best = k;
                }

                (keys[place], keys[best]) = (keys[best], keys[place]);
                (rows[place], rows[best]) = (rows[best], rows[place]);
                source.Add(first + rows[place]);
                target.Add(first + i);
            }
        }

        double Square(int i, int j)
        {
            double x = axis.Across[first + i] - axis.Across[first + j];
            double y = axis.Around[first + i] - axis.Around[first + j];
            double z = LayerDistance * (graphs.Layers[first + i] - graphs.Layers[first + j]);
            return (x * x) + (y * y) + (z * z);
        }
    }
}
