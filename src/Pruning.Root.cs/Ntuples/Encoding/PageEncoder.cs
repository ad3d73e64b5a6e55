using System.Numerics;
using System.Runtime.InteropServices;
using Pruning.Root.Columns;

namespace Pruning.Root.Ntuples.Encoding;

/// <summary>Values to pages: the counterpart of <see cref="PageDecoder"/> for the encodings that are written.</summary>
internal static class PageEncoder
{
    /// <summary>Arranges elements as their page holds them.</summary>
    /// <param name="encoding">Encoding of the column.</param>
    /// <param name="elements">The page's elements; what they hold afterwards means nothing.</param>
    /// <param name="page">The whole page.</param>
    public static void Encode(ColumnEncoding encoding, Span<byte> elements, Span<byte> page)
    {
        int width = encoding.Type.Bytes();
        switch (encoding.Layout)
        {
            case ColumnLayout.Bits:
                BitStream.WriteBits(elements, page);
                return;
            case ColumnLayout.Plain:
                elements.CopyTo(page);
                return;
            case ColumnLayout.Split:
                break;
            case ColumnLayout.SplitZigzag:
                Zigzag(elements, width);
                break;
            case ColumnLayout.SplitDelta:
                Differences(MemoryMarshal.Cast<byte, long>(elements));
                break;
            default:
                throw new ArgumentException($"A {encoding.Name} column is not written.", nameof(encoding));
        }
        ByteSplit.Separate(elements, width, page);
    }

    private static void Zigzag(Span<byte> bytes, int width)
    {
        if (width == sizeof(short))
            Zigzag(MemoryMarshal.Cast<byte, short>(bytes));
        else if (width == sizeof(int))
            Zigzag(MemoryMarshal.Cast<byte, int>(bytes));
        else
            Zigzag(MemoryMarshal.Cast<byte, long>(bytes));
    }

    // u = (x << 1) ^ (x >> bits - 1): the sign goes to the lowest bit.
    private static void Zigzag<T>(Span<T> values)
        where T : unmanaged, IBinaryInteger<T>, ISignedNumber<T>
    {
        int i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            var x = new Vector<T>((ReadOnlySpan<T>)values[i..]);
            ((x << 1) ^ Vector.LessThan(x, Vector<T>.Zero)).CopyTo(values[i..]);
        }
        for (; i < values.Length; i++)
            values[i] = (values[i] << 1) ^ (T.IsNegative(values[i]) ? T.NegativeOne : T.Zero);
    }

    private static void Differences(Span<long> ends)
    {
        for (int i = ends.Length - 1; i > 0; i--)
            ends[i] -= ends[i - 1];
    }
}
