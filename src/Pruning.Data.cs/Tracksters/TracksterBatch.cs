namespace Pruning.Data.Tracksters;

/// <summary>
/// Many tracksters as columns. One entry is one trackster: layer clusters of entry e are [<see cref="Nodes"/>[e],
/// Nodes[e + 1]), its links [<see cref="Links"/>[e], Links[e + 1]). Offsets need not begin with 0, so a part of larger
/// arrays will do.
/// </summary>
public sealed record TracksterBatch
{
    /// <summary>[entries + 1] where the layer clusters of each trackster begin.</summary>
    public required ReadOnlyMemory<long> Nodes { get; init; }

    /// <summary>[nodes] id of each layer cluster, unique in its trackster.</summary>
    public required ReadOnlyMemory<long> Id { get; init; }

    /// <summary>[nodes] x in cm.</summary>
    public required ReadOnlyMemory<float> PosX { get; init; }

    /// <summary>[nodes] y in cm.</summary>
    public required ReadOnlyMemory<float> PosY { get; init; }

    /// <summary>[nodes] z in cm.</summary>
    public required ReadOnlyMemory<float> PosZ { get; init; }

    /// <summary>[nodes] energy in GeV.</summary>
    public required ReadOnlyMemory<float> Energy { get; init; }

    /// <summary>[nodes] time in ns, -99 where there is none.</summary>
    public required ReadOnlyMemory<float> Time { get; init; }

    /// <summary>[nodes] pseudorapidity.</summary>
    public required ReadOnlyMemory<float> Eta { get; init; }

    /// <summary>[nodes] azimuth in rad.</summary>
    public required ReadOnlyMemory<float> Phi { get; init; }

    /// <summary>[nodes] seed of the first CLUE3D pass.</summary>
    public required ReadOnlyMemory<bool> IsSeedHigh { get; init; }

    /// <summary>[nodes] seed of the second CLUE3D pass.</summary>
    public required ReadOnlyMemory<bool> IsSeedLow { get; init; }

    /// <summary>[nodes] calorimeter layer, from 1; 0 where nobody knows.</summary>
    public required ReadOnlyMemory<int> Layer { get; init; }

    /// <summary>[nodes] hits; 0 where nobody knows.</summary>
    public required ReadOnlyMemory<int> HitCount { get; init; }

    /// <summary>[nodes] true = prune.</summary>
    public required ReadOnlyMemory<bool> Label { get; init; }

    /// <summary>
    /// [nodes] part of the layer cluster's energy that belongs to the trackster's particle; needed where the file has truth.
    /// </summary>
    public ReadOnlyMemory<float> Fraction { get; init; }

    /// <summary>[entries + 1] where the links of each trackster begin.</summary>
    public required ReadOnlyMemory<long> Links { get; init; }

    /// <summary>[links] id of the parent.</summary>
    public required ReadOnlyMemory<long> Origin { get; init; }

    /// <summary>[links] id of the follower.</summary>
    public required ReadOnlyMemory<long> Target { get; init; }

    /// <summary>One value per trackster; needed where the file has truth.</summary>
    public TruthBatch? Truth { get; init; }
}

/// <summary>What is known of each trackster as a whole.</summary>
public sealed record TruthBatch
{
    /// <summary>[entries] number of the event.</summary>
    public required ReadOnlyMemory<long> Event { get; init; }

    /// <summary>[entries] run of the event; needed where the file has runs.</summary>
    public ReadOnlyMemory<uint> Run { get; init; }

    /// <summary>[entries] luminosity block of the event; needed where the file has runs.</summary>
    public ReadOnlyMemory<uint> Lumi { get; init; }

    /// <summary>[entries] number of the trackster in its event.</summary>
    public required ReadOnlyMemory<int> Trackster { get; init; }

    /// <summary>[entries] PDG id of the particle that owns it; 0 for none.</summary>
    public required ReadOnlyMemory<int> PdgId { get; init; }

    /// <summary>[entries] generated energy of that particle in GeV.</summary>
    public required ReadOnlyMemory<float> GeneratedEnergy { get; init; }

    /// <summary>[entries] energy of that particle in all layer clusters of the event in GeV.</summary>
    public required ReadOnlyMemory<float> SimEnergy { get; init; }

    /// <summary>[entries] mean number of simultaneous interactions; needed where the file has pile-up.</summary>
    public ReadOnlyMemory<float> PileUp { get; init; }
}
