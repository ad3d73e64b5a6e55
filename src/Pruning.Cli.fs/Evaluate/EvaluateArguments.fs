namespace Pruning.Cli.Evaluate

open System
open Argu
open Pruning.Model.Decoding
open Pruning.Model.Evaluation
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs

/// The words of `evaluate`.
type EvaluateArgument =
    | [<MainCommand>] Input of word: string list
    | [<Section "What to evaluate">] Split of name: string
    | Checkpoint of name: string
    | [<Section "How to ask an autoregressive network">] Choices of k: string
    | Beam of n: string
    | [<Section "How to judge">] Working_Point of what: string
    | Bins of dimensions: string
    | Bootstrap of n: string
    | Baselines of what: string
    | Scan
    | Perturb of what: string
    | Seed of n: string
    | [<Section "Input">] Tracksters of tree: string
    | Edges of tree: string
    | Bad_Files of what: string
    | Bad_Graphs of what: string
    | Batch_Size of n: string
    | Workers of n: string
    | [<Section "The machine">] Gpus of n: string
    | Threads of n: string
    | Engine of kind: string
    | Precision of numbers: string
    | Libtorch of directory: string
    | [<Section "Output">] Json
    | Csv of directory: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "run directory or model file, then ROOT files and (optional) the two tree names"
            | Split _ ->
                "validation, test, training or all (default: validation and test for the files that the run trained on, all for others)"
            | Checkpoint _ -> "best or last weights of a run (default best)"
            | Choices _ ->
                "layer clusters of a trackster that are decided in a step: K times faster, and other answers (default 1)"
            | Beam _ ->
                "follow the N likeliest sequences of decisions, the greedy one among them, and answer with the likeliest: N times slower (default: the greedy one alone)"
            | Working_Point _ ->
                "where the network begins to prune, in every number but those of the first table: probability=P (default 0.5), efficiency=E (as low as this share of the showers' energy survives) or best-f1; the last two are chosen on the run's validation split"
            | Bins _ ->
                "numbers in bins as well: all, or some of energy,eta,size,species,pile_up,layer,distance (default none)"
            | Bootstrap _ ->
                "intervals of 68.3 % from N resamplings of the events, or of the tracksters where events are not known (default 0: none)"
            | Baselines _ -> "all or none of the rules beside the network (default all)"
            | Scan -> "what other working points would do, chosen on the validation split"
            | Perturb _ ->
                "decisions with disturbed inputs: energy=X (smeared by the share X), position=Y (x and y by Y cm), time=P (dropped with probability P), joined by commas"
            | Seed _ -> "of resampling and disturbing (default 42)"
            | Tracksters _ -> "tree with one trackster an entry (default: the run's, else Tracksters)"
            | Edges _ -> "tree with the edges of the same entries (default: the run's, else Edges)"
            | Bad_Files _ -> "stop or skip at a file that cannot be read (default stop)"
            | Bad_Graphs _ -> "stop or skip at a graph that contradicts itself (default: as the run did, else stop)"
            | Batch_Size _ -> "graphs per batch; does not change what the metrics mean (default: the run's, else 32)"
            | Workers _ -> "threads that read files and build graphs (default: number of cores)"
            | Gpus _ -> "GPUs to use; 0 is the CPU (default: the run's, else 0)"
            | Threads _ -> "threads of the mathematics on the CPU (default: the run's, else 1)"
            | Engine _ -> "what computes aggregators and cells: auto, portable or fused (default auto)"
            | Precision _ -> "float32 or bfloat16 products of the fused kernels (default float32)"
            | Libtorch _ -> "use the libtorch in this directory"
            | Json -> "one JSON document on stdout, every digit"
            | Csv _ ->
                "every number as CSV files into this directory: metrics, bins, curves, working points, tracksters"

/// Everything that `evaluate` needs to know, validated.
type EvaluateSettings =
    {
        /// Run directory or model file.
        Model: string
        Input: ModelInput
        Part: Part option
        Network: NetworkUse
        Decoding: Decoding
        Threshold: Threshold
        Dimensions: Dimension list
        Baselines: bool
        Scan: bool
        Perturbation: Perturbation option
        Json: bool
        Csv: string option
    }

[<RequireQualifiedAccess>]
module EvaluateSettings =

    let private share = Interval.closed 0.0 1.0

    /// name=value
    let private pair (option: string) (wanted: string) (text: string) : string * string =
        match text.Split('=', 2) with
        | [| name; value |] -> name.Trim().ToLowerInvariant(), value.Trim()
        | _ -> Value.refuse option wanted text

    let private dimensions (text: string) : Dimension list =
        let words = [ for dimension in Dimension.all -> Dimension.name dimension, [ dimension ] ]
        let choices = ("all", Dimension.all) :: ("none", []) :: words

        text.Split(',', StringSplitOptions.TrimEntries ||| StringSplitOptions.RemoveEmptyEntries)
        |> Seq.map (Value.choice "--bins" choices)
        |> Seq.concat
        |> Seq.distinct
        |> Seq.toList

    let private perturbation (text: string) : Perturbation =
        let option = "--perturb"
        let wanted = "energy=X, position=Y or time=P, joined by commas"

        (Perturbation.none, text.Split(',', StringSplitOptions.TrimEntries))
        ||> Array.fold (fun perturbation word ->
            match pair option wanted word with
            | "energy", value ->
                { perturbation with
                    Energy = Value.real option share value
                }
            | "position", value ->
                { perturbation with
                    Position = Value.real option (Interval.closed 0.0 100.0) value
                }
            | "time", value ->
                { perturbation with
                    Time = Value.real option share value
                }
            | _ -> Value.refuse option wanted word)

    let private decoding (settings: EvaluateSettings) (decoding: Decoding) : EvaluateSettings =
        match settings.Decoding with
        | Decoding.Greedy -> { settings with Decoding = decoding }
        | _ -> raise (UsageException "--choices and --beam are two ways to ask a network: give one of them, once.")

    let private apply (settings: EvaluateSettings) (argument: EvaluateArgument) : EvaluateSettings =
        let input change =
            { settings with
                Input = change settings.Input
            }

        let network option =
            { settings with
                Network = NetworkUse.apply settings.Network option
            }

        match argument with
        | Input _ -> settings
        | Split text ->
            { settings with
                Part = Some(Value.choice "--split" Part.words text)
            }
        | Choices text -> decoding settings (Decoding.Choices(Value.whole "--choices" (1, 1_000_000) text))
        | Beam text -> decoding settings (Decoding.Beam(Value.whole "--beam" (1, 1000) text))
        | Working_Point text ->
            { settings with
                Threshold = WorkingPointWord.parse text
            }
        | Bins text ->
            { settings with
                Dimensions = dimensions text
            }
        | Baselines text ->
            { settings with
                Baselines = Value.choice "--baselines" [ "all", true; "none", false ] text
            }
        | Scan -> { settings with Scan = true }
        | Perturb text ->
            { settings with
                Perturbation = Some(perturbation text)
            }
        | Tracksters tree -> input (fun input -> { input with Tracksters = Some tree })
        | Edges tree -> input (fun input -> { input with Edges = Some tree })
        | Bad_Files text ->
            input (fun input ->
                { input with
                    SkipBadFiles = Value.choice "--bad-files" Inputs.stopOrSkip text
                })
        | Bad_Graphs text ->
            input (fun input ->
                { input with
                    SkipBadGraphs = Some(Value.choice "--bad-graphs" Inputs.stopOrSkip text)
                })
        | Workers text ->
            input (fun input ->
                { input with
                    Workers = Inputs.workers text
                })
        | Engine text -> network (NetworkOption.Engine text)
        | Precision text -> network (NetworkOption.Precision text)
        | Checkpoint text -> network (NetworkOption.Checkpoint text)
        | Bootstrap text -> network (NetworkOption.Bootstrap text)
        | Seed text -> network (NetworkOption.Seed text)
        | Batch_Size text -> network (NetworkOption.BatchSize text)
        | Gpus text -> network (NetworkOption.Gpus text)
        | Threads text -> network (NetworkOption.Threads text)
        | Libtorch directory -> network (NetworkOption.LibTorch directory)
        | Json -> { settings with Json = true }
        | Csv directory -> { settings with Csv = Some directory }

    /// Pure, so that tests can ask it.
    let ofArguments (arguments: EvaluateArgument list) : EvaluateSettings =
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
                Input =
                    {
                        Words = files
                        Tracksters = None
                        Edges = None
                        SkipBadFiles = false
                        SkipBadGraphs = None
                        Workers = Environment.ProcessorCount
                    }
                Part = None
                Network = NetworkUse.standard 0
                Decoding = Decoding.Greedy
                Threshold = Threshold.Probability 0.5
                Dimensions = []
                Baselines = true
                Scan = false
                Perturbation = None
                Json = false
                Csv = None
            }

        let settings = List.fold apply start arguments
        ArithmeticWords.check (defaultArg settings.Network.Gpus 0) settings.Network.Arithmetic
        settings
