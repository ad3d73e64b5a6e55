using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>What <see cref="NodeSurroundings"/> says of a layer cluster, in the order of its columns.</summary>
public enum Surrounding
{
    /// <summary>Offset from the seed's axis away from the beam, within the layer, cm.</summary>
    AxisRadial,

    /// <summary>Offset from the seed's axis around the beam, within the layer, cm.</summary>
    AxisAzimuthal,

    /// <summary>Distance to the trackster's axis through its centre of energy, within the layer, cm.</summary>
    DistanceToCore,

    /// <summary>Distance to the centre of energy of the others within three layers, cm; that of the trackster where there are none.</summary>
    DistanceToLocalCore,

    /// <summary>CLUE3D's density: ln of the energy and a fifth of that of others within three layers and 1.8 cm, GeV.</summary>
    LogDensity,

    /// <summary>ln of the energy of others within three layers and 4 cm, GeV.</summary>
    LogEnergyAround,

    /// <summary>Distance to the nearest other within two layers, not above 20 cm.</summary>
    NearestDistance,

    /// <summary>ln of one and the number of others within three layers and 3 cm.</summary>
    LogNeighbours,

    /// <summary>Share of the trackster's energy in the layer.</summary>
    LayerEnergyShare,

    /// <summary>Layers behind the one with the most energy.</summary>
    LayerFromMaximum,

    /// <summary>Distance to the parent, within the layer, cm; 0 for a root.</summary>
    LinkLength,

    /// <summary>Layers from the parent to the follower; 0 for a root.</summary>
    LinkLayers,

    /// <summary>ln of the energy as a share of the parent's; 0 for a root.</summary>
    LogEnergyOverParent,

    /// <summary>How much farther than the parent from the seed's axis, cm; 0 for a root.</summary>
    LinkOutwards,

    /// <summary>ln of one and the number of followers.</summary>
    LogFollowers,

    /// <summary>Links to the root.</summary>
    LinksToRoot,

    /// <summary>ln of the share of the trackster's energy in the layer cluster and all that follow it.</summary>
    LogBranchEnergyShare,

    /// <summary>ln of the number of layer clusters that follow, directly or not, and itself.</summary>
    LogBranchSize,

    /// <summary>ln of the trackster's energy, GeV.</summary>
    LogTracksterEnergy,

    /// <summary>ln of the trackster's number of layer clusters.</summary>
    LogTracksterSize,

    /// <summary>Mean distance from the core, weighted by energy, cm.</summary>
    TracksterWidth,

    /// <summary>Mean layer, weighted by energy.</summary>
    TracksterDepth,
}

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

    private const double LeastEnergy = 1e-6; // GeV; a logarithm needs a limit
    private const double FarAway = 20; // cm

    private readonly GraphBatch _batch;
    private readonly int[] _parent;
    private readonly double[] _across; // cm, away from the beam
    private readonly double[] _around; // cm, around the beam

    private NodeSurroundings(GraphBatch batch)
    {
        _batch = batch;
        _parent = Parents(batch);
        _across = new double[batch.NodeCount];
        _around = new double[batch.NodeCount];
        Values = new double[batch.NodeCount * Count];
    }

    /// <summary>Row-major [nodes, <see cref="Count"/>].</summary>
    public double[] Values { get; }

    /// <summary>Looks at every node of a batch.</summary>
    public static NodeSurroundings Of(GraphBatch batch)
    {
        var found = new NodeSurroundings(batch);
        for (int g = 0; g < batch.GraphCount; g++)
        {
            int first = batch.NodeOffsets[g], end = batch.NodeOffsets[g + 1];
            if (first == end)
                continue;
            found.Place(first, end, batch.Seeds[g]);
            found.LookAtLayers(first, end);
            found.LookAround(first, end);
            found.LookAlongLinks(first, end);
        }

        return found;
    }

    /// <summary>
    /// [nodes] node at the other end of the first link that leads to each node, -1 for roots and where a graph does not say
    /// which of its edges are links.
    /// </summary>
    internal static int[] Parents(GraphBatch batch)
    {
        int[] parent = new int[batch.NodeCount];
        Array.Fill(parent, -1);
        int[] edges = BatchSlices.EdgeOffsets(batch);
        for (int g = 0; g < batch.GraphCount; g++)
        {
            int end = edges[g] + Math.Max(0, batch.LinkCounts[g]);
            for (int e = edges[g]; e < end; e++)
            {
                int follower = (int)batch.Target[e];
                if (parent[follower] < 0 && batch.Source[e] != follower)
                    parent[follower] = (int)batch.Source[e];
            }
        }

        return parent;
    }

    private double Energy(int node) => Math.Max(_batch.Features[(node * ShowerGraph.FeatureCount) + 3], LeastEnergy);

    private int Layer(int node) => _batch.Layers[node];

    private void Set(int node, Surrounding column, double value) => Values[(node * Count) + (int)column] = value;

    private double Distance(int a, int b) => Math.Sqrt(Square(_across[a] - _across[b]) + Square(_around[a] - _around[b]));

    private double FromAxis(int node) => Math.Sqrt(Square(_across[node]) + Square(_around[node]));

    private static double Square(double x) => x * x;

    // Where each node lies beside the seed's axis, in the plane of its layer.
    private void Place(int first, int end, int seed)
    {
        ReadOnlySpan<float> features = _batch.Features;
        double eta = features[(seed * ShowerGraph.FeatureCount) + 5], phi = features[(seed * ShowerGraph.FeatureCount) + 6];
        // No shower goes along the plane of the layers: a limit keeps strange input finite.
        double slope = 1 / Math.CopySign(Math.Max(Math.Sinh(Math.Abs(eta)), 0.1), eta);
        double cos = Math.Cos(phi), sin = Math.Sin(phi);
        for (int i = first; i < end; i++)
        {
            ReadOnlySpan<float> at = features.Slice(i * ShowerGraph.FeatureCount, 3);
            _across[i] = (at[0] * cos) + (at[1] * sin) - (at[2] * slope);
            _around[i] = (at[1] * cos) - (at[0] * sin);
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
            double distance = Math.Sqrt(((_across[i] - across) * (_across[i] - across)) + ((_around[i] - around) * (_around[i] - around)));
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
