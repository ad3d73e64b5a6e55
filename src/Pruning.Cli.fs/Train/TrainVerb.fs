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

/// Refuses options that choose everything at once, as another run does.
let private refuseWholeChoices (line: Line) (names: string list) (sentence: string) : unit =
    if names |> List.exists (fun name -> Line.has name line) then
        raise (UsageException sentence)

/// Settings of another run with the options given beside it.
let private settingsAfter (settings: TrainSettings) (line: Line) : TrainSettings =
    TrainSettings.ofLineAfter
        { settings with
            World = World.takenUp (Launch.current ()) line settings.World
        }
        File.Exists
        line

/// Settings of a new run; with `--like`, those of another one with the options given beside it.
let private newSettings (line: Line) : TrainSettings =
    match Line.last "--like" line with
    | None -> TrainSettings.ofLine File.Exists line
    | Some run ->
        refuseWholeChoices
            line
            [ "--parity"; "--preset" ]
            "--like takes over everything that a run chose: leave --parity and --preset out."

        settingsAfter (RunConfig.toSettings (RunConfig.read run)) line

let private runsOf (line: Line) : string =
    Line.last "--runs" line
    |> Option.defaultValue TrainSettings.standard.RunsDirectory

/// Whether `--resume auto` is the first start of a job: files are named, and no run is there to continue.
let private isFirstStart (line: Line) (word: string) : bool =
    word = Resumption.Auto
    && not (List.isEmpty (Line.files line))
    && Option.isNone (Resumption.tryNewest (runsOf line))

/// The run to continue, and its settings with the options given beside `--resume`.
let private resumedSettings (line: Line) (word: string) : string * TrainSettings =
    // A job that starts again repeats its whole command, preset included.
    let repeats =
        word = Resumption.Auto
        && not (List.isEmpty (Line.files line))
        && (Line.has "--preset" line || Line.has "--parity" line || Line.has "--like" line)

    if not repeats then
        refuseWholeChoices
            line
            [ "--like"; "--parity"; "--preset" ]
            "--resume continues with everything that a run chose: leave --like, --parity and --preset out."

    let run = Resumption.locate (runsOf line) word
    let there = RunConfig.read run

    let settings = if repeats then newSettings line else settingsAfter there.Settings line

    let here =
        { there with
            Settings =
                { settings with
                    OutputFile = settings.OutputFile |> Option.map Path.GetFullPath
                }
        }

    match Resumption.check run there here with
    | [] -> run, settings
    | names ->
        let names = String.concat ", " names
        let note = $"{names} differ from before: the last digits of the results differ from here on."

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

let private train (terminal: Terminal) (resumed: string option) (settings: TrainSettings) : int =
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
            | None -> TrainingRun.train terminal command settings ranks device data exitCode interruption.Token
            | Some run ->
                TrainingRun.resume terminal command settings ranks device data run exitCode interruption.Token

        if Communicator.isFirst ranks then
            tell terminal settings run

        run.ExitCode)

let private run (terminal: Terminal) (words: string list) : int =
    let line = TrainSettings.read words

    let resumed, settings =
        match Line.last "--resume" line with
        | Some word when isFirstStart line word ->
            let settings = newSettings line
            let note = $"There is no run under {runsOf line} yet: a new one begins."

            None,
            { settings with
                Notes = settings.Notes @ [ note ]
            }
        | Some word ->
            let run, settings = resumedSettings line word
            Some run, settings
        | None -> None, newSettings line

    if settings.PrintConfig then
        terminal.Data.Write(TrainSettings.toToml settings)
        ExitCode.ok
    else
        train terminal resumed settings

let command: Command =
    {
        About =
            {
                Verb = "train"
                Summary = "train a network that decides which layer clusters to prune"
                Synopsis = "FILE [FILE ...] [TRACKSTERS EDGES] [options]"
                Explanation =
                    "Reads tracksters (trees Tracksters and Edges, one trackster per entry) and trains on a share of them. After every \
                     epoch the network is validated. The run directory holds the best and the last weights, the configuration, the metrics \
                     and TensorBoard events. Of three words or more the last two are tree names, unless they look like files or exist. \
                     Options may be spelt with dashes or underscores, with a space or '=' before the value. The command line of the \
                     original program works unchanged."
                Examples =
                    [
                        "train samples/tracksters.root --epochs 5 --hidden-dim 32",
                        "a small equilibrium network, in a minute"
                        "train data.root \"Tracksters;1\" \"Edges;1\" --workers 14 --autoregressive",
                        "the original's command line"
                        "train 'data/*.root' --neighbour-aggregator mean --name mean-128",
                        "many files, a fast aggregator"
                        "train data.root --layer gatv2 --residual --step-normalisation layer --features oriented",
                        "attention, in the shower's own frame"
                        "train data.root --preset fast --print-config > fast.toml", "every option, to edit"
                        "train data.root --config fast.toml --seed 7", "the options of a file, but for one"
                        "train --resume auto", "continue the newest run after a kill, a crash or a full queue"
                        "train --like runs/A --learning-rate 3e-4", "the same again, but for one choice"
                        "train data.root --parity --epochs 10", "the original's numbers"
                    ]
            }
        Options = TrainSettings.describe
        Run = run
    }
