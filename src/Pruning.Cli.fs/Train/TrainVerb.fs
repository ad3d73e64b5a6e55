module Pruning.Cli.Train.TrainVerb

open System
open System.IO
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Model.Persistence
open Pruning.Model.ModelFiles
open Pruning.Model.Distributed
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

/// Options that choose everything at once, as another run does.
let private isWholeChoice (argument: TrainArgument) : bool =
    match argument with
    | Parity
    | TrainArgument.Preset _ -> true
    | _ -> false

/// Settings of another run with the options given beside it.
let private settingsAfter (config: RunConfig) (arguments: TrainArgument list) : TrainSettings =
    let settings = RunConfig.toSettings config

    TrainSettings.ofArgumentsAfter
        { settings with
            World = World.takenUp (Launch.current ()) arguments settings.World
        }
        File.Exists
        arguments

/// Settings of a new run; with `--like`, those of another one with the options given beside it.
let private newSettings (arguments: TrainArgument list) : TrainSettings =
    match
        arguments
        |> tryLast (function
            | Like run -> Some run
            | _ -> None)
    with
    | None -> TrainSettings.ofArguments File.Exists arguments
    | Some _ when List.exists isWholeChoice arguments ->
        raise (UsageException "--like takes over everything that a run chose: leave --parity and --preset out.")
    | Some run -> settingsAfter (RunConfig.read run) arguments

/// The run to go on with, its settings, and those with the options given beside `--resume`.
let private resumedSettings (arguments: TrainArgument list) (word: string) : string * TrainSettings =
    if
        arguments
        |> List.exists (function
            | Like _ -> true
            | other -> isWholeChoice other)
    then
        raise (
            UsageException "--resume goes on with everything that a run chose: leave --like, --parity and --preset out."
        )

    let runs =
        arguments
        |> tryLast (function
            | Runs directory -> Some directory
            | _ -> None)
        |> Option.defaultValue TrainSettings.standard.RunsDirectory

    let run = Resumption.locate runs word
    let there = RunConfig.read run

    let settings =
        let settings = settingsAfter there arguments

        { settings with
            OutputFile = settings.OutputFile |> Option.orElse there.OutputFile
        }

    let here =
        { there with
            Input = settings.Input
            Model = settings.Model
            Training = settings.Training
            TrainingFraction = settings.TrainingFraction
            SamplingFraction = settings.SamplingFraction
            Threads = settings.Training.Threads
            World = settings.World
            Arithmetic = settings.Arithmetic
            Histograms = settings.Histograms
            OutputFile = settings.OutputFile |> Option.map Path.GetFullPath
        }

    match Resumption.check run there here with
    | [] -> run, settings
    | names ->
        let names = String.concat ", " names
        let note = $"Another {names} than before: from here on last digits differ."

        run,
        { settings with
            Notes = settings.Notes @ [ note ]
        }

/// Says how a run ended, on the rank that talks.
let private tell (terminal: Terminal) (settings: TrainSettings) (run: FinishedRun) : unit =
    match settings.OutputFile, run.Best with
    | Some path, Some model ->
        ModelFile.save path model
        Terminal.say terminal $"Best model: {path}"
    | _ -> ()

    if settings.Json then showJson terminal settings run else show terminal run

    let took = Say.duration (TimeSpan.FromSeconds run.Seconds)

    if run.Outcome.Interrupted then
        Terminal.say
            terminal
            $"Stopped after {took}, and saved. Go on with: {Arguments.program} train --resume {run.Directory}"
    else
        Terminal.say
            terminal
            $"Done in {took}. Next: {Arguments.program} evaluate {run.Directory}, or tensorboard --logdir {settings.RunsDirectory}"

/// What all ranks of a stopped run say: the code of those that were asked to stop.
let private codeOfStop (interruption: Interruption) (ranks: Communicator) : int =
    let mine = if interruption.IsAsked then byte interruption.ExitCode else 0uy
    let all = ranks.Gather [| mine |] |> Array.map (Array.head >> int)
    let asked = Array.max all
    if asked = 0 then ExitCode.interrupted else asked

let private run (terminal: Terminal) (arguments: TrainArgument list) : int =
    let resumed =
        arguments
        |> tryLast (function
            | TrainArgument.Resume run -> Some run
            | _ -> None)
        |> Option.map (resumedSettings arguments)

    let settings =
        resumed
        |> Option.map snd
        |> Option.defaultWith (fun () -> newSettings arguments)

    Session.start terminal settings.LibTorch settings.Arithmetic 0 |> ignore
    use interruption = new Interruption(terminal, "finishing this step and saving", true)
    let command = terminal.Command
    let exitCode = codeOfStop interruption

    let prepare terminal =
        settings.Notes |> List.iter (Terminal.say terminal)
        Session.openData terminal settings.Input (TrainSettings.splitOptions settings)

    World.run terminal settings.World prepare (fun terminal ranks device data ->
        let run =
            match resumed with
            | None -> Session.train terminal command settings ranks device data exitCode interruption.Token
            | Some(run, _) ->
                Session.resume terminal command settings ranks device data run exitCode interruption.Token

        if Communicator.isFirst ranks then
            tell terminal settings run

        run.ExitCode)

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
