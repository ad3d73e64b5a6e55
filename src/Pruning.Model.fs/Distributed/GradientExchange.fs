namespace Pruning.Model.Distributed

open System
open System.Runtime.InteropServices
open TorchSharp
open TorchSharp.Modules
open Pruning.Model.Persistence
open Pruning.Model.Tensors

/// Gradients that are added in float64, part of a batch after part, and rounded once. A sum of some hundred numbers of float32
/// is then the same whatever their order is, but for one in some hundred million.
[<Sealed; NoComparison; NoEquality>]
type WideGradients(parameters: Parameter list) =
    let parameters = List.toArray parameters
    let sums: Tensor option array = Array.create parameters.Length None

    let zeros (parameter: Parameter) =
        torch.zeros(parameter.shape, dtype = torch.float64, device = parameter.device).DetachFromDisposeScope()

    /// The sum for a parameter, from zeros on where nothing was added yet.
    member _.Sum(index: int) : Tensor =
        match sums[index] with
        | Some sum -> sum
        | None ->
            let sum = zeros parameters[index]
            sums[index] <- Some sum
            sum

    /// Which parameters have a gradient.
    member _.Present: bool array = sums |> Array.map _.IsSome

    /// Adds the gradients that the same parameters of a network hold.
    member this.Add(others: Parameter list) : unit =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()

        for index, other in List.indexed others do
            match other.grad with
            | null -> ()
            | gradient -> this.Sum(index).add_(gradient, scalar 1.0) |> ignore

    /// Gives the sums to the parameters as their gradients.
    member _.Store() : unit =
        use _guard = torch.no_grad ()

        for parameter, sum in Array.zip parameters sums do
            parameter.grad <-
                match sum with
                | Some sum -> sum.``to``(parameter.dtype).DetachFromDisposeScope()
                | None -> null

    interface IDisposable with
        member _.Dispose() = sums |> Array.iter (Option.iter _.Dispose())

/// Adding the gradients of all ranks: one flat vector, one exchange.
[<RequireQualifiedAccess>]
module GradientExchange =

    /// Which parameters have a gradient on any rank. One that has none anywhere stays without: an optimiser passes it
    /// over, which is not the same as a gradient of zero.
    let private present (ranks: Communicator) (mine: bool array) : bool array =
        let all = ranks.Gather(mine |> Array.map (fun flag -> if flag then 1uy else 0uy))

        match all |> Array.tryFindIndex (fun flags -> flags.Length <> mine.Length) with
        | Some rank ->
            raise (
                TrainingException
                    $"Wanted the same network on every rank, found {mine.Length} parameters on rank {ranks.Rank} and {all[rank].Length} \
                     on rank {rank}; give all ranks the same options."
            )
        | None -> Array.init mine.Length (fun i -> all |> Array.exists (fun flags -> flags[i] <> 0uy))

    /// The gradient of a parameter; zeros where this rank has none.
    let private gradientOf (parameter: Parameter) : Tensor =
        match parameter.grad with
        | null ->
            let zeros = torch.zeros_like(parameter).DetachFromDisposeScope()
            parameter.grad <- zeros
            zeros
        | gradient -> gradient

    /// flat: [numbers], on the CPU
    let private exchangeOnHost (ranks: Communicator) (flat: Tensor) : unit =
        match flat.dtype with
        | torch.ScalarType.Float64 ->
            let values = flat.data<float>().ToArray()
            ranks.Sum values
            flat.bytes <- MemoryMarshal.AsBytes(values.AsSpan())
        | _ ->
            let values = flat.data<float32>().ToArray()
            ranks.Sum values
            flat.bytes <- MemoryMarshal.AsBytes(values.AsSpan())

    /// Replaces tensors by their sums over the ranks: those that any rank has, `tensor` makes zeros of one that is missing here.
    let private addUp (route: ExchangeRoute) (ranks: Communicator) (mine: bool array) (tensor: int -> Tensor) : unit =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()
        let shared = present ranks mine |> Array.indexed |> Array.filter snd |> Array.map fst

        if shared.Length > 0 then
            let gradients = shared |> Array.map tensor
            let flat = torch.cat (gradients |> Array.map _.reshape(-1L)) // [weights]

            let summed =
                match route with
                | ExchangeRoute.Nccl nccl ->
                    NcclExchange.sum nccl flat
                    flat
                | ExchangeRoute.Host _ ->
                    let host = flat.cpu().contiguous()
                    exchangeOnHost ranks host
                    host.``to`` flat.device

            let mutable start = 0L

            for gradient in gradients do
                let count = gradient.numel ()
                gradient.copy_ (summed.narrow(0L, start, count).view gradient.shape) |> ignore
                start <- start + count

    /// Replaces every gradient by its sum over the ranks. Each rank's is already that of its share of the loss, so that
    /// the sum is the gradient of the joined batch; a rank without graphs adds nothing.
    let sum (route: ExchangeRoute) (ranks: Communicator) (parameters: Parameter list) : unit =
        if ranks.Size > 1 then
            let parameters = List.toArray parameters
            let mine = parameters |> Array.map (fun parameter -> not (isNull parameter.grad))
            addUp route ranks mine (fun i -> gradientOf parameters[i])

    /// The same for gradients that are still in float64.
    let sumWide (route: ExchangeRoute) (ranks: Communicator) (gradients: WideGradients) : unit =
        if ranks.Size > 1 then
            addUp route ranks gradients.Present gradients.Sum
