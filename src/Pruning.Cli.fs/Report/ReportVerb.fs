module Pruning.Cli.Report.ReportVerb

open System
open System.IO
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction

type ReportArgument =
    | [<MainCommand>] Run of directory: string list
    | Output of file: string
    | Split of name: string
    | Checkpoint of name: string
    | Bootstrap of n: string
    | Seed of n: string
    | Workers of n: string
    | Gpus of n: string
    | Threads of n: string
    | Libtorch of directory: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Run _ -> "directory of a run"
            | Output _ -> "file to write (default report.html in the run directory)"
            | Split _ -> "test, validation or training (default test)"
            | Checkpoint _ -> "best or last weights (default best)"
            | Bootstrap _ -> "resamplings behind the intervals (default 100)"
            | Seed _ -> "of resampling (default 42)"
            | Workers _ -> "threads that read files and build graphs (default: number of cores)"
            | Gpus _ -> "GPUs to use; 0 is the CPU (default: the run's)"
            | Threads _ -> "threads of the mathematics on the CPU (default: the run's)"
            | Libtorch _ -> "use the libtorch in this directory"

type ReportSettings =
    {
        Run: string
        Output: string
        Part: Part
        Network: NetworkUse
    }

/// Pure, so that tests can ask it.
let settingsOf (arguments: ReportArgument list) : ReportSettings =
    let run =
        match
            arguments
            |> List.collect (function
                | Run words -> words
                | _ -> [])
        with
        | [ run ] -> run
        | [] -> raise (UsageException "nothing to report on: give the directory of a run.")
        | _ -> raise (UsageException "one run at a time: compare puts several side by side.")

    let apply (settings: ReportSettings) argument =
        let network option =
            { settings with
                Network = NetworkUse.apply settings.Network option
            }

        match argument with
        | Run _ -> settings
        | Output file -> { settings with Output = file }
        | Split text ->
            { settings with
                Part = Value.choice "--split" (List.filter (fun (name, _) -> name <> "all") Part.words) text
            }
        | Checkpoint text -> network (NetworkOption.Checkpoint text)
        | Bootstrap text -> network (NetworkOption.Bootstrap text)
        | Seed text -> network (NetworkOption.Seed text)
        | Workers text -> network (NetworkOption.Workers text)
        | Gpus text -> network (NetworkOption.Gpus text)
        | Threads text -> network (NetworkOption.Threads text)
        | Libtorch directory -> network (NetworkOption.LibTorch directory)

    let start =
        {
            Run = run
            Output = Path.Combine(run, "report.html")
            Part = Part.Test
            Network = NetworkUse.standard 100
        }

    List.fold apply start arguments

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

let private run (terminal: Terminal) (arguments: ReportArgument list) : int =
    let settings = settingsOf arguments
    let source = ModelSource.locateRun settings.Run settings.Network.Checkpoint
    let recipe = snd source.Run.Value

    let input, _ =
        ModelSource.input
            source
            {
                Words = []
                Tracksters = None
                Edges = None
                SkipBadFiles = false
                SkipBadGraphs = None
                Workers = settings.Network.Workers
            }

    let device =
        Session.start
            terminal
            settings.Network.LibTorch
            Arithmetic.standard
            (defaultArg settings.Network.Gpus recipe.Gpus)

    let threads = defaultArg settings.Network.Threads recipe.Threads

    let model = ModelFile.load (Placement.on device Arithmetic.standard) source.Path
    let data = Session.openData terminal input recipe.Split
    use _dataset = data.Dataset
    use interruption = new Interruption(terminal)

    let plan =
        {
            Device = device
            Threads = threads
            Model = model
            Data = data
            Divided = true
            BatchSize = recipe.BatchSize
            Workers = settings.Network.Workers
            Resampling = settings.Network.Resampling
            WithBaselines = true
            Threshold = Threshold.Probability 0.5
        }

    let indices = Part.indices data settings.Part

    if indices.Length = 0 then
        raise (UsageException $"the {Part.name settings.Part} split of this run is empty; choose another with --split.")

    let parts =
        Evaluator.run terminal plan interruption.Token (List.distinct [ Part.Validation; settings.Part ])

    let part = List.last parts

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
    let chosenOn = if (List.head parts).Sample.Graphs.Length > 0 then List.head parts else part

    let content =
        {
            Run = settings.Run
            Part = part
            TrainingScores = (margins recipe.BatchSize training).State.Scores
            TrainingGraphs = training.Length, data.Split.Training.Length
            Times = (margins 1 (bySize mostTimed data.Dataset indices)).Times
            Scan = chosenOn.Name, EvaluatedSplit.scan chosenOn part
            Resampling = settings.Network.Resampling
        }

    Output.writeText settings.Output (RunReport.toHtml content)
    Terminal.print terminal settings.Output
    ExitCode.ok

let command: Command =
    Command.create<ReportArgument>
        {
            Verb = "report"
            Summary = "one page about a run: numbers, curves, plots, worst and best tracksters"
            Synopsis = "RUN [options]"
            Explanation =
                "Judges the run's network on its test split beside the rules that it has to beat, with bootstrap intervals, and writes one HTML file that holds everything, plotly.js too, and asks no network for anything. The path of the file goes to standard output. docs/plots.md explains the plots."
            Examples =
                [
                    "report runs/20261123-120000-equilibrium-lstm-none", "writes report.html into the run directory"
                    "report runs/20261123-120000-equilibrium-lstm-none --output mine.html --bootstrap 500",
                    "elsewhere, with finer intervals"
                ]
        }
        run
