namespace Pruning.Cli.Runs

open System
open System.IO
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Training
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// Everything that `train` needs to know, validated.
type TrainSettings =
    {
        Input: InputSettings
        Model: PrunerConfig
        Training: TrainingConfig
        TrainingFraction: float
        SamplingFraction: float
        World: WorldSettings
        /// What computes aggregators and cells, and in which numbers.
        Arithmetic: Arithmetic
        LibTorch: string option
        RunsDirectory: string
        Name: string
        /// The run to go on with, or "auto".
        Resume: string option
        /// Where the best model is copied to.
        OutputFile: string option
        /// Distributions of weights and gradients after each epoch.
        Histograms: bool
        Json: bool
        /// Remarks on how the command line was understood.
        Notes: string list
    }

[<RequireQualifiedAccess>]
module TrainSettings =

    let standard: TrainSettings =
        {
            Input = Inputs.standard
            Model = PrunerConfig.standard
            Training =
                { TrainingConfig.standard with
                    Workers = Inputs.standard.Workers
                }
            TrainingFraction = 0.75
            SamplingFraction = 1.0
            World = World.standard
            Arithmetic = Arithmetic.standard
            LibTorch = None
            RunsDirectory = "runs"
            Name = ""
            Resume = None
            OutputFile = None
            Histograms = true
            Json = false
            Notes = []
        }

    /// The original's mathematics and its defaults; options still override the latter.
    let parity: TrainSettings =
        { standard with
            Model = PrunerConfig.parity standard.Model
            Training =
                { TrainingConfig.parity standard.Training with
                    Epochs = 100
                }
        }

    let private ofPreset (preset: Preset) : TrainSettings =
        { standard with
            Model = preset.Network
            Training =
                { preset.Training with
                    Workers = standard.Training.Workers
                }
        }

    let private name (text: string) : string =
        let fits letter = Char.IsAsciiLetterOrDigit letter || letter = '-' || letter = '_' || letter = '.'

        if
            text.Length >= 1
            && text.Length <= 80
            && String.forall fits text
            && text[0] <> '.'
        then
            text
        else
            Value.refuse "--name" "1 to 80 letters, digits, '-', '_' or '.' (not first)" text

    let private path (option: string) (text: string) : string =
        if String.IsNullOrWhiteSpace text then
            Value.refuse option "a path" text
        else
            text

    /// Model files are safetensors whatever the original's ending was (it wrote argnn.pt by default).
    let private outputFile (text: string) : string =
        let file = path "--output-file" text
        let ending = ".safetensors"

        if file.EndsWith ending then
            file
        else
            match [ ".pt"; ".pth"; ".ckpt" ] |> List.tryFind file.EndsWith with
            | Some other -> file.Substring(0, file.Length - other.Length) + ending
            | None -> file + ending

    let private fraction (option: string) (text: string) = Value.real option (Interval.above 0.0 1.0) text

    /// What belongs to the settings themselves; options of training, network and ranks are read where their words are.
    let private applyOwn (settings: TrainSettings) (argument: TrainArgument) : TrainSettings =
        match argument with
        | Input _
        | Tracksters _
        | Edges _
        | Bad_Files _
        | Bad_Graphs _
        | TrainArgument.Preset _
        | Like _
        | Parity -> settings
        | TrainArgument.Resume run ->
            { settings with
                Resume = Some(path "--resume" run)
            }
        | Training_Fraction text ->
            { settings with
                TrainingFraction = fraction "--training-fraction" text
            }
        | Sampling_Fraction text ->
            { settings with
                SamplingFraction = fraction "--sampling-fraction" text
            }
        | Mode _
        | Autoregressive
        | Num_Iterations _
        | Order _
        | Scheduled_Sampling _
        | Heads _
        | Features _ -> settings // joined by NetworkWords
        | Engine text ->
            { settings with
                Arithmetic = ArithmeticWords.withEngine text settings.Arithmetic
            }
        | Precision text ->
            { settings with
                Arithmetic = ArithmeticWords.withPrecision text settings.Arithmetic
            }
        | Libtorch text ->
            { settings with
                LibTorch = Some(path "--libtorch" text)
            }
        | Runs text ->
            { settings with
                RunsDirectory = path "--runs" text
            }
        | Name text -> { settings with Name = name text }
        | Output_File text ->
            let file = outputFile text

            { settings with
                OutputFile = Some file
                Notes =
                    if file = text then
                        settings.Notes
                    else
                        settings.Notes
                        @ [ $"--output-file {text}: models are safetensors files here, writing {file}." ]
            }
        | No_Histograms -> { settings with Histograms = false }
        | Json -> { settings with Json = true }
        // A new option needs a reader: without one it must not be passed over in silence.
        | unread -> invalidOp $"no part of the settings reads {unread}"

    let private apply (settings: TrainSettings) (argument: TrainArgument) : TrainSettings =
        let training () =
            TrainingWords.tryApply settings.Training argument
            |> Option.map (fun training -> { settings with Training = training })

        let network () =
            NetworkWords.tryApply settings.Model argument
            |> Option.map (fun network -> { settings with Model = network })

        let world () =
            World.tryApply settings.World argument
            |> Option.map (fun world -> { settings with World = world })

        training ()
        |> Option.orElseWith network
        |> Option.orElseWith world
        |> Option.defaultWith (fun () -> applyOwn settings argument)

    /// What the network is, as a run name: "equilibrium-lstm-none", "one-pass-gru-lstm-gatv2".
    let nameOf (config: PrunerConfig) : string =
        let layer =
            match config.Layer with
            | LayerKind.Sage -> []
            | other -> [ Choices.layerName other ]

        [
            NetworkWords.modeName config.Strategy
            Choices.nameOf Choices.cells config.DecisionCell
            Choices.nameOf Choices.memories config.MemoryCell
        ]
        @ layer
        |> String.concat "-"

    /// --parity is a promise about numbers: options that break it are refused, not bent.
    let private keepParity (arguments: TrainArgument list) (settings: TrainSettings) =
        if List.contains Parity arguments then
            if settings.Training.Loss <> LossKind.Original then
                raise (UsageException "--parity fixes --loss to the original's: leave one of the two out.")

            match NetworkWords.againstParity settings.Model with
            | Some(option, value) ->
                raise (UsageException $"--parity fixes {option} {value}: leave one of the two out.")
            | None -> ()

    /// The settings of another run with the options of this one. The last word on an option counts, as users of the original
    /// expect.
    let ofArgumentsAfter
        (start: TrainSettings)
        (exists: string -> bool)
        (arguments: TrainArgument list)
        : TrainSettings =
        let each = arguments |> List.fold apply start

        let settings =
            { each with
                Model = NetworkWords.complete each.Training.Seed arguments each.Model
            }

        keepParity arguments settings
        ArithmeticWords.check settings.World.Gpus settings.Arithmetic

        let input =
            arguments
            |> List.choose (function
                | Input words -> Some(InputOption.Words words)
                | Tracksters tree -> Some(InputOption.Tracksters tree)
                | Edges tree -> Some(InputOption.Edges tree)
                | Workers text -> Some(InputOption.Workers text)
                | Bad_Files text -> Some(InputOption.BadFiles text)
                | Bad_Graphs text -> Some(InputOption.BadGraphs text)
                | _ -> None)
            |> Inputs.ofOptionsAfter start.Input exists

        { settings with
            Input = input
            Name = if settings.Name = "" then nameOf settings.Model else settings.Name
        }

    /// The last word on an option counts, as users of the original expect.
    let ofArguments (exists: string -> bool) (arguments: TrainArgument list) : TrainSettings =
        let preset =
            arguments
            |> List.choose (function
                | TrainArgument.Preset text -> Some(Value.choice "--preset" Preset.words text)
                | _ -> None)
            |> List.tryLast

        let start =
            match List.contains Parity arguments, preset with
            | true, Some _ -> raise (UsageException "--parity is a preset of its own: leave --preset out, or --parity.")
            | true, None -> parity
            | false, Some preset -> ofPreset preset
            | false, None -> standard

        ofArgumentsAfter start exists arguments

    /// From the words after `train`.
    let ofWords (words: string list) : TrainSettings = ofArguments File.Exists (Arguments.parse<TrainArgument> words)

    /// How the data is divided.
    let splitOptions (settings: TrainSettings) : Pruning.Data.Batching.SplitOptions =
        Pruning.Data.Batching.SplitOptions(
            TrainingFraction = settings.TrainingFraction,
            SamplingFraction = settings.SamplingFraction,
            Seed = settings.Training.Seed
        )
