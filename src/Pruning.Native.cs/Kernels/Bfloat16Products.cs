using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pruning.Native.Kernels;

/// <summary>
/// Products of factors that are rounded to bfloat16, with float32 sums. Right factors lie in pairs of rows, as VDPBF16PS reads them:
/// element (p, j) at [p / 2][j][p % 2].
/// </summary>
internal readonly unsafe struct Bfloat16Products : IProducts
{
    // A kernel is made for each number of rows: whole groups and a rest are 8 + 7 numbers instead of 64.
    private const int RowGroup = 8;

    public static nint PackTransposed(FloatArena arena, float* weight, int gates, int hidden, int inner)
    {
        int padded = Gemm.Padded(hidden);
        ushort* packed = (ushort*)arena.TakeZeros((long)gates * padded * Even(inner) / 2);
        for (int g = 0; g < gates; g++)
        {
            for (int u = 0; u < hidden; u++)
            {
                int column = (g * padded) + u;
                ushort* target = packed + PanelStart(column, inner) + (column % Gemm.Panel * 2);
                float* source = weight + (((long)g * hidden) + u) * inner;
                for (int p = 0; p < inner; p++)
                    target[(p / 2 * 2 * Gemm.Panel) + (p % 2)] = Rounded(source[p]);
            }
        }

        return (nint)packed;
    }

    public static nint Pack(FloatArena arena, float* weight, int gates, int hidden, int columns)
    {
        int padded = Gemm.Padded(hidden);
        int width = Gemm.Padded(columns);
        ushort* packed = (ushort*)arena.TakeZeros((long)gates * padded * width / 2);
        for (int g = 0; g < gates; g++)
        {
            for (int u = 0; u < hidden; u++)
            {
                int row = (g * padded) + u;
                ushort* target = packed + ((long)(row / 2) * 2 * width) + (row % 2);
                float* source = weight + (((long)g * hidden) + u) * columns;
                for (int j = 0; j < columns; j++)
                    target[2 * j] = Rounded(source[j]);
            }
        }

        return (nint)packed;
    }

    // d in pairs, then x in pairs, then x turned; a left factor takes less than the first.
    public static nint Room(FloatArena arena, int columns, int width) =>
        (nint)arena.Take(NeighbourLists.BlockNodes / 2 * ((long)Even(columns) + (2 * width)));

    public static LeftFactor Left(int rows, int columns, float* a, nint row, nint room)
    {
        ushort* target = (ushort*)room;
        int even = Even(columns);
        for (int r = 0; r < rows; r++, target += even, a += row)
        {
            int j = 0;
            for (; j + 16 <= columns; j += 16)
                Avx512F.ConvertToVector256UInt16(Rounded(Vector512.Load(a + j)) >>> 16).Store(target + j);
            for (; j < columns; j++)
                target[j] = Rounded(a[j]);
            if (even > columns)
                target[columns] = 0;
        }

        return new LeftFactor(room, even);
    }

    public static void MultiplyPanel(SimdLevel level, int rows, int inner, LeftFactor a, nint packed, int column, float* c, nint cRow) =>
        InGroups(rows, Gemm.Panel, Even(inner), a, (ushort*)packed + PanelStart(column, inner), Gemm.Panel, c, cRow, accumulate: true);

    public static void Multiply(SimdLevel level, int rows, int columns, int inner, LeftFactor a, nint packed, float* c, nint cRow,
        bool accumulate) =>
        InGroups(rows, columns, inner, a, (ushort*)packed, columns, c, cRow, accumulate);

    // sum^T = x^T d: of the two the narrow one is turned.
    public static void AddOuter(SimdLevel level, int rows, int columns, int width, float* d, nint dRow, float* x, float* sum, nint room)
    {
        int pairs = (rows + RowGroup - 1) / RowGroup * (RowGroup / 2);
        uint* right = (uint*)room;
        uint* inPairs = right + ((long)pairs * columns);
        uint* left = inPairs + ((long)pairs * width);
        Pair(rows, pairs, columns, d, dRow, right);
        Pair(rows, pairs, width, x, width, inPairs);
        for (int p = 0; p < pairs; p++)
        {
            uint* source = inPairs + ((long)p * width);
            for (int u = 0; u < width; u++)
                left[(u * pairs) + p] = source[u];
        }

        Bfloat16Support.Multiply(width, columns, 2 * pairs, (ushort*)left, 2 * pairs, (ushort*)right, columns, sum, columns,
            accumulate: true);
    }

    public static void Unpad(float* sum, int gates, int hidden, int columns, float* target)
    {
        int padded = Gemm.Padded(hidden);
        for (int g = 0; g < gates; g++)
        {
            for (int u = 0; u < hidden; u++, target += columns)
            {
                float* source = sum + (g * padded) + u;
                for (int j = 0; j < columns; j++)
                    target[j] = source[(long)j * gates * padded];
            }
        }
    }

    public static void End() => Bfloat16Support.Release();

    private static int Even(int number) => (number + 1) & ~1;

    private static long PanelStart(int column, int inner) => (long)(column / Gemm.Panel) * Even(inner) * Gemm.Panel;

    private static void InGroups(int rows, int columns, int inner, LeftFactor a, ushort* b, nint bRow, float* c, nint cRow, bool accumulate)
    {
        ushort* from = (ushort*)a.Address;
        int whole = rows / RowGroup * RowGroup;
        if (whole > 0)
            Bfloat16Support.Multiply(whole, columns, inner, from, a.Row, b, bRow, c, cRow, accumulate);
        if (rows > whole)
            Bfloat16Support.Multiply(rows - whole, columns, inner, from + (whole * a.Row), a.Row, b, bRow, c + (whole * cRow), cRow,
                accumulate);
    }

    // Rows 2p and 2p + 1 side by side; rows that are not there are zero. columns: a multiple of 32.
    private static void Pair(int rows, int pairs, int columns, float* source, nint row, uint* target)
    {
        for (int p = 0; p < pairs; p++, target += columns)
        {
            float* first = source + (2 * p * row);
            for (int j = 0; j < columns; j += 16)
            {
                Vector512<uint> low = 2 * p < rows ? Rounded(Vector512.Load(first + j)) >>> 16 : default;
                Vector512<uint> high = (2 * p) + 1 < rows ? Rounded(Vector512.Load(first + row + j)) & Vector512.Create(0xffff0000u)
                    : default;
                (low | high).Store(target + j);
            }
        }
    }

    // To the nearest bfloat16, ties to even, in the upper half; the lower half is left over. NaN stays NaN.
    private static Vector512<uint> Rounded(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> nearest = bits + Vector512.Create(0x7fffu) + ((bits >>> 16) & Vector512.Create(1u));
        return Vector512.ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), nearest, bits | Vector512.Create(0x00400000u));
    }

    private static ushort Rounded(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
