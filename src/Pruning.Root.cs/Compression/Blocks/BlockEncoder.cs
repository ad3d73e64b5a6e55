using Pruning.Root.Compression.Lz4;
using Pruning.Root.Compression.Xz;
using Pruning.Root.Compression.Zlib;
using Pruning.Root.Compression.Zstd;

namespace Pruning.Root.Compression.Blocks;

/// <summary>Compresses payloads into chains of blocks. One thread at a time uses it.</summary>
internal sealed class BlockEncoder : IDisposable
{
    private readonly RootCompressionSetting _setting;
    private readonly ZstdEncoder? _zstd;
    private readonly XzEncoder? _xz;

    public BlockEncoder(RootCompressionSetting setting)
    {
        _setting = setting;
        if (setting.Codec == RootCompression.Zstd)
            _zstd = new ZstdEncoder(setting.Level);
        if (setting.Codec == RootCompression.Xz)
            _xz = new XzEncoder(setting.Level);
    }

    public void Dispose() => _zstd?.Dispose();

    /// <summary>Compresses a payload.</summary>
    /// <param name="payload">The bytes.</param>
    /// <param name="output">Room for as many bytes as the payload has.</param>
    /// <returns>Bytes of the blocks, or -1 when they would not be fewer than the payload's.</returns>
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
        RootCompression.Zlib => ZlibEncoder.Encode(block, room, _setting.Level),
        RootCompression.Lz4 => Lz4Encoder.Encode(block, room, _setting.Level),
        RootCompression.Zstd => _zstd!.Encode(block, room),
        _ => _xz!.Encode(block, room),
    };
}
