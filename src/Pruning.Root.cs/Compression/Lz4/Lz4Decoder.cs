using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;
using Pruning.Root.Errors;

namespace Pruning.Root.Compression.Lz4;

/// <summary>LZ4 blocks: 8 bytes of XXH64 over the compressed bytes, then the block.</summary>
internal static class Lz4Decoder
{
    private const int ChecksumBytes = sizeof(ulong);

    public static int Decode(ReadOnlySpan<byte> stored, Span<byte> output, RootLocation at)
    {
        if (stored.Length <= ChecksumBytes)
            throw CodecError.Failed(RootCompression.Lz4, $"of {stored.Length} bytes has no room for its checksum", at);
        ReadOnlySpan<byte> block = stored[ChecksumBytes..];
        ulong wanted = BinaryPrimitives.ReadUInt64BigEndian(stored);
        ulong found = XxHash64.HashToUInt64(block);
        if (wanted != found)
            throw new RootFormatException(RootErrorKind.ChecksumMismatch,
                $"an lz4 block has the checksum {found:x16} but {wanted:x16} is stored", at);
        int made = LZ4Codec.Decode(block, output);
        return made >= 0 ? made : throw CodecError.Failed(RootCompression.Lz4, "cannot be decompressed", at);
    }
}
