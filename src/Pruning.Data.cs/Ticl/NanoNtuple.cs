using Pruning.Data.Errors;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Reading;
using Pruning.Root.Trees;

namespace Pruning.Data.Ticl;

/// <summary>
/// A file of HGCAL NanoAOD: one flat tree, in which lists of tracksters are joined and counted. Layers follow from z in
/// the 47-layer geometry; links come from CLUE3D run again; a trackster's particle is the one that the links by hits name.
/// </summary>
internal sealed class NanoNtuple : TiclNtuple
{
    private static readonly string[] s_real = ["_position_x", "_position_y", "_position_z", "_position_eta", "_position_phi", "_energy"];
    private static readonly string[] s_times = ["_time", "_timeError"];

    private readonly RootTree _tree;
    private readonly string _table;
    private readonly bool _hasTimes;
    private readonly string? _pdgId;
    private readonly Label[] _labels;
    private readonly Label _simulated;

    public NanoNtuple(RootFile file, TiclContents contents, TiclReadOptions options)
        : base(file, contents, options)
    {
        _tree = contents.Tree(TiclContents.FlatTree);
        TiclFormat format = contents.Format;
        _table = contents.LayerClusters
            ?? throw new DataException(
                $"{Path}: tree '{_tree.Path}' has no table of layer clusters; wanted one of {string.Join(", ", format.LayerClusters)}: write it with the tables of layer clusters.");
        Require(_tree, [.. s_real.Select(name => _table + name), _table + "_nHits"]);
        _hasTimes = s_times.All(name => _tree.TryBranch(_table + name, out _));
        IReadOnlyList<string> known = contents.Collections;
        if (options.Collection is string wanted && !known.Contains(wanted))
            throw new DataException(
                $"{Path}: there is no collection '{wanted}' in tree '{_tree.Path}'. {NearestNames.Suggest(wanted, known, "The file has no collection.")}");
        string chosen = options.Collection ?? format.Collections.Select(one => one.Name).First(known.Contains);
        string simulated = format.Simulated(options.Truth).FirstOrDefault(name => _tree.TryBranch(name + NanoNames.Vertices, out _))
            ?? throw new DataException(
                $"{Path}: tree '{_tree.Path}' has no simulated tracksters '{format.Simulated(options.Truth)[0]}' with their "
                    + "layer clusters: write it with the tables of simulated tracksters, or name the others with --truth.");
        string? low = chosen == format.Collections[0].Name && known.Contains(format.Low) ? format.Low : null;
        _simulated = Open(simulated, TracksterPass.High);
        Require(_tree, [simulated + NanoNames.Multiplicity, simulated + NanoNames.SimEnergy]);
        _pdgId = NanoNames.PdgId.Select(suffix => simulated + suffix).FirstOrDefault(name => _tree.TryBranch(name, out _));
        _labels = [Open(chosen, TracksterPass.High), .. low is null ? Array.Empty<Label>() : [Open(low, TracksterPass.Low)]];
        Trees = new TiclTrees(format.Generation, _table, chosen, low, simulated, format.Collection(chosen).IsMerged);
        HasEvents = TiclEvents.AreIn(_tree);
        CountEntries();
    }

    public override bool HasEvents { get; }

    private protected override TiclColumns Read(long first, long end) => new()
    {
        File = Path,
        FirstEntry = first,
        Events = HasEvents ? TiclEvents.Read(Path, _tree, first, end) : null,
        Clusters = ReadClusters(first, end),
        Tracksters = [.. _labels.Select(label => ReadLabel(label, first, end))],
        Simulated = ReadSimulated(first, end),
    };

    private protected override IEnumerable<(RootTree Tree, RootBranch Branch)> Wanted()
    {
        List<string> names = [.. s_real.Select(name => _table + name), _table + "_nHits"];
        if (_hasTimes)
            names.AddRange(s_times.Select(name => _table + name));
        foreach (Label label in (Label[])[.. _labels, _simulated])
        {
            names.AddRange([NanoNames.VertexCount(label.Name), label.Name + NanoNames.Vertices]);
            if (label.HasMultiplicity)
                names.Add(label.Name + NanoNames.Multiplicity);
            if (label.HasOffsets)
                names.Add(NanoNames.VertexOffset(label.Name));
            if (label.Links is string links)
                names.AddRange([$"{links}_n{links}Links", $"{links}Links_index", $"{links}Links_sharedEnergy"]);
        }

        names.Add(_simulated.Name + NanoNames.SimEnergy);
        if (_pdgId is not null)
            names.Add(_pdgId);
        return names.Select(name => (_tree, _tree.Branch(name)));
    }

    private Label Open(string name, TracksterPass pass)
    {
        Require(_tree, [name + NanoNames.Vertices, NanoNames.VertexCount(name)]);
        string links = NanoNames.Links(name, Options.Truth);
        bool hasLinks = _tree.TryBranch($"{links}_n{links}Links", out _) && _tree.TryBranch($"{links}Links_index", out _)
            && _tree.TryBranch($"{links}Links_sharedEnergy", out _);
        return new Label(
            name,
            pass,
            _tree.TryBranch(name + NanoNames.Multiplicity, out _),
            _tree.TryBranch(NanoNames.VertexOffset(name), out _),
            hasLinks ? links : null);
    }

    private TiclClusters ReadClusters(long first, long end)
    {
        JaggedColumns columns = _tree.Read(
            [
                .. s_real.Select(name => ColumnRequest.As<float>(_table + name)), ColumnRequest.As<uint>(_table + "_nHits"),
                .. _hasTimes ? s_times.Select(name => ColumnRequest.As<float>(_table + name)) : [],
            ],
            first,
            end);
        ListValues<float> Real(int i) => ListValues<float>.Of(columns.Columns[i]);
        ListValues<float> z = Real(2);
        TiclClusterState[] states = new TiclClusterState[z.Values.Length];
        uint[] layers = new uint[states.Length];
        for (int i = 0; i < layers.Length; i++)
            layers[i] = HgcalGeometry.LayerAt(z.Values[i], Path, ref states[i]);
        ListValues<float> Constant(float value)
        {
            float[] values = new float[z.Values.Length];
            values.AsSpan().Fill(value);
            return new(z.Offsets, values);
        }

        return new TiclClusters
        {
            X = Real(0),
            Y = Real(1),
            Z = z,
            Eta = Real(3),
            Phi = Real(4),
            Energy = Real(5),
            HitCount = ListValues<uint>.Of(columns.Columns[6]),
            Time = _hasTimes ? Real(7) : Constant(-99),
            TimeError = _hasTimes ? Real(8) : Constant(-1),
            Layer = new(z.Offsets, layers),
            State = states.AsSpan().Contains(TiclClusterState.Barrel) ? new(z.Offsets, states) : null,
        };
    }

    private TiclTracksters ReadLabel(Label label, long first, long end)
    {
        NestedValues<uint> vertices = Vertices(label, first, end);
        return new TiclTracksters(label.Name, label.Pass, vertices)
        {
            IsMerged = label.Pass == TracksterPass.High && Trees.IsMerged,
            Multiplicity = label.HasMultiplicity
                ? Nested<float>(NanoNames.VertexCount(label.Name), label.Name + NanoNames.Multiplicity, null, first, end) : null,
            LinksDecide = label.Links is not null,
            Matches = label.Links is string links ? Nested<uint>($"{links}_n{links}Links", $"{links}Links_index", null, first, end) : null,
            SharedEnergy = label.Links is string shared
                ? Nested<float>($"{shared}_n{shared}Links", $"{shared}Links_sharedEnergy", null, first, end) : null,
        };
    }

    private NestedValues<uint> Vertices(Label label, long first, long end)
    {
        string? begins = label.HasOffsets ? NanoNames.VertexOffset(label.Name) : null;
        return Nested<uint>(NanoNames.VertexCount(label.Name), label.Name + NanoNames.Vertices, begins, first, end);
    }

    private TiclSimTracksters ReadSimulated(long first, long end)
    {
        string name = _simulated.Name;
        NestedValues<uint> vertices = Vertices(_simulated, first, end);
        ListValues<float> energy =
            ListValues<float>.Of(_tree.Read([ColumnRequest.As<float>(name + NanoNames.SimEnergy)], first, end).Columns[0]);
        ListValues<int> pdgId = _pdgId is null
            ? new(energy.Offsets, new int[energy.Values.Length])
            : ListValues<int>.Of(_tree.Read([ColumnRequest.As<int>(_pdgId)], first, end).Columns[0]);
        return new TiclSimTracksters(name, vertices,
            Nested<float>(NanoNames.VertexCount(name), name + NanoNames.Multiplicity, null, first, end), pdgId, energy);
    }

    // A list of counts an entry, and a list of values that they divide; offsets within the entry say the same again.
    private NestedValues<T> Nested<T>(string countBranch, string valueBranch, string? offsetBranch, long first, long end)
        where T : unmanaged
    {
        ListValues<uint> counts = ListValues<uint>.Of(_tree.Read([ColumnRequest.As<uint>(countBranch)], first, end).Columns[0]);
        ListValues<T> values = ListValues<T>.Of(_tree.Read([ColumnRequest.As<T>(valueBranch)], first, end).Columns[0]);
        ListValues<uint>? begins = offsetBranch is null ? null
            : ListValues<uint>.Of(_tree.Read([ColumnRequest.As<uint>(offsetBranch)], first, end).Columns[0]);
        long[] lists = new long[counts.Values.Length + 1];
        for (int entry = 0; entry < counts.EntryCount; entry++)
        {
            ReadOnlySpan<uint> own = counts[entry];
            ReadOnlySpan<uint> ownBegins = begins is null ? [] : begins[entry];
            if (begins is not null && ownBegins.Length != own.Length)
                throw new DataException(
                    $"{Path}, entry {first + entry}: '{offsetBranch}' has {ownBegins.Length} values and '{countBranch}' has "
                        + $"{own.Length}: the file is damaged.");
            long start = values.Offsets[entry], next = start;
            for (int i = 0; i < own.Length; i++)
            {
                if (begins is not null && own[i] > 0 && ownBegins[i] != next - start)
                    throw new DataException(
                        $"{Path}, entry {first + entry}: '{offsetBranch}' says that list {i} begins at {ownBegins[i]}, and by "
                            + $"'{countBranch}' it begins at {next - start}: the file is damaged.");
                next += own[i];
                lists[counts.Offsets[entry] + i + 1] = next;
            }

            if (next != values.Offsets[entry + 1])
                throw new DataException(
                    $"{Path}, entry {first + entry}: '{countBranch}' counts {next - start} values in all, and '{valueBranch}' "
                        + $"has {values.Offsets[entry + 1] - start}: the file is damaged.");
        }

        return new NestedValues<T>(counts.Offsets, lists, values.Values);
    }

    private sealed record Label(string Name, TracksterPass Pass, bool HasMultiplicity, bool HasOffsets, string? Links);
}
