using System.Runtime.InteropServices;
using Pruning.Native.Errors;
using Pruning.Native.Posix;

namespace Pruning.Native.Nccl;

/// <summary>The one function of CUDA's runtime that libtorch does not offer through TorchSharp.</summary>
public static unsafe class CudaRuntime
{
    /// <summary>
    /// Makes a GPU the current one of this thread, as NCCL wants it. The runtime is the one that libtorch has loaded, whatever
    /// its file is called (an archive of libtorch has a hash in the name).
    /// </summary>
    /// <param name="device">Number of the GPU.</param>
    /// <exception cref="DeviceException">libtorch has no such runtime, or there is no such GPU.</exception>
    public static void SetDevice(int device)
    {
        string path = MappedLibraries.FindStarting("libcudart")
            ?? throw new DeviceException(
                "wanted CUDA's runtime (libcudart) beside libtorch, found none in this process; use a CUDA build of libtorch, "
                    + "see docs/how-to/use-a-gpu.md.");
        var setDevice = (delegate* unmanaged<int, int>)NativeLibrary.GetExport(NativeLibrary.Load(path), "cudaSetDevice");
        int result = setDevice(device);
        if (result != 0)
            throw new DeviceException(
                $"wanted to work on GPU {device}, found that {path} refuses (cudaError_t {result}); see what nvidia-smi lists.");
    }
}
