using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pruning.Native.Kernels;

/// <summary>
/// Products of small float matrices on one thread: C = A B or C += A B. The columns of B come in panels of 32; a tile of C of
/// 8 rows and one panel stays in registers while the inner dimension is walked. libtorch's own product is slower on the
/// few rows that a step over neighbours has, because it packs its operands again at each call (docs/explanation/engine.md has the figures).
/// </summary>
internal static unsafe class Gemm
{
    /// <summary>Columns of a panel.</summary>
    public const int Panel = 32;

    /// <summary>Rounds up to whole panels.</summary>
    public static int Padded(int columns) => checked((columns + Panel - 1) / Panel * Panel);

    /// <summary>One panel of C. Rows of A past the last are neither read nor written.</summary>
    /// <param name="level">Registers to use.</param>
    /// <param name="rows">Rows of A and C.</param>
    /// <param name="inner">Columns of A, rows of B.</param>
    /// <param name="a">A: element (i, p) at a[i * aRow + p * aInner].</param>
    /// <param name="aRow">Distance between rows of A.</param>
    /// <param name="aInner">Distance between columns of A: 1, or the row length where A is a transposed matrix.</param>
    /// <param name="b">32 columns of B: element (p, j) at b[p * bInner + j].</param>
    /// <param name="bInner">Distance between rows of B.</param>
    /// <param name="c">32 columns of C.</param>
    /// <param name="cRow">Distance between rows of C.</param>
    /// <param name="accumulate">Add to C instead of overwriting it.</param>
    public static void MultiplyPanel(SimdLevel level, int rows, int inner, float* a, nint aRow, nint aInner, float* b, nint bInner,
        float* c, nint cRow, bool accumulate)
    {
        switch (level)
        {
            case SimdLevel.Vector512:
                int i = 0;
                for (; i + 4 < rows; i += 8)
                    Tile8(Math.Min(8, rows - i), inner, a + (i * aRow), aRow, aInner, b, bInner, c + (i * cRow), cRow, accumulate);
                if (i + 2 < rows)
                    Tile4(rows - i, inner, a + (i * aRow), aRow, aInner, b, bInner, c + (i * cRow), cRow, accumulate);
                else if (i < rows)
                    Tile2(rows - i, inner, a + (i * aRow), aRow, aInner, b, bInner, c + (i * cRow), cRow, accumulate);
                break;
            case SimdLevel.Vector256:
                for (int r = 0; r < rows; r += 3)
                    Tile3(Math.Min(3, rows - r), inner, a + (r * aRow), aRow, aInner, b, bInner, c + (r * cRow), cRow, accumulate);
                break;
            default:
                for (int r = 0; r < rows; r++)
                    Row(inner, a + (r * aRow), aInner, b, bInner, c + (r * cRow), accumulate);
                break;
        }
    }

    /// <summary>All panels of C, 64 rows at a time so that they stay near. Columns must be a multiple of 32.</summary>
    /// <param name="level">Registers to use.</param>
    /// <param name="rows">Rows of A and C.</param>
    /// <param name="columns">Columns of B and C.</param>
    /// <param name="inner">Columns of A, rows of B.</param>
    /// <param name="a">A.</param>
    /// <param name="aRow">Distance between rows of A.</param>
    /// <param name="aInner">Distance between columns of A.</param>
    /// <param name="b">B.</param>
    /// <param name="bInner">Distance between rows of B within a panel.</param>
    /// <param name="bPanel">Distance between panels of B.</param>
    /// <param name="c">C.</param>
    /// <param name="cRow">Distance between rows of C.</param>
    /// <param name="accumulate">Add to C instead of overwriting it.</param>
    public static void Multiply(SimdLevel level, int rows, int columns, int inner, float* a, nint aRow, nint aInner, float* b, nint bInner,
        nint bPanel, float* c, nint cRow, bool accumulate)
    {
        for (int first = 0; first < rows; first += 64)
        {
            int count = Math.Min(64, rows - first);
            for (int column = 0; column < columns; column += Panel)
                MultiplyPanel(level, count, inner, a + (first * aRow), aRow, aInner, b + (column / Panel * bPanel), bInner, c
                    + (first * cRow) + column, cRow, accumulate);
        }
    }

    // A tile with fewer rows than it has room for computes its last row several times; all of C is read before any is written.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8(int rows, int inner, float* a, nint aRow, nint aInner, float* b, nint bInner, float* c, nint cRow,
        bool accumulate)
    {
        int last = rows - 1;
        float* a0 = a, a1 = a + (Math.Min(1, last) * aRow), a2 = a + (Math.Min(2, last) * aRow), a3 = a + (Math.Min(3, last) * aRow);
        float* a4 = a + (Math.Min(4, last) * aRow), a5 = a + (Math.Min(5, last) * aRow), a6 = a + (Math.Min(6, last) * aRow), a7 = a
            + (last * aRow);
        float* c0 = c, c1 = c + (Math.Min(1, last) * cRow), c2 = c + (Math.Min(2, last) * cRow), c3 = c + (Math.Min(3, last) * cRow);
        float* c4 = c + (Math.Min(4, last) * cRow), c5 = c + (Math.Min(5, last) * cRow), c6 = c + (Math.Min(6, last) * cRow), c7 = c
            + (last * cRow);
        Vector512<float> x0 = default, y0 = default, x1 = default, y1 = default, x2 = default, y2 = default, x3 = default, y3 = default;
        Vector512<float> x4 = default, y4 = default, x5 = default, y5 = default, x6 = default, y6 = default, x7 = default, y7 = default;
        if (accumulate)
        {
            x0 = Vector512.Load(c0);
            y0 = Vector512.Load(c0 + 16);
            x1 = Vector512.Load(c1);
            y1 = Vector512.Load(c1 + 16);
            x2 = Vector512.Load(c2);
            y2 = Vector512.Load(c2 + 16);
            x3 = Vector512.Load(c3);
            y3 = Vector512.Load(c3 + 16);
            x4 = Vector512.Load(c4);
            y4 = Vector512.Load(c4 + 16);
            x5 = Vector512.Load(c5);
            y5 = Vector512.Load(c5 + 16);
            x6 = Vector512.Load(c6);
            y6 = Vector512.Load(c6 + 16);
            x7 = Vector512.Load(c7);
            y7 = Vector512.Load(c7 + 16);
        }

        nint at = 0;
        for (int p = 0; p < inner; p++)
        {
            Vector512<float> low = Vector512.Load(b), high = Vector512.Load(b + 16);
            b += bInner;
            Vector512<float> v = Vector512.Create(a0[at]);
            x0 = Vector512.FusedMultiplyAdd(v, low, x0);
            y0 = Vector512.FusedMultiplyAdd(v, high, y0);
            v = Vector512.Create(a1[at]);
            x1 = Vector512.FusedMultiplyAdd(v, low, x1);
            y1 = Vector512.FusedMultiplyAdd(v, high, y1);
            v = Vector512.Create(a2[at]);
            x2 = Vector512.FusedMultiplyAdd(v, low, x2);
            y2 = Vector512.FusedMultiplyAdd(v, high, y2);
            v = Vector512.Create(a3[at]);
            x3 = Vector512.FusedMultiplyAdd(v, low, x3);
            y3 = Vector512.FusedMultiplyAdd(v, high, y3);
            v = Vector512.Create(a4[at]);
            x4 = Vector512.FusedMultiplyAdd(v, low, x4);
            y4 = Vector512.FusedMultiplyAdd(v, high, y4);
            v = Vector512.Create(a5[at]);
            x5 = Vector512.FusedMultiplyAdd(v, low, x5);
            y5 = Vector512.FusedMultiplyAdd(v, high, y5);
            v = Vector512.Create(a6[at]);
            x6 = Vector512.FusedMultiplyAdd(v, low, x6);
            y6 = Vector512.FusedMultiplyAdd(v, high, y6);
            v = Vector512.Create(a7[at]);
            x7 = Vector512.FusedMultiplyAdd(v, low, x7);
            y7 = Vector512.FusedMultiplyAdd(v, high, y7);
            at += aInner;
        }

        x0.Store(c0);
        y0.Store(c0 + 16);
        x1.Store(c1);
        y1.Store(c1 + 16);
        x2.Store(c2);
        y2.Store(c2 + 16);
        x3.Store(c3);
        y3.Store(c3 + 16);
        x4.Store(c4);
        y4.Store(c4 + 16);
        x5.Store(c5);
        y5.Store(c5 + 16);
        x6.Store(c6);
        y6.Store(c6 + 16);
        x7.Store(c7);
        y7.Store(c7 + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4(int rows, int inner, float* a, nint aRow, nint aInner, float* b, nint bInner, float* c, nint cRow,
        bool accumulate)
    {
        int last = rows - 1;
        float* a0 = a, a1 = a + (Math.Min(1, last) * aRow), a2 = a + (Math.Min(2, last) * aRow), a3 = a + (last * aRow);
        float* c0 = c, c1 = c + (Math.Min(1, last) * cRow), c2 = c + (Math.Min(2, last) * cRow), c3 = c + (last * cRow);
        Vector512<float> x0 = default, y0 = default, x1 = default, y1 = default, x2 = default, y2 = default, x3 = default, y3 = default;
        if (accumulate)
        {
            x0 = Vector512.Load(c0);
            y0 = Vector512.Load(c0 + 16);
            x1 = Vector512.Load(c1);
            y1 = Vector512.Load(c1 + 16);
            x2 = Vector512.Load(c2);
            y2 = Vector512.Load(c2 + 16);
            x3 = Vector512.Load(c3);
            y3 = Vector512.Load(c3 + 16);
        }

        nint at = 0;
        for (int p = 0; p < inner; p++)
        {
            Vector512<float> low = Vector512.Load(b), high = Vector512.Load(b + 16);
            b += bInner;
            Vector512<float> v = Vector512.Create(a0[at]);
            x0 = Vector512.FusedMultiplyAdd(v, low, x0);
            y0 = Vector512.FusedMultiplyAdd(v, high, y0);
            v = Vector512.Create(a1[at]);
            x1 = Vector512.FusedMultiplyAdd(v, low, x1);
            y1 = Vector512.FusedMultiplyAdd(v, high, y1);
            v = Vector512.Create(a2[at]);
            x2 = Vector512.FusedMultiplyAdd(v, low, x2);
            y2 = Vector512.FusedMultiplyAdd(v, high, y2);
            v = Vector512.Create(a3[at]);
            x3 = Vector512.FusedMultiplyAdd(v, low, x3);
            y3 = Vector512.FusedMultiplyAdd(v, high, y3);
            at += aInner;
        }

        x0.Store(c0);
        y0.Store(c0 + 16);
        x1.Store(c1);
        y1.Store(c1 + 16);
        x2.Store(c2);
        y2.Store(c2 + 16);
        x3.Store(c3);
        y3.Store(c3 + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile2(int rows, int inner, float* a, nint aRow, nint aInner, float* b, nint bInner, float* c, nint cRow,
        bool accumulate)
    {
        int last = rows - 1;
        float* a0 = a, a1 = a + (last * aRow), c0 = c, c1 = c + (last * cRow);
        Vector512<float> x0 = default, y0 = default, x1 = default, y1 = default;
        if (accumulate)
        {
            x0 = Vector512.Load(c0);
            y0 = Vector512.Load(c0 + 16);
            x1 = Vector512.Load(c1);
            y1 = Vector512.Load(c1 + 16);
        }

        nint at = 0;
        for (int p = 0; p < inner; p++)
        {
            Vector512<float> low = Vector512.Load(b), high = Vector512.Load(b + 16);
            b += bInner;
            Vector512<float> v = Vector512.Create(a0[at]);
            x0 = Vector512.FusedMultiplyAdd(v, low, x0);
            y0 = Vector512.FusedMultiplyAdd(v, high, y0);
            v = Vector512.Create(a1[at]);
            x1 = Vector512.FusedMultiplyAdd(v, low, x1);
            y1 = Vector512.FusedMultiplyAdd(v, high, y1);
            at += aInner;
        }

        x0.Store(c0);
        y0.Store(c0 + 16);
        x1.Store(c1);
        y1.Store(c1 + 16);
    }

    // 3 rows of 4 registers, 4 of B and one of A: the 16 registers of AVX2 hold no more.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile3(int rows, int inner, float* a, nint aRow, nint aInner, float* b, nint bInner, float* c, nint cRow,
        bool accumulate)
    {
        int last = rows - 1;
        float* a0 = a, a1 = a + (Math.Min(1, last) * aRow), a2 = a + (last * aRow);
        float* c0 = c, c1 = c + (Math.Min(1, last) * cRow), c2 = c + (last * cRow);
        Vector256<float> w0 = default, x0 = default, y0 = default, z0 = default;
        Vector256<float> w1 = default, x1 = default, y1 = default, z1 = default;
        Vector256<float> w2 = default, x2 = default, y2 = default, z2 = default;
        if (accumulate)
        {
            w0 = Vector256.Load(c0);
            x0 = Vector256.Load(c0 + 8);
            y0 = Vector256.Load(c0 + 16);
            z0 = Vector256.Load(c0 + 24);
            w1 = Vector256.Load(c1);
            x1 = Vector256.Load(c1 + 8);
            y1 = Vector256.Load(c1 + 16);
            z1 = Vector256.Load(c1 + 24);
            w2 = Vector256.Load(c2);
            x2 = Vector256.Load(c2 + 8);
            y2 = Vector256.Load(c2 + 16);
            z2 = Vector256.Load(c2 + 24);
        }

        nint at = 0;
        for (int p = 0; p < inner; p++)
        {
            Vector256<float> v0 = Vector256.Create(a0[at]), v1 = Vector256.Create(a1[at]), v2 = Vector256.Create(a2[at]);
            Vector256<float> column = Vector256.Load(b);
            w0 = Vector256.FusedMultiplyAdd(v0, column, w0);
            w1 = Vector256.FusedMultiplyAdd(v1, column, w1);
            w2 = Vector256.FusedMultiplyAdd(v2, column, w2);
            column = Vector256.Load(b + 8);
            x0 = Vector256.FusedMultiplyAdd(v0, column, x0);
            x1 = Vector256.FusedMultiplyAdd(v1, column, x1);
            x2 = Vector256.FusedMultiplyAdd(v2, column, x2);
            column = Vector256.Load(b + 16);
            y0 = Vector256.FusedMultiplyAdd(v0, column, y0);
            y1 = Vector256.FusedMultiplyAdd(v1, column, y1);
            y2 = Vector256.FusedMultiplyAdd(v2, column, y2);
            column = Vector256.Load(b + 24);
            z0 = Vector256.FusedMultiplyAdd(v0, column, z0);
            z1 = Vector256.FusedMultiplyAdd(v1, column, z1);
            z2 = Vector256.FusedMultiplyAdd(v2, column, z2);
            b += bInner;
            at += aInner;
        }

        w0.Store(c0);
        x0.Store(c0 + 8);
        y0.Store(c0 + 16);
        z0.Store(c0 + 24);
        w1.Store(c1);
        x1.Store(c1 + 8);
        y1.Store(c1 + 16);
        z1.Store(c1 + 24);
        w2.Store(c2);
        x2.Store(c2 + 8);
        y2.Store(c2 + 16);
        z2.Store(c2 + 24);
    }

    private static void Row(int inner, float* a, nint aInner, float* b, nint bInner, float* c, bool accumulate)
    {
        if (!accumulate)
            new Span<float>(c, Panel).Clear();
        for (int p = 0; p < inner; p++, a += aInner, b += bInner)
        {
            for (int j = 0; j < Panel; j++)
                c[j] += *a * b[j];
        }
    }
}
