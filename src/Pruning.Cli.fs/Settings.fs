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
        Gpus: int
        /// What computes aggregators and cells.
        Engine: Engine
        LibTorch: string option
        RunsDirectory: string
        Name: string
        /// Where the best model is copied to.
        OutputFile: string option
        Json: bool
        /// Remarks on how the command line was understood.
        Notes: string list
    }

[<RequireQualifiedAccess>]
module TrainSettings =

    let cells = [ "lstm", CellKind.Lstm; "gru", CellKind.Gru ]

    let private cellName (cell: CellKind) =
        match cell with
        | CellKind.Lstm -> "lstm"
        | CellKind.Gru -> "gru"

    let memories = ("none", None) :: [ for word, cell in cells -> word, Some cell ]

    let aggregators =
        [
            "lstm", Aggregator.Lstm
            "gru", Aggregator.Gru
            "mean", Aggregator.Mean
            "max", Aggregator.Max
            "sum", Aggregator.Sum
        ]

    let private normalisations =
        [
            "layer", Normalisation.Layer
            "graph-batch", Normalisation.GraphBatch
            "identity", Normalisation.Identity
        ]

    let engines = [ "auto", Engine.Auto; "portable", Engine.Portable; "fused", Engine.Fused ]

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
            Gpus = 0
            Engine = Engine.Auto
            LibTorch = None
            RunsDirectory = "runs"
            Name = ""
            OutputFile = None
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

    let private weight (text: string) : ClassWeighting =
        let one = Value.tryReal (Interval.above 0.0 1e6)

        match text.Split ',' |> Array.map one with
        | [| Some keep; Some prune |] -> ClassWeighting.Given { Keep = keep; Prune = prune }
        | _ when text.Equals("measured", StringComparison.OrdinalIgnoreCase) -> ClassWeighting.Measured
        | _ -> Value.refuse "--class-weight" "measured or two numbers above 0 as KEEP,PRUNE, such as 1,20" text

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

    let private apply (settings: TrainSettings) (argument: TrainArgument) : TrainSettings =
        match argument with
        | Input _
        | Tracksters _
        | Edges _
        | Parity -> settings
        | Training_Fraction text ->
            { settings with
                TrainingFraction = fraction "--training-fraction" text
            }
        | Sampling_Fraction text ->
            { settings with
                SamplingFraction = fraction "--sampling-fraction" text
            }
        | Workers text ->
            // 0 is the original's "in the main process": one worker does as much.
            let workers = max 1 (Value.whole "--workers" (0, 1024) text)

            { settings with
                Input.Workers = workers
            }
            |> training (fun config -> { config with Workers = workers })
        | Prefetch_Factor text ->
            settings
            |> training (fun config ->
                { config with
                    PrefetchFactor = count "--prefetch-factor" 1024 text
                })
        | Bad_Files text ->
            { settings with
                Input.SkipBadFiles = Value.choice "--bad-files" Inputs.stopOrSkip text
            }
        | Bad_Graphs text ->
            { settings with
                Input.SkipBadGraphs = Value.choice "--bad-graphs" Inputs.stopOrSkip text
            }
        | Autoregressive ->
            { settings with
                Model.Strategy = DecisionStrategy.Autoregressive
            }
        | Num_Iterations text ->
            let passes = count "--num-iterations" 1000 text

            match settings.Model.Strategy with
            | DecisionStrategy.Equilibrium _ ->
                { settings with
                    Model.Strategy = DecisionStrategy.Equilibrium passes
                }
            | DecisionStrategy.Autoregressive -> settings
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
                Model.DecisionCell = Value.choice "--aggregator" cells text
            }
        | Memory text ->
            { settings with
                Model.MemoryCell = Value.choice "--memory" memories text
            }
        | Neighbour_Aggregator text ->
            { settings with
                Model.Aggregator = Value.choice "--neighbour-aggregator" aggregators text
            }
        | Normalisation text ->
            { settings with
                Model.Normalisation = Value.choice "--normalisation" normalisations text
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
        | Learning_Rate text ->
            settings
            |> training (fun config ->
                { config with
                    LearningRate = Value.real "--learning-rate" (Interval.above 0.0 10.0) text
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
            { settings with
                Gpus = Value.whole "--gpus" (0, 1024) text
            }
        | Threads text ->
            settings
            |> training (fun config ->
                { config with
                    Threads = count "--threads" 1024 text
                })
        | Engine text ->
            { settings with
                Engine = Value.choice "--engine" engines text
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
        | Json -> { settings with Json = true }

    /// What the network is, as a run name: "equilibrium-lstm-none".
    let nameOf (config: PrunerConfig) : string =
        let strategy =
            match config.Strategy with
            | DecisionStrategy.Autoregressive -> "autoregressive"
            | DecisionStrategy.Equilibrium _ -> "equilibrium"

        let memory = config.MemoryCell |> Option.map cellName |> Option.defaultValue "none"
        $"{strategy}-{cellName config.DecisionCell}-{memory}"

    /// --parity is a promise about numbers: options that break it are refused, not bent.
    let private keepParity (settings: TrainSettings) =
        if settings.Training.Loss = LossKind.Original then
            let fixedTo = PrunerConfig.parity settings.Model

            if settings.Model.Normalisation <> fixedTo.Normalisation then
                raise (UsageException "--parity fixes --normalisation to graph-batch: leave one of the two out.")

            if settings.Model.Aggregator <> fixedTo.Aggregator then
                raise (UsageException "--parity fixes --neighbour-aggregator to lstm: leave one of the two out.")

    /// The last word on an option counts, as users of the original expect.
    let ofArguments (exists: string -> bool) (arguments: TrainArgument list) : TrainSettings =
        let start = if List.contains Parity arguments then parity else standard
        let settings = arguments |> List.fold apply start
        keepParity settings

        let words =
            arguments
            |> List.collect (function
                | Input words -> words
                | _ -> [])

        let last pick = arguments |> List.choose pick |> List.tryLast

        let tracksters =
            last (function
                | Tracksters tree -> Some tree
                | _ -> None)

        let edges =
            last (function
                | Edges tree -> Some tree
                | _ -> None)

        let files, tracksterTree, edgeTree = Inputs.ofWords exists tracksters edges words

        { settings with
            Input.Files = files
            Input.TracksterTree = tracksterTree
            Input.EdgeTree = edgeTree
            Name = if settings.Name = "" then nameOf settings.Model else settings.Name
        }

    /// From the words after `train`.
    let ofWords (words: string list) : TrainSettings = ofArguments File.Exists (Arguments.parse<TrainArgument> words)

    /// How the data is divided.
    let splitOptions (settings: TrainSettings) : Pruning.Data.Batching.SplitOptions =
        Pruning.Data.Batching.SplitOptions(
            TrainingFraction = settings.TrainingFraction,
            SamplingFraction = settings.SamplingFraction,
            Seed = settings.Training.Seed
        )
