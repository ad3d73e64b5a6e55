using System.IO.Compression;
using Pruning.Root.Errors;

namespace Pruning.Root.Compression.Zlib;

/// <summary>zlib streams, checked against their Adler-32, and the bare deflate of ROOT 2.</summary>
internal static class ZlibDecoder
{
    public static unsafe int Decode(ReadOnlySpan<byte> stored, Span<byte> output, bool raw, RootLocation at)
    {
        fixed (byte* first = stored)
        {
            using var source = new UnmanagedMemoryStream(first, stored.Length);
            using Stream codec = raw ? new DeflateStream(source, CompressionMode.Decompress)
                : new ZLibStream(source, CompressionMode.Decompress);
            try
            {
                int made = codec.ReadAtLeast(output, output.Length, throwOnEndOfStream: false);
                // Reading one byte more makes the codec check the checksum, and detects blocks that are too long.
                Span<byte> surplus = stackalloc byte[1];
                return made == output.Length ? made + codec.Read(surplus) : made;
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                throw CodecError.Failed(raw ? RootCompression.Deflate : RootCompression.Zlib, "cannot be decompressed", at, e);
            }
        }
    }
}
