using Pruning.Data.Errors;
using Pruning.Data.Tracksters;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Writing;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Pruned;

/// <summary>
/// Writes a prepared file without the layer clusters that are pruned. Every branch of numbers and every text of the trees
/// is kept, in its type; ids stay, links are mended (<see cref="LinkRepair"/>). Tracksters of which nothing is left, and
/// those that were not scored, are left out. Trees of other things are kept as they are.
/// </summary>
public sealed class PrunedCopy : IDisposable
{
    private readonly TracksterFile _source;
    private readonly RootFileWriter _file;
    private readonly CopiedTable _nodes;
    private readonly CopiedTable _links;
    private readonly CopiedTable? _graphs;
    private readonly bool _targetFirst;
    private readonly List<string> _leftOut = [];
    private readonly List<(CopiedTable Copy, IRootTable Table)> _others = [];

    private PrunedCopy(TracksterFile source, RootFileWriter file, IReadOnlyDictionary<string, string> metadata)
    {
        _source = source;
        _file = file;
        _nodes = new CopiedTable(file, source.Nodes, TracksterSchema.Id, [], _leftOut);
        _links = new CopiedTable(file, source.Links, TracksterSchema.Origin, [TracksterSchema.Origin, TracksterSchema.Target], _leftOut);
        _targetFirst =
            source.Links.Branches.First(branch => branch.Name is TracksterSchema.Origin
            or TracksterSchema.Target).Name == TracksterSchema.Target;
        _graphs = source.Graphs is null ? null : new CopiedTable(file, source.Graphs, null, [], _leftOut);
        string[] known = [source.Nodes.Path, source.Links.Path, source.Graphs?.Path ?? "", TracksterSchema.MetadataTree];
        foreach (string path in source.File.List().Where(entry => entry.IsTree
            || entry.IsNtuple).Select(entry => entry.Path).Distinct().Except(known))
        {
            if (source.File.TryTable(path, out IRootTable? table))
                _others.Add((new CopiedTable(file, table, null, [], _leftOut), table));
        }

        _leftOut.AddRange(source.File.List().Where(entry => !entry.IsTree && !entry.IsNtuple
            && !entry.IsDirectory).Select(entry => $"{entry.Path} ({entry.ClassName})"));
        TracksterWriter.WriteMetadata(file, WithOwn(metadata));
    }

    /// <summary>What the input has and the copy has not, with types: branches of nested lists and objects, histograms.</summary>
    public IReadOnlyList<string> LeftOut => _leftOut;

    /// <summary>Tracksters written.</summary>
    public long EntryCount => _nodes.Tree.EntryCount;

    /// <summary>Followers of pruned layer clusters that were linked to a kept one further up.</summary>
    public long Relinked { get; private set; }

    /// <summary>Followers of pruned layer clusters with no kept one further up: they are roots now.</summary>
    public long Detached { get; private set; }

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="source">The file that is pruned; stays the caller's.</param>
    /// <param name="metadata">What the file is to say about itself, beside what the input says.</param>
    /// <param name="options">Compression, threads; null for the defaults.</param>
    /// <exception cref="RootWriteException">The file cannot be written there.</exception>
    public static PrunedCopy Create(string path, TracksterFile source, IReadOnlyDictionary<string, string> metadata,
        RootWriteOptions? options = null)
    {
        RootFileWriter file = RootFileWriter.Create(path, options);
        try
        {
            return new PrunedCopy(source, file, metadata);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the columns of a block and takes what is kept. Safe from many threads.</summary>
    /// <exception cref="DataException">Damaged baskets, or a column that does not go with the layer clusters.</exception>
    public PrunedColumns Select(PrunedBlock block)
    {
        TracksterTable table = block.Table;
        Selection nodes = new(), links = new(), graphs = new();
        LinkRepair repair = new();
        ReadOnlySpan<long> offsets = table.NodeOffsets.Span;
        for (int entry = 0; entry < table.EntryCount; entry++)
        {
            ReadOnlySpan<bool> pruned = block.Pruned.AsSpan((int)offsets[entry]..(int)offsets[entry + 1]);
            if (!block.IsScored[entry] || !pruned.Contains(false))
                continue;
            for (int node = 0; node < pruned.Length; node++)
            {
                if (!pruned[node])
                    nodes.Add(node);
            }

            nodes.End(entry);
            graphs.End(entry);
            repair.Add(table[entry], pruned, links);
            links.End(entry);
        }

        long first = table.FirstEntry, end = first + table.EntryCount;
        List<BranchData> linkData = _links.Take(first, end, links);
        long[] linkOffsets = links.Offsets;
        List<long>[] ends = _targetFirst ? [repair.Targets, repair.Origins] : [repair.Origins, repair.Targets];
        linkData.AddRange(_links.Ends.Zip(ends, (branch, ids) => branch.Take(ids, linkOffsets)));
        return new PrunedColumns(_nodes.Take(first, end, nodes), linkData, _graphs?.Take(first, end, graphs), repair.Relinked,
            repair.Detached);
    }

    /// <summary>Adds what was selected; blocks come in the order of their entries.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(PrunedColumns columns)
    {
        _nodes.Tree.Append(columns.Nodes);
        _links.Tree.Append(columns.Links);
        if (columns.Graphs is not null)
            _graphs!.Tree.Append(columns.Graphs);
        Relinked += columns.Relinked;
        Detached += columns.Detached;
    }

    /// <summary>Copies the trees of other things, completes the file and gives it its name.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Close()
    {
        const int Block = 1 << 14;
        foreach ((CopiedTable copy, IRootTable table) in _others)
        {
            for (long first = 0; first < table.EntryCount; first += Block)
            {
                long end = Math.Min(table.EntryCount, first + Block);
                Selection all = new();
                for (int entry = 0; entry < end - first; entry++)
                    all.End(entry);
                copy.Tree.Append(copy.Take(first, end, all));
            }
        }

        _file.Close();
    }

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose() => _file.Dispose();

    private Dictionary<string, string> WithOwn(IReadOnlyDictionary<string, string> added)
    {
        Dictionary<string, string> all = new(PreparedMetadata.Of(_source.File) ?? [], StringComparer.Ordinal);
        foreach ((string key, string value) in added)
            all[key] = value;
        return all;
    }
}

/// <summary>What of a block goes into a copy.</summary>
public sealed class PrunedColumns
{
    internal PrunedColumns(List<BranchData> nodes, List<BranchData> links, List<BranchData>? graphs, long relinked, long detached)
    {
        Nodes = nodes;
        Links = links;
        Graphs = graphs;
        Relinked = relinked;
        Detached = detached;
    }

    internal List<BranchData> Nodes { get; }

    internal List<BranchData> Links { get; }

    internal List<BranchData>? Graphs { get; }

    internal long Relinked { get; }

    internal long Detached { get; }
}
