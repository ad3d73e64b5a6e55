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
    /// The same graphs with an edge to each node from each of the <paramref name="count"/> nearest that none comes from yet,
    /// behind the edges that are there. Distances as in <see cref="NodeSurroundings"/>, a layer counting
    /// <see cref="LayerDistance"/>; of equal distances the first node.
    /// </summary>
    /// <param name="batch">Graphs, and what they hold; its arrays of nodes are shared.</param>
    /// <param name="count">Most edges that each node gets; 0 changes nothing.</param>
    public static GraphBatch Join(GraphBatch batch, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count == 0)
            return batch;
        int[] edges = BatchSlices.EdgeOffsets(batch);
        List<long> source = new(batch.EdgeCount + (count * batch.NodeCount));
        List<long> target = new(batch.EdgeCount + (count * batch.NodeCount));
        for (int g = 0; g < batch.GraphCount; g++)
        {
            source.AddRange(batch.Source.AsSpan(edges[g], edges[g + 1] - edges[g]));
            target.AddRange(batch.Target.AsSpan(edges[g], edges[g + 1] - edges[g]));
            Add(batch, batch.NodeOffsets[g], batch.NodeOffsets[g + 1], edges[g], edges[g + 1], count, source, target);
        }

        return batch.WithEdges([.. source], [.. target]);
    }

    private static void Add(GraphBatch batch, int first, int end, int firstEdge, int endEdge, int count, List<long> source, List<long> target)
    {
        int nodes = end - first;
        bool[] isJoined = new bool[nodes * nodes]; // [target, source]
        for (int i = 0; i < nodes; i++)
            isJoined[(i * nodes) + i] = true;
        for (int e = firstEdge; e < endEdge; e++)
            isJoined[((batch.Target[e] - first) * nodes) + (batch.Source[e] - first)] = true;
        double[] values = batch.Surroundings.Values;
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
            double x = At(i, Surrounding.AxisRadial) - At(j, Surrounding.AxisRadial);
            double y = At(i, Surrounding.AxisAzimuthal) - At(j, Surrounding.AxisAzimuthal);
            double z = LayerDistance * (batch.Layers[first + i] - batch.Layers[first + j]);
            return (x * x) + (y * y) + (z * z);
        }

        double At(int node, Surrounding column) => values[((first + node) * NodeSurroundings.Count) + (int)column];
    }
}
