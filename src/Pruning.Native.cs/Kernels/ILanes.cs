using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pruning.Native.Kernels;

/// <summary>
/// Several floats that are computed together. A kernel that is written once over this interface is compiled once for each
/// width: the JIT sees a struct, and no call is left.
/// </summary>
/// <typeparam name="TSelf">The implementing struct.</typeparam>
internal unsafe interface ILanes<TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    /// <summary>Number of floats; divides 32.</summary>
    static abstract int Count { get; }

    /// <summary>Reads <see cref="Count"/> floats from any address.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>The same number in every lane.</summary>
    static abstract TSelf Of(float value);

    /// <summary>Writes <see cref="Count"/> floats to any address.</summary>
    void Store(float* target);

    /// <summary>Lane-wise sum.</summary>
    static abstract TSelf operator +(TSelf a, TSelf b);

    /// <summary>Lane-wise difference.</summary>
    static abstract TSelf operator -(TSelf a, TSelf b);

    /// <summary>Lane-wise product.</summary>
    static abstract TSelf operator *(TSelf a, TSelf b);

    /// <summary>a b + c.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>x within ±bound; NaN stays NaN.</summary>
    static abstract TSelf Clamp(TSelf x, TSelf bound);

    /// <summary>The larger one; NaN if one is NaN.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>1 / a to two units in the last place, for |a| between 1e-36 and 1e36.</summary>
    static abstract TSelf Reciprocal(TSelf a);

    /// <summary>
    /// 2 to the power of the integer that is held in the low mantissa bits of 1.5 * 2^23 + integer: rounding to an integer
    /// and raising 2 to it cost one addition and two integer operations.
    /// </summary>
    static abstract TSelf PowerOfTwo(TSelf shifted);

    /// <summary><paramref name="yes"/> where a = b, <paramref name="no"/> elsewhere.</summary>
    static abstract TSelf WhereEqual(TSelf a, TSelf b, TSelf yes, TSelf no);
}

/// <summary>16 floats in an AVX-512 register.</summary>
internal readonly unsafe struct Lanes16(Vector512<float> value) : ILanes<Lanes16>
{
    private readonly Vector512<float> _value = value;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Of(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target) => _value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator +(Lanes16 a, Lanes16 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator -(Lanes16 a, Lanes16 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator *(Lanes16 a, Lanes16 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 MultiplyAdd(Lanes16 a, Lanes16 b, Lanes16 c) => new(Vector512.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Clamp(Lanes16 x, Lanes16 bound) =>
        // The processor's own give the second operand back when one is NaN.
        new(Vector512.MaxNative(-bound._value, Vector512.MinNative(bound._value, x._value)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Max(Lanes16 a, Lanes16 b) => new(Vector512.Max(a._value, b._value));

    // The processor's estimate has 14 bits; one Newton step doubles them, in less time than a division takes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Reciprocal(Lanes16 a)
    {
        Vector512<float> estimate = Avx512F.Reciprocal14(a._value);
        Vector512<float> error = Avx512F.FusedMultiplyAddNegated(a._value, estimate, Vector512<float>.One);
        return new(Vector512.FusedMultiplyAdd(estimate, error, estimate));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 PowerOfTwo(Lanes16 shifted) =>
        new((Vector512.ShiftLeft(shifted._value.AsInt32(), 23) + Vector512<float>.One.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 WhereEqual(Lanes16 a, Lanes16 b, Lanes16 yes, Lanes16 no) =>
        new(Vector512.ConditionalSelect(Vector512.Equals(a._value, b._value), yes._value, no._value));
}

/// <summary>8 floats in an AVX register.</summary>
internal readonly unsafe struct Lanes8(Vector256<float> value) : ILanes<Lanes8>
{
    private readonly Vector256<float> _value = value;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Of(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* target) => _value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator +(Lanes8 a, Lanes8 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator -(Lanes8 a, Lanes8 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator *(Lanes8 a, Lanes8 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 MultiplyAdd(Lanes8 a, Lanes8 b, Lanes8 c) => new(Vector256.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Clamp(Lanes8 x, Lanes8 bound) =>
        // The processor's own give the second operand back when one is NaN.
        new(Vector256.MaxNative(-bound._value, Vector256.MinNative(bound._value, x._value)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Max(Lanes8 a, Lanes8 b) => new(Vector256.Max(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Reciprocal(Lanes8 a) => new(Vector256<float>.One / a._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 PowerOfTwo(Lanes8 shifted) =>
        new((Vector256.ShiftLeft(shifted._value.AsInt32(), 23) + Vector256<float>.One.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 WhereEqual(Lanes8 a, Lanes8 b, Lanes8 yes, Lanes8 no) =>
        new(Vector256.ConditionalSelect(Vector256.Equals(a._value, b._value), yes._value, no._value));
}

/// <summary>One float: the fallback.</summary>
internal readonly unsafe struct Lanes1(float value) : ILanes<Lanes1>
{
    private readonly float _value = value;

    public static int Count => 1;

    public static Lanes1 Load(float* source) => new(*source);

    public static Lanes1 Of(float value) => new(value);

    public void Store(float* target) => *target = _value;

    public static Lanes1 operator +(Lanes1 a, Lanes1 b) => new(a._value + b._value);

    public static Lanes1 operator -(Lanes1 a, Lanes1 b) => new(a._value - b._value);

    public static Lanes1 operator *(Lanes1 a, Lanes1 b) => new(a._value * b._value);

    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) => new((a._value * b._value) + c._value);

    public static Lanes1 Clamp(Lanes1 x, Lanes1 bound) => new(MathF.Max(-bound._value, MathF.Min(bound._value, x._value)));

    public static Lanes1 Max(Lanes1 a, Lanes1 b) => new(MathF.Max(a._value, b._value));

    public static Lanes1 Reciprocal(Lanes1 a) => new(1f / a._value);

    public static Lanes1 PowerOfTwo(Lanes1 shifted) =>
        new(BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(shifted._value) << 23) + BitConverter.SingleToInt32Bits(1f)));

    public static Lanes1 WhereEqual(Lanes1 a, Lanes1 b, Lanes1 yes, Lanes1 no) => a._value == b._value ? yes : no;
}
