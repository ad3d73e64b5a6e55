using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>
/// What the surroundings of each layer cluster in its trackster look like: densities, distances to cores, links, branches.
/// Nothing here knows labels. Distances lie within the layer, along the seed's axis (the line from the centre of the
/// detector through the seed): d_xy - d_z (t_x, t_y) for the slope t of that axis. A turn about the beam or a mirrored endcap
/// changes nothing. Cost: N^2 a trackster of N layer clusters.
/// </summary>
public sealed class NodeSurroundings
{
    /// <summary>Number of columns.</summary>
    public static int Count { get; } = Enum.GetValues<Surrounding>().Length;

    internal NodeSurroundings(double[] values) => Values = values;

    /// <summary>Row-major [nodes, <see cref="Count"/>].</summary>
    public double[] Values { get; }

    /// <summary>A column of a node.</summary>
    public double this[int node, Surrounding column] => Values[(node * Count) + (int)column];

    /// <summary>Looks at every node of a batch.</summary>
    public static NodeSurroundings Of(GraphBatch batch) => Of(batch.Graphs);

    internal static NodeSurroundings Of(BatchGraphs graphs)
    {
        Observer observer = new(graphs);
        for (int g = 0; g < graphs.GraphCount; g++)
        {
            int first = graphs.NodeOffsets[g], end = graphs.NodeOffsets[g + 1];
            if (first < end)
                observer.Look(first, end);
        }

        return new NodeSurroundings(observer.Values);
    }

    /// <summary>
    /// [nodes] node at the other end of the first link that leads to each node, -1 for roots and where a graph does not say
    /// which of its edges are links.
    /// </summary>
    internal static int[] Parents(BatchGraphs graphs)
    {
        int[] parent = new int[graphs.NodeCount];
        Array.Fill(parent, -1);
        int[] edges = graphs.EdgeOffsets;
        for (int g = 0; g < graphs.GraphCount; g++)
        {
            int end = edges[g] + Math.Max(0, graphs.LinkCounts[g]);
            for (int e = edges[g]; e < end; e++)
            {
                int follower = (int)graphs.Target[e];
                if (parent[follower] < 0 && graphs.Source[e] != follower)
                    parent[follower] = (int)graphs.Source[e];
            }
        }

        return parent;
    }

    private sealed class Observer
    {
        private const double LeastEnergy = 1e-6; // GeV; a logarithm needs a limit
        private const double FarAway = 20; // cm

        private readonly BatchGraphs _graphs;
        private readonly int[] _parent;
        private readonly double[] _across; // cm, away from the beam
        private readonly double[] _around; // cm, around the beam

        public Observer(BatchGraphs graphs)
        {
            _graphs = graphs;
            _parent = Parents(graphs);
            SeedAxis axis = SeedAxis.Of(graphs);
            (_across, _around) = (axis.Across, axis.Around);
            Values = new double[graphs.NodeCount * Count];
        }

        public double[] Values { get; }

        public void Look(int first, int end)
        {
            LookAtAxis(first, end);
            LookAtLayers(first, end);
            LookAround(first, end);
            LookAlongLinks(first, end);
        }

        private double Energy(int node) => Math.Max(_graphs.Feature(node, RawFeature.Energy), LeastEnergy);

        private int Layer(int node) => _graphs.Layers[node];

        private void Set(int node, Surrounding column, double value) => Values[(node * Count) + (int)column] = value;

        private double Distance(int a, int b) => Math.Sqrt(Square(_across[a] - _across[b]) + Square(_around[a] - _around[b]));

        private double FromAxis(int node) => Math.Sqrt(Square(_across[node]) + Square(_around[node]));

        private static double Square(double x) => x * x;

        private void LookAtAxis(int first, int end)
        {
            for (int i = first; i < end; i++)
            {
                Set(i, Surrounding.AxisRadial, _across[i]);
                Set(i, Surrounding.AxisAzimuthal, _around[i]);
            }
        }

        private void LookAtLayers(int first, int end)
        {
            Span<double> inLayer = stackalloc double[byte.MaxValue + 1];
            inLayer.Clear();
            double energy = 0, across = 0, around = 0, depth = 0;
            for (int i = first; i < end; i++)
            {
                double own = Energy(i);
                inLayer[Layer(i)] += own;
                energy += own;
                across += own * _across[i];
                around += own * _around[i];
                depth += own * Layer(i);
            }

            int maximum = 0;
            for (int layer = 1; layer < inLayer.Length; layer++)
            {
                if (inLayer[layer] > inLayer[maximum])
                    maximum = layer;
            }

            across /= energy;
            around /= energy;
            double width = 0;
            for (int i = first; i < end; i++)
            {
                double distance =
                    Math.Sqrt(((_across[i] - across) * (_across[i] - across)) + ((_around[i] - around) * (_around[i] - around)));
                width += Energy(i) * distance;
                Set(i, Surrounding.DistanceToCore, distance);
                Set(i, Surrounding.LayerEnergyShare, Energy(i) / inLayer[Layer(i)]);
                Set(i, Surrounding.LayerFromMaximum, Layer(i) - maximum);
            }

            for (int i = first; i < end; i++)
            {
                Set(i, Surrounding.LogTracksterEnergy, Math.Log(energy));
                Set(i, Surrounding.LogTracksterSize, Math.Log(end - first));
                Set(i, Surrounding.TracksterWidth, width / energy);
                Set(i, Surrounding.TracksterDepth, depth / energy);
            }
        }

        private void LookAround(int first, int end)
        {
            for (int i = first; i < end; i++)
            {
                double density = Energy(i), around = 0, nearest = FarAway, weight = 0, x = 0, y = 0;
                int neighbours = 0;
                for (int j = first; j < end; j++)
                {
                    int layers = Math.Abs(Layer(i) - Layer(j));
                    if (j == i || layers > 3)
                        continue;
                    double own = Energy(j);
                    double distance = Distance(i, j);
                    if (layers != 0 && distance < 1.8)
                        density += 0.2 * own;
                    if (distance < 4)
                        around += own;
                    if (distance < 3)
                        neighbours++;
                    if (layers <= 2)
                        nearest = Math.Min(nearest, distance);
                    weight += own;
                    x += own * _across[j];
                    y += own * _around[j];
                }

                Set(i, Surrounding.LogDensity, Math.Log(density));
                Set(i, Surrounding.LogEnergyAround, Math.Log(Math.Max(around, 1e-3)));
                Set(i, Surrounding.NearestDistance, nearest);
                Set(i, Surrounding.LogNeighbours, Math.Log(1 + neighbours));
                double dx = _across[i] - (x / weight), dy = _around[i] - (y / weight);
                Set(i, Surrounding.DistanceToLocalCore, weight > 0
                    ? Math.Sqrt((dx * dx) + (dy * dy))
                    : Values[(i * Count) + (int)Surrounding.DistanceToCore]);
            }
        }

        private void LookAlongLinks(int first, int end)
        {
            int nodes = end - first;
            double[] energy = new double[nodes];
            int[] size = new int[nodes];
            int[] followers = new int[nodes];
            double total = 0;
            for (int i = first; i < end; i++)
            {
                total += Energy(i);
                int links = 0;
                // Links on a cycle have no root: no walk is longer than the trackster.
                for (int above = i; above >= 0 && links < nodes; above = _parent[above], links++)
                {
                    energy[above - first] += Energy(i);
                    size[above - first]++;
                }

                Set(i, Surrounding.LinksToRoot, links - 1);
                int parent = _parent[i];
                if (parent < 0)
                    continue;
                followers[parent - first]++;
                Set(i, Surrounding.LinkLength, Distance(i, parent));
                Set(i, Surrounding.LinkLayers, Layer(i) - Layer(parent));
                Set(i, Surrounding.LogEnergyOverParent, Math.Log(Energy(i) / Energy(parent)));
                Set(i, Surrounding.LinkOutwards, FromAxis(i) - FromAxis(parent));
            }

            for (int i = first; i < end; i++)
            {
                Set(i, Surrounding.LogFollowers, Math.Log(1 + followers[i - first]));
                Set(i, Surrounding.LogBranchEnergyShare, Math.Log(energy[i - first] / total));
                Set(i, Surrounding.LogBranchSize, Math.Log(size[i - first]));
            }
        }
    }
}
