namespace Pruning.Native.Kernels;

/// <summary>The arithmetic of a cell at the width that the processor has.</summary>
internal static unsafe class GateKernels<TGates>
    where TGates : struct, IGates
{
    /// <summary>See <see cref="IGates.Forward{V}"/>.</summary>
    public static void Forward(SimdLevel level, int rows, float* activations, nint width, float* carry, float* nextCarry, float* nextHidden)
    {
        switch (level)
        {
            case SimdLevel.Vector512:
                TGates.Forward<Lanes16>(rows, activations, width, carry, nextCarry, nextHidden);
                break;
            case SimdLevel.Vector256:
                TGates.Forward<Lanes8>(rows, activations, width, carry, nextCarry, nextHidden);
                break;
            default:
                TGates.Forward<Lanes1>(rows, activations, width, carry, nextCarry, nextHidden);
                break;
        }
    }

    /// <summary>See <see cref="IGates.Backward{V}"/>.</summary>
    public static void Backward(SimdLevel level, int rows, float* activations, nint width, float* carry, float* nextCarry, float* dHidden,
        float* dCell)
    {
        switch (level)
        {
            case SimdLevel.Vector512:
                TGates.Backward<Lanes16>(rows, activations, width, carry, nextCarry, dHidden, dCell);
                break;
            case SimdLevel.Vector256:
                TGates.Backward<Lanes8>(rows, activations, width, carry, nextCarry, dHidden, dCell);
                break;
            default:
                TGates.Backward<Lanes1>(rows, activations, width, carry, nextCarry, dHidden, dCell);
                break;
        }
    }

    /// <summary>See <see cref="IGates.Hidden{V}"/>; whole rows.</summary>
    public static void Hidden(SimdLevel level, int rows, float* activations, nint width, float* nextCarry, float* hidden)
    {
        switch (level)
        {
            case SimdLevel.Vector512:
                TGates.Hidden<Lanes16>(rows, activations, width, nextCarry, hidden);
                break;
            case SimdLevel.Vector256:
                TGates.Hidden<Lanes8>(rows, activations, width, nextCarry, hidden);
                break;
            default:
                TGates.Hidden<Lanes1>(rows, activations, width, nextCarry, hidden);
                break;
        }
    }
}

/// <summary>The gradients of W x + b that gates with their rows of activations leave.</summary>
internal static unsafe class InputProduct
{
    /// <summary>dx = d W, dW = d^T x, db = column sums of d.</summary>
    /// <param name="level">Registers to use.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="gates">Gates.</param>
    /// <param name="weights">Sizes and weights.</param>
    /// <param name="x">[rows, inputs]</param>
    /// <param name="gradients">[rows, gates * width], rows <paramref name="row"/> apart.</param>
    /// <param name="row">Distance of rows.</param>
    /// <param name="dX">[rows, inputs], or null.</param>
    /// <param name="dWeights">Receives the input weight's and bias' gradients.</param>
    /// <param name="scratch">Memory.</param>
    public static void Backward<TProducts>(SimdLevel level, int rows, int gates, in GatedWeights weights, float* x, float* gradients,
        nint row, float* dX, in GatedWeights dWeights, FloatArena scratch)
        where TProducts : struct, IProducts
    {
        int columns = gates * weights.Width;
        int inputWidth = Gemm.Padded(weights.Inputs);
        float* padded = Matrices.PadColumns(scratch, x, rows, weights.Inputs);
        float* dWeight = scratch.TakeZeros((long)columns * inputWidth);
        float* dBias = scratch.TakeZeros(columns);
        float* target = dX is null || inputWidth == weights.Inputs ? dX : scratch.Take((long)rows * inputWidth);
        nint packed = dX is null ? 0 : TProducts.Pack(scratch, (float*)weights.InputWeight, gates, weights.Hidden, weights.Inputs);
        nint room = TProducts.Room(scratch, columns, inputWidth);
        for (int first = 0; first < rows; first += NeighbourLists.BlockNodes)
        {
            int count = Math.Min(NeighbourLists.BlockNodes, rows - first);
            float* d = gradients + (first * row);
            TProducts.AddOuter(level, count, columns, inputWidth, d, row, padded + ((long)first * inputWidth), dWeight, room);
            Matrices.AddColumnSums(d, count, columns, row, dBias);
            if (dX is not null)
                TProducts.Multiply(level, count, inputWidth, columns, TProducts.Left(count, columns, d, row, room), packed, target
                    + ((long)first * inputWidth), inputWidth, accumulate: false);
        }

        TProducts.Unpad(dWeight, gates, weights.Hidden, weights.Inputs, (float*)dWeights.InputWeight);
        Matrices.Unpad(dBias, gates, weights.Hidden, 1, 1, (float*)dWeights.InputBias);
        if (target != dX)
            Matrices.UnpadColumns(target, rows, weights.Inputs, dX);
    }

    /// <summary>
    /// Gradient of the hidden bias: the input bias' where both are added to the same sum, <paramref name="dLast"/> for the gate whose
    /// hidden part stands alone.
    /// </summary>
    public static void HiddenBias<TGates>(int hidden, in GatedWeights dWeights, float* dLast)
        where TGates : struct, IGates
    {
        int all = TGates.Gates * hidden;
        Span<float> target = new((float*)dWeights.HiddenBias, all);
        new Span<float>((float*)dWeights.InputBias, all).CopyTo(target);
        if (TGates.Slots > TGates.Gates)
            new Span<float>(dLast, hidden).CopyTo(target[(all - hidden)..]);
    }
}
