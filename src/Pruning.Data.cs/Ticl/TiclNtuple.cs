using Pruning.Data.Batching;
using Pruning.Data.Errors;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Reading;
using Pruning.Root.Trees;

namespace Pruning.Data.Ticl;

/// <summary>What to read of TICL ntuples.</summary>
public sealed record TiclReadOptions
{
    /// <summary>Tree of the reconstructed tracksters; null takes CLUE3D's, by its new name or else its old one.</summary>
    public string? Collection { get; init; }

    /// <summary>Which simulated tracksters tell the truth.</summary>
    public TiclTruth Truth { get; init; } = TiclTruth.CaloParticle;

    /// <summary>Bytes of decompressed columns that make a block of events; two blocks are in memory at a time. Default 32 MiB.</summary>
    public long BlockBytes { get; init; } = 32 << 20;
}

/// <summary>
/// A ntuple of the TICL dumper, open for reading: trees of both generations are found by <see cref="TiclSchema"/>, in
/// whichever directory they are. Everything that is wanted is looked for when the file is opened.
/// </summary>
public sealed class TiclNtuple : IDisposable
{
    private readonly RootFile _file;
    private readonly TiclReadOptions _options;
    private readonly RootTree _clusters;
    private readonly RootTree _simulated;
    private readonly string _simPrefix;
    private readonly (RootTree Tree, TracksterPass Pass, bool IsMerged, string? Matches)[] _collections;
    private readonly RootTree? _associations;

    private TiclNtuple(RootFile file, TiclReadOptions options)
    {
        _file = file;
        _options = options;
        string folder = FolderOf(file);
        string where = folder.Length == 0 ? file.Path : $"{file.Path}, directory '{folder.TrimEnd('/')}'";
        string[] trees = [.. file.List().Where(one => one.IsTree && FolderOf(one.Path) == folder).Select(one => one.Path[folder.Length..]).Distinct()];
        Trees = TiclSchema.Resolve(trees, options.Collection, options.Truth, where);
        _clusters = file.Tree(folder + Trees.Clusters);
        Require(_clusters, TiclSchema.ClusterBranches);
        _simulated = file.Tree(folder + Trees.Simulated);
        _simPrefix = TiclSchema.SimPrefixes(options.Truth).FirstOrDefault(prefix => _simulated.TryBranch(prefix + TiclSchema.Vertices, out _)) ?? "";
        Require(_simulated, [.. SimBranches.Select(name => _simPrefix + name)]);
        _associations = trees.Contains(TiclSchema.Associations) ? file.Tree(folder + TiclSchema.Associations) : null;
        List<(RootTree, TracksterPass, bool, string?)> collections = [Collection(folder, Trees.High, TracksterPass.High, Trees.IsMerged)];
        if (Trees.Low is string low)
            collections.Add(Collection(folder, low, TracksterPass.Low, false));
        _collections = [.. collections];
        EntryCount = _clusters.EntryCount;
        foreach ((RootTree tree, RootBranch branch) in Wanted())
        {
            if (branch.EntryCount != EntryCount)
                throw new DataException($"{file.Path}: '{branch.Name}' of tree '{tree.Path}' has {branch.EntryCount} entries and tree '{_clusters.Path}' has {EntryCount}, but one entry is one event in every tree: the ntuple is damaged or not whole.");
        }
    }

    /// <summary>Events.</summary>
    public long EntryCount { get; }

    /// <summary>The trees that are read.</summary>
    public TiclTrees Trees { get; }

    private static IReadOnlyList<string> SimBranches { get; } = [TiclSchema.Vertices, TiclSchema.Multiplicity, TiclSchema.PdgId, TiclSchema.SimEnergy];

    /// <summary>Opens a ntuple.</summary>
    /// <exception cref="RootFormatException">The file is missing, damaged or no ROOT file.</exception>
    /// <exception cref="DataException">A tree or branch is missing, or trees differ in length; the message has what was wanted and what is there.</exception>
    public static TiclNtuple Open(string path, TiclReadOptions options)
    {
        RootFile file = RootFile.Open(path);
        try
        {
            return new TiclNtuple(file, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The columns of all events, block after block; while one is worked on, the next is read. Bounds of blocks follow
    /// those of the baskets where they can, and do not depend on threads.
    /// </summary>
    /// <param name="stop">Ends the sequence with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="DataException">Baskets that are damaged, or branches of other types than a ntuple has.</exception>
    public IEnumerable<TiclColumns> Blocks(CancellationToken stop = default) =>
        Prefetch.InOrder(Ranges(), range => Read(range.First, range.End), 1, 1, stop);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private TiclColumns Read(long first, long end)
    {
        const int Real32 = 8; // the schema's first branches are numbers, its last two counts
        JaggedColumns lists = _clusters.Read(
            [.. TiclSchema.ClusterBranches.Select((name, i) => i < Real32 ? ColumnRequest.As<float>(name) : ColumnRequest.As<uint>(name))], first, end);
        JaggedColumns particles = _simulated.Read(
            [ColumnRequest.As<int>(_simPrefix + TiclSchema.PdgId), ColumnRequest.As<float>(_simPrefix + TiclSchema.SimEnergy)], first, end);
        ListValues<float> Real(int i) => ListValues<float>.Of(lists.Columns[i]);
        return new TiclColumns
        {
            File = _file.Path,
            FirstEntry = first,
            Clusters = new TiclClusters
            {
                X = Real(0),
                Y = Real(1),
                Z = Real(2),
                Eta = Real(3),
                Phi = Real(4),
                Energy = Real(5),
                Time = Real(6),
                TimeError = Real(7),
                Layer = ListValues<uint>.Of(lists.Columns[8]),
                HitCount = ListValues<uint>.Of(lists.Columns[9]),
            },
            Tracksters = [.. _collections.Select(one => Collection(one, first, end))],
            Simulated = new TiclSimTracksters(
                Trees.Simulated,
                Nested<uint>(_simulated, _simPrefix + TiclSchema.Vertices, first, end),
                Nested<float>(_simulated, _simPrefix + TiclSchema.Multiplicity, first, end),
                ListValues<int>.Of(particles.Columns[0]),
                ListValues<float>.Of(particles.Columns[1])),
        };
    }

    private TiclTracksters Collection((RootTree Tree, TracksterPass Pass, bool IsMerged, string? Matches) one, long first, long end) =>
        new(one.Tree.Name, one.Pass, Nested<uint>(one.Tree, TiclSchema.Vertices, first, end))
        {
            IsMerged = one.IsMerged,
            Matches = one.Matches is null ? null : Nested<uint>(_associations!, one.Matches, first, end),
            SharedEnergy = one.Matches is null ? null : Nested<float>(_associations!, one.Matches + TiclSchema.SharedEnergySuffix, first, end),
        };

    private (RootTree, TracksterPass, bool, string?) Collection(string folder, string name, TracksterPass pass, bool isMerged)
    {
        RootTree tree = _file.Tree(folder + name);
        Require(tree, [TiclSchema.Vertices]);
        string matches = TiclSchema.RecoToSim(Trees.Generation, name, _options.Truth);
        bool known = pass == TracksterPass.High && !isMerged && _associations is not null
            && _associations.TryBranch(matches, out _) && _associations.TryBranch(matches + TiclSchema.SharedEnergySuffix, out _);
        return (tree, pass, isMerged, known ? matches : null);
    }

    private static NestedValues<T> Nested<T>(RootTree tree, string branch, long first, long end)
        where T : unmanaged => tree.ReadColumns(branch, first, end) is [RootColumn only]
            ? NestedValues<T>.Of(only)
            : throw new DataException($"{branch} of tree '{tree.Path}' should be one list of lists an entry, and is a {tree.Branch(branch).TypeName}: it is not the branch of a TICL ntuple.");

    // Ranges of about as many bytes each. A cut goes back to the start of a basket of the layer clusters, so that few
    // baskets are decompressed twice.
    private List<(long First, long End)> Ranges()
    {
        long bytes = Wanted().Sum(one => one.Branch.UncompressedBytes);
        long perBlock = (long)Math.Clamp(_options.BlockBytes / Math.Max(1.0, (double)bytes / Math.Max(1, EntryCount)), 1, 1 << 20);
        long[] starts = [.. _clusters.Branch(TiclSchema.ClusterBranches[0]).BasketStarts];
        List<(long, long)> ranges = [];
        for (long first = 0; first < EntryCount;)
        {
            long end = Math.Min(EntryCount, first + perBlock);
            if (end < EntryCount)
            {
                int at = Array.BinarySearch(starts, end);
                long snapped = at >= 0 ? end : ~at > 0 ? starts[~at - 1] : 0;
                end = snapped > first ? snapped : end;
            }

            ranges.Add((first, end));
            first = end;
        }

        return ranges;
    }

    private IEnumerable<(RootTree Tree, RootBranch Branch)> Wanted()
    {
        IEnumerable<(RootTree Tree, string Name)> names =
        [
            .. TiclSchema.ClusterBranches.Select(name => (_clusters, name)),
            .. SimBranches.Select(name => (_simulated, _simPrefix + name)),
            .. _collections.Select(one => (one.Tree, TiclSchema.Vertices)),
            .. _collections.Where(one => one.Matches is not null).SelectMany(one => (string[])[one.Matches!, one.Matches + TiclSchema.SharedEnergySuffix]).Select(name => (_associations!, name)),
        ];
        return names.Select(one => (one.Tree, one.Tree.Branch(one.Name)));
    }

    private void Require(RootTree tree, IReadOnlyList<string> wanted)
    {
        string[] missing = [.. wanted.Where(name => !tree.TryBranch(name, out _))];
        if (missing.Length == 0)
            return;
        string found = tree.Branches.Count == 0 ? "none" : string.Join(", ", tree.Branches.Select(branch => branch.Name));
        throw new DataException($"{_file.Path}: tree '{tree.Path}' has no branch {string.Join(", ", missing.Select(name => $"'{name}'"))}; wanted of a TICL ntuple: {string.Join(", ", wanted)}; found: {found}; give a ntuple that the TICL dumper wrote with them.");
    }

    // Directory of the layer clusters with its slash; empty at the top.
    private static string FolderOf(RootFile file)
    {
        string[] folders = [.. file.List().Where(one => one.IsTree && NameOf(one.Path) == TiclSchema.Clusters).Select(one => FolderOf(one.Path)).Distinct()];
        if (folders.Length > 1)
            throw new DataException($"{file.Path}: the directories {string.Join(", ", folders.Select(one => $"'{one.TrimEnd('/')}'"))} have a tree '{TiclSchema.Clusters}' each, and one ntuple a file was wanted: split the file.");
        if (folders.Length == 1)
            return folders[0];
        string found = string.Join(", ", file.List().Where(one => one.IsTree).Select(one => one.Path).Distinct());
        throw new DataException($"{file.Path}: a TICL ntuple with a tree '{TiclSchema.Clusters}' was wanted, and the trees found are: {(found.Length == 0 ? "none" : found)}; give a ntuple of the TICL dumper.");
    }

    private static string FolderOf(string path) => path[..(path.LastIndexOf('/') + 1)];

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];
}
