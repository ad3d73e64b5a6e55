namespace Pruning.Model.Distributed

open System
open System.Text
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Native.Errors
open Pruning.Native.Torch
open Pruning.Native.Nccl
open Pruning.Native.Mpi

/// How the gradients of a step travel from rank to rank.
[<RequireQualifiedAccess; NoComparison; NoEquality>]
type ExchangeRoute =
    /// Through the memory of the host and the communicator; with the reason, for people.
    | Host of reason: string
    /// From GPU to GPU.
    | Nccl of NcclRanks

/// What a rank needs to try NCCL: its own pieces, so that tests can give others.
[<NoComparison; NoEquality>]
type NcclNeeds =
    {
        /// Number of the GPU; None on the CPU.
        Gpu: int option
        Load: unit -> NcclLibrary
        SetDevice: int -> unit
    }

/// NCCL moves the bytes, the sums are ours: in the order of the ranks, and so the bits of every other way.
[<RequireQualifiedAccess>]
module NcclExchange =

    /// What a tensor's device asks for.
    let needsOf (device: torch.Device) : NcclNeeds =
        {
            Gpu = if device.``type`` = DeviceType.CUDA then Some(max 0 device.index) else None
            Load =
                fun () ->
                    let torch = TorchNative.Loaded |> Option.ofObj |> Option.map _.Directory |> Option.toObj
                    NcclLibrary.Load(Environment.GetEnvironmentVariable NcclLibrary.EnvironmentName, torch)
            SetDevice = CudaRuntime.SetDevice
        }

    /// What all ranks say, "" where nothing stands in the way; the first word of one that does.
    let private firstObstacle (ranks: Communicator) (mine: string) : string option =
        ranks.Gather(Encoding.UTF8.GetBytes mine)
        |> Array.map Encoding.UTF8.GetString
        |> Array.tryFind (fun word -> word <> "")

    /// Tries what may fail on this rank alone: its value, or a sentence.
    let private attempt (work: unit -> 'T) : Result<'T, string> =
        try
            Ok(work ())
        with
        | :? DeviceException as error -> Error error.Message
        | :? PeerException as error -> Error error.Message

    let private sentence (outcome: Result<'T, string>) : string =
        match outcome with
        | Ok _ -> ""
        | Error word -> word

    /// NCCL where every rank has its gradients on a GPU and the library is there; else the memory of the host. All ranks call
    /// it, and all take the same way.
    let choose (ranks: Communicator) (needs: NcclNeeds) : ExchangeRoute =
        if ranks.Size = 1 then
            ExchangeRoute.Host "one rank exchanges nothing"
        else
            let library =
                match needs.Gpu with
                | None -> Error $"the gradients of rank {ranks.Rank} are on the CPU"
                | Some gpu ->
                    attempt (fun () ->
                        let library = needs.Load()
                        needs.SetDevice gpu
                        library)

            match firstObstacle ranks (sentence library), library with
            | None, Ok library ->
                let id = attempt (fun () -> if ranks.Rank = 0 then library.CreateId() else [||])

                match firstObstacle ranks (sentence id), id with
                | None, Ok id ->
                    let id = Communicator.broadcast 0 (fun () -> id) ranks
                    let joined = attempt (fun () -> NcclRanks.Join(library, id, ranks.Rank, ranks.Size))

                    match firstObstacle ranks (sentence joined), joined with
                    | None, Ok joined -> ExchangeRoute.Nccl joined
                    | obstacle, joined ->
                        joined |> Result.iter _.Abandon()
                        ExchangeRoute.Host(defaultArg obstacle "")
                | obstacle, _ -> ExchangeRoute.Host(defaultArg obstacle "")
            | obstacle, _ -> ExchangeRoute.Host(defaultArg obstacle "")

    /// For people.
    let describe (route: ExchangeRoute) : string =
        match route with
        | ExchangeRoute.Nccl ranks -> $"from GPU to GPU, by {ranks.Description}"
        | ExchangeRoute.Host reason -> $"through the memory of the host: {reason}"

    /// Replaces numbers by their sums over the ranks. Each rank gets its slice of all, adds in the order of the ranks, and all
    /// get all slices. Slices have one length: zeros fill the last one. flat: [numbers], contiguous
    let sum (ranks: NcclRanks) (flat: Tensor) : unit =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()
        let size, count = int64 ranks.Size, flat.numel ()
        let slice = (count + size - 1L) / size
        let padded = torch.zeros (size * slice, dtype = flat.dtype, device = flat.device)
        padded.narrow(0L, 0L, count).copy_ flat |> ignore
        let received = torch.empty_like padded
        ranks.AllToAll(padded, received)
        let mine = received.narrow (0L, 0L, slice)

        for rank in 1L .. size - 1L do
            mine.add_ (received.narrow (0L, rank * slice, slice)) |> ignore

        ranks.AllGather(mine, padded)
        flat.copy_ (padded.narrow (0L, 0L, count)) |> ignore
