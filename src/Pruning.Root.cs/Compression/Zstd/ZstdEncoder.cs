namespace Pruning.Root.Compression.Zstd;

/// <summary>Zstandard frames: the counterpart of <see cref="ZstdDecoder"/>. One thread at a time uses it.</summary>
internal sealed class ZstdEncoder(int level) : IDisposable
{
    private readonly ZstdSharp.Compressor _compressor = new(level);

    /// <summary>Encodes a block; gives the bytes made, or -1 when there is no room.</summary>
    public int Encode(ReadOnlySpan<byte> block, Span<byte> room) => _compressor.TryWrap(block, room, out int written) ? written : -1;

    public void Dispose() => _compressor.Dispose();
}
