namespace Pruning.Native.Kernels;

/// <summary>The left factor of a product, in the numbers of an <see cref="IProducts"/>.</summary>
/// <param name="Address">First number.</param>
/// <param name="Row">Distance between rows.</param>
internal readonly record struct LeftFactor(nint Address, nint Row);

/// <summary>
/// The matrix products of the gated kernels in one precision: float32 in, float32 sums out, and the factors laid out as the
/// product wants them. At most <see cref="NeighbourLists.BlockNodes"/> rows at a time.
/// </summary>
internal unsafe interface IProducts
{
    /// <summary>W^T for <see cref="MultiplyPanel"/>. W is [gates * hidden, inner]; gate g of unit u is column g * padded + u.</summary>
    static abstract nint PackTransposed(FloatArena arena, float* weight, int gates, int hidden, int inner);

    /// <summary>W for <see cref="Multiply"/>. Row g * padded + u holds gate g of unit u; columns are padded with zeros.</summary>
    static abstract nint Pack(FloatArena arena, float* weight, int gates, int hidden, int columns);

    /// <summary>Memory for the factors of a product of a block with rows of so many numbers, and of <see cref="AddOuter"/>.</summary>
    static abstract nint Room(FloatArena arena, int columns, int width);

    /// <summary>Rows of numbers as a left factor; in <paramref name="room"/> where they must be copied.</summary>
    static abstract LeftFactor Left(int rows, int columns, float* a, nint row, nint room);

    /// <summary>C += A W^T over 32 columns from <paramref name="column"/> on. inner: columns of A.</summary>
    static abstract void MultiplyPanel(SimdLevel level, int rows, int inner, LeftFactor a, nint packed, int column, float* c, nint cRow);

    /// <summary>C = A W or C += A W. inner: padded rows of W.</summary>
    static abstract void Multiply(SimdLevel level, int rows, int columns, int inner, LeftFactor a, nint packed, float* c, nint cRow,
        bool accumulate);

    /// <summary>
    /// sum += d^T x over the rows. d: [rows, columns], rows <paramref name="dRow"/> apart; x: [rows, width]; sum: columns * width numbers,
    /// to be read with <see cref="Unpad"/>.
    /// </summary>
    static abstract void AddOuter(SimdLevel level, int rows, int columns, int width, float* d, nint dRow, float* x, float* sum, nint room);

    /// <summary>What <see cref="AddOuter"/> summed, [gates * padded hidden, padded columns], to [gates * hidden, columns].</summary>
    static abstract void Unpad(float* sum, int gates, int hidden, int columns, float* target);

    /// <summary>After the last product of a kernel.</summary>
    static abstract void End();
}

/// <summary>float32 products: <see cref="Gemm"/>.</summary>
internal readonly unsafe struct Float32Products : IProducts
{
    public static nint PackTransposed(FloatArena arena, float* weight, int gates, int hidden, int inner) =>
        (nint)Matrices.PackTransposed(arena, weight, gates, hidden, inner);

    public static nint Pack(FloatArena arena, float* weight, int gates, int hidden, int columns) =>
        (nint)Matrices.Pack(arena, weight, gates, hidden, columns);

    public static nint Room(FloatArena arena, int columns, int width) => 0;

    public static LeftFactor Left(int rows, int columns, float* a, nint row, nint room) => new((nint)a, row);

    public static void MultiplyPanel(SimdLevel level, int rows, int inner, LeftFactor a, nint packed, int column, float* c, nint cRow) =>
        Gemm.MultiplyPanel(level, rows, inner, (float*)a.Address, a.Row, 1, (float*)packed + ((long)column * inner), Gemm.Panel, c, cRow,
            accumulate: true);

    public static void Multiply(SimdLevel level, int rows, int columns, int inner, LeftFactor a, nint packed, float* c, nint cRow,
        bool accumulate) =>
        Gemm.Multiply(level, rows, columns, inner, (float*)a.Address, a.Row, 1, (float*)packed, Gemm.Panel, (nint)inner * Gemm.Panel, c,
            cRow, accumulate);

    public static void AddOuter(SimdLevel level, int rows, int columns, int width, float* d, nint dRow, float* x, float* sum, nint room) =>
        Gemm.Multiply(level, columns, width, rows, d, 1, dRow, x, width, Gemm.Panel, sum, width, accumulate: true);

    public static void Unpad(float* sum, int gates, int hidden, int columns, float* target) =>
        Matrices.Unpad(sum, gates, hidden, columns, Gemm.Padded(columns), target);

    public static void End()
    {
        // Nothing to give back.
    }
}
