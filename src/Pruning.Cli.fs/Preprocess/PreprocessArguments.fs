namespace Pruning.Cli.Preprocess

open Pruning.Data.Options
open Pruning.Data.Ticl
open Pruning.Cli.Framework
open Pruning.Cli.Options

type PreprocessSettings =
    {
        Files: string list
        SkipBadFiles: bool
        /// Tree of the reconstructed tracksters; None = the one of this generation of files.
        Collection: string option
        Truth: TiclTruth
        Options: PreprocessOptions
        /// Print the parameters, and read nothing.
        OnlyParameters: bool
        /// Say what the files are, and make nothing.
        OnlyDescription: bool
        Production: ProductionSettings
    }

    member settings.Read: TiclReadOptions =
        TiclReadOptions(Collection = Option.toObj settings.Collection, Truth = settings.Truth)

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

    let private startAt (high, low) : PreprocessSettings =
        {
            Files = []
            SkipBadFiles = false
            Collection = None
            Truth = TiclTruth.CaloParticle
            Options = PreprocessOptions(High = high, Low = low)
            OnlyParameters = false
            OnlyDescription = false
            Production = ProductionSettings.standard
        }

    let private standard: PreprocessSettings = startAt (List.head presets |> snd)

    let private production names =
        ProductionSettings.options names
        |> Opt.within _.Production (fun v s -> { s with Production = v })

    let private parameter name known meta help =
        Production.parameter _.Options (fun v s -> { s with Options = v }) name known meta help

    let private reading: Opt<PreprocessSettings> list =
        [
            Opt.ofKind
                (Kind.optional (Kind.text "NAME"))
                "--collection"
                "Collection of the reconstructed tracksters: a tree of the dumper, a label of NanoAOD."
                _.Collection
                (fun v s -> { s with Collection = v })
            |> Opt.unset "CLUE3D's"
            Opt.flag
                "--describe"
                "Say what each file is, what can be made of it and what is missing, and make nothing."
                _.OnlyDescription
                (fun v s -> { s with OnlyDescription = v })
            Opt.choice
                "--truth"
                [ "cp", TiclTruth.CaloParticle; "sc", TiclTruth.SimCluster ]
                "Simulated tracksters that give the labels: cp (CaloParticles) or sc (SimClusters)."
                _.Truth
                (fun v s -> { s with Truth = v })
            Opt.ofVerb
                (Kind.choice presets)
                "--clue3d"
                "Parameters of CLUE3D in the release that made the ntuple: 2022, 2021, or toy for ntuples of simulate."
            |> Opt.unset "2022"
            yield!
                Opt.pick [ "--bad-files" ] Inputs.options
                |> List.map (
                    Opt.help
                        "What to do with a file that cannot be read or does not fit: stop or skip. A file that breaks in the middle of \
                         --output stops the run in any case."
                )
                |> Opt.within
                    (fun s ->
                        { Inputs.standard with
                            SkipBadFiles = s.SkipBadFiles
                        })
                    (fun v s -> { s with SkipBadFiles = v.SkipBadFiles })
            yield! production [ "--shard" ]
        ]
        |> Opt.section "Input"

    let private selection: Opt<PreprocessSettings> list =
        [
            parameter
                "--label"
                "Labels"
                "RULE"
                "Which layer clusters to prune: majority, any or cut=X (X is the smallest share of energy that is kept)."
            parameter "--min-nodes" "Selection.MinNodes" "N" "Fewest layer clusters of a trackster."
            parameter "--max-nodes" "Selection.MaxNodes" "N" "Most layer clusters of a trackster."
            parameter "--min-energy" "Selection.MinEnergy" "GEV" "Smallest energy of a trackster, in GeV."
            parameter "--min-eta" "Selection.MinEta" "ETA" "Smallest |eta| of the centre of a trackster."
            parameter "--max-eta" "Selection.MaxEta" "ETA" "Largest |eta| of the centre of a trackster."
            parameter
                "--min-purity"
                "Selection.MinPurity"
                "SHARE"
                "Smallest share of the energy of a trackster that belongs to its particle."
            Opt.flag
                "--keep-unmatched"
                "Keep tracksters without a simulated particle, with every label 1, to study fakes."
                _.Options.Selection.KeepUnmatched
                (fun on s ->
                    if on then
                        { s with
                            Options = OptionTable.With(s.Options, "Selection.KeepUnmatched", "true")
                        }
                    else
                        s)
            Production.assignment _.Options (fun v s -> { s with Options = v }) "High.CriticalDensity=0.6"
            Opt.flag
                "--parameters"
                "Print every parameter with its value, and read nothing."
                _.OnlyParameters
                (fun v s -> { s with OnlyParameters = v })
        ]
        |> Opt.section "Selection and labels"

    let private output: Opt<PreprocessSettings> list =
        production
            [
                "--output"
                "--output-dir"
                "--resume"
                "--overwrite"
                "--format"
                "--compression"
                "--threads"
                "--json"
            ]
        |> List.map (fun option ->
            if option.Info.Name = "--output" then
                option |> Opt.help "One prepared file for all ntuples."
            else
                option)
        |> Opt.section "Output"

    let options: Opt<PreprocessSettings> list = reading @ selection @ output

    let describe () : OptionInfo list = Opt.describe standard options

    /// From the words after `preprocess`. Where files go must be said, unless the parameters are all that is asked for.
    let ofWords (words: string list) : PreprocessSettings =
        let line = Arguments.read true (describe ()) words

        let start =
            Line.last "--clue3d" line
            |> Option.map (Value.choice "--clue3d" presets >> startAt)
            |> Option.defaultValue standard

        let settings = Arguments.apply options line { start with Files = line.Positional }

        Production.checkedBy "the parameters cannot be used" settings.Options.Check
        ProductionSettings.existing settings.Production |> ignore

        if not settings.OnlyParameters && not settings.OnlyDescription then
            ProductionSettings.destination settings.Production |> ignore

        settings
