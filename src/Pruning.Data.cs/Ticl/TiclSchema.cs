using Pruning.Data.Errors;
using Pruning.Root.Errors;

namespace Pruning.Data.Ticl;

/// <summary>Particle that a simulated trackster stands for.</summary>
public enum TiclTruth
{
    /// <summary>One for each SimCluster: what crosses into the calorimeter.</summary>
    SimCluster,

    /// <summary>One for each CaloParticle: what came from the collision.</summary>
    CaloParticle,
}

/// <summary>Trees of a TICL ntuple that are to be read.</summary>
/// <param name="Generation">Generation of the dumper.</param>
/// <param name="Clusters">Tree of the layer clusters; null where the tracksters have copies of theirs.</param>
/// <param name="High">Tree of the tracksters of the pass High.</param>
/// <param name="Low">Tree of the tracksters of the pass Low, or null.</param>
/// <param name="Simulated">Tree of the simulated tracksters.</param>
/// <param name="IsMerged">The tracksters of <paramref name="High"/> were linked from several.</param>
/// <param name="IsGrouped">The simulated tracksters are SimClusters, to be joined to CaloParticles.</param>
public sealed record TiclTrees(TiclGeneration Generation, string? Clusters, string High, string? Low, string Simulated, bool IsMerged,
    bool IsGrouped = false);

/// <summary>Names of the trees and branches of TICL dumper ntuples that all generations share.</summary>
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

    /// <summary>CaloParticle of the simulated trackster of a SimCluster.</summary>
    public const string CaloParticle = "CPidx";

    /// <summary>Where a layer cluster lies: -1 in the barrel.</summary>
    public const string ClusterType = "cluster_type";

    /// <summary>Layer clusters of the event, in the trees of tracksters.</summary>
    public const string ClusterCount = "NClusters";

    /// <summary>The event.</summary>
    public const string Event = "event";

    /// <summary>Class of <see cref="Event"/>.</summary>
    public const string EventClass = "edm::EventID";

    /// <summary>Its version in CMSSW.</summary>
    public const int EventClassVersion = 11;

    /// <summary>Branches of <see cref="Clusters"/> in the order of <see cref="TiclClusters"/>.</summary>
    public static IReadOnlyList<string> ClusterBranches { get; } =
    [
        "position_x", "position_y", "position_z", "position_eta", "position_phi", "energy", "cluster_time", "cluster_timeErr",
        "cluster_layer_id", "cluster_number_of_hits",
    ];

    /// <summary>Copies of layer clusters in trees of tracksters: x, y, z, energy, time and its uncertainty.</summary>
    public static IReadOnlyList<string> VertexBranches { get; } =
        ["vertices_x", "vertices_y", "vertices_z", "vertices_energy", "vertices_time", "vertices_timeErr"];

    /// <summary>Members of <see cref="EventClass"/>: run, luminosity block, event.</summary>
    public static IReadOnlyList<string> EventMembers { get; } = ["run_", "luminosityBlock_", "event_"];

    /// <summary>The same as plain numbers.</summary>
    public static IReadOnlyList<string> EventNumbers { get; } = ["run", "luminosityBlock", "event"];

    /// <summary>Trees of a dumper that hold no tracksters.</summary>
    public static IReadOnlyList<string> OtherTrees { get; } =
        [Clusters, Associations, "candidates", "superclustering", "tracks", "simTICLCandidate", "rechits", "simhits", "graph", "TICLGraph",
            "simcandidates", "Metadata"];

    /// <summary>Prefixes that some ntuples of 2022 put before the branches of simulated tracksters; the empty one first.</summary>
    public static IReadOnlyList<string> SimPrefixes(TiclTruth truth) => ["", truth == TiclTruth.SimCluster ? "stsSC_" : "stsCP_"];

    /// <summary>Tree of the simulated tracksters.</summary>
    public static string SimTree(TiclTruth truth) => truth == TiclTruth.SimCluster ? "simtrackstersSC" : "simtrackstersCP";

    /// <summary>Branch of the associations from reconstructed to simulated tracksters.</summary>
    public static string RecoToSim(TiclGeneration generation, string collection, TiclTruth truth) =>
        $"{TiclFormat.Of(generation).Collection(collection).Associations}_recoToSim_{(truth == TiclTruth.SimCluster ? "SC" : "CP")}";

    /// <summary>Trees of reconstructed tracksters among those that a directory has.</summary>
    public static IEnumerable<string> CollectionsOf(IEnumerable<string> trees) =>
        trees.Where(name => !OtherTrees.Contains(name) && !name.Contains("sim", StringComparison.OrdinalIgnoreCase));

    /// <summary>Chooses the trees to read of those that a directory has.</summary>
    /// <param name="trees">Names of the trees, without cycles.</param>
    /// <param name="collection">Tree of the reconstructed tracksters, or null: the first of its generation.</param>
    /// <param name="truth">Which simulated tracksters.</param>
    /// <param name="where">File and directory, for messages.</param>
    /// <exception cref="DataException">A tree is missing; the message has what was wanted and what is there.</exception>
    public static TiclTrees Resolve(IReadOnlyCollection<string> trees, string? collection, TiclTruth truth, string where)
    {
        TiclFormat format = TiclFormat.OfTrees(trees) ?? TiclFormat.Of(TiclGeneration.New);
        string? clusters = format.LayerClusters.FirstOrDefault(trees.Contains);
        if (clusters is null && !format.MayLackClusters)
            throw Missing(trees, Clusters, where);
        string chosen = collection ?? format.Collections.Select(one => one.Name).FirstOrDefault(trees.Contains)
            ?? format.Collections[0].Name;
        if (collection is not null && !trees.Contains(collection))
        {
            string near = NearestNames.Suggest(collection, CollectionsOf(trees), "The file has no collection.");
            throw new DataException($"{where}: there is no collection '{collection}' among the trees {List(trees)}. {near}");
        }

        if (!trees.Contains(chosen))
            throw Missing(trees, chosen, where);
        string? simulated = format.Simulated(truth).FirstOrDefault(trees.Contains);
        bool isGrouped = false;
        if (simulated is null && truth == TiclTruth.CaloParticle && format.SimClusters.FirstOrDefault(trees.Contains) is string joined)
        {
            simulated = joined;
            isGrouped = true;
        }

        if (simulated is null)
            throw Missing(trees, format.Simulated(truth)[0], where);
        TiclCollection known = format.Collection(chosen);
        string? low = chosen == format.Collections[0].Name && trees.Contains(format.Low) ? format.Low : null;
        return new(format.Generation, clusters, chosen, low, simulated, known.IsMerged, isGrouped);
    }

    private static DataException Missing(IReadOnlyCollection<string> trees, string wanted, string where) =>
        new($"{where}: a TICL ntuple with a tree '{wanted}' was wanted, and the trees found are: {List(trees)}; name the collection that is there, or give a ntuple of the TICL dumper.");

    private static string List(IReadOnlyCollection<string> trees) => trees.Count == 0 ? "none"
        : string.Join(", ", trees.Order(StringComparer.Ordinal));
}
