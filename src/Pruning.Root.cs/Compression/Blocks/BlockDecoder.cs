namespace Pruning.Root;

/// <summary>The codecs of one thread: what is costly to set up is kept from block to block.</summary>
internal sealed class BlockDecoder : IDisposable
{
    private readonly Zstd _zstd = new();
    private Xz? _xz;

    /// <summary>Decompresses one block; the codec must fill <paramref name="output"/> exactly.</summary>
    public void Decode(BlockHeader block, ReadOnlySpan<byte> stored, Span<byte> output, RootLocation at)
    {
        int made = block.Codec switch
        {
            RootCompression.Zlib => Zlib.Decode(stored, output, raw: false, at),
            RootCompression.Deflate => Zlib.Decode(stored, output, raw: true, at),
            RootCompression.Lz4 => Lz4.Decode(stored, output, at),
            RootCompression.Zstd => _zstd.Decode(stored, output, at),
            _ => (_xz ??= new Xz()).Decode(stored, output, at),
        };
        if (made != output.Length)
            throw Failed(block.Codec, $"made {made} bytes where its header promises {output.Length}", at);
    }

    /// <summary>The error of a codec that could not go on.</summary>
    public static RootFormatException Failed(RootCompression codec, string problem, RootLocation at, Exception? inner = null) =>
        new(RootErrorKind.DecompressFailed, $"{codec.Block()} {problem}; the file is damaged", at, inner);

    public void Dispose() => _zstd.Dispose();
}
