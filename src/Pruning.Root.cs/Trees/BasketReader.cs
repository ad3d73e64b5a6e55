using System.Buffers;
using Pruning.Root.Columns;
using Pruning.Root.Compression;
using Pruning.Root.Compression.Blocks;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Sources;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>Values of the counter of a branch, for a range of entries.</summary>
internal delegate int[] CounterValues(RootBranch branch, long first, long end);

/// <summary>A record within bytes that were read together with other records.</summary>
internal readonly record struct RecordBytes(byte[] Buffer, int Start);

/// <summary>Reads and decompresses baskets. One thread at a time uses it: it keeps that thread's codecs.</summary>
internal sealed class BasketReader : IDisposable
{
    private const int HeaderGuess = 512;

    private readonly TreeFile _file;
    private readonly BlockDecoder _decoder = new();

    public BasketReader(TreeFile file) => _file = file;

    public void Dispose() => _decoder.Dispose();

    /// <summary>The header of a basket, checked against the branch. The data is not read.</summary>
    public static BasketHeader ReadHeader(TreeFile file, RootBranch branch, BasketPlace place)
    {
        if (place.Embedded is not null)
            return Check(place.Embedded.Header, [], branch, place);
        RootLocation at = Locate(file, branch, place);
        int guess = Math.Min(HeaderGuess, place.RecordBytes);
        Span<byte> start = stackalloc byte[HeaderGuess];
        file.Source.Read(place.Seek, start[..guess], at);
        int keyBytes = guess >= 16 ? (start[14] << 8) | start[15] : 0;
        if (keyBytes <= guess)
            return Check(BasketHeaderOf(start[..guess], at), start, branch, place);
        byte[] longer = new byte[Math.Min(keyBytes, place.RecordBytes)]; // a branch with a very long name
        file.Source.Read(place.Seek, longer, at);
        return Check(BasketHeaderOf(longer, at), longer, branch, place);
    }

    /// <summary>The codec of a basket's first block.</summary>
    public static RootCompression SeeCompression(TreeFile file, RootBranch branch, BasketPlace place)
    {
        KeyNumbers key = ReadHeader(file, branch, place).Key;
        if (key.ObjectBytes <= key.StoredBytes)
            return RootCompression.None;
        Span<byte> block = stackalloc byte[BlockHeader.Bytes];
        RootLocation at = Locate(file, branch, place) with { Byte = place.Seek + key.KeyBytes };
        file.Source.Read(place.Seek + key.KeyBytes, block[..Math.Min(block.Length, key.StoredBytes)], at);
        return BlockHeader.DecodeCodec(block, at);
    }

    /// <summary>A whole basket, decompressed, with the bounds of its entries where they vary.</summary>
    /// <param name="branch">The branch.</param>
    /// <param name="place">The basket.</param>
    /// <param name="counts">Gives the counter's values for a range of entries; called only if the basket has no offset table.</param>
    /// <param name="record">The basket's record where it was read already.</param>
    public LoadedBasket Load(RootBranch branch, BasketPlace place, CounterValues counts, RecordBytes record = default) =>
        Load(branch, place, record, counts);

    /// <summary>A whole basket, decompressed, with the bounds of its entries where it has a table of them or all have one size.</summary>
    public LoadedBasket LoadShaped(RootBranch branch, BasketPlace place, RecordBytes record = default) =>
        Load(branch, place, record, counts: null);

    private LoadedBasket Load(RootBranch branch, BasketPlace place, RecordBytes record, CounterValues? counts)
    {
        if (place.Embedded is EmbeddedBasket embedded)
        {
            BasketHeader inside = Check(embedded.Header, [], branch, place);
            var loaded = new LoadedBasket(embedded.Data!, 0, inside.DataBytes, inside.EntryCount);
            SetBounds(loaded, new EntryTable([], embedded.Offsets), inside, branch, place, counts);
            return loaded;
        }
        if (record.Buffer is not null)
            return Open(branch, place, record, counts);
        RootLocation at = Locate(_file, branch, place);
        CheckSize(place.RecordBytes, at);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(place.RecordBytes);
        bool isOwned = false;
        try
        {
            _file.Source.Read(place.Seek, bytes.AsSpan(0, place.RecordBytes), at);
            LoadedBasket loaded = Open(branch, place, new RecordBytes(bytes, 0), counts);
            isOwned = loaded.TryOwn(bytes);
            return loaded;
        }
        finally
        {
            if (!isOwned)
                ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    // A basket that is not compressed stays where it is.
    private LoadedBasket Open(RootBranch branch, BasketPlace place, RecordBytes record, CounterValues? counts)
    {
        RootLocation at = Locate(_file, branch, place);
        ReadOnlySpan<byte> bytes = record.Buffer.AsSpan(record.Start, place.RecordBytes);
        BasketHeader header = Check(BasketHeaderOf(bytes, at), bytes, branch, place);
        KeyNumbers key = header.Key;
        ReadOnlySpan<byte> stored = bytes[key.KeyBytes..];
        if (key.ObjectBytes <= stored.Length)
        {
            var raw = new LoadedBasket(record.Buffer, record.Start + key.KeyBytes, header.DataBytes, header.EntryCount);
            SetBounds(raw, new EntryTable(stored[header.DataBytes..key.ObjectBytes], null), header, branch, place, counts);
            return raw;
        }
        RootLocation dataAt = at with { Byte = place.Seek + key.KeyBytes };
        CheckSize(key.ObjectBytes, at);
        RootBlocks.Check(stored, key.ObjectBytes, dataAt);
        byte[] payload = ArrayPool<byte>.Shared.Rent(key.ObjectBytes);
        bool isOwned = false;
        try
        {
            if (key.ObjectBytes > BlockHeader.MaxObjectBytes && _file.Options.Workers > 1)
                RootBlocks.DecompressInParallel(_file.File.Decoders, _file.Options.Workers, record.Buffer,
                    (record.Start + key.KeyBytes)..(record.Start + place.RecordBytes), payload, key.ObjectBytes, dataAt);
            else
                RootBlocks.Decompress(stored, payload.AsSpan(0, key.ObjectBytes), _decoder, dataAt);
            var loaded = new LoadedBasket(payload, 0, header.DataBytes, header.EntryCount);
            SetBounds(loaded, new EntryTable(payload.AsSpan(header.DataBytes, key.ObjectBytes - header.DataBytes), null), header, branch,
                place, counts);
            isOwned = loaded.TryOwn(payload);
            return loaded;
        }
        finally
        {
            if (!isOwned)
                ArrayPool<byte>.Shared.Return(payload);
        }
    }

    // Where entries begin: a table after the data, the table of an embedded basket, or nothing.
    private readonly ref struct EntryTable(ReadOnlySpan<byte> tail, int[]? offsets)
    {
        public ReadOnlySpan<byte> Tail { get; } = tail;

        public int[]? Offsets { get; } = offsets;
    }

    // counts is null for branches that do not hold plain numbers.
    private static void SetBounds(LoadedBasket loaded, EntryTable table, in BasketHeader header, RootBranch branch, BasketPlace place,
        CounterValues? counts)
    {
        if (counts is not null && branch.SupportedLayout().Kind == EntryKind.Fixed)
            return;
        if (table.Offsets is not null)
            BasketBounds.OfOffsets(table.Offsets, loaded, header, At(branch, place));
        else if (!table.Tail.IsEmpty)
            BasketBounds.OfTable(table.Tail, loaded, header, At(branch, place));
        else if (counts is null)
            BasketBounds.OfSize(loaded, header);
        else
            BasketBounds.OfCounts(counts(branch, place.First, place.End), loaded, branch.SupportedLayout(), At(branch, place));
    }

    private static RootLocation At(RootBranch branch, BasketPlace place) =>
        branch.Location with { Basket = place.Index, Byte = place.Embedded is null ? place.Seek : null };

    private void CheckSize(int bytes, RootLocation at)
    {
        if (bytes > _file.Options.MaxRecordBytes)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"the basket has {bytes} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is {_file.Options.MaxRecordBytes}",
                at,
                $"Raise {nameof(RootReadOptions.MaxRecordBytes)}.");
        }
    }

    private static BasketHeader BasketHeaderOf(ReadOnlySpan<byte> bytes, RootLocation at)
    {
        RootBuffer buffer = RootBuffer.OfFile(bytes, at);
        return BasketHeader.Decode(ref buffer);
    }

    /// <summary>True when the basket's record is inside of the file.</summary>
    public static bool IsInFile(TreeFile file, BasketPlace place) =>
        place.Seek > 0 && place.RecordBytes >= RootKey.MinBytes && place.Seek <= file.Length - place.RecordBytes;

    private static RootLocation Locate(TreeFile file, RootBranch branch, BasketPlace place)
    {
        if (IsInFile(file, place))
            return At(branch, place);
        throw new RootFormatException(
            RootErrorKind.MissingBasket,
            place.Seek <= 0
                ? $"the entries {place.First} to {place.End} were never written to the file"
                : $"the entries {place.First} to {place.End} should be in {place.RecordBytes} bytes at byte {place.Seek}, "
                    + $"which is outside of the file's {file.Length} bytes",
            branch.Location with { Basket = place.Index });
    }

    // The bytes begin with the key; they are not used for embedded baskets.
    private static BasketHeader Check(in BasketHeader header, ReadOnlySpan<byte> bytes, RootBranch branch, BasketPlace place)
    {
        KeyNumbers key = header.Key;
        if (place.Embedded is null)
        {
            if (key.RecordBytes != place.RecordBytes || key.Seek != place.Seek)
                throw Error(RootErrorKind.WrongBasket,
                    $"wanted a basket of {place.RecordBytes} bytes at byte {place.Seek} but found one of {key.RecordBytes} that "
                        + $"says it is at byte {key.Seek}");
            ReadOnlySpan<byte> name = bytes.Slice(header.NamePosition, header.NameBytes);
            // Baskets of a renamed branch keep the old name.
            if (!name.SequenceEqual(branch.ShortNameBytes) && branch.IsNameTaken(RootText.Decode(name)))
                throw Error(RootErrorKind.WrongBasket, $"wanted a basket of this branch but found one of '{RootText.Decode(name)}'");
            if (header.HeaderEnd != key.KeyBytes)
                throw Error(RootErrorKind.CorruptBasket, $"the basket's header ends at byte {header.HeaderEnd} but claims {key.KeyBytes}");
        }
        else if (header.DataBytes != place.Embedded.Data!.Length)
        {
            throw Error(RootErrorKind.CorruptBasket,
                $"the basket claims {header.DataBytes} bytes of data but has {place.Embedded.Data.Length}");
        }
        return header.EntryCount == place.End - place.First
            ? header
            : throw Error(RootErrorKind.CorruptBasket,
                $"wanted the entries {place.First} to {place.End} but the basket holds {header.EntryCount} entries");

        RootFormatException Error(RootErrorKind kind, string problem) => new(kind, problem, At(branch, place));
    }
}
