using TorchSharp;

namespace Pruning.Native.Kernels;

/// <summary>How in-neighbours become one vector without weights.</summary>
public enum ReductionKind
{
    /// <summary>Sum.</summary>
    Sum,

    /// <summary>Mean.</summary>
    Mean,

    /// <summary>Largest value, feature by feature.</summary>
    Max,
}

/// <summary>
/// Fused CPU kernels for float32: sum, mean and largest value over the in-neighbours of each node; without any it is zero.
/// </summary>
public static unsafe class FusedReduction
{
    /// <summary>Forward pass.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="lists">The graph.</param>
    /// <param name="x">[nodes, features]</param>
    /// <param name="output">[nodes, features], overwritten.</param>
    /// <exception cref="ArgumentException">A tensor does not fit.</exception>
    public static void Forward(ReductionKind kind, NeighbourLists lists, torch.Tensor x, torch.Tensor output)
    {
        int columns = checked((int)x.size(1));
        float* from = TensorMemory.Floats(x, nameof(x), lists.NodeCount, columns);
        float* to = TensorMemory.Floats(output, nameof(output), lists.NodeCount, columns);
        if (kind == ReductionKind.Max)
            SegmentReduction.Max(lists, columns, from, to);
        else
            SegmentReduction.Sum(lists, columns, kind == ReductionKind.Mean, from, to);
        FusedAggregator.KeepAlive(x, output);
    }

    /// <summary>Backward pass. Equal largest values share the gradient as a chain of two-argument maxima would.</summary>
    /// <param name="kind">As in the forward pass.</param>
    /// <param name="lists">As in the forward pass.</param>
    /// <param name="x">As in the forward pass.</param>
    /// <param name="output">Of the forward pass; looked at for the largest value only.</param>
    /// <param name="dOutput">[nodes, features]</param>
    /// <param name="dX">[nodes, features], overwritten.</param>
    /// <exception cref="ArgumentException">A tensor does not fit.</exception>
    public static void Backward(ReductionKind kind, NeighbourLists lists, torch.Tensor x, torch.Tensor output, torch.Tensor dOutput,
        torch.Tensor dX)
    {
        int columns = checked((int)dX.size(1));
        float* dTo = TensorMemory.Floats(dOutput, nameof(dOutput), lists.NodeCount, columns);
        float* dFrom = TensorMemory.Floats(dX, nameof(dX), lists.NodeCount, columns);
        if (kind == ReductionKind.Max)
        {
            float* from = TensorMemory.Floats(x, nameof(x), lists.NodeCount, columns);
            float* to = TensorMemory.Floats(output, nameof(output), lists.NodeCount, columns);
            SegmentReduction.MaxBackward(lists, columns, from, to, dTo, dFrom);
        }
        else
        {
            SegmentReduction.SumBackward(lists, columns, kind == ReductionKind.Mean, dTo, dFrom);
        }

        FusedAggregator.KeepAlive(x, output, dOutput, dX);
    }
}
