using System.Globalization;
using Pruning.Root.Columns;
using Pruning.Root.Compression;
using Pruning.Root.Compression.Blocks;
using Pruning.Root.Errors;
using Pruning.Root.Ntuples.Metadata;
using Pruning.Root.Writing.Records;
using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>
/// An RNTuple that is being written: first its fields, then its entries, many at once. The bytes of the file do not depend
/// on how entries are divided among calls. Memory: the values of one cluster, and their compressed bytes. Not safe from
/// several threads; the pages of a cluster are compressed in parallel.
/// </summary>
/// <example><code>
/// using var file = RootFileWriter.Create("out.root");
/// NtupleWriter events = file.CreateNtuple("Events");
/// NumberFieldWriter&lt;int&gt; run = events.Field&lt;int&gt;("run");
/// NumberFieldWriter&lt;float&gt; pt = events.Field&lt;float&gt;("jet_pt", lists: 1);
/// events.Append(run.Values(runs), pt.List(offsets, values));
/// file.Close();
/// </code></example>
public sealed class NtupleWriter : TableWriter
{
    private const int MostLists = 16;
    private const int MaxClusterBytes = 1 << 30;

    private readonly IPageOutput _file;
    private readonly List<NtupleFieldWriter> _fields = [];
    private readonly List<WrittenCluster> _clusters = [];
    private readonly List<ClusterGroup> _groups = [];
    private readonly bool _split;
    private BlockEncoder[] _encoders = [];
    private (NtupleLink Link, ulong Checksum)? _header;
    private long _clusterStart;
    private long? _clusterEntries;

    internal NtupleWriter(IPageOutput file, WrittenDirectory directory, string name, string description)
        : base(file, directory, name, description)
    {
        _file = file;
        _split = Options.Compression.Codec != RootCompression.None;
        _clusterEntries = Options.ClusterEntries;
    }

    internal IReadOnlyList<NtupleFieldWriter> Fields => _fields;

    internal IEnumerable<NtupleColumnWriter> Columns => _fields.SelectMany(one => one.Columns);

    /// <summary>Adds a field of numbers.</summary>
    /// <param name="name">Name of the field.</param>
    /// <param name="lists">0 for one number an entry, 1 for <c>std::vector&lt;T&gt;</c>, 2 for vectors of vectors, and so on.</param>
    /// <exception cref="ArgumentException">The name is taken or not allowed, or ROOT has no such numbers.</exception>
    /// <exception cref="InvalidOperationException">Entries were added already.</exception>
    public NumberFieldWriter<T> Field<T>(string name, int lists = 0)
        where T : unmanaged
    {
        RootElementType type = TableRules.TypeOf<T>(name, "field");
        (FieldRecord[] records, List<NtupleColumnWriter> columns) = Shape(name, lists, ColumnCodes.FieldType(type));
        columns.Add(new NtupleColumnWriter(FieldCount + lists, ColumnCodes.Of(type, _split)));
        return Add(new NumberFieldWriter<T>(this, name, lists, records, columns));
    }

    /// <summary>Adds a field of texts, <c>std::string</c>.</summary>
    /// <param name="name">Name of the field.</param>
    /// <param name="lists">0 for one text an entry, 1 for <c>std::vector&lt;std::string&gt;</c>, and so on.</param>
    /// <exception cref="ArgumentException">The name is taken or not allowed.</exception>
    /// <exception cref="InvalidOperationException">Entries were added already.</exception>
    public TextFieldWriter Text(string name, int lists = 0)
    {
        (FieldRecord[] records, List<NtupleColumnWriter> columns) = Shape(name, lists, "std::string");
        columns.Add(new NtupleColumnWriter(FieldCount + lists, ColumnCodes.OfIndex(_split)));
        columns.Add(new NtupleColumnWriter(FieldCount + lists, ColumnCodes.Char));
        return Add(new TextFieldWriter(this, name, lists, records, columns));
    }

    /// <summary>Adds entries: one piece of data for every field, all of as many entries.</summary>
    /// <exception cref="ArgumentException">A field is missing, is given twice, or has another number of entries. Nothing is
    /// written then.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(params IReadOnlyList<NtupleData> data)
    {
        CheckOpen();
        Check(data);
        long count = data.Count == 0 ? 0 : data[0].EntryCount;
        for (long next = 0; next < count;)
        {
            long taken = EntriesFor(data, next, count - next);
            if (taken == 0)
            {
                Flush();
                continue;
            }
            foreach (NtupleData one in data)
                one.Write(next, taken);
            next += taken;
            EntryCount += taken;
            if (_clusterEntries is long entries ? EntryCount - _clusterStart < entries : ClusterBytes() < Options.ClusterBytes)
                continue;
            _clusterEntries ??= EntryCount - _clusterStart;
            Flush();
            CheckpointIfDue();
        }
    }

    /// <summary>Throws what <see cref="Append"/> would throw for this data, and writes nothing.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Append"/>.</exception>
    public void Check(IReadOnlyList<NtupleData> data)
    {
        var given = new HashSet<NtupleFieldWriter>();
        foreach (NtupleData one in data)
        {
            if (one.Field.Ntuple != this)
                throw new ArgumentException($"Cannot append to RNTuple '{Name}': field '{one.Field.Name}' belongs to another RNTuple.");
            if (!given.Add(one.Field))
                throw new ArgumentException($"Cannot append to RNTuple '{Name}': field '{one.Field.Name}' is given twice.");
            if (one.EntryCount != data[0].EntryCount)
                throw new ArgumentException(Invariant($"Cannot append to RNTuple '{Name}': field '{one.Field.Name}' is given {one.EntryCount} entries but field '{data[0].Field.Name}' {data[0].EntryCount}."));
        }
        if (given.Count < _fields.Count)
            throw new ArgumentException(
                $"Cannot append to RNTuple '{Name}': field '{_fields.Find(field => !given.Contains(field))!.Name}' is given no data.");
    }

    /// <inheritdoc/>
    internal override void Flush()
    {
        if (EntryCount == _clusterStart)
            return;
        _file.CountUnsaved(ClusterBytes());
        List<NtuplePage> pages = Pages();
        try
        {
            Encode(pages);
            ILookup<NtupleColumnWriter, PageRecord> places = Write(pages);
            _clusters.Add(new WrittenCluster(_clusterStart, EntryCount - _clusterStart,
                [.. Columns.Select(column => new WrittenRange(column.FirstElement, [.. places[column]]))]));
        }
        finally
        {
            foreach (NtuplePage page in pages)
                page.Dispose();
        }
        foreach (NtupleColumnWriter column in Columns)
            column.Restart();
        _clusterStart = EntryCount;
    }

    /// <inheritdoc/>
    internal override void Release()
    {
        foreach (NtupleColumnWriter column in Columns)
            column.Dispose();
        foreach (BlockEncoder encoder in _encoders)
            encoder.Dispose();
        _encoders = [];
    }

    /// <summary>
    /// Writes the metadata of all clusters so far and returns the anchor that points to it. A checkpoint adds a page list of
    /// the clusters since the last one. A complete file has one page list for all of them, which some readers need.
    /// </summary>
    internal ReadOnlySpan<byte> Save(SaveKind kind)
    {
        if (_header is null)
        {
            (ReadOnlyMemory<byte> bytes, ulong checksum) = NtupleEncoder.Header(this);
            _header = (_file.WriteEnvelope(Directory, bytes.Span), checksum);
        }
        (NtupleLink header, ulong own) = _header.Value;
        if (kind == SaveKind.Complete)
            _groups.Clear();
        List<WrittenCluster> untold = _clusters[_groups.Sum(group => group.ClusterCount)..];
        if (untold.Count > 0)
        {
            NtupleLink pages = _file.WriteEnvelope(Directory, NtupleEncoder.Pages(untold, own, Options.Compression.Code).Span);
            _groups.Add(new ClusterGroup(untold[0].FirstEntry, _clusterStart - untold[0].FirstEntry, untold.Count, pages));
        }
        return NtupleEncoder.Anchor(header, _file.WriteEnvelope(Directory, NtupleEncoder.Footer(_groups, own).Span));
    }

    private int FieldCount => _fields.Sum(one => one.Records.Count);

    // The records of the field and of its lists' items, each inside the one before it, and an index column for each list.
    private (FieldRecord[] Records, List<NtupleColumnWriter> Columns) Shape(string name, int lists, string valueType)
    {
        CheckOpen();
        TableRules.CheckName(name, "field", TableRules.NtupleForbidden);
        ArgumentOutOfRangeException.ThrowIfNegative(lists);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lists, MostLists);
        if (EntryCount > 0 || _header is not null)
            throw new InvalidOperationException(Invariant($"Cannot add field '{name}' to RNTuple '{Name}': it is being written already and has {EntryCount} entries. Add all fields before the first entry."));
        if (_fields.Exists(field => field.Name == name))
            throw new ArgumentException(
                $"Cannot add field '{name}' to RNTuple '{Name}': it has a field of that name already. Choose another name.");
        int first = FieldCount;
        var records = new FieldRecord[lists + 1];
        string type = valueType;
        for (int depth = lists; depth >= 0; depth--)
        {
            records[depth] = new FieldRecord(
                depth == 0 ? first : first + depth - 1,
                depth < lists ? FieldRole.Collection : FieldRole.Leaf,
                depth == 0 ? name : "_0",
                type,
                "",
                "",
                null,
                IsProjected: false,
                Problem: null);
            type = $"std::vector<{type}>";
        }
        return (records, [.. Enumerable.Range(first, lists).Select(id => new NtupleColumnWriter(id, ColumnCodes.OfIndex(_split)))]);
    }

    private T Add<T>(T field)
        where T : NtupleFieldWriter
    {
        _fields.Add(field);
        return field;
    }

    private long ClusterBytes() => Columns.Sum(column => column.Bytes);

    // Entries up to the one that fills the cluster; 0 when no entry fits into the cluster.
    private long EntriesFor(IReadOnlyList<NtupleData> data, long next, long left)
    {
        long held = ClusterBytes();
        long BytesOf(long count) => data.Sum(one => one.BytesOf(next, count));
        long wanted = _clusterEntries is long entries
            ? Math.Min(left, entries - (EntryCount - _clusterStart))
            : Fewest(left, count => BytesOf(count) >= Options.ClusterBytes - held);
        long tooMany = Fewest(wanted + 1, count => count > wanted || BytesOf(count) > MaxClusterBytes - held);
        if (tooMany == 1 && held == 0)
            throw new ArgumentException(Invariant($"Cannot append to RNTuple '{Name}': entry {next} of the data has {BytesOf(1)} bytes but a cluster holds at most {MaxClusterBytes}. Split the entry."));
        return tooMany - 1;
    }

    // The smallest number from 1 to most for which a monotonic condition holds; most if there is none.
    private static long Fewest(long most, Func<long, bool> holds)
    {
        long low = 1;
        while (low < most)
        {
            long middle = low + ((most - low) / 2);
            if (holds(middle))
                most = middle;
            else
                low = middle + 1;
        }
        return most;
    }

    private List<NtuplePage> Pages()
    {
        var pages = new List<NtuplePage>();
        foreach (NtupleColumnWriter column in Columns)
        {
            int elements = Math.Max(1, Options.BasketBytes / column.Width);
            for (int first = 0; first < column.Count; first += elements)
                pages.Add(new NtuplePage(column, first, Math.Min(elements, column.Count - first)));
        }
        return pages;
    }

    private void Encode(List<NtuplePage> pages)
    {
        if (_encoders.Length == 0)
            _encoders = [.. Enumerable.Range(0, Options.Workers).Select(_ => new BlockEncoder(Options.Compression))];
        int next = -1;
        Parallel.ForEach(_encoders, encoder =>
        {
            for (int i = Interlocked.Increment(ref next); i < pages.Count; i = Interlocked.Increment(ref next))
                pages[i].Encode(encoder);
        });
    }

    // Equal index pages are stored once.
    private ILookup<NtupleColumnWriter, PageRecord> Write(List<NtuplePage> pages)
    {
        var known = new Dictionary<(UInt128 Content, int Count), NtuplePage>();
        var stored = new List<NtuplePage>();
        foreach (NtuplePage page in pages)
        {
            if (!page.Column.Encoding.IsIndex || known.TryAdd((page.Content, page.Count), page))
                stored.Add(page);
        }
        _file.WritePages(Directory, stored);
        return pages.ToLookup(page => page.Column, page => (page.Column.Encoding.IsIndex ? known[(page.Content, page.Count)] : page).Place);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
