using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pruning.Native.Kernels;

/// <summary>Copies between matrices as libtorch has them and as the kernels want them: padded, transposed, in panels.</summary>
internal static unsafe class Matrices
{
    /// <summary>
    /// W^T in panels, for x W^T. W is [gates * hidden, inner]; gate g of unit u becomes column g * padded + u, and columns of units
    /// that are not there are zero.
    /// </summary>
    public static float* PackTransposed(FloatArena arena, float* weight, int gates, int hidden, int inner)
    {
        int padded = Gemm.Padded(hidden);
        float* packed = arena.TakeZeros((long)gates * padded * inner);
        for (int g = 0; g < gates; g++)
        {
            for (int u = 0; u < hidden; u++)
            {
                int column = (g * padded) + u;
                float* target = packed + ((long)(column / Gemm.Panel) * inner * Gemm.Panel) + (column % Gemm.Panel);
                float* source = weight + (((long)g * hidden) + u) * inner;
                for (int p = 0; p < inner; p++)
                    target[(long)p * Gemm.Panel] = source[p];
            }
        }

        return packed;
    }

    /// <summary>W in panels, for dgates W: row g * padded + u holds gate g of unit u, columns are padded with zeros.</summary>
    public static float* Pack(FloatArena arena, float* weight, int gates, int hidden, int columns)
    {
        int padded = Gemm.Padded(hidden);
        int width = Gemm.Padded(columns);
        float* packed = arena.TakeZeros((long)gates * padded * width);
        for (int g = 0; g < gates; g++)
        {
            for (int u = 0; u < hidden; u++)
            {
                float* source = weight + (((long)g * hidden) + u) * columns;
                float* target = packed + (((long)g * padded) + u) * Gemm.Panel;
                for (int first = 0; first < columns; first += Gemm.Panel)
                {
                    int count = Math.Min(Gemm.Panel, columns - first);
                    new Span<float>(source + first, count).CopyTo(new Span<float>(target + ((long)first * gates * padded), count));
                }
            }
        }

        return packed;
    }

    /// <summary>The matrix itself where its columns fill panels, else a copy whose rows are padded with zeros.</summary>
    public static float* PadColumns(FloatArena arena, float* matrix, long rows, int columns)
    {
        int width = Gemm.Padded(columns);
        if (width == columns)
            return matrix;
        float* padded = arena.TakeZeros(rows * width);
        for (long row = 0; row < rows; row++)
            new Span<float>(matrix + (row * columns), columns).CopyTo(new Span<float>(padded + (row * width), columns));
        return padded;
    }

    /// <summary>A vector [gates * hidden] as [gates * padded], added to <paramref name="sum"/>.</summary>
    public static void AddPadded(float* vector, int gates, int hidden, float* sum)
    {
        int padded = Gemm.Padded(hidden);
        for (int g = 0; g < gates; g++)
        {
            for (int u = 0; u < hidden; u++)
                sum[(g * padded) + u] += vector[(g * hidden) + u];
        }
    }

    /// <summary>[gates * padded hidden, width] to [gates * hidden, columns].</summary>
    public static void Unpad(float* padded, int gates, int hidden, int columns, int width, float* target)
    {
        int paddedHidden = Gemm.Padded(hidden);
        for (int g = 0; g < gates; g++)
        {
            for (int u = 0; u < hidden; u++)
            {
                float* source = padded + (((long)g * paddedHidden) + u) * width;
                new Span<float>(source, columns).CopyTo(new Span<float>(target + (((long)g * hidden) + u) * columns, columns));
            }
        }
    }

    /// <summary>[rows, padded columns] to [rows, columns].</summary>
    public static void UnpadColumns(float* padded, long rows, int columns, float* target)
    {
        int width = Gemm.Padded(columns);
        for (long row = 0; row < rows; row++)
            new Span<float>(padded + (row * width), columns).CopyTo(new Span<float>(target + (row * columns), columns));
    }

    /// <summary>sum[j] += rows summed up, 64 rows at a time: a single running sum would lose digits over many rows.</summary>
    public static void AddColumnSums(float* matrix, long rows, int columns, nint row, float* sum)
    {
        const int Group = 64;
        float* part = stackalloc float[Gemm.Panel];
        for (int first = 0; first < columns; first += Gemm.Panel)
        {
            for (long start = 0; start < rows; start += Group)
            {
                new Span<float>(part, Gemm.Panel).Clear();
                long end = Math.Min(rows, start + Group);
                for (long r = start; r < end; r++)
                    Add(matrix + (r * row) + first, part);
                Add(part, sum + first);
            }
        }
    }

    /// <summary>target += source over one panel.</summary>
    public static void Add(float* source, float* target)
    {
        for (int j = 0; j < Gemm.Panel; j += Vector<float>.Count)
            Unsafe.WriteUnaligned(target + j, Unsafe.ReadUnaligned<Vector<float>>(target + j)
                + Unsafe.ReadUnaligned<Vector<float>>(source + j));
    }
}
