using System.Buffers;
using System.IO.Hashing;
using System.Text;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Metadata;
using Pruning.Root.Writing.Ntuples;
using Pruning.Root.Writing.Records;
using Pruning.Root.Writing.Tables;
using Pruning.Root.Writing.Trees;

namespace Pruning.Root.Writing;

/// <summary>
/// Everything in a file except baskets and pages: header, directories, trees, class descriptions, lists. Records are only
/// added at the end. Header and directories are overwritten last, so they point to complete records even after a crash.
/// </summary>
internal sealed class FileMetadata(TemporaryFile file, string name, RootWriteOptions options, BasketQueue queue)
{
    private const int Begins = 100; // where the first record is
    private const int TreeVersion = 63200; // the version of ROOT whose trees and keys these are
    private const int NtupleVersion = 63400; // the first with RNTuples of the final format
    private const int Wider = 1_000_000;
    private const int CycleMask = 0x7FFF;
    private const int FewEntries = 1000;
    private const int UsualBuffer = 32000;

    private readonly uint _time = EncodeTime(options.Reproducible ? new DateTime(1995, 1, 1) : DateTime.Now);
    private readonly Guid _identity = options.Reproducible ? new Guid(XxHash128.Hash(Encoding.UTF8.GetBytes(name))) : Guid.NewGuid();
    private readonly RootBufferWriter _buffer = new();
    private int _described; // classes; they are only ever added
    private (long Seek, int Bytes) _descriptions;
    private int _version = TreeVersion;
    private WrittenDirectory? _top;

    /// <summary>The top directory.</summary>
    public WrittenDirectory Top => _top!;

    private bool Wide => file.Length > options.LargeFileBytes;

    /// <summary>Header and top directory, and a first list of keys: empty, but there.</summary>
    public void Begin()
    {
        file.Append(new byte[Begins]);
        var key = new RecordKey("TFile", name, "", 0, Wide: false);
        int names = RootBufferWriter.StringBytes(name) + RootBufferWriter.StringBytes("");
        _top = new WrittenDirectory(key, Begins, key.Bytes + names, null);
        RootBufferWriter record = Start(key, names + WrittenDirectory.FieldBytes);
        record.WriteString(name);
        record.WriteString("");
        _top.Encode(record, _time, _identity, options.LargeFileBytes);
        file.Append(record.Written);
        Save([], SaveKind.Checkpoint);
    }

    /// <summary>A directory, made if it is not there.</summary>
    public WrittenDirectory Directory(WrittenDirectory above, string directoryName)
    {
        if (above.Below.TryGetValue(directoryName, out WrittenDirectory? known))
            return known;
        var key = new RecordKey("TDirectory", directoryName, directoryName, above.Seek, Wide);
        var made = new WrittenDirectory(key, file.Length, key.Bytes, above);
        RootBufferWriter record = Start(key, WrittenDirectory.FieldBytes);
        above.Keys.Add(record.Written.ToArray());
        made.Encode(record, _time, _identity, options.LargeFileBytes);
        file.Append(record.Written);
        above.Below.Add(directoryName, made);
        return made;
    }

    /// <summary>Writes the key of a basket before its payload.</summary>
    public void EncodeBasketKey(FilledBasket basket, long seek, int index)
    {
        BranchWriter branch = basket.Branch;
        var key = new RecordKey("TBasket", branch.Name, branch.Tree.Name, branch.Tree.Directory.Seek, Wide: true);
        int entryBytes = branch.IsJagged ? Math.Max(FewEntries, basket.EntryCount + 1) : branch.Leaf.Length * branch.Leaf.ValueBytes;
        Restart();
        key.Encode(_buffer, _time, seek, basket.StoredBytes, basket.ObjectBytes, basket.KeyBytes - key.Bytes, index & CycleMask);
        _buffer.WriteInt16(3);
        _buffer.WriteInt32(Math.Max(UsualBuffer, basket.KeyBytes + basket.ObjectBytes)); // fBufferSize
        _buffer.WriteInt32(entryBytes); // fNevBufSize
        _buffer.WriteInt32(basket.EntryCount); // fNevBuf
        _buffer.WriteInt32(basket.KeyBytes + basket.DataBytes); // fLast
        _buffer.WriteByte(0);
        _buffer.Written.CopyTo(basket.Record);
    }

    /// <summary>Begins a record of RNTuple data that no directory lists; the caller appends the data.</summary>
    /// <returns>Position of the data, after the key.</returns>
    public long BeginBlob(WrittenDirectory directory, int bytes)
    {
        RootBufferWriter record = Start(new RecordKey("RBlob", "", "", directory.Seek, Wide), bytes);
        file.Append(record.Written);
        return file.Length;
    }

    /// <summary>Writes an envelope, compressed where that makes it smaller.</summary>
    public NtupleLink WriteEnvelope(WrittenDirectory directory, ReadOnlySpan<byte> envelope)
    {
        byte[] packed = ArrayPool<byte>.Shared.Rent(envelope.Length);
        try
        {
            ReadOnlySpan<byte> stored = Pack(envelope, packed);
            long offset = BeginBlob(directory, stored.Length);
            file.Append(stored);
            return new NtupleLink(envelope.Length, new NtupleLocator(offset, stored.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }

    /// <summary>Writes the descriptions of trees and RNTuples, and points the header and directories to them.</summary>
    public void Save(IReadOnlyList<TableWriter> tables, SaveKind kind)
    {
        if (tables.Any(table => table is NtupleWriter))
            _version = NtupleVersion;
        foreach (TableWriter table in tables)
            WriteTable(table, kind);
        WriteDescriptions(tables);
        foreach (WrittenDirectory directory in All(Top))
            WriteKeys(directory);
        (long Seek, int Bytes) free = WriteFreeList();
        file.Flush();
        WriteHeader(free);
        file.Flush();
        foreach (WrittenDirectory directory in All(Top))
        {
            Restart();
            directory.Encode(_buffer, _time, _identity, options.LargeFileBytes);
            file.WriteAt(directory.Seek + directory.NameBytes, _buffer.Written);
        }
        file.Flush();
    }

    // Inner directories first: a list is there before what points at it.
    private static IEnumerable<WrittenDirectory> All(WrittenDirectory directory) => [.. directory.Below.Values.SelectMany(All), directory];

    private void WriteTable(TableWriter table, SaveKind kind)
    {
        WrittenDirectory directory = table.Directory;
        switch (table)
        {
            case TreeWriter tree:
                var treeKey = new RecordKey("TTree", tree.Name, tree.Title, directory.Seek, Wide);
                directory.Tables[tree.Name] = WriteRecord(treeKey, TreeEncoder.Encode(tree, tree.Extent, options, treeKey.Bytes));
                break;
            case NtupleWriter ntuple:
                ReadOnlySpan<byte> anchor = ntuple.Save(kind);
                // The anchor is too small to compress, as ROOT finds.
                directory.Tables[ntuple.Name] =
                    WriteRecord(new RecordKey("ROOT::RNTuple", ntuple.Name, ntuple.Title, directory.Seek, Wide), anchor, anchor);
                break;
        }
    }

    private void WriteDescriptions(IReadOnlyList<TableWriter> tables)
    {
        SortedSet<string> vectors = new(StringComparer.Ordinal) { "vector<string>" }; // a member of ROOT's own
        foreach (string className in tables.OfType<TreeWriter>().SelectMany(tree => tree.Branches).Select(branch =>
            branch.ClassName).OfType<string>())
        {
            vectors.Add(className);
            string content = CollectionClass.ContentOf(className);
            if (content.EndsWith('>'))
                vectors.Add(content);
        }
        IEnumerable<ClassDescription> ntuple = tables.Any(table => table is NtupleWriter) ? [StreamerTable.Ntuple] : [];
        IEnumerable<ClassDescription> objects =
            tables.OfType<TreeWriter>().SelectMany(tree => tree.Objects).Select(one => one.Description).DistinctBy(one =>
            (one.Name, one.Version));
        ClassDescription[] classes = [.. StreamerTable.Classes, .. vectors.Select(StreamerTable.Vector), .. objects, .. ntuple];
        if (classes.Length == _described)
            return;
        _described = classes.Length;
        var key = new RecordKey("TList", "StreamerInfo", "Doubly linked list", Begins, Wide);
        long seek = file.Length;
        WriteRecord(key, StreamerEncoder.Encode(key.Bytes, classes));
        _descriptions = (seek, (int)(file.Length - seek));
    }

    private void WriteKeys(WrittenDirectory directory)
    {
        List<byte[]> keys = [.. directory.Keys, .. directory.Tables.Values];
        var key = new RecordKey(directory.Key.ClassName, directory.Key.Name, directory.Key.Title, directory.Seek, Wide);
        long seek = file.Length;
        RootBufferWriter record = Start(key, sizeof(int) + keys.Sum(image => image.Length));
        record.WriteInt32(keys.Count);
        foreach (byte[] image in keys)
            record.Write(image);
        file.Append(record.Written);
        directory.KeyList = (seek, record.Position);
    }

    // One entry: everything after the end of the file is free.
    private (long Seek, int Bytes) WriteFreeList()
    {
        const long billion = 1_000_000_000;
        const int narrowBytes = 10;
        const int wideBytes = 18;
        var key = new RecordKey("TFile", name, "", Begins, Wide);
        long seek = file.Length;
        bool wide = seek + key.Bytes + wideBytes > options.LargeFileBytes;
        int bytes = wide ? wideBytes : narrowBytes;
        long end = seek + key.Bytes + bytes;
        RootBufferWriter record = Start(key, bytes);
        record.WriteInt16(wide ? 1001 : 1);
        record.WriteSeek(wide, end);
        record.WriteSeek(wide, wide ? ((end / billion) + 1) * billion : 2 * billion);
        file.Append(record.Written);
        return (seek, record.Position);
    }

    private void WriteHeader((long Seek, int Bytes) free)
    {
        bool wide = Wide;
        Restart();
        _buffer.Write("root"u8);
        _buffer.WriteInt32(_version + (wide ? Wider : 0));
        _buffer.WriteInt32(Begins);
        _buffer.WriteSeek(wide, file.Length);
        _buffer.WriteSeek(wide, free.Seek);
        _buffer.WriteInt32(free.Bytes);
        _buffer.WriteInt32(1); // nfree
        _buffer.WriteInt32(Top.NameBytes);
        _buffer.WriteByte(wide ? (byte)8 : (byte)4);
        _buffer.WriteInt32(options.Compression.Code);
        _buffer.WriteSeek(wide, _descriptions.Seek);
        _buffer.WriteInt32(_descriptions.Bytes);
        _buffer.WriteInt16(1);
        _buffer.Write(_identity.ToByteArray(bigEndian: true));
        _buffer.WriteZeros(Begins - _buffer.Position);
        file.WriteAt(0, _buffer.Written);
    }

    // Returns the bytes of the key, which directories list.
    private byte[] WriteRecord(RecordKey key, ReadOnlySpan<byte> payload)
    {
        byte[] packed = ArrayPool<byte>.Shared.Rent(payload.Length);
        try
        {
            return WriteRecord(key, payload, Pack(payload, packed));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }

    private byte[] WriteRecord(RecordKey key, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> stored)
    {
        RootBufferWriter record = Start(key, stored.Length, payload.Length);
        byte[] image = record.Written.ToArray();
        record.Write(stored);
        file.Append(record.Written);
        return image;
    }

    // The payload compressed into the given room, or as it is where that would not make it smaller.
    private ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> payload, byte[] room)
    {
        int made = options.RawMetadata ? -1 : queue.Encode(payload, room.AsSpan(0, payload.Length));
        return made < 0 ? payload : room.AsSpan(0, made);
    }

    private RootBufferWriter Start(RecordKey key, int stored, int? objectBytes = null)
    {
        Restart();
        key.Encode(_buffer, _time, file.Length, stored, objectBytes ?? stored);
        return _buffer;
    }

    private void Restart() => _buffer.Clear();

    // Years from 1995 in 6 bits, then month, day, hour, minute, second.
    private static uint EncodeTime(DateTime time) =>
        ((uint)(time.Year - 1995) << 26) | ((uint)time.Month << 22) | ((uint)time.Day << 17) | ((uint)time.Hour << 12) | ((uint)time.Minute << 6) | (uint)time.Second;
}
