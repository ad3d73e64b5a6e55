namespace Pruning.Model.Prediction

open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Configuration

/// Threads that share the graphs of a batch. libtorch's own threads divide each small operation and wait most of the time;
/// these meet once a batch.
[<RequireQualifiedAccess>]
module Workers =

    /// How many threads a device has work for: a GPU is driven by one.
    let count (device: torch.Device) (threads: int) : int =
        if device.``type`` = DeviceType.CPU then max 1 threads else 1

    /// What a graph costs: a pass, or one for each of its nodes.
    let cost (strategy: DecisionStrategy) (nodes: int64) (edges: int64) : int64 =
        match strategy with
        | DecisionStrategy.OnePass
        | DecisionStrategy.Tree
        | DecisionStrategy.Equilibrium _ -> nodes + edges
        | DecisionStrategy.Autoregressive -> nodes * (nodes + edges)

    /// Parts of about the same cost, at most one a thread, and the graphs of the batch in each. They depend on the batch alone.
    let divide (strategy: DecisionStrategy) (threads: int) (batch: GraphBatch) : (GraphBatch * int array) array =
        if threads = 1 || batch.GraphCount <= 1 then
            [| batch, [| 0 .. batch.GraphCount - 1 |] |]
        else
            let costs =
                Array.init batch.GraphCount (fun graph ->
                    let nodes = batch.NodeOffsets[graph + 1] - batch.NodeOffsets[graph]
                    let edges = batch.EdgeOffsets[graph + 1] - batch.EdgeOffsets[graph]
                    cost strategy (int64 nodes) (int64 edges))

            BatchSlices.Balanced(costs, threads)
            |> Array.map (fun graphs -> BatchSlices.Of(batch, graphs), graphs)

    /// Runs the work for every part, the first one here and each other one on a thread of its own; answers in the order of the
    /// parts. When some fail, the first part's exception is thrown after all have ended.
    let map (work: int -> 'Part -> 'Answer) (parts: 'Part array) : 'Answer array =
        let attempt place part =
            try
                Ok(work place part)
            with error ->
                Error(ExceptionDispatchInfo.Capture error)

        let start place part =
            Task.Factory.StartNew(
                (fun () -> attempt place part),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            )

        match parts with
        | [||] -> [||]
        | _ ->
            let others = parts |> Array.skip 1 |> Array.mapi (fun i part -> start (i + 1) part)
            let first = attempt 0 parts[0]

            Array.append [| first |] (others |> Array.map _.Result)
            |> Array.map (function
                | Ok answer -> answer
                | Error failure ->
                    failure.Throw()
                    raise failure.SourceException)
