using System.Numerics;

namespace Pruning.Root.Trees;

/// <summary>Converts byte positions of entries to numbers of values.</summary>
internal static class EntryOffsets
{
    /// <summary>[entries + 1] where the values of each entry begin, and where the last end.</summary>
    /// <param name="counts">[entries] values of each entry.</param>
    public static long[] OfCounts(ReadOnlySpan<int> counts)
    {
        long[] offsets = GC.AllocateUninitializedArray<long>(counts.Length + 1);
        long sum = 0;
        offsets[0] = 0;
        for (int i = 0; i < counts.Length; i++)
            offsets[i + 1] = sum += counts[i];
        return offsets;
    }

    /// <summary>True when the entries of a basket have as many values as the offsets say.</summary>
    /// <param name="bounds">[entries + 1] where each entry begins in the basket, and where the last ends.</param>
    /// <param name="offsets">[entries + 1] where the values of each entry begin in the column.</param>
    /// <param name="valueBytes">Bytes of a value.</param>
    public static bool Agree(ReadOnlySpan<int> bounds, ReadOnlySpan<long> offsets, int valueBytes)
    {
        offsets = offsets[..bounds.Length];
        long difference = 0;
        for (int i = 0; i < bounds.Length; i++)
            difference |= (bounds[i] - bounds[0]) ^ ((offsets[i] - offsets[0]) * valueBytes);
        return difference == 0;
    }

    /// <summary>
    /// Fills in offsets without divisions, which took longer than all other work on a basket.
    /// </summary>
    /// <param name="bounds">[entries + 1] where each entry begins in the basket, and where the last ends.</param>
    /// <param name="offsets">[entries] gets the index of the value after each entry.</param>
    /// <param name="start">Index of the first value.</param>
    /// <param name="valueBytes">Bytes of a value.</param>
    /// <returns>False where the bytes of a value are no power of two, or an entry does not hold whole values.</returns>
    public static bool TryShift(ReadOnlySpan<int> bounds, Span<long> offsets, long start, int valueBytes)
    {
        if (!BitOperations.IsPow2(valueBytes))
            return false;
        int shift = BitOperations.Log2((uint)valueBytes);
        int begin = bounds[0];
        int seen = 0;
        bounds = bounds[1..];
        for (int i = 0; i < bounds.Length && i < offsets.Length; i++)
        {
            int bytes = bounds[i] - begin;
            seen |= bytes;
            offsets[i] = start + (bytes >> shift);
        }
        return (seen & (valueBytes - 1)) == 0;
    }
}
