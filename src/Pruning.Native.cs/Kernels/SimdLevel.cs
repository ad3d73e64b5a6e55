using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pruning.Native.Kernels;

/// <summary>Which vector registers the fused kernels use.</summary>
public enum SimdLevel
{
    /// <summary>One number at a time: any processor.</summary>
    Scalar,

    /// <summary>8 floats with fused multiply-add: AVX2 and FMA.</summary>
    Vector256,

    /// <summary>16 floats: AVX-512 F.</summary>
    Vector512,
}

/// <summary>The vector registers of this processor.</summary>
public static class Simd
{
    /// <summary>The widest that this processor has.</summary>
    public static SimdLevel Best { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? SimdLevel.Vector512
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? SimdLevel.Vector256
        : SimdLevel.Scalar;
}

/// <summary>
/// How the fused kernels compute. Every call gets it as an argument, so calls with different options can run at the same time.
/// </summary>
/// <param name="Precision">In which numbers products are taken.</param>
/// <param name="Level">The widest vector registers that are used; at most <see cref="Simd.Best"/>.</param>
public readonly record struct KernelOptions(ProductPrecision Precision, SimdLevel Level)
{
    /// <summary>float32 products, with the widest registers of this processor.</summary>
    public static KernelOptions Standard { get; } = new(ProductPrecision.Float32, Simd.Best);
}
