using Pruning.Data.Root;

namespace Pruning.Data.Tracksters;

/// <summary>
/// Writes prepared files: the trees <c>Tracksters</c> and <c>Edges</c>, with truth also <c>Graphs</c> and the branch
/// <c>fraction</c>, and a tree <c>Metadata</c> of one entry with a text a key. <see cref="TracksterReader"/> and every
/// other reader of ROOT files takes them. Batches are written as they come, so that memory does not grow with the file.
/// </summary>
public sealed class TracksterWriter : IDisposable
{
    private readonly RootFileWriter _file;
    private readonly NodeTree _nodes;
    private readonly LinkTree _links;
    private readonly TruthTree? _truth;

    private TracksterWriter(RootFileWriter file, bool withTruth, bool withPileUp)
    {
        _file = file;
        _nodes = new NodeTree(file.CreateTree(TracksterSchema.TracksterTree, "layer clusters of tracksters"), withTruth);
        _links = new LinkTree(file.CreateTree(TracksterSchema.EdgeTree, "CLUE3D links of tracksters"));
        _truth = withTruth ? new TruthTree(file.CreateTree(TracksterSchema.GraphTree, "tracksters"), withPileUp) : null;
    }

    /// <summary>Tracksters so far.</summary>
    public long EntryCount { get; private set; }

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="withTruth">Every batch brings <see cref="TracksterBatch.Truth"/> and <see cref="TracksterBatch.Fraction"/>.</param>
    /// <param name="metadata">What the file is to say about itself, key by key; keys become names of branches.</param>
    /// <param name="options">Compression, baskets, threads; null for the defaults.</param>
    /// <param name="withPileUp">The truth of every batch brings <see cref="TruthBatch.PileUp"/> too.</param>
    /// <exception cref="RootWriteException">The file cannot be written there.</exception>
    public static TracksterWriter Create(string path, bool withTruth, IReadOnlyDictionary<string, string>? metadata = null, RootWriteOptions? options = null, bool withPileUp = false)
    {
        RootFileWriter file = RootFileWriter.Create(path, options);
        try
        {
            var writer = new TracksterWriter(file, withTruth, withPileUp);
            if (metadata is { Count: > 0 })
                WriteMetadata(file, metadata);
            return writer;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds tracksters.</summary>
    /// <exception cref="ArgumentException">Columns do not fit together; nothing of the batch is written then.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(TracksterBatch batch)
    {
        int entries = batch.Nodes.Length - 1;
        if (batch.Links.Length - 1 != entries)
            throw new ArgumentException($"wanted the links of {entries} tracksters, found those of {batch.Links.Length - 1}");
        if (_truth is not null && batch.Truth is null)
            throw new ArgumentException("the file has truth but the batch has none; set Truth and Fraction");
        BranchData[] nodes = _nodes.Data(batch);
        BranchData[] links = _links.Data(batch);
        BranchData[] truth = _truth?.Data(batch.Truth!) ?? [];
        _nodes.Tree.Check(nodes);
        _links.Tree.Check(links);
        if (_truth is not null)
        {
            _truth.Tree.Check(truth);
            if (truth[0].EntryCount != entries)
                throw new ArgumentException($"wanted the truth of {entries} tracksters, found that of {truth[0].EntryCount}");
        }
        _nodes.Tree.Append(nodes);
        _links.Tree.Append(links);
        _truth?.Tree.Append(truth);
        EntryCount += entries;
    }

    /// <summary>Completes the file and gives it its name; see <see cref="RootFileWriter.Close"/>.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Close() => _file.Close();

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Adds the tree of what a file says about itself.</summary>
    internal static void WriteMetadata(RootFileWriter file, IReadOnlyDictionary<string, string> metadata)
    {
        TreeWriter tree = file.CreateTree(TracksterSchema.MetadataTree, "how the file was made");
        foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            tree.Text(key).Set(value);
        tree.Fill();
    }

    private sealed class NodeTree
    {
        private readonly CounterGroup _count;
        private readonly JaggedBranch<long> _id;
        private readonly JaggedBranch<int> _layer;
        private readonly JaggedBranch<int> _hits;
        private readonly (JaggedBranch<float> Branch, Func<TracksterBatch, ReadOnlyMemory<float>> Values)[] _numbers;
        private readonly (JaggedBranch<bool> Branch, Func<TracksterBatch, ReadOnlyMemory<bool>> Values)[] _flags;

        public NodeTree(TreeWriter tree, bool withTruth)
        {
            Tree = tree;
            _count = tree.Counter(TracksterSchema.NodeCount);
            _id = _count.Jagged<long>(TracksterSchema.Id);
            _layer = _count.Jagged<int>(TracksterSchema.Layer[0]);
            _hits = _count.Jagged<int>(TracksterSchema.HitCount[0]);
            _numbers =
            [
                (_count.Jagged<float>(TracksterSchema.PosX), batch => batch.PosX),
                (_count.Jagged<float>(TracksterSchema.PosY), batch => batch.PosY),
                (_count.Jagged<float>(TracksterSchema.PosZ), batch => batch.PosZ),
                (_count.Jagged<float>(TracksterSchema.Energy), batch => batch.Energy),
                (_count.Jagged<float>(TracksterSchema.Time), batch => batch.Time),
                (_count.Jagged<float>(TracksterSchema.Eta), batch => batch.Eta),
                (_count.Jagged<float>(TracksterSchema.Phi), batch => batch.Phi),
            ];
            _flags =
            [
                (_count.Jagged<bool>(TracksterSchema.IsSeedHigh), batch => batch.IsSeedHigh),
                (_count.Jagged<bool>(TracksterSchema.IsSeedLow), batch => batch.IsSeedLow),
                (_count.Jagged<bool>(TracksterSchema.Label), batch => batch.Label),
            ];
            if (withTruth)
                _numbers = [.. _numbers, (_count.Jagged<float>(TracksterSchema.Fraction), batch => batch.Fraction)];
        }

        public TreeWriter Tree { get; }

        public BranchData[] Data(TracksterBatch batch) =>
        [
            _count.Lists(batch.Nodes),
            _id.Values(batch.Id),
            _layer.Values(batch.Layer),
            _hits.Values(batch.HitCount),
            .. _numbers.Select(one => one.Branch.Values(one.Values(batch))),
            .. _flags.Select(one => one.Branch.Values(one.Values(batch))),
        ];
    }

    private sealed class LinkTree
    {
        private readonly CounterGroup _count;
        private readonly JaggedBranch<long> _origin;
        private readonly JaggedBranch<long> _target;

        public LinkTree(TreeWriter tree)
        {
            Tree = tree;
            _count = tree.Counter(TracksterSchema.LinkCount);
            _origin = _count.Jagged<long>(TracksterSchema.Origin);
            _target = _count.Jagged<long>(TracksterSchema.Target);
        }

        public TreeWriter Tree { get; }

        public BranchData[] Data(TracksterBatch batch) => [_count.Lists(batch.Links), _origin.Values(batch.Origin), _target.Values(batch.Target)];
    }

    private sealed class TruthTree(TreeWriter tree, bool withPileUp)
    {
        private readonly FlatBranch<long> _event = tree.Flat<long>(TracksterSchema.Event[0]);
        private readonly FlatBranch<int> _trackster = tree.Flat<int>(TracksterSchema.Trackster);
        private readonly FlatBranch<int> _pdgId = tree.Flat<int>(TracksterSchema.PdgId[0]);
        private readonly FlatBranch<float> _generatedEnergy = tree.Flat<float>(TracksterSchema.GeneratedEnergy);
        private readonly FlatBranch<float> _simEnergy = tree.Flat<float>(TracksterSchema.SimEnergy[0]);

        private readonly FlatBranch<float>? _pileUp = withPileUp ? tree.Flat<float>(TracksterSchema.PileUp[0]) : null;

        public TreeWriter Tree { get; } = tree;

        public BranchData[] Data(TruthBatch truth) =>
        [
            _event.Values(truth.Event),
            _trackster.Values(truth.Trackster),
            _pdgId.Values(truth.PdgId),
            _generatedEnergy.Values(truth.GeneratedEnergy),
            _simEnergy.Values(truth.SimEnergy),
            .. _pileUp is null ? (BranchData[])[] : [_pileUp.Values(truth.PileUp)],
        ];
    }
}
