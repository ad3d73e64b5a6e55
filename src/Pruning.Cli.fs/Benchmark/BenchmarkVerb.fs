module Pruning.Cli.Benchmark.BenchmarkVerb

open Pruning.Cli.Benchmark.BenchmarkArguments
open System
open System.Diagnostics
open System.IO
open TorchSharp
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Prediction
open Pruning.Model.Training

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

        for _ in
            BatchLoader.Batches(
                dataset,
                [| 0 .. dataset.Count - 1 |],
                64,
                GraphPreparation.None,
                0,
                1,
                Threading.CancellationToken.None
            ) do
            batches <- batches + 1

        dataset.Count

    let count = load ()
    time "load: file to batches of 64" count (max repeats 10) (fun () -> load () |> ignore)

let private modelOf (arithmetic: Arithmetic) (config: PrunerConfig) : TrainedModel =
    use random = new torch.Generator(42UL)
    let placement = Placement.on torch.CPU arithmetic

    {
        Pruner = Pruner.create (Init.create placement random) config
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 20.0 }
        Notes = Map.empty
    }

/// Training steps and inference on one batch of all graphs.
let private timeNetwork
    (name: string)
    (arithmetic: Arithmetic)
    (config: PrunerConfig)
    threads
    (graphs: ShowerGraph list)
    (repeats: int)
    : Timing list =
    let model = modelOf arithmetic config
    let batch = Pruner.collate model.Pruner graphs

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
                Arithmetic.standard
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

let private show
    (terminal: Terminal)
    (settings: BenchmarkSettings)
    (timings: Timing list)
    (atTen: int64, atTwoHundred: int64)
    (help: float option)
    : unit =
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
                        settings.Network.Arithmetic
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
                            settings.Network.Arithmetic
                            autoregressive
                            settings.Threads
                            few
                            settings.Repeats
                    )
        ]

    show terminal settings timings (liveTensors graphs) (timeHelp settings.Repeats)
    ExitCode.ok

let private run (terminal: Terminal) (words: string list) : int =
    let settings = settingsOf words
    Session.start terminal settings.LibTorch settings.Network.Arithmetic 0 |> ignore
    let graphs, origin = BenchmarkArguments.graphsOf settings

    if settings.IsNetwork then
        BenchmarkNetwork.run terminal settings.Network graphs
    else
        runAll terminal settings graphs origin

let command: Command =
    Command.create
        describe
        {
            Verb = "benchmark"
            Summary = "time loading, training steps and inference on this machine"
            Synopsis = "[train | infer | FILE] [options]"
            Explanation =
                "Measures what benchmarks/results.md reports. It reads a ROOT file into batches on one thread, and times a training step \
                 and inference of an equilibrium network of the original's size on 64 graphs. It also counts leaked tensors and times \
                 --help. The best of several timings counts; on a busy machine look at the CPU time."
            Examples =
                [
                    "benchmark", "everything but the autoregressive network, about a minute"
                    "benchmark train --mode autoregressive --limit 12 --json",
                    "one network: ms a graph beside the machine's own matrix product"
                    "benchmark data.root --threads 2 --autoregressive --json", "more, for scripts"
                ]
        }
        run
