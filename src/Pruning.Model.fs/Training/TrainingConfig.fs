namespace Pruning.Model.Training

open System
open Pruning.Model.Configuration
open Pruning.Model.Losses

/// Where the class weights of the loss come from.
type ClassWeighting =
    /// Balanced by the training split (`ClassWeights.ofCounts`), at most 100 to 1.
    | Measured
    | Given of ClassWeights

/// When a training saves itself besides the end of every epoch.
[<RequireQualifiedAccess>]
type CheckpointInterval =
    | Epochs
    | Steps of int
    | Time of TimeSpan

/// How a network is trained. Together with the network's configuration, the split and the files it determines a run.
type TrainingConfig =
    {
        Epochs: int
        /// Graphs a batch.
        BatchSize: int
        /// Graphs a part: the gradient of a step is the sum of those of its parts, added in float64, whoever computes them; none =
        /// the gradient of all graphs that a thread has, at once.
        MicroBatch: int option
        /// Batches a step: the step is that of the joined batch, in the memory of one.
        Accumulate: int
        /// Of Adam (Kingma & Ba 2015), betas 0.9 and 0.999: the highest that the schedule reaches.
        LearningRate: float
        Schedule: LearningRateSchedule
        /// Steps in which the learning rate rises from nothing.
        WarmupSteps: int
        /// Decoupled (AdamW): what a weight loses in a step, in units of the learning rate.
        WeightDecay: float
        ClassWeighting: ClassWeighting
        Loss: LossKind
        /// Largest 2-norm of all gradients together; none = no clipping.
        ClipNorm: float option
        /// Longest memory of the moving average of the weights, as the share of it that a step keeps; none = no average.
        Ema: float option
        /// What tells a better epoch.
        Monitor: Monitor
        /// Epochs without a better one after which the training ends; none = never.
        Patience: int option
        /// How long this process may train; none = without end.
        MaxTime: TimeSpan option
        CheckpointEvery: CheckpointInterval
        /// Checkpoints of best epochs that are kept, besides the newest ones.
        Keep: int
        /// Decides the initial weights, the order of graphs and the dropout masks.
        Seed: int64
        /// What back-propagation through the steps of an autoregressive network may keep.
        Backpropagation: Backpropagation
        /// Threads that share the graphs of a batch, each with its own copy of the network; on the CPU.
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
            MicroBatch = None
            Accumulate = 1
            LearningRate = 1e-3
            Schedule = LearningRateSchedule.Constant
            WarmupSteps = 0
            WeightDecay = 0.0
            ClassWeighting = Measured
            Loss = LossKind.MeanOverGraphs
            ClipNorm = Some 1.0
            Ema = None
            Monitor = Monitor.standard
            Patience = None
            MaxTime = None
            CheckpointEvery = CheckpointInterval.Epochs
            Keep = 1
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

    /// Steps of an epoch over so many graphs.
    let stepsPerEpoch (config: TrainingConfig) (graphs: int) : int =
        let graphsAStep = int64 config.BatchSize * int64 config.Accumulate
        int ((int64 graphs + graphsAStep - 1L) / graphsAStep)

    /// The learning rate of a step, counted from 0 over the whole run, of a training on so many graphs.
    let learningRate (config: TrainingConfig) (graphs: int) (plateau: PlateauState) (step: int64) : float =
        let total = int64 config.Epochs * int64 (stepsPerEpoch config graphs)

        config.LearningRate
        * LearningRateSchedule.share config.Schedule config.WarmupSteps total plateau step
