using Pruning.Native.Errors;
using TorchSharp;

namespace Pruning.Native.Kernels;

/// <summary>A gated recurrent cell.</summary>
public enum GatedKind
{
    /// <summary>Long short-term memory: 4 gates and a cell state.</summary>
    Lstm,

    /// <summary>Gated recurrent unit: 3 gates.</summary>
    Gru,
}

/// <summary>The weights of a gated cell, or their gradients, as PyTorch lays them out: g = 4 (i, f, g, o) or 3 (r, z, n) gates.</summary>
/// <param name="InputWeight">[g hidden, inputs]</param>
/// <param name="HiddenWeight">[g hidden, hidden]</param>
/// <param name="InputBias">[g hidden]</param>
/// <param name="HiddenBias">[g hidden]</param>
public sealed record GatedTensors(torch.Tensor InputWeight, torch.Tensor HiddenWeight, torch.Tensor InputBias, torch.Tensor HiddenBias)
{
    /// <summary>Empty tensors for the gradients. The caller disposes them.</summary>
    public GatedTensors EmptyLike() =>
        new(torch.empty_like(InputWeight), torch.empty_like(HiddenWeight), torch.empty_like(InputBias), torch.empty_like(HiddenBias));

    internal unsafe GatedWeights Addresses(GatedKind kind)
    {
        long gates = kind == GatedKind.Lstm ? 4 : 3;
        long hidden = HiddenWeight.size(1);
        long inputs = InputWeight.size(1);
        return new GatedWeights(
            checked((int)inputs),
            checked((int)hidden),
            (nint)TensorMemory.Floats(InputWeight, nameof(InputWeight), gates * hidden, inputs),
            (nint)TensorMemory.Floats(HiddenWeight, nameof(HiddenWeight), gates * hidden, hidden),
            (nint)TensorMemory.Floats(InputBias, nameof(InputBias), gates * hidden),
            (nint)TensorMemory.Floats(HiddenBias, nameof(HiddenBias), gates * hidden));
    }
}

/// <summary>
/// Fused CPU kernels for float32 tensors: the last hidden state of an LSTM or GRU over the in-neighbours of each node. One thread; several
/// threads may call at once. Scratch comes from <see cref="FloatPool"/>.
/// </summary>
public static unsafe class FusedAggregator
{
    /// <summary>Forward pass. Keeps 5 padded widths a float of every edge when <paramref name="keep"/> is set.</summary>
    /// <param name="kind">LSTM or GRU.</param>
    /// <param name="options">Products and registers, here and in the backward pass.</param>
    /// <param name="lists">The graph.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="x">[nodes, inputs]</param>
    /// <param name="output">[nodes, hidden], overwritten; a node without in-edges gets zero.</param>
    /// <param name="keep">Whether a backward pass follows.</param>
    /// <returns>What backward needs; null unless <paramref name="keep"/>.</returns>
    /// <exception cref="ArgumentException">A tensor does not fit.</exception>
    /// <exception cref="DeviceException">There are no such products here.</exception>
    public static SavedSteps? Forward(GatedKind kind, KernelOptions options, NeighbourLists lists, GatedTensors weights, torch.Tensor x,
        torch.Tensor output, bool keep)
    {
        RefuseMissing(options.Precision);
        GatedWeights addresses = weights.Addresses(kind);
        float* from = TensorMemory.Floats(x, nameof(x), lists.NodeCount, addresses.Inputs);
        float* to = TensorMemory.Floats(output, nameof(output), lists.NodeCount, addresses.Hidden);
        SavedSteps? saved = keep ? new SavedSteps(lists.FirstPlace.Length - 1, options) : null;
        switch (kind, options.Precision)
        {
            case (GatedKind.Lstm, ProductPrecision.Float32):
                GatedAggregator<LstmGates, Float32Products>.Forward(options.Level, lists, addresses, from, to, saved);
                break;
            case (GatedKind.Lstm, _):
                GatedAggregator<LstmGates, Bfloat16Products>.Forward(options.Level, lists, addresses, from, to, saved);
                break;
            case (_, ProductPrecision.Float32):
                GatedAggregator<GruGates, Float32Products>.Forward(options.Level, lists, addresses, from, to, saved);
                break;
            default:
                GatedAggregator<GruGates, Bfloat16Products>.Forward(options.Level, lists, addresses, from, to, saved);
                break;
        }

        KeepAlive(weights, x, output);
        return saved;
    }

    /// <summary>Backward pass.</summary>
    /// <param name="kind">As in the forward pass.</param>
    /// <param name="lists">As in the forward pass.</param>
    /// <param name="weights">As in the forward pass.</param>
    /// <param name="x">As in the forward pass.</param>
    /// <param name="saved">What the forward pass gave; it serves once.</param>
    /// <param name="dOutput">[nodes, hidden]</param>
    /// <param name="dX">[nodes, inputs], overwritten; null where nobody asks.</param>
    /// <param name="dWeights">Overwritten.</param>
    /// <exception cref="ArgumentException">A tensor does not fit.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="saved"/> was used before.</exception>
    public static void Backward(GatedKind kind, NeighbourLists lists, GatedTensors weights, torch.Tensor x, SavedSteps saved,
        torch.Tensor dOutput, torch.Tensor? dX, GatedTensors dWeights)
    {
        Once(saved);
        GatedWeights addresses = weights.Addresses(kind);
        GatedWeights gradients = dWeights.Addresses(kind);
        float* from = TensorMemory.Floats(x, nameof(x), lists.NodeCount, addresses.Inputs);
        float* dTo = TensorMemory.Floats(dOutput, nameof(dOutput), lists.NodeCount, addresses.Hidden);
        float* dFrom = dX is null ? null : TensorMemory.Floats(dX, nameof(dX), lists.NodeCount, addresses.Inputs);
        switch (kind, saved.Options.Precision)
        {
            case (GatedKind.Lstm, ProductPrecision.Float32):
                GatedAggregator<LstmGates, Float32Products>.Backward(lists, addresses, from, saved, dTo, dFrom, gradients);
                break;
            case (GatedKind.Lstm, _):
                GatedAggregator<LstmGates, Bfloat16Products>.Backward(lists, addresses, from, saved, dTo, dFrom, gradients);
                break;
            case (_, ProductPrecision.Float32):
                GatedAggregator<GruGates, Float32Products>.Backward(lists, addresses, from, saved, dTo, dFrom, gradients);
                break;
            default:
                GatedAggregator<GruGates, Bfloat16Products>.Backward(lists, addresses, from, saved, dTo, dFrom, gradients);
                break;
        }

        saved.Dispose();
        KeepAlive(weights, x, dOutput, dX, dWeights);
    }

    /// <summary>Refuses a precision that this machine and this libtorch cannot multiply in.</summary>
    /// <param name="precision">Numbers of the products.</param>
    /// <exception cref="DeviceException">There are no such products here.</exception>
    public static void RefuseMissing(ProductPrecision precision)
    {
        if (precision == ProductPrecision.Bfloat16 && Bfloat16Support.WhyNot is { } reason)
            throw new DeviceException($"Wanted bfloat16 products (--precision bfloat16), found {reason}; use --precision float32.");
    }

    internal static void Once(SavedSteps saved)
    {
        if (saved.IsSpent)
            throw new InvalidOperationException(
                "a fused backward pass was asked for twice, but what the forward pass kept serves once; run the forward pass again.");
    }

    // The addresses above do not keep their tensors alive.
    internal static void KeepAlive(params ReadOnlySpan<object?> owners)
    {
        foreach (object? owner in owners)
            GC.KeepAlive(owner);
    }
}

/// <summary>
/// Fused CPU kernels for float32 tensors: one step of an LSTM or GRU cell for all nodes. One thread; several threads may call
/// at once.
/// </summary>
public static unsafe class FusedCell
{
    /// <summary>Forward pass. Keeps 5 padded widths of floats a node when <paramref name="keep"/> is set.</summary>
    /// <param name="kind">LSTM or GRU.</param>
    /// <param name="options">Products and registers, here and in the backward pass.</param>
    /// <param name="weights">Weights.</param>
    /// <param name="x">[nodes, inputs]</param>
    /// <param name="hidden">[nodes, hidden]</param>
    /// <param name="cell">[nodes, hidden]; null for a GRU.</param>
    /// <param name="nextHidden">[nodes, hidden], overwritten.</param>
    /// <param name="nextCell">[nodes, hidden], overwritten; null for a GRU.</param>
    /// <param name="keep">Whether a backward pass follows.</param>
    /// <returns>What backward needs; null unless <paramref name="keep"/>.</returns>
    /// <exception cref="ArgumentException">A tensor does not fit.</exception>
    /// <exception cref="DeviceException">There are no such products here.</exception>
    public static SavedSteps? Forward(GatedKind kind, KernelOptions options, GatedTensors weights, torch.Tensor x, torch.Tensor hidden,
        torch.Tensor? cell, torch.Tensor nextHidden, torch.Tensor? nextCell, bool keep)
    {
        FusedAggregator.RefuseMissing(options.Precision);
        GatedWeights addresses = weights.Addresses(kind);
        int rows = checked((int)x.size(0));
        float* input = TensorMemory.Floats(x, nameof(x), rows, addresses.Inputs);
        float* state = State(hidden, nameof(hidden), rows, addresses.Hidden);
        float* carry = State(cell, nameof(cell), rows, addresses.Hidden);
        float* nextState = State(nextHidden, nameof(nextHidden), rows, addresses.Hidden);
        float* nextCarry = State(nextCell, nameof(nextCell), rows, addresses.Hidden);
        CheckCell(kind, cell, nextCell);
        SavedSteps? saved = keep ? new SavedSteps(0, options) : null;
        switch (kind, options.Precision)
        {
            case (GatedKind.Lstm, ProductPrecision.Float32):
                GatedCell<LstmGates, Float32Products>.Forward(options.Level, rows, addresses, input, state, carry, nextState, nextCarry,
                    saved);
                break;
            case (GatedKind.Lstm, _):
                GatedCell<LstmGates, Bfloat16Products>.Forward(options.Level, rows, addresses, input, state, carry, nextState, nextCarry,
                    saved);
                break;
            case (_, ProductPrecision.Float32):
                GatedCell<GruGates, Float32Products>.Forward(options.Level, rows, addresses, input, state, null, nextState, null, saved);
                break;
            default:
                GatedCell<GruGates, Bfloat16Products>.Forward(options.Level, rows, addresses, input, state, null, nextState, null, saved);
                break;
        }

        FusedAggregator.KeepAlive(weights, x, hidden, cell, nextHidden, nextCell);
        return saved;
    }

    /// <summary>Backward pass.</summary>
    /// <param name="kind">As in the forward pass.</param>
    /// <param name="weights">As in the forward pass.</param>
    /// <param name="x">As in the forward pass.</param>
    /// <param name="hidden">As in the forward pass.</param>
    /// <param name="cell">As in the forward pass.</param>
    /// <param name="saved">What the forward pass gave; it serves once.</param>
    /// <param name="dNextHidden">[nodes, hidden], or null for zero.</param>
    /// <param name="dNextCell">[nodes, hidden], or null for zero.</param>
    /// <param name="dX">[nodes, inputs], overwritten; null where nobody asks.</param>
    /// <param name="dHidden">[nodes, hidden], overwritten.</param>
    /// <param name="dCell">[nodes, hidden], overwritten; null for a GRU.</param>
    /// <param name="dWeights">Overwritten.</param>
    /// <exception cref="ArgumentException">A tensor does not fit.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="saved"/> was used before.</exception>
    public static void Backward(
        GatedKind kind, GatedTensors weights, torch.Tensor x, torch.Tensor hidden, torch.Tensor? cell, SavedSteps saved, torch.Tensor? dNextHidden, torch.Tensor? dNextCell,
        torch.Tensor? dX, torch.Tensor dHidden, torch.Tensor? dCell, GatedTensors dWeights)
    {
        FusedAggregator.Once(saved);
        GatedWeights addresses = weights.Addresses(kind);
        GatedWeights gradients = dWeights.Addresses(kind);
        int rows = checked((int)x.size(0));
        float* input = TensorMemory.Floats(x, nameof(x), rows, addresses.Inputs);
        float* state = State(hidden, nameof(hidden), rows, addresses.Hidden);
        float* carry = State(cell, nameof(cell), rows, addresses.Hidden);
        float* dNextState = State(dNextHidden, nameof(dNextHidden), rows, addresses.Hidden);
        float* dNextCarry = State(dNextCell, nameof(dNextCell), rows, addresses.Hidden);
        float* dInput = dX is null ? null : TensorMemory.Floats(dX, nameof(dX), rows, addresses.Inputs);
        float* dState = State(dHidden, nameof(dHidden), rows, addresses.Hidden);
        float* dCarry = State(dCell, nameof(dCell), rows, addresses.Hidden);
        CheckCell(kind, cell, dCell);
        switch (kind, saved.Options.Precision)
        {
            case (GatedKind.Lstm, ProductPrecision.Float32):
                GatedCell<LstmGates, Float32Products>.Backward(rows, addresses, input, state, carry, saved, dNextState, dNextCarry, dInput,
                    dState, dCarry, gradients);
                break;
            case (GatedKind.Lstm, _):
                GatedCell<LstmGates, Bfloat16Products>.Backward(rows, addresses, input, state, carry, saved, dNextState, dNextCarry,
                    dInput, dState, dCarry, gradients);
                break;
            case (_, ProductPrecision.Float32):
                GatedCell<GruGates, Float32Products>.Backward(rows, addresses, input, state, null, saved, dNextState, null, dInput, dState,
                    null, gradients);
                break;
            default:
                GatedCell<GruGates, Bfloat16Products>.Backward(rows, addresses, input, state, null, saved, dNextState, null, dInput,
                    dState, null, gradients);
                break;
        }

        saved.Dispose();
        FusedAggregator.KeepAlive(weights, x, hidden, cell, dNextHidden, dNextCell, dX, dHidden, dCell, dWeights);
    }

    private static float* State(torch.Tensor? tensor, string name, int rows, int hidden) =>
        tensor is null ? null : TensorMemory.Floats(tensor, name, rows, hidden);

    private static void CheckCell(GatedKind kind, torch.Tensor? before, torch.Tensor? after)
    {
        bool wanted = kind == GatedKind.Lstm;
        if (before is null == wanted || after is null == wanted)
            throw new ArgumentException(
                $"a fused {kind} step wanted {(wanted ? "two cell states" : "no cell state")}, found {(before is null ? 0 : 1) + (after is null ? 0 : 1)}.", nameof(before));
    }
}
