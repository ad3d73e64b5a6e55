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
        /// Print the settings as a TOML file, and train nothing.
        PrintConfig: bool
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
            World = RankOptions.standard
            Arithmetic = Arithmetic.standard
            LibTorch = None
            RunsDirectory = "runs"
            Name = ""
            Resume = None
            OutputFile = None
            Histograms = true
            Json = false
            PrintConfig = false
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

    let private nameKind: Kind<string> =
        let fits letter = Char.IsAsciiLetterOrDigit letter || letter = '-' || letter = '_' || letter = '.'

        let parse option (text: string) =
            if
                text.Length >= 1
                && text.Length <= 80
                && String.forall fits text
                && text[0] <> '.'
            then
                text
            else
                Value.refuse option "1 to 80 letters, digits, '-', '_' or '.' (not first)" text

        { Kind.custom "NAME" parse id with
            Text = fun name -> if name = "" then None else Some name
        }

    /// Model files are safetensors whatever the original's ending was (it wrote argnn.pt by default).
    let private safetensors (file: string) : string =
        let ending = ".safetensors"

        if file.EndsWith ending then
            file
        else
            match [ ".pt"; ".pth"; ".ckpt" ] |> List.tryFind file.EndsWith with
            | Some other -> file.Substring(0, file.Length - other.Length) + ending
            | None -> file + ending

    let private share = Interval.above 0.0 1.0

    /// Where the settings start: `start` reads these options before the others.
    let private starts: Opt<TrainSettings> list =
        [
            Opt.ofVerb
                (Kind.choice Preset.words)
                "--preset"
                "Network and training options that belong together. fast: physics features, edges from nearest neighbours, minutes on one \
                 core. Other options override it."
            |> Opt.unset "none"
            { Opt.flag
                  "--parity"
                  "Reproduce the original research code to rounding: its losses, batch normalisation per graph, raw features and defaults \
                   (batch size 3, 100 epochs, class weight 1,20, no clipping)."
                  (fun settings -> settings.Training.Loss = LossKind.Original)
                  (fun _ settings -> settings) with
                Text = fun settings -> if settings.Training.Loss = LossKind.Original then Some "true" else None
            }
            Opt.ofVerb
                (Kind.path "RUN")
                "--like"
                "Start a new run with every choice of this run, its files included. Options given beside it replace its choices."
            |> Opt.unset "none"
            Opt.ofVerb
                (Kind.path "FILE")
                ConfigFile.option
                "Read options from this TOML file. Its keys are names of options without dashes; tables are allowed. Options on the \
                 command line win."
            |> Opt.unset "none"
        ]
        |> Opt.section "Start"

    let private split: Opt<TrainSettings> list =
        [
            Opt.real
                "--training-fraction"
                share
                "Share of the graphs in the training split. The rest is halved into validation and test."
                _.TrainingFraction
                (fun v s -> { s with TrainingFraction = v })
            |> Opt.required
            Opt.real
                "--sampling-fraction"
                share
                "Share of all graphs that is used at all, for quick trials."
                _.SamplingFraction
                (fun v s -> { s with SamplingFraction = v })
            |> Opt.required
        ]
        |> Opt.group "Input" "split"

    let private resumption: Opt<TrainSettings> list =
        [
            Opt.path
                "--resume"
                "RUN"
                "Continue a stopped or killed run from its newest checkpoint; results are identical to an uninterrupted run. auto takes \
                 the newest run under --runs; if there is none and files are named, a run begins. Options that change the mathematics are \
                 refused."
                _.Resume
                (fun v s -> { s with Resume = v })
            |> Opt.unset "none"
        ]
        |> Opt.section "Checkpoints"

    let private setOutputFile (file: string option) (settings: TrainSettings) : TrainSettings =
        let model = Option.map safetensors file

        let note =
            match file, model with
            | Some asked, Some model when asked <> model ->
                [ $"--output-file {asked}: models are safetensors files here, writing {model}." ]
            | _ -> []

        { settings with
            OutputFile = model
            Notes = settings.Notes @ note
        }

    let private output: Opt<TrainSettings> list =
        [
            Opt.ofKind
                (Kind.path "DIRECTORY")
                "--runs"
                "Directory in which the run gets its own directory."
                _.RunsDirectory
                (fun v s -> { s with RunsDirectory = v })
            |> Opt.notKept
            Opt.ofKind nameKind "--name" "Name of the run: letters, digits, '.', '-' and '_'." _.Name (fun v s ->
                { s with Name = v })
            |> Opt.unset "what the network is"
            |> Opt.notKept
            Opt.path
                "--output-file"
                "FILE"
                "Copy the best model to this .safetensors file as well."
                _.OutputFile
                setOutputFile
            |> Opt.unset "none"
            |> Opt.kept "output" "file"
            |> Opt.mayChange
            { Opt.ofKind
                  { Kind.flag with
                      ToJson = fun key off -> Kind.flag.ToJson key (not off)
                      OfJson = fun key fields -> not (fields.Flag key)
                  }
                  "--no-histograms"
                  "Leave the distributions of weights and gradients out of the TensorBoard events."
                  (fun settings -> not settings.Histograms)
                  (fun v s -> { s with Histograms = not v }) with
                Required = false
            }
            |> Opt.kept "output" "histograms"
            |> Opt.mayChange
            Opt.flag "--json" "Print the final metrics as JSON on stdout." _.Json (fun v s -> { s with Json = v })
            |> Opt.notKept
            Opt.flag
                "--print-config"
                "Print every option as a TOML file for --config, and train nothing."
                _.PrintConfig
                (fun v s -> { s with PrintConfig = v })
            |> Opt.notKept
        ]
        |> Opt.group "Output" "output"

    let private libtorch: Opt<TrainSettings> list =
        [ NetworkUse.libtorch _.LibTorch (fun v s -> { s with LibTorch = v }) ]
        |> Opt.section "Machine"

    /// A run keeps the number of workers with its training.
    let private input: Opt<TrainSettings> list =
        Inputs.options
        |> List.map (fun option ->
            if option.Info.Name = "--workers" then
                option |> Opt.kept "training" "workers" |> Opt.required |> Opt.mayChange
            else
                option)
        |> Opt.within _.Input (fun v s -> { s with Input = v })

    /// Every option of `train`.
    let options: Opt<TrainSettings> list =
        let training = Opt.within _.Training (fun v s -> { s with Training = v }) TrainingOptions.options

        [
            starts
            input
            split
            Opt.within _.Model (fun v s -> { s with Model = v }) NetworkOptions.options
            training
            Opt.within _.World (fun v s -> { s with World = v }) RankOptions.options
            Opt.within _.Arithmetic (fun v s -> { s with Arithmetic = v }) ArithmeticOptions.options
            libtorch
            resumption
            output
        ]
        |> List.concat

    /// What is known about the options, with their defaults.
    let describe () : OptionInfo list = Opt.describe standard options

    /// What the network is, as a run name: "equilibrium-lstm-none", "one-pass-gru-lstm-gatv2".
    let nameOf (config: PrunerConfig) : string =
        let layer =
            match config.Layer with
            | LayerKind.Sage -> []
            | other -> [ Choices.layerName other ]

        [
            NetworkOptions.modeName config.Strategy
            Choices.nameOf Choices.cells config.DecisionCell
            Choices.nameOf Choices.memories config.MemoryCell
        ]
        @ layer
        |> String.concat "-"

    /// --parity is a promise about numbers: options that break it are refused, not bent.
    let private keepParity (line: Line) (settings: TrainSettings) =
        if Line.has "--parity" line then
            if settings.Training.Loss <> LossKind.Original then
                raise (UsageException "--parity fixes --loss to the original's: leave one of the two out.")

            match NetworkOptions.againstParity settings.Model with
            | Some(option, value) ->
                raise (UsageException $"--parity fixes {option} {value}: leave one of the two out.")
            | None -> ()

    /// From the words after `train` to its options, those of a --config file included.
    let read (words: string list) : Line =
        let options = describe ()
        Arguments.read true options words |> ConfigFile.expand options

    /// The settings that options make of other settings. The last word on an option counts, as users of the original expect.
    let ofLineAfter (start: TrainSettings) (exists: string -> bool) (line: Line) : TrainSettings =
        let each = Arguments.apply options line start

        // A file of options needs no data yet.
        let input =
            match Line.files line with
            | [] when each.PrintConfig -> each.Input
            | words -> Inputs.withWords exists line words each.Input

        let settings =
            { each with
                Model = NetworkOptions.complete each.Training.Seed line each.Model
                Input = input
            }

        keepParity line settings
        ArithmeticOptions.check settings.World.Gpus settings.Arithmetic

        { settings with
            Training.Workers = settings.Input.Workers
            Name = if settings.Name = "" then nameOf settings.Model else settings.Name
        }

    /// The settings of a new run.
    let ofLine (exists: string -> bool) (line: Line) : TrainSettings =
        let preset = Line.last "--preset" line |> Option.map (Value.choice "--preset" Preset.words)

        let start =
            match Line.has "--parity" line, preset with
            | true, Some _ -> raise (UsageException "--parity is a preset of its own: leave --preset out, or --parity.")
            | true, None -> parity
            | false, Some preset -> ofPreset preset
            | false, None -> standard

        ofLineAfter start exists line

    /// From the words after `train`.
    let ofWords (words: string list) : TrainSettings = ofLine File.Exists (read words)

    /// A TOML file that --config turns back into these settings.
    let toToml (settings: TrainSettings) : string =
        let printed = options |> List.filter (fun option -> option.Info.Name <> "--print-config")
        ConfigFile.write printed settings.Input.Files settings

    /// How the data is divided.
    let splitOptions (settings: TrainSettings) : Pruning.Data.Batching.SplitOptions =
        Pruning.Data.Batching.SplitOptions(
            TrainingFraction = settings.TrainingFraction,
            SamplingFraction = settings.SamplingFraction,
            Seed = settings.Training.Seed
        )
