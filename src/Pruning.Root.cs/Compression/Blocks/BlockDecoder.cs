using Pruning.Root.Compression.Lz4;
using Pruning.Root.Compression.Xz;
using Pruning.Root.Compression.Zlib;
using Pruning.Root.Compression.Zstd;
using Pruning.Root.Errors;

namespace Pruning.Root.Compression.Blocks;

/// <summary>The decompressors of one thread. They are kept from block to block because they are costly to create.</summary>
internal sealed class BlockDecoder : IDisposable
{
    private readonly ZstdDecoder _zstd = new();
    private XzDecoder? _xz;

    /// <summary>Decompresses one block; the codec must fill <paramref name="output"/> exactly.</summary>
    public void Decode(BlockHeader block, ReadOnlySpan<byte> stored, Span<byte> output, RootLocation at)
    {
        int made = block.Codec switch
        {
            RootCompression.Zlib => ZlibDecoder.Decode(stored, output, raw: false, at),
            RootCompression.Deflate => ZlibDecoder.Decode(stored, output, raw: true, at),
            RootCompression.Lz4 => Lz4Decoder.Decode(stored, output, at),
            RootCompression.Zstd => _zstd.Decode(stored, output, at),
            _ => (_xz ??= new XzDecoder()).Decode(stored, output, at),
        };
        if (made != output.Length)
            throw CodecError.Failed(block.Codec, $"made {made} bytes where its header promises {output.Length}", at);
    }

    public void Dispose() => _zstd.Dispose();
}
