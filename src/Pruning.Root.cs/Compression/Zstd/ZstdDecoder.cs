using Pruning.Root.Errors;
using ZstdSharp;

namespace Pruning.Root.Compression.Zstd;

/// <summary>Zstandard frames. The decompressor is set up once and reused; it belongs to one thread at a time.</summary>
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
