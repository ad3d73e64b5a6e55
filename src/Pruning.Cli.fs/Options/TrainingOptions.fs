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

    let private share (key: string) (fields: JsonFields) : float =
        fields.Number(key, "a number from 0 to 1", (fun x -> x >= 0.0 && x <= 1.0))

    let private positive (key: string) (fields: JsonFields) : int = fields.Int(key, 1, Int32.MaxValue)

    /// The word of a schedule and, after a colon, its numbers.
    let private parseSchedule (option: string) (text: string) : LearningRateSchedule =
        let refuse () =
            Value.refuse
                option
                "constant, cosine[:LAST], one-cycle[:RISE] or plateau[:FACTOR,EPOCHS], such as cosine:0.01 or plateau:0.3,3"
                text

        let word, numbers =
            match text.Split ':' with
            | [| word |] -> word, [||]
            | [| word; numbers |] -> word, numbers.Split ','
            | _ -> refuse ()

        let share (number: string) =
            match Value.tryReal (Interval.closed 0.0 1.0) number with
            | Some x -> x
            | None -> refuse ()

        match word.ToLowerInvariant(), numbers with
        | "constant", [||] -> LearningRateSchedule.Constant
        | "cosine", [||] -> LearningRateSchedule.Cosine 0.0
        | "cosine", [| last |] -> LearningRateSchedule.Cosine(share last)
        | "one-cycle", [||] -> LearningRateSchedule.OneCycle 0.3
        | "one-cycle", [| rise |] -> LearningRateSchedule.OneCycle(share rise)
        | "plateau", [||] -> LearningRateSchedule.Plateau(0.3, 3)
        | "plateau", [| factor; epochs |] ->
            match Int32.TryParse(epochs, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, epochs when epochs >= 1 -> LearningRateSchedule.Plateau(share factor, epochs)
            | _ -> refuse ()
        | _ -> refuse ()

    let private scheduleText (schedule: LearningRateSchedule) : string =
        match schedule with
        | LearningRateSchedule.Constant -> "constant"
        | LearningRateSchedule.Cosine last -> $"cosine:{Kind.number last}"
        | LearningRateSchedule.OneCycle rise -> $"one-cycle:{Kind.number rise}"
        | LearningRateSchedule.Plateau(factor, epochs) -> $"plateau:{Kind.number factor},{epochs}"

    /// config.json has the numbers of a schedule under keys of their own.
    let private scheduleToJson (key: string) (schedule: LearningRateSchedule) =
        [
            match schedule with
            | LearningRateSchedule.Constant -> key, Json.text "constant"
            | LearningRateSchedule.Cosine last ->
                key, Json.text "cosine"
                key + "_last", Json.number last
            | LearningRateSchedule.OneCycle rise ->
                key, Json.text "one-cycle"
                key + "_rise", Json.number rise
            | LearningRateSchedule.Plateau(factor, epochs) ->
                key, Json.text "plateau"
                key + "_factor", Json.number factor
                key + "_patience", Json.integer epochs
        ]

    let private scheduleOfJson (key: string) (fields: JsonFields) : LearningRateSchedule =
        let kinds =
            [
                "constant", (fun () -> LearningRateSchedule.Constant)
                "cosine", (fun () -> LearningRateSchedule.Cosine(share (key + "_last") fields))
                "one-cycle", (fun () -> LearningRateSchedule.OneCycle(share (key + "_rise") fields))
                "plateau",
                (fun () ->
                    LearningRateSchedule.Plateau(share (key + "_factor") fields, positive (key + "_patience") fields))
            ]

        fields.Choice (key, kinds) ()

    let private schedule: Kind<LearningRateSchedule> =
        { Kind.custom "SCHEDULE" parseSchedule scheduleText with
            Choices = fun () -> [ "constant"; "cosine"; "one-cycle"; "plateau" ]
            ToJson = scheduleToJson
            OfJson = scheduleOfJson
        }

    /// A metric by its name in metrics.jsonl.
    let private monitor: Kind<Monitor> =
        let kind = Kind.choiceAmong (fun () -> [ for monitor in Monitor.all -> monitor.Metric.Key, monitor ]) []

        { kind with
            Meta = Some "METRIC"
            Choices = fun () -> []
            Parse = fun option text -> kind.Parse option (text.Replace('-', '_'))
            Text = fun monitor -> Some monitor.Metric.Key
        }

    /// Steps as a whole number, or a time. config.json keeps either of them under a key of its own, or none.
    let private checkpointInterval: Kind<CheckpointInterval> =
        let parse option (text: string) =
            match Kind.tryTime text, Int32.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture) with
            | Some time, _ -> CheckpointInterval.Time time
            | None, (true, steps) when steps >= 1 -> CheckpointInterval.Steps steps
            | _ -> Value.refuse option "a number of steps, such as 500, or a time, such as 10m" text

        let steps, seconds = "checkpoint_steps", "checkpoint_seconds"

        { Kind.custom "INTERVAL" parse string with
            Text =
                function
                | CheckpointInterval.Epochs -> None
                | CheckpointInterval.Steps steps -> Some(string steps)
                | CheckpointInterval.Time time -> Some(Kind.timeText time)
            ToJson =
                fun _ interval ->
                    match interval with
                    | CheckpointInterval.Epochs -> []
                    | CheckpointInterval.Steps count -> [ steps, Json.integer count ]
                    | CheckpointInterval.Time time -> [ seconds, Json.number time.TotalSeconds ]
            OfJson =
                fun _ fields ->
                    match fields.Optional(steps, positive steps), fields.Optional(seconds, Kind.secondsOf seconds) with
                    | None, None -> CheckpointInterval.Epochs
                    | Some steps, None -> CheckpointInterval.Steps steps
                    | None, Some time -> CheckpointInterval.Time time
                    | Some _, Some _ -> fields.Refuse(seconds, $"either this or {steps}", "both")
            JsonType = $"whole number; {seconds} for a time"
        }

    /// Weights of the two classes in the loss: KEEP,PRUNE.
    let classWeights (option: string) (wanted: string) (text: string) : ClassWeights =
        match text.Split ',' |> Array.map (Value.tryReal (Interval.above 0.0 1e6)) with
        | [| Some keep; Some prune |] -> { Keep = keep; Prune = prune }
        | _ -> Value.refuse option wanted text

    let private classWeighting: Kind<ClassWeighting> =
        let parse option (text: string) =
            if text.Equals("measured", StringComparison.OrdinalIgnoreCase) then
                ClassWeighting.Measured
            else
                classWeights option "measured or two numbers above 0 as KEEP,PRUNE, such as 1,20" text
                |> ClassWeighting.Given

        let text weighting =
            match weighting with
            | ClassWeighting.Measured -> "measured"
            | ClassWeighting.Given weights -> $"{Kind.number weights.Keep},{Kind.number weights.Prune}"

        { Kind.custom "WEIGHTS" parse text with
            ToJson =
                fun key weighting ->
                    match weighting with
                    | ClassWeighting.Measured -> [ key, Json.text "measured" ]
                    | ClassWeighting.Given weights -> [ key, ConfigJson.ofClassWeights weights ]
            OfJson =
                fun key fields ->
                    match fields.Kind key with
                    | Some JsonValueKind.Object -> ClassWeighting.Given(ConfigJson.toClassWeights (fields.Raw key))
                    | _ -> fields.Choice(key, [ "measured", ClassWeighting.Measured ])
            JsonType = "measured, or the numbers keep and prune"
        }

    /// The original's loss belongs to --parity.
    let private loss: Kind<LossKind> =
        let isOriginal (_, kind) = kind = LossKind.Original
        let known, words = ConfigJson.losses |> List.partition isOriginal
        Kind.choiceAmong (fun () -> words) known

    /// 0 on the command line is no clipping, null in config.json.
    let private clipNorm: Kind<float option> =
        let real = Kind.real (Interval.closed 0.0 infinity)

        { Kind.optional (Kind.real (Interval.above 0.0 infinity)) with
            Parse =
                fun option text ->
                    match real.Parse option text with
                    | 0.0 -> None
                    | norm -> Some norm
            Text = Option.defaultValue 0.0 >> real.Text
        }

    /// Gigabytes on the command line, bytes in config.json.
    let memoryBudget: Kind<int64 option> =
        let ofGigabytes (gigabytes: float) = int64 (gigabytes * 1e9)

        // The product with 1e9 may be rounded to below the bytes.
        let toGigabytes (bytes: int64) =
            let gigabytes = float bytes / 1e9
            if ofGigabytes gigabytes < bytes then Math.BitIncrement gigabytes else gigabytes

        let bytes = Kind.wholeLong (1L, Int64.MaxValue)

        { Kind.omitted bytes with
            Meta = Some "GIGABYTES"
            Parse = fun option text -> Some(ofGigabytes (Value.real option (Interval.above 0.0 1e6) text))
            Text = Option.map (toGigabytes >> Kind.number)
        }

    let private count = 1, 1_000_000

    let private memoryBudgetOption: Opt<TrainingConfig> =
        Opt.ofKind
            memoryBudget
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
                schedule
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
                classWeighting
                "--class-weight"
                "Weights of the two classes in the loss: KEEP,PRUNE such as 1,20 (original), or measured from the training labels."
                _.ClassWeighting
                (fun v s -> { s with ClassWeighting = v })
            |> Opt.required
            Opt.ofKind
                loss
                "--loss"
                "What a step minimises. mean-over-graphs weighs every trackster the same, mean-over-nodes every layer cluster."
                (fun (config: TrainingConfig) -> config.Loss)
                (fun v s -> { s with Loss = v })
            |> Opt.required
            Opt.ofKind
                clipNorm
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
                monitor
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
                checkpointInterval
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
