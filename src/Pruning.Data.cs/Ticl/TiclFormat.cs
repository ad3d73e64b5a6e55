namespace Pruning.Data.Ticl;

/// <summary>Who wrote an ntuple, by the names in it.</summary>
public enum TiclGeneration
{
    /// <summary>TICL dumper of 2022 and 2023: reconstructed tracksters in the tree <c>tracksters</c>.</summary>
    Old,

    /// <summary>TICL dumper of the middle of 2024, with the reconstruction of TICL v4.</summary>
    Mid2024V4,

    /// <summary>TICL dumper of the middle of 2024, with the reconstruction of TICL v5.</summary>
    Mid2024V5,

    /// <summary>TICL dumper since the end of 2024: one tree for each collection, named by its label.</summary>
    New,

    /// <summary>The same of the high-level trigger, whose labels begin with <c>hlt</c>.</summary>
    Hlt,

    /// <summary>HGCAL NanoAOD of the offline reconstruction: flat columns in the tree <c>Events</c>.</summary>
    Nano,

    /// <summary>HGCAL NanoAOD of the high-level trigger.</summary>
    NanoHlt,
}

/// <summary>How an entry says which event it is.</summary>
public enum TiclEventForm
{
    /// <summary>It does not: a counter at most, which begins anew in every job.</summary>
    None,

    /// <summary>An object <c>edm::EventID</c> in every tree.</summary>
    EventId,

    /// <summary>The numbers <c>run</c>, <c>luminosityBlock</c> and <c>event</c>.</summary>
    Numbers,
}

/// <summary>A collection of reconstructed tracksters.</summary>
/// <param name="Name">Its tree in a dumper's file, its label in NanoAOD.</param>
/// <param name="Associations">What the names of its associations begin with.</param>
/// <param name="IsMerged">Its tracksters were linked from several of CLUE3D's and may have several seeds.</param>
public sealed record TiclCollection(string Name, string Associations, bool IsMerged = false);

/// <summary>
/// What distinguishes the ntuples of one generation. All differences stand in the table <see cref="All"/>; nothing else
/// asks for a generation by its name.
/// </summary>
public sealed record TiclFormat
{
    /// <summary>Generation.</summary>
    public required TiclGeneration Generation { get; init; }

    /// <summary>Its name in options and files.</summary>
    public required string Name { get; init; }

    /// <summary>What it is, in words.</summary>
    public required string Title { get; init; }

    /// <summary>Collections of reconstructed tracksters, in the order in which one is chosen. The first is CLUE3D's.</summary>
    public required IReadOnlyList<TiclCollection> Collections { get; init; }

    /// <summary>Collection of a second pass of CLUE3D, read beside the first collection where it is there.</summary>
    public required string Low { get; init; }

    /// <summary>Names that the tree (or label) of simulated tracksters of SimClusters may have.</summary>
    public IReadOnlyList<string> SimClusters { get; init; } = ["simtrackstersSC"];

    /// <summary>Names that the tree (or label) of simulated tracksters of CaloParticles may have.</summary>
    public IReadOnlyList<string> CaloParticles { get; init; } = ["simtrackstersCP"];

    /// <summary>Names that the tree (or table) of layer clusters may have.</summary>
    public IReadOnlyList<string> LayerClusters { get; init; } = [TiclSchema.Clusters];

    /// <summary>The tree of layer clusters may be missing: tracksters have copies of theirs.</summary>
    public bool MayLackClusters { get; init; }

    /// <summary>Associations to SimClusters and CaloParticles were filled from each other's input.</summary>
    public bool MaySwapAssociations { get; init; }

    /// <summary>Layer clusters of the barrel may stand among those of the HGCAL.</summary>
    public bool HasBarrel { get; init; }

    /// <summary>Tracksters have copies of their layer clusters, even beside the tree of layer clusters.</summary>
    public bool CopiesClusters { get; init; }

    /// <summary>Simulated tracksters of SimClusters name their CaloParticle.</summary>
    public bool NamesCaloParticles { get; init; }

    /// <summary>How it says which event an entry is.</summary>
    public TiclEventForm Events { get; init; }

    /// <summary>One flat tree <c>Events</c> instead of a tree for each collection.</summary>
    public bool IsFlat { get; init; }

    /// <summary>All of them, in the order in which a file is tried: the first one with a collection that the file has.</summary>
    public static IReadOnlyList<TiclFormat> All { get; } =
    [
        new()
        {
            Generation = TiclGeneration.NanoHlt,
            Name = "nano-hlt",
            Title = "HGCAL NanoAOD of the high-level trigger",
            Collections =
            [
                Same("hltTiclTrackstersCLUE3DHigh"), Linked("hltTiclTracksterLinks"), Linked("hltTiclTracksterLinksUnseeded"),
                Linked("hltTiclTracksterLinksSuperclusteringDNN"),
                Linked("hltTiclCandidate"),
            ],
            Low = "hltTiclTrackstersCLUE3DLow",
            SimClusters = ["hltTiclSimTracksters"],
            CaloParticles = ["hltTiclSimTrackstersfromCPs", "hltTiclSimTracksters_fromCPs"],
            LayerClusters = ["hltMergeLayerClusters", "hltHgcalMergeLayerClusters", "hltHGCalLayerClusters"],
            Events = TiclEventForm.Numbers,
            IsFlat = true,
        },
        new()
        {
            Generation = TiclGeneration.Nano,
            Name = "nano",
            Title = "HGCAL NanoAOD",
            Collections =
            [
                Same("ticlTrackstersCLUE3DHigh"), Linked("ticlTracksterLinks"), Linked("ticlTracksterLinksSuperclusteringDNN"),
                Linked("ticlTracksterLinksSuperclusteringMustache"),
                Linked("ticlCandidate"),
            ],
            Low = "ticlTrackstersCLUE3DLow",
            SimClusters = ["ticlSimTracksters"],
            CaloParticles = ["ticlSimTrackstersfromCPs", "ticlSimTracksters_fromCPs"],
            LayerClusters = ["HGCalLayerClusters", "hgcalMergeLayerClusters"],
            Events = TiclEventForm.Numbers,
            IsFlat = true,
        },
        new()
        {
            Generation = TiclGeneration.Hlt,
            Name = "hlt",
            Title = "TICL dumper of the high-level trigger",
            Collections =
            [
                Same("hltTiclTrackstersCLUE3DHigh"), Linked("hltTiclTracksterLinks"), Linked("hltTiclTracksterLinksUnseeded"),
                Linked("hltTiclTracksterLinksSuperclusteringDNN"),
                Linked("hltTiclCandidate"),
            ],
            Low = "hltTiclTrackstersCLUE3DLow",
            SimClusters = ["simtrackstersSC", "hltTiclSimTracksters"],
            CaloParticles = ["simtrackstersCP", "hltTiclSimTrackstersfromCPs"],
            MayLackClusters = true,
            CopiesClusters = true,
            NamesCaloParticles = true,
            Events = TiclEventForm.EventId,
        },
        new()
        {
            Generation = TiclGeneration.New,
            Name = "v5",
            Title = "TICL dumper since the end of 2024",
            Collections =
            [
                Same("ticlTrackstersCLUE3DHigh"), Linked("ticlTracksterLinks"), Linked("ticlTracksterLinksSuperclusteringDNN"),
                Linked("ticlTracksterLinksSuperclusteringMustache"),
                Linked("ticlCandidate"), Same("ticlTrackstersRecovery"),
            ],
            Low = TiclSchema.LowTracksters,
            MayLackClusters = true,
            HasBarrel = true,
            NamesCaloParticles = true,
            Events = TiclEventForm.EventId,
        },
        new()
        {
            Generation = TiclGeneration.Mid2024V5,
            Name = "2024-v5",
            Title = "TICL dumper of the middle of 2024 with TICL v5",
            Collections =
            [
                new("trackstersCLUE3DHigh", "tsCLUE3D"), new("trackstersTiclCandidate", "ticlCandidate", IsMerged: true),
                Linked("trackstersSuperclusteringDNN"),
                Linked("trackstersSuperclusteringMustache"),
            ],
            Low = "trackstersCLUE3DLow",
            MayLackClusters = true,
            MaySwapAssociations = true,
            Events = TiclEventForm.EventId,
        },
        new()
        {
            Generation = TiclGeneration.Mid2024V4,
            Name = "2024-v4",
            Title = "TICL dumper of the middle of 2024 with TICL v4",
            Collections = [new("trackstersclue3d", "tsCLUE3D"), new("trackstersmerged", "Mergetracksters", IsMerged: true)],
            Low = "trackstersclue3dlow",
            MaySwapAssociations = true,
            Events = TiclEventForm.EventId,
        },
        new()
        {
            Generation = TiclGeneration.Old,
            Name = "2022",
            Title = "TICL dumper or ntuplizer of 2022 and 2023",
            Collections = [new(TiclSchema.OldTracksters, "tsCLUE3D"), new("trackstersMerged", "Mergetracksters", IsMerged: true)],
            Low = TiclSchema.LowTracksters,
        },
    ];

    /// <summary>The format of a generation.</summary>
    public static TiclFormat Of(TiclGeneration generation) => All.First(one => one.Generation == generation);

    /// <summary>The dumper's format that a directory with these trees has; null for none.</summary>
    public static TiclFormat? OfTrees(IReadOnlyCollection<string> trees) =>
        All.FirstOrDefault(one => !one.IsFlat && one.Collections.Any(collection => trees.Contains(collection.Name)));

    /// <summary>Names of simulated tracksters.</summary>
    public IReadOnlyList<string> Simulated(TiclTruth truth) => truth == TiclTruth.SimCluster ? SimClusters : CaloParticles;

    /// <summary>A collection by its name, one that the table does not list included.</summary>
    public TiclCollection Collection(string name) => Collections.FirstOrDefault(one => one.Name == name)
        ?? new TiclCollection(name, name, LooksMerged(name));

    private static bool LooksMerged(string name) =>
        name.Contains("Link", StringComparison.OrdinalIgnoreCase) || name.Contains("Merge", StringComparison.OrdinalIgnoreCase)
        || name.Contains("Candidate", StringComparison.OrdinalIgnoreCase) || name.Contains("Super", StringComparison.OrdinalIgnoreCase);

    private static TiclCollection Same(string name) => new(name, name);

    private static TiclCollection Linked(string name) => new(name, name, IsMerged: true);
}
