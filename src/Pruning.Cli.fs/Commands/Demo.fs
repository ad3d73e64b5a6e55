module Pruning.Cli.Commands.Demo

open System
open System.Diagnostics
open System.IO
open System.Threading
open Argu
open Pruning.Cli
open Pruning.Model
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
            | Runs _ -> "directory under which the two runs get their own (default runs)"
            | Threads _ -> "threads that share the graphs of a step (default 1)"
            | Seed _ -> "another split and other first weights (default 42)"
            | Libtorch _ -> "use the libtorch in this directory"
            | Json -> "print the final metrics as JSON on stdout"

/// The sample is copied beside the program when it is built.
let samplePath = Path.Combine(AppContext.BaseDirectory, "samples", "tracksters.root")

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
            Input =
                { Inputs.standard with
                    Files = [ samplePath ]
                }
        }

    List.fold apply start arguments

/// Small networks that learn something from 750 graphs in a minute each; a serious training takes the defaults of `train`.
let private small (settings: TrainSettings) name strategy epochs batchSize : TrainSettings =
    { settings with
        Name = name
        Model =
            { settings.Model with
                Hidden = 32
                Rounds = 2
                Strategy = strategy
                Aggregator = Aggregator.Mean
            }
        Training =
            { settings.Training with
                Epochs = epochs
                BatchSize = batchSize
                LearningRate = 3e-3
            }
    }

let private equilibrium settings = small settings "demo-equilibrium" (DecisionStrategy.Equilibrium 3) 16 16

let private autoregressive settings = small settings "demo-autoregressive" DecisionStrategy.Autoregressive 5 32

/// The rules that a network has to beat, and the oracle, judged on the test split.
let private baselines (data: SplitData) : (string * MetricState) list =
    let graphs (indices: int array) = indices |> Seq.map (fun index -> data.Dataset[index])

    [
        for name, margins in Rules.trained ignore data.Dataset data.Split.Training ->
            name, Baselines.evaluate margins (graphs data.Split.Test)
    ]

let private shown =
    [
        "average_precision"
        "roc_auc"
        "precision"
        "recall"
        "f1"
        "energy_efficiency"
        "energy_purity"
    ]

let private showTable (terminal: Terminal) (rows: (string * MetricState) list) =
    let metrics state = Map.ofList (MetricState.report state)

    Terminal.table
        terminal
        (("model", false) :: [ for name in shown -> name.Replace('_', ' '), true ])
        [
            for name, state in rows do
                let values = metrics state
                name :: [ for metric in shown -> Say.number values[metric] ]
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
    // Shorter, and what the documentation says, in a checkout.
    let local = Path.Combine("samples", "tracksters.root")
    let sample = if File.Exists local then local else samplePath
    say ""

    say
        $"The runs, with weights, metrics and TensorBoard events, are under {Path.GetFullPath settings.RunsDirectory}. What to try next:"

    say $"  {program} stats {sample}"
    say $"  {program} evaluate {best.Directory}"
    say $"  {program} report {best.Directory}"
    say $"  {program} display {sample} --entry 7 --model {best.Directory}"
    say $"  {program} train {sample} --epochs 10            the real network, some minutes"
    say $"  {program} train YOUR.root \"Tracksters;1\" \"Edges;1\""
    say $"  tensorboard --logdir {settings.RunsDirectory}"

let private run (terminal: Terminal) (arguments: DemoArgument list) : int =
    let clock = Stopwatch.StartNew()
    let settings = settingsOf arguments
    let device = Session.start terminal settings.LibTorch settings.Engine settings.Gpus
    let data = Session.openData terminal settings.Input (TrainSettings.splitOptions settings)
    use _dataset = data.Dataset
    use interruption = new Interruption(terminal)
    let command = Environment.GetCommandLineArgs() |> List.ofArray

    let train settings =
        Session.train terminal command settings device data (fun () -> interruption.ExitCode) interruption.Token


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

        Terminal.say terminal $"Done in {Say.duration clock.Elapsed}."
        tellNext terminal settings (List.head runs)
        ExitCode.ok

let command: Command =
    Command.create<DemoArgument>
        {
            Verb = "demo"
            Summary = "the tour: train two small networks on a sample and compare them, in three minutes"
            Synopsis = "[options]"
            Explanation =
                "Takes a sample of 1,000 toy tracksters that comes with the program, trains a small equilibrium network (all layer clusters decided at once, in several passes) and a small autoregressive one (one layer cluster a step), and compares both on held-out tracksters with rules that look at single layer clusters: keeping everything, cuts on the energy and on the distance from the axis, a logistic regression, and the oracle, which reads the labels. Average precision and ROC AUC do not depend on a threshold; precision and recall count a layer cluster as pruned above a probability of one half; energy efficiency is the share of the energy to keep that is kept, energy purity the share of the kept energy that should be."
            Examples =
                [ "demo", "everything, about three minutes on two cores"; "demo --json > demo.json", "for scripts" ]
        }
        run
