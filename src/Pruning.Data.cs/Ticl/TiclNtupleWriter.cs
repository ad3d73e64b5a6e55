using Pruning.Data.Errors;
using Pruning.Data.Tracksters;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Writing;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Ticl;

/// <summary>What an ntuple that is written is to hold.</summary>
public sealed record TiclNtupleContents
{
    /// <summary>Generation.</summary>
    public required TiclGeneration Generation { get; init; }

    /// <summary>Reconstructed tracksters, in the order in which every block brings them.</summary>
    public required IReadOnlyList<string> Collections { get; init; }

    /// <summary>Leave the tree of layer clusters out, where the generation may lack it.</summary>
    public bool WithoutClusters { get; init; }

    /// <summary>What the file is to say about itself; a tree <c>Metadata</c> as in prepared files.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>
/// Writes ntuples of every generation of <see cref="TiclFormat"/>, in the branch types of CMSSW, but only the branches that
/// preparing reads or looks at. One entry is one event in every tree. Blocks of events are written as they come, so that
/// memory does not grow with the file.
/// </summary>
public sealed class TiclNtupleWriter : IDisposable
{
    /// <summary>Directory of the dumper's trees.</summary>
    public const string Folder = "ticlDumper";

    private readonly RootFileWriter _file;
    private readonly TiclNtupleContents _contents;
    private readonly List<FilledTree> _trees;

    private TiclNtupleWriter(RootFileWriter file, TiclNtupleContents contents)
    {
        _file = file;
        _contents = contents;
        TiclFormat format = TiclFormat.Of(contents.Generation);
        _trees = format.IsFlat ? [NanoTree.Create(file, format, contents.Collections)] : DumperTrees.Create(file, format, contents);
    }

    /// <summary>Events so far.</summary>
    public long EntryCount => _trees[0].EntryCount;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="contents">What it is to hold.</param>
    /// <param name="options">Compression, baskets, threads; null for the defaults.</param>
    /// <exception cref="ArgumentException">A generation that has layer clusters always is to lack them.</exception>
    /// <exception cref="RootWriteException">The file cannot be written there.</exception>
    public static TiclNtupleWriter Create(string path, TiclNtupleContents contents, RootWriteOptions? options = null)
    {
        TiclFormat format = TiclFormat.Of(contents.Generation);
        if (contents.WithoutClusters && !format.MayLackClusters)
            throw new ArgumentException($"Cannot write an ntuple of {format.Name} without layer clusters: only newer ones may lack them.");
        RootFileWriter file = RootFileWriter.Create(path, options);
        try
        {
            var writer = new TiclNtupleWriter(file, contents);
            if (contents.Metadata is { Count: > 0 } metadata)
                TracksterWriter.WriteMetadata(file, metadata);
            return writer;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds events.</summary>
    /// <exception cref="ArgumentException">
    /// Other collections than the file was begun with, or no events' numbers where the generation has them.
    /// </exception>
    /// <exception cref="DataException">Columns count different numbers of entries; nothing of the block is written then.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(TiclColumns columns)
    {
        if (columns.Tracksters.Count != _contents.Collections.Count)
            throw new ArgumentException(
                $"wanted {_contents.Collections.Count} collections of tracksters, found {columns.Tracksters.Count}");
        if (columns.Events is null && TiclFormat.Of(_contents.Generation).Events != TiclEventForm.None)
            throw new ArgumentException(
                "wanted run, luminosity block and event of each entry for an ntuple of "
                    + $"{TiclFormat.Of(_contents.Generation).Name}, found none");
        columns.Check();
        foreach (FilledTree tree in _trees)
            tree.Append(columns);
    }

    /// <summary>Completes the file and gives it its name.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Close() => _file.Close();

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose() => _file.Dispose();
}

/// <summary>A tree that is being written: branches, each with what it takes of a block of columns.</summary>
internal sealed class FilledTree(TreeWriter tree)
{
    private readonly List<Func<TiclColumns, BranchData>> _branches = [];

    public long EntryCount => tree.EntryCount;

    public TreeWriter Writer => tree;

    public void Add(Func<TiclColumns, BranchData> data) => _branches.Add(data);

    public void List<T>(string name, Func<TiclColumns, ListValues<T>> values)
        where T : unmanaged
    {
        VectorBranch<T> branch = tree.Vector<T>(name);
        _branches.Add(columns =>
        {
            ListValues<T> lists = values(columns);
            return branch.Lists(lists.Offsets, lists.Values);
        });
    }

    public void Nested<T>(string name, Func<TiclColumns, NestedValues<T>> values)
        where T : unmanaged
    {
        NestedVectorBranch<T> branch = tree.NestedVector<T>(name);
        _branches.Add(columns =>
        {
            NestedValues<T> lists = values(columns);
            return branch.Lists(lists.Entries, lists.Lists, lists.Values);
        });
    }

    public void Append(TiclColumns columns) => tree.Append([.. _branches.Select(data => data(columns))]);
}

/// <summary>The trees of a dumper's file.</summary>
internal static class DumperTrees
{
    public static List<FilledTree> Create(RootFileWriter file, TiclFormat format, TiclNtupleContents contents)
    {
        List<FilledTree> trees = [];
        FilledTree New(string name, string title)
        {
            FilledTree tree = new(file.CreateTree($"{TiclNtupleWriter.Folder}/{name}", title));
            if (format.Events == TiclEventForm.EventId)
                AddEvent(tree);
            trees.Add(tree);
            return tree;
        }

        bool isOld = format.Events == TiclEventForm.None;
        bool hasCopies = contents.WithoutClusters || format.Generation == TiclGeneration.Hlt;
        if (!contents.WithoutClusters)
            AddClusters(New(TiclSchema.Clusters, "layer clusters"), isOld);
        for (int i = 0; i < contents.Collections.Count; i++)
        {
            int which = i;
            FilledTree tree = New(contents.Collections[i], "reconstructed tracksters");
            tree.Nested(TiclSchema.Vertices, one => one.Tracksters[which].Vertices);
            if (isOld)
                continue;
            tree.Nested(TiclSchema.Multiplicity, one => WrittenColumns.Ones(one.Tracksters[which]));
            if (hasCopies)
                AddCopies(tree, one => one.Tracksters[which].Vertices);
        }

        AddSimulated(New(format.CaloParticles[0], "simulated tracksters"), hasCopies, one => one.Simulated);
        if (isOld)
            return trees;
        FilledTree simClusters = New(format.SimClusters[0], "simulated tracksters");
        AddSimulated(simClusters, hasCopies, one => WrittenColumns.SimClusters(one.Simulated));
        if (format.Generation is TiclGeneration.New or TiclGeneration.Hlt)
            simClusters.List(TiclSchema.CaloParticle, one => WrittenColumns.SimClusters(one.Simulated).CaloParticle!);
        FilledTree associations = New(TiclSchema.Associations, "associations");
        for (int i = 0; i < contents.Collections.Count; i++)
            AddAssociations(associations, format, contents.Collections[i], i);
        return trees;
    }

    private static void AddEvent(FilledTree tree)
    {
        SplitObject id = tree.Writer.Object(TiclSchema.Event, TiclSchema.EventClass, TiclSchema.EventClassVersion);
        FlatBranch<uint> run = id.Member<uint>(TiclSchema.EventMembers[0]), lumi = id.Member<uint>(TiclSchema.EventMembers[1]);
        FlatBranch<ulong> number = id.Member<ulong>(TiclSchema.EventMembers[2]);
        tree.Add(columns => run.Values(columns.Events!.Run));
        tree.Add(columns => lumi.Values(columns.Events!.Lumi));
        tree.Add(columns => number.Values(Array.ConvertAll(columns.Events!.Event, static value => (ulong)value)));
    }

    private static void AddClusters(FilledTree tree, bool isOld)
    {
        Func<TiclClusters, ListValues<float>>[] numbers =
        [
            one => one.X, one => one.Y, one => one.Z, one => one.Eta, one => one.Phi, one => one.Energy, one => one.Time, one =>
                one.TimeError,
        ];
        Func<TiclClusters, ListValues<uint>>[] counts = [one => one.Layer, one => one.HitCount];
        for (int i = 0; i < numbers.Length; i++)
        {
            Func<TiclClusters, ListValues<float>> column = numbers[i];
            tree.List(TiclSchema.ClusterBranches[i], columns => column(columns.Clusters));
        }

        for (int i = 0; i < counts.Length; i++)
        {
            Func<TiclClusters, ListValues<uint>> column = counts[i];
            tree.List(TiclSchema.ClusterBranches[numbers.Length + i], columns => column(columns.Clusters));
        }

        if (!isOld)
            tree.List(TiclSchema.ClusterType, columns => WrittenColumns.Types(columns.Clusters));
    }

    private static void AddCopies(FilledTree tree, Func<TiclColumns, NestedValues<uint>> vertices)
    {
        Func<TiclClusters, ListValues<float>>[] columns =
            [one => one.X, one => one.Y, one => one.Z, one => one.Energy, one => one.Time, one => one.TimeError];
        for (int i = 0; i < columns.Length; i++)
        {
            Func<TiclClusters, ListValues<float>> column = columns[i];
            tree.Nested(TiclSchema.VertexBranches[i], one => WrittenColumns.Copied(vertices(one), column(one.Clusters)));
        }
    }

    private static void AddSimulated(FilledTree tree, bool hasCopies, Func<TiclColumns, TiclSimTracksters> simulated)
    {
        tree.Nested(TiclSchema.Vertices, one => simulated(one).Vertices);
        tree.Nested(TiclSchema.Multiplicity, one => simulated(one).Multiplicity);
        tree.List(TiclSchema.PdgId, one => simulated(one).PdgId);
        tree.List(TiclSchema.SimEnergy, one => simulated(one).Energy);
        if (hasCopies)
            AddCopies(tree, one => simulated(one).Vertices);
    }

    // In the formats of 2024 each of the two has the other's content, as in CMSSW.
    private static void AddAssociations(FilledTree tree, TiclFormat format, string collection, int which)
    {
        foreach (TiclTruth truth in (TiclTruth[])[TiclTruth.CaloParticle, TiclTruth.SimCluster])
        {
            bool ofSimClusters = (truth == TiclTruth.SimCluster) != format.MaySwapAssociations;
            string name = format.Collection(collection) is { } known && known.Associations != known.Name && which > 0
                ? $"{known.Associations}Low_recoToSim_{(truth == TiclTruth.SimCluster ? "SC" : "CP")}"
                : TiclSchema.RecoToSim(format.Generation, collection, truth);
            tree.Nested(name, one => WrittenColumns.Links(one, which, ofSimClusters).Matches);
            tree.Nested(name + TiclSchema.SharedEnergySuffix, one => WrittenColumns.Links(one, which, ofSimClusters).Shared);
        }
    }
}

/// <summary>The flat tree of HGCAL NanoAOD.</summary>
internal static class NanoTree
{
    public static FilledTree Create(RootFileWriter file, TiclFormat format, IReadOnlyList<string> collections)
    {
        FilledTree tree = new(file.CreateTree(TiclContents.FlatTree, "Events"));
        FlatBranch<uint> run = tree.Writer.Flat<uint>(TiclSchema.EventNumbers[0]), lumi =
            tree.Writer.Flat<uint>(TiclSchema.EventNumbers[1]);
        FlatBranch<ulong> number = tree.Writer.Flat<ulong>(TiclSchema.EventNumbers[2]);
        tree.Add(columns => run.Values(columns.Events!.Run));
        tree.Add(columns => lumi.Values(columns.Events!.Lumi));
        tree.Add(columns => number.Values(Array.ConvertAll(columns.Events!.Event, static value => (ulong)value)));
        AddClusters(tree, format.LayerClusters[0]);
        for (int i = 0; i < collections.Count; i++)
        {
            int which = i;
            AddTracksters(tree, collections[i], one => one.Tracksters[which].Vertices, one => WrittenColumns.Ones(one.Tracksters[which]),
                null);
            AddLinks(tree, NanoNames.Links(collections[i], TiclTruth.CaloParticle), which, ofSimClusters: false);
            AddLinks(tree, NanoNames.Links(collections[i], TiclTruth.SimCluster), which, ofSimClusters: true);
        }

        AddTracksters(tree, format.CaloParticles[0], one => one.Simulated.Vertices, one => one.Simulated.Multiplicity, one =>
            one.Simulated.Energy);
        AddTracksters(
            tree, format.SimClusters[0], one => WrittenColumns.SimClusters(one.Simulated).Vertices, one =>
                WrittenColumns.SimClusters(one.Simulated).Multiplicity,
            one => WrittenColumns.SimClusters(one.Simulated).Energy);
        return tree;
    }

    private static void AddClusters(FilledTree tree, string table)
    {
        CounterGroup group = tree.Writer.Counter("n" + table);
        tree.Add(columns => group.Lists(columns.Clusters.X.Offsets));
        (string Name, Func<TiclClusters, ListValues<float>> Column)[] real =
        [
            ("energy", one => one.Energy), ("position_x", one => one.X), ("position_y", one => one.Y), ("position_z", one =>
                one.Z), ("position_eta", one => one.Eta),
            ("position_phi", one => one.Phi), ("time", one => one.Time), ("timeError", one => one.TimeError),
        ];
        foreach ((string name, Func<TiclClusters, ListValues<float>> column) in real)
            Add(tree, group, $"{table}_{name}", columns => column(columns.Clusters).Values);
        Add(tree, group, $"{table}_nHits", columns => Array.ConvertAll(columns.Clusters.HitCount.Values, static value => (int)value));
    }

    private static void AddTracksters(
        FilledTree tree, string label, Func<TiclColumns, NestedValues<uint>> vertices, Func<TiclColumns,
            NestedValues<float>> multiplicity, Func<TiclColumns, ListValues<float>>? energy)
    {
        CounterGroup group = tree.Writer.Counter("n" + label);
        tree.Add(columns => group.Lists(vertices(columns).Entries));
        Add(tree, group, NanoNames.VertexCount(label), columns => WrittenColumns.Counts(vertices(columns)));
        Add(tree, group, NanoNames.VertexOffset(label), columns => WrittenColumns.Begins(vertices(columns)));
        if (energy is not null)
            Add(tree, group, label + NanoNames.SimEnergy, columns => energy(columns).Values);
        CounterGroup members = tree.Writer.Counter($"n{label}vertices");
        tree.Add(columns => members.Lists(WrittenColumns.Flat(vertices(columns))));
        Add(tree, members, label + NanoNames.Vertices, columns => vertices(columns).Values);
        Add(tree, members, label + NanoNames.Multiplicity, columns => multiplicity(columns).Values);
    }

    private static void AddLinks(FilledTree tree, string name, int which, bool ofSimClusters)
    {
        CounterGroup group = tree.Writer.Counter("n" + name);
        tree.Add(columns => group.Lists(columns.Tracksters[which].Vertices.Entries));
        Add(tree, group, $"{name}_n{name}Links", columns =>
            WrittenColumns.Counts(WrittenColumns.Links(columns, which, ofSimClusters).Matches));
        CounterGroup links = tree.Writer.Counter($"n{name}Links");
        tree.Add(columns => links.Lists(WrittenColumns.Flat(WrittenColumns.Links(columns, which, ofSimClusters).Matches)));
        Add(tree, links, $"{name}Links_index", columns => WrittenColumns.Links(columns, which, ofSimClusters).Matches.Values);
        Add(tree, links, $"{name}Links_sharedEnergy", columns => WrittenColumns.Links(columns, which, ofSimClusters).Shared.Values);
    }

    private static void Add<T>(FilledTree tree, CounterGroup group, string name, Func<TiclColumns, T[]> values)
        where T : unmanaged
    {
        JaggedBranch<T> branch = group.Jagged<T>(name);
        tree.Add(columns => branch.Values(values(columns)));
    }
}

/// <summary>Columns that an ntuple has beside those that it is made of.</summary>
internal static class WrittenColumns
{
    /// <summary>Multiplicity 1 of every vertex, where the columns have none.</summary>
    public static NestedValues<float> Ones(TiclTracksters collection)
    {
        if (collection.Multiplicity is NestedValues<float> own)
            return own;
        float[] ones = new float[collection.Vertices.Values.Length];
        ones.AsSpan().Fill(1);
        return new(collection.Vertices.Entries, collection.Vertices.Lists, ones);
    }

    /// <summary>Where each layer cluster lies: -1 in the barrel.</summary>
    public static ListValues<int> Types(TiclClusters clusters) => new(
        clusters.X.Offsets,
        clusters.State is ListValues<TiclClusterState> state
            ? Array.ConvertAll(state.Values, static one => one == TiclClusterState.Barrel ? -1 : 0) : new int[clusters.X.Values.Length]);

    /// <summary>A property of the layer clusters of each trackster.</summary>
    public static NestedValues<float> Copied(NestedValues<uint> vertices, ListValues<float> column)
    {
        float[] values = new float[vertices.Values.Length];
        for (int entry = 0; entry < vertices.EntryCount; entry++)
        {
            ReadOnlySpan<float> own = column[entry];
            for (long at = vertices.Lists[vertices.Entries[entry]]; at < vertices.Lists[vertices.Entries[entry + 1]]; at++)
                values[at] = own[(int)vertices.Values[at]];
        }

        return new(vertices.Entries, vertices.Lists, values);
    }

    /// <summary>
    /// The same particles as SimClusters, one for each CaloParticle, in the reverse order: so that whoever takes one for the
    /// other is noticed.
    /// </summary>
    public static TiclSimTracksters SimClusters(TiclSimTracksters simulated)
    {
        NestedValues<uint> vertices = simulated.Vertices;
        int[] order = new int[vertices.Lists.Length - 1]; // list that stands at a place
        int[] ofEntry = new int[order.Length];
        for (int entry = 0; entry < vertices.EntryCount; entry++)
        {
            int count = vertices.CountOf(entry);
            for (int i = 0; i < count; i++)
            {
                order[vertices.Entries[entry] + i] = (int)vertices.Entries[entry] + count - 1 - i;
                ofEntry[vertices.Entries[entry] + i] = count - 1 - i;
            }
        }

        long[] lists = new long[vertices.Lists.Length];
        uint[] indices = new uint[vertices.Values.Length];
        float[] multiplicity = new float[indices.Length];
        for (int place = 0; place < order.Length; place++)
        {
            int from = (int)vertices.Lists[order[place]], count = (int)vertices.Lists[order[place] + 1] - from;
            vertices.Values.AsSpan(from, count).CopyTo(indices.AsSpan((int)lists[place]));
            simulated.Multiplicity.Values.AsSpan(from, count).CopyTo(multiplicity.AsSpan((int)lists[place]));
            lists[place + 1] = lists[place] + count;
        }

        return new TiclSimTracksters(
            TiclSchema.SimTree(TiclTruth.SimCluster),
            new(vertices.Entries, lists, indices),
            new(vertices.Entries, lists, multiplicity),
            new(simulated.PdgId.Offsets, Array.ConvertAll(order, place => simulated.PdgId.Values[place])),
            new(simulated.Energy.Offsets, Array.ConvertAll(order, place => simulated.Energy.Values[place])))
        {
            CaloParticle = new(vertices.Entries, ofEntry),
        };
    }

    /// <summary>Simulated tracksters that share energy with each trackster of a collection, and how much.</summary>
    public static (NestedValues<uint> Matches, NestedValues<float> Shared) Links(TiclColumns columns, int which, bool ofSimClusters)
    {
        TiclTracksters collection = columns.Tracksters[which];
        List<uint> matches = [];
        List<float> shared = [];
        long[] lists = new long[collection.Vertices.Lists.Length];
        int next = 0;
        for (int entry = 0; entry < collection.Vertices.EntryCount; entry++)
        {
            int clusters = columns.Clusters.X[entry].Length;
            EventTruth truth = SimulatedTruth.At(columns.Simulated, entry, clusters, [], columns.File);
            double[] energies = new double[truth.HardScatter.ParticleCount];
            for (int t = 0; t < collection.Vertices.CountOf(entry); t++)
            {
                truth.HardScatter.SharedEnergy(Array.ConvertAll(collection.Vertices[entry, t].ToArray(), static one => (int)one),
                    columns.Clusters.Energy[entry], energies);
                for (int particle = 0; particle < energies.Length; particle++)
                {
                    int from = ofSimClusters ? energies.Length - 1 - particle : particle;
                    if (!(energies[from] > 0))
                        continue;
                    matches.Add((uint)particle);
                    shared.Add((float)energies[from]);
                }

                lists[++next] = matches.Count;
            }
        }

        return (new(collection.Vertices.Entries, lists, [.. matches]), new(collection.Vertices.Entries, lists, [.. shared]));
    }

    /// <summary>[lists] values of each list.</summary>
    public static uint[] Counts<T>(NestedValues<T> values)
        where T : unmanaged
    {
        uint[] counts = new uint[values.Lists.Length - 1];
        for (int i = 0; i < counts.Length; i++)
            counts[i] = (uint)(values.Lists[i + 1] - values.Lists[i]);
        return counts;
    }

    /// <summary>[lists] where each begins in its entry.</summary>
    public static uint[] Begins<T>(NestedValues<T> values)
        where T : unmanaged
    {
        uint[] begins = new uint[values.Lists.Length - 1];
        for (int entry = 0; entry < values.EntryCount; entry++)
        {
            long first = values.Entries[entry];
            for (long list = first; list < values.Entries[entry + 1]; list++)
                begins[list] = (uint)(values.Lists[list] - values.Lists[first]);
        }

        return begins;
    }

    /// <summary>[entries + 1] where the values of each entry begin, all its lists together.</summary>
    public static long[] Flat<T>(NestedValues<T> values)
        where T : unmanaged => Array.ConvertAll(values.Entries, entry => values.Lists[entry]);
}
