using Pruning.Root.Errors;

namespace Pruning.Root.Compression;

/// <summary>Errors of codecs.</summary>
internal static class CodecError
{
    /// <summary>A codec could not decompress a block.</summary>
    public static RootFormatException Failed(RootCompression codec, string problem, RootLocation at, Exception? inner = null) =>
        new(RootErrorKind.DecompressFailed, $"{codec.Block()} {problem}", at, inner: inner);
}
