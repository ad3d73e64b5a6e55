using Pruning.Root.Errors;

namespace Pruning.Root.Compression;

/// <summary>The 9 bytes before every compressed block: codec tag, method, and two little-endian 24-bit sizes.</summary>
/// <param name="Codec">From the tag.</param>
/// <param name="StoredBytes">Compressed bytes after these 9.</param>
/// <param name="ObjectBytes">Bytes once decompressed.</param>
internal readonly record struct BlockHeader(RootCompression Codec, int StoredBytes, int ObjectBytes)
{
    public const int Bytes = 9;

    /// <summary>Payloads are cut into blocks of this size.</summary>
    public const int MaxObjectBytes = 0xFFFFFF;

    /// <param name="stored">What is left of the stored payload.</param>
    /// <param name="outputLeft">Bytes of the object that are still missing.</param>
    /// <param name="at">Where <paramref name="stored"/> begins.</param>
    public static BlockHeader Decode(ReadOnlySpan<byte> stored, long outputLeft, RootLocation at)
    {
        if (stored.Length < Bytes)
            throw new RootFormatException(RootErrorKind.CorruptBlock,
                $"{outputLeft} bytes of the object are missing but only {stored.Length} stored bytes remain", at);
        RootCompression codec = DecodeCodec(stored, at);
        int storedBytes = stored[3] | (stored[4] << 8) | (stored[5] << 16);
        int objectBytes = stored[6] | (stored[7] << 8) | (stored[8] << 16);
        if (storedBytes > stored.Length - Bytes)
            throw new RootFormatException(RootErrorKind.CorruptBlock,
                $"{codec.Block()} of {storedBytes} bytes does not fit the {stored.Length - Bytes} stored bytes that remain", at);
        if (objectBytes == 0 || objectBytes > outputLeft)
            throw new RootFormatException(RootErrorKind.CorruptBlock,
                $"{codec.Block()} promises {objectBytes} bytes but {outputLeft} bytes of the object are missing", at);
        if (objectBytes > MostFrom(codec, storedBytes))
            throw new RootFormatException(RootErrorKind.CorruptBlock,
                $"{storedBytes} bytes of {codec.Name()} cannot hold the {objectBytes} bytes that the block promises", at);
        return new BlockHeader(codec, storedBytes, objectBytes);
    }

    /// <summary>The codec by the first three bytes of a block.</summary>
    public static RootCompression DecodeCodec(ReadOnlySpan<byte> block, RootLocation at) => (block[0], block[1], block[2]) switch
    {
        ((byte)'Z', (byte)'L', 8) => RootCompression.Zlib,
        ((byte)'C', (byte)'S', 8) => RootCompression.Deflate,
        ((byte)'X', (byte)'Z', 0) => RootCompression.Xz,
        ((byte)'L', (byte)'4', 1) => RootCompression.Lz4,
        ((byte)'Z', (byte)'S', 1) => RootCompression.Zstd,
        _ => throw new RootFormatException(
            RootErrorKind.UnknownCompression,
            $"wanted a compressed block (ZL, XZ, L4, ZS or CS) but found the bytes {Convert.ToHexStringLower(block[..Bytes])}",
            at),
    };

    // The best ratio of a codec. Blocks that claim more are refused before memory is allocated.
    private static long MostFrom(RootCompression codec, int storedBytes) => codec switch
    {
        RootCompression.Zlib or RootCompression.Deflate => (1032L * storedBytes) + 64,
        RootCompression.Lz4 => (255L * storedBytes) + 64,
        _ => storedBytes == 0 ? 0 : MaxObjectBytes,
    };
}
