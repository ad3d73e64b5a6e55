namespace Pruning.Model.Persistence

open System
open System.Collections.Generic
open System.Text.Json
open System.Text.Json.Nodes

/// Reads the fields of a JSON object strictly. A field that is missing, of another kind or out of its range, and at the end
/// (`Close`) one that nobody asked for, is a `CheckpointException` that names the place. `place` says what the object is and
/// where it stands, as in "training of runs/a/config.json".
[<Sealed>]
type JsonFields(place: string, json: JsonObject) =

    let asked = HashSet<string>()

    let refuse (key: string) (wanted: string) (found: string) : 'a =
        raise (
            CheckpointException
                $"wanted {wanted} under '{key}', found {found} in {place}; was it written by another version, or changed by hand?"
        )

    let node (key: string) : JsonNode | null =
        asked.Add key |> ignore
        json[key]

    let tryObject (value: JsonNode | null) : JsonObject option =
        match value with
        | :? JsonObject as inner -> Some inner
        | _ -> None

    let kind (value: JsonNode) (wanted: JsonValueKind) : bool = value.GetValueKind() = wanted

    /// The text of a string value. An escape such as a lone \ud800 is no text.
    let tryText (value: JsonNode) : string option =
        try
            if kind value JsonValueKind.String then Some(value.GetValue<string>()) else None
        with :? InvalidOperationException ->
            None

    let read (key: string) (wanted: string) (convert: JsonNode -> 'T option) : 'T =
        match node key with
        | null -> refuse key wanted "nothing"
        | value ->
            match convert value with
            | Some result -> result
            | None ->
                let text = value.ToJsonString()
                refuse key wanted (if text.Length > 60 then text.Substring(0, 60) + "..." else text)

    /// Refuses what a field holds.
    member _.Refuse(key: string, wanted: string, found: string) : 'a = refuse key wanted found

    /// What this object is and where it stands.
    member _.Place: string = place

    /// Whether there is a value, not null, under this name.
    member _.Has(key: string) : bool = not (isNull (node key))

    /// What kind of value stands under a name.
    member _.Kind(key: string) : JsonValueKind option =
        match node key with
        | null -> None
        | value -> Some(value.GetValueKind())

    member _.Text(key: string) : string = read key "a text" tryText

    /// A text that `parse` understands.
    member _.Parsed(key: string, wanted: string, parse: string -> 'T option) : 'T =
        read key wanted (tryText >> Option.bind parse)

    member this.Choice(key: string, words: (string * 'T) list) : 'T =
        let wanted = words |> List.map fst |> String.concat ", "

        this.Parsed(
            key,
            $"one of {wanted}",
            fun text -> words |> List.tryFind (fun (word, _) -> word = text) |> Option.map snd
        )

    member _.Flag(key: string) : bool =
        read key "true or false" (fun value ->
            match value.GetValueKind() with
            | JsonValueKind.True -> Some true
            | JsonValueKind.False -> Some false
            | _ -> None)

    member _.Long(key: string, low: int64, high: int64) : int64 =
        read key $"a whole number from {low} to {high}" (fun value ->
            // Through the text: a node made by code answers for one number type only.
            match Int64.TryParse(value.ToJsonString(), Globalization.CultureInfo.InvariantCulture) with
            | true, number when number >= low && number <= high -> Some number
            | _ -> None)

    member this.Int(key: string, low: int, high: int) : int = int (this.Long(key, int64 low, int64 high))

    member _.Number(key: string, wanted: string, fits: float -> bool) : float =
        read key wanted (fun value ->
            let style = Globalization.NumberStyles.Float

            match
                kind value JsonValueKind.Number,
                Double.TryParse(value.ToJsonString(), style, Globalization.CultureInfo.InvariantCulture)
            with
            | true, (true, number) when Double.IsFinite number && fits number -> Some number
            | _ -> None)

    /// The value of `read` where there is one, None where there is nothing or null.
    member this.Optional(key: string, read: JsonFields -> 'T) : 'T option =
        if this.Has key then Some(read this) else None

    /// The value of `read` where there is one, `before` where files did not have this field yet.
    member _.Since(key: string, before: 'T, read: unit -> 'T) : 'T =
        asked.Add key |> ignore
        if json.ContainsKey key then read () else before

    /// An object, read by `read` and then closed.
    member _.Object(key: string, readAll: JsonFields -> 'T) : 'T =
        let found =
            read key "an object" (function
                | :? JsonObject as inner -> Some inner
                | _ -> None)

        let fields = JsonFields($"'{key}' of {place}", found)
        let result = readAll fields
        fields.Close()
        result

    /// A list of objects, each read by `read` and then closed.
    member _.Objects(key: string, readAll: JsonFields -> 'T) : 'T list =
        let found =
            read key "a list of objects" (function
                | :? JsonArray as items ->
                    let objects = [ for item in items -> item ] |> List.map tryObject

                    if List.forall Option.isSome objects then Some(List.choose id objects) else None
                | _ -> None)

        [
            for inner in found ->
                let fields = JsonFields($"an item of '{key}' of {place}", inner)
                let result = readAll fields
                fields.Close()
                result
        ]

    /// An object as it stands.
    member _.Raw(key: string) : JsonObject =
        read key "an object" (function
            | :? JsonObject as inner -> Some inner
            | _ -> None)

    /// Whole numbers.
    member _.Longs(key: string) : int64[] =
        read key "a list of whole numbers" (function
            | :? JsonArray as items ->
                let numbers =
                    items
                    |> Seq.map (function
                        | null -> None
                        | item ->
                            match Int64.TryParse(item.ToJsonString(), Globalization.CultureInfo.InvariantCulture) with
                            | true, number -> Some number
                            | _ -> None)
                    |> Seq.toArray

                if Array.forall Option.isSome numbers then
                    Some(Array.choose id numbers)
                else
                    None
            | _ -> None)

    /// Texts.
    member _.Texts(key: string) : string list =
        read key "a list of texts" (function
            | :? JsonArray as items ->
                let texts =
                    items
                    |> Seq.map (function
                        | null -> None
                        | item when kind item JsonValueKind.String -> Some(item.GetValue<string>())
                        | _ -> None)
                    |> Seq.toList

                if List.forall Option.isSome texts then Some(List.choose id texts) else None
            | _ -> None)

    /// Refuses fields that nobody asked for: they would mean something to whoever wrote them.
    member _.Close() : unit =
        for field in json do
            if not (asked.Contains field.Key) then
                let known = asked |> Seq.sort |> String.concat ", "
                refuse field.Key $"nothing (known are {known})" "a value"

/// Reading whole JSON texts.
[<RequireQualifiedAccess>]
module JsonText =

    /// A JSON object without repeated names, or a CheckpointException that names the place.
    let parse (place: string) (text: byte[]) : JsonObject =
        let refuse (found: string) (cause: exn | null) : 'a =
            raise (
                CheckpointException(
                    $"wanted a JSON object, found {found} in {place}; it is damaged or no such file",
                    cause
                )
            )

        try
            let options = JsonDocumentOptions(AllowDuplicateProperties = false, MaxDepth = 64)
            // The parser looks at the encoding of a text only when it is asked for.
            Text.UTF8Encoding(false, throwOnInvalidBytes = true).GetCharCount text |> ignore

            match JsonNode.Parse(ReadOnlySpan text, Nullable(), options) with
            | :? JsonObject as json ->
                // An escape such as a lone \ud800 is no text, which the parser notices when it has to write it.
                json.ToJsonString() |> ignore
                json
            | _ -> refuse "another value" null
        with
        | :? JsonException
        | :? ArgumentException
        | :? InvalidOperationException as error -> refuse $"something else ({error.Message})" error
