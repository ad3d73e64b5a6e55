namespace Pruning.Model.Training

open System.Text.Json.Nodes
open Pruning.Model

/// Where the class weights of the loss come from.
type ClassWeighting =
    /// Balanced by the training split (`ClassWeights.ofCounts`), at most 100 to 1.
    | Measured
    | Given of ClassWeights

/// How a network is trained. Together with the network's configuration, the split and the files it determines a run.
type TrainingConfig =
    {
        Epochs: int
        /// Graphs a step.
        BatchSize: int
        /// Of Adam (Kingma & Ba 2015), betas 0.9 and 0.999.
        LearningRate: float
        ClassWeighting: ClassWeighting
        Loss: LossKind
        /// Largest 2-norm of all gradients together; none = no clipping.
        ClipNorm: float option
        /// Decides the initial weights, the order of graphs and the dropout masks.
        Seed: int64
        /// What back-propagation through the steps of an autoregressive network may keep.
        Backpropagation: Backpropagation
        /// Threads that share the graphs of a step, each with its own copy of the network; on the CPU.
        Threads: int
        /// Threads that read and build graphs.
        Workers: int
        /// Batches that each of them may be ahead.
        PrefetchFactor: int
    }

[<RequireQualifiedAccess>]
module TrainingConfig =

    let standard: TrainingConfig =
        {
            Epochs = 20
            BatchSize = 32
            LearningRate = 1e-3
            ClassWeighting = Measured
            Loss = LossKind.MeanOverGraphs
            ClipNorm = Some 1.0
            Seed = 42L
            Backpropagation = Backpropagation.Full
            Threads = 1
            Workers = 1
            PrefetchFactor = 3
        }

    /// What the original does besides its network: its loss, weights 1 and 20, three graphs a step, no clipping.
    let parity (config: TrainingConfig) : TrainingConfig =
        { config with
            BatchSize = 3
            ClassWeighting = Given { Keep = 1.0; Prune = 20.0 }
            Loss = LossKind.Original
            ClipNorm = None
        }

    let toJson (config: TrainingConfig) : JsonObject =
        Json.record
            [
                "epochs", Json.integer config.Epochs
                "batch_size", Json.integer config.BatchSize
                "learning_rate", Json.number config.LearningRate
                match config.ClassWeighting with
                | Measured -> "class_weight", Json.text "measured"
                | Given weights -> "class_weight", ConfigJson.ofClassWeights weights
                "loss", Json.text (ConfigJson.lossName config.Loss)
                "clip_norm", config.ClipNorm |> Option.map Json.number |> Option.toObj
                "seed", Json.integer config.Seed
                match config.Backpropagation with
                | Backpropagation.Full -> ()
                | Backpropagation.Bounded bytes -> "memory_budget_bytes", Json.integer bytes
                | Backpropagation.Truncated steps -> "truncate_steps", Json.integer steps
                "workers", Json.integer config.Workers
                "prefetch_factor", Json.integer config.PrefetchFactor
            ]
