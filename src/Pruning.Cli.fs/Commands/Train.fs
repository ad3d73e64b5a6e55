module Pruning.Cli.Commands.Train

open System
open System.IO
open Pruning.Cli
open Pruning.Model
open Pruning.Model.Training

let private showJson (terminal: Terminal) (settings: TrainSettings) (run: FinishedRun) =
    let metrics state = state |> Option.map MetricTable.toJson |> Option.toObj
    let best = run.Outcome.Best

    Json.record
        [
            "run", Json.text run.Directory
            "interrupted", Json.flag run.Outcome.Interrupted
            "epochs", Json.integer run.Outcome.Epochs
            "best_epoch",
            best
            |> Option.map (fun report -> Json.integer report.Epoch)
            |> Option.defaultValue null
            "seconds", Json.number run.Seconds
            "output_file", settings.OutputFile |> Option.map Json.text |> Option.defaultValue null
            "validation", metrics (best |> Option.map _.Validation)
            "test", metrics run.Test
        ]
    |> Terminal.json terminal

let private show (terminal: Terminal) (run: FinishedRun) =
    match run.Outcome.Best with
    | None -> ()
    | Some best ->
        MetricTable.show
            terminal
            [
                $"validation (epoch {best.Epoch})", best.Validation
                match run.Test with
                | Some test -> "test", test
                | None -> ()
            ]

let private tryLast pick (arguments: TrainArgument list) = arguments |> List.choose pick |> List.tryLast

/// Settings of a new run; with `--like`, those of another one with the options given beside it.
let private newSettings (arguments: TrainArgument list) : TrainSettings =
    match
        arguments
        |> tryLast (function
            | Like run -> Some run
            | _ -> None)
    with
    | None -> TrainSettings.ofArguments File.Exists arguments
    | Some _ when List.contains Parity arguments ->
        raise (
            UsageException "--like takes over everything that a run chose, and so does --parity: leave one of them out."
        )
    | Some run -> TrainSettings.ofArgumentsAfter (RunConfig.toSettings (RunConfig.read run)) File.Exists arguments

/// The run to go on with, its settings, and those with the options given beside `--resume`.
let private resumedSettings (terminal: Terminal) (arguments: TrainArgument list) (word: string) =
    if
        arguments
        |> List.exists (function
            | Like _
            | Parity -> true
            | _ -> false)
    then
        raise (UsageException "--resume goes on with everything that a run chose: leave --like and --parity out.")

    let runs =
        arguments
        |> tryLast (function
            | Runs directory -> Some directory
            | _ -> None)
        |> Option.defaultValue TrainSettings.standard.RunsDirectory

    let run = Resumption.locate runs word
    let there = RunConfig.read run
    let settings = TrainSettings.ofArgumentsAfter (RunConfig.toSettings there) File.Exists arguments

    let here =
        { there with
            Input = settings.Input
            Model = settings.Model
            Training = settings.Training
            TrainingFraction = settings.TrainingFraction
            SamplingFraction = settings.SamplingFraction
            Threads = settings.Training.Threads
            Gpus = settings.Gpus
            Engine = settings.Engine
        }

    match Resumption.check run there here with
    | [] -> ()
    | names ->
        let names = String.concat ", " names
        Terminal.say terminal $"Another {names} than before: from here on last digits differ."

    run, settings

/// From the words to a finished run: a new one, or one that goes on.
let private conduct (terminal: Terminal) (arguments: TrainArgument list) (interruption: Interruption) =
    let command = Environment.GetCommandLineArgs() |> List.ofArray
    let exitCode () = interruption.ExitCode

    let prepare (settings: TrainSettings) =
        settings.Notes |> List.iter (Terminal.say terminal)
        let device = Session.start terminal settings.LibTorch settings.Engine settings.Gpus
        device, Session.openData terminal settings.Input (TrainSettings.splitOptions settings)

    match
        arguments
        |> tryLast (function
            | TrainArgument.Resume run -> Some run
            | _ -> None)
    with
    | None ->
        let settings = newSettings arguments
        let device, data = prepare settings
        use _dataset = data.Dataset
        settings, Session.train terminal command settings device data exitCode interruption.Token
    | Some word ->
        let run, settings = resumedSettings terminal arguments word
        let device, data = prepare settings
        use _dataset = data.Dataset
        use resumed = Resumption.openRun terminal run
        settings, Session.resume terminal command settings device data resumed exitCode interruption.Token

let private run (terminal: Terminal) (arguments: TrainArgument list) : int =
    use interruption = new Interruption(terminal, "finishing this step and saving", true)
    let settings, run = conduct terminal arguments interruption

    match settings.OutputFile, run.Best with
    | Some path, Some model ->
        ModelFile.save path model
        Terminal.say terminal $"Best model: {path}"
    | _ -> ()

    (if settings.Json then
         showJson terminal settings
     else
         fun run -> show terminal run)
        run

    if run.Outcome.Interrupted then
        Terminal.say
            terminal
            $"Stopped after {Say.duration (TimeSpan.FromSeconds run.Seconds)}, and saved. Go on with: {Arguments.program} train --resume {run.Directory}"

        interruption.ExitCode
    else
        Terminal.say
            terminal
            $"Done in {Say.duration (TimeSpan.FromSeconds run.Seconds)}. Next: {Arguments.program} evaluate {run.Directory}, or tensorboard --logdir {settings.RunsDirectory}"

        ExitCode.ok

let command: Command =
    Command.create<TrainArgument>
        {
            Verb = "train"
            Summary = "train a network that decides which layer clusters to prune"
            Synopsis = "FILE [FILE ...] [TRACKSTERS EDGES] [options]"
            Explanation =
                "Reads tracksters (trees Tracksters and Edges, one trackster an entry), trains on a share of them, validates after every epoch and keeps the best and the last weights in a run directory with the configuration, the metrics and TensorBoard events. Of three words or more the last two are tree names unless they look like files or exist. Options may be spelt with dashes or underscores, with a space or '=' before the value; the original program's command line works as it is."
            Examples =
                [
                    "train samples/tracksters.root --epochs 5 --hidden-dim 32",
                    "a small equilibrium network, in a minute"
                    "train data.root \"Tracksters;1\" \"Edges;1\" --workers 14 --autoregressive",
                    "the original's command line"
                    "train 'data/*.root' --neighbour-aggregator mean --name mean-128", "many files, a fast aggregator"
                    "train data.root --layer gatv2 --residual --round-normalisation layer --features oriented",
                    "attention, in the shower's own frame"
                    "train --resume auto", "go on with the newest run after a kill, a crash or a full queue"
                    "train --like runs/A --learning-rate 3e-4", "the same again, but for one choice"
                    "train data.root --parity --epochs 10", "the original's numbers"
                ]
        }
        run
