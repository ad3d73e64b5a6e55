using System.Globalization;
using Pruning.Data.Root;

namespace Pruning.Data.Tracksters;

/// <summary>Prepared ROOT files to columns, from trees or RNTuples. Only the branches of the schema are read, each of any numeric type.</summary>
public static class TracksterReader
{
    private static readonly ColumnRequest[] s_nodeBranches =
    [
        ColumnRequest.As<long>(TracksterSchema.Id),
        .. TracksterSchema.Features.Select(ColumnRequest.As<float>),
        ColumnRequest.As<float>(TracksterSchema.Label),
    ];

    private static readonly ColumnRequest[] s_linkBranches = [ColumnRequest.As<long>(TracksterSchema.Origin), ColumnRequest.As<long>(TracksterSchema.Target)];

    /// <summary>Reads all tracksters of one file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="options">Names of the trees, threads.</param>
    /// <exception cref="DataException">The file is not there or is no ROOT file, a tree (or RNTuple) or a branch is missing or of a strange type, or the trees do not match.</exception>
    public static TracksterTable Read(string path, TracksterReadOptions options)
    {
        using RootFile file = RootFile.Open(path, new RootReadOptions { Workers = Math.Max(1, options.Workers) });
        IRootTable nodeTree = file.Table(options.TracksterTree);
        IRootTable linkTree = file.Table(options.EdgeTree);
        long entries = Entries(nodeTree, s_nodeBranches, path);
        long linkEntries = Entries(linkTree, s_linkBranches, path);
        if (linkEntries != entries)
            throw new DataException(Invariant($"wanted one entry of links for each trackster, found {entries} entries in {nodeTree.Kind} '{nodeTree.Path}' and {linkEntries} in {linkTree.Kind} '{linkTree.Path}' (in {path}): write both from the same tracksters."));
        JaggedColumns nodes = nodeTree.Read(s_nodeBranches);
        JaggedColumns links = linkTree.Read(s_linkBranches);
        Jagged<long> id = new(nodes.Column<long>(TracksterSchema.Id).Values, nodes.Column<long>(TracksterSchema.Id).Offsets);
        Jagged<long> origin = new(links.Column<long>(TracksterSchema.Origin).Values, links.Column<long>(TracksterSchema.Origin).Offsets);
        TracksterArrays arrays = new()
        {
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
            Label = Numbers(TracksterSchema.Label),
            Origin = origin,
            Target = new Jagged<long>(links.Column<long>(TracksterSchema.Target).Values, links.Column<long>(TracksterSchema.Target).Offsets).Sharing(origin.Offsets),
            Layer = TruthReader.PerNode(nodeTree, TracksterSchema.Layer, id, path),
            HitCount = TruthReader.PerNode(nodeTree, TracksterSchema.HitCount, id, path),
            Event = Events(file, nodeTree, entries, options, path),
            Truth = TruthReader.Read(file, nodeTree, id, options, path),
        };
        return new TracksterTable(path, arrays, options.TracksterTree, options.EdgeTree);

        Jagged<float> Numbers(string branch)
        {
            JaggedColumn<float> column = nodes.Column<float>(branch);
            return new Jagged<float>(column.Values, column.Offsets).Sharing(id.Offsets);
        }
    }

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
                throw new DataException($"wanted a list per entry, as one entry is one trackster, found one {branch.TypeName} (in {path}, {table.Kind} '{table.Path}', branch '{branch.Name}'): group the layer clusters of a trackster into one entry.");
        }

        return entries;
    }

    // The event is looked for in the tree of the tracksters' own values, then beside the layer clusters. A branch that
    // holds no plain number (an event id object, say) is as good as none.
    private static long[]? Events(RootFile file, IRootTable nodes, long entries, TracksterReadOptions options, string path)
    {
        IRootTable[] tables = file.TryTable(options.GraphTree, out IRootTable? graphs) ? [graphs, nodes] : [nodes];
        foreach (IRootTable table in tables)
        {
            foreach (string name in TracksterSchema.Event)
            {
                if (!table.TryBranch(name, out IRootBranch? branch) || !branch.IsSupported || branch.FixedLength != 1)
                    continue;
                if (branch.EntryCount != entries)
                    throw new DataException(Invariant($"wanted one event number for each of the {entries} tracksters, found {branch.EntryCount} (in {path}, {table.Kind} '{table.Path}', branch '{name}'): write it from the same tracksters, or leave it out."));
                return table.Read([ColumnRequest.As<long>(name)]).Column<long>(name).Values;
            }
        }

        return null;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
