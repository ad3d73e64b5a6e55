namespace Pruning.Data.Ticl;

/// <summary>What is known of the particles behind the layer clusters of one event.</summary>
public sealed record EventTruth
{
    /// <summary>Fractions of the particles of the hard scatter; a graph belongs to one of these.</summary>
    public required TruthFractions HardScatter { get; init; }

    /// <summary>[particles] PDG number.</summary>
    public required int[] PdgId { get; init; }

    /// <summary>[particles] generated energy, GeV.</summary>
    public required float[] GeneratedEnergy { get; init; }

    /// <summary>
    /// Fractions of the particles of pile-up, where they are known: a trackster of which one of them owns more than any
    /// of the hard scatter is unmatched. TICL ntuples do not have them (null).
    /// </summary>
    public TruthFractions? PileUp { get; init; }
}
