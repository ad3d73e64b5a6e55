using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pruning.Native.Kernels;

/// <summary>One step of a block: what backward needs to know of it.</summary>
internal readonly record struct SavedStep(nint Activations, nint Carry, int Rows);

/// <summary>What a forward pass leaves for the backward pass. Dispose it after use; else the garbage collector does.</summary>
public sealed class SavedSteps : IDisposable
{
    internal SavedSteps(int blocks, KernelOptions options)
    {
        FirstStep = new int[blocks + 1];
        Options = options;
    }

    /// <summary>How the forward pass was computed; the backward pass computes in the same way.</summary>
    internal KernelOptions Options { get; }

    internal FloatArena Arena { get; } = new();

    internal List<SavedStep> Steps { get; } = [];

    /// <summary>[blocks + 1] where the steps of each block begin.</summary>
    internal int[] FirstStep { get; }

    /// <summary>Whether a backward pass has used it up.</summary>
    internal bool IsSpent { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        IsSpent = true;
        Arena.Dispose();
    }
}

/// <summary>
/// Last hidden state of an LSTM or GRU over the in-neighbours of each node, and its gradients. The input product is taken once a
/// node. A block of at most 64 nodes walks all its steps before the next one begins, so that its states, the weights and the
/// gates stay in the second-level cache; the gates follow their product 32 units at a time.
/// </summary>
internal static unsafe class GatedAggregator<TGates, TProducts>
    where TGates : struct, IGates
    where TProducts : struct, IProducts
{
    /// <summary>Forward pass.</summary>
    /// <param name="level">Vector registers.</param>
    /// <param name="lists">The graph.</param>
    /// <param name="weights">Sizes and weights.</param>
    /// <param name="x">[nodes, inputs]</param>
    /// <param name="output">[nodes, hidden], all of it is written.</param>
    /// <param name="saved">Receives what backward needs, or null.</param>
    public static void Forward(SimdLevel level, NeighbourLists lists, in GatedWeights weights, float* x, float* output, SavedSteps? saved)
    {
        using FloatArena scratch = new();
        var packed = new PackedGates<TGates, TProducts>(scratch, weights);
        int width = packed.Width;
        float* projected = Project(level, lists.NodeCount, weights, packed, x, scratch);
        long stateFloats = (long)NeighbourLists.BlockNodes * width;
        float* hidden = scratch.Take(stateFloats);
        float* next = scratch.Take(stateFloats);
        float* carry = scratch.Take(stateFloats);
        float* activations = scratch.Take(TGates.Slots * stateFloats);
        nint room = TProducts.Room(scratch, width, 0);
        for (int block = 0; block + 1 < lists.FirstPlace.Length; block++)
        {
            int first = lists.FirstPlace[block];
            int rows = lists.FirstPlace[block + 1] - first;
            float* before = null;
            float* state = hidden;
            float* nextState = next;
            for (int t = 0; ; t++)
            {
                int active = Active(lists, first, rows, t);
                for (int row = active; row < rows; row++)
                    Hand(lists.NodeOfPlace[first + row], t > 0 ? state + ((long)row * width) : null, weights.Hidden, output);
                rows = active;
                if (rows == 0)
                    break;
                float* at = saved is null ? activations : saved.Arena.Take((long)rows * TGates.Slots * width);
                float* after = saved is not null ? saved.Arena.Take((long)rows * width) : carry;
                if (!TGates.HasCell)
                    after = saved is null ? nextState : after;
                float* stateAfter = TGates.HasCell ? nextState : after;
                Step(level, lists, first, rows, t, weights.Hidden, packed, projected, t > 0 ? state
                    : null, room, at, before, after, stateAfter);
                saved?.Steps.Add(new SavedStep((nint)at, (nint)after, rows));
                before = after;
                if (TGates.HasCell || saved is null)
                {
                    float* free = state;
                    state = nextState;
                    nextState = free;
                }
                else
                {
                    state = after;
                }
            }

            if (saved is not null)
                saved.FirstStep[block + 1] = saved.Steps.Count;
        }

        TProducts.End();
    }

    /// <summary>Backward pass; the gradients are overwritten, not added to.</summary>
    /// <param name="lists">The graph.</param>
    /// <param name="weights">Sizes and weights.</param>
    /// <param name="x">[nodes, inputs]</param>
    /// <param name="saved">Of the forward pass; used up.</param>
    /// <param name="dOutput">[nodes, hidden]</param>
    /// <param name="dX">[nodes, inputs], or null.</param>
    /// <param name="dWeights">Gradients of the four weights.</param>
    public static void Backward(NeighbourLists lists, in GatedWeights weights, float* x, SavedSteps saved, float* dOutput, float* dX,
        in GatedWeights dWeights)
    {
        SimdLevel level = saved.Options.Level;
        using FloatArena scratch = new();
        int width = weights.Width;
        int hiddenColumns = TGates.Gates * width;
        var work = new BackwardWork
        {
            Level = level,
            Width = width,
            Recurrent = TProducts.Pack(scratch, (float*)weights.HiddenWeight, TGates.Gates, weights.Hidden, weights.Hidden),
            DRecurrent = scratch.TakeZeros((long)hiddenColumns * width),
            DLastBias = scratch.TakeZeros(width),
            DProjected = scratch.TakeZeros((long)lists.NodeCount * hiddenColumns),
            DHidden = scratch.Take((long)NeighbourLists.BlockNodes * width),
            DCell = scratch.Take((long)NeighbourLists.BlockNodes * width),
            Hidden = scratch.Take((long)NeighbourLists.BlockNodes * width),
            Room = TProducts.Room(scratch, hiddenColumns, width),
        };
        for (int block = 0; block + 1 < lists.FirstPlace.Length; block++)
            Block(lists, block, weights.Hidden, saved, dOutput, work);

        TProducts.Unpad(work.DRecurrent, TGates.Gates, weights.Hidden, weights.Hidden, (float*)dWeights.HiddenWeight);
        InputProduct.Backward<TProducts>(level, lists.NodeCount, TGates.Gates, weights, x, work.DProjected, hiddenColumns, dX, dWeights,
            scratch);
        InputProduct.HiddenBias<TGates>(weights.Hidden, dWeights, work.DLastBias);
        TProducts.End();
    }

    // Rows of the block that have a t-th neighbour: a prefix.
    private static int Active(NeighbourLists lists, int first, int rows, int t)
    {
        while (rows > 0 && lists.DegreeAt(first + rows - 1) <= t)
            rows--;
        return rows;
    }

    private static void Hand(int node, float* state, int hidden, float* output)
    {
        Span<float> target = new(output + ((long)node * hidden), hidden);
        if (state is null)
            target.Clear();
        else
            new Span<float>(state, hidden).CopyTo(target);
    }

    // [nodes, gates * width] W_ih x with every bias but the one of the hidden part that stands alone.
    private static float* Project(SimdLevel level, int nodes, in GatedWeights weights, in PackedGates<TGates, TProducts> packed, float* x,
        FloatArena scratch)
    {
        int width = packed.Width;
        int columns = TGates.Gates * width;
        float* projected = scratch.Take((long)nodes * columns);
        for (long node = 0; node < nodes; node++)
        {
            for (int gate = 0; gate < TGates.Gates; gate++)
                new Span<float>(packed.Bias + (TGates.InputSlot(gate) * width),
                    width).CopyTo(new Span<float>(projected + (node * columns) + (gate * width), width));
        }

        nint room = TProducts.Room(scratch, weights.Inputs, 0);
        for (int first = 0; first < nodes; first += NeighbourLists.BlockNodes)
        {
            int rows = Math.Min(NeighbourLists.BlockNodes, nodes - first);
            LeftFactor left = TProducts.Left(rows, weights.Inputs, x + ((long)first * weights.Inputs), weights.Inputs, room);
            for (int column = 0; column < columns; column += Gemm.Panel)
                TProducts.MultiplyPanel(level, rows, weights.Inputs, left, packed.Input, column, projected + ((long)first * columns)
                    + column, columns);
        }

        return projected;
    }

    private static void Step(
        SimdLevel level, NeighbourLists lists, int first, int rows, int t, int hiddenCount, in PackedGates<TGates,
            TProducts> packed, float* projected,
        float* state, nint room, float* activations, float* before, float* after, float* stateAfter)
    {
        int width = packed.Width;
        int row = TGates.Slots * width;
        int columns = TGates.Gates * width;
        LeftFactor left = state is null ? default : TProducts.Left(rows, hiddenCount, state, width, room);
        for (int u = 0; u < width; u += Gemm.Panel)
        {
            for (int r = 0; r < rows; r++)
            {
                float* source = projected + ((long)lists.Source[lists.FirstEdge[lists.NodeOfPlace[first + r]] + t] * columns) + u;
                float* target = activations + (r * row) + u;
                for (int gate = 0; gate < TGates.Gates; gate++)
                    CopyPanel(source + (gate * width), target + (TGates.InputSlot(gate) * width));
                if (TGates.Slots > TGates.Gates)
                    CopyPanel(packed.Bias + ((TGates.Slots - 1) * width) + u, target + ((TGates.Slots - 1) * width));
            }

            if (state is not null)
            {
                for (int gate = 0; gate < TGates.Gates; gate++)
                    TProducts.MultiplyPanel(level, rows, hiddenCount, left, packed.Hidden, (gate * width) + u, activations
                        + ((TGates.HiddenSlot + gate) * width) + u, row);
            }

            GateKernels<TGates>.Forward(level, rows, activations + u, width, before is null ? null : before + u, after + u, stateAfter + u);
        }
    }

    private static void CopyPanel(float* source, float* target) =>
        Unsafe.CopyBlockUnaligned(target, source, Gemm.Panel * sizeof(float));

    // One block, last step first.
    private static void Block(NeighbourLists lists, int block, int hiddenCount, SavedSteps saved, float* dOutput, in BackwardWork work)
    {
        int first = lists.FirstPlace[block];
        int rows = lists.FirstPlace[block + 1] - first;
        int width = work.Width;
        int row = TGates.Slots * width;
        int columns = TGates.Gates * width;
        NativeMemory.Clear(work.DCell, (nuint)((long)rows * width * sizeof(float)));
        for (int r = 0; r < rows; r++)
        {
            float* target = work.DHidden + ((long)r * width);
            new Span<float>(dOutput + ((long)lists.NodeOfPlace[first + r] * hiddenCount),
                hiddenCount).CopyTo(new Span<float>(target, hiddenCount));
            new Span<float>(target + hiddenCount, width - hiddenCount).Clear();
        }

        for (int step = saved.FirstStep[block + 1] - 1; step >= saved.FirstStep[block]; step--)
        {
            int t = step - saved.FirstStep[block];
            SavedStep now = saved.Steps[step];
            SavedStep earlier = t > 0 ? saved.Steps[step - 1] : default;
            float* gradients = (float*)now.Activations;
            float* ofHidden = gradients + (TGates.HiddenSlot * width);
            for (int u = 0; u < width; u += Gemm.Panel)
            {
                float* carry = t > 0 ? (float*)earlier.Carry + u : null;
                GateKernels<TGates>.Backward(work.Level, now.Rows, gradients + u, width, carry, (float*)now.Carry + u, work.DHidden + u,
                    work.DCell + u);
            }

            for (int r = 0; r < now.Rows; r++)
            {
                float* target = work.DProjected + ((long)lists.Source[lists.FirstEdge[lists.NodeOfPlace[first + r]] + t] * columns);
                for (int gate = 0; gate < TGates.Gates; gate++)
                {
                    float* source = gradients + ((long)r * row) + (TGates.InputSlot(gate) * width);
                    for (int u = 0; u < width; u += Gemm.Panel)
                        Matrices.Add(source + u, target + (gate * width) + u);
                }
            }

            if (TGates.Slots > TGates.Gates)
                Matrices.AddColumnSums(gradients + ((TGates.Slots - 1) * width), now.Rows, width, row, work.DLastBias);
            if (t == 0)
                continue;
            GateKernels<TGates>.Hidden(work.Level, now.Rows, (float*)earlier.Activations, width, (float*)earlier.Carry, work.Hidden);
            TProducts.AddOuter(work.Level, now.Rows, columns, width, ofHidden, row, work.Hidden, work.DRecurrent, work.Room);
            LeftFactor left = TProducts.Left(now.Rows, columns, ofHidden, row, work.Room);
            TProducts.Multiply(work.Level, now.Rows, width, columns, left, work.Recurrent, work.DHidden, width, accumulate: true);
        }
    }

    private readonly ref struct BackwardWork
    {
        public required SimdLevel Level { get; init; }

        public required int Width { get; init; }

        public required nint Recurrent { get; init; }

        public required float* DRecurrent { get; init; }

        public required float* DLastBias { get; init; }

        public required float* DProjected { get; init; }

        public required float* DHidden { get; init; }

        public required float* DCell { get; init; }

        public required float* Hidden { get; init; }

        public required nint Room { get; init; }
    }
}
