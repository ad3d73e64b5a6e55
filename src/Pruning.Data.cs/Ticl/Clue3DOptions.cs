using Pruning.Data.Errors;

namespace Pruning.Data.Ticl;

/// <summary>What decides which of several layer clusters of higher density is the nearest.</summary>
public enum NearestBy
{
    /// <summary>Projected distance across the shower alone (CMSSW since 2022).</summary>
    TransverseDistance,

    /// <summary>The same with the squared distance in z added (CMSSW of 2021). Only the choice is made by it: the criteria look at the transverse distance.</summary>
    DistanceInSpace,
}

/// <summary>
/// Parameters of one CLUE3D pass. The two presets are those of CMSSW in 2021 and since 2022; lengths in cm, energies in
/// GeV, angles in rad.
/// </summary>
public sealed record Clue3DOptions
{
    /// <summary>Density that a seed must have, GeV.</summary>
    public double CriticalDensity { get; init; } = 0.6;

    /// <summary>Share of a seed's density that must be its own energy.</summary>
    public double CriticalSelfDensity { get; init; } = 0.15;

    /// <summary>Layers before and behind that are looked at, for the density and for the nearest higher.</summary>
    public int SiblingLayers { get; init; } = 3;

    /// <summary>Squared projected distance up to which others add to the density, cm².</summary>
    public double DensityDistanceSquared { get; init; } = 3.24;

    /// <summary>Weight of the others' energy in the density.</summary>
    public double Kernel { get; init; } = 0.2;

    /// <summary>The nearest higher may lie on the same layer.</summary>
    public bool NearestOnSameLayer { get; init; }

    /// <summary>By what the nearest higher is chosen.</summary>
    public NearestBy NearestBy { get; init; } = NearestBy.TransverseDistance;

    /// <summary>A seed has no higher one within this transverse distance, cm (or within <see cref="CriticalLayers"/>).</summary>
    public double CriticalDistance { get; init; } = 1.8;

    /// <summary>A nearest higher that is more layers away than this does not keep one from being a seed.</summary>
    public int CriticalLayers { get; init; } = 5;

    /// <summary>Without the density of a seed, and with no higher one within this many critical distances, it is an outlier.</summary>
    public double OutlierMultiplier { get; init; } = 2;

    /// <summary>Tracksters with fewer layer clusters are dropped.</summary>
    public int MinLayerClusters { get; init; } = 2;

    /// <summary>Layer clusters with fewer hits take no part (CMSSW filters them before CLUE3D).</summary>
    public int MinHits { get; init; } = 2;

    /// <summary>Bins of the tiles looked at on each side for the density. A bin is 0.05 in eta and 2π/126 in phi.</summary>
    public int DensityBins { get; init; } = 2;

    /// <summary>Bins of the tiles looked at on each side for the nearest higher.</summary>
    public int NearestBins { get; init; } = 1;

    /// <summary>
    /// Where set, the density looks everywhere and the nearest higher within this |Δeta| and |Δphi|, whatever the bins:
    /// then nothing changes when the event is turned. CMSSW goes by bins (null).
    /// </summary>
    public double? Window { get; init; }

    /// <summary>CMSSW since 2022 (High: 0.6 GeV; its only pass now).</summary>
    public static Clue3DOptions Cmssw2022 { get; } = new();

    /// <summary>CMSSW of 2021, pass High; the pass Low has a <see cref="CriticalDensity"/> of 2.</summary>
    public static Clue3DOptions Cmssw2021 { get; } = new()
    {
        SiblingLayers = 5,
        DensityDistanceSquared = 16,
        NearestOnSameLayer = true,
        NearestBy = NearestBy.DistanceInSpace,
        CriticalDistance = 4,
        NearestBins = 3,
    };

    /// <summary>First pass of the toy simulation: 4 GeV, a fixed window of 0.1; the rest as in 2022.</summary>
    public static Clue3DOptions ToyHigh { get; } = new() { CriticalDensity = 4, Window = 0.1 };

    /// <summary>Second pass of the toy simulation, over what the first one left: 0.6 GeV.</summary>
    public static Clue3DOptions ToyLow { get; } = new() { CriticalDensity = 0.6, Window = 0.1 };

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The first one that is, with its range.</exception>
    public void Check()
    {
        Ranges.Within(CriticalDensity, 0, 1e6, nameof(CriticalDensity), "GeV");
        Ranges.Within(CriticalSelfDensity, 0, 1, nameof(CriticalSelfDensity), "");
        Ranges.Within(SiblingLayers, 0, 100, nameof(SiblingLayers), "layers");
        Ranges.Within(DensityDistanceSquared, 0, 1e4, nameof(DensityDistanceSquared), "cm²");
        Ranges.Within(Kernel, 0, 10, nameof(Kernel), "");
        Ranges.Within(CriticalDistance, 0, 1e3, nameof(CriticalDistance), "cm");
        Ranges.Within(CriticalLayers, 0, 100, nameof(CriticalLayers), "layers");
        Ranges.Within(OutlierMultiplier, 1, 100, nameof(OutlierMultiplier), "");
        Ranges.Within(MinLayerClusters, 1, 10000, nameof(MinLayerClusters), "layer clusters");
        Ranges.Within(MinHits, 0, 10000, nameof(MinHits), "hits");
        Ranges.Within(DensityBins, 0, 63, nameof(DensityBins), "bins");
        Ranges.Within(NearestBins, 0, 63, nameof(NearestBins), "bins");
        if (Window is double window)
            Ranges.Within(window, 0.001, 3, nameof(Window), "rad");
    }
}
