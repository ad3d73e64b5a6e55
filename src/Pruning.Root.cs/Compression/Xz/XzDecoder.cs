using System.Buffers.Binary;
using System.IO.Hashing;
using Pruning.Root.Errors;

namespace Pruning.Root.Compression.Xz;

/// <summary>
/// xz containers with LZMA2, as ROOT's LZMA setting writes them: stream header, blocks, then an index that is not needed.
/// This decoder needs no window and is several times faster than those in packages.
/// </summary>
internal sealed class XzDecoder
{
    private const int StreamHeaderBytes = 12;
    private const int Lzma2Filter = 0x21;

    private readonly LzmaDecoder _lzma = new();

    /// <summary>Decodes until <paramref name="output"/> is full or the stream ends; gives the bytes made.</summary>
    public int Decode(ReadOnlySpan<byte> stored, Span<byte> output, RootLocation at)
    {
        if (stored.Length < StreamHeaderBytes
            || !stored.StartsWith((ReadOnlySpan<byte>)[0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]))
            throw Bad("does not begin as an xz stream", at);
        int check = stored[7] & 0x0f;
        if (stored[6] != 0 || Crc32.HashToUInt32(stored.Slice(6, 2)) != BinaryPrimitives.ReadUInt32LittleEndian(stored[8..]))
            throw Bad("has a damaged xz header", at);
        int next = StreamHeaderBytes;
        int made = 0;
        while (next < stored.Length && stored[next] != 0) // 0 begins the index
        {
            next += BlockHeaderBytes(stored[next..], at);
            int begin = next;
            int from = made;
            next += DecodeBlock(stored[next..], output, ref made, at);
            next += (4 - ((next - begin) & 3)) & 3;
            next += Verify(stored, next, output[from..made], check, at);
        }
        return made;
    }

    // Size byte, flags, optional sizes, one filter, padding, CRC-32.
    private static int BlockHeaderBytes(ReadOnlySpan<byte> block, RootLocation at)
    {
        int size = (block[0] + 1) * 4;
        if (size > block.Length || Crc32.HashToUInt32(block[..(size - 4)]) != BinaryPrimitives.ReadUInt32LittleEndian(block[(size - 4)..]))
            throw Bad("has a damaged xz block header", at);
        ReadOnlySpan<byte> fields = block[..(size - 4)];
        int flags = fields[1];
        int next = 2;
        for (int optional = 0x40; optional <= 0x80; optional <<= 1)
        {
            if ((flags & optional) == 0)
                continue;
            while (next < fields.Length && (fields[next] & 0x80) != 0)
                next++;
            next++;
        }
        if ((flags & 3) != 0 || next + 3 > fields.Length || fields[next] != Lzma2Filter || fields[next + 1] != 1)
            throw Bad("uses an xz filter other than LZMA2", at);
        return size;
    }

    // A chain of chunks, each after a control byte: 0 end, 1 and 2 raw bytes, from 0x80 on LZMA.
    private int DecodeBlock(ReadOnlySpan<byte> input, Span<byte> output, ref int made, RootLocation at)
    {
        int next = 0;
        int dictionary = made;
        bool ready = false;
        while (true)
        {
            int control = next < input.Length ? input[next++] : throw Bad("ends within an xz block", at);
            if (control == 0)
                return next;
            int header = control < 0x80 ? 2 : control >= 0xc0 ? 5 : 4;
            if (control is > 2 and < 0x80 || header > input.Length - next)
                throw Bad("has a damaged chunk header", at);
            ReadOnlySpan<byte> sizes = input[next..];
            next += header;
            int size = ((control < 0x80 ? 0 : (control & 0x1f) << 16) | BinaryPrimitives.ReadUInt16BigEndian(sizes)) + 1;
            int stored = control < 0x80 ? size : BinaryPrimitives.ReadUInt16BigEndian(sizes[2..]) + 1;
            if (size > output.Length - made || stored > input.Length - next)
                throw Bad("has a chunk that does not fit", at);
            if (control is 1 or >= 0xe0)
                dictionary = made;
            if (control < 0x80)
            {
                input.Slice(next, size).CopyTo(output[made..]);
            }
            else
            {
                ready = Prepare(control, sizes, ready, at);
                Span<byte> window = output[dictionary..(made + size)];
                if (stored < LzmaRange.HeaderBytes || !_lzma.TryDecode(input.Slice(next, stored), window, made - dictionary))
                    throw Bad("cannot be decompressed", at);
            }
            next += stored;
            made += size;
        }
    }

    // 0x80 continues, 0xa0 resets the state, 0xc0 also sets new properties, 0xe0 also begins a new dictionary.
    private bool Prepare(int control, ReadOnlySpan<byte> header, bool ready, RootLocation at)
    {
        if (control >= 0xc0 && !_lzma.TrySetProperties(header[4]))
            throw Bad("has impossible LZMA properties", at);
        if (control >= 0xa0 && (ready || control >= 0xc0))
        {
            _lzma.ResetState();
            return true;
        }
        return ready ? true : throw Bad("continues a chunk that never began", at);
    }

    private static int Verify(ReadOnlySpan<byte> stored, int next, ReadOnlySpan<byte> block, int check, RootLocation at)
    {
        int bytes = check == 0 ? 0 : 4 << ((check - 1) / 3);
        if (next > stored.Length - bytes)
            throw Bad("ends before its checksum", at);
        if (check == 1)
        {
            uint wanted = BinaryPrimitives.ReadUInt32LittleEndian(stored[next..]);
            uint found = Crc32.HashToUInt32(block);
            if (wanted != found)
                throw new RootFormatException(RootErrorKind.ChecksumMismatch,
                    $"an xz block has the checksum {found:x8} but {wanted:x8} is stored", at);
        }
        return bytes;
    }

    private static RootFormatException Bad(string problem, RootLocation at) => CodecError.Failed(RootCompression.Xz, problem, at);
}
