using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using Pruning.Root.Compression.Blocks;
using Pruning.Root.Ntuples.Encoding;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>A page that waits to be written.</summary>
/// <param name="column">Its column, which holds its elements.</param>
/// <param name="first">Its first element in the cluster.</param>
/// <param name="count">Its elements.</param>
internal sealed class NtuplePage(NtupleColumnWriter column, int first, int count) : IDisposable
{
    /// <summary>Bytes of the checksum after a page.</summary>
    public const int ChecksumBytes = sizeof(ulong);

    private byte[] _bytes = [];

    public NtupleColumnWriter Column { get; } = column;

    /// <summary>Its elements.</summary>
    public int Count { get; } = count;

    /// <summary>Bytes as stored, the checksum not counted.</summary>
    public int StoredBytes { get; private set; }

    /// <summary>Its place in the file, once it is written.</summary>
    public PageRecord Place { get; private set; }

    /// <summary>As stored, with the checksum.</summary>
    public ReadOnlySpan<byte> Stored => _bytes.AsSpan(0, StoredBytes + ChecksumBytes);

    /// <summary>Hash of an index page. Equal pages share one place in the file.</summary>
    public UInt128 Content { get; private set; }

    /// <summary>Arranges and compresses the page and appends its checksum. Its elements are overwritten.</summary>
    public void Encode(BlockEncoder encoder)
    {
        int bytes = (int)Column.Encoding.PageBytes(Count);
        byte[] plain = ArrayPool<byte>.Shared.Rent(bytes + ChecksumBytes);
        Span<byte> page = plain.AsSpan(0, bytes);
        PageEncoder.Encode(Column.Encoding, Column.Elements(first, Count), page);
        if (Column.Encoding.IsIndex)
            Content = XxHash128.HashToUInt128(page);
        byte[] packed = ArrayPool<byte>.Shared.Rent(bytes + ChecksumBytes);
        int made = encoder.Encode(page, packed.AsSpan(0, bytes));
        (_bytes, StoredBytes) = made < 0 ? (plain, bytes) : (packed, made);
        ArrayPool<byte>.Shared.Return(made < 0 ? packed : plain);
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(StoredBytes), XxHash3.HashToUInt64(_bytes.AsSpan(0, StoredBytes)));
    }

    /// <summary>Sets the position of the page in the file.</summary>
    public void Put(long offset) => Place = new PageRecord(offset, StoredBytes, Count, HasChecksum: true);

    public void Dispose()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }
}
