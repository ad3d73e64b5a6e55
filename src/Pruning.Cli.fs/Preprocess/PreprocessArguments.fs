namespace Pruning.Cli.Preprocess

open System
open Argu
open Pruning.Data
open Pruning.Root.Compression
open Pruning.Data.Ticl
open Pruning.Data.Tracksters
open Pruning.Cli.Framework
open Pruning.Cli.Options

type PreprocessArgument =
    | [<MainCommand>] Input of file: string list
    | [<Section "What to read">] Collection of tree: string
    | Truth of which: string
    | Clue3d of preset: string
    | Bad_Files of what: string
    | [<CustomCommandLine "--shard">] Part of part: string
    | [<Section "What to keep">] Label of rule: string
    | Min_Nodes of n: string
    | Max_Nodes of n: string
    | Min_Energy of gev: string
    | Min_Eta of eta: string
    | Max_Eta of eta: string
    | Min_Purity of share: string
    | Keep_Unmatched
    | [<CustomCommandLine "--set">] Assign of assignment: string
    | Parameters
    | [<Section "Output">] Output of file: string
    | Output_Dir of directory: string
    | Resume
    | Overwrite
    | Format of name: string
    | Compression of codec: string
    | Threads of n: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "TICL ntuples or globs"
            | Collection _ ->
                "tree of the reconstructed tracksters (default: ticlTrackstersCLUE3DHigh, else tracksters)"
            | Truth _ ->
                "cp (CaloParticles) or sc (SimClusters): which simulated tracksters tell the truth (default cp)"
            | Clue3d _ ->
                "2022, 2021 or toy: parameters of CLUE3D in the release that made the ntuple (default 2022); toy for ntuples of simulate"
            | Bad_Files _ ->
                "stop or skip at a file that cannot be read or does not fit (default stop); one that breaks in the middle of --output stops the run all the same"
            | Part _ -> "K/N: only part K (from 1) of N parts of the files, for batch systems"
            | Label _ -> "what to prune: majority, any or cut=X, the least share of energy to keep (default majority)"
            | Min_Nodes _ -> "fewest layer clusters of a trackster (default 3)"
            | Max_Nodes _ -> "most layer clusters of a trackster (default 1000000)"
            | Min_Energy _ -> "least energy of a trackster, GeV (default 0)"
            | Min_Eta _ -> "smallest |eta| of a trackster's centre (default 0)"
            | Max_Eta _ -> "largest |eta| of a trackster's centre (default 10)"
            | Min_Purity _ -> "least share of a trackster's energy that its particle owns (default 0)"
            | Keep_Unmatched -> "keep tracksters without a simulated particle, with every label 1: to study fakes"
            | Assign _ ->
                "NAME=VALUE: any parameter that --parameters shows, as in High.CriticalDensity=0.6; may be repeated"
            | Parameters -> "print every parameter with its value, and read nothing"
            | Output _ -> "one prepared file for all ntuples"
            | Output_Dir _ -> "a prepared file for each ntuple, of the same name, in this directory"
            | Resume -> "leave files that an equal run has completed as they are, and make the others"
            | Overwrite -> "replace files that are there (else exit code 2)"
            | Format _ ->
                "tree, or rntuple for ROOT 6.34 and newer: how prepared files hold their tables (default tree)"
            | Compression _ -> "zstd, lz4, zlib, xz, each with =1 to =9 if you like, or none (default zstd=3)"
            | Threads _ -> "threads (default: number of cores); the files do not depend on it"
            | Json -> "the summary as one JSON document on stdout"

type PreprocessSettings =
    {
        Files: string list
        SkipBadFiles: bool
        Read: TiclReadOptions
        Options: PreprocessOptions
        Shard: Shard
        Existing: Existing
        Format: TableFormat
        Compression: RootCompressionSetting
        Threads: int
        Json: bool
    }

/// From the words of preprocess to its settings.
[<RequireQualifiedAccess>]
module PreprocessSettings =

    let private presets =
        [
            "2022", (Clue3DOptions.Cmssw2022, Clue3DOptions.Cmssw2022)
            "2021",
            (Clue3DOptions.Cmssw2021,
             OptionTable.With(Clue3DOptions.Cmssw2021, nameof Unchecked.defaultof<Clue3DOptions>.CriticalDensity, "2"))
            "toy", (Clue3DOptions.ToyHigh, Clue3DOptions.ToyLow)
        ]

    let private parameterOf argument =
        match argument with
        | Label text -> Some("--label", "Labels", text)
        | Min_Nodes text -> Some("--min-nodes", "Selection.MinNodes", text)
        | Max_Nodes text -> Some("--max-nodes", "Selection.MaxNodes", text)
        | Min_Energy text -> Some("--min-energy", "Selection.MinEnergy", text)
        | Min_Eta text -> Some("--min-eta", "Selection.MinEta", text)
        | Max_Eta text -> Some("--max-eta", "Selection.MaxEta", text)
        | Min_Purity text -> Some("--min-purity", "Selection.MinPurity", text)
        | Keep_Unmatched -> Some("--keep-unmatched", "Selection.KeepUnmatched", "true")
        | _ -> None

    let private optionsOf (arguments: PreprocessArgument list) : PreprocessOptions =
        let high, low =
            arguments
            |> List.choose (function
                | Clue3d text -> Some(Value.choice "--clue3d" presets text)
                | _ -> None)
            |> List.tryLast
            |> Option.defaultValue (List.head presets |> snd)

        let apply options argument =
            match argument, parameterOf argument with
            | Assign assignment, _ -> Production.set options assignment
            | _, Some(option, name, text) ->
                Production.checkedBy option (fun () -> OptionTable.With(options, name, text))
            | _ -> options

        let options = List.fold apply (PreprocessOptions(High = high, Low = low)) arguments
        Production.checkedBy "the parameters cannot be used" options.Check
        options

    let private productionOption argument =
        match argument with
        | Output path -> Some(ProductionOption.Output path)
        | Output_Dir path -> Some(ProductionOption.OutputDirectory path)
        | Resume -> Some ProductionOption.Resume
        | Overwrite -> Some ProductionOption.Overwrite
        | Format name -> Some(ProductionOption.Format name)
        | Compression text -> Some(ProductionOption.Compression text)
        | Part text -> Some(ProductionOption.Shard text)
        | Threads text -> Some(ProductionOption.Threads text)
        | Json -> Some ProductionOption.Json
        | _ -> None

    let private productionOf (arguments: PreprocessArgument list) : ProductionSettings =
        arguments |> List.choose productionOption |> ProductionSettings.ofOptions

    /// Where prepared graphs go; one of both must be said.
    let destinationOf (arguments: PreprocessArgument list) : Destination =
        productionOf arguments |> ProductionSettings.destination

    /// Pure, so that tests can ask it. The destination is asked for on its own: --parameters wants none of it.
    let ofArguments (arguments: PreprocessArgument list) : PreprocessSettings =
        let last pick = arguments |> List.choose pick |> List.tryLast
        let production = productionOf arguments

        {
            Files =
                arguments
                |> List.collect (function
                    | Input files -> files
                    | _ -> [])
            SkipBadFiles =
                last (function
                    | Bad_Files text -> Some(Value.choice "--bad-files" Inputs.stopOrSkip text)
                    | _ -> None)
                |> Option.defaultValue false
            Read =
                TiclReadOptions(
                    Collection =
                        (last (function
                            | Collection tree -> Some tree
                            | _ -> None)
                         |> Option.toObj),
                    Truth =
                        (last (function
                            | Truth text ->
                                Some(
                                    Value.choice
                                        "--truth"
                                        [ "cp", TiclTruth.CaloParticle; "sc", TiclTruth.SimCluster ]
                                        text
                                )
                            | _ -> None)
                         |> Option.defaultValue TiclTruth.CaloParticle)
                )
            Options = optionsOf arguments
            Shard = production.Shard
            Existing = production.Existing
            Format = production.Format
            Compression = production.Compression
            Threads = production.Threads
            Json = production.Json
        }
