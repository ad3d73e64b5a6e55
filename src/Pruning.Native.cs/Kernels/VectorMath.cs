using System.Runtime.CompilerServices;

namespace Pruning.Native.Kernels;

/// <summary>
/// Sigmoid and hyperbolic tangent by one polynomial. e^x - 1 is reduced to 2^n (1 + p) - 1 with p = e^r - 1 on |r| ≤ ln 2 / 2,
/// where a polynomial of degree 6 (interpolated at Chebyshev's points) is right to 2.5e-8 of its value. Largest errors, over all
/// floats: sigmoid 2e-7 absolute, tanh 5e-7 of its value, small ones included.
/// </summary>
internal static class VectorMath
{
    // e^±80 stays far from overflow, and the sigmoid there is 1e-35: no sum of floats notices the difference from 0 or 1.
    private const float Largest = 80f;

    /// <summary>e^x = scale (1 + fraction), fraction = e^r - 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exponential<V>(V x, out V scale, out V fraction)
        where V : struct, ILanes<V>
    {
        x = V.Clamp(x, V.Of(Largest));
        V shift = V.Of(12582912f); // 1.5 * 2^23: adding it rounds to an integer
        V shifted = V.MultiplyAdd(x, V.Of(1.44269504f), shift);
        V r = V.MultiplyAdd(shifted - shift, V.Of(-0.693147181f), x);
        V tail = V.MultiplyAdd(r, V.Of(0.0013926213466139798f), V.Of(0.008363202971575683f));
        tail = V.MultiplyAdd(r, tail, V.Of(0.04166655443768787f));
        tail = V.MultiplyAdd(r, tail, V.Of(0.1666657684599398f));
        tail = V.MultiplyAdd(r, tail, V.Of(0.5f));
        fraction = V.MultiplyAdd(r * r, tail, r);
        scale = V.PowerOfTwo(shifted);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<V>(V x)
        where V : struct, ILanes<V>
    {
        Exponential(V.Of(0f) - x, out V scale, out V fraction);
        return V.Reciprocal(V.MultiplyAdd(scale, fraction, scale + V.Of(1f)));
    }

    /// <summary>tanh x = e / (e + 2) with e = e^2x - 1, which keeps small values exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<V>(V x)
        where V : struct, ILanes<V>
    {
        Exponential(x + x, out V scale, out V fraction);
        V e = V.MultiplyAdd(scale, fraction, scale - V.Of(1f));
        return e * V.Reciprocal(e + V.Of(2f));
    }
}
