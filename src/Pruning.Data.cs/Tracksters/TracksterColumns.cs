namespace Pruning.Data.Tracksters;

/// <summary>
/// One trackster as it stands in the file: one span per branch, nothing resolved and nothing checked. Spans point into
/// the columns that were read. Flags and label are kept as numbers so that a wrong value can be named.
/// </summary>
public readonly ref struct TracksterColumns
{
    /// <summary>[nodes] id of each layer cluster.</summary>
    public ReadOnlySpan<long> Id { get; init; }

    /// <summary>[nodes] x in cm.</summary>
    public ReadOnlySpan<float> PosX { get; init; }

    /// <summary>[nodes] y in cm.</summary>
    public ReadOnlySpan<float> PosY { get; init; }

    /// <summary>[nodes] z in cm.</summary>
    public ReadOnlySpan<float> PosZ { get; init; }

    /// <summary>[nodes] energy in GeV.</summary>
    public ReadOnlySpan<float> Energy { get; init; }

    /// <summary>[nodes] time in ns, -99 where there is none.</summary>
    public ReadOnlySpan<float> Time { get; init; }

    /// <summary>[nodes] pseudorapidity.</summary>
    public ReadOnlySpan<float> Eta { get; init; }

    /// <summary>[nodes] azimuth in rad.</summary>
    public ReadOnlySpan<float> Phi { get; init; }

    /// <summary>[nodes] 1 on a seed of the first CLUE3D pass.</summary>
    public ReadOnlySpan<float> IsSeedHigh { get; init; }

    /// <summary>[nodes] 1 on a seed of the second CLUE3D pass.</summary>
    public ReadOnlySpan<float> IsSeedLow { get; init; }

    /// <summary>[nodes] calorimeter layer, from 1; empty where the file does not say.</summary>
    public ReadOnlySpan<float> Layer { get; init; }

    /// <summary>[nodes] hits; empty where the file does not say.</summary>
    public ReadOnlySpan<float> HitCount { get; init; }

    /// <summary>[nodes] 1 = prune, 0 = keep.</summary>
    public ReadOnlySpan<float> Label { get; init; }

    /// <summary>[links] id of the parent.</summary>
    public ReadOnlySpan<long> Origin { get; init; }

    /// <summary>[links] id of the follower.</summary>
    public ReadOnlySpan<long> Target { get; init; }

    /// <summary>[nodes] share of the energy that the trackster's particle owns, 0 to 1; empty where the file does not say.</summary>
    public ReadOnlySpan<float> Fraction { get; init; }

    /// <summary>Number of layer clusters, by the ids.</summary>
    public int NodeCount => Id.Length;
}
