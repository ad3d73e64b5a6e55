module Pruning.Cli.Commands.Benchmark

open System
open System.Diagnostics
open System.IO
open Argu
open TorchSharp
open Pruning.Cli
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model
open Pruning.Model.Training

type BenchmarkArgument =
    | [<MainCommand>] Input of file: string list
    | Graphs of path: string
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
            | Hidden_Dim _ -> "width of the networks (default 128)"
            | Repeats _ -> "timings of each thing; the best counts (default 5)"
            | Threads _ -> "threads that share the graphs of a batch (default 1)"
            | Autoregressive -> "time the autoregressive network too, on the first 12 graphs (some minutes)"
            | Mode _ -> "train, infer: equilibrium or autoregressive (default equilibrium)"
            | Decision _ -> "train, infer: decision cell, lstm or gru (default lstm)"
            | Memory _ -> "train, infer: memory cell, none, gru or lstm (default none)"
            | Neighbour_Aggregator _ -> "train, infer: lstm, gru, mean, max or sum (default lstm)"
            | Batch _ -> "train, infer: graphs a batch (default 64)"
            | Limit _ -> "train, infer: the first so many graphs only"
            | Engine _ -> "train, infer: auto, portable or fused (default auto)"
            | Memory_Budget _ -> "train: gigabytes that back-propagation through autoregressive steps may keep"
            | Libtorch _ -> "use the libtorch in this directory"
            | Json -> "one JSON document on stdout"

type BenchmarkSettings =
    {
        File: string
        Graphs: string option
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
        | Hidden_Dim text ->
            let hidden = Value.whole "--hidden-dim" (2, 8192) text

            if hidden % 2 = 1 then
                Value.refuse "--hidden-dim" "an even number" text

            { settings with
                Hidden = hidden
                Network.Config.Hidden = hidden
            }
        | Repeats text ->
            let repeats = Value.whole "--repeats" (1, 1000) text

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
                [ "equilibrium", PrunerConfig.standard.Strategy; "autoregressive", DecisionStrategy.Autoregressive ]

            { settings with
                Network.Config.Strategy = Value.choice "--mode" strategies text
            }
        | Decision text ->
            { settings with
                Network.Config.DecisionCell = Value.choice "--decision" TrainSettings.cells text
            }
        | Memory text ->
            { settings with
                Network.Config.MemoryCell = Value.choice "--memory" TrainSettings.memories text
            }
        | Neighbour_Aggregator text ->
            { settings with
                Network.Config.Aggregator = Value.choice "--neighbour-aggregator" TrainSettings.aggregators text
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
                Network.Engine = Value.choice "--engine" TrainSettings.engines text
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
            File = Demo.samplePath
            Graphs = None
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
                    Engine = Engine.Auto
                    Backpropagation = Backpropagation.Full
                    Json = false
                }
            IsNetwork = false
            LibTorch = None
            Json = false
        }
        arguments

/// What was timed: the best of the repeats.
type Timing =
    {
        name: string
        graphs: int
        wall_ms_per_graph: float
        cpu_ms_per_graph: float
        graphs_per_second: float
    }

/// Times an action on some graphs. Two rounds before the first timing let the JIT compilers and the allocator settle.
let private time (name: string) (graphs: int) (repeats: int) (action: unit -> unit) : Timing =
    action ()
    action ()
    let mutable wall, cpu = infinity, infinity
    use self = Process.GetCurrentProcess()

    for _ in 1..repeats do
        self.Refresh()
        let before = self.TotalProcessorTime
        let clock = Stopwatch.StartNew()
        action ()
        wall <- min wall clock.Elapsed.TotalMilliseconds
        self.Refresh()
        cpu <- min cpu (self.TotalProcessorTime - before).TotalMilliseconds

    {
        name = name
        graphs = graphs
        wall_ms_per_graph = wall / float graphs
        cpu_ms_per_graph = cpu / float graphs
        graphs_per_second = 1000.0 * float graphs / wall
    }

/// File to batches on one thread: read, decompress, decode, check, build, collate with the neighbour plan.
let private timeLoading (file: string) (repeats: int) : Timing =
    let input =
        { Inputs.standard with
            Files = [ file ]
            Workers = 1
        }

    let load () =
        use dataset = Inputs.openQuietly input
        let mutable batches = 0

        for _ in BatchLoader.Batches(dataset, [| 0 .. dataset.Count - 1 |], 64, 0, 1, Threading.CancellationToken.None) do
            batches <- batches + 1

        dataset.Count

    let count = load ()
    time "load: file to batches of 64" count (max repeats 10) (fun () -> load () |> ignore)

/// Graphs of benchmarks/bench-graphs.safetensors: node and edge offsets, ends in edge order, features, labels.
let private readGraphs (path: string) : ShowerGraph list =
    use file = SafeTensors.read path
    use _scope = torch.NewDisposeScope()
    let longs (name: string) = (file.Tensor name).data<int64>().ToArray()
    let floats (name: string) = (file.Tensor name).data<float32>().ToArray()
    let nodes, edges = longs "node_offsets", longs "edge_offsets"
    let source, target = longs "src", longs "dst"
    let features, labels = floats "features", floats "labels"

    [
        for g in 0 .. nodes.Length - 2 do
            let first, last = int nodes[g], int nodes[g + 1] - 1
            let from, upTo = int edges[g], int edges[g + 1] - 1
            let width = ShowerGraph.FeatureCount

            ShowerGraph(
                GraphOrigin(path, int64 g, Nullable()),
                features[first * width .. (last + 1) * width - 1],
                source[from..upTo] |> Array.map int,
                target[from..upTo] |> Array.map int,
                labels[first..last] |> Array.map byte
            )
    ]

let private graphsOf (settings: BenchmarkSettings) : ShowerGraph list * string =
    let usual = Path.Combine("benchmarks", "bench-graphs.safetensors")

    let ofRoot path count =
        use dataset =
            Inputs.openQuietly
                { Inputs.standard with
                    Files = [ path ]
                }

        [ for i in 0 .. (min count dataset.Count) - 1 -> dataset[i] ], path

    match settings.Graphs with
    | Some path when path.EndsWith ".root" -> ofRoot path (defaultArg settings.Network.Limit 64)
    | Some path -> readGraphs path, path
    | None when File.Exists usual -> readGraphs usual, usual
    | None -> ofRoot settings.File 64

let private modelOf (config: PrunerConfig) : TrainedModel =
    use random = new torch.Generator(42UL)

    {
        Pruner = Pruner.create random config
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 20.0 }
        Notes = Map.empty
    }

/// Training steps and inference on one batch of all graphs.
let private timeNetwork
    (name: string)
    (config: PrunerConfig)
    threads
    (graphs: ShowerGraph list)
    (repeats: int)
    : Timing list =
    let batch = BatchAssembler.Collate(List.toArray graphs)
    let model = modelOf config

    use trainer =
        Trainer.create
            torch.CPU
            { TrainingConfig.standard with
                Threads = threads
            }
            model

    let mutable step = 0

    let train () =
        step <- step + 1
        Trainer.step trainer 1 step batch |> ignore

    let infer () =
        Workers.divide config.Strategy threads batch
        |> Workers.map (fun _ (part, _) -> Pruner.decide torch.CPU model.Pruner part)
        |> ignore

    [
        time $"{name}: training step" graphs.Length repeats train
        time $"{name}: inference" graphs.Length repeats infer
    ]

/// Live tensors after 10 and after 200 steps of a small network: a leak would show.
let private liveTensors (graphs: ShowerGraph list) : int64 * int64 =
    let batch = BatchAssembler.Collate(graphs |> List.truncate 4 |> List.toArray)

    use trainer =
        Trainer.create
            torch.CPU
            TrainingConfig.standard
            (modelOf
                { PrunerConfig.standard with
                    Hidden = 8
                    Rounds = 1
                })

    let live () =
        GC.Collect()
        GC.WaitForPendingFinalizers()
        Tensor.TotalCount

    let mutable atTen = 0L

    for step in 1..200 do
        Trainer.step trainer 1 step batch |> ignore

        if step = 10 then
            atTen <- live ()

    atTen, live ()

/// Start of the program until its overview is printed; the best counts.
let private timeHelp (repeats: int) : float option =
    match Environment.ProcessPath, Environment.GetCommandLineArgs() with
    | null, _
    | _, [||] -> None
    | host, words ->
        let arguments =
            if Path.GetFileNameWithoutExtension host = "dotnet" then
                [ words[0]; "--help" ]
            else
                [ "--help" ]

        let once () =
            let clock = Stopwatch.StartNew()
            let start = ProcessStartInfo(host, arguments, RedirectStandardOutput = true)

            match Process.Start start with
            | null -> infinity
            | started ->
                use running = started
                running.StandardOutput.ReadToEnd() |> ignore
                running.WaitForExit()
                clock.Elapsed.TotalMilliseconds

        Some(List.min [ for _ in 0..repeats -> once () ])

/// Everything that benchmarks/results.md reports.
let private runAll
    (terminal: Terminal)
    (settings: BenchmarkSettings)
    (graphs: ShowerGraph list)
    (origin: string)
    : int =
    let say (timing: Timing) =
        Terminal.detail terminal $"{timing.name}: {Say.number timing.wall_ms_per_graph} ms a graph"

    let keep (timings: Timing list) =
        timings |> List.iter say
        timings

    let equilibrium =
        { PrunerConfig.standard with
            Hidden = settings.Hidden
        }

    let autoregressive =
        { equilibrium with
            Strategy = DecisionStrategy.Autoregressive
        }

    Terminal.say
        terminal
        $"Timing with {settings.Threads} thread(s), best of {settings.Repeats}; graphs of {origin}, loading of {settings.File}."

    let timings =
        [
            yield! keep [ timeLoading settings.File settings.Repeats ]
            yield!
                keep (
                    timeNetwork
                        $"equilibrium lstm/none, H {settings.Hidden}"
                        equilibrium
                        settings.Threads
                        graphs
                        settings.Repeats
                )

            if settings.Autoregressive then
                let few = List.truncate 12 graphs

                yield!
                    keep (
                        timeNetwork
                            $"autoregressive lstm/none, H {settings.Hidden}"
                            autoregressive
                            settings.Threads
                            few
                            settings.Repeats
                    )
        ]

    let atTen, atTwoHundred = liveTensors graphs
    let help = timeHelp settings.Repeats

    if settings.Json then
        Terminal.json
            terminal
            {|
                threads = settings.Threads
                timings = timings
                live_tensors_step_10 = atTen
                live_tensors_step_200 = atTwoHundred
                help_ms = help
            |}
    else
        Terminal.table
            terminal
            [ "what", false; "graphs", true; "ms a graph", true; "CPU ms a graph", true; "graphs/s", true ]
            [
                for timing in timings ->
                    [
                        timing.name
                        Say.count timing.graphs
                        Say.number timing.wall_ms_per_graph
                        Say.number timing.cpu_ms_per_graph
                        Say.count (int64 timing.graphs_per_second)
                    ]
            ]

        Terminal.print terminal $"live tensors after step 10: {atTen}, after step 200: {atTwoHundred}"

        match help with
        | Some milliseconds -> Terminal.print terminal $"--help: {Say.number (Math.Round milliseconds)} ms"
        | None -> ()

    ExitCode.ok

let private run (terminal: Terminal) (arguments: BenchmarkArgument list) : int =
    let settings = settingsOf arguments
    Session.start terminal settings.LibTorch settings.Network.Engine 0 |> ignore
    let graphs, origin = graphsOf settings

    if settings.IsNetwork then
        BenchmarkNetwork.run terminal settings.Network graphs
    else
        runAll terminal settings graphs origin

let command: Command =
    Command.create<BenchmarkArgument>
        {
            Verb = "benchmark"
            Summary = "time loading, training steps and inference on this machine"
            Synopsis = "[train | infer | FILE] [options]"
            Explanation =
                "Measures what benchmarks/results.md reports: reading a ROOT file into batches on one thread, a training step and inference of the equilibrium network of the original's size on 64 graphs, whether tensors leak, and how soon --help answers. The best of several timings counts; on a busy machine look at the CPU time."
            Examples =
                [
                    "benchmark", "everything but the autoregressive network, about a minute"
                    "benchmark train --mode autoregressive --limit 12 --json",
                    "one network: ms a graph beside the machine's own matrix product"
                    "benchmark data.root --threads 2 --autoregressive --json", "more, for scripts"
                ]
        }
        run
