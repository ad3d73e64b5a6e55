namespace Pruning.Native.Kernels;

/// <summary>One step of an LSTM or GRU cell for every node, and its gradients; 64 rows at a time, gates behind their products.</summary>
internal static unsafe class GatedCell<TGates, TProducts>
    where TGates : struct, IGates
    where TProducts : struct, IProducts
{
    /// <summary>Forward pass.</summary>
    /// <param name="level">Vector registers.</param>
    /// <param name="rows">Nodes.</param>
    /// <param name="weights">Sizes and weights.</param>
    /// <param name="x">[rows, inputs]</param>
    /// <param name="hidden">[rows, hidden]</param>
    /// <param name="cell">[rows, hidden]; null for a GRU.</param>
    /// <param name="nextHidden">[rows, hidden]</param>
    /// <param name="nextCell">[rows, hidden]; null for a GRU.</param>
    /// <param name="saved">Receives what backward needs, or null.</param>
    public static void Forward(
        SimdLevel level, int rows, in GatedWeights weights, float* x, float* hidden, float* cell, float* nextHidden, float* nextCell, SavedSteps? saved)
    {
        using FloatArena scratch = new();
        var packed = new PackedGates<TGates, TProducts>(scratch, weights);
        int width = packed.Width;
        int row = TGates.Slots * width;
        long blockFloats = (long)NeighbourLists.BlockNodes * width;
        float* kept = scratch.Take(TGates.Slots * blockFloats);
        float* before = scratch.TakeZeros(blockFloats);
        float* after = scratch.Take(blockFloats);
        float* state = scratch.Take(blockFloats);
        nint inputRoom = TProducts.Room(scratch, weights.Inputs, 0);
        nint hiddenRoom = TProducts.Room(scratch, weights.Hidden, 0);
        for (int first = 0; first < rows; first += NeighbourLists.BlockNodes)
        {
            int count = Math.Min(NeighbourLists.BlockNodes, rows - first);
            float* activations = saved is null ? kept : saved.Arena.Take((long)count * row);
            float* carryAfter = saved is null ? after : saved.Arena.Take((long)count * width);
            float* stateAfter = TGates.HasCell ? state : carryAfter;
            LeftFactor input = TProducts.Left(count, weights.Inputs, x + ((long)first * weights.Inputs), weights.Inputs, inputRoom);
            LeftFactor recurrent =
                TProducts.Left(count, weights.Hidden, hidden + ((long)first * weights.Hidden), weights.Hidden, hiddenRoom);
            Copy((TGates.HasCell ? cell : hidden) + ((long)first * weights.Hidden), count, weights.Hidden, weights.Hidden, before, width);
            for (int u = 0; u < width; u += Gemm.Panel)
            {
                for (int r = 0; r < count; r++)
                {
                    for (int slot = 0; slot < TGates.Slots; slot++)
                        new Span<float>(packed.Bias + (slot * width) + u,
                            Gemm.Panel).CopyTo(new Span<float>(activations + ((long)r * row) + (slot * width) + u, Gemm.Panel));
                }

                for (int gate = 0; gate < TGates.Gates; gate++)
                {
                    int column = (gate * width) + u;
                    TProducts.MultiplyPanel(level, count, weights.Inputs, input, packed.Input, column, activations
                        + (TGates.InputSlot(gate) * width) + u, row);
                    TProducts.MultiplyPanel(level, count, weights.Hidden, recurrent, packed.Hidden, column, activations
                        + ((TGates.HiddenSlot + gate) * width) + u, row);
                }

                GateKernels<TGates>.Forward(level, count, activations + u, width, before + u, carryAfter + u, stateAfter + u);
            }

            Copy(stateAfter, count, weights.Hidden, width, nextHidden + ((long)first * weights.Hidden), weights.Hidden);
            if (TGates.HasCell)
                Copy(carryAfter, count, weights.Hidden, width, nextCell + ((long)first * weights.Hidden), weights.Hidden);
            saved?.Steps.Add(new SavedStep((nint)activations, (nint)carryAfter, count));
        }

        TProducts.End();
    }

    /// <summary>Backward pass; the gradients are overwritten, not added to.</summary>
    /// <param name="rows">Nodes.</param>
    /// <param name="weights">Sizes and weights.</param>
    /// <param name="x">[rows, inputs]</param>
    /// <param name="hidden">[rows, hidden]</param>
    /// <param name="cell">[rows, hidden]; null for a GRU.</param>
    /// <param name="saved">Of the forward pass; used up.</param>
    /// <param name="dNextHidden">[rows, hidden], or null for zero.</param>
    /// <param name="dNextCell">[rows, hidden], or null for zero.</param>
    /// <param name="dX">[rows, inputs], or null.</param>
    /// <param name="dHidden">[rows, hidden]</param>
    /// <param name="dCell">[rows, hidden]; null for a GRU.</param>
    /// <param name="dWeights">Gradients of the four weights.</param>
    public static void Backward(
        int rows, in GatedWeights weights, float* x, float* hidden, float* cell, SavedSteps saved, float* dNextHidden, float* dNextCell,
        float* dX, float* dHidden, float* dCell, in GatedWeights dWeights)
    {
        SimdLevel level = saved.Options.Level;
        using FloatArena scratch = new();
        int width = weights.Width;
        int row = TGates.Slots * width;
        int columns = TGates.Gates * width;
        long blockFloats = (long)NeighbourLists.BlockNodes * width;
        nint recurrent = TProducts.Pack(scratch, (float*)weights.HiddenWeight, TGates.Gates, weights.Hidden, weights.Hidden);
        float* dRecurrent = scratch.TakeZeros((long)columns * width);
        float* dLastBias = scratch.TakeZeros(width);
        float* dState = scratch.Take(blockFloats);
        float* dCarry = scratch.Take(blockFloats);
        float* before = scratch.TakeZeros(blockFloats);
        float* state = scratch.TakeZeros(blockFloats);
        float* dInput = scratch.Take((long)rows * columns);
        nint room = TProducts.Room(scratch, columns, width);
        for (int block = 0; block < saved.Steps.Count; block++)
        {
            SavedStep step = saved.Steps[block];
            long first = (long)block * NeighbourLists.BlockNodes;
            float* gradients = (float*)step.Activations;
            float* ofHidden = gradients + (TGates.HiddenSlot * width);
            Padded(dNextHidden, first, step.Rows, weights.Hidden, dState, width);
            Padded(dNextCell, first, step.Rows, weights.Hidden, dCarry, width);
            Copy((TGates.HasCell ? cell : hidden) + (first * weights.Hidden), step.Rows, weights.Hidden, weights.Hidden, before, width);
            Copy(hidden + (first * weights.Hidden), step.Rows, weights.Hidden, weights.Hidden, state, width);
            for (int u = 0; u < width; u += Gemm.Panel)
                GateKernels<TGates>.Backward(level, step.Rows, gradients + u, width, before + u, (float*)step.Carry + u, dState + u, dCarry
                    + u);
            TProducts.AddOuter(level, step.Rows, columns, width, ofHidden, row, state, dRecurrent, room);
            TProducts.Multiply(level, step.Rows, width, columns, TProducts.Left(step.Rows, columns, ofHidden, row, room), recurrent,
                dState, width, accumulate: true);
            Copy(dState, step.Rows, weights.Hidden, width, dHidden + (first * weights.Hidden), weights.Hidden);
            if (TGates.HasCell)
                Copy(dCarry, step.Rows, weights.Hidden, width, dCell + (first * weights.Hidden), weights.Hidden);
            if (TGates.Slots > TGates.Gates)
                Matrices.AddColumnSums(gradients + ((TGates.Slots - 1) * width), step.Rows, width, row, dLastBias);
            for (int r = 0; r < step.Rows; r++)
            {
                for (int gate = 0; gate < TGates.Gates; gate++)
                {
                    Span<float> source = new(gradients + ((long)r * row) + (TGates.InputSlot(gate) * width), width);
                    source.CopyTo(new Span<float>(dInput + ((first + r) * columns) + (gate * width), width));
                }
            }
        }

        TProducts.Unpad(dRecurrent, TGates.Gates, weights.Hidden, weights.Hidden, (float*)dWeights.HiddenWeight);
        InputProduct.Backward<TProducts>(level, rows, TGates.Gates, weights, x, dInput, columns, dX, dWeights, scratch);
        InputProduct.HiddenBias<TGates>(weights.Hidden, dWeights, dLastBias);
        TProducts.End();
    }

    private static void Padded(float* source, long first, int rows, int columns, float* target, int width)
    {
        new Span<float>(target, checked(rows * width)).Clear();
        if (source is not null)
            Copy(source + (first * columns), rows, columns, columns, target, width);
    }

    // Rows of `columns` numbers; what lies beyond them in the target stays.
    private static void Copy(float* source, int rows, int columns, nint sourceRow, float* target, nint targetRow)
    {
        for (int r = 0; r < rows; r++)
            new Span<float>(source + (r * sourceRow), columns).CopyTo(new Span<float>(target + (r * targetRow), columns));
    }
}
