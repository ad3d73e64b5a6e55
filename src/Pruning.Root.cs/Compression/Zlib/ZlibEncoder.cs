using System.IO.Compression;

namespace Pruning.Root.Compression.Zlib;

/// <summary>zlib streams: the counterpart of <see cref="ZlibDecoder"/>.</summary>
internal static class ZlibEncoder
{
    /// <summary>Encodes a block; gives the bytes made, or -1 when there is no room.</summary>
    public static unsafe int Encode(ReadOnlySpan<byte> block, Span<byte> room, int level)
    {
        fixed (byte* first = room)
        {
            using var target = new BoundedStream(first, room.Length);
            using (var codec = new ZLibStream(target, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true))
                codec.Write(block);
            return target.Overflowed ? -1 : (int)target.Position;
        }
    }
}

/// <summary>A stream into given memory that records whether the memory was too small.</summary>
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
