namespace Pruning.Cli

open System
open System.Globalization
open Pruning.Model
open Pruning.Model.Training

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
