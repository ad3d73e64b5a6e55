using Pruning.Data.Errors;
using Pruning.Root.Columns;
using Pruning.Root.Reading;
using Pruning.Root.Trees;

namespace Pruning.Data.Ticl;

/// <summary>An ntuple of the TICL dumper: a tree for each collection, in whichever directory they are.</summary>
internal sealed class DumperNtuple : TiclNtuple
{
    private readonly RootTree? _clusters;
    private readonly RootTree _simulated;
    private readonly RootTree? _associations;
    private readonly string _simPrefix;
    private readonly bool _hasTypes;
    private readonly string[] _simBranches;
    private readonly Collection[] _collections;
    private readonly RootTree[] _eventTrees;

    public DumperNtuple(RootFile file, TiclContents contents, TiclReadOptions options)
        : base(file, contents, options)
    {
        Trees = TiclSchema.Resolve(contents.Trees, options.Collection, options.Truth, contents.Where);
        if (Trees.High.Contains("Barrel", StringComparison.OrdinalIgnoreCase))
            throw new DataException(
                $"{contents.Where}: the collection '{Trees.High}' is of the barrel, and the HGCAL is in the endcaps: name another one.");
        _simulated = contents.Tree(Trees.Simulated);
        if (Trees.IsGrouped && !_simulated.TryBranch(TiclSchema.CaloParticle, out _))
        {
            throw new DataException(
                $"{contents.Where}: there is no tree '{contents.Format.CaloParticles[0]}', and '{Trees.Simulated}' has no "
                    + $"{TiclSchema.CaloParticle} to join its particles by. Trees found: {string.Join(", ", contents.Trees)}. "
                    + "Label by SimClusters (--truth sc), or give a ntuple with that tree.");
        }

        TiclTruth simulated = Trees.IsGrouped ? TiclTruth.SimCluster : options.Truth;
        _simPrefix = TiclSchema.SimPrefixes(simulated)
            .FirstOrDefault(prefix => _simulated.TryBranch(prefix + TiclSchema.Vertices, out _)) ?? "";
        List<string> simBranches = [TiclSchema.Vertices, TiclSchema.Multiplicity, TiclSchema.PdgId, TiclSchema.SimEnergy];
        if (Trees.IsGrouped)
            simBranches.Add(TiclSchema.CaloParticle);
        _simBranches = [.. Names(simBranches)];
        if (Trees.Clusters is string name)
        {
            _clusters = contents.Tree(name);
            Require(_clusters, TiclSchema.ClusterBranches);
            _hasTypes = _clusters.TryBranch(TiclSchema.ClusterType, out _);
        }
        else
        {
            Require(contents.Tree(Trees.High), [.. TiclSchema.VertexBranches]);
            Require(_simulated, [.. Names(TiclSchema.VertexBranches)]);
        }

        Require(_simulated, _simBranches);
        _associations = contents.Trees.Contains(TiclSchema.Associations) ? contents.Tree(TiclSchema.Associations) : null;
        List<Collection> collections = [OpenCollection(Trees.High, TracksterPass.High, Trees.IsMerged)];
        if (Trees.Low is string low)
            collections.Add(OpenCollection(low, TracksterPass.Low, false));
        _collections = [.. collections];
        List<RootTree> all = [.. _collections.Select(one => one.Tree), _simulated];
        if (_clusters is not null)
            all.Insert(0, _clusters);
        _eventTrees = [.. all.Where(TiclEvents.AreIn)];
        CountEntries();
        if (contents.Format.MaySwapAssociations && _collections[0].Matches is not null)
            TakeTheOther();
    }

    public override bool HasEvents => _eventTrees.Length > 0;

    private protected override TiclColumns Read(long first, long end) => Read(_collections, first, end);

    private TiclColumns Read(Collection[] collections, long first, long end)
    {
        TiclTracksters[] tracksters = [.. collections.Select(one => ReadCollection(one, first, end))];
        TiclSimTracksters simulated = ReadSimulated(first, end);
        return new TiclColumns
        {
            File = Path,
            FirstEntry = first,
            Events = ReadEvents(first, end),
            Clusters = _clusters is null ? CopiedClusters(tracksters, simulated, first, end) : ReadClusters(_clusters, first, end),
            Tracksters = tracksters,
            Simulated = simulated,
        };
    }

    private protected override IEnumerable<(RootTree Tree, RootBranch Branch)> Wanted()
    {
        List<(RootTree Tree, string Name)> names = [];
        if (_clusters is not null)
            names.AddRange(TiclSchema.ClusterBranches.Select(name => (_clusters, name)));
        if (_hasTypes)
            names.Add((_clusters!, TiclSchema.ClusterType));
        foreach (Collection one in _collections)
        {
            names.Add((one.Tree, TiclSchema.Vertices));
            if (one.HasMultiplicity)
                names.Add((one.Tree, TiclSchema.Multiplicity));
            if (_clusters is null)
                names.AddRange(TiclSchema.VertexBranches.Select(name => (one.Tree, name)));
            if (one.Matches is string matches)
                names.AddRange([(_associations!, matches), (_associations!, matches + TiclSchema.SharedEnergySuffix)]);
        }

        names.AddRange(_simBranches.Select(name => (_simulated, name)));
        if (_clusters is null)
            names.AddRange(Names(TiclSchema.VertexBranches).Select(name => (_simulated, name)));
        return names.Select(one => (one.Tree, one.Tree.Branch(one.Name)));
    }

    private IEnumerable<string> Names(IReadOnlyList<string> names) => names.Select(name => _simPrefix + name);

    private Collection OpenCollection(string name, TracksterPass pass, bool isMerged)
    {
        RootTree tree = Contents.Tree(name);
        Require(tree, [TiclSchema.Vertices]);
        string matches = TiclSchema.RecoToSim(Trees.Generation, name, Options.Truth);
        bool known = pass == TracksterPass.High && !isMerged && !Trees.IsGrouped && HasAssociation(matches);
        return new Collection(tree, pass, isMerged, tree.TryBranch(TiclSchema.Multiplicity, out _), known ? matches : null);
    }

    private bool HasAssociation(string name) =>
        _associations is not null && _associations.TryBranch(name, out _)
            && _associations.TryBranch(name + TiclSchema.SharedEnergySuffix, out _);

    // The associations to SimClusters and CaloParticles have each other's content: the other branch is read, where there is one.
    private void TakeTheOther()
    {
        TiclTruth other = Options.Truth == TiclTruth.SimCluster ? TiclTruth.CaloParticle : TiclTruth.SimCluster;
        string matches = TiclSchema.RecoToSim(Trees.Generation, Trees.High, other);
        if (!HasAssociation(matches) || _associations!.Branch(matches).EntryCount != EntryCount || EntryCount == 0)
            return;
        Collection swapped = _collections[0] with { Matches = matches };
        if (Misfit(swapped) >= Misfit(_collections[0]))
            return;
        _collections[0] = swapped;
        Contents.SwapsAssociations = true;
    }

    // Shared energies of the first entries that differ from ours, with the associations of one branch.
    private long Misfit(Collection collection)
    {
        TiclColumns columns = Read([collection, .. _collections.Skip(1)], 0, Math.Min(EntryCount, 16));
        columns.Check();
        TiclPreprocessor preprocessor = new(new PreprocessOptions());
        long differing = 0;
        for (int entry = 0; entry < columns.EntryCount; entry++)
        {
            preprocessor.Prepare(columns, entry, entry, out PreprocessCounts counts);
            differing += counts.AssociationsDiffering;
        }

        return differing;
    }

    private TiclTracksters ReadCollection(Collection one, long first, long end) =>
        new(one.Tree.Name, one.Pass, Nested<uint>(one.Tree, TiclSchema.Vertices, first, end))
        {
            IsMerged = one.IsMerged,
            Multiplicity = one.HasMultiplicity ? Nested<float>(one.Tree, TiclSchema.Multiplicity, first, end) : null,
            Matches = one.Matches is null ? null : Nested<uint>(_associations!, one.Matches, first, end),
            SharedEnergy = one.Matches is null ? null
                : Nested<float>(_associations!, one.Matches + TiclSchema.SharedEnergySuffix, first, end),
        };

    private TiclSimTracksters ReadSimulated(long first, long end)
    {
        JaggedColumns particles = _simulated.Read(
            [
                ColumnRequest.As<int>(_simBranches[2]), ColumnRequest.As<float>(_simBranches[3]),
                .. Trees.IsGrouped ? [ColumnRequest.As<int>(_simBranches[4])] : Array.Empty<ColumnRequest>(),
            ],
            first,
            end);
        return new TiclSimTracksters(
            Trees.Simulated,
            Nested<uint>(_simulated, _simBranches[0], first, end),
            Nested<float>(_simulated, _simBranches[1], first, end),
            ListValues<int>.Of(particles.Columns[0]),
            ListValues<float>.Of(particles.Columns[1]))
        {
            CaloParticle = Trees.IsGrouped ? ListValues<int>.Of(particles.Columns[2]) : null,
        };
    }

    private TiclEvents? ReadEvents(long first, long end)
    {
        TiclEvents? events = null;
        foreach (RootTree tree in _eventTrees)
        {
            if (TiclEvents.Read(Path, tree, first, end) is not TiclEvents own)
                continue;
            int differs = events?.FirstDifference(own) ?? -1;
            if (differs >= 0)
                throw new DataException(
                    $"{Path}, entry {first + differs}: tree '{tree.Path}' says run {own.Run[differs]}, luminosity block "
                        + $"{own.Lumi[differs]}, event {own.Event[differs]}, and tree '{_eventTrees[0].Path}' says "
                        + $"{events!.Run[differs]}, {events.Lumi[differs]}, {events.Event[differs]}, but one entry is one event "
                        + "in every tree: the ntuple is damaged.");
            events ??= own;
        }

        return events;
    }

    private TiclClusters ReadClusters(RootTree tree, long first, long end)
    {
        const int Real32 = 8; // the schema's first branches are numbers, its last two counts
        List<ColumnRequest> requests =
            [.. TiclSchema.ClusterBranches.Select((name, i) => i < Real32 ? ColumnRequest.As<float>(name) : ColumnRequest.As<uint>(name))];
        if (_hasTypes)
            requests.Add(ColumnRequest.As<int>(TiclSchema.ClusterType));
        JaggedColumns lists = tree.Read(requests, first, end);
        ListValues<float> Real(int i) => ListValues<float>.Of(lists.Columns[i]);
        return new TiclClusters
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
            State = _hasTypes ? States(ListValues<int>.Of(lists.Columns[10]), Real(0).Offsets, first) : null,
        };
    }

    // Nothing where all are of the HGCAL, as in most files.
    private ListValues<TiclClusterState>? States(ListValues<int> types, long[] offsets, long first)
    {
        int differs = types.Offsets.AsSpan().CommonPrefixLength(offsets);
        if (differs < offsets.Length)
        {
            throw new DataException(
                $"{Path}, entry {first + differs - 1}: {TiclSchema.ClusterType} has another number of values than position_x, but both "
                    + "count the layer clusters: the ntuple is damaged.");
        }

        return types.Values.AsSpan().Contains(-1)
            ? new(offsets, Array.ConvertAll(types.Values, static type => type == -1 ? TiclClusterState.Barrel : TiclClusterState.Present))
            : null;
    }

    private TiclClusters CopiedClusters(TiclTracksters[] tracksters, TiclSimTracksters simulated, long first, long end)
    {
        CopiedClusters copies = new(Path, first, (int)(end - first));
        for (int i = 0; i < tracksters.Length; i++)
            copies.Add(tracksters[i].Tree, tracksters[i].Vertices, Copies(_collections[i].Tree, TiclSchema.VertexBranches, first, end));
        copies.Add(simulated.Tree, simulated.Vertices, Copies(_simulated, [.. Names(TiclSchema.VertexBranches)], first, end));
        return copies.Take();
    }

    private static NestedValues<float>[] Copies(RootTree tree, IReadOnlyList<string> branches, long first, long end) =>
        [.. branches.Select(name => Nested<float>(tree, name, first, end))];

    private static NestedValues<T> Nested<T>(RootTree tree, string branch, long first, long end)
        where T : unmanaged => tree.ReadColumns(branch, first, end) is [RootColumn only]
            ? NestedValues<T>.Of(only)
            : throw new DataException(
                $"{branch} of tree '{tree.Path}' should be one list of lists an entry, and is a {tree.Branch(branch).TypeName}: "
                    + "it is not the branch of a TICL ntuple.");

    private sealed record Collection(RootTree Tree, TracksterPass Pass, bool IsMerged, bool HasMultiplicity, string? Matches);
}
