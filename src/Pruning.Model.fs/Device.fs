namespace Pruning.Model

open TorchSharp
open Pruning.Native

/// Where the tensors live.
[<RequireQualifiedAccess>]
module Device =

    /// The CPU for 0 GPUs, the first GPU for 1. One that is not there is a `DeviceException` (exit code 5).
    let select (gpus: int) : torch.Device =
        match gpus with
        | 0 -> torch.CPU
        | 1 when torch.cuda.is_available () -> torch.device "cuda:0"
        | 1 ->
            raise (
                DeviceException
                    "Wanted 1 GPU (--gpus 1), found none that this libtorch can use; leave --gpus out to run on the CPU, or see docs/gpu.md for a CUDA build of libtorch."
            )
        | many ->
            raise (
                DeviceException
                    $"Wanted {many} GPUs (--gpus {many}), this version trains on one device; use --gpus 1, or leave --gpus out to run on the CPU."
            )
