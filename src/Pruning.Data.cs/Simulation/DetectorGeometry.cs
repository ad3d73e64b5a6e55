using Pruning.Data.Graphs;

namespace Pruning.Data.Simulation;

/// <summary>Sensor of a cell: which size it has and whether it measures time.</summary>
public enum CellZone
{
    /// <summary>Silicon near the beam, 120 um: 0.72 cm squares of about 0.52 cm².</summary>
    FineSilicon = 0,

    /// <summary>Silicon farther out, 200 and 300 um: 1.09 cm squares of about 1.19 cm².</summary>
    CoarseSilicon = 1,

    /// <summary>Scintillator tile: 3.3 cm squares; no time.</summary>
    Scintillator = 2,
}

/// <summary>
/// The toy detector: one endcap of 47 sensor planes, the same at both signs of z. Positions of the planes follow the
/// 47-layer design of HGCAL; material, cells and noise are simple stand-ins. Layers count from 0 here. Lengths in cm,
/// energies in GeV.
/// </summary>
public static class DetectorGeometry
{
    /// <summary>Sensor planes of one endcap.</summary>
    public const int LayerCount = 47;

    /// <summary>Planes of the electromagnetic part (CE-E).</summary>
    public const int ElectromagneticLayers = CalorimeterLayers.ElectromagneticCount;

    /// <summary>First plane behind thick steel.</summary>
    public const int FirstThickLayer = 37;

    /// <summary>First plane with scintillator at its outside.</summary>
    public const int FirstScintillatorLayer = 33;

    /// <summary>Scintillator begins at this radius where there is any, cm.</summary>
    public const double ScintillatorRadius = 130;

    /// <summary>Inside this radius the silicon cells are fine, cm.</summary>
    public const double FineRadius = 70;

    /// <summary>Inside this radius, and outside <see cref="FineRadius"/>, silicon is 200 um thick, then 300 um, cm.</summary>
    public const double ThickRadius = 100;

    /// <summary>Sensors begin at this radius, cm.</summary>
    public const double InnerRadius = 25;

    /// <summary>Sensors end at this radius, cm.</summary>
    public const double OuterRadius = 260;

    private static readonly double[] s_interactionLengths = Cumulated(InteractionLengthsOf);
    private static readonly double[] s_radiationLengths = Cumulated(layer =>
        layer < ElectromagneticLayers ? 27.7 / ElectromagneticLayers : InteractionLengthsOf(layer) * 9.5);
    private static readonly double[] s_pitch = [0.72, 1.09, 3.3];

    /// <summary>[47] |z| of each plane, cm.</summary>
    public static ReadOnlySpan<double> Z => CalorimeterLayers.Z;

    /// <summary>[47] interaction lengths in front of each plane, at normal incidence: 1.5 for CE-E, 10 in all.</summary>
    public static ReadOnlySpan<double> InteractionLengths => s_interactionLengths;

    /// <summary>[47] radiation lengths in front of each plane, at normal incidence: 27.7 for CE-E.</summary>
    public static ReadOnlySpan<double> RadiationLengths => s_radiationLengths;

    /// <summary>[3] side of a cell of each <see cref="CellZone"/>, cm.</summary>
    public static ReadOnlySpan<double> Pitch => s_pitch;

    /// <summary>Energy of a minimum ionising particle in a layer, weights of the absorber included, GeV.</summary>
    public static double MipEnergy(int layer) => layer < ElectromagneticLayers ? 0.0105 : layer < FirstThickLayer ? 0.045 : 0.065;

    /// <summary>Sensor at a radius (cm) of a layer.</summary>
    public static CellZone ZoneAt(int layer, double radius) =>
        layer >= FirstScintillatorLayer && radius > ScintillatorRadius ? CellZone.Scintillator
        : radius < FineRadius ? CellZone.FineSilicon
        : CellZone.CoarseSilicon;

    /// <summary>Spread of the noise of a cell, GeV: a MIP over the signal-to-noise ratio 4.5, 7 or 11 by thickness.</summary>
    public static double Noise(int layer, double radius) =>
        MipEnergy(layer) / (radius < FineRadius ? 4.5 : radius < ThickRadius ? 7.0 : 11.0);

    /// <summary>Energy from which a silicon cell measures time, GeV: 12 fC, which is 8.6, 5.2 or 3.4 MIP by thickness.</summary>
    public static double TimeThreshold(int layer, double radius) =>
        MipEnergy(layer) * (radius < FineRadius ? 8.6 : radius < ThickRadius ? 5.2 : 3.4);

    /// <summary>First layer behind at least the given depth; the number of layers when the depth is behind them all.</summary>
    public static int LayerBehind(ReadOnlySpan<double> depths, double depth)
    {
        int low = 0, high = depths.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (depths[middle] < depth)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>
    /// The quantity of each plane, straight between planes, at a depth in interaction lengths; <paramref name="before"/>
    /// in front of the first plane, the last plane's behind the last.
    /// </summary>
    public static double AtInteractionDepth(ReadOnlySpan<double> ofLayer, double depth, double before)
    {
        ReadOnlySpan<double> depths = InteractionLengths;
        int behind = LayerBehind(depths, depth);
        if (behind == depths.Length)
            return ofLayer[^1];
        if (behind == 0)
            return depth < depths[0] ? before : ofLayer[0];
        double share = (depth - depths[behind - 1]) / (depths[behind] - depths[behind - 1]);
        return ofLayer[behind - 1] + (share * (ofLayer[behind] - ofLayer[behind - 1]));
    }

    private static double InteractionLengthsOf(int layer) =>
        layer < ElectromagneticLayers ? 1.5 / ElectromagneticLayers : layer < FirstThickLayer ? 0.32 : 0.50;

    private static double[] Cumulated(Func<int, double> ofLayer)
    {
        double[] sums = new double[LayerCount];
        double sum = 0;
        for (int layer = 0; layer < LayerCount; layer++)
            sums[layer] = sum += ofLayer(layer);
        return sums;
    }
}
