namespace Pruning.Cli

open System
open System.IO
open Pruning.Model
open Pruning.Model.Training

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

    let private weight (text: string) : ClassWeighting =
        let one = Value.tryReal (Interval.above 0.0 1e6)

        match text.Split ',' |> Array.map one with
        | [| Some keep; Some prune |] -> ClassWeighting.Given { Keep = keep; Prune = prune }
        | _ when text.Equals("measured", StringComparison.OrdinalIgnoreCase) -> ClassWeighting.Measured
        | _ -> Value.refuse "--class-weight" "measured or two numbers above 0 as KEEP,PRUNE, such as 1,20" text

    let private losses =
        [ "mean-over-graphs", LossKind.MeanOverGraphs; "mean-over-nodes", LossKind.MeanOverNodes ]

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

    let private count (option: string) (high: int) (text: string) = Value.whole option (1, high) text

    let private training (change: TrainingConfig -> TrainingConfig) (settings: TrainSettings) =
        { settings with
            Training = change settings.Training
        }

    let private world (change: WorldSettings -> WorldSettings) (settings: TrainSettings) =
        { settings with
            World = change settings.World
        }

    let private apply (settings: TrainSettings) (argument: TrainArgument) : TrainSettings =
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
        | Checkpoint_Every text ->
            settings
            |> training (fun config ->
                { config with
                    CheckpointEvery = TrainingWords.interval text
                })
        | Keep text ->
            settings
            |> training (fun config ->
                { config with
                    Keep = count "--keep" 1000 text
                })
        | Training_Fraction text ->
            { settings with
                TrainingFraction = fraction "--training-fraction" text
            }
        | Sampling_Fraction text ->
            { settings with
                SamplingFraction = fraction "--sampling-fraction" text
            }
        | Workers text ->
            settings
            |> training (fun config ->
                { config with
                    Workers = Inputs.workers text
                })
        | Prefetch_Factor text ->
            settings
            |> training (fun config ->
                { config with
                    PrefetchFactor = count "--prefetch-factor" 1024 text
                })
        | Mode _
        | Autoregressive
        | Num_Iterations _
        | Order _
        | Scheduled_Sampling _
        | Heads _
        | Features _ -> settings // joined by NetworkWords
        | Layer text ->
            { settings with
                Model.Layer = Value.choice "--layer" Choices.layers text
            }
        | Residual -> { settings with Model.Residual = true }
        | Round_Normalisation text ->
            { settings with
                Model.RoundNormalisation = Value.choice "--round-normalisation" Choices.normalisations text
            }
        | Round_Dropout text ->
            { settings with
                Model.RoundDropout = Value.real "--round-dropout" (Interval.below 0.0 1.0) text
            }
        | Num_Gnn_Steps text ->
            { settings with
                Model.Rounds = count "--num-gnn-steps" 100 text
            }
        | Hidden_Dim text ->
            let hidden = Value.whole "--hidden-dim" (2, 8192) text

            if hidden % 2 = 1 then
                Value.refuse "--hidden-dim" "an even number (the encoder starts with half of it)" text

            { settings with Model.Hidden = hidden }
        | Aggregator text ->
            { settings with
                Model.DecisionCell = Value.choice "--aggregator" Choices.cells text
            }
        | Memory text ->
            { settings with
                Model.MemoryCell = Value.choice "--memory" Choices.memories text
            }
        | Neighbour_Aggregator text ->
            { settings with
                Model.Aggregator = Value.choice "--neighbour-aggregator" Choices.aggregators text
            }
        | Neighbours text ->
            { settings with
                Model.Neighbours = Value.whole "--neighbours" (0, 1000) text
            }
        | Normalisation text ->
            { settings with
                Model.Normalisation = Value.choice "--normalisation" Choices.normalisations text
            }
        | No_Standardise ->
            { settings with
                Model.Standardise = false
            }
        | Dropout text ->
            { settings with
                Model.Dropout = Value.real "--dropout" (Interval.below 0.0 1.0) text
            }
        | Epochs text ->
            settings
            |> training (fun config ->
                { config with
                    Epochs = count "--epochs" 1_000_000 text
                })
        | Batch_Size text ->
            settings
            |> training (fun config ->
                { config with
                    BatchSize = count "--batch-size" 1_000_000 text
                })
        | TrainArgument.Accumulate text ->
            settings
            |> training (fun config ->
                { config with
                    Accumulate = count "--accumulate" 1_000_000 text
                })
        | Schedule text ->
            settings
            |> training (fun config ->
                { config with
                    Schedule = TrainingWords.schedule text
                })
        | Warmup text ->
            settings
            |> training (fun config ->
                { config with
                    WarmupSteps = Value.whole "--warmup" (0, Int32.MaxValue) text
                })
        | Weight_Decay text ->
            settings
            |> training (fun config ->
                { config with
                    WeightDecay = Value.real "--weight-decay" (Interval.below 0.0 100.0) text
                })
        | Ema text ->
            settings
            |> training (fun config ->
                { config with
                    Ema = Some(Value.real "--ema" (Interval.below 0.0 1.0) text)
                })
        | TrainArgument.Monitor text ->
            settings
            |> training (fun config ->
                { config with
                    Monitor = TrainingWords.monitor text
                })
        | Patience text ->
            settings
            |> training (fun config ->
                { config with
                    Patience = Some(count "--patience" 1_000_000 text)
                })
        | Max_Time text ->
            settings
            |> training (fun config ->
                { config with
                    MaxTime = Some(TrainingWords.time "--max-time" text)
                })
        | Learning_Rate text ->
            settings
            |> training (fun config ->
                { config with
                    LearningRate = Value.real "--learning-rate" (Interval.above 0.0 10.0) text
                })
        | Loss text ->
            settings
            |> training (fun config ->
                { config with
                    Loss = Value.choice "--loss" losses text
                })
        | Class_Weight text ->
            settings
            |> training (fun config ->
                { config with
                    ClassWeighting = weight text
                })
        | Clip_Norm text ->
            let norm = Value.real "--clip-norm" (Interval.closed 0.0 infinity) text

            settings
            |> training (fun config ->
                { config with
                    ClipNorm = if norm = 0.0 then None else Some norm
                })
        | Seed text ->
            settings
            |> training (fun config ->
                { config with
                    Seed = Value.wholeLong "--seed" (0L, Int64.MaxValue) text
                })
        | Gpus text ->
            settings
            |> world (fun world ->
                { world with
                    Gpus = Value.whole "--gpus" (0, 1024) text
                })
        | Replicas text ->
            settings
            |> world (fun world ->
                { world with
                    Replicas = count "--replicas" 1024 text
                })
        | Devices text ->
            settings
            |> world (fun world ->
                { world with
                    Devices = List.ofArray (text.Split(',', StringSplitOptions.TrimEntries))
                })
        | Rank_Timeout text ->
            settings
            |> world (fun world ->
                { world with
                    Patience = TrainingWords.time "--rank-timeout" text
                })
        | Threads text ->
            settings
            |> training (fun config ->
                { config with
                    Threads = count "--threads" 1024 text
                })
        | Engine text ->
            { settings with
                Arithmetic = ArithmeticWords.withEngine text settings.Arithmetic
            }
        | Precision text ->
            { settings with
                Arithmetic = ArithmeticWords.withPrecision text settings.Arithmetic
            }
        | Memory_Budget text ->
            let gigabytes = Value.real "--memory-budget" (Interval.above 0.0 1e6) text

            settings
            |> training (fun config ->
                { config with
                    Backpropagation = Backpropagation.Bounded(int64 (gigabytes * 1e9))
                })
        | Truncate_Steps text ->
            settings
            |> training (fun config ->
                { config with
                    Backpropagation = Backpropagation.Truncated(count "--truncate-steps" 1_000_000 text)
                })
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
