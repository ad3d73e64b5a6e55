using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace Pruning.Root;

/// <summary>Compresses payloads into chains of blocks. One thread at a time uses it: what is costly to set up is kept.</summary>
internal sealed class BlockEncoder : IDisposable
{
    private const int ChecksumBytes = sizeof(ulong);

    private readonly RootCompressionSetting _setting;
    private readonly ZstdSharp.Compressor? _zstd;
    private readonly XzEncoder? _xz;

    public BlockEncoder(RootCompressionSetting setting)
    {
        _setting = setting;
        if (setting.Codec == RootCompression.Zstd)
            _zstd = new ZstdSharp.Compressor(setting.Level);
        if (setting.Codec == RootCompression.Xz)
            _xz = new XzEncoder(setting.Level);
    }

    public void Dispose() => _zstd?.Dispose();

    /// <summary>Compresses a payload.</summary>
    /// <param name="payload">The bytes.</param>
    /// <param name="output">Room for as many bytes: more are never needed.</param>
    /// <returns>Bytes of the blocks, or -1 when they would not be fewer than the payload's: it is stored as it is.</returns>
    public int Encode(ReadOnlySpan<byte> payload, Span<byte> output)
    {
        if (_setting.Codec == RootCompression.None)
            return -1;
        int made = 0;
        for (int read = 0; read < payload.Length;)
        {
            ReadOnlySpan<byte> block = payload.Slice(read, Math.Min(BlockHeader.MaxObjectBytes, payload.Length - read));
            if (output.Length - made <= BlockHeader.Bytes)
                return -1;
            Span<byte> room = output[(made + BlockHeader.Bytes)..];
            // A block that grows could be too long for its header.
            int stored = EncodeBlock(block, room[..Math.Min(room.Length, block.Length - 1)]);
            if (stored < 0)
                return -1;
            WriteHeader(output[made..], stored, block.Length);
            made += BlockHeader.Bytes + stored;
            read += block.Length;
        }
        return made > 0 && made < payload.Length ? made : -1;
    }

    private void WriteHeader(Span<byte> header, int stored, int objectBytes)
    {
        ReadOnlySpan<byte> tag = _setting.Codec switch
        {
            RootCompression.Zlib => "ZL\x08"u8,
            RootCompression.Xz => "XZ\0"u8,
            RootCompression.Lz4 => "L4\x01"u8,
            _ => "ZS\x01"u8,
        };
        tag.CopyTo(header);
        (header[3], header[4], header[5]) = ((byte)stored, (byte)(stored >> 8), (byte)(stored >> 16));
        (header[6], header[7], header[8]) = ((byte)objectBytes, (byte)(objectBytes >> 8), (byte)(objectBytes >> 16));
    }

    // Bytes made, or -1 when there is no room.
    private int EncodeBlock(ReadOnlySpan<byte> block, Span<byte> room) => _setting.Codec switch
    {
        RootCompression.Zlib => EncodeZlib(block, room, _setting.Level),
        RootCompression.Lz4 => EncodeLz4(block, room, _setting.Level),
        RootCompression.Zstd => _zstd!.TryWrap(block, room, out int written) ? written : -1,
        _ => _xz!.Encode(block, room),
    };

    private static unsafe int EncodeZlib(ReadOnlySpan<byte> block, Span<byte> room, int level)
    {
        fixed (byte* first = room)
        {
            using var target = new BoundedStream(first, room.Length);
            using (var codec = new ZLibStream(target, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true))
                codec.Write(block);
            return target.Overflowed ? -1 : (int)target.Position;
        }
    }

    private static int EncodeLz4(ReadOnlySpan<byte> block, Span<byte> room, int level)
    {
        if (room.Length <= ChecksumBytes)
            return -1;
        LZ4Level strength = level < 3 ? LZ4Level.L00_FAST : (LZ4Level)level;
        int made = LZ4Codec.Encode(block, room[ChecksumBytes..], strength);
        if (made <= 0)
            return -1;
        BinaryPrimitives.WriteUInt64BigEndian(room, XxHash64.HashToUInt64(room.Slice(ChecksumBytes, made)));
        return ChecksumBytes + made;
    }
}

/// <summary>Collects what a codec writes in given memory, and remembers when that was too little.</summary>
internal sealed unsafe class BoundedStream(byte* memory, int capacity) : Stream
{
    private int _length;

    /// <summary>Bytes were lost.</summary>
    public bool Overflowed { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Overflowed |= buffer.Length > capacity - _length;
        if (Overflowed)
            return;
        buffer.CopyTo(new Span<byte>(memory + _length, capacity - _length));
        _length += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
