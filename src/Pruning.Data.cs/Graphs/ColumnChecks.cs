using System.Numerics;

namespace Pruning.Data.Graphs;

/// <summary>Yes-or-no checks of whole columns, several values at a time: the good case has to cost next to nothing.</summary>
internal static class ColumnChecks
{
    /// <summary>No NaN and no infinity.</summary>
    public static bool AllFinite(ReadOnlySpan<float> values)
    {
        // v - v is 0 for a finite v and NaN for the others, and NaN stays NaN in a sum.
        Vector<float> poison = Vector<float>.Zero;
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> v = new(values[i..]);
            poison += v - v;
        }

        float rest = Vector.Sum(poison);
        for (; i < values.Length; i++)
            rest += values[i] - values[i];
        return rest == 0f;
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
