/// The words of `benchmark`, and the graphs that it times.
module Pruning.Cli.Benchmark.BenchmarkArguments

open System
open System.IO
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Decoding

/// The sample is copied beside the program when it is built.
let private samplePath = Path.Combine(AppContext.BaseDirectory, "samples", "tracksters.root")

type BenchmarkSettings =
    {
        File: string
        Graphs: string option
        /// Graphs of so many nodes are drawn instead.
        RandomNodes: int option
        Hidden: int
        Repeats: int
        Threads: int
        Autoregressive: bool
        /// What `train` and `infer` time.
        Network: BenchmarkNetwork.NetworkSettings
        IsNetwork: bool
        LibTorch: string option
        Json: bool
    }

/// What words mean together.
let private check (settings: BenchmarkSettings) : BenchmarkSettings =
    let network = settings.Network
    ArithmeticOptions.check 0 network.Arithmetic

    let isBounded =
        match network.Backpropagation with
        | Backpropagation.Bounded _ -> true
        | Backpropagation.Full
        | Backpropagation.Truncated _ -> false

    let learnsStepByStep =
        settings.IsNetwork
        && network.Task = BenchmarkNetwork.Task.Train
        && network.Config.Strategy = DecisionStrategy.Autoregressive

    if settings.RandomNodes.IsSome && settings.Graphs.IsSome then
        raise (UsageException "--graphs and --random-nodes both say which graphs are timed: give one of them.")

    if settings.Repeats = 0 && not settings.IsNetwork then
        raise (UsageException "--repeats 0 belongs to benchmark train and benchmark infer; else it is 1 at least.")

    if isBounded && not learnsStepByStep then
        raise (UsageException "--memory-budget belongs to benchmark train --mode autoregressive.")

    settings

let private standard: BenchmarkSettings =
    {
        File = samplePath
        Graphs = None
        RandomNodes = None
        Hidden = 128
        Repeats = 5
        Threads = 1
        Autoregressive = false
        Network =
            {
                Task = BenchmarkNetwork.Task.Train
                Config = PrunerConfig.standard
                Batch = 64
                Limit = None
                Repeats = 5
                Threads = 1
                Arithmetic = Arithmetic.standard
                Backpropagation = Backpropagation.Full
                Json = false
            }
        IsNetwork = false
        LibTorch = None
        Json = false
    }

let private graphs: Opt<BenchmarkSettings> list =
    [
        Opt.path
            "--graphs"
            "PATH"
            "Graphs of the timed steps: a .safetensors file as benchmarks/bench-graphs.safetensors, or a ROOT file."
            _.Graphs
            (fun v s -> { s with Graphs = v })
        |> Opt.unset "benchmarks/bench-graphs.safetensors if it exists, else the first 64 of the ROOT file"
        Opt.ofKind
            (Kind.optional (Kind.whole (1, 100_000)))
            "--random-nodes"
            "Random graphs of N nodes with 9 in-edges per node instead of those of a file; --limit of them (64)."
            _.RandomNodes
            (fun v s -> { s with RandomNodes = v })
        |> Opt.unset "none"
        Opt.ofKind
            (Kind.optional (Kind.whole (1, Int32.MaxValue)))
            "--limit"
            "train, infer: use only the first N graphs."
            _.Network.Limit
            (fun v s -> { s with Network.Limit = v })
        |> Opt.unset "all"
    ]
    |> Opt.section "Graphs"

let private ofConfig (options: Opt<PrunerConfig> list) : Opt<BenchmarkSettings> list =
    options
    |> Opt.within _.Network.Config (fun v s -> { s with Network.Config = v })

let private network: Opt<BenchmarkSettings> list =
    [
        { Opt.flag
              "--autoregressive"
              "Time the autoregressive network too, on the first 12 graphs. This takes some minutes."
              _.Autoregressive
              (fun v s -> { s with Autoregressive = v }) with
            Rank = 0
        }
        yield!
            ofConfig
                [
                    NetworkOptions.mode
                    NetworkOptions.hidden
                    NetworkOptions.decisionCell |> Opt.alias "--decision"
                    NetworkOptions.memoryCell
                    NetworkOptions.neighbourAggregator
                ]
    ]
    |> Opt.section "Network (train, infer)"

let private timing: Opt<BenchmarkSettings> list =
    [
        Opt.whole
            "--repeats"
            (0, 1000)
            "Timings of each step, after one that does not count; the best counts. 0 with train or infer times the first."
            _.Repeats
            (fun v s ->
                { s with
                    Repeats = v
                    Network.Repeats = v
                })
        Opt.whole "--threads" (1, 1024) "Threads that share the graphs of a batch." _.Threads (fun v s ->
            { s with
                Threads = v
                Network.Threads = v
            })
        Opt.whole "--batch" (1, 1_000_000) "train, infer: graphs per batch." _.Network.Batch (fun v s ->
            { s with Network.Batch = v })
        |> Opt.alias "--batch-size"
        yield!
            ArithmeticOptions.options
            |> Opt.within _.Network.Arithmetic (fun v s ->
                { s with
                    Network = { s.Network with Arithmetic = v }
                })
        Opt.ofKind
            TrainingKinds.memoryBudget
            "--memory-budget"
            "train: gigabytes that back-propagation through autoregressive steps may keep."
            (fun settings ->
                match settings.Network.Backpropagation with
                | Backpropagation.Bounded bytes -> Some bytes
                | _ -> None)
            (fun bytes s ->
                { s with
                    Network.Backpropagation =
                        bytes
                        |> Option.map Backpropagation.Bounded
                        |> Option.defaultValue Backpropagation.Full
                })
        |> Opt.unset "no limit"
        NetworkUse.libtorch _.LibTorch (fun v s -> { s with LibTorch = v })
    ]
    |> Opt.section "Machine"

let private output: Opt<BenchmarkSettings> list =
    [
        Opt.flag "--json" "Print one JSON document on stdout." _.Json (fun v s -> { s with Json = v; Network.Json = v })
    ]
    |> Opt.section "Output"

let private options: Opt<BenchmarkSettings> list = graphs @ network @ timing @ output

let describe () : OptionInfo list = Opt.describe standard options

/// From the words after `benchmark`.
let settingsOf (words: string list) : BenchmarkSettings =
    let line = Arguments.read true (describe ()) words

    let start =
        match line.Positional with
        | [] -> standard
        | [ "train" ] -> { standard with IsNetwork = true }
        | [ "infer" ] ->
            { standard with
                IsNetwork = true
                Network.Task = BenchmarkNetwork.Task.Infer
            }
        | [ file ] -> { standard with File = file }
        | _ -> raise (UsageException "benchmark takes one ROOT file.")

    let settings = Arguments.apply options line start

    check
        { settings with
            Hidden = settings.Network.Config.Hidden
        }

/// The graphs and where they came from.
let graphsOf (settings: BenchmarkSettings) : ShowerGraph list * string =
    let usual = Path.Combine("benchmarks", "bench-graphs.safetensors")

    let ofRoot path count =
        use dataset =
            Inputs.openQuietly
                { Inputs.standard with
                    Files = [ path ]
                }

        [ for i in 0 .. (min count dataset.Count) - 1 -> dataset[i] ], path

    match settings.Graphs with
    | _ when settings.RandomNodes.IsSome ->
        let nodes, count = settings.RandomNodes.Value, defaultArg settings.Network.Limit 64
        BenchmarkGraphs.random nodes count, $"{count} random graphs of {nodes} nodes"
    | Some path when path.EndsWith ".root" -> ofRoot path (defaultArg settings.Network.Limit 64)
    | Some path -> BenchmarkGraphs.ofSafeTensors path, path
    | None when File.Exists usual -> BenchmarkGraphs.ofSafeTensors usual, usual
    | None -> ofRoot settings.File 64
