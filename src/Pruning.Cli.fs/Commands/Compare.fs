module Pruning.Cli.Commands.Compare

open System
open System.IO
open System.Threading
open Argu
open Pruning.Cli
open Pruning.Cli.Plots
open Pruning.Data
open Pruning.Data.Batching
open Pruning.Model
open Pruning.Model.Training

type CompareArgument =
    | [<MainCommand>] Runs of run: string list
    | [<Section "What to compare">] Config
    | Split of name: string
    | Checkpoint of name: string
    | Bootstrap of n: string
    | Seed of n: string
    | [<Section "The machine">] Workers of n: string
    | Threads of n: string
    | Libtorch of directory: string
    | [<Section "Output">] Json
    | Html of file: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Runs _ -> "directories of two runs or more; differences are taken to the first"
            | Config -> "only what the runs chose differently; nothing is evaluated"
            | Split _ -> "test or validation (default test)"
            | Checkpoint _ -> "best or last weights (default best)"
            | Bootstrap _ -> "resamplings behind the intervals (default 200)"
            | Seed _ -> "of resampling (default 42)"
            | Workers _ -> "threads that read files and build graphs (default: number of cores)"
            | Threads _ -> "threads of the mathematics on the CPU (default: each run's)"
            | Libtorch _ -> "use the libtorch in this directory"
            | Json -> "one JSON document on stdout, every digit"
            | Html _ -> "a page with the tables and the curves, besides"

type CompareSettings =
    {
        Runs: string list
        Config: bool
        Part: Part
        Checkpoint: string
        Resampling: Resampling
        Workers: int
        Threads: int option
        LibTorch: string option
        Json: bool
        Html: string option
    }

/// Pure, so that tests can ask it.
let settingsOf (arguments: CompareArgument list) : CompareSettings =
    let runs =
        arguments
        |> List.collect (function
            | Runs words -> words
            | _ -> [])

    if runs.Length < 2 then
        raise (UsageException $"wanted two runs or more to compare, found {runs.Length}.")

    let apply (settings: CompareSettings) argument =
        match argument with
        | Runs _ -> settings
        | Config -> { settings with Config = true }
        | Split text ->
            { settings with
                Part = Value.choice "--split" [ "test", Part.Test; "validation", Part.Validation ] text
            }
        | Checkpoint text ->
            { settings with
                Checkpoint = Value.choice "--checkpoint" [ "best", "best"; "last", "last" ] text
            }
        | Bootstrap text ->
            { settings with
                Resampling =
                    { settings.Resampling with
                        Replicates = Value.whole "--bootstrap" (0, 100_000) text
                    }
            }
        | Seed text ->
            { settings with
                Resampling =
                    { settings.Resampling with
                        Seed = uint64 (Value.wholeLong "--seed" (0L, Int64.MaxValue) text)
                    }
            }
        | Workers text ->
            { settings with
                Workers = Inputs.workers text
            }
        | Threads text ->
            { settings with
                Threads = Some(Value.whole "--threads" (1, 1024) text)
            }
        | Libtorch text -> { settings with LibTorch = Some text }
        | Json -> { settings with Json = true }
        | Html file -> { settings with Html = Some file }

    let start =
        {
            Runs = runs
            Config = false
            Part = Part.Test
            Checkpoint = "best"
            Resampling = { Replicates = 200; Seed = 42UL }
            Workers = Environment.ProcessorCount
            Threads = None
            LibTorch = None
            Json = false
            Html = None
        }

    List.fold apply start arguments

/// Runs by the last part of their paths where that tells them apart, else by the whole of them.
let namesOf (runs: string list) : string list =
    let short =
        runs
        |> List.map (fun run -> string (Path.GetFileName(Path.TrimEndingDirectorySeparator run)))

    if (List.distinct short).Length = short.Length then short else runs

let private differences (terminal: Terminal) (settings: CompareSettings) : int =
    let found = settings.Runs |> List.map ConfigDifference.read |> ConfigDifference.ofConfigs
    let names = namesOf settings.Runs

    if settings.Json then
        Json.record
            [
                for name, values in found ->
                    name,
                    Json.record
                        [
                            for run, value in List.zip names values ->
                                run,
                                (match value with
                                 | Some text -> Text.Json.Nodes.JsonNode.Parse text
                                 | None -> null)
                        ]
            ]
        |> Terminal.json terminal
    elif found.IsEmpty then
        Terminal.print terminal "The runs chose the same."
    else
        Terminal.table
            terminal
            (("choice", false) :: [ for name in names -> name, false ])
            [ for name, values in found -> name :: (values |> List.map (Option.defaultValue "-")) ]

    ExitCode.ok

/// A run on the tracksters that it is compared on.
[<NoComparison; NoEquality>]
type private Contestant =
    {
        Name: string
        Competitor: Competitor
        Graphs: int
        /// Judged on the same tracksters as the first run.
        Paired: bool
    }

/// The input of a run, as far as it decides which tracksters there are.
let private inputKey (recipe: RunRecipe) =
    let input = recipe.Input
    input.Files, input.TracksterTree, input.EdgeTree, input.SkipBadGraphs

let private judge (terminal: Terminal) (settings: CompareSettings) (stop: CancellationToken) : Contestant list =
    let sources =
        settings.Runs
        |> List.map (fun run -> ModelSource.locateRun run settings.Checkpoint)

    let recipeOf (source: ModelSource) = snd source.Run.Value
    let first = inputKey (recipeOf sources.Head)
    let runs = List.zip (namesOf settings.Runs) sources

    let device =
        Session.start terminal settings.LibTorch (defaultArg settings.Threads (recipeOf sources.Head).Threads) 0

    // Runs on the same files are judged on the tracksters that none of them has seen.
    let judgeGroup (group: (string * ModelSource) list) =
        let recipe = recipeOf (snd group.Head)

        let input =
            { recipe.Input with
                Workers = settings.Workers
            }

        let data = Session.openData terminal input recipe.Split
        use _dataset = data.Dataset

        let common =
            group
            |> List.map (fun (_, source) ->
                let split = Split.Create(data.Dataset, (recipeOf source).Split)
                Part.indices { data with Split = split } settings.Part |> Set.ofArray)
            |> Set.intersectMany
            |> Set.toArray

        if common.Length = 0 then
            raise (
                DataException
                    $"wanted tracksters that are in the {Part.name settings.Part} split of every run, found none among {data.Dataset.Count}; the runs divided their data by different seeds or fractions."
            )

        let sample = common |> Array.map (JudgedGraph.ofDataset data.Dataset) |> JudgedSample.create

        [
            for name, source in group ->
                let recipe = recipeOf source
                let model = ModelFile.load source.Path

                let network =
                    Judging.run
                        device
                        model
                        recipe.BatchSize
                        settings.Workers
                        (fun _ -> stop.ThrowIfCancellationRequested())
                        stop
                        data.Dataset
                        common

                {
                    Name = name
                    Competitor = Competitor.create settings.Resampling sample 0f name network.Margins
                    Graphs = common.Length
                    Paired = inputKey recipe = first
                }
        ]

    let judged =
        runs
        |> List.groupBy (fun (_, source) -> inputKey (recipeOf source))
        |> List.collect (snd >> judgeGroup)

    [ for name, _ in runs -> judged |> List.find (fun contestant -> contestant.Name = name) ]

let private shown =
    [
        "average_precision"
        "roc_auc"
        "precision"
        "recall"
        "f1"
        "mcc"
        "brier"
        "calibration_error"
        "energy_average_precision"
        "total_efficiency"
        "total_purity_after"
        "total_contamination_rejected"
        "purity_after"
        "resolution_pruned"
        "angle_pruned"
        "exact_graphs"
    ]

let private title (name: string) = name.Replace('_', ' ')

let private valueTable (contestants: Contestant list) =
    let reports = [ for one in contestants -> Map.ofList (Competitor.report one.Competitor) ]

    ("quantity", false)
    :: [ for one in contestants -> $"{one.Name} ({Say.count (int64 one.Graphs)} graphs)", true ],
    [ for name in shown -> title name :: [ for report in reports -> JudgedPart.text report[name] ] ]

let private paired (contestants: Contestant list) =
    contestants.Tail
    |> List.filter (fun one -> one.Paired && contestants.Head.Paired)

let private differenceTable (contestants: Contestant list) =
    let first = contestants.Head.Competitor

    let reports = [ for one in paired contestants -> Map.ofList (Competitor.minus first one.Competitor) ]

    (($"difference to {first.Name}", false)
     :: [ for one in paired contestants -> one.Name, true ]),
    [ for name in shown -> title name :: [ for report in reports -> JudgedPart.text report[name] ] ]

let private unpaired (contestants: Contestant list) : string list =
    [
        for one in contestants.Tail do
            if not one.Paired then
                $"{one.Name} was trained on other files than {contestants.Head.Name} and is judged on its own: there is no difference to take"
    ]

let private html (settings: CompareSettings) (contestants: Contestant list) : string =
    let curves id caption x y read =
        {
            Id = id
            Caption = caption
            X = Axis.linear x |> Axis.within 0.0 1.0
            Y = Axis.linear y |> Axis.within 0.0 1.02
            Series =
                [
                    for i, one in List.indexed contestants ->
                        Series.line
                            one.Name
                            (Palette.at i)
                            (ScoreCurve.thin 400 (read (NodeMetrics.curve one.Competitor.Judgement.Nodes)))
                ]
        }
        |> Page.ofFigure

    let names = String.Join(", ", contestants |> List.map _.Name)
    let configs = settings.Runs |> List.map ConfigDifference.read |> ConfigDifference.ofConfigs

    Page.toHtml
        $"Comparison of {names}"
        [
            Block.Paragraph
                $"On the {Part.name settings.Part} split. Intervals are the central 68.3 %% of {settings.Resampling.Replicates} bootstrap samples of events, the same for every run, so that what all runs owe to the choice of events cancels in the differences."
            for sentence in unpaired contestants do
                Block.Paragraph(sentence + ".")
            Block.Heading "Values"
            Block.Table(valueTable contestants)
            if not (paired contestants).IsEmpty then
                Block.Heading "Differences"
                Block.Table(differenceTable contestants)
            Block.Heading "Curves"
            curves
                "precision-recall"
                "Precision against recall of layer clusters."
                "Recall"
                "Precision"
                ScoreCurve.precisionRecall
            curves "roc" "Receiver operating characteristic." "False positive rate" "True positive rate" ScoreCurve.roc
            Block.Heading "Choices that differ"
            Block.Table(
                ("choice", false) :: [ for one in contestants -> one.Name, false ],
                [ for name, values in configs -> name :: (values |> List.map (Option.defaultValue "-")) ]
            )
        ]

let private json (terminal: Terminal) (settings: CompareSettings) (contestants: Contestant list) =
    let values (found: (string * Uncertain) list) =
        Json.record
            [
                for name, value in found ->
                    name,
                    Json.record
                        [
                            "value", Json.number value.Value
                            "low", Json.number value.Low
                            "high", Json.number value.High
                        ]
            ]

    Json.record
        [
            "split", Json.text (Part.name settings.Part)
            "first", Json.text contestants.Head.Name
            "runs",
            Json.record
                [
                    for one in contestants ->
                        one.Name,
                        Json.record
                            [
                                "graphs", Json.integer one.Graphs
                                "values", values (Competitor.report one.Competitor)
                                "differences",
                                (if
                                     List.exists (fun (other: Contestant) -> other.Name = one.Name) (paired contestants)
                                 then
                                     values (Competitor.minus contestants.Head.Competitor one.Competitor)
                                 else
                                     null)
                            ]
                ]
        ]
    |> Terminal.json terminal

let private run (terminal: Terminal) (arguments: CompareArgument list) : int =
    let settings = settingsOf arguments

    if settings.Config then
        differences terminal settings
    else
        use interruption = new Interruption(terminal)
        let contestants = judge terminal settings interruption.Token

        unpaired contestants
        |> List.iter (fun sentence -> Terminal.say terminal (sentence + "."))

        settings.Html
        |> Option.iter (fun path -> Output.writeText path (html settings contestants))

        if settings.Json then
            json terminal settings contestants
        else
            valueTable contestants ||> Terminal.table terminal

            if not (paired contestants).IsEmpty then
                differenceTable contestants ||> Terminal.table terminal

        ExitCode.ok

let command: Command =
    Command.create<CompareArgument>
        {
            Verb = "compare"
            Summary = "runs side by side, with their differences and how sure these are"
            Synopsis = "RUN RUN [RUN ...] [options]"
            Explanation =
                "Judges the networks of several runs on the tracksters that are in the test split of all of them. Differences are taken to the first run, with intervals from resampling the same events for both: what both owe to the choice of events cancels. Runs on other files stand beside, without a difference."
            Examples =
                [
                    "compare runs/A runs/B", "is B better than A?"
                    "compare runs/A runs/B --config", "what did they choose differently?"
                    "compare runs/A runs/B runs/C --html comparison.html", "with curves, as one page"
                ]
        }
        run
