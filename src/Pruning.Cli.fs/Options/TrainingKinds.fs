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

/// How the values of training options are read, written and kept in config.json.
[<RequireQualifiedAccess>]
module TrainingKinds =

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

    /// A learning-rate schedule: a word and, after a colon, its numbers.
    let schedule: Kind<LearningRateSchedule> =
        { Kind.custom "SCHEDULE" parseSchedule scheduleText with
            Choices = fun () -> [ "constant"; "cosine"; "one-cycle"; "plateau" ]
            ToJson = scheduleToJson
            OfJson = scheduleOfJson
        }

    /// A metric by its name in metrics.jsonl.
    let monitor: Kind<Monitor> =
        let kind = Kind.choiceAmong (fun () -> [ for monitor in Monitor.all -> monitor.Metric.Key, monitor ]) []

        { kind with
            Meta = Some "METRIC"
            Choices = fun () -> []
            Parse = fun option text -> kind.Parse option (text.Replace('-', '_'))
            Text = fun monitor -> Some monitor.Metric.Key
        }

    /// Steps as a whole number, or a time. config.json keeps either of them under a key of its own, or none.
    let checkpointInterval: Kind<CheckpointInterval> =
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

    /// measured, or KEEP,PRUNE.
    let classWeighting: Kind<ClassWeighting> =
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
    let loss: Kind<LossKind> =
        let isOriginal (_, kind) = kind = LossKind.Original
        let known, words = ConfigJson.losses |> List.partition isOriginal
        Kind.choiceAmong (fun () -> words) known

    /// 0 on the command line is no clipping, null in config.json.
    let clipNorm: Kind<float option> =
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
