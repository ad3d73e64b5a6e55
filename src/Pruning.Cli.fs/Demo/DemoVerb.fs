module Pruning.Cli.Demo.DemoVerb

open System
open System.Diagnostics
open System.IO
open System.Threading
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Simulate
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Cli.Report
open Pruning.Cli.Prune
open Pruning.Model.Persistence
open Pruning.Model.Configuration
open Pruning.Model.Metrics
open Pruning.Model.Distributed
open Pruning.Model.Baselines
open Pruning.Model.Training

type DemoArgument =
    | Runs of directory: string
    | Threads of n: string
    | Seed of n: string
    | Libtorch of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Runs _ -> "directory that gets the sample and the two runs (default runs)"
            | Threads _ -> "threads that share the graphs of a step (default: number of cores, 2 at most)"
            | Seed _ -> "another sample, another split and other first weights (default 42)"
            | Libtorch _ -> "use the libtorch in this directory"
            | Json -> "print the final metrics as JSON on stdout"

/// What the options change in the settings of `train`.
let settingsOf (arguments: DemoArgument list) : TrainSettings =
    let apply (settings: TrainSettings) argument =
        match argument with
        | Runs directory ->
            { settings with
                RunsDirectory = directory
            }
        | Threads text ->
            { settings with
                Training =
                    { settings.Training with
                        Threads = Value.whole "--threads" (1, 1024) text
                    }
            }
        | Seed text ->
            let seed = Value.wholeLong "--seed" (0L, Int64.MaxValue) text

            { settings with
                Training = { settings.Training with Seed = seed }
            }
        | Libtorch directory ->
            { settings with
                LibTorch = Some directory
            }
        | Json -> { settings with Json = true }

    let start =
        { TrainSettings.standard with
            Training =
                { TrainSettings.standard.Training with
                    Threads = min 2 Environment.ProcessorCount
                }
        }

    let settings = List.fold apply start arguments

    { settings with
        Input =
            { Inputs.standard with
                Files = [ Path.Combine(settings.RunsDirectory, "demo.root") ]
            }
    }

/// Events of the sample: about 1,000 tracksters, made in a few seconds.
let private events = 400

/// Simulates the sample anew; the same seed gives the same file.
let private makeSample (terminal: Terminal) (settings: TrainSettings) (stop: CancellationToken) =
    Directory.CreateDirectory settings.RunsDirectory |> ignore

    let made =
        SimulateVerb.settingsOf
            [
                yield! settings.Input.Files
                $"--events={events}"
                $"--seed={settings.Training.Seed}"
                "--overwrite"
            ]

    let clock = Stopwatch.StartNew()

    let counts =
        Progress.runOf terminal "events" (int64 events) (fun progress -> SimulateVerb.simulate made progress stop)

    Terminal.say
        terminal
        $"Simulated {Say.count counts.Graphs} tracksters of {events} events in {Say.duration clock.Elapsed}: a toy, not CMS. \
         {settings.Input.Files.Head}"

/// The equilibrium network, applied and reported on; the verbs say themselves what they made.
let private finish (terminal: Terminal) (settings: TrainSettings) (best: FinishedRun) =
    let sample = settings.Input.Files.Head
    // Their tables would drown the comparison.
    let quiet = { terminal with Data = TextWriter.Null }

    let libtorch =
        settings.LibTorch
        |> Option.map (fun directory -> [ "--libtorch"; directory ])
        |> Option.defaultValue []

    let scores = Path.Combine(best.Directory, "scores.root")

    PruneVerb.command.Run quiet ([ best.Directory; sample; "--output"; scores; "--overwrite" ] @ libtorch)
    |> ignore

    Terminal.say terminal $"Score and decision of each layer cluster: {scores}"

    ReportVerb.command.Run quiet ([ best.Directory; "--bootstrap"; "20" ] @ libtorch)
    |> ignore

/// The preset that learns most in little time, deciding in three passes: it beats the baselines after a few seconds.
let private equilibrium (settings: TrainSettings) : TrainSettings =
    { settings with
        Name = "demo-equilibrium"
        Model =
            { Preset.fast.Network with
                Strategy = DecisionStrategy.Equilibrium 3
            }
        Training =
            { Preset.fast.Training with
                Epochs = 12
                BatchSize = 16
                Seed = settings.Training.Seed
                Threads = settings.Training.Threads
            }
    }

/// A small network that takes a pass for each layer cluster: what 600 graphs and half a minute allow.
let private autoregressive (settings: TrainSettings) : TrainSettings =
    { settings with
        Name = "demo-autoregressive"
        Model =
            { settings.Model with
                Hidden = 32
                Rounds = 2
                Strategy = DecisionStrategy.Autoregressive
                Aggregator = Aggregator.Mean
            }
        Training =
            { settings.Training with
                Epochs = 3
                BatchSize = 32
                LearningRate = 3e-3
            }
    }

/// The baselines that a network has to beat, with the oracle, evaluated on the test split.
let private baselines (data: SplitData) : (string * MetricState) list =
    let graphs (indices: int array) = indices |> Seq.map (fun index -> data.Dataset[index])

    [
        for name, margins in Baselines.trained ignore data.Dataset data.Split.Training ->
            name, Baselines.evaluate margins (graphs data.Split.Test)
    ]

let private shown =
    [
        Metrics.averagePrecision
        Metrics.rocAuc
        Metrics.precision
        Metrics.recall
        Metrics.f1
        Metrics.energyEfficiency
        Metrics.energyPurity
    ]

let private showTable (terminal: Terminal) (rows: (string * MetricState) list) =
    Terminal.table
        terminal
        (("model", false) :: [ for metric in shown -> Metrics.heading metric, true ])
        [
            for name, state in rows do
                name :: [ for metric in shown -> Say.number (MetricState.value metric state) ]
        ]

let private showJson
    (terminal: Terminal)
    (rows: (string * MetricState) list)
    (runs: FinishedRun list)
    (seconds: float)
    =
    Json.record
        [
            "seconds", Json.number seconds
            "runs", Json.list [ for run in runs -> Json.text run.Directory ]
            "test", Json.record [ for name, state in rows -> name, MetricTable.toJson state ]
        ]
    |> Terminal.json terminal

let private tellNext (terminal: Terminal) (settings: TrainSettings) (best: FinishedRun) =
    let say = Terminal.say terminal
    let program = Arguments.program
    let sample = settings.Input.Files.Head
    say ""

    say
        $"The runs, with weights, metrics and TensorBoard events, are under {Path.GetFullPath settings.RunsDirectory}. What to try next:"

    say $"  {program} stats {sample}"
    say $"  {program} evaluate {best.Directory}"
    say $"  {program} prune {best.Directory} YOUR.root --output scores.root"
    say $"  {program} display {sample} --entry 7 --model {best.Directory}"
    say $"  {program} train {sample} --epochs 10            the real network, some minutes"
    say $"  {program} train YOUR.root \"Tracksters;1\" \"Edges;1\""
    say $"  tensorboard --logdir {settings.RunsDirectory}"

let private run (terminal: Terminal) (arguments: DemoArgument list) : int =
    let clock = Stopwatch.StartNew()
    let settings = settingsOf arguments
    let device = Session.start terminal settings.LibTorch settings.Arithmetic 0
    use interruption = new Interruption(terminal)
    makeSample terminal settings interruption.Token
    let data = Session.openData terminal settings.Input (TrainSettings.splitOptions settings)
    use _dataset = data.Dataset
    let command = terminal.Command

    let train settings =
        let exitCode _ = interruption.ExitCode
        TrainingRun.train terminal command settings Communicator.alone device data exitCode interruption.Token

    let runs =
        [ equilibrium settings; autoregressive settings ]
        |> List.fold
            (fun runs settings ->
                // After Ctrl-C the next one does not begin.
                if interruption.Token.IsCancellationRequested then
                    runs
                else
                    runs @ [ train settings ])
            []

    if interruption.Token.IsCancellationRequested then
        Terminal.say terminal "Stopped before the comparison."
        ExitCode.interrupted
    else
        let rows =
            baselines data
            @ List.zip
                [ "equilibrium network"; "autoregressive network" ]
                [ for run in runs -> defaultArg run.Test MetricState.zero ]

        if settings.Json then
            showJson terminal rows runs clock.Elapsed.TotalSeconds
        else
            Terminal.print
                terminal
                $"On the {Say.count (int64 data.Split.Test.Length)} graphs of the test split, which no training has seen:"

            showTable terminal rows

        finish terminal settings (List.head runs)
        Terminal.say terminal $"Done in {Say.duration clock.Elapsed}."
        tellNext terminal settings (List.head runs)
        ExitCode.ok

let command: Command =
    ArguVerb.command<DemoArgument>
        {
            Verb = "demo"
            Summary = "the tour: simulate, train two small networks, compare, prune, report"
            Synopsis = "[options]"
            Explanation =
                "Simulates a sample of 1,000 toy tracksters and trains two networks. One is an equilibrium network (the preset fast), \
                 which decides about all layer clusters at once. The other is a small autoregressive network, which decides about one \
                 layer cluster per step. Both are compared on held-out tracksters with baselines that look at single layer clusters. The \
                 baselines keep everything, cut on the energy or on the distance from the axis, or are logistic regressions. The oracle \
                 reads the labels. Average precision and ROC AUC do not depend on a threshold. Precision and recall count a layer cluster \
                 as pruned above a probability of one half. Energy efficiency is the share of the energy to keep that is kept. Energy \
                 purity is the share of the kept energy that should be kept. Then the equilibrium network is applied to the sample \
                 (prune), and a page about it is written (report)."
            Examples = [ "demo", "everything, about a minute on two cores"; "demo --json > demo.json", "for scripts" ]
        }
        run
