using System.Buffers.Binary;
using System.IO.Hashing;

namespace Pruning.Root.Compression.Xz;

/// <summary>
/// xz containers: one stream, one block of LZMA2, checked by CRC-32, as ROOT writes them. The counterpart of
/// <see cref="XzDecoder"/>.
/// </summary>
internal sealed class XzEncoder(int level)
{
    private const int MostRead = 2 << 20; // bytes that a chunk may hold
    private const int MostStored = 1 << 16; // bytes that a chunk may have
    private const int StreamHeaderBytes = 12;
    private const int BlockHeaderBytes = 12;

    private readonly LzmaEncoder _lzma = new(level);
    private readonly byte[] _chunk = new byte[MostStored];

    /// <summary>Encodes a block; gives the bytes made, or -1 when there is no room.</summary>
    public int Encode(ReadOnlySpan<byte> block, Span<byte> output)
    {
        int chunks = StreamHeaderBytes + BlockHeaderBytes;
        if (output.Length < chunks)
            return -1;
        WriteStreamHeader(output);
        WriteBlockHeader(output[StreamHeaderBytes..], block.Length);
        int end = EncodeChunks(block, output, chunks);
        if (end < 0)
            return -1;
        int padded = (end + 3) & ~3;
        Span<byte> index = stackalloc byte[32];
        index = index[..WriteIndex(index, end - StreamHeaderBytes + sizeof(uint), block.Length)];
        int total = padded + sizeof(uint) + index.Length + StreamHeaderBytes;
        if (total > output.Length)
            return -1;
        output[end..padded].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(output[padded..], Crc32.HashToUInt32(block));
        index.CopyTo(output[(padded + sizeof(uint))..]);
        WriteFooter(output[(total - StreamHeaderBytes)..], index.Length);
        return total;
    }

    private static void WriteStreamHeader(Span<byte> output)
    {
        ReadOnlySpan<byte> magic = [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 0, 1];
        magic.CopyTo(output);
        BinaryPrimitives.WriteUInt32LittleEndian(output[8..], Crc32.HashToUInt32(output.Slice(6, 2)));
    }

    // Size, no optional fields, one filter: LZMA2 with a dictionary as long as the block.
    private static void WriteBlockHeader(Span<byte> output, int blockBytes)
    {
        int size = 0;
        while (size < 40 && (2L | (long)(size & 1)) << ((size / 2) + 11) < blockBytes)
            size++;
        ReadOnlySpan<byte> fields = [(BlockHeaderBytes / 4) - 1, 0, 0x21, 1, (byte)size, 0, 0, 0];
        fields.CopyTo(output);
        BinaryPrimitives.WriteUInt32LittleEndian(output[8..], Crc32.HashToUInt32(output[..8]));
    }

    private int EncodeChunks(ReadOnlySpan<byte> block, Span<byte> output, int next)
    {
        _lzma.Begin(block);
        bool known = false; // a chunk of LZMA came before, and with it the properties
        bool reset = true;
        for (int at = 0; at < block.Length;)
        {
            int begin = at;
            if (reset)
                _lzma.ResetState();
            int stored = _lzma.EncodeChunk(block, ref at, MostRead, _chunk);
            int read = at - begin;
            bool plain = stored >= read;
            int header = plain ? 3 : known ? 5 : 6;
            int bytes = plain ? read : stored;
            if (header + bytes >= output.Length - next)
                return -1;
            Span<byte> chunk = output[next..];
            if (plain)
            {
                chunk[0] = (byte)(begin == 0 ? 1 : 2);
                BinaryPrimitives.WriteUInt16BigEndian(chunk[1..], (ushort)(read - 1));
                block[begin..at].CopyTo(chunk[header..]);
            }
            else
            {
                int control = begin == 0 ? 0xe0 : !known ? 0xc0 : reset ? 0xa0 : 0x80;
                chunk[0] = (byte)(control | ((read - 1) >> 16));
                BinaryPrimitives.WriteUInt16BigEndian(chunk[1..], (ushort)(read - 1));
                BinaryPrimitives.WriteUInt16BigEndian(chunk[3..], (ushort)(stored - 1));
                if (!known)
                    chunk[5] = LzmaEncoder.Properties;
                _chunk.AsSpan(0, stored).CopyTo(chunk[header..]);
                known = true;
            }
            reset = plain;
            next += header + bytes;
        }
        output[next++] = 0; // no more chunks
        return next;
    }

    private static int WriteIndex(Span<byte> index, long unpaddedBytes, long blockBytes)
    {
        index.Clear();
        index[1] = 1; // blocks
        int next = WriteNumber(index, 2, unpaddedBytes);
        next = (WriteNumber(index, next, blockBytes) + 3) & ~3;
        BinaryPrimitives.WriteUInt32LittleEndian(index[next..], Crc32.HashToUInt32(index[..next]));
        return next + sizeof(uint);
    }

    private static int WriteNumber(Span<byte> output, int next, long value)
    {
        for (; value >= 0x80; value >>= 7)
            output[next++] = (byte)(value | 0x80);
        output[next++] = (byte)value;
        return next;
    }

    private static void WriteFooter(Span<byte> footer, int indexBytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(footer[4..], (indexBytes / 4) - 1);
        (footer[8], footer[9], footer[10], footer[11]) = (0, 1, (byte)'Y', (byte)'Z');
        BinaryPrimitives.WriteUInt32LittleEndian(footer, Crc32.HashToUInt32(footer.Slice(4, 6)));
    }
}
