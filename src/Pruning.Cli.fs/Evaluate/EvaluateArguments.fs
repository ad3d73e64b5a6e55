namespace Pruning.Cli.Evaluate

open System
open Pruning.Model.Decoding
open Pruning.Model.Evaluation
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs

/// Everything that `evaluate` needs to know, validated.
type EvaluateSettings =
    {
        /// Run directory or model file.
        Model: string
        Input: ModelInput
        Split: SplitName option
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

    let private dimensions: Kind<Dimension list> =
        let words = [ for dimension in Dimension.all -> Dimension.name dimension, [ dimension ] ]
        let choices = ("all", Dimension.all) :: ("none", []) :: words

        let parse option (text: string) =
            text.Split(',', StringSplitOptions.TrimEntries ||| StringSplitOptions.RemoveEmptyEntries)
            |> Seq.map (Value.choice option choices)
            |> Seq.concat
            |> Seq.distinct
            |> Seq.toList

        let text (dimensions: Dimension list) =
            if dimensions.IsEmpty then
                "none"
            else
                dimensions |> List.map Dimension.name |> String.concat ","

        { Kind.custom "NAMES" parse text with
            Choices = fun () -> choices |> List.map fst
        }

    let private perturbation: Kind<Perturbation> =
        let wanted = "energy=X, position=Y or time=P, joined by commas"

        let add option (perturbation: Perturbation) word =
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
            | _ -> Value.refuse option wanted word

        let parse option (text: string) =
            (Perturbation.none, text.Split(',', StringSplitOptions.TrimEntries))
            ||> Array.fold (add option)

        Kind.custom "WHAT" parse (fun (p: Perturbation) ->
            $"energy={Kind.number p.Energy},position={Kind.number p.Position},time={Kind.number p.Time}")

    let private setDecoding (decoding: Decoding) (settings: EvaluateSettings) : EvaluateSettings =
        match settings.Decoding with
        | Decoding.Greedy -> { settings with Decoding = decoding }
        | _ -> raise (UsageException "--choices and --beam cannot be combined or repeated: give one of them, once.")

    let private decodingOption name range help (get: Decoding -> int option) make : Opt<EvaluateSettings> =
        Opt.ofKind
            (Kind.omitted (Kind.whole range))
            name
            help
            (fun settings -> get settings.Decoding)
            (Option.map (make >> setDecoding) >> Option.defaultValue id)

    let private decoding: Opt<EvaluateSettings> list =
        [
            decodingOption
                "--choices"
                (1, 1_000_000)
                "Layer clusters of a trackster that are decided in one step. K is K times faster and gives other decisions."
                (function
                | Decoding.Choices k -> Some k
                | _ -> None)
                Decoding.Choices
            |> Opt.meta "K"
            |> Opt.unset "1"
            decodingOption
                "--beam"
                (1, 1000)
                "Follow the N likeliest sequences of decisions, the greedy one among them, and answer with the likeliest. This is N times \
                 slower."
                (function
                | Decoding.Beam n -> Some n
                | _ -> None)
                Decoding.Beam
            |> Opt.unset "the greedy sequence alone"
        ]
        |> Opt.section "Decoding of an autoregressive network"

    let private network names =
        NetworkUse.options names
        |> Opt.within _.Network (fun v s -> { s with Network = v })

    let private what: Opt<EvaluateSettings> list =
        [
            Opt.ofKind
                (Kind.optional (Kind.choice SplitName.words))
                "--split"
                "Split that is evaluated: validation, test, training or all."
                _.Split
                (fun v s -> { s with Split = v })
            |> Opt.unset "validation and test for the files of the run, all for other files"
            yield! network [ "--checkpoint" ]
        ]
        |> Opt.section "What to evaluate"

    let private how: Opt<EvaluateSettings> list =
        [
            WorkingPointOption.option _.Threshold (fun v s -> { s with Threshold = v })
            Opt.ofKind
                dimensions
                "--bins"
                "Report numbers in bins as well: all, or some names separated by commas."
                _.Dimensions
                (fun v s -> { s with Dimensions = v })
            yield! network [ "--bootstrap" ]
            Opt.choice
                "--baselines"
                [ "all", true; "none", false ]
                "Baselines that are reported beside the network: all or none."
                _.Baselines
                (fun v s -> { s with Baselines = v })
            Opt.flag
                "--scan"
                "Report what other working points would do. They are chosen on the validation split."
                _.Scan
                (fun v s -> { s with Scan = v })
            Opt.ofKind
                (Kind.optional perturbation)
                "--perturb"
                "Compare with decisions on disturbed inputs, joined by commas: energy=X (smeared by the share X), position=Y (x and y by \
                 Y cm), time=P (dropped with probability P)."
                _.Perturbation
                (fun v s -> { s with Perturbation = v })
            |> Opt.unset "none"
            yield! network [ "--seed" ]
        ]
        |> Opt.section "Metrics"

    let private output: Opt<EvaluateSettings> list =
        [
            Opt.flag "--json" "Print one JSON document on stdout, with every digit." _.Json (fun v s ->
                { s with Json = v })
            Opt.path
                "--csv"
                "DIRECTORY"
                "Write every number as CSV files: metrics, bins, curves, working points, tracksters."
                _.Csv
                (fun v s -> { s with Csv = v })
            |> Opt.unset "none"
        ]
        |> Opt.section "Output"

    let options: Opt<EvaluateSettings> list =
        let input = ModelInput.options |> Opt.within _.Input (fun v s -> { s with Input = v })

        [
            what
            decoding
            how
            input
            network [ "--batch-size" ] |> Opt.section "Input"
            network [ "--gpus"; "--threads"; "--engine"; "--precision"; "--libtorch" ]
            |> Opt.section "Machine"
            output
        ]
        |> List.concat

    let private standard: EvaluateSettings =
        {
            Model = ""
            Input = ModelInput.standard
            Split = None
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

    let describe () : OptionInfo list = Opt.describe standard options

    /// From the words after `evaluate`.
    let ofWords (words: string list) : EvaluateSettings =
        let line = Arguments.read true (describe ()) words

        let model, files =
            match line.Positional with
            | model :: files -> model, files
            | [] -> raise (UsageException "nothing to evaluate: give a run directory or a model file.")

        let settings =
            Arguments.apply
                options
                line
                { standard with
                    Model = model
                    Input.Words = files
                }

        ArithmeticOptions.check (defaultArg settings.Network.Gpus 0) settings.Network.Arithmetic
        settings
