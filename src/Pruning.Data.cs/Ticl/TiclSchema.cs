using Pruning.Data.Errors;

namespace Pruning.Data.Ticl;

/// <summary>Generation of the TICL dumper.</summary>
public enum TiclGeneration
{
    /// <summary>2022 and 2023: reconstructed tracksters in the tree <c>tracksters</c>.</summary>
    Old,

    /// <summary>Since 2024: one tree for each collection, named by its label.</summary>
    New,
}

/// <summary>Particle that a simulated trackster stands for.</summary>
public enum TiclTruth
{
    /// <summary>One for each SimCluster: what crosses into the calorimeter.</summary>
    SimCluster,

    /// <summary>One for each CaloParticle: what came from the collision.</summary>
    CaloParticle,
}

/// <summary>Trees of a TICL ntuple that are to be read.</summary>
/// <param name="Generation">Generation of the dumper, by the collection's tree.</param>
/// <param name="Clusters">Tree of the layer clusters.</param>
/// <param name="High">Tree of the tracksters of the pass High.</param>
/// <param name="Low">Tree of the tracksters of the pass Low, or null.</param>
/// <param name="Simulated">Tree of the simulated tracksters.</param>
/// <param name="IsMerged">The tracksters of <paramref name="High"/> were linked from several.</param>
public sealed record TiclTrees(TiclGeneration Generation, string Clusters, string High, string? Low, string Simulated, bool IsMerged);

/// <summary>Names of the trees and branches of TICL dumper ntuples, in one place.</summary>
public static class TiclSchema
{
    /// <summary>Tree of the layer clusters.</summary>
    public const string Clusters = "clusters";

    /// <summary>Tree of the associations.</summary>
    public const string Associations = "associations";

    /// <summary>Tree of CLUE3D's tracksters in old ntuples.</summary>
    public const string OldTracksters = "tracksters";

    /// <summary>Tree of CLUE3D's tracksters in new ntuples.</summary>
    public const string NewTracksters = "ticlTrackstersCLUE3DHigh";

    /// <summary>Tree of the second pass, where there is one.</summary>
    public const string LowTracksters = "ticlTrackstersCLUE3DLow";

    /// <summary>Layer clusters of each trackster, reconstructed or simulated.</summary>
    public const string Vertices = "vertices_indexes";

    /// <summary>1 over the fraction of each vertex.</summary>
    public const string Multiplicity = "vertices_multiplicity";

    /// <summary>Behind the name of an association: the energies that are shared, GeV.</summary>
    public const string SharedEnergySuffix = "_sharedE";

    /// <summary>PDG number of a simulated trackster.</summary>
    public const string PdgId = "pdgID";

    /// <summary>Energy of the particle of a simulated trackster, GeV.</summary>
    public const string SimEnergy = "regressed_energy";

    /// <summary>Branches of <see cref="Clusters"/> in the order of <see cref="TiclClusters"/>.</summary>
    public static IReadOnlyList<string> ClusterBranches { get; } =
    [
        "position_x", "position_y", "position_z", "position_eta", "position_phi", "energy", "cluster_time", "cluster_timeErr", "cluster_layer_id",
        "cluster_number_of_hits",
    ];

    /// <summary>Prefixes that some ntuples of 2022 put before the branches of simulated tracksters; the empty one first.</summary>
    public static IReadOnlyList<string> SimPrefixes(TiclTruth truth) => ["", truth == TiclTruth.SimCluster ? "stsSC_" : "stsCP_"];

    /// <summary>Tree of the simulated tracksters.</summary>
    public static string SimTree(TiclTruth truth) => truth == TiclTruth.SimCluster ? "simtrackstersSC" : "simtrackstersCP";

    /// <summary>Branch of the associations from reconstructed to simulated tracksters.</summary>
    public static string RecoToSim(TiclGeneration generation, string collection, TiclTruth truth) =>
        $"{(generation == TiclGeneration.Old ? "tsCLUE3D" : collection)}_recoToSim_{(truth == TiclTruth.SimCluster ? "SC" : "CP")}";

    /// <summary>Chooses the trees to read of those that a directory has.</summary>
    /// <param name="trees">Names of the trees, without cycles.</param>
    /// <param name="collection">Tree of the reconstructed tracksters, or null: the new name, else the old one.</param>
    /// <param name="truth">Which simulated tracksters.</param>
    /// <param name="where">File and directory, for messages.</param>
    /// <exception cref="DataException">A tree is missing; the message has what was wanted and what is there.</exception>
    public static TiclTrees Resolve(IReadOnlyCollection<string> trees, string? collection, TiclTruth truth, string where)
    {
        Require(trees, Clusters, where);
        string chosen = collection ?? (trees.Contains(NewTracksters) || !trees.Contains(OldTracksters) ? NewTracksters : OldTracksters);
        Require(trees, chosen, where);
        Require(trees, SimTree(truth), where);
        bool isOld = chosen is OldTracksters or "trackstersMerged";
        bool isMerged = chosen is "trackstersMerged" or "ticlTracksterLinks" or "ticlCandidate";
        string? low = chosen is OldTracksters or NewTracksters && trees.Contains(LowTracksters) ? LowTracksters : null;
        return new(isOld ? TiclGeneration.Old : TiclGeneration.New, Clusters, chosen, low, SimTree(truth), isMerged);
    }

    private static void Require(IReadOnlyCollection<string> trees, string wanted, string where)
    {
        if (trees.Contains(wanted))
            return;
        string found = trees.Count == 0 ? "none" : string.Join(", ", trees.Order(StringComparer.Ordinal));
        throw new DataException($"{where}: a TICL ntuple with a tree '{wanted}' was wanted, and the trees found are: {found}; name the collection that is there, or give a ntuple of the TICL dumper.");
    }
}
