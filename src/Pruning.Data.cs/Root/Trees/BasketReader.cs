using System.Buffers;

namespace Pruning.Data.Root;

/// <summary>Reads and decompresses baskets. One thread at a time uses it: it keeps that thread's codecs.</summary>
internal sealed class BasketReader : IDisposable
{
    private const int HeaderGuess = 512;

    private readonly RootFile _file;

    public BasketReader(RootFile file) => _file = file;

    /// <summary>The codecs.</summary>
    public BlockDecoder Blocks { get; } = new();

    public void Dispose() => Blocks.Dispose();

    /// <summary>The header of a basket, checked against the branch; the data is left alone.</summary>
    public static BasketHeader ReadHeader(RootFile file, RootBranch branch, BasketPlace place)
    {
        if (place.Embedded is not null)
            return Check(place.Embedded.Header, branch, place);
        RootLocation at = Locate(file, branch, place);
        int guess = Math.Min(HeaderGuess, place.RecordBytes);
        Span<byte> start = stackalloc byte[HeaderGuess];
        file.Source.Read(place.Seek, start[..guess], at);
        int keyBytes = guess >= 16 ? (start[14] << 8) | start[15] : 0;
        if (keyBytes <= guess)
            return Check(BasketHeaderOf(start[..guess], at), branch, place);
        byte[] longer = new byte[Math.Min(keyBytes, place.RecordBytes)]; // a branch with a very long name
        file.Source.Read(place.Seek, longer, at);
        return Check(BasketHeaderOf(longer, at), branch, place);
    }

    /// <summary>The codec of a basket's first block.</summary>
    public static RootCompression SeeCompression(RootFile file, RootBranch branch, BasketPlace place)
    {
        RootKey key = ReadHeader(file, branch, place).Key;
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
    /// <param name="counts">Gives the counter's values for a range of entries; asked only where the basket has no offset table.</param>
    public LoadedBasket Load(RootBranch branch, BasketPlace place, Func<long, long, int[]> counts)
    {
        EntryLayout layout = branch.SupportedLayout();
        return Load(branch, place, (loaded, table, header, at) =>
        {
            if (layout.Kind == EntryKind.Fixed)
                return;
            if (!SetBounds(loaded, table, header, at))
                BasketBounds.OfCounts(counts(place.First, place.End), loaded, layout, at);
        });
    }

    /// <summary>A whole basket, decompressed, with the bounds of its entries where it has a table of them or all have one size.</summary>
    public LoadedBasket LoadShaped(RootBranch branch, BasketPlace place) => Load(branch, place, static (loaded, table, header, at) =>
    {
        if (!SetBounds(loaded, table, header, at))
            BasketBounds.OfSize(loaded, header);
    });

    private delegate void BoundsSetter(LoadedBasket loaded, EntryTable table, BasketHeader header, RootLocation at);

    // What a basket has to say where entries begin: a table behind the data, or that of an embedded basket, or nothing.
    private readonly ref struct EntryTable(ReadOnlySpan<byte> tail, int[]? offsets)
    {
        public ReadOnlySpan<byte> Tail { get; } = tail;

        public int[]? Offsets { get; } = offsets;
    }

    private static bool SetBounds(LoadedBasket loaded, EntryTable table, BasketHeader header, RootLocation at)
    {
        if (table.Offsets is not null)
            BasketBounds.OfOffsets(table.Offsets, loaded, header, at);
        else if (!table.Tail.IsEmpty)
            BasketBounds.OfTable(table.Tail, loaded, header, at);
        else
            return false;
        return true;
    }

    private LoadedBasket Load(RootBranch branch, BasketPlace place, BoundsSetter setBounds)
    {
        if (place.Embedded is EmbeddedBasket embedded)
        {
            BasketHeader inside = Check(embedded.Header, branch, place);
            var loaded = new LoadedBasket(embedded.Data!, pooled: false, 0, inside.DataBytes, inside.EntryCount);
            setBounds(loaded, new EntryTable([], embedded.Offsets), inside, branch.Location with { Basket = place.Index });
            return loaded;
        }

        RootLocation at = Locate(_file, branch, place);
        CheckSize(place.RecordBytes, at);
        byte[] record = ArrayPool<byte>.Shared.Rent(place.RecordBytes);
        byte[]? payload = null;
        try
        {
            Span<byte> bytes = record.AsSpan(0, place.RecordBytes);
            _file.Source.Read(place.Seek, bytes, at);
            BasketHeader header = Check(BasketHeaderOf(bytes, at), branch, place);
            RootKey key = header.Key;
            ReadOnlySpan<byte> stored = bytes[key.KeyBytes..];
            LoadedBasket loaded;
            if (key.ObjectBytes > stored.Length)
            {
                RootLocation dataAt = at with { Byte = place.Seek + key.KeyBytes };
                CheckSize(key.ObjectBytes, at);
                RootBlocks.Check(stored, key.ObjectBytes, dataAt);
                payload = ArrayPool<byte>.Shared.Rent(key.ObjectBytes);
                if (key.ObjectBytes > BlockHeader.MaxObjectBytes && _file.Options.Workers > 1)
                    RootBlocks.DecompressInParallel(_file, record, key.KeyBytes..place.RecordBytes, payload, key.ObjectBytes, dataAt);
                else
                    RootBlocks.Decompress(stored, payload.AsSpan(0, key.ObjectBytes), Blocks, dataAt);
                loaded = new LoadedBasket(payload, pooled: true, 0, header.DataBytes, header.EntryCount);
                setBounds(loaded, new EntryTable(payload.AsSpan(header.DataBytes, key.ObjectBytes - header.DataBytes), null), header, at);
                payload = null;
            }
            else
            {
                loaded = new LoadedBasket(record, pooled: true, key.KeyBytes, header.DataBytes, header.EntryCount);
                setBounds(loaded, new EntryTable(stored[header.DataBytes..key.ObjectBytes], null), header, at);
                record = [];
            }
            return loaded;
        }
        finally
        {
            if (record.Length > 0)
                ArrayPool<byte>.Shared.Return(record);
            if (payload is not null)
                ArrayPool<byte>.Shared.Return(payload);
        }
    }

    private void CheckSize(int bytes, RootLocation at)
    {
        if (bytes > _file.Options.MaxRecordBytes)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"the basket has {bytes} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is {_file.Options.MaxRecordBytes}; raise the limit",
                at);
        }
    }

    private static BasketHeader BasketHeaderOf(ReadOnlySpan<byte> bytes, RootLocation at)
    {
        RootBuffer buffer = RootBuffer.OfFile(bytes, at);
        return BasketHeader.Decode(ref buffer);
    }

    private static RootLocation Locate(RootFile file, RootBranch branch, BasketPlace place)
    {
        RootLocation at = branch.Location with { Basket = place.Index };
        if (place.Seek <= 0)
            throw new RootFormatException(RootErrorKind.MissingBasket, $"the entries {place.First} to {place.End} were never written to the file", at);
        if (place.RecordBytes < RootKey.MinBytes || place.Seek > file.Length - place.RecordBytes)
        {
            throw new RootFormatException(
                RootErrorKind.MissingBasket,
                $"the entries {place.First} to {place.End} should be in {place.RecordBytes} bytes at byte {place.Seek}, which is outside of the file's {file.Length} bytes",
                at);
        }
        return at with { Byte = place.Seek };
    }

    private static BasketHeader Check(BasketHeader header, RootBranch branch, BasketPlace place)
    {
        RootLocation at = branch.Location with { Basket = place.Index, Byte = place.Embedded is null ? place.Seek : null };
        RootKey key = header.Key;
        if (place.Embedded is null)
        {
            if (key.RecordBytes != place.RecordBytes || key.Seek != place.Seek)
                throw new RootFormatException(RootErrorKind.WrongBasket, $"wanted a basket of {place.RecordBytes} bytes at byte {place.Seek} but found one of {key.RecordBytes} that says it is at byte {key.Seek}", at);
            if (key.Name != branch.ShortName && branch.IsNameTaken(key.Name)) // a branch that was renamed keeps its baskets
                throw new RootFormatException(RootErrorKind.WrongBasket, $"wanted a basket of this branch but found one of '{key.Name}'", at);
            if (header.HeaderEnd != key.KeyBytes)
                throw new RootFormatException(RootErrorKind.CorruptBasket, $"the basket's header ends at byte {header.HeaderEnd} but claims {key.KeyBytes}", at);
        }
        else if (header.DataBytes != place.Embedded.Data!.Length)
        {
            throw new RootFormatException(RootErrorKind.CorruptBasket, $"the basket claims {header.DataBytes} bytes of data but has {place.Embedded.Data.Length}", at);
        }
        if (header.EntryCount != place.End - place.First)
            throw new RootFormatException(RootErrorKind.CorruptBasket, $"wanted the entries {place.First} to {place.End} but the basket holds {header.EntryCount} entries", at);
        return header;
    }
}
