module Pruning.Cli.Commands.Evaluate

open System
open System.IO
open System.Threading
open Argu
open Pruning.Cli
open Pruning.Data.Batching
open Pruning.Model
open Pruning.Model.Training

type EvaluateArgument =
    | [<MainCommand>] Input of word: string list
    | [<Section "What to evaluate">] Split of name: string
    | Checkpoint of name: string
    | [<Section "Input">] Tracksters of tree: string
    | Edges of tree: string
    | Bad_Files of what: string
    | Bad_Graphs of what: string
    | Batch_Size of n: string
    | Workers of n: string
    | [<Section "The machine">] Gpus of n: string
    | Threads of n: string
    | Libtorch of directory: string
    | [<Section "Output">] Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "run directory or model file, then ROOT files and (optional) the two tree names"
            | Split _ ->
                "validation, test, training or all (default: validation and test for the files that the run trained on, all for others)"
            | Checkpoint _ -> "best or last weights of a run (default best)"
            | Tracksters _ -> "tree with one trackster an entry (default: the run's, else Tracksters)"
            | Edges _ -> "tree with the edges of the same entries (default: the run's, else Edges)"
            | Bad_Files _ -> "stop or skip at a file that cannot be read (default stop)"
            | Bad_Graphs _ -> "stop or skip at a graph that contradicts itself (default: as the run did, else stop)"
            | Batch_Size _ -> "graphs per batch; does not change what the metrics mean (default: the run's, else 32)"
            | Workers _ -> "threads that read files and build graphs (default: number of cores)"
            | Gpus _ -> "GPUs to use; 0 is the CPU (default: the run's, else 0)"
            | Threads _ -> "threads of the mathematics on the CPU (default: the run's, else 1)"
            | Libtorch _ -> "use the libtorch in this directory"
            | Json -> "one JSON document on stdout, every digit"

[<RequireQualifiedAccess>]
type Part =
    | Training
    | Validation
    | Test
    | All

type EvaluateSettings =
    {
        /// Run directory or model file.
        Model: string
        /// Files and trees, as positional words.
        Words: string list
        Tracksters: string option
        Edges: string option
        Part: Part option
        Checkpoint: string
        SkipBadFiles: bool
        SkipBadGraphs: bool option
        BatchSize: int option
        Workers: int
        Gpus: int option
        Threads: int option
        LibTorch: string option
        Json: bool
    }

/// Pure, so that tests can ask it.
let settingsOf (arguments: EvaluateArgument list) : EvaluateSettings =
    let words =
        arguments
        |> List.collect (function
            | Input words -> words
            | _ -> [])

    let model, files =
        match words with
        | model :: files -> model, files
        | [] -> raise (UsageException "nothing to evaluate: give a run directory or a model file.")

    let start =
        {
            Model = model
            Words = files
            Tracksters = None
            Edges = None
            Part = None
            Checkpoint = "best"
            SkipBadFiles = false
            SkipBadGraphs = None
            BatchSize = None
            Workers = Environment.ProcessorCount
            Gpus = None
            Threads = None
            LibTorch = None
            Json = false
        }

    let parts =
        [ "validation", Part.Validation; "test", Part.Test; "training", Part.Training; "all", Part.All ]

    let apply settings argument =
        match argument with
        | Input _ -> settings
        | Split text ->
            { settings with
                Part = Some(Value.choice "--split" parts text)
            }
        | Checkpoint text ->
            { settings with
                Checkpoint = Value.choice "--checkpoint" [ "best", "best"; "last", "last" ] text
            }
        | Tracksters tree -> { settings with Tracksters = Some tree }
        | Edges tree -> { settings with Edges = Some tree }
        | Bad_Files text ->
            { settings with
                SkipBadFiles = Value.choice "--bad-files" Inputs.stopOrSkip text
            }
        | Bad_Graphs text ->
            { settings with
                SkipBadGraphs = Some(Value.choice "--bad-graphs" Inputs.stopOrSkip text)
            }
        | Batch_Size text ->
            { settings with
                BatchSize = Some(Value.whole "--batch-size" (1, 1_000_000) text)
            }
        | Workers text ->
            { settings with
                Workers = max 1 (Value.whole "--workers" (0, 1024) text)
            }
        | Gpus text ->
            { settings with
                Gpus = Some(Value.whole "--gpus" (0, 1024) text)
            }
        | Threads text ->
            { settings with
                Threads = Some(Value.whole "--threads" (1, 1024) text)
            }
        | Libtorch text -> { settings with LibTorch = Some text }
        | Json -> { settings with Json = true }

    List.fold apply start arguments

/// Where the weights are, and the run they belong to if that is known.
let private locate (settings: EvaluateSettings) : string * string option =
    let path = settings.Model

    if File.Exists path then
        path, None
    elif File.Exists(Path.Combine(path, RunConfig.fileName)) then
        let checkpoint = Path.Combine(Session.checkpoints path, settings.Checkpoint)

        if (AtomicDirectory.tryLocate checkpoint).IsNone then
            raise (
                CheckpointException
                    $"wanted the {settings.Checkpoint} weights of a run, found no {checkpoint}; the run has not finished an epoch yet, or was stopped before it did (try --checkpoint last)."
            )

        Path.Combine(AtomicDirectory.verify checkpoint, Loop.modelName), Some path
    elif File.Exists(Path.Combine(path, AtomicDirectory.Manifest)) then
        Path.Combine(AtomicDirectory.verify path, Loop.modelName), None
    else
        raise (
            CheckpointException
                $"wanted a run directory, a checkpoint directory or a .safetensors file, found none of them at {path}; check the path."
        )

/// Input, and whether these are the files that the run trained on.
let private inputOf (settings: EvaluateSettings) (run: (string * RunRecipe) option) : InputSettings * bool =
    let fromWords () =
        let files, tracksters, edges =
            Inputs.ofWords File.Exists settings.Tracksters settings.Edges settings.Words

        { Inputs.standard with
            Files = files
            TracksterTree = tracksters
            EdgeTree = edges
        }

    let input, own =
        match run, settings.Words with
        | Some(_, recipe), [] ->
            { recipe.Input with
                TracksterTree = defaultArg settings.Tracksters recipe.Input.TracksterTree
                EdgeTree = defaultArg settings.Edges recipe.Input.EdgeTree
            },
            true
        | Some(directory, _), _ ->
            let input = fromWords ()
            let known = RunConfig.readHashes directory
            let files = Pruning.Data.Tracksters.InputFiles.Expand(List.toArray input.Files)

            let same =
                Seq.length files = known.Length
                && Seq.forall File.Exists files
                && Seq.forall2 (fun file hash -> (RunInput.ofFile file).Sha256 = hash) files known

            input, same
        | None, _ -> fromWords (), false

    let skipBadGraphs =
        match settings.SkipBadGraphs, run with
        | Some skip, _ -> skip
        | None, Some(_, recipe) when own -> recipe.Input.SkipBadGraphs
        | None, _ -> false

    { input with
        SkipBadFiles = settings.SkipBadFiles
        SkipBadGraphs = skipBadGraphs
        Workers = settings.Workers
    },
    own

let private partsOf (settings: EvaluateSettings) (own: bool) : Part list =
    match settings.Part with
    | Some part -> [ part ]
    | None when own -> [ Part.Validation; Part.Test ]
    | None -> [ Part.All ]

let private namedIndices (dataset: GraphDataset) (split: SplitIndices) (part: Part) : string * int array =
    match part with
    | Part.Training -> "training", split.Training
    | Part.Validation -> "validation", split.Validation
    | Part.Test -> "test", split.Test
    | Part.All -> "all", [| 0 .. dataset.Count - 1 |]

let private run (terminal: Terminal) (arguments: EvaluateArgument list) : int =
    let settings = settingsOf arguments
    let path, directory = locate settings
    let recipe = directory |> Option.map (fun run -> run, RunConfig.readRecipe run)
    let input, own = inputOf settings recipe

    let chosen given (ofRun: RunRecipe -> int) otherwise =
        given
        |> Option.orElse (recipe |> Option.map (snd >> ofRun))
        |> Option.defaultValue otherwise

    let batchSize = chosen settings.BatchSize _.BatchSize 32
    let threads = chosen settings.Threads _.Threads 1
    let gpus = chosen settings.Gpus _.Gpus 0

    let options =
        recipe
        |> Option.map (fun (_, recipe) -> recipe.Split)
        |> Option.defaultWith SplitOptions

    let parts = partsOf settings own

    match settings.Part with
    | Some part when part <> Part.All && recipe.IsNone ->
        raise (
            UsageException "--split wants a run directory: a model file alone does not say how its data was divided."
        )
    | _ -> ()

    let device = Session.start terminal settings.LibTorch Engine.Auto gpus
    let model = ModelFile.load path
    let data = Session.openData terminal input options
    use _dataset = data.Dataset
    use interruption = new Interruption(terminal)
    let jobs = parts |> List.map (namedIndices data.Dataset data.Split)
    let total = jobs |> List.sumBy (fun (_, indices) -> int64 indices.Length)

    let states =
        Progress.run terminal total (fun progress ->
            let mutable seen = 0L

            [
                for name, indices in jobs ->
                    let batches =
                        BatchLoader.Batches(data.Dataset, indices, batchSize, settings.Workers, 3, interruption.Token)

                    let count graphs =
                        // Counts cannot be half a split: stopping means no answer.
                        interruption.Token.ThrowIfCancellationRequested()
                        seen <- seen + int64 graphs

                        progress.Step
                            {
                                Stage = name
                                Done = seen
                                Loss = nan
                            }

                    name, indices.Length, Evaluation.run device threads model count batches
            ])

    if settings.Json then
        Json.record
            [
                "model", Json.text path
                "files", Json.list [ for file in data.Dataset.Files -> Json.text file.Path ]
                "splits",
                Json.record
                    [
                        for name, graphs, state in states ->
                            name,
                            Json.record
                                [
                                    "graphs", Json.integer (int64 graphs)
                                    for pair in List.ofSeq (MetricTable.toJson state) do
                                        pair.Key,
                                        (match pair.Value with
                                         | null -> null
                                         | value -> value.DeepClone())
                                ]
                    ]
            ]
        |> Terminal.json terminal
    else
        MetricTable.show
            terminal
            [ for name, graphs, state in states -> $"{name} ({Say.count (int64 graphs)} graphs)", state ]

    ExitCode.ok

let command: Command =
    Command.create<EvaluateArgument>
        {
            Verb = "evaluate"
            Summary = "judge a trained network against the labels of some tracksters"
            Synopsis = "RUN|MODEL [FILE ...] [TRACKSTERS EDGES] [options]"
            Explanation =
                "Runs a network without telling it a label (autoregressive ones feed on their own decisions) and counts: accuracy, precision, recall, F1, ROC AUC, average precision, and how much of the energy to keep is kept (efficiency) and how much of the kept energy should be kept (purity). A run directory knows its files and its split: without FILE, or with the same files, validation and test are reported, and validation is what training said to the digit. A number that is undefined is '-' in the table and null in JSON."
            Examples =
                [
                    "evaluate runs/20261123-120000-equilibrium-lstm-none", "validation and test split of a run"
                    "evaluate runs/20261123-120000-equilibrium-lstm-none other.root",
                    "the run's best model on another sample"
                    "evaluate argnn.safetensors data.root \"Tracksters;1\" \"Edges;1\" --json",
                    "a model file, for scripts"
                ]
        }
        run
