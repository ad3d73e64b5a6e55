namespace Pruning.Data.Tracksters;

/// <summary>
/// Names of the trees and branches of a prepared file, in one place. One entry is one trackster; the two trees match
/// entry by entry.
/// </summary>
public static class TracksterSchema
{
    /// <summary>Tree with one jagged branch per property of the layer clusters.</summary>
    public const string TracksterTree = "Tracksters";

    /// <summary>Tree with the CLUE3D links of each trackster, as ids of layer clusters.</summary>
    public const string EdgeTree = "Edges";

    /// <summary>Optional tree with one value per trackster (event, truth).</summary>
    public const string GraphTree = "Graphs";

    /// <summary>Tree of one entry that says how the file was made, a text a branch.</summary>
    public const string MetadataTree = "Metadata";

    /// <summary>
    /// Number of layer clusters of a trackster: counts the branches of <see cref="TracksterTree"/> in files that we write.
    /// </summary>
    public const string NodeCount = "nLayerClusters";

    /// <summary>Number of links of a trackster: counts the branches of <see cref="EdgeTree"/> in files that we write.</summary>
    public const string LinkCount = "nLinks";

    /// <summary>Number of the trackster in its event.</summary>
    public const string Trackster = "trackster";

    /// <summary>Generated energy of the particle that owns the trackster, GeV; 0 for none.</summary>
    public const string GeneratedEnergy = "generatedEnergy";

    /// <summary>Id of a layer cluster, unique in its trackster.</summary>
    public const string Id = "id";

    /// <summary>x of the layer cluster in cm.</summary>
    public const string PosX = "pos_x";

    /// <summary>y of the layer cluster in cm.</summary>
    public const string PosY = "pos_y";

    /// <summary>z of the layer cluster in cm, negative in the endcap at negative z.</summary>
    public const string PosZ = "pos_z";

    /// <summary>Energy of the layer cluster in GeV.</summary>
    public const string Energy = "energy";

    /// <summary>Time of the layer cluster in ns; -99 where it was not measured.</summary>
    public const string Time = "time";

    /// <summary>Pseudorapidity.</summary>
    public const string Eta = "eta";

    /// <summary>Azimuth in rad.</summary>
    public const string Phi = "phi";

    /// <summary>1 on the seed of the first CLUE3D pass, else 0.</summary>
    public const string IsSeedHigh = "isSeedCLUE3DHigh";

    /// <summary>1 on the seed of the second CLUE3D pass, else 0.</summary>
    public const string IsSeedLow = "isSeedCLUE3DLow";

    /// <summary>1 = prune, 0 = keep.</summary>
    public const string Label = "label";

    /// <summary>Id of the nearest-higher layer cluster (the parent).</summary>
    public const string Origin = "origin";

    /// <summary>Id of the follower.</summary>
    public const string Target = "target";

    /// <summary>Optional: share of a layer cluster's energy that its trackster's particle owns, 0 to 1.</summary>
    public const string Fraction = "fraction";

    /// <summary>Names under which a file may say in which layer a layer cluster is, from 1.</summary>
    public static IReadOnlyList<string> Layer { get; } = ["layer", "cluster_layer_id"];

    /// <summary>Names under which a file may say how many hits (cells) a layer cluster has.</summary>
    public static IReadOnlyList<string> HitCount { get; } = ["nHits", "nhits", "cluster_number_of_hits"];

    /// <summary>Names under which <see cref="GraphTree"/> may hold the PDG number of a trackster's particle.</summary>
    public static IReadOnlyList<string> PdgId { get; } = ["pdgId", "pdgID", "pdg_id"];

    /// <summary>Names under which <see cref="GraphTree"/> may hold the energy of that particle in all layer clusters, GeV.</summary>
    public static IReadOnlyList<string> SimEnergy { get; } = ["simEnergy", "sim_energy", "energySim"];

    /// <summary>Names under which <see cref="GraphTree"/> may hold the mean number of simultaneous interactions.</summary>
    public static IReadOnlyList<string> PileUp { get; } = ["pileUp", "pileup", "pile_up"];

    /// <summary>Names under which a file may say which event a trackster belongs to.</summary>
    public static IReadOnlyList<string> Event { get; } = ["event", "Event"];

    /// <summary>Run of a trackster's event, in <see cref="GraphTree"/>.</summary>
    public const string Run = "run";

    /// <summary>Luminosity block of a trackster's event, in <see cref="GraphTree"/>.</summary>
    public const string Lumi = "lumi";

    /// <summary>Name of each of the nine features of a graph, in order.</summary>
    public static IReadOnlyList<string> Features { get; } = [PosX, PosY, PosZ, Energy, Time, Eta, Phi, IsSeedHigh, IsSeedLow];
}
