namespace Pruning.Cli.Framework

open System
open System.Globalization
open System.Text.Json.Nodes
open Pruning.Model.Persistence

/// How a value stands in a TOML file.
[<RequireQualifiedAccess>]
type TomlForm =
    | Text
    | Number
    | Flag

/// A kind of option value: how it is typed, how it is written, and how config.json keeps it.
[<NoEquality; NoComparison>]
type Kind<'T> =
    {
        /// Stands for the value in help, as in N; None for a flag, which takes no value.
        Meta: string option
        /// Every value, where there are few. A function, because some lists are long to make.
        Choices: unit -> string list
        /// The value is a path, which a shell can complete.
        IsPath: bool
        Form: TomlForm
        /// From the option's name and the text to the value, or a UsageException.
        Parse: string -> string -> 'T
        /// The text that `Parse` turns back into the value; None where no text does.
        Text: 'T -> string option
        /// Fields of config.json under a key.
        ToJson: string -> 'T -> (string * (JsonNode | null)) list
        /// The value under a key, or a CheckpointException.
        OfJson: string -> JsonFields -> 'T
        /// What config.json holds under the key, for the reference page.
        JsonType: string
    }

/// The kinds of values that options take.
[<RequireQualifiedAccess>]
module Kind =

    /// The shortest text that is read back as the same number.
    let number (x: float) : string = x.ToString("R", CultureInfo.InvariantCulture)

    /// What is typed as a text that `parse` understands, and is kept as that text.
    let custom (meta: string) (parse: string -> string -> 'T) (text: 'T -> string) : Kind<'T> =
        {
            Meta = Some meta
            Choices = fun () -> []
            IsPath = false
            Form = TomlForm.Text
            Parse = parse
            Text = text >> Some
            ToJson = fun key value -> [ key, Json.text (text value) ]
            OfJson =
                fun key fields ->
                    let read (found: string) =
                        try
                            Some(parse key found)
                        with :? UsageException ->
                            None

                    fields.Parsed(key, meta, read)
            JsonType = "text"
        }

    /// On or off. Typed without a value; a TOML file says true or false.
    let flag: Kind<bool> =
        { custom "" (fun option -> Value.choice option [ "true", true; "false", false ]) (fun on ->
              if on then "true" else "false") with
            Meta = None
            Form = TomlForm.Flag
            ToJson = fun key on -> [ key, Json.flag on ]
            OfJson = fun key fields -> fields.Flag key
            JsonType = "flag"
        }

    /// A whole number, low and high included.
    let wholeLong (low: int64, high: int64) : Kind<int64> =
        { custom "N" (fun option -> Value.wholeLong option (low, high)) string with
            Form = TomlForm.Number
            ToJson = fun key n -> [ key, Json.integer n ]
            OfJson = fun key fields -> fields.Long(key, low, high)
            JsonType = "whole number"
        }

    /// The same kind for another type of value.
    let map (there: 'A -> 'B) (back: 'B -> 'A) (kind: Kind<'A>) : Kind<'B> =
        {
            Meta = kind.Meta
            Choices = kind.Choices
            IsPath = kind.IsPath
            Form = kind.Form
            Parse = fun option text -> there (kind.Parse option text)
            Text = back >> kind.Text
            ToJson = fun key value -> kind.ToJson key (back value)
            OfJson = fun key fields -> there (kind.OfJson key fields)
            JsonType = kind.JsonType
        }

    /// A whole number, low and high included.
    let whole (low: int, high: int) : Kind<int> = wholeLong (int64 low, int64 high) |> map int int64

    /// A finite number in an interval.
    let real (interval: Interval) : Kind<float> =
        { custom "X" (fun option -> Value.real option interval) number with
            Form = TomlForm.Number
            ToJson = fun key x -> [ key, Json.number x ]
            OfJson = fun key fields -> fields.Number(key, Interval.describe interval, Interval.contains interval)
            JsonType = "number"
        }

    /// One of a list that is made when it is needed. `known` are values that config.json may hold besides.
    let choiceAmong (words: unit -> (string * 'T) list) (known: (string * 'T) list) : Kind<'T> =
        let nameOf all value = all |> List.tryFind (fun (_, other) -> other = value) |> Option.map fst

        {
            Meta = Some "WORD"
            Choices = fun () -> words () |> List.map fst
            IsPath = false
            Form = TomlForm.Text
            Parse = fun option text -> Value.choice option (words ()) text
            Text = fun value -> nameOf (words ()) value
            ToJson =
                fun key value ->
                    let name = nameOf (words () @ known) value |> Option.defaultWith (fun () -> string value)
                    [ key, Json.text name ]
            OfJson = fun key fields -> fields.Choice(key, words () @ known)
            JsonType = "text"
        }

    /// One of a few words.
    let choice (words: (string * 'T) list) : Kind<'T> = choiceAmong (fun () -> words) []

    /// Any text.
    let text (meta: string) : Kind<string> =
        { custom meta (fun _ text -> text) id with
            OfJson = fun key fields -> fields.Text key
        }

    /// A path: any text but an empty one.
    let path (meta: string) : Kind<string> =
        let parse option (text: string) =
            if String.IsNullOrWhiteSpace text then
                Value.refuse option "a path" text
            else
                text

        { custom meta parse id with
            IsPath = true
            OfJson = fun key fields -> fields.Text key
        }

    /// Texts separated by commas.
    let list (meta: string) : Kind<string list> =
        { custom meta (fun _ text -> List.ofArray (text.Split(',', StringSplitOptions.TrimEntries))) (String.concat ",") with
            Text = fun items -> if items.IsEmpty then None else Some(String.concat "," items)
            ToJson = fun key items -> [ key, Json.list (items |> List.map Json.text) ]
            OfJson = fun key fields -> fields.Texts key
            JsonType = "list of texts"
        }

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

    /// Seconds with their unit: what `tryTime` reads back.
    let timeText (time: TimeSpan) : string = number time.TotalSeconds + "s"

    /// A time in config.json: seconds.
    let secondsOf (key: string) (fields: JsonFields) : TimeSpan =
        fields.Number(key, "a number above 0 and up to 1e9", (fun x -> x > 0.0 && x <= 1e9))
        |> TimeSpan.FromSeconds

    /// A time such as 90s, 30m, 2h or 1.5d; config.json keeps seconds.
    let time: Kind<TimeSpan> =
        let parse option text =
            match tryTime text with
            | Some time -> time
            | None -> Value.refuse option "a number above 0 and a unit, such as 90s, 30m, 2h or 1d" text

        { custom "TIME" parse timeText with
            ToJson = fun key time -> [ key, Json.number time.TotalSeconds ]
            OfJson = secondsOf
            JsonType = "number of seconds"
        }

    /// A value that may be missing. config.json then has null.
    let optional (kind: Kind<'T>) : Kind<'T option> =
        {
            Meta = kind.Meta
            Choices = kind.Choices
            IsPath = kind.IsPath
            Form = kind.Form
            Parse = fun option text -> Some(kind.Parse option text)
            Text = Option.bind kind.Text
            ToJson =
                fun key value ->
                    match value with
                    | Some value -> kind.ToJson key value
                    | None -> [ key, null ]
            OfJson = fun key fields -> fields.Optional(key, kind.OfJson key)
            JsonType = kind.JsonType + " or null"
        }

    /// A value that may be missing. config.json then has no such key.
    let omitted (kind: Kind<'T>) : Kind<'T option> =
        { optional kind with
            ToJson =
                fun key value ->
                    match value with
                    | Some value -> kind.ToJson key value
                    | None -> []
            JsonType = kind.JsonType + ", if given"
        }
