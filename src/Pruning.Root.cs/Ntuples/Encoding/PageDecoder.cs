using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Pruning.Root.Columns;

namespace Pruning.Root.Ntuples.Encoding;

/// <summary>An element of a variant's column.</summary>
/// <param name="Index">Element of the alternative's own column.</param>
/// <param name="Tag">Alternative, counted from 1; 0 for none.</param>
internal readonly record struct SwitchElement(ulong Index, uint Tag);

/// <summary>Decompressed pages to values.</summary>
internal static class PageDecoder
{
    private const int SwitchBytes = sizeof(ulong) + sizeof(uint);

    /// <summary>Decodes elements of a page in the column's own type.</summary>
    /// <param name="encoding">Encoding of the column.</param>
    /// <param name="page">The whole page, decompressed.</param>
    /// <param name="pageElements">Elements on it.</param>
    /// <param name="first">First wanted element.</param>
    /// <param name="into">As many as are wanted; of the size of <see cref="ColumnEncoding.Type"/>.</param>
    public static unsafe void Decode<S>(ColumnEncoding encoding, ReadOnlySpan<byte> page, int pageElements, int first, Span<S> into)
        where S : unmanaged
    {
        if (sizeof(S) != encoding.Type.Bytes())
            throw new ArgumentException($"Elements of {sizeof(S)} bytes are wanted of a {encoding.Name} column.", nameof(encoding));
        Span<byte> bytes = MemoryMarshal.AsBytes(into);
        switch (encoding.Layout)
        {
            case ColumnLayout.Bits:
                BitStream.ReadBits(page, first, bytes);
                break;
            case ColumnLayout.Truncated:
                Truncated(page, encoding.Bits, first, MemoryMarshal.Cast<S, float>(into));
                break;
            case ColumnLayout.Quantised:
                Quantised(page, encoding, first, MemoryMarshal.Cast<S, float>(into));
                break;
            case ColumnLayout.SplitDelta:
                Ends(page, encoding.Bits / 8, pageElements, first, MemoryMarshal.Cast<S, long>(into));
                break;
            case ColumnLayout.Split when encoding.Bits == 16 && encoding.Type == RootElementType.Float32:
                Halves(page, pageElements, first, split: true, MemoryMarshal.Cast<S, float>(into));
                break;
            case ColumnLayout.Split:
                ByteSplit.Join(page, pageElements, first, sizeof(S), bytes);
                break;
            case ColumnLayout.SplitZigzag:
                ByteSplit.Join(page, pageElements, first, sizeof(S), bytes);
                Unzigzag(bytes, sizeof(S));
                break;
            case ColumnLayout.Plain when encoding.IsPlainCopy:
                page.Slice(first * sizeof(S), bytes.Length).CopyTo(bytes);
                break;
            case ColumnLayout.Plain when encoding.IsIndex:
                Widen(MemoryMarshal.Cast<byte, uint>(page).Slice(first, into.Length), MemoryMarshal.Cast<S, long>(into));
                break;
            case ColumnLayout.Plain:
                Halves(page, pageElements, first, split: false, MemoryMarshal.Cast<S, float>(into));
                break;
            default:
                throw new ArgumentException($"A {encoding.Name} column holds no numbers.", nameof(encoding));
        }
    }

    /// <summary>Decodes elements of a variant's page.</summary>
    public static void DecodeSwitches(ReadOnlySpan<byte> page, int first, Span<SwitchElement> into)
    {
        for (int i = 0; i < into.Length; i++)
        {
            ReadOnlySpan<byte> element = page.Slice((first + i) * SwitchBytes, SwitchBytes);
            into[i] = new SwitchElement(BinaryPrimitives.ReadUInt64LittleEndian(element),
                BinaryPrimitives.ReadUInt32LittleEndian(element[sizeof(ulong)..]));
        }
    }

    private static void Truncated(ReadOnlySpan<byte> page, int bits, int first, Span<float> into)
    {
        for (int i = 0; i < into.Length; i++)
            into[i] = BitConverter.UInt32BitsToSingle(BitStream.Read(page, bits, (long)first + i) << (32 - bits));
    }

    private static void Quantised(ReadOnlySpan<byte> page, ColumnEncoding encoding, int first, Span<float> into)
    {
        double step = (encoding.Max - encoding.Min) / ((1UL << encoding.Bits) - 1);
        for (int i = 0; i < into.Length; i++)
            into[i] = (float)(encoding.Min + (BitStream.Read(page, encoding.Bits, (long)first + i) * step));
    }

    private static void Halves(ReadOnlySpan<byte> page, int pageElements, int first, bool split, Span<float> into)
    {
        // The halves are stored in the upper half of the floats' memory, and each is read before its place is overwritten.
        Span<Half> halves = MemoryMarshal.Cast<float, Half>(into)[into.Length..];
        Span<byte> bytes = MemoryMarshal.AsBytes(halves);
        if (split)
            ByteSplit.Join(page, pageElements, first, sizeof(ushort), bytes);
        else
            page.Slice(first * sizeof(ushort), bytes.Length).CopyTo(bytes);
        for (int i = 0; i < into.Length; i++)
            into[i] = (float)halves[i];
    }

    private static void Widen(ReadOnlySpan<uint> narrow, Span<long> into)
    {
        for (int i = 0; i < into.Length; i++)
            into[i] = narrow[i];
    }

    // The first element of every page is absolute and the others are differences, so all elements before the first wanted
    // one are needed.
    private static void Ends(ReadOnlySpan<byte> page, int width, int pageElements, int first, Span<long> into)
    {
        int count = first + into.Length;
        if (width == sizeof(long) && first == 0)
        {
            ByteSplit.Join(page, pageElements, 0, width, MemoryMarshal.AsBytes(into));
            Accumulate<long, long>(into, 0, into);
            return;
        }
        byte[] rented = ArrayPool<byte>.Shared.Rent(checked(count * width));
        try
        {
            Span<byte> bytes = rented.AsSpan(0, count * width);
            ByteSplit.Join(page, pageElements, 0, width, bytes);
            if (width == sizeof(long))
                Accumulate(MemoryMarshal.Cast<byte, long>(bytes), first, into);
            else
                Accumulate(MemoryMarshal.Cast<byte, uint>(bytes), first, into);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static void Accumulate<TDelta, TEnd>(ReadOnlySpan<TDelta> deltas, int first, Span<TEnd> into)
        where TDelta : unmanaged, IBinaryInteger<TDelta>
        where TEnd : unmanaged, IBinaryInteger<TEnd>
    {
        TDelta end = TDelta.Zero;
        for (int i = 0; i < first; i++)
            end += deltas[i];
        for (int i = 0; i < into.Length; i++)
        {
            end += deltas[first + i];
            into[i] = TEnd.CreateTruncating(end);
        }
    }

    private static void Unzigzag(Span<byte> bytes, int width)
    {
        if (width == sizeof(short))
            Unzigzag(MemoryMarshal.Cast<byte, ushort>(bytes));
        else if (width == sizeof(int))
            Unzigzag(MemoryMarshal.Cast<byte, uint>(bytes));
        else
            Unzigzag(MemoryMarshal.Cast<byte, ulong>(bytes));
    }

    // x = (u >> 1) ^ -(u & 1)
    private static void Unzigzag<U>(Span<U> values)
        where U : unmanaged, IBinaryInteger<U>
    {
        int i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            for (; i <= values.Length - Vector<U>.Count; i += Vector<U>.Count)
            {
                var u = new Vector<U>((ReadOnlySpan<U>)values[i..]);
                ((u >>> 1) ^ (Vector<U>.Zero - (u & Vector<U>.One))).CopyTo(values[i..]);
            }
        }
        for (; i < values.Length; i++)
            values[i] = (values[i] >>> 1) ^ (U.Zero - (values[i] & U.One));
    }
}
