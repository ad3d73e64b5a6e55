using System.Buffers;
using System.Buffers.Binary;
using Pruning.Root.Compression.Blocks;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>Reads pages for one thread: keeps its codecs and its buffers.</summary>
internal sealed class PageReader(OpenedFile file, long maxKeyBytes) : IDisposable
{
    private readonly BlockDecoder _decoder = file.Decoders.Rent();
    private byte[] _stored = [];
    private byte[] _page = [];

    public void Dispose()
    {
        file.Decoders.Return(_decoder);
        Return(ref _stored);
        Return(ref _page);
    }

    /// <summary>Brings the wanted part of a page into its sink.</summary>
    public void Read(PageRead read)
    {
        RootLocation at = read.Location;
        PageRecord page = read.Page;
        int bytes = PageBytes(read, at);
        NtupleBlobs.Check(file, new NtupleLocator(page.Offset, page.StoredBytes), maxKeyBytes, "a page", at);
        if (page.StoredBytes > Math.Min(file.Options.MaxRecordBytes, Array.MaxLength - sizeof(ulong)))
            throw TooLarge(page.StoredBytes, at);
        Span<byte> stored = Fill(ref _stored, page.StoredBytes + (page.HasChecksum ? sizeof(ulong) : 0));
        NtupleBlobs.Read(file, page.Offset, stored, maxKeyBytes, at);
        if (page.HasChecksum)
        {
            ulong wanted = BinaryPrimitives.ReadUInt64LittleEndian(stored[page.StoredBytes..]);
            stored = stored[..page.StoredBytes];
            NtupleChecksum.Require(stored, wanted, "a page", at);
        }
        if (page.StoredBytes == bytes)
        {
            read.Sink.Decode(read, stored);
            return;
        }
        RootBlocks.Check(stored, bytes, at);
        Span<byte> direct = read.Count == page.Elements ? read.Sink.Direct(read) : default;
        Span<byte> decompressed = direct.IsEmpty ? Fill(ref _page, bytes) : direct;
        RootBlocks.Decompress(stored, decompressed, _decoder, at);
        if (direct.IsEmpty)
            read.Sink.Decode(read, decompressed);
    }

    private int PageBytes(PageRead read, RootLocation at)
    {
        UInt128 bytes = read.Column.Encoding!.PageBytes(read.Page.Elements);
        return bytes <= (ulong)Math.Min(file.Options.MaxRecordBytes, Array.MaxLength) ? (int)bytes : throw TooLarge((long)bytes, at);
    }

    private RootFormatException TooLarge(long bytes, RootLocation at) => new(
        RootErrorKind.MemoryLimit,
        $"the page has {bytes} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is {file.Options.MaxRecordBytes}",
        at,
        $"Raise {nameof(RootReadOptions.MaxRecordBytes)}.");

    private static Span<byte> Fill(ref byte[] buffer, int bytes)
    {
        if (buffer.Length < bytes)
        {
            Return(ref buffer);
            buffer = ArrayPool<byte>.Shared.Rent(bytes);
        }
        return buffer.AsSpan(0, bytes);
    }

    private static void Return(ref byte[] buffer)
    {
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }
}
