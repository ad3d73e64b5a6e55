using System.Diagnostics.CodeAnalysis;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>
/// One cluster of an RNTuple: entries that were written together. Reads that begin and end at clusters decompress each page
/// once.
/// </summary>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="EntryCount">Its entries.</param>
/// <param name="PageCount">Pages of all columns.</param>
/// <param name="StoredBytes">Their bytes in the file.</param>
public readonly record struct RootCluster(long FirstEntry, long EntryCount, long PageCount, long StoredBytes)
{
    /// <summary>Entry after its last one.</summary>
    public long EndEntry => FirstEntry + EntryCount;
}

/// <summary>
/// An RNTuple (ROOT's columnar format after the tree): fields over the same entries. Opening it reads its description.
/// Page lists are read when a range of entries first needs them, and pages when values are read. Reading is safe from many threads.
/// </summary>
public sealed partial class RootNtuple : IRootTable
{
    private readonly OpenedFile _file;
    private readonly NtupleAnchor _anchor;
    private readonly NtupleHeader _header;
    private readonly ClusterGroup[] _groups;
    private readonly Lazy<ClusterRecord[]>[] _clusters;
    private readonly Lazy<NtupleStorage> _storage;
    private readonly Dictionary<string, RootField> _byName = new(StringComparer.Ordinal);

    internal RootNtuple(OpenedFile file, string path, int cycle, NtupleAnchor anchor)
    {
        _file = file;
        _anchor = anchor;
        Path = path;
        Cycle = cycle;
        Location = new RootLocation(file.Path) { Ntuple = path };
        _header = NtupleHeader.Decode(NtupleEnvelope.Read(file, anchor.Header, EnvelopeType.Header, anchor.MaxKeyBytes, Location));
        NtupleEnvelope footer = NtupleEnvelope.Read(file, anchor.Footer, EnvelopeType.Footer, anchor.MaxKeyBytes, Location);
        _groups = ClusterGroup.DecodeFooter(footer, _header);
        EntryCount = _groups.Length == 0 ? 0 : _groups[^1].FirstEntry + _groups[^1].EntryCount;
        Fields = NtupleFields.Create(this, _header.Schema);
        foreach (RootField field in Fields)
            _byName.TryAdd(field.Name, field);
        _clusters = new Lazy<ClusterRecord[]>[_groups.Length];
        long firstCluster = 0;
        for (int i = 0; i < _groups.Length; i++)
        {
            ClusterGroup group = _groups[i];
            long first = firstCluster;
            _clusters[i] = new Lazy<ClusterRecord[]>(() => ReadGroup(group, first));
            firstCluster += group.ClusterCount;
        }
        _storage =
            new Lazy<NtupleStorage>(() => new NtupleStorage(file, _header.Schema.Columns, _clusters.SelectMany(group => group.Value)));
    }

    /// <summary>Name of the RNTuple.</summary>
    public string Name => _header.Name;

    /// <summary>Description given by the writer.</summary>
    public string Description => _header.Description;

    /// <summary>Library that wrote it, for example <c>ROOT v6.36.000</c>.</summary>
    public string Writer => _header.Writer;

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>Version of the RNTuple in the file; higher is newer.</summary>
    public int Cycle { get; }

    /// <inheritdoc/>
    public long EntryCount { get; }

    /// <summary>The top-level fields in the order of the file, projected ones included.</summary>
    public IReadOnlyList<RootField> Fields { get; }

    /// <summary>The clusters in the order of their entries. Reads every page list.</summary>
    /// <exception cref="RootFormatException">A page list is damaged.</exception>
    public IReadOnlyList<RootCluster> Clusters => [.. _clusters.SelectMany(group => group.Value).Select(cluster => new RootCluster(
        cluster.FirstEntry,
        cluster.EntryCount,
        cluster.Columns.Sum(column => (long)column.Pages.Length),
        cluster.Columns.Sum(column => column.Pages.Sum(page => (long)page.StoredBytes))))];

    string IRootTable.Kind => "RNTuple";

    string IRootTable.Title => Description;

    IReadOnlyList<IRootBranch> IRootTable.Branches => Fields;

    /// <summary>Groups of clusters, each with its own page list.</summary>
    internal int GroupCount => _clusters.Length;

    internal RootLocation Location { get; }

    internal NtupleStorage Storage => _storage.Value;

    internal OpenedFile File => _file;

    /// <summary>Largest run of bytes in which blobs are stored; 0 for no limit.</summary>
    internal long MaxKeyBytes => _anchor.MaxKeyBytes;

    /// <summary>Every cluster with its pages. Reads every page list.</summary>
    internal IEnumerable<ClusterRecord> ClusterRecords => _clusters.SelectMany(group => group.Value);

    /// <summary>A top-level field by its name.</summary>
    /// <exception cref="RootFormatException">No such field; the message names the nearest.</exception>
    public RootField Field(string name) => TryField(name, out RootField? field) ? field : throw NotFound(name);

    /// <summary>As <see cref="Field"/>, but false where there is none.</summary>
    public bool TryField(string name, [NotNullWhen(true)] out RootField? field) => _byName.TryGetValue(name, out field);

    IRootBranch IRootTable.Branch(string name) => Field(name);

    bool IRootTable.TryBranch(string name, [NotNullWhen(true)] out IRootBranch? branch)
    {
        bool found = TryField(name, out RootField? field);
        branch = field;
        return found;
    }

    private RootFormatException NotFound(string name) => new(
        RootErrorKind.BranchNotFound,
        $"there is no field '{name}'",
        Location,
        NearestNames.Suggest(name, Fields.Select(field => field.Name), "The RNTuple has no fields."));

    private ClusterRecord[] ReadGroup(ClusterGroup group, long firstCluster) =>
        PageList.Decode(NtupleEnvelope.Read(_file, group.PageList, EnvelopeType.PageList, _anchor.MaxKeyBytes, Location), _header, group,
            firstCluster);

    // The slices of clusters that hold the entries [first, end).
    private IEnumerable<ClusterSlice> Slices(long first, long end)
    {
        for (int i = 0; i < _groups.Length; i++)
        {
            if (_groups[i].FirstEntry + _groups[i].EntryCount <= first || _groups[i].FirstEntry >= end)
                continue;
            foreach (ClusterRecord cluster in _clusters[i].Value)
            {
                long begin = Math.Max(first, cluster.FirstEntry);
                long stop = Math.Min(end, cluster.FirstEntry + cluster.EntryCount);
                if (begin < stop)
                    yield return new ClusterSlice(cluster, begin - cluster.FirstEntry, stop - cluster.FirstEntry, begin - first,
                        stop == cluster.FirstEntry + cluster.EntryCount);
            }
        }
    }
}
