module Pruning.Cli.Compare.CompareVerb

open System
open System.IO
open System.Threading
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Data
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction

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
        Network: NetworkUse
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
        let network option =
            { settings with
                Network = NetworkUse.apply settings.Network option
            }

        match argument with
        | Runs _ -> settings
        | Config -> { settings with Config = true }
        | Split text ->
            { settings with
                Part = Value.choice "--split" [ "test", Part.Test; "validation", Part.Validation ] text
            }
        | Checkpoint text -> network (NetworkOption.Checkpoint text)
        | Bootstrap text -> network (NetworkOption.Bootstrap text)
        | Seed text -> network (NetworkOption.Seed text)
        | Workers text -> network (NetworkOption.Workers text)
        | Threads text -> network (NetworkOption.Threads text)
        | Libtorch directory -> network (NetworkOption.LibTorch directory)
        | Json -> { settings with Json = true }
        | Html file -> { settings with Html = Some file }

    let start =
        {
            Runs = runs
            Config = false
            Part = Part.Test
            Network = NetworkUse.standard 200
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

/// The input of a run, as far as it decides which tracksters there are.
let private inputKey (recipe: RunRecipe) =
    let input = recipe.Input
    input.Files, input.TracksterTree, input.EdgeTree, input.SkipBadGraphs

let private evaluate (terminal: Terminal) (settings: CompareSettings) (stop: CancellationToken) : Contestant list =
    let sources =
        settings.Runs
        |> List.map (fun run -> ModelSource.locateRun run settings.Network.Checkpoint)

    let recipeOf (source: ModelSource) = snd source.Run.Value
    let first = inputKey (recipeOf sources.Head)
    let runs = List.zip (namesOf settings.Runs) sources

    let device = Session.start terminal settings.Network.LibTorch Arithmetic.standard 0
    let threads = defaultArg settings.Network.Threads (recipeOf sources.Head).Threads

    // Runs on the same files are evaluated on the tracksters that none of them has seen.
    let evaluateGroup (group: (string * ModelSource) list) =
        let recipe = recipeOf (snd group.Head)

        let input =
            { recipe.Input with
                Workers = settings.Network.Workers
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

        let sample =
            common
            |> Array.map (EvaluatedGraph.ofDataset data.Dataset)
            |> EvaluationSample.create

        [
            for name, source in group ->
                let recipe = recipeOf source
                let model = ModelFile.load (Placement.on device Arithmetic.standard) source.Path

                let network =
                    Scoring.run
                        device
                        threads
                        model
                        recipe.BatchSize
                        settings.Network.Workers
                        (fun _ -> stop.ThrowIfCancellationRequested())
                        stop
                        data.Dataset
                        common

                {
                    Name = name
                    Competitor = Competitor.create settings.Network.Resampling sample 0f name network.Margins
                    Graphs = common.Length
                    Paired = inputKey recipe = first
                }
        ]

    let evaluated =
        runs
        |> List.groupBy (fun (_, source) -> inputKey (recipeOf source))
        |> List.collect (snd >> evaluateGroup)

    [ for name, _ in runs -> evaluated |> List.find (fun contestant -> contestant.Name = name) ]

let private run (terminal: Terminal) (arguments: CompareArgument list) : int =
    let settings = settingsOf arguments

    if settings.Config then
        differences terminal settings
    else
        use interruption = new Interruption(terminal)
        let contestants = evaluate terminal settings interruption.Token

        let about: Comparison =
            {
                Runs = settings.Runs
                Part = settings.Part
                Resampling = settings.Network.Resampling
            }


        Comparison.unpaired contestants
        |> List.iter (fun sentence -> Terminal.say terminal (sentence + "."))

        settings.Html
        |> Option.iter (fun path -> Output.writeText path (Comparison.html about contestants))

        if settings.Json then
            Comparison.json terminal about contestants
        else
            Comparison.valueTable contestants ||> Terminal.table terminal

            if not (Comparison.paired contestants).IsEmpty then
                Comparison.differenceTable contestants ||> Terminal.table terminal

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
