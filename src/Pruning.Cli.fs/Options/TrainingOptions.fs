namespace Pruning.Cli.Options

open System
open System.Globalization
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Training
open Pruning.Cli.Framework

/// Words of `train` about how it goes on and when it ends: a schedule with its numbers, a metric, a time.
[<RequireQualifiedAccess>]
module TrainingWords =

    let private wanted =
        "constant, cosine[:LAST], one-cycle[:RISE] or plateau[:FACTOR,EPOCHS], such as cosine:0.01 or plateau:0.3,3"

    /// The word of a schedule and, after a colon, its numbers.
    let schedule (text: string) : LearningRateSchedule =
        let refuse () = Value.refuse "--schedule" wanted text

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

    /// A metric by its name in metrics.jsonl.
    let monitor (text: string) : Monitor =
        Value.choice "--monitor" [ for monitor in Monitor.all -> monitor.Metric, monitor ] (text.Replace('-', '_'))

    let private units = [ 's', 1.0; 'm', 60.0; 'h', 3600.0; 'd', 86400.0 ]

    /// A time such as 90s, 30m, 2h or 1.5d; None for anything else, a number without a unit included.
    let tryTime (text: string) : TimeSpan option =
        if text = "" then
            None
        else
            units
            |> List.tryFind (fun (letter, _) -> letter = Char.ToLowerInvariant text[text.Length - 1])
            |> Option.bind (fun (_, seconds) ->
                Value.tryReal (Interval.above 0.0 1e9) (text.Substring(0, text.Length - 1))
                |> Option.map (fun number -> number * seconds))
            |> Option.filter (fun seconds -> seconds <= 1e9)
            |> Option.map TimeSpan.FromSeconds

    /// Steps as a whole number, or a time.
    let interval (text: string) : CheckpointInterval =
        match tryTime text, Int32.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture) with
        | Some time, _ -> CheckpointInterval.Time time
        | None, (true, steps) when steps >= 1 -> CheckpointInterval.Steps steps
        | _ -> Value.refuse "--checkpoint-every" "a number of steps, such as 500, or a time, such as 10m" text

    /// A time such as 90s, 30m, 2h or 1.5d.
    let time (option: string) (text: string) : TimeSpan =
        match tryTime text with
        | Some time -> time
        | None -> Value.refuse option "a number above 0 and a unit, such as 90s, 30m, 2h or 1d" text

    let private count (option: string) (high: int) (text: string) = Value.whole option (1, high) text

    let private weight (text: string) : ClassWeighting =
        let one = Value.tryReal (Interval.above 0.0 1e6)

        match text.Split ',' |> Array.map one with
        | [| Some keep; Some prune |] -> ClassWeighting.Given { Keep = keep; Prune = prune }
        | _ when text.Equals("measured", StringComparison.OrdinalIgnoreCase) -> ClassWeighting.Measured
        | _ -> Value.refuse "--class-weight" "measured or two numbers above 0 as KEEP,PRUNE, such as 1,20" text

    let private losses =
        [ "mean-over-graphs", LossKind.MeanOverGraphs; "mean-over-nodes", LossKind.MeanOverNodes ]

    /// A configuration with what an option says of it; None for an option about something else.
    let tryApply (config: TrainingConfig) (argument: TrainArgument) : TrainingConfig option =
        match argument with
        | Checkpoint_Every text ->
            Some
                { config with
                    CheckpointEvery = interval text
                }
        | Keep text ->
            Some
                { config with
                    Keep = count "--keep" 1000 text
                }
        | Workers text ->
            Some
                { config with
                    Workers = Inputs.workers text
                }
        | Prefetch_Factor text ->
            Some
                { config with
                    PrefetchFactor = count "--prefetch-factor" 1024 text
                }
        | Epochs text ->
            Some
                { config with
                    Epochs = count "--epochs" 1_000_000 text
                }
        | Batch_Size text ->
            Some
                { config with
                    BatchSize = count "--batch-size" 1_000_000 text
                }
        | Part_Size text ->
            Some
                { config with
                    PartSize = Some(count "--part-size" 1_000_000 text)
                }
        | TrainArgument.Accumulate text ->
            Some
                { config with
                    Accumulate = count "--accumulate" 1_000_000 text
                }
        | Schedule text -> Some { config with Schedule = schedule text }
        | Warmup text ->
            Some
                { config with
                    WarmupSteps = Value.whole "--warmup" (0, Int32.MaxValue) text
                }
        | Weight_Decay text ->
            Some
                { config with
                    WeightDecay = Value.real "--weight-decay" (Interval.below 0.0 100.0) text
                }
        | Ema text ->
            Some
                { config with
                    Ema = Some(Value.real "--ema" (Interval.below 0.0 1.0) text)
                }
        | TrainArgument.Monitor text -> Some { config with Monitor = monitor text }
        | Patience text ->
            Some
                { config with
                    Patience = Some(count "--patience" 1_000_000 text)
                }
        | Max_Time text ->
            Some
                { config with
                    MaxTime = Some(time "--max-time" text)
                }
        | Learning_Rate text ->
            Some
                { config with
                    LearningRate = Value.real "--learning-rate" (Interval.above 0.0 10.0) text
                }
        | Loss text ->
            Some
                { config with
                    Loss = Value.choice "--loss" losses text
                }
        | Class_Weight text ->
            Some
                { config with
                    ClassWeighting = weight text
                }
        | Clip_Norm text ->
            let norm = Value.real "--clip-norm" (Interval.closed 0.0 infinity) text

            Some
                { config with
                    ClipNorm = if norm = 0.0 then None else Some norm
                }
        | Seed text ->
            Some
                { config with
                    Seed = Value.wholeLong "--seed" (0L, Int64.MaxValue) text
                }
        | Threads text ->
            Some
                { config with
                    Threads = count "--threads" 1024 text
                }
        | Memory_Budget text ->
            let gigabytes = Value.real "--memory-budget" (Interval.above 0.0 1e6) text

            Some
                { config with
                    Backpropagation = Backpropagation.Bounded(int64 (gigabytes * 1e9))
                }
        | Truncate_Steps text ->
            Some
                { config with
                    Backpropagation = Backpropagation.Truncated(count "--truncate-steps" 1_000_000 text)
                }
        | _ -> None
