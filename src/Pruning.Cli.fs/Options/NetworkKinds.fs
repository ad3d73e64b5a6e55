namespace Pruning.Cli.Options

open System
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Cli.Framework

/// How the values of network options are read and written.
[<RequireQualifiedAccess>]
module NetworkKinds =

    /// Columns by a name of a set, or by their own names.
    let features: Kind<NodeFeature list> =
        let parse option (text: string) =
            match
                text.Split(',', StringSplitOptions.TrimEntries)
                |> List.ofArray
                |> FeatureTable.ofNames
            with
            | Ok features -> features
            | Error word ->
                let allowed = String.concat ", " FeatureTable.names
                Value.refuse option $"names separated by commas among {allowed}" word

        let text (features: NodeFeature list) =
            if features = NodeFeature.original then
                "original"
            else
                features |> List.map FeatureTable.name |> String.concat ","

        { Kind.custom "NAMES" parse text with
            JsonType = "list of texts"
        }

    /// A word, or a word and a probability: linear:0.2
    let teacherForcing: Kind<TeacherForcingSchedule> =
        let defaultProbability = 0.1

        let parse option (text: string) =
            let words = Choices.schedules defaultProbability |> List.map fst |> String.concat ", "
            let wanted = $"one of {words}, with a probability if you like, as in linear:0.1"
            let refuse () = Value.refuse option wanted text

            let isName (name: string) (known: string, _) = known.Equals(name, StringComparison.OrdinalIgnoreCase)

            let named name probability = Choices.schedules probability |> List.tryFind (isName name) |> Option.map snd

            match text.Split ':' with
            | [| name |] -> named name defaultProbability |> Option.defaultWith refuse
            | [| name; probability |] ->
                match Value.tryReal (Interval.closed 0.0 1.0) probability with
                | None -> refuse ()
                | Some p ->
                    match named name p with
                    | Some TeacherForcingSchedule.Always
                    | None -> refuse ()
                    | Some(TeacherForcingSchedule.Exponential _) when p = 0.0 ->
                        Value.refuse option "a probability above 0 with exponential" text
                    | Some schedule -> schedule
            | _ -> refuse ()

        let text schedule =
            match schedule with
            | TeacherForcingSchedule.Always -> "none"
            | TeacherForcingSchedule.Linear last
            | TeacherForcingSchedule.Exponential last
            | TeacherForcingSchedule.InverseSigmoid last ->
                $"{Choices.nameOf (Choices.schedules last) schedule}:{Kind.number last}"

        { Kind.custom "SCHEDULE" parse text with
            Choices = fun () -> Choices.schedules defaultProbability |> List.map fst
        }
