namespace Pruning.Native.Kernels;

/// <summary>
/// The arithmetic of a gated cell between its matrix products, on 32 units of some rows. A row of activations holds
/// <see cref="Slots"/> vectors of padded width one after the other; the product with the hidden state is added to the slots from
/// <see cref="HiddenSlot"/> on, and the input's to the slots that <see cref="InputSlot"/> names.
/// </summary>
internal unsafe interface IGates
{
    /// <summary>Vectors in a row of activations.</summary>
    static abstract int Slots { get; }

    /// <summary>Gates as the weights have them: 4 for an LSTM (i, f, g, o), 3 for a GRU (r, z, n).</summary>
    static abstract int Gates { get; }

    /// <summary>First slot that the hidden state's product is added to; as many follow as there are gates.</summary>
    static abstract int HiddenSlot { get; }

    /// <summary>Whether the carry that is kept between steps is a cell state of its own, and not the hidden state.</summary>
    static abstract bool HasCell { get; }

    /// <summary>Slot that the input's product for a gate is added to.</summary>
    static abstract int InputSlot(int gate);

    /// <summary>
    /// Sums of both products to activations (in place), next carry, next hidden state.
    /// </summary>
    /// <param name="rows">Rows.</param>
    /// <param name="activations">32 units of the first slot; rows are Slots * width apart, slots width.</param>
    /// <param name="width">Padded width.</param>
    /// <param name="carry">Carry of the step before, or null for zero. [rows, width]</param>
    /// <param name="nextCarry">Receives the carry. [rows, width]</param>
    /// <param name="nextHidden">Receives the hidden state. [rows, width]</param>
    static abstract void Forward<V>(int rows, float* activations, nint width, float* carry, float* nextCarry, float* nextHidden)
        where V : struct, ILanes<V>;

    /// <summary>
    /// Gradients of the hidden state and of the cell to gradients of the sums (in place of the activations) and of what came
    /// before: <paramref name="dCell"/> becomes that of the earlier cell, <paramref name="dHidden"/> the part of the earlier hidden
    /// state's that does not go through the product.
    /// </summary>
    /// <param name="rows">Rows.</param>
    /// <param name="activations">As <see cref="Forward{V}"/> left them.</param>
    /// <param name="width">Padded width.</param>
    /// <param name="carry">Carry of the step before, or null for zero.</param>
    /// <param name="nextCarry">Carry of this step.</param>
    /// <param name="dHidden">[rows, width]</param>
    /// <param name="dCell">[rows, width]; not looked at when there is no cell.</param>
    static abstract void Backward<V>(int rows, float* activations, nint width, float* carry, float* nextCarry, float* dHidden, float* dCell)
        where V : struct, ILanes<V>;

    /// <summary>The hidden state that a step gave, from what was kept of it.</summary>
    static abstract void Hidden<V>(int rows, float* activations, nint width, float* nextCarry, float* hidden)
        where V : struct, ILanes<V>;
}

/// <summary>
/// Long short-term memory: i, f, o = sigmoid, g = tanh; c' = f c + i g; h' = o tanh c'. Slots i, f, g, o; the carry is c.
/// </summary>
internal readonly unsafe struct LstmGates : IGates
{
    public static int Slots => 4;

    public static int Gates => 4;

    public static int HiddenSlot => 0;

    public static bool HasCell => true;

    public static int InputSlot(int gate) => gate;

    public static void Forward<V>(int rows, float* activations, nint width, float* carry, float* nextCarry, float* nextHidden)
        where V : struct, ILanes<V>
    {
        for (int row = 0; row < rows; row++)
        {
            float* at = activations + (row * 4 * width);
            nint first = row * width;
            for (nint u = 0; u < Gemm.Panel; u += V.Count)
            {
                V i = VectorMath.Sigmoid(V.Load(at + u));
                V g = VectorMath.Tanh(V.Load(at + (2 * width) + u));
                V f = VectorMath.Sigmoid(V.Load(at + width + u));
                V o = VectorMath.Sigmoid(V.Load(at + (3 * width) + u));
                V c = i * g;
                if (carry is not null)
                    c = V.MultiplyAdd(f, V.Load(carry + first + u), c);
                i.Store(at + u);
                f.Store(at + width + u);
                g.Store(at + (2 * width) + u);
                o.Store(at + (3 * width) + u);
                c.Store(nextCarry + first + u);
                (o * VectorMath.Tanh(c)).Store(nextHidden + first + u);
            }
        }
    }

    public static void Backward<V>(int rows, float* activations, nint width, float* carry, float* nextCarry, float* dHidden, float* dCell)
        where V : struct, ILanes<V>
    {
        V one = V.Of(1f);
        for (int row = 0; row < rows; row++)
        {
            float* at = activations + (row * 4 * width);
            nint first = row * width;
            for (nint u = 0; u < Gemm.Panel; u += V.Count)
            {
                V i = V.Load(at + u), f = V.Load(at + width + u), g = V.Load(at + (2 * width) + u), o = V.Load(at + (3 * width) + u);
                V dh = V.Load(dHidden + first + u);
                V tanh = VectorMath.Tanh(V.Load(nextCarry + first + u));
                V dc = V.MultiplyAdd(dh * o, one - (tanh * tanh), V.Load(dCell + first + u));
                V df = carry is null ? V.Of(0f) : dc * V.Load(carry + first + u) * f * (one - f);
                (dc * g * i * (one - i)).Store(at + u);
                df.Store(at + width + u);
                (dc * i * (one - (g * g))).Store(at + (2 * width) + u);
                (dh * tanh * o * (one - o)).Store(at + (3 * width) + u);
                (dc * f).Store(dCell + first + u);
                V.Of(0f).Store(dHidden + first + u);
            }
        }
    }

    public static void Hidden<V>(int rows, float* activations, nint width, float* nextCarry, float* hidden)
        where V : struct, ILanes<V>
    {
        for (int row = 0; row < rows; row++)
        {
            float* o = activations + (row * 4 * width) + (3 * width);
            nint first = row * width;
            for (nint u = 0; u < width; u += V.Count)
                (V.Load(o + u) * VectorMath.Tanh(V.Load(nextCarry + first + u))).Store(hidden + first + u);
        }
    }
}

/// <summary>
/// Gated recurrent unit: r, z = sigmoid of both sums; n = tanh(x_n + r h_n); h' = n + z (h - n). Slots n, r, z, h_n: the last
/// three take the hidden state's product, and n's input part stands alone because r multiplies the other one. The carry is h.
/// </summary>
internal readonly unsafe struct GruGates : IGates
{
    public static int Slots => 4;

    public static int Gates => 3;

    public static int HiddenSlot => 1;

    public static bool HasCell => false;

    public static int InputSlot(int gate) => gate == 2 ? 0 : gate + 1;

    public static void Forward<V>(int rows, float* activations, nint width, float* carry, float* nextCarry, float* nextHidden)
        where V : struct, ILanes<V>
    {
        for (int row = 0; row < rows; row++)
        {
            float* at = activations + (row * 4 * width);
            nint first = row * width;
            for (nint u = 0; u < Gemm.Panel; u += V.Count)
            {
                V r = VectorMath.Sigmoid(V.Load(at + width + u));
                V z = VectorMath.Sigmoid(V.Load(at + (2 * width) + u));
                V n = VectorMath.Tanh(V.MultiplyAdd(r, V.Load(at + (3 * width) + u), V.Load(at + u)));
                V h = carry is null ? n - (z * n) : V.MultiplyAdd(z, V.Load(carry + first + u) - n, n);
                n.Store(at + u);
                r.Store(at + width + u);
                z.Store(at + (2 * width) + u);
                h.Store(nextCarry + first + u);
                h.Store(nextHidden + first + u);
            }
        }
    }

    public static void Backward<V>(int rows, float* activations, nint width, float* carry, float* nextCarry, float* dHidden, float* dCell)
        where V : struct, ILanes<V>
    {
        V one = V.Of(1f);
        for (int row = 0; row < rows; row++)
        {
            float* at = activations + (row * 4 * width);
            nint first = row * width;
            for (nint u = 0; u < Gemm.Panel; u += V.Count)
            {
                V n = V.Load(at + u), r = V.Load(at + width + u), z = V.Load(at + (2 * width) + u), hn = V.Load(at + (3 * width) + u);
                V dh = V.Load(dHidden + first + u);
                V before = carry is null ? V.Of(0f) : V.Load(carry + first + u);
                V dn = dh * (one - z) * (one - (n * n));
                dn.Store(at + u);
                (dn * hn * r * (one - r)).Store(at + width + u);
                (dh * (before - n) * z * (one - z)).Store(at + (2 * width) + u);
                (dn * r).Store(at + (3 * width) + u);
                (dh * z).Store(dHidden + first + u);
            }
        }
    }

    public static void Hidden<V>(int rows, float* activations, nint width, float* nextCarry, float* hidden)
        where V : struct, ILanes<V> =>
            new Span<float>(nextCarry, checked((int)(rows * width))).CopyTo(new Span<float>(hidden, (int)(rows * width)));
}
