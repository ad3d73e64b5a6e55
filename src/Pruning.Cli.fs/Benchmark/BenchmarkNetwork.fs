/// `benchmark train` and `benchmark infer`: one network on one set of graphs, timed against the machine's own matrix product.
module Pruning.Cli.Benchmark.BenchmarkNetwork

open System
open System.Diagnostics
open TorchSharp
open Pruning.Cli.Framework
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Prediction
open Pruning.Model.Training

[<RequireQualifiedAccess>]
type Task =
    | Train
    | Infer

type NetworkSettings =
    {
        Task: Task
        Config: PrunerConfig
        /// Graphs a batch.
        Batch: int
        /// The first so many graphs only.
        Limit: int option
        Repeats: int
        Threads: int
        Arithmetic: Arithmetic
        Backpropagation: Backpropagation
        Json: bool
    }

/// What a run costs a graph.
type Cost =
    {
        ms_per_graph_min: float
        ms_per_graph_median: float
        cpu_ms_per_graph_min: float
        gflop_per_graph: float
        gflops: float
        gemm_gflops: float
        gemm_share: float
        /// Most that the process ever had in memory.
        peak_memory_mb: float
        /// What it had before the first of the runs, with libtorch and the compiled code in it.
        memory_before_mb: float
        /// Of the first training step on the first batch.
        loss: float option
        gradient_norm: float option
    }

let private gates (cell: CellKind) =
    match cell with
    | CellKind.Lstm -> 4.0
    | CellKind.Gru -> 3.0

/// Operations of matrix products that a pass or step over a graph cannot do without, 2 for each multiply-add. `reached`: nodes
/// with in-edges, whose first neighbour meets a state of zero; `pruneRows`, `confidenceRows`: rows that the heads read.
let private passFlop (config: PrunerConfig) nodes edges reached pruneRows confidenceRows : float =
    let h = float config.Hidden
    let square = 2.0 * h * h

    let aggregation =
        match config.Aggregator with
        | Aggregator.Lstm -> 4.0 * square * (nodes + edges - reached)
        | Aggregator.Gru -> 3.0 * square * (nodes + edges - reached)
        | Aggregator.Mean
        | Aggregator.Max
        | Aggregator.Sum -> 0.0
        | Aggregator.MeanMax -> square * nodes

    let memory =
        config.MemoryCell
        |> Option.map (fun cell -> 2.0 * gates cell * square * nodes)
        |> Option.defaultValue 0.0

    let decision = gates config.DecisionCell * (square + 4.0 * h) * nodes

    float config.Rounds * (aggregation + 2.0 * square * nodes)
    + decision
    + memory
    + 5.0 * square * (pruneRows + confidenceRows)

/// Operations for a graph, in billions; learning takes three times the forward pass.
let gflopOf (task: Task) (config: PrunerConfig) (graph: ShowerGraph) : float =
    let nodes, edges = float graph.NodeCount, float graph.EdgeCount
    let reached = graph.Target |> Array.distinct |> Array.length |> float
    let half = float config.Hidden / 2.0

    let encoder =
        2.0
        * nodes
        * (float config.Features.Length * half
           + half * float config.Hidden
           + 4.0 * half * half)

    let passes =
        match config.Strategy, task with
        | DecisionStrategy.OnePass, _ -> passFlop config nodes edges reached nodes 0.0
        | DecisionStrategy.Tree, _ ->
            // The link head: two products a node, and a small one for both directions of each link.
            let h = float config.Hidden
            let links = (edges - nodes) / 2.0

            passFlop config nodes edges reached nodes 0.0
            + 4.0 * h * h * nodes
            + 16.0 * h * links
        | DecisionStrategy.Equilibrium passes, _ -> float passes * passFlop config nodes edges reached nodes 0.0
        | DecisionStrategy.Autoregressive, Task.Train -> nodes * passFlop config nodes edges reached nodes nodes
        | DecisionStrategy.Autoregressive, Task.Infer -> nodes * passFlop config nodes edges reached 1.0 nodes

    let forward = encoder + passes
    (if task = Task.Train then 3.0 * forward else forward) / 1e9

/// libtorch's product (4096 x 128)(128 x 512) on one thread, in GFLOP a second: the best of many.
let gemmRate () : float =
    use _scope = torch.NewDisposeScope()

    let a, b =
        torch.rand ([| 4096L; 128L |], dtype = torch.float32), torch.rand ([| 128L; 512L |], dtype = torch.float32)

    let once () =
        let clock = Stopwatch.StartNew()
        use _product = a.mm b
        clock.Elapsed.TotalSeconds

    let best = Seq.init 60 (fun _ -> once ()) |> Seq.min
    2.0 * 4096.0 * 128.0 * 512.0 / best / 1e9

let private modelOf (arithmetic: Arithmetic) (config: PrunerConfig) : TrainedModel =
    use random = new torch.Generator(42UL)
    let placement = Placement.on torch.CPU arithmetic

    {
        Pruner = Pruner.create (Init.create placement random) config
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 20.0 }
        Notes = Map.empty
    }

/// Margins of a batch, its graphs divided among threads.
let private infer (settings: NetworkSettings) (model: TrainedModel) (batch: GraphBatch) : unit =
    Workers.divide settings.Config.Strategy settings.Threads batch
    |> Workers.map (fun _ (part, _) -> Pruner.decide torch.CPU model.Pruner part)
    |> ignore

/// Wall and CPU milliseconds of some repeats, after one that is not counted; of 0 repeats, those of the first run.
let private time (repeats: int) (action: unit -> unit) : (float * float) list =
    use self = Process.GetCurrentProcess()

    let once () =
        self.Refresh()
        let before = self.TotalProcessorTime
        let clock = Stopwatch.StartNew()
        action ()
        let wall = clock.Elapsed.TotalMilliseconds
        self.Refresh()
        wall, (self.TotalProcessorTime - before).TotalMilliseconds

    let first = once ()
    if repeats = 0 then [ first ] else [ for _ in 1..repeats -> once () ]

let private trainerOf (settings: NetworkSettings) (model: TrainedModel) : Trainer =
    Trainer.create
        torch.CPU
        { TrainingConfig.standard with
            Threads = settings.Threads
            Backpropagation = settings.Backpropagation
        }
        model

/// Runs a network of the same kind on a few nodes, so that libtorch and the compiled code are in memory before it is measured.
let private settle (settings: NetworkSettings) : unit =
    let model = modelOf settings.Arithmetic settings.Config
    let batch = BenchmarkGraphs.random 8 2 |> Pruner.collate model.Pruner

    match settings.Task with
    | Task.Infer -> infer settings model batch
    | Task.Train ->
        use trainer = trainerOf settings model
        Trainer.step trainer 1 1 batch |> ignore

/// Memory of the process in MB after a collection.
let private resident () : float =
    GC.Collect()
    GC.WaitForPendingFinalizers()
    use self = Process.GetCurrentProcess()
    float self.WorkingSet64 / 1e6

let private median (values: float list) : float =
    let sorted = List.sort values
    (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0

let measure (settings: NetworkSettings) (graphs: ShowerGraph list) : Cost =
    let graphs = settings.Limit |> Option.fold (fun all limit -> List.truncate limit all) graphs

    let model = modelOf settings.Arithmetic settings.Config

    let batches =
        graphs
        |> List.chunkBySize settings.Batch
        |> List.map (Pruner.collate model.Pruner)

    let gemm = gemmRate ()
    settle settings
    let before = resident ()

    use trainer = trainerOf settings model
    let results = ResizeArray<StepResult>()

    let train batch = results.Add(Trainer.step trainer 1 (results.Count + 1) batch)

    let action =
        match settings.Task with
        | Task.Train -> train
        | Task.Infer -> infer settings model

    let times = time settings.Repeats (fun () -> List.iter action batches)
    let perGraph value = value / float graphs.Length
    let best = times |> List.map fst |> List.min |> perGraph
    let flop = graphs |> List.averageBy (gflopOf settings.Task settings.Config)
    let gemm = max gemm (gemmRate ())
    let rate = flop / best * 1000.0
    use self = Process.GetCurrentProcess()

    {
        ms_per_graph_min = best
        ms_per_graph_median = times |> List.map fst |> median |> perGraph
        cpu_ms_per_graph_min = times |> List.map snd |> List.min |> perGraph
        gflop_per_graph = flop
        gflops = rate
        gemm_gflops = gemm
        gemm_share = rate / gemm / float settings.Threads
        peak_memory_mb = float self.PeakWorkingSet64 / 1e6
        memory_before_mb = before
        loss = results |> Seq.tryHead |> Option.map _.Loss
        gradient_norm = results |> Seq.tryHead |> Option.map _.GradientNorm
    }

let run (terminal: Terminal) (settings: NetworkSettings) (graphs: ShowerGraph list) : int =
    if graphs.IsEmpty then
        raise (UsageException "benchmark wants graphs to time, found none; name a file with some (--graphs FILE).")

    let cost = measure settings graphs

    if settings.Json then
        Terminal.json terminal cost
    else
        Terminal.table
            terminal
            [ "what", false; "value", true ]
            [
                [ "ms a graph, minimum"; Say.number cost.ms_per_graph_min ]
                [ "ms a graph, median"; Say.number cost.ms_per_graph_median ]
                [ "CPU ms a graph, minimum"; Say.number cost.cpu_ms_per_graph_min ]
                [ "GFLOP a graph"; Say.number cost.gflop_per_graph ]
                [ "GFLOP/s"; Say.number cost.gflops ]
                [ "GFLOP/s of a matrix product, one thread"; Say.number cost.gemm_gflops ]
                [ "share of it"; Say.number cost.gemm_share ]
                [ "peak memory, MB"; Say.number cost.peak_memory_mb ]
                [ "memory before the first run, MB"; Say.number cost.memory_before_mb ]
                match cost.loss, cost.gradient_norm with
                | Some loss, Some norm ->
                    [ "loss of the first step"; Say.number loss ]
                    [ "norm of its gradients"; Say.number norm ]
                | _ -> ()
            ]

    ExitCode.ok
