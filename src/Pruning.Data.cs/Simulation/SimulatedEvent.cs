using Pruning.Data.Ticl;

namespace Pruning.Data.Simulation;

/// <summary>Particles of a simulated event, those of the hard scatter first.</summary>
public sealed record SimulatedParticles
{
    /// <summary>Particles of the hard scatter; the others are pile-up.</summary>
    public required int HardScatterCount { get; init; }

    /// <summary>[particles] PDG number: 22 photon, 11 electron, 211 charged pion, 130 neutral hadron.</summary>
    public required int[] PdgId { get; init; }

    /// <summary>[particles] energy, GeV.</summary>
    public required float[] Energy { get; init; }

    /// <summary>[particles] x at the first sensor, cm.</summary>
    public required float[] X { get; init; }

    /// <summary>[particles] y at the first sensor, cm.</summary>
    public required float[] Y { get; init; }

    /// <summary>[particles] time of its collision, ns.</summary>
    public required float[] Time { get; init; }

    /// <summary>[particles] energy that it left in the cells, before noise and thresholds, GeV.</summary>
    public required float[] Deposited { get; init; }

    /// <summary>Number of particles.</summary>
    public int Count => PdgId.Length;
}

/// <summary>One event of the toy simulation: particles, layer clusters, truth, tracksters and graphs, as columns.</summary>
public sealed record SimulatedEvent
{
    /// <summary>Number of the event, on which alone it depends for given options.</summary>
    public required long Number { get; init; }

    /// <summary>Endcap: 1 at positive z, -1 at negative z.</summary>
    public required int Side { get; init; }

    /// <summary>Particles.</summary>
    public required SimulatedParticles Particles { get; init; }

    /// <summary>Layer clusters.</summary>
    public required LayerClusterColumns Clusters { get; init; }

    /// <summary>Whose energy they are; pile-up is known.</summary>
    public required EventTruth Truth { get; init; }

    /// <summary>Tracksters of each pass, in order, before any selection.</summary>
    public required IReadOnlyList<TracksterCollection> Tracksters { get; init; }

    /// <summary>Selected tracksters with labels: what the prepared format holds.</summary>
    public required PreparedGraphs Graphs { get; init; }
}
