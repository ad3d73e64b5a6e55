using System.Buffers.Binary;

namespace Pruning.Root.Ntuples.Encoding;

/// <summary>Elements of any number of bits, the lowest bit first, without gaps.</summary>
internal static class BitStream
{
    private static readonly ulong[] s_bools = CreateBools();

    /// <summary>Single bits to bytes 0 and 1, from bit <paramref name="first"/> on.</summary>
    public static void ReadBits(ReadOnlySpan<byte> page, int first, Span<byte> into)
    {
        int done = 0;
        while (done < into.Length && ((first + done) & 7) != 0)
        {
            int bit = first + done;
            into[done++] = (byte)((page[bit >> 3] >> (bit & 7)) & 1);
        }
        for (; done <= into.Length - 8; done += 8)
            BinaryPrimitives.WriteUInt64LittleEndian(into[done..], s_bools[page[(first + done) >> 3]]);
        for (; done < into.Length; done++)
        {
            int bit = first + done;
            into[done] = (byte)((page[bit >> 3] >> (bit & 7)) & 1);
        }
    }

    /// <summary>Bytes 0 and 1 (any other counts as 1) to single bits; what is left of the last byte is 0.</summary>
    public static void WriteBits(ReadOnlySpan<byte> bools, Span<byte> page)
    {
        page.Clear();
        for (int i = 0; i < bools.Length; i++)
        {
            if (bools[i] != 0)
                page[i >> 3] |= (byte)(1 << (i & 7));
        }
    }

    /// <summary>The element at an index; up to 32 bits.</summary>
    public static uint Read(ReadOnlySpan<byte> page, int bits, long index)
    {
        long bit = index * bits;
        ReadOnlySpan<byte> from = page[(int)(bit >> 3)..];
        ulong word = from.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(from) : ReadTail(from);
        return (uint)((word >> (int)(bit & 7)) & ((1UL << bits) - 1));
    }

    private static ulong ReadTail(ReadOnlySpan<byte> bytes)
    {
        ulong word = 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
            word = (word << 8) | bytes[i];
        return word;
    }

    // Eight bytes for the eight bits of each byte.
    private static ulong[] CreateBools()
    {
        ulong[] table = new ulong[256];
        for (int value = 0; value < table.Length; value++)
        {
            for (int bit = 0; bit < 8; bit++)
                table[value] |= (ulong)((value >> bit) & 1) << (8 * bit);
        }
        return table;
    }
}
