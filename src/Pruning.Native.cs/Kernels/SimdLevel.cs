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

/// <summary>The vector registers of this processor, and the choice among them.</summary>
public static class Simd
{
    /// <summary>The widest that this processor has.</summary>
    public static SimdLevel Best { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? SimdLevel.Vector512
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? SimdLevel.Vector256
        : SimdLevel.Scalar;

    /// <summary>What the kernels use; narrower than <see cref="Best"/> in tests only.</summary>
    internal static SimdLevel Level { get; set; } = Best;
}
