namespace Pruning.Cli.Options

open System
open System.Globalization
open System.Text.Json
open Pruning.Model.Persistence
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.ModelFiles
open Pruning.Model.Training
open Pruning.Cli.Framework

/// The options that say how a network is trained.
[<RequireQualifiedAccess>]
module TrainingOptions =

    let private count = 1, 1_000_000

    let private memoryBudgetOption: Opt<TrainingConfig> =
        Opt.ofKind
            TrainingKinds.memoryBudget
            "--memory-budget"
            "Gigabytes that back-propagation through autoregressive steps may keep in each thread. The rest is computed again; the \
             gradients are the same."
            (fun config ->
                match config.Backpropagation with
                | Backpropagation.Bounded bytes -> Some bytes
                | _ -> None)
            (fun bytes config ->
                match bytes with
                | Some bytes ->
                    { config with
                        Backpropagation = Backpropagation.Bounded bytes
                    }
                | None -> config)
        |> Opt.unset "no limit"
        |> Opt.kept "training" "memory_budget_bytes"
        |> Opt.mayRound

    let private truncateSteps: Opt<TrainingConfig> =
        let option =
            Opt.ofKind
                (Kind.omitted (Kind.whole count))
                "--truncate-steps"
                "Let gradients of an autoregressive network reach back over this many steps only. This saves memory and changes the \
                 gradients."
                (fun config ->
                    match config.Backpropagation with
                    | Backpropagation.Truncated steps -> Some steps
                    | _ -> None)
                (fun steps config ->
                    match steps with
                    | Some steps ->
                        { config with
                            Backpropagation = Backpropagation.Truncated steps
                        }
                    | None -> config)

        { option with
            OfJson =
                fun key fields config ->
                    if fields.Has key && config.Backpropagation <> Backpropagation.Full then
                        fields.Refuse(key, "either this or memory_budget_bytes", "both")

                    option.OfJson key fields config
        }
        |> Opt.unset "all steps"

    /// How often and how fast weights change.
    let private steps: Opt<TrainingConfig> list =
        [
            Opt.whole "--epochs" count "Passes over the training graphs (original: 100)." _.Epochs (fun v s ->
                { s with Epochs = v })
            |> Opt.required
            |> Opt.mayChange
            Opt.whole "--batch-size" count "Graphs per batch (original: 3)." _.BatchSize (fun v s ->
                { s with BatchSize = v })
            |> Opt.required
            Opt.ofKind
                (Kind.omitted (Kind.whole count))
                "--micro-batch"
                "Graphs per micro-batch. The gradients of the micro-batches of a batch are added in float64, so that any number of ranks \
                 and threads gives the same weights. Small micro-batches take longer."
                _.MicroBatch
                (fun v s -> { s with MicroBatch = v })
            |> Opt.alias "--part-size"
            |> Opt.unset "the graphs of a thread"
            |> Opt.kept "training" "part_size"
            Opt.whole
                "--accumulate"
                count
                "Batches per step. The step is that of one large batch, in the memory of a small one."
                _.Accumulate
                (fun v s -> { s with Accumulate = v })
            Opt.real
                "--learning-rate"
                (Interval.above 0.0 10.0)
                "Learning rate of Adam: the highest that the schedule reaches."
                _.LearningRate
                (fun v s -> { s with LearningRate = v })
            |> Opt.required
            Opt.ofKind
                TrainingKinds.schedule
                "--schedule"
                "Schedule of the learning rate. constant. cosine:0.01 falls to this share of the rate (0 without a number). one-cycle:0.3 \
                 rises for this share of the steps, then falls to 0. plateau:0.3,3 multiplies by 0.3 after 3 epochs without a better one."
                _.Schedule
                (fun v s -> { s with Schedule = v })
            Opt.whole
                "--warmup"
                (0, Int32.MaxValue)
                "Steps in which the learning rate rises linearly to the start of the schedule."
                _.WarmupSteps
                (fun v s -> { s with WarmupSteps = v })
            |> Opt.kept "training" "warmup_steps"
            Opt.real
                "--weight-decay"
                (Interval.below 0.0 100.0)
                "Decoupled weight decay, as in AdamW: each step subtracts rate x decay of every weight."
                _.WeightDecay
                (fun v s -> { s with WeightDecay = v })
            Opt.ofKind
                TrainingKinds.classWeighting
                "--class-weight"
                "Weights of the two classes in the loss: KEEP,PRUNE such as 1,20 (original), or measured from the training labels."
                _.ClassWeighting
                (fun v s -> { s with ClassWeighting = v })
            |> Opt.required
            Opt.ofKind
                TrainingKinds.loss
                "--loss"
                "What a step minimises. mean-over-graphs weighs every trackster the same, mean-over-nodes every layer cluster."
                (fun (config: TrainingConfig) -> config.Loss)
                (fun v s -> { s with Loss = v })
            |> Opt.required
            Opt.ofKind
                TrainingKinds.clipNorm
                "--clip-norm"
                "Gradients are scaled down to this 2-norm; 0 is off."
                _.ClipNorm
                (fun v s -> { s with ClipNorm = v })
            |> Opt.required
        ]

    /// Which epoch is the best, and when training ends.
    let private epochs: Opt<TrainingConfig> list =
        [
            Opt.ofKind
                (Kind.optional (Kind.real (Interval.below 0.0 1.0)))
                "--ema"
                "Evaluate and keep a moving average of the weights. Each step keeps this share of the average, as in 0.999."
                _.Ema
                (fun v s -> { s with Ema = v })
            |> Opt.unset "no average"
            Opt.ofKind
                TrainingKinds.monitor
                "--monitor"
                "Validation metric that chooses the best epoch, by its name in metrics.jsonl."
                _.Monitor
                (fun v s -> { s with Monitor = v })
            Opt.ofKind
                (Kind.optional (Kind.whole count))
                "--patience"
                "Stop after this many epochs in a row without a better one."
                _.Patience
                (fun v s -> { s with Patience = v })
            |> Opt.unset "never"
            |> Opt.mayChange
            Opt.ofKind
                (Kind.optional Kind.time)
                "--max-time"
                "End training after this time, as in 90s, 30m, 2h or 1d, and keep the best epoch until then."
                _.MaxTime
                (fun v s -> { s with MaxTime = v })
            |> Opt.unset "no limit"
            |> Opt.kept "training" "max_seconds"
            |> Opt.mayChange
            Opt.ofKind
                (Kind.wholeLong (0L, Int64.MaxValue))
                "--seed"
                "Seed of the split, the order, the first weights and the dropout."
                _.Seed
                (fun v s -> { s with Seed = v })
            |> Opt.required
        ]

    let private machine: Opt<TrainingConfig> list =
        [
            Opt.whole
                "--threads"
                (1, 1024)
                "Threads that share the graphs of a step on the CPU, each with a copy of the network."
                _.Threads
                (fun v s -> { s with Threads = v })
            |> Opt.kept "machine" "threads"
            |> Opt.required
            |> Opt.mayRound
            memoryBudgetOption
            truncateSteps
            Opt.whole
                "--prefetch-factor"
                (1, 1024)
                "Batches that each worker prepares ahead."
                _.PrefetchFactor
                (fun v s -> { s with PrefetchFactor = v })
            |> Opt.required
            |> Opt.mayChange
        ]

    let private checkpoints: Opt<TrainingConfig> list =
        [
            Opt.ofKind
                TrainingKinds.checkpointInterval
                "--checkpoint-every"
                "Save within epochs too: after this many steps, as in 500, or this much time, as in 10m."
                _.CheckpointEvery
                (fun v s -> { s with CheckpointEvery = v })
            |> Opt.unset "after every epoch"
            |> Opt.kept "training" "checkpoint_steps"
            |> Opt.required
            |> Opt.mayChange
            Opt.whole
                "--keep"
                (1, 1000)
                "Checkpoints of best epochs that are kept, besides the newest two."
                _.Keep
                (fun v s -> { s with Keep = v })
            |> Opt.mayChange
        ]

    /// Every option of a training.
    let options: Opt<TrainingConfig> list =
        Opt.group "Training" "training" (steps @ epochs)
        @ Opt.group "Machine" "training" machine
        @ Opt.group "Checkpoints" "training" checkpoints
