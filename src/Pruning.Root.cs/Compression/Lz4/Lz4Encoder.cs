using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace Pruning.Root.Compression.Lz4;

/// <summary>LZ4 blocks after their checksum: the counterpart of <see cref="Lz4Decoder"/>.</summary>
internal static class Lz4Encoder
{
    private const int ChecksumBytes = sizeof(ulong);

    /// <summary>Encodes a block; gives the bytes made, or -1 when there is no room.</summary>
    public static int Encode(ReadOnlySpan<byte> block, Span<byte> room, int level)
    {
        if (room.Length <= ChecksumBytes)
            return -1;
        LZ4Level strength = level < 3 ? LZ4Level.L00_FAST : (LZ4Level)level;
        int made = LZ4Codec.Encode(block, room[ChecksumBytes..], strength);
        if (made <= 0)
            return -1;
        BinaryPrimitives.WriteUInt64BigEndian(room, XxHash64.HashToUInt64(room.Slice(ChecksumBytes, made)));
        return ChecksumBytes + made;
    }
}
