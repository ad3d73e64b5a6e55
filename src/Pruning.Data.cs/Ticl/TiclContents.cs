using Pruning.Data.Errors;
using Pruning.Root.Reading;
using Pruning.Root.Trees;

namespace Pruning.Data.Ticl;

/// <summary>What an ntuple holds, and which format it therefore has.</summary>
internal sealed class TiclContents
{
    /// <summary>Tree of NanoAOD.</summary>
    public const string FlatTree = "Events";

    private readonly RootFile _file;
    private readonly Dictionary<string, RootTree> _trees = new(StringComparer.Ordinal);

    private TiclContents(RootFile file, string folder, IReadOnlyList<string> trees, TiclFormat format)
    {
        _file = file;
        Folder = folder;
        Trees = trees;
        Format = format;
    }

    /// <summary>Directory of the trees with its slash; empty at the top.</summary>
    public string Folder { get; }

    /// <summary>Names of the trees in the directory.</summary>
    public IReadOnlyList<string> Trees { get; }

    /// <summary>The format.</summary>
    public TiclFormat Format { get; }

    /// <summary>File and directory, for messages.</summary>
    public string Where => Folder.Length == 0 ? _file.Path : $"{_file.Path}, directory '{Folder.TrimEnd('/')}'";

    /// <summary>Tree or label of the simulated tracksters of SimClusters, or null.</summary>
    public string? SimClusters => Format.SimClusters.FirstOrDefault(IsThere);

    /// <summary>Tree or label of the simulated tracksters of CaloParticles, or null.</summary>
    public string? CaloParticles => Format.CaloParticles.FirstOrDefault(IsThere);

    /// <summary>Tree or table of the layer clusters, or null.</summary>
    public string? LayerClusters => Format.IsFlat ? Format.LayerClusters.FirstOrDefault(name => Has(FlatTree, name + "_position_x"))
        : Format.LayerClusters.FirstOrDefault(Trees.Contains);

    /// <summary>Collections of reconstructed tracksters.</summary>
    public IReadOnlyList<string> Collections => Format.IsFlat
        ? [.. Tree(FlatTree).Branches.Select(branch => branch.Name).Where(name =>
            name.EndsWith(NanoNames.Vertices, StringComparison.Ordinal))
            .Select(name => name[..^NanoNames.Vertices.Length]).Where(name => !name.Contains("Sim", StringComparison.OrdinalIgnoreCase))]
        : [.. TiclSchema.CollectionsOf(Trees)];

    /// <summary>The associations are taken for exchanged; set by whoever compared them.</summary>
    public bool SwapsAssociations { get; set; }

    /// <summary>The simulated tracksters have no PDG numbers.</summary>
    public bool MissesPdgId => Format.IsFlat
        && !NanoNames.PdgId.Any(suffix => Has(FlatTree, (CaloParticles ?? SimClusters ?? "") + suffix));

    /// <summary>Looks into a file.</summary>
    /// <exception cref="DataException">It is no ntuple of any format; the message has what was wanted and what is there.</exception>
    public static TiclContents Of(RootFile file)
    {
        string[] all = [.. file.List().Where(one => one.IsTree).Select(one => one.Path).Distinct()];
        if (Flat(file, all) is TiclContents flat)
            return flat;
        string[] folders = [.. all.Where(path => IsMark(NameOf(path))).Select(FolderOf).Distinct()];
        if (folders.Length > 1)
            throw new DataException(
                $"{file.Path}: the directories {string.Join(", ", folders.Select(one => $"'{one.TrimEnd('/')}'"))} have trees of an ntuple each, and one ntuple a file was wanted: split the file.");
        if (folders.Length == 0)
        {
            string found = all.Length == 0 ? "none" : string.Join(", ", all);
            throw new DataException(
                $"{file.Path}: a TICL ntuple with a tree '{TiclSchema.Clusters}' was wanted, and the trees found are: {found}; "
                    + "give a ntuple of the TICL dumper.");
        }

        string[] trees = [.. all.Where(path => FolderOf(path) == folders[0]).Select(NameOf)];
        return new TiclContents(file, folders[0], trees, TiclFormat.OfTrees(trees) ?? TiclFormat.Of(TiclGeneration.New));
    }

    /// <summary>A tree of the directory.</summary>
    public RootTree Tree(string name)
    {
        if (!_trees.TryGetValue(name, out RootTree? tree))
            _trees[name] = tree = _file.Tree(Folder + name);
        return tree;
    }

    /// <summary>A tree of the directory has a branch.</summary>
    public bool Has(string tree, string branch) => Trees.Contains(tree) && Tree(tree).TryBranch(branch, out _);

    /// <summary>Sentences about what is known to be wrong in such a file.</summary>
    public IReadOnlyList<string> Warnings() => [.. TiclFault.All.Where(fault => fault.Applies(this)).Select(fault => fault.Sentence)];

    /// <summary>What tells files of different versions apart, in one line.</summary>
    public string Fingerprint()
    {
        List<string> parts = [Format.Name];
        RootTree any = Tree(Format.IsFlat ? FlatTree : LayerClusters ?? Collections[0]);
        parts.Add(TiclEvents.AreIn(any) ? "run, lumi and event" : "no run");
        parts.Add(LayerClusters is string clusters ? $"layer clusters {clusters}" : "no layer clusters");
        if (LayerClusters is string tree && !Format.IsFlat)
            parts.AddRange(new[] { TiclSchema.ClusterType, "rechits" }.Where(name => Has(tree, name)));
        parts.Add($"collections {string.Join(" ", Collections)}");
        parts.Add($"truth {string.Join(" ", new[] { CaloParticles, SimClusters }.OfType<string>())}");
        if (SimClusters is string sim && Has(sim, TiclSchema.CaloParticle))
            parts.Add(TiclSchema.CaloParticle);
        if (Trees.Contains(TiclSchema.Associations))
            parts.Add(SwapsAssociations ? "associations, exchanged" : "associations");
        return string.Join("; ", parts);
    }

    private bool IsThere(string name) => Format.IsFlat ? Has(FlatTree, name + NanoNames.Vertices) : Trees.Contains(name);

    private static TiclContents? Flat(RootFile file, string[] trees)
    {
        if (!trees.Contains(FlatTree))
            return null;
        RootTree tree = file.Tree(FlatTree);
        foreach (TiclFormat format in TiclFormat.All.Where(one => one.IsFlat))
        {
            if (format.Collections.Any(one => tree.TryBranch(one.Name + NanoNames.Vertices, out _)))
                return new TiclContents(file, "", [FlatTree], format);
        }

        return null;
    }

    private static bool IsMark(string name) => name == TiclSchema.Clusters
        || TiclFormat.All.Any(format => !format.IsFlat && format.Collections.Any(one => one.Name == name));

    private static string FolderOf(string path) => path[..(path.LastIndexOf('/') + 1)];

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];
}

/// <summary>Names of branches of HGCAL NanoAOD behind those of the labels.</summary>
internal static class NanoNames
{
    /// <summary>Layer clusters of all tracksters, one behind the other.</summary>
    public const string Vertices = "vertices_vertices";

    /// <summary>1 over the fraction of each.</summary>
    public const string Multiplicity = "vertices_vertex_mult";

    /// <summary>Energy of the particle of a simulated trackster, GeV.</summary>
    public const string SimEnergy = "_regressed_energy";

    /// <summary>PDG number of a simulated trackster, where there is one.</summary>
    public static IReadOnlyList<string> PdgId { get; } = ["_pdgID", "_pdgId"];

    /// <summary>Layer clusters of each trackster: how many.</summary>
    public static string VertexCount(string label) => $"{label}_n{label}vertices";

    /// <summary>Layer clusters of each trackster: where they begin.</summary>
    public static string VertexOffset(string label) => $"{label}_o{label}vertices";

    /// <summary>Links of a collection by hits.</summary>
    public static string Links(string label, TiclTruth truth) => $"Reco{label}2Sim{(truth == TiclTruth.SimCluster ? "SC" : "CP")}ByHits";
}
