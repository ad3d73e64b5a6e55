using SharpCompress.Compressors.Xz;

namespace Pruning.Data.Root;

/// <summary>xz containers, as ROOT's LZMA setting writes them.</summary>
internal static class Xz
{
    public static unsafe int Decode(ReadOnlySpan<byte> stored, Span<byte> output, RootLocation at)
    {
        fixed (byte* first = stored)
        {
            using var source = new UnmanagedMemoryStream(first, stored.Length);
            try
            {
                using var codec = new XZStream(source);
                return codec.ReadAtLeast(output, output.Length, throwOnEndOfStream: false);
            }
            // The package's decoder does not promise which exceptions damaged bytes cause.
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw BlockDecoder.Failed(RootCompression.Xz, "cannot be decompressed", at, e);
            }
        }
    }
}
