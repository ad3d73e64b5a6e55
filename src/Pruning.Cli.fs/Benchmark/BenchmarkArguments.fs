/// The words of `benchmark`, and the graphs that it times.
module Pruning.Cli.Benchmark.BenchmarkArguments

open System
open System.IO
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Decoding

/// The sample is copied beside the program when it is built.
let private samplePath = Path.Combine(AppContext.BaseDirectory, "samples", "tracksters.root")

type BenchmarkArgument =
    | [<MainCommand>] Input of file: string list
    | Graphs of path: string
    | Random_Nodes of n: string
    | [<AltCommandLine "--hidden">] Hidden_Dim of n: string
    | Repeats of n: string
    | Threads of n: string
    | Autoregressive
    | Mode of strategy: string
    | [<AltCommandLine "--decision-cell">] Decision of cell: string
    | [<AltCommandLine "--memory-cell">] Memory of cell: string
    | Neighbour_Aggregator of kind: string
    | Batch of n: string
    | Limit of n: string
    | Engine of kind: string
    | Precision of numbers: string
    | Memory_Budget of gigabytes: string
    | Libtorch of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ ->
                "train or infer: time one network; or a ROOT file whose loading is timed (default: the sample of demo)"
            | Graphs _ ->
                "graphs of the step timings, as benchmarks/bench-graphs.safetensors (the default where it exists); else the first 64 of the ROOT file"
            | Random_Nodes _ ->
                "random graphs of so many nodes and 9 in-edges a node instead of a file's; --limit of them (default 64)"
            | Hidden_Dim _ -> "width of the networks (default 128)"
            | Repeats _ ->
                "timings of each thing, after one that does not count; the best counts (default 5); train, infer: 0 times the first"
            | Threads _ -> "threads that share the graphs of a batch (default 1)"
            | Autoregressive -> "time the autoregressive network too, on the first 12 graphs (some minutes)"
            | Mode _ -> "train, infer: equilibrium, one-pass, autoregressive or tree (default equilibrium)"
            | Decision _ -> "train, infer: decision cell, lstm or gru (default lstm)"
            | Memory _ -> "train, infer: memory cell, none, gru or lstm (default none)"
            | Neighbour_Aggregator _ -> "train, infer: lstm, gru, mean, max, sum or mean-max (default lstm)"
            | Batch _ -> "train, infer: graphs a batch (default 64)"
            | Limit _ -> "train, infer: the first so many graphs only"
            | Engine _ -> "train, infer: auto, portable or fused (default auto)"
            | Precision _ -> "train, infer: float32 or bfloat16 products of the fused kernels (default float32)"
            | Memory_Budget _ -> "train: gigabytes that back-propagation through autoregressive steps may keep"
            | Libtorch _ -> "use the libtorch in this directory"
            | Json -> "one JSON document on stdout"

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
    ArithmeticWords.check 0 network.Arithmetic

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

/// Pure, so that tests can ask it.
let settingsOf (arguments: BenchmarkArgument list) : BenchmarkSettings =
    let apply (settings: BenchmarkSettings) argument =
        match argument with
        | Input [ "train" ] -> { settings with IsNetwork = true }
        | Input [ "infer" ] ->
            { settings with
                IsNetwork = true
                Network.Task = BenchmarkNetwork.Task.Infer
            }
        | Input [ file ] -> { settings with File = file }
        | Input _ -> raise (UsageException "benchmark takes one ROOT file.")
        | Graphs path -> { settings with Graphs = Some path }
        | Random_Nodes text ->
            { settings with
                RandomNodes = Some(Value.whole "--random-nodes" (1, 100_000) text)
            }
        | Hidden_Dim text ->
            let hidden = Value.whole "--hidden-dim" (2, 8192) text

            if hidden % 2 = 1 then
                Value.refuse "--hidden-dim" "an even number" text

            { settings with
                Hidden = hidden
                Network.Config.Hidden = hidden
            }
        | Repeats text ->
            let repeats = Value.whole "--repeats" (0, 1000) text

            { settings with
                Repeats = repeats
                Network.Repeats = repeats
            }
        | Threads text ->
            let threads = Value.whole "--threads" (1, 1024) text

            { settings with
                Threads = threads
                Network.Threads = threads
            }
        | Mode text ->
            let strategies =
                [
                    "equilibrium", PrunerConfig.standard.Strategy
                    "one-pass", DecisionStrategy.OnePass
                    "autoregressive", DecisionStrategy.Autoregressive
                    "tree", DecisionStrategy.Tree
                ]

            { settings with
                Network.Config.Strategy = Value.choice "--mode" strategies text
            }
        | Decision text ->
            { settings with
                Network.Config.DecisionCell = Value.choice "--decision" Choices.cells text
            }
        | Memory text ->
            { settings with
                Network.Config.MemoryCell = Value.choice "--memory" Choices.memories text
            }
        | Neighbour_Aggregator text ->
            { settings with
                Network.Config.Aggregator = Value.choice "--neighbour-aggregator" Choices.aggregators text
            }
        | Batch text ->
            { settings with
                Network.Batch = Value.whole "--batch" (1, 1_000_000) text
            }
        | Limit text ->
            { settings with
                Network.Limit = Some(Value.whole "--limit" (1, Int32.MaxValue) text)
            }
        | Engine text ->
            { settings with
                Network =
                    { settings.Network with
                        Arithmetic = ArithmeticWords.withEngine text settings.Network.Arithmetic
                    }
            }
        | Precision text ->
            { settings with
                Network =
                    { settings.Network with
                        Arithmetic = ArithmeticWords.withPrecision text settings.Network.Arithmetic
                    }
            }
        | Memory_Budget text ->
            { settings with
                Network.Backpropagation =
                    Backpropagation.Bounded(int64 (1e9 * Value.real "--memory-budget" (Interval.above 0.0 1e6) text))
            }
        | Autoregressive -> { settings with Autoregressive = true }
        | Libtorch directory ->
            { settings with
                LibTorch = Some directory
            }
        | Json ->
            { settings with
                Json = true
                Network.Json = true
            }

    List.fold
        apply
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
        arguments
    |> check

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
