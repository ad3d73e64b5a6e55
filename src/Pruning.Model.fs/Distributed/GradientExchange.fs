namespace Pruning.Model.Distributed

open System
open System.Runtime.InteropServices
open TorchSharp
open TorchSharp.Modules
open Pruning.Model

/// Adding the gradients of all ranks: one flat vector, one exchange.
[<RequireQualifiedAccess>]
module GradientExchange =

    /// Which parameters have a gradient on any rank. One that has none anywhere stays without: an optimiser passes it
    /// over, which is not the same as a gradient of zero.
    let private present (ranks: Communicator) (parameters: Parameter array) : bool array =
        let mine =
            parameters
            |> Array.map (fun parameter -> if isNull parameter.grad then 0uy else 1uy)

        let all = ranks.Gather mine

        match all |> Array.tryFindIndex (fun flags -> flags.Length <> parameters.Length) with
        | Some rank ->
            raise (
                TrainingException
                    $"Wanted the same network on every rank, found {parameters.Length} parameters on rank {ranks.Rank} and {all[rank].Length} on rank {rank}; give all ranks the same options."
            )
        | None -> Array.init parameters.Length (fun i -> all |> Array.exists (fun flags -> flags[i] <> 0uy))

    /// The gradient of a parameter; zeros where this rank has none.
    let private gradientOf (parameter: Parameter) : Tensor =
        match parameter.grad with
        | null ->
            let zeros = torch.zeros_like(parameter).DetachFromDisposeScope()
            parameter.grad <- zeros
            zeros
        | gradient -> gradient

    let private exchange (ranks: Communicator) (flat: Tensor) : unit =
        match flat.dtype with
        | torch.ScalarType.Float64 ->
            let values = flat.data<float>().ToArray()
            ranks.Sum values
            flat.bytes <- MemoryMarshal.AsBytes(values.AsSpan())
        | _ ->
            let values = flat.data<float32>().ToArray()
            ranks.Sum values
            flat.bytes <- MemoryMarshal.AsBytes(values.AsSpan())

    /// Replaces every gradient by its sum over the ranks. Each rank's is already that of its share of the loss, so that
    /// the sum is the gradient of the joined batch; a rank without graphs adds nothing.
    let sum (ranks: Communicator) (parameters: Parameter list) : unit =
        if ranks.Size > 1 then
            use _guard = torch.no_grad ()
            use _scope = torch.NewDisposeScope()
            let parameters = List.toArray parameters
            let present = present ranks parameters
            let shared = Array.zip parameters present |> Array.filter snd |> Array.map fst

            if shared.Length > 0 then
                let gradients = shared |> Array.map gradientOf
                let flat = torch.cat (gradients |> Array.map _.reshape(-1L)) // [weights]
                let host = flat.cpu().contiguous()
                exchange ranks host
                let back = host.``to`` flat.device
                let mutable start = 0L

                for gradient in gradients do
                    let count = gradient.numel ()
                    gradient.copy_ (back.narrow(0L, start, count).view gradient.shape) |> ignore
                    start <- start + count
