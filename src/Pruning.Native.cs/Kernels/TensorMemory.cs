using System.Runtime.InteropServices;
using Pruning.Native.Torch;
using TorchSharp;

namespace Pruning.Native.Kernels;

/// <summary>Where the numbers of a tensor are. The tensor must be kept alive while the address is used.</summary>
internal static unsafe class TensorMemory
{
    // TorchSharp's Storage has the address too, but makes two objects and ignores where a view begins.
    private static readonly delegate* unmanaged<nint, nint> _data =
        (delegate* unmanaged<nint, nint>)NativeLibrary.GetExport(TorchNative.Shim, "THSTensor_data");

    /// <summary>Address of the first number of a contiguous tensor, on whatever device it is.</summary>
    /// <exception cref="ArgumentException">It is not contiguous.</exception>
    public static nint Address(torch.Tensor tensor) =>
        tensor.is_contiguous()
            ? _data(tensor.Handle)
            : throw new ArgumentException($"wanted a contiguous tensor, found [{string.Join(", ", tensor.shape)}] with gaps.",
                nameof(tensor));

    /// <summary>Address of the first number of a contiguous float32 tensor on the CPU.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="name">Its name in the error.</param>
    /// <param name="shape">The shape that it must have.</param>
    /// <exception cref="ArgumentException">It has another type, device, shape or layout.</exception>
    public static float* Floats(torch.Tensor tensor, string name, params ReadOnlySpan<long> shape)
    {
        bool fits = tensor.dim() == shape.Length;
        for (int d = 0; fits && d < shape.Length; d++)
            fits = tensor.size(d) == shape[d];
        if (!fits || tensor.dtype != torch.ScalarType.Float32 || tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
        {
            throw new ArgumentException(
                $"the fused kernels wanted {name} as a contiguous float32 tensor [{string.Join(", ", shape.ToArray())}] "
                    + $"on the CPU, found {tensor.dtype} [{string.Join(", ", tensor.shape)}] on {tensor.device}.",
                name);
        }

        return (float*)_data(tensor.Handle);
    }
}
