namespace Pruning.Cli.Prune

open System
open System.IO
open Argu
open Pruning.Root.Compression
open Pruning.Model.Evaluation
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs

type PruneArgument =
    | [<MainCommand>] Input of word: string list
    | Checkpoint of name: string
    | [<Section "Where to prune">] Working_Point of what: string
    | Choose_On of file: string
    | [<Section "Output">] Write of what: string
    | Output of file: string
    | Output_Dir of directory: string
    | Resume
    | Overwrite
    | Compression of codec: string
    | Json
    | [<Section "Input">] Tracksters of tree: string
    | Edges of tree: string
    | Bad_Files of what: string
    | Bad_Graphs of what: string
    | [<CustomCommandLine "--shard">] Part of part: string
    | [<Section "The machine">] Batch_Size of n: string
    | Threads of n: string
    | Gpus of n: string
    | Libtorch of directory: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "run directory or model file, then ROOT files or globs and (optional) the two tree names"
            | Checkpoint _ -> "best or last weights of a run (default best)"
            | Working_Point _ ->
                "prune above probability=P (default 0.5, what the network was trained for), as low as this share of the showers' energy survives (efficiency=E), or where F1 is largest (best-f1); the last two are chosen on the run's validation split, or on --choose-on"
            | Choose_On _ ->
                "labelled file or glob on which efficiency=E and best-f1 are chosen instead; may be repeated"
            | Write _ ->
                "scores (a ROOT file with score and decision of each layer cluster, entry by entry), parquet (the same as rows) or copy (the input without what is pruned) (default scores)"
            | Output _ -> "file to write, for one input file"
            | Output_Dir _ -> "directory that gets a file for each input file, of the same name"
            | Resume -> "leave files that an equal run has completed as they are, and make the others"
            | Overwrite -> "replace files that are there (else exit code 2)"
            | Compression _ ->
                "of ROOT files: zstd, lz4, zlib, xz, each with =1 to =9 if you like, or none (default zstd=3)"
            | Json -> "the summary as one JSON document on stdout"
            | Tracksters _ -> "tree with one trackster an entry (default Tracksters)"
            | Edges _ -> "tree with the edges of the same entries (default Edges)"
            | Bad_Files _ -> "stop or skip at a file that cannot be read (default stop)"
            | Bad_Graphs _ ->
                "stop or skip at a graph that contradicts itself: its scores are NaN and nothing of it is pruned; a copy leaves it out (default stop)"
            | Part _ -> "K/N: only part K (from 1) of N parts of the files, for batch systems"
            | Batch_Size _ -> "graphs that are computed together (default: 32, of autoregressive networks 256)"
            | Threads _ ->
                "threads that read and compute (default: number of cores); scores and decisions do not depend on it"
            | Gpus _ -> "GPUs to use; 0 is the CPU (default 0)"
            | Libtorch _ -> "use the libtorch in this directory"

/// What is written for an input file.
[<RequireQualifiedAccess>]
type PruneOutput =
    | Scores
    | Parquet
    | Copy

[<RequireQualifiedAccess>]
module PruneOutput =

    let words = [ "scores", PruneOutput.Scores; "parquet", PruneOutput.Parquet; "copy", PruneOutput.Copy ]

    let name (output: PruneOutput) : string = words |> List.find (snd >> (=) output) |> fst

    /// Name of the file for an input of this name.
    let fileName (output: PruneOutput) (input: string) : string =
        match output with
        | PruneOutput.Parquet -> nonNull (Path.GetFileNameWithoutExtension input) + ".parquet"
        | PruneOutput.Scores
        | PruneOutput.Copy -> input

type PruneSettings =
    {
        /// Run directory or model file.
        Model: string
        /// The files; None = those that the run trained on.
        Input: InputSettings option
        SkipBadFiles: bool
        SkipBadGraphs: bool
        Network: NetworkUse
        Threshold: Threshold
        /// Labelled files that thresholds are chosen on instead of the run's validation split.
        ChooseOn: string list
        Write: PruneOutput
        Destination: Destination
        Existing: Existing
        Compression: RootCompressionSetting
        Shard: Shard
        Json: bool
    }

/// From the words of prune to its settings.
[<RequireQualifiedAccess>]
module PruneSettings =

    let private networkOption argument =
        match argument with
        | Checkpoint text -> Some(NetworkOption.Checkpoint text)
        | Batch_Size text -> Some(NetworkOption.BatchSize text)
        | Threads text -> Some(NetworkOption.Threads text)
        | Gpus text -> Some(NetworkOption.Gpus text)
        | Libtorch directory -> Some(NetworkOption.LibTorch directory)
        | _ -> None

    let private inputOption argument =
        match argument with
        | Tracksters tree -> Some(InputOption.Tracksters tree)
        | Edges tree -> Some(InputOption.Edges tree)
        | Bad_Files text -> Some(InputOption.BadFiles text)
        | Bad_Graphs text -> Some(InputOption.BadGraphs text)
        | _ -> None

    let private productionOption argument =
        match argument with
        | Output path -> Some(ProductionOption.Output path)
        | Output_Dir path -> Some(ProductionOption.OutputDirectory path)
        | Resume -> Some ProductionOption.Resume
        | Overwrite -> Some ProductionOption.Overwrite
        | Compression text -> Some(ProductionOption.Compression text)
        | Part text -> Some(ProductionOption.Shard text)
        | Json -> Some ProductionOption.Json
        | _ -> None

    /// Pure, so that tests can ask it.
    let ofArguments (exists: string -> bool) (arguments: PruneArgument list) : PruneSettings =
        let last pick = arguments |> List.choose pick |> List.tryLast

        let words =
            arguments
            |> List.collect (function
                | Input words -> words
                | _ -> [])

        let model, files =
            match words with
            | model :: files -> model, files
            | [] ->
                raise (UsageException "nothing to prune with: give a run directory or a model file, then the files.")

        let options = List.choose inputOption arguments
        // The names of trees and what to skip count without files too.
        let named = Inputs.ofOptions exists (InputOption.Words [ "any.root" ] :: options)
        let production = arguments |> List.choose productionOption |> ProductionSettings.ofOptions

        let threshold =
            last (function
                | Working_Point text -> Some(WorkingPointWord.parse text)
                | _ -> None)
            |> Option.defaultValue (Threshold.Probability 0.5)

        let chooseOn =
            arguments
            |> List.choose (function
                | Choose_On file -> Some file
                | _ -> None)

        match threshold with
        | Threshold.Probability _ when not chooseOn.IsEmpty ->
            raise (
                UsageException "--choose-on has nothing to choose: give --working-point efficiency=E or best-f1 too."
            )
        | _ -> ()

        {
            Model = model
            Input =
                if files.IsEmpty then
                    None
                else
                    Some(Inputs.ofOptions exists (InputOption.Words files :: options))
            SkipBadFiles = named.SkipBadFiles
            SkipBadGraphs = named.SkipBadGraphs
            Network =
                arguments
                |> List.choose networkOption
                |> List.fold NetworkUse.apply (NetworkUse.standard 0)
            Threshold = threshold
            ChooseOn = chooseOn
            Write =
                last (function
                    | Write text -> Some(Value.choice "--write" PruneOutput.words text)
                    | _ -> None)
                |> Option.defaultValue PruneOutput.Scores
            Destination = ProductionSettings.destination production
            Existing = production.Existing
            Compression = production.Compression
            Shard = production.Shard
            Json = production.Json
        }
