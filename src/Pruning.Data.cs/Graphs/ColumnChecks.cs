using System.Numerics;

namespace Pruning.Data.Graphs;

/// <summary>Yes-or-no checks of whole columns, several values at a time: the good case has to cost next to nothing.</summary>
internal static class ColumnChecks
{
    /// <summary>No NaN, no infinity, nothing beyond a size.</summary>
    public static bool AllWithin(ReadOnlySpan<float> values, float largest)
    {
        Vector<int> good = Vector<int>.AllBitsSet;
        Vector<float> bound = new(largest);
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
            good &= Vector.LessThanOrEqual(Vector.Abs(new Vector<float>(values[i..])), bound);

        bool rest = true;
        for (; i < values.Length; i++)
            rest &= Math.Abs(values[i]) <= largest;
        return rest && Vector.EqualsAll(good, Vector<int>.AllBitsSet);
    }

    /// <summary>Nothing but 0 and 1.</summary>
    public static bool AllZeroOrOne(ReadOnlySpan<float> values)
    {
        Vector<int> good = Vector<int>.AllBitsSet;
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> v = new(values[i..]);
            good &= Vector.Equals(v, Vector<float>.Zero) | Vector.Equals(v, Vector<float>.One);
        }

        bool rest = true;
        for (; i < values.Length; i++)
            rest &= values[i] is 0f or 1f;
        return rest && Vector.EqualsAll(good, Vector<int>.AllBitsSet);
    }
}
