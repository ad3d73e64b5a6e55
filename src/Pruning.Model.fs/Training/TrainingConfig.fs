namespace Pruning.Model.Training

open System
open System.Text.Json.Nodes
open Pruning.Model.Persistence
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.ModelFiles

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
        PartSize: int option
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
            PartSize = None
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

    let private optional (toNode: 'T -> JsonNode | null) (value: 'T option) : JsonNode | null =
        value |> Option.map toNode |> Option.defaultValue null

    let private ofSchedule (schedule: LearningRateSchedule) =
        [
            match schedule with
            | LearningRateSchedule.Constant -> "schedule", Json.text "constant"
            | LearningRateSchedule.Cosine last ->
                "schedule", Json.text "cosine"
                "schedule_last", Json.number last
            | LearningRateSchedule.OneCycle rise ->
                "schedule", Json.text "one-cycle"
                "schedule_rise", Json.number rise
            | LearningRateSchedule.Plateau(factor, patience) ->
                "schedule", Json.text "plateau"
                "schedule_factor", Json.number factor
                "schedule_patience", Json.integer patience
        ]

    let toJson (config: TrainingConfig) : JsonObject =
        Json.record
            [
                "epochs", Json.integer config.Epochs
                "batch_size", Json.integer config.BatchSize
                match config.PartSize with
                | Some graphs -> "part_size", Json.integer graphs
                | None -> ()
                "accumulate", Json.integer config.Accumulate
                "learning_rate", Json.number config.LearningRate
                yield! ofSchedule config.Schedule
                "warmup_steps", Json.integer config.WarmupSteps
                "weight_decay", Json.number config.WeightDecay
                match config.ClassWeighting with
                | Measured -> "class_weight", Json.text "measured"
                | Given weights -> "class_weight", ConfigJson.ofClassWeights weights
                "loss", Json.text (ConfigJson.lossName config.Loss)
                "clip_norm", optional Json.number config.ClipNorm
                "ema", optional Json.number config.Ema
                "monitor", Json.text config.Monitor.Metric
                "patience", optional (int64 >> Json.integer) config.Patience
                "max_seconds", optional (fun (time: TimeSpan) -> Json.number time.TotalSeconds) config.MaxTime
                match config.CheckpointEvery with
                | CheckpointInterval.Epochs -> ()
                | CheckpointInterval.Steps steps -> "checkpoint_steps", Json.integer steps
                | CheckpointInterval.Time time -> "checkpoint_seconds", Json.number time.TotalSeconds
                "keep", Json.integer config.Keep
                "seed", Json.integer config.Seed
                match config.Backpropagation with
                | Backpropagation.Full -> ()
                | Backpropagation.Bounded bytes -> "memory_budget_bytes", Json.integer bytes
                | Backpropagation.Truncated steps -> "truncate_steps", Json.integer steps
                "workers", Json.integer config.Workers
                "prefetch_factor", Json.integer config.PrefetchFactor
            ]

    let private positive (key: string) (fields: JsonFields) : int = fields.Int(key, 1, Int32.MaxValue)

    let private share (key: string) (fields: JsonFields) : float =
        fields.Number(key, "a number from 0 to 1", fun x -> x >= 0.0 && x <= 1.0)

    let private aboveZero (key: string) (fields: JsonFields) : float =
        fields.Number(key, "a number above 0", fun x -> x > 0.0)

    let private time (key: string) (fields: JsonFields) : TimeSpan =
        fields.Number(key, "a number above 0 and up to 1e9", (fun x -> x > 0.0 && x <= 1e9))
        |> TimeSpan.FromSeconds

    let private toInterval (fields: JsonFields) : CheckpointInterval =
        match
            fields.Optional("checkpoint_steps", positive "checkpoint_steps"),
            fields.Optional("checkpoint_seconds", time "checkpoint_seconds")
        with
        | None, None -> CheckpointInterval.Epochs
        | Some steps, None -> CheckpointInterval.Steps steps
        | None, Some time -> CheckpointInterval.Time time
        | Some _, Some _ -> fields.Refuse("checkpoint_seconds", "either this or checkpoint_steps", "both")

    let private toSchedule (fields: JsonFields) : LearningRateSchedule =
        let kinds =
            [
                "constant", (fun () -> LearningRateSchedule.Constant)
                "cosine", (fun () -> LearningRateSchedule.Cosine(share "schedule_last" fields))
                "one-cycle", (fun () -> LearningRateSchedule.OneCycle(share "schedule_rise" fields))
                "plateau",
                (fun () ->
                    LearningRateSchedule.Plateau(share "schedule_factor" fields, positive "schedule_patience" fields))
            ]

        fields.Choice ("schedule", kinds) ()

    let private toClassWeighting (fields: JsonFields) : ClassWeighting =
        match fields.Kind "class_weight" with
        | Some Text.Json.JsonValueKind.Object -> Given(ConfigJson.toClassWeights (fields.Raw "class_weight"))
        | _ -> fields.Choice("class_weight", [ "measured", Measured ])

    let private toBackpropagation (fields: JsonFields) : Backpropagation =
        match
            fields.Optional("memory_budget_bytes", _.Long("memory_budget_bytes", 1L, Int64.MaxValue)),
            fields.Optional("truncate_steps", positive "truncate_steps")
        with
        | None, None -> Backpropagation.Full
        | Some bytes, None -> Backpropagation.Bounded bytes
        | None, Some steps -> Backpropagation.Truncated steps
        | Some _, Some _ -> fields.Refuse("truncate_steps", "either this or memory_budget_bytes", "both")

    /// Reads what `toJson` wrote, and what earlier versions wrote; a field that is not known is refused. How many threads
    /// share a batch stands elsewhere (`machine`): one, until somebody says otherwise.
    let ofJson (fields: JsonFields) : TrainingConfig =
        let since key before read = fields.Since(key, before, (fun () -> read fields))

        let config =
            {
                Epochs = positive "epochs" fields
                BatchSize = positive "batch_size" fields
                PartSize = fields.Optional("part_size", positive "part_size")
                Accumulate = since "accumulate" 1 (positive "accumulate")
                LearningRate = aboveZero "learning_rate" fields
                Schedule = since "schedule" LearningRateSchedule.Constant toSchedule
                WarmupSteps = since "warmup_steps" 0 _.Int("warmup_steps", 0, Int32.MaxValue)
                WeightDecay = since "weight_decay" 0.0 _.Number("weight_decay", "a number from 0", (fun x -> x >= 0.0))
                ClassWeighting = toClassWeighting fields
                Loss = fields.Choice("loss", ConfigJson.losses)
                ClipNorm = fields.Optional("clip_norm", aboveZero "clip_norm")
                Ema = fields.Optional("ema", share "ema")
                Monitor =
                    since
                        "monitor"
                        Monitor.standard
                        _.Choice("monitor", [ for monitor in Monitor.all -> monitor.Metric, monitor ])
                Patience = fields.Optional("patience", positive "patience")
                MaxTime = fields.Optional("max_seconds", time "max_seconds")
                CheckpointEvery = toInterval fields
                Keep = since "keep" 1 (positive "keep")
                Seed = fields.Long("seed", 0L, Int64.MaxValue)
                Backpropagation = toBackpropagation fields
                Threads = 1
                Workers = positive "workers" fields
                PrefetchFactor = positive "prefetch_factor" fields
            }

        fields.Close()
        config
