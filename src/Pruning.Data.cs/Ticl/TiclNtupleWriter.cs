using Pruning.Data.Errors;
using Pruning.Data.Tracksters;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Writing;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Ticl;

/// <summary>
/// Writes ntuples of the TICL dumper's schema, in <c>vector&lt;T&gt;</c> and <c>vector&lt;vector&lt;T&gt; &gt;</c> branches as
/// the dumper does, but only those that preparing reads. One entry is one event in every tree. Blocks of events are
/// written as they come, so that memory does not grow with the file.
/// </summary>
public sealed class TiclNtupleWriter : IDisposable
{
    /// <summary>Directory of the trees.</summary>
    public const string Folder = "ticlDumper";

    private readonly RootFileWriter _file;
    private readonly TreeWriter _clusters;
    private readonly List<Func<TiclClusters, BranchData>> _clusterData = [];
    private readonly List<CollectionTree> _collections = [];
    private readonly SimulatedTree _simulated;

    private TiclNtupleWriter(RootFileWriter file, IReadOnlyList<string> collections, TiclTruth truth)
    {
        _file = file;
        _clusters = file.CreateTree($"{Folder}/{TiclSchema.Clusters}", "layer clusters");
        Func<TiclClusters, ListValues<float>>[] numbers =
        [
            one => one.X, one => one.Y, one => one.Z, one => one.Eta, one => one.Phi, one => one.Energy, one => one.Time, one => one.TimeError,
        ];
        Func<TiclClusters, ListValues<uint>>[] counts = [one => one.Layer, one => one.HitCount];
        for (int i = 0; i < numbers.Length; i++)
            AddClusters(TiclSchema.ClusterBranches[i], numbers[i]);
        for (int i = 0; i < counts.Length; i++)
            AddClusters(TiclSchema.ClusterBranches[numbers.Length + i], counts[i]);
        foreach (string collection in collections)
            _collections.Add(new CollectionTree(file.CreateTree($"{Folder}/{collection}", "reconstructed tracksters")));
        _simulated = new SimulatedTree(file.CreateTree($"{Folder}/{TiclSchema.SimTree(truth)}", "simulated tracksters"));
    }

    /// <summary>Events so far.</summary>
    public long EntryCount => _clusters.EntryCount;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="collections">Trees of the reconstructed tracksters, in the order in which every block brings them.</param>
    /// <param name="truth">Which simulated tracksters it holds.</param>
    /// <param name="metadata">What the file is to say about itself; a tree <c>Metadata</c> as in prepared files.</param>
    /// <param name="options">Compression, baskets, threads; null for the defaults.</param>
    /// <exception cref="RootWriteException">The file cannot be written there.</exception>
    public static TiclNtupleWriter Create(
        string path, IReadOnlyList<string> collections, TiclTruth truth, IReadOnlyDictionary<string, string>? metadata = null, RootWriteOptions? options = null)
    {
        RootFileWriter file = RootFileWriter.Create(path, options);
        try
        {
            var writer = new TiclNtupleWriter(file, collections, truth);
            if (metadata is { Count: > 0 })
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
    /// <exception cref="ArgumentException">Other collections than the file was begun with.</exception>
    /// <exception cref="DataException">Columns count different numbers of entries; nothing of the block is written then.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(TiclColumns columns)
    {
        if (columns.Tracksters.Count != _collections.Count)
            throw new ArgumentException($"wanted {_collections.Count} collections of tracksters, found {columns.Tracksters.Count}");
        columns.Check();
        _clusters.Append([.. _clusterData.Select(data => data(columns.Clusters))]);
        for (int i = 0; i < _collections.Count; i++)
            _collections[i].Append(columns.Tracksters[i]);
        _simulated.Append(columns.Simulated);
    }

    /// <summary>Completes the file and gives it its name.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Close() => _file.Close();

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose() => _file.Dispose();

    private void AddClusters<T>(string name, Func<TiclClusters, ListValues<T>> column)
        where T : unmanaged
    {
        VectorBranch<T> branch = _clusters.Vector<T>(name);
        _clusterData.Add(clusters => Lists(branch, column(clusters)));
    }

    private static BranchData Lists<T>(VectorBranch<T> branch, ListValues<T> values)
        where T : unmanaged => branch.Lists(values.Offsets, values.Values);

    private static BranchData Lists<T>(NestedVectorBranch<T> branch, NestedValues<T> values)
        where T : unmanaged => branch.Lists(values.Entries, values.Lists, values.Values);

    private sealed class CollectionTree(TreeWriter tree)
    {
        private readonly NestedVectorBranch<uint> _vertices = tree.NestedVector<uint>(TiclSchema.Vertices);

        public void Append(TiclTracksters collection) => tree.Append([Lists(_vertices, collection.Vertices)]);
    }

    private sealed class SimulatedTree(TreeWriter tree)
    {
        private readonly NestedVectorBranch<uint> _vertices = tree.NestedVector<uint>(TiclSchema.Vertices);
        private readonly NestedVectorBranch<float> _multiplicity = tree.NestedVector<float>(TiclSchema.Multiplicity);
        private readonly VectorBranch<int> _pdgId = tree.Vector<int>(TiclSchema.PdgId);
        private readonly VectorBranch<float> _energy = tree.Vector<float>(TiclSchema.SimEnergy);

        public void Append(TiclSimTracksters simulated) => tree.Append(
        [
            Lists(_vertices, simulated.Vertices),
            Lists(_multiplicity, simulated.Multiplicity),
            Lists(_pdgId, simulated.PdgId),
            Lists(_energy, simulated.Energy),
        ]);
    }
}
