namespace Pruning.Model.Tensors

open TorchSharp
open Pruning.Native.Errors

/// Where the tensors live.
[<RequireQualifiedAccess>]
module Device =

    let private missing (wanted: string) (option: string) =
        raise (
            DeviceException
                $"Wanted {wanted} ({option}), found {if torch.cuda.is_available () then torch.cuda.device_count () else 0} that this \
                 libtorch can use; leave the option out to run on the CPU, or see docs/how-to/use-a-gpu.md for a CUDA build of libtorch."
        )

    /// The GPUs of a run in one process: one for each of its ranks.
    let several (gpus: int) : torch.Device list =
        if not (torch.cuda.is_available ()) || torch.cuda.device_count () < gpus then
            missing $"{gpus} GPUs" $"--gpus {gpus}"

        [ for number in 0 .. gpus - 1 -> torch.device $"cuda:{number}" ]

    /// A device by its name: cpu, cuda (the first GPU) or cuda:N.
    let named (name: string) : torch.Device =
        let number =
            match name.Split ':' with
            | [| "cpu" |] -> None
            | [| "cuda" |] -> Some 0
            | [| "cuda"; digits |] when digits <> "" && Seq.forall System.Char.IsAsciiDigit digits && digits.Length < 6 ->
                Some(int digits)
            | _ ->
                raise (DeviceException $"Wanted the names of devices (--devices), cpu, cuda or cuda:N, found '{name}'.")

        match number with
        | None -> torch.CPU
        | Some number when torch.cuda.is_available () && number < torch.cuda.device_count () ->
            torch.device $"cuda:{number}"
        | Some _ -> missing $"the device {name}" "--devices"

    /// The GPU of a rank among those of its machine, in turn.
    let ofLocalRank (rank: int) : torch.Device =
        if not (torch.cuda.is_available ()) then
            missing "a GPU for each rank" "--gpus 1"

        torch.device $"cuda:{rank % torch.cuda.device_count ()}"

    /// The CPU for 0 GPUs, the first GPU for 1. One that is not there is a `DeviceException` (exit code 5).
    let select (gpus: int) : torch.Device =
        match gpus with
        | 0 -> torch.CPU
        | 1 when torch.cuda.is_available () -> torch.device "cuda:0"
        | 1 ->
            raise (
                DeviceException
                    "Wanted 1 GPU (--gpus 1), found none that this libtorch can use; leave --gpus out to run on the CPU, or see \
                     docs/how-to/use-a-gpu.md for a CUDA build of libtorch."
            )
        | many ->
            raise (
                DeviceException
                    $"Wanted {many} GPUs (--gpus {many}), this verb runs on one device; use --gpus 1, or leave --gpus out to run on the \
                     CPU."
            )
