using Pruning.Root.Errors;
using ZstdSharp;

namespace Pruning.Root.Compression.Zstd;

/// <summary>Zstandard frames. The decompressor is created once and reused; one thread at a time uses it.</summary>
internal sealed class ZstdDecoder : IDisposable
{
    private readonly Decompressor _decompressor = new();

    public int Decode(ReadOnlySpan<byte> stored, Span<byte> output, RootLocation at)
    {
        try
        {
            return _decompressor.Unwrap(stored, output);
        }
        catch (ZstdException e)
        {
            throw CodecError.Failed(RootCompression.Zstd, $"cannot be decompressed ({e.Message})", at, e);
        }
    }

    public void Dispose() => _decompressor.Dispose();
}
