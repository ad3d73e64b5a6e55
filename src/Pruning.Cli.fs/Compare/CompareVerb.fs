module Pruning.Cli.Compare.CompareVerb

open System
open System.IO
open System.Threading
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Data.Errors
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction

type CompareSettings =
    {
        Runs: string list
        Config: bool
        Split: SplitName
        Network: NetworkUse
        Json: bool
        Html: string option
    }

let private standard: CompareSettings =
    {
        Runs = []
        Config = false
        Split = SplitName.Test
        Network = NetworkUse.standard 200
        Json = false
        Html = None
    }

let private network names =
    NetworkUse.options names
    |> Opt.within _.Network (fun v s -> { s with Network = v })

let private options: Opt<CompareSettings> list =
    let what =
        [
            Opt.flag "--config" "Only list what the runs chose differently; evaluate nothing." _.Config (fun v s ->
                { s with Config = v })
            Opt.choice
                "--split"
                [ "test", SplitName.Test; "validation", SplitName.Validation ]
                "Split on which the runs are compared: test or validation."
                _.Split
                (fun v s -> { s with Split = v })
            yield! network [ "--checkpoint"; "--bootstrap"; "--seed" ]
        ]

    let output =
        [
            Opt.flag "--json" "Print one JSON document on stdout, with every digit." _.Json (fun v s ->
                { s with Json = v })
            Opt.path "--html" "FILE" "Write a page with the tables and the curves as well." _.Html (fun v s ->
                { s with Html = v })
            |> Opt.unset "none"
        ]

    Opt.section "What to compare" what
    @ Opt.section "Machine" (network [ "--workers"; "--threads"; "--libtorch" ])
    @ Opt.section "Output" output

let private describe () : OptionInfo list = Opt.describe standard options

/// From the words after `compare`.
let settingsOf (words: string list) : CompareSettings =
    let line = Arguments.read true (describe ()) words

    if line.Positional.Length < 2 then
        raise (UsageException $"wanted two runs or more to compare, found {line.Positional.Length}.")

    Arguments.apply options line { standard with Runs = line.Positional }

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
let private inputKey (run: TrainSettings) =
    let input = run.Input
    input.Files, input.TracksterTree, input.EdgeTree, input.SkipBadGraphs

let private evaluate (terminal: Terminal) (settings: CompareSettings) (stop: CancellationToken) : Contestant list =
    let sources =
        settings.Runs
        |> List.map (fun run -> ModelSource.locateRun run settings.Network.Checkpoint)

    let settingsOfRun (source: ModelSource) = snd source.Run.Value
    let first = inputKey (settingsOfRun sources.Head)
    let runs = List.zip (namesOf settings.Runs) sources

    let device = Session.start terminal settings.Network.LibTorch Arithmetic.standard 0
    let threads = defaultArg settings.Network.Threads (settingsOfRun sources.Head).Training.Threads

    // Runs on the same files are evaluated on the tracksters that none of them has seen.
    let evaluateGroup (group: (string * ModelSource) list) =
        let chosen = settingsOfRun (snd group.Head)

        let input =
            { chosen.Input with
                Workers = settings.Network.Workers
            }

        let data = Session.openData terminal input (TrainSettings.splitOptions chosen)
        use _dataset = data.Dataset

        let common =
            group
            |> List.map (fun (_, source) ->
                let split = Split.Create(data.Dataset, TrainSettings.splitOptions (settingsOfRun source))
                SplitName.indices { data with Split = split } settings.Split |> Set.ofArray)
            |> Set.intersectMany
            |> Set.toArray

        if common.Length = 0 then
            raise (
                DataException
                    $"wanted tracksters that are in the {SplitName.name settings.Split} split of every run, found none among \
                     {data.Dataset.Count}; the runs divided their data by different seeds or fractions."
            )

        let sample =
            common
            |> Array.map (EvaluatedGraph.ofDataset data.Dataset)
            |> EvaluationSample.create

        [
            for name, source in group ->
                let chosen = settingsOfRun source
                let model = ModelFile.load (Placement.on device Arithmetic.standard) source.Path

                let network =
                    Scoring.run
                        device
                        threads
                        model
                        chosen.Training.BatchSize
                        settings.Network.Workers
                        (fun _ -> stop.ThrowIfCancellationRequested())
                        stop
                        data.Dataset
                        common

                {
                    Name = name
                    Competitor = Competitor.create settings.Network.Resampling sample 0f name network.Margins
                    Graphs = common.Length
                    Paired = inputKey chosen = first
                }
        ]

    let evaluated =
        runs
        |> List.groupBy (fun (_, source) -> inputKey (settingsOfRun source))
        |> List.collect (snd >> evaluateGroup)

    [ for name, _ in runs -> evaluated |> List.find (fun contestant -> contestant.Name = name) ]

let private run (terminal: Terminal) (words: string list) : int =
    let settings = settingsOf words

    if settings.Config then
        differences terminal settings
    else
        use interruption = new Interruption(terminal)
        let contestants = evaluate terminal settings interruption.Token

        let about: Comparison =
            {
                Runs = settings.Runs
                Split = settings.Split
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
    {
        About =
            {
                Verb = "compare"
                Summary = "compare runs, with their differences and how certain these are"
                Synopsis = "RUN RUN [RUN ...] [options]"
                Explanation =
                    "Evaluates the networks of several runs on the tracksters that are in the test split of all of them. Differences are \
                     taken to the first run. Their intervals resample the same events for both runs, so that the choice of events cancels. \
                     Runs on other files are listed without a difference."
                Examples =
                    [
                        "compare runs/A runs/B", "is B better than A?"
                        "compare runs/A runs/B --config", "what did they choose differently?"
                        "compare runs/A runs/B runs/C --html comparison.html", "with curves, as one page"
                    ]
            }
        Options = describe
        Run = run
    }
