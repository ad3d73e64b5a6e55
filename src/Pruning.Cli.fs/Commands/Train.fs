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

let private run (terminal: Terminal) (arguments: TrainArgument list) : int =
    let settings = TrainSettings.ofArguments File.Exists arguments
    settings.Notes |> List.iter (Terminal.say terminal)
    let device = Session.start terminal settings.LibTorch settings.Engine settings.Gpus
    let data = Session.openData terminal settings.Input (TrainSettings.splitOptions settings)
    use _dataset = data.Dataset
    use interruption = new Interruption(terminal)
    let command = Environment.GetCommandLineArgs() |> List.ofArray
    let run = Session.train terminal command settings device data interruption.Token

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
        let last = Path.Combine(Session.checkpoints run.Directory, "last")

        Terminal.say
            terminal
            $"Stopped after {Say.duration (TimeSpan.FromSeconds run.Seconds)}; the weights of the last step are in {last}."

        ExitCode.interrupted
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
                    "train data.root --parity --epochs 10", "the original's numbers"
                ]
        }
        run
