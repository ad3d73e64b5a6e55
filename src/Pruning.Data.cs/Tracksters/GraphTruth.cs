namespace Pruning.Data.Tracksters;

/// <summary>What a file says about one trackster beyond its layer clusters; null where it does not say.</summary>
/// <param name="PdgId">PDG number of the particle that owns most of it.</param>
/// <param name="SimEnergy">Energy of that particle in all layer clusters of the event, GeV.</param>
/// <param name="PileUp">Mean number of simultaneous interactions.</param>
public readonly record struct GraphTruth(long? PdgId, float? SimEnergy, float? PileUp);

/// <summary>The optional columns of a prepared file. None of them is ever a feature: only metrics read them.</summary>
internal sealed record TruthColumns
{
    /// <summary>Nothing is known.</summary>
    public static TruthColumns None { get; } = new();

    /// <summary>Share of a layer cluster's energy that its trackster's particle owns, 0 to 1.</summary>
    public Jagged<float>? Fraction { get; init; }

    /// <summary>[entries] PDG numbers.</summary>
    public long[]? PdgId { get; init; }

    /// <summary>[entries] energies in GeV.</summary>
    public float[]? SimEnergy { get; init; }

    /// <summary>[entries] mean numbers of interactions.</summary>
    public float[]? PileUp { get; init; }

    /// <summary>What is known of one entry.</summary>
    public GraphTruth Of(long entry) => new(PdgId?[entry], SimEnergy?[entry], PileUp?[entry]);
}
