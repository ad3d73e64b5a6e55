using Pruning.Data.Errors;

namespace Pruning.Data.Ticl;

/// <summary>Which tracksters become graphs.</summary>
public sealed record GraphSelection
{
    /// <summary>Fewest layer clusters.</summary>
    public int MinNodes { get; init; } = 3;

    /// <summary>Most layer clusters.</summary>
    public int MaxNodes { get; init; } = 150;

    /// <summary>Least energy of all layer clusters, GeV.</summary>
    public double MinEnergy { get; init; } = 4;

    /// <summary>Smallest |eta| of the energy-weighted centre.</summary>
    public double MinEta { get; init; }

    /// <summary>Largest |eta| of the energy-weighted centre.</summary>
    public double MaxEta { get; init; } = 10;

    /// <summary>Least share of the trackster's energy that its particle owns.</summary>
    public double MinPurity { get; init; }

    /// <summary>
    /// Keep tracksters without a particle of the hard scatter too, with every label 1: for studies of fakes, not for
    /// training.
    /// </summary>
    public bool KeepUnmatched { get; init; }

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The first one that is, with its range.</exception>
    public void Check()
    {
        Ranges.Within(MinNodes, 1, 1000000, nameof(MinNodes), "layer clusters");
        Ranges.Within(MaxNodes, MinNodes, 1000000, nameof(MaxNodes), "layer clusters");
        Ranges.Within(MinEnergy, 0, 1e6, nameof(MinEnergy), "GeV");
        Ranges.Within(MinEta, 0, 10, nameof(MinEta), "");
        Ranges.Within(MaxEta, MinEta, 10, nameof(MaxEta), "");
        Ranges.Within(MinPurity, 0, 1, nameof(MinPurity), "");
    }
}
