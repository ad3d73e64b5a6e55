module Pruning.Cli.Report.ReportVerb

open System
open System.IO
open TorchSharp
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Cli.Drawing
open Pruning.Model.Drawing
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction

type ReportSettings =
    {
        Run: string
        Output: string
        /// Directory for the figures as files.
        Figures: string option
        Split: SplitName
        Network: NetworkUse
    }

let private standard: ReportSettings =
    {
        Run = ""
        Output = ""
        Figures = None
        Split = SplitName.Test
        Network = NetworkUse.standard 100
    }

let private options: Opt<ReportSettings> list =
    [
        { Opt.ofKind (Kind.path "FILE") "--output" "File to write." _.Output (fun v s -> { s with Output = v }) with
            Text = fun _ -> None
        }
        |> Opt.unset "report.html in the run directory"
        Opt.path
            "--figures"
            "DIRECTORY"
            "Directory for the figures as files, each as SVG and PDF."
            _.Figures
            (fun v s -> { s with Figures = v })
        |> Opt.unset "none"
        Opt.choice
            "--split"
            (SplitName.words |> List.filter (fun (name, _) -> name <> "all"))
            "Split that the page is about: test, validation or training."
            _.Split
            (fun v s -> { s with Split = v })
        yield!
            NetworkUse.options
                [ "--checkpoint"; "--bootstrap"; "--seed"; "--workers"; "--gpus"; "--threads"; "--libtorch" ]
            |> Opt.within _.Network (fun v s -> { s with Network = v })
    ]

let private describe () : OptionInfo list = Opt.describe standard options

/// From the words after `report`.
let settingsOf (words: string list) : ReportSettings =
    let line = Arguments.read true (describe ()) words

    match line.Positional with
    | [ run ] ->
        Arguments.apply
            options
            line
            { standard with
                Run = run
                Output = Path.Combine(run, "report.html")
            }
    | [] -> raise (UsageException "nothing to report on: give the directory of a run.")
    | _ -> raise (UsageException "report takes one run; compare puts several side by side.")

/// Every k-th of some graphs, so that there are at most `most`.
let private thin (most: int) (indices: int array) : int array =
    let step = max 1 ((indices.Length + most - 1) / most)
    [| for i in 0..step .. indices.Length - 1 -> indices[i] |]

/// Tracksters of all sizes, smallest first.
let private bySize (most: int) (dataset: GraphDataset) (indices: int array) : int array =
    let sorted = indices |> Array.sortBy (fun index -> dataset[index].NodeCount)
    thin most sorted

/// Training graphs whose scores are drawn: enough for a histogram, and no more time than the test split takes.
let private mostTraining = 4000

let private mostTimed = 150

/// Draws the figures of a page into files.
let private writeFigures (terminal: Terminal) (blocks: Block list) (directory: string) : unit =
    for figure in Page.figures blocks do
        let drawing = FigureDrawing.draw FigureDrawing.size figure

        let write extension (save: string -> unit) =
            let path = Path.Combine(directory, figure.Id + extension)
            save path
            Terminal.print terminal path

        write ".svg" (fun path -> Output.writeText path (Renderer.svg drawing))
        write ".pdf" (fun path -> Output.writeBytes path (Renderer.pdf [ drawing ]))

let private planOf
    (settings: ReportSettings)
    (chosen: TrainSettings)
    (device: torch.Device)
    (threads: int)
    (model: TrainedModel)
    (data: SplitData)
    : EvaluationPlan =
    {
        Device = device
        Threads = threads
        Model = model
        Data = data
        Divided = true
        BatchSize = chosen.Training.BatchSize
        Workers = settings.Network.Workers
        Resampling = settings.Network.Resampling
        WithBaselines = true
        Threshold = Threshold.Probability 0.5
    }

let private run (terminal: Terminal) (words: string list) : int =
    let settings = settingsOf words
    let source = ModelSource.locateRun settings.Run settings.Network.Checkpoint
    let chosen = snd source.Run.Value

    let input, _ =
        ModelSource.input
            source
            { ModelInput.standard with
                Workers = settings.Network.Workers
            }

    let device =
        Session.start
            terminal
            settings.Network.LibTorch
            Arithmetic.standard
            (defaultArg settings.Network.Gpus chosen.World.Gpus)

    let threads = defaultArg settings.Network.Threads chosen.Training.Threads

    let model = ModelFile.load (Placement.on device Arithmetic.standard) source.Path
    let data = Session.openData terminal input (TrainSettings.splitOptions chosen)
    use _dataset = data.Dataset
    use interruption = new Interruption(terminal)

    let plan = planOf settings chosen device threads model data
    let indices = SplitName.indices data settings.Split

    if indices.Length = 0 then
        raise (
            UsageException
                $"the {SplitName.name settings.Split} split of this run is empty; choose another with --split."
        )

    let splits =
        Evaluator.run terminal plan interruption.Token (List.distinct [ SplitName.Validation; settings.Split ])

    let split = List.last splits

    let margins batchSize indices =
        Scoring.run
            device
            threads
            model
            batchSize
            settings.Network.Workers
            ignore
            interruption.Token
            data.Dataset
            indices

    let training = thin mostTraining data.Split.Training
    let chosenOn = if (List.head splits).Sample.Graphs.Length > 0 then List.head splits else split

    let content =
        {
            Run = settings.Run
            Split = split
            TrainingScores = (margins chosen.Training.BatchSize training).State.Scores
            TrainingGraphs = training.Length, data.Split.Training.Length
            Times = (margins 1 (bySize mostTimed data.Dataset indices)).Times
            Scan = chosenOn.Name, EvaluatedSplit.scan chosenOn split
            Resampling = settings.Network.Resampling
        }

    let blocks = RunReport.blocks content
    Output.writeText settings.Output (RunReport.toHtml content blocks)
    Terminal.print terminal settings.Output
    settings.Figures |> Option.iter (writeFigures terminal blocks)
    ExitCode.ok

let command: Command =
    Command.create
        describe
        {
            Verb = "report"
            Summary = "write one page about a run: numbers, curves, plots, worst and best tracksters"
            Synopsis = "RUN [options]"
            Explanation =
                "Evaluates the run's network on its test split beside the baselines, with bootstrap intervals. The result is one HTML \
                 file that holds everything, plotly.js included, and loads nothing from the internet. The path of the file goes to \
                 standard output."
            Examples =
                [
                    "report runs/20261123-120000-equilibrium-lstm-none", "writes report.html into the run directory"
                    "report runs/20261123-120000-equilibrium-lstm-none --output mine.html --bootstrap 500",
                    "elsewhere, with finer intervals"
                ]
        }
        run
