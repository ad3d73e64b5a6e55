using System.Globalization;
using Pruning.Data.Errors;
using Pruning.Root.Columns;
using Pruning.Root.Files;
using Pruning.Root.Reading;

namespace Pruning.Data.Tracksters;

/// <summary>
/// A prepared file, open for reading in parts: memory is that of the parts, not of the file. Trees and branches are looked
/// for when it is opened. Reading is safe from many threads.
/// </summary>
public sealed class TracksterFile : IDisposable
{
    private static readonly ColumnRequest[] s_nodeBranches =
    [
        ColumnRequest.As<long>(TracksterSchema.Id),
        .. TracksterSchema.Features.Select(ColumnRequest.As<float>),
    ];

    private static readonly ColumnRequest s_label = ColumnRequest.As<float>(TracksterSchema.Label);
    private static readonly ColumnRequest[] s_linkBranches =
        [ColumnRequest.As<long>(TracksterSchema.Origin), ColumnRequest.As<long>(TracksterSchema.Target)];

    private readonly RootFile _file;
    private readonly TracksterReadOptions _options;
    private readonly ColumnRequest[] _nodeBranches;
    private readonly (IRootTable Table, string Branch)? _event;

    private TracksterFile(RootFile file, TracksterReadOptions options)
    {
        _file = file;
        _options = options;
        Path = file.Path;
        Nodes = file.Table(options.TracksterTree);
        Links = file.Table(options.EdgeTree);
        Graphs = file.TryTable(options.GraphTree, out IRootTable? graphs) ? graphs : null;
        IsLabelled = !options.LabelsOptional || Nodes.TryBranch(TracksterSchema.Label, out _);
        _nodeBranches = IsLabelled ? [.. s_nodeBranches, s_label] : s_nodeBranches;
        EntryCount = Entries(Nodes, _nodeBranches, Path);
        long linkEntries = Entries(Links, s_linkBranches, Path);
        if (linkEntries != EntryCount)
            throw new DataException(Invariant($"wanted one entry of links for each trackster, found {EntryCount} entries in {Nodes.Kind} '{Nodes.Path}' and {linkEntries} in {Links.Kind} '{Links.Path}' (in {Path}): write both from the same tracksters."));
        _event = FindEvent();
    }

    /// <summary>Path of the file as it was given.</summary>
    public string Path { get; }

    /// <summary>Number of tracksters.</summary>
    public long EntryCount { get; }

    /// <summary>
    /// The layer clusters have labels; without <see cref="TracksterReadOptions.LabelsOptional"/> a file that has none is
    /// refused.
    /// </summary>
    public bool IsLabelled { get; }

    /// <summary>The file says which event each trackster belongs to.</summary>
    public bool HasEvents => _event is not null;

    /// <summary>The file numbers the tracksters of an event.</summary>
    public bool HasTracksterNumbers => Graphs is not null && Graphs.TryBranch(TracksterSchema.Trackster, out IRootBranch? branch)
        && branch.IsSupported && branch.FixedLength == 1;

    /// <summary>The tree or RNTuple of the layer clusters.</summary>
    internal IRootTable Nodes { get; }

    /// <summary>The tree or RNTuple of the links.</summary>
    internal IRootTable Links { get; }

    /// <summary>The tree or RNTuple with one value a trackster, if there is one.</summary>
    internal IRootTable? Graphs { get; }

    /// <summary>The file itself.</summary>
    internal RootFile File => _file;

    /// <summary>Opens a file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="options">Names of the trees, threads.</param>
    /// <exception cref="DataException">The file is not there or is no ROOT file, a tree (or RNTuple) or a branch is missing or
    /// of a strange type, or the trees do not match.</exception>
    public static TracksterFile Open(string path, TracksterReadOptions options)
    {
        RootFile file =
            RootFile.Open(path, new RootReadOptions { Workers = Math.Max(1, options.Workers), MaxReadBytes = options.MaxReadBytes });
        try
        {
            return new TracksterFile(file, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Ranges of entries, one behind the other, of about as many bytes each. They depend on the file alone.
    /// </summary>
    /// <param name="blockBytes">Decompressed bytes of the columns of the schema; one entry at least.</param>
    public IReadOnlyList<(long First, long End)> Blocks(long blockBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockBytes, 1);
        double bytes = _nodeBranches.Sum(one => (double)Nodes.Branch(one.Branch).UncompressedBytes)
            + s_linkBranches.Sum(one => (double)Links.Branch(one.Branch).UncompressedBytes);
        long perBlock = (long)Math.Clamp(blockBytes / Math.Max(1.0, bytes / Math.Max(1, EntryCount)), 1, 1 << 20);
        List<(long, long)> ranges = [];
        for (long first = 0; first < EntryCount; first += perBlock)
            ranges.Add((first, Math.Min(EntryCount, first + perBlock)));
        return ranges;
    }

    /// <summary>Reads the tracksters of some entries. Nothing is checked but what concerns whole columns.</summary>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry behind the last one.</param>
    /// <exception cref="DataException">Damaged baskets, values that do not fit, or optional columns that contradict the others.</exception>
    public TracksterTable Read(long first, long end)
    {
        JaggedColumns nodes = Nodes.Read(_nodeBranches, first, end);
        JaggedColumns links = Links.Read(s_linkBranches, first, end);
        Jagged<long> id = new(nodes.Column<long>(TracksterSchema.Id).Values, nodes.Column<long>(TracksterSchema.Id).Offsets);
        Jagged<long> origin = new(links.Column<long>(TracksterSchema.Origin).Values, links.Column<long>(TracksterSchema.Origin).Offsets);
        TruthReader truth = new(Nodes, Graphs, id, Path, first, end);
        TracksterArrays arrays = new()
        {
            FirstEntry = first,
            Id = id,
            PosX = Numbers(TracksterSchema.PosX),
            PosY = Numbers(TracksterSchema.PosY),
            PosZ = Numbers(TracksterSchema.PosZ),
            Energy = Numbers(TracksterSchema.Energy),
            Time = Numbers(TracksterSchema.Time),
            Eta = Numbers(TracksterSchema.Eta),
            Phi = Numbers(TracksterSchema.Phi),
            IsSeedHigh = Numbers(TracksterSchema.IsSeedHigh),
            IsSeedLow = Numbers(TracksterSchema.IsSeedLow),
            Label = IsLabelled ? Numbers(TracksterSchema.Label) : new Jagged<float>(new float[id.Values.Length], id.Offsets),
            Origin = origin,
            Target = new Jagged<long>(links.Column<long>(TracksterSchema.Target).Values,
                links.Column<long>(TracksterSchema.Target).Offsets).Sharing(origin.Offsets),
            Layer = truth.PerNode(TracksterSchema.Layer),
            HitCount = truth.PerNode(TracksterSchema.HitCount),
            Event = _event is var (table, branch) ? table.Read([ColumnRequest.As<long>(branch)], first, end).Column<long>(branch).Values
                : null,
            Run = truth.PerGraph<long>([TracksterSchema.Run], EntryCount),
            Lumi = truth.PerGraph<long>([TracksterSchema.Lumi], EntryCount),
            Trackster = truth.PerGraph<int>([TracksterSchema.Trackster], EntryCount),
            Truth = truth.Read(EntryCount),
        };
        return new TracksterTable(Path, arrays, _options.TracksterTree, _options.EdgeTree);

        Jagged<float> Numbers(string name)
        {
            JaggedColumn<float> column = nodes.Column<float>(name);
            return new Jagged<float>(column.Values, column.Offsets).Sharing(id.Offsets);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // Number of entries, which all branches have to agree on; each entry has to hold a list.
    private static long Entries(IRootTable table, ColumnRequest[] requests, string path)
    {
        long entries = table.Branch(requests[0].Branch).EntryCount;
        foreach (ColumnRequest request in requests)
        {
            IRootBranch branch = table.Branch(request.Branch);
            if (branch.EntryCount != entries)
                throw new DataException(Invariant($"wanted the {entries} entries of branch '{requests[0].Branch}' in every branch, found {branch.EntryCount} (in {path}, {table.Kind} '{table.Path}', branch '{branch.Name}'): the file is incomplete, write it again."));
            if (branch.FixedLength == 1)
                throw new DataException(
                    $"wanted a list per entry, as one entry is one trackster, found one {branch.TypeName} (in {path}, "
                        + $"{table.Kind} '{table.Path}', branch '{branch.Name}'): group the layer clusters of a trackster into one entry.");
        }

        return entries;
    }

    // The event is looked for in the tree of the tracksters' own values, then beside the layer clusters. A branch that
    // holds no plain number (an event id object, say) is as good as none.
    private (IRootTable, string)? FindEvent()
    {
        foreach (IRootTable table in Graphs is null ? [Nodes] : (IRootTable[])[Graphs, Nodes])
        {
            foreach (string name in TracksterSchema.Event)
            {
                if (!table.TryBranch(name, out IRootBranch? branch) || !branch.IsSupported || branch.FixedLength != 1)
                    continue;
                return branch.EntryCount == EntryCount
                    ? (table, name)
                    : throw new DataException(Invariant($"wanted one event number for each of the {EntryCount} tracksters, found {branch.EntryCount} (in {Path}, {table.Kind} '{table.Path}', branch '{name}'): write it from the same tracksters, or leave it out."));
            }
        }

        return null;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
