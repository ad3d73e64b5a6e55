using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Pruning.Native.Torch;

namespace Pruning.Native.Kernels;

/// <summary>In which numbers the products of fused aggregators and cells are taken. Everything else is float32 always.</summary>
public enum ProductPrecision
{
    /// <summary>float32.</summary>
    Float32,

    /// <summary>Both factors rounded to bfloat16 (8 bits of mantissa), sums in float32.</summary>
    Bfloat16,
}

/// <summary>
/// bfloat16 products by oneDNN's micro-kernel, which libtorch carries: .NET 10 has no instructions for them (VDPBF16PS). It is an
/// internal function of libtorch, found by its mangled name, so one that is not there is an answer and no error.
/// </summary>
public static unsafe class Bfloat16Support
{
    private const string MultiplyName = "_ZN2at6native7cpublas6brgemmEllllllbPKN3c108BFloat16ES5_Pfb";
    private const string ReleaseName = "_ZN2at6native7cpublas14brgemm_releaseEb";

    // Under a limit below AVX-512 the function would throw into .NET, which ends the process. libtorch has nothing to ask for it.
    private static readonly string[] _limits = ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"];

    // rows, columns, inner, distances of rows of A, B and C, add to C, A, B, C, B in pairs of rows
    private static readonly delegate* unmanaged<long, long, long, long, long, long, byte, ushort*, ushort*, float*, byte, void> _multiply;
    private static readonly delegate* unmanaged<byte, void> _release;

    static Bfloat16Support()
    {
        WhyNot = Find(out nint multiply, out nint release);
        _multiply = (delegate* unmanaged<long, long, long, long, long, long, byte, ushort*, ushort*, float*, byte, void>)multiply;
        _release = (delegate* unmanaged<byte, void>)release;
    }

    /// <summary>
    /// To be asked after <see cref="TorchNative.Load"/>. Null where bfloat16 products can be used; else what is missing, to
    /// follow "found".
    /// </summary>
    public static string? WhyNot { get; }

    /// <summary>C = A B or C += A B. Kernels are made for each number of rows and kept by the thread, so there should be few.</summary>
    /// <param name="rows">Rows of A and C.</param>
    /// <param name="columns">Columns of B and C.</param>
    /// <param name="inner">Columns of A, rows of B; even.</param>
    /// <param name="a">A.</param>
    /// <param name="aRow">Distance between rows of A.</param>
    /// <param name="b">Element (p, j) at b[p / 2 * 2 * bRow + 2 * j + p % 2].</param>
    /// <param name="bRow">Columns that B has in memory.</param>
    /// <param name="c">C.</param>
    /// <param name="cRow">Distance between rows of C.</param>
    /// <param name="accumulate">Add to C instead of overwriting it.</param>
    internal static void Multiply(int rows, int columns, int inner, ushort* a, nint aRow, ushort* b, nint bRow, float* c, nint cRow,
        bool accumulate) =>
        _multiply(rows, columns, inner, aRow, bRow, cRow, accumulate ? (byte)1 : (byte)0, a, b, c, 1);

    /// <summary>Gives back the tile registers that a processor with AMX has. After the last product of a kernel.</summary>
    internal static void Release() => _release(1);

    private static string? Find(out nint multiply, out nint release)
    {
        multiply = release = 0;
        if (Simd.Best != SimdLevel.Vector512 || (X86Base.CpuId(7, 1).Eax & (1 << 5)) == 0)
            return "a processor without them (AVX512_BF16)";
        if (Array.Find(_limits, name => Environment.GetEnvironmentVariable(name) is not null) is { } limit)
            return $"the environment variable {limit}, which may forbid them";
        nint library = TorchNative.Cpu;
        if (library == 0)
            throw new InvalidOperationException(
                "bfloat16 products were asked for before libtorch was loaded; call TorchNative.Load first.");
        return NativeLibrary.TryGetExport(library, MultiplyName, out multiply)
            && NativeLibrary.TryGetExport(library, ReleaseName, out release)
            ? null
            : "a libtorch without the function that multiplies them";
    }
}
