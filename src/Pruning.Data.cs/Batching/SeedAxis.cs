using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>
/// Where the nodes of a batch lie beside the axis of their trackster's seed, in the plane of their layer: d_xy - d_z (t_x, t_y)
/// for the slope t of the line from the centre of the detector through the seed.
/// </summary>
internal sealed class SeedAxis
{
    private SeedAxis(int nodes)
    {
        Across = new double[nodes];
        Around = new double[nodes];
    }

    /// <summary>[nodes] offset away from the beam, cm.</summary>
    public double[] Across { get; }

    /// <summary>[nodes] offset around the beam, cm.</summary>
    public double[] Around { get; }

    /// <summary>Looks at every node of a graphs. O(nodes).</summary>
    public static SeedAxis Of(BatchGraphs graphs)
    {
        SeedAxis found = new(graphs.NodeCount);
        for (int g = 0; g < graphs.GraphCount; g++)
        {
            int first = graphs.NodeOffsets[g], end = graphs.NodeOffsets[g + 1];
            if (first < end)
                found.Place(graphs, first, end, graphs.Seeds[g]);
        }

        return found;
    }

    private void Place(BatchGraphs graphs, int first, int end, int seed)
    {
        double eta = graphs.Feature(seed, RawFeature.Eta), phi = graphs.Feature(seed, RawFeature.Phi);
        // No shower goes along the plane of the layers: a limit keeps strange input finite.
        double slope = 1 / Math.CopySign(Math.Max(Math.Sinh(Math.Abs(eta)), 0.1), eta);
        double cos = Math.Cos(phi), sin = Math.Sin(phi);
        for (int i = first; i < end; i++)
        {
            float x = graphs.Feature(i, RawFeature.PosX), y = graphs.Feature(i, RawFeature.PosY), z = graphs.Feature(i, RawFeature.PosZ);
            Across[i] = (x * cos) + (y * sin) - (z * slope);
            Around[i] = (y * cos) - (x * sin);
        }
    }
}
