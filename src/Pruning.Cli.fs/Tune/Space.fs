namespace Pruning.Cli.Tune

open System
open System.Globalization
open System.IO
open System.Text.Json
open Pruning.Cli.Framework
open Pruning.Data.Batching

/// What an option of `train` may be in a trial.
[<RequireQualifiedAccess>]
type Domain =
    /// One of these words; for an option without a value: on or off.
    | Choice of string list
    /// A real number, every one as likely.
    | Uniform of low: float * high: float
    /// A real number, every power as likely.
    | LogUniform of low: float * high: float
    /// A whole number, both ends included.
    | Integer of low: int64 * high: int64

/// An option of `train`, by its name without dashes, and what it may be.
type TunedOption = { Name: string; Domain: Domain }

/// Which trials a study can make. A trial's values are a pure function of the study's seed and the trial's number.
[<RequireQualifiedAccess>]
module Space =

    let private canonical (name: string) : string = name.TrimStart('-').Replace('_', '-').ToLowerInvariant()

    let private text (x: float) : string = x.ToString("R", CultureInfo.InvariantCulture)

    /// `name=rest` of an option such as --grid.
    let private split (option: string) (wanted: string) (word: string) : string * string =
        match word.IndexOf '=' with
        | at when at > 0 && at < word.Length - 1 -> canonical (word.Substring(0, at)), word.Substring(at + 1)
        | _ -> Value.refuse option wanted word

    let private range (option: string) (low: float, high: float) : unit =
        if not (low < high) then
            Value.refuse option "a range whose low end is below its high end" $"{text low}:{text high}"

    let private logRange (option: string) (low: float, high: float) : unit =
        if not (low > 0.0) then
            Value.refuse option "a range above 0" $"{text low}:{text high}"

        range option (low, high)

    /// `NAME=A,B,C`; with a semicolon in it, that separates the values instead, so that they may hold commas.
    let ofGrid (word: string) : TunedOption =
        let wanted = "NAME=VALUE,VALUE,... such as memory=none,gru,lstm"
        let name, values = split "--grid" wanted word
        let separator = if values.Contains ';' then ';' else ','
        let choices = values.Split(separator, StringSplitOptions.TrimEntries) |> List.ofArray

        if List.contains "" choices || (List.distinct choices).Length < choices.Length then
            Value.refuse "--grid" "different values, none of them empty" word

        {
            Name = name
            Domain = Domain.Choice choices
        }

    let private ends (option: string) (word: string) : string * string * string =
        let wanted = "NAME=LOW:HIGH such as learning-rate=1e-4:1e-2"
        let name, values = split option wanted word

        match values.Split ':' with
        | [| low; high |] -> name, low, high
        | _ -> Value.refuse option wanted word

    let private realEnds (option: string) (word: string) : string * (float * float) =
        let name, low, high = ends option word
        let real = Value.real option (Interval.closed -1e300 1e300)
        name, (real low, real high)

    let ofUniform (word: string) : TunedOption =
        let name, (low, high) = realEnds "--uniform" word
        range "--uniform" (low, high)

        {
            Name = name
            Domain = Domain.Uniform(low, high)
        }

    let ofLogUniform (word: string) : TunedOption =
        let name, (low, high) = realEnds "--log-uniform" word
        logRange "--log-uniform" (low, high)

        {
            Name = name
            Domain = Domain.LogUniform(low, high)
        }

    let ofInteger (word: string) : TunedOption =
        let name, low, high = ends "--integer" word
        let whole = Value.wholeLong "--integer" (-1_000_000_000L, 1_000_000_000L)
        let low, high = whole low, whole high
        range "--integer" (float low, float high)

        {
            Name = name
            Domain = Domain.Integer(low, high)
        }

    let private word (element: JsonElement) : string =
        match element.ValueKind with
        | JsonValueKind.String -> string (element.GetString())
        | _ -> element.GetRawText() // numbers as they are written, true and false

    /// { "memory": ["none", "gru"], "learning-rate": { "log-uniform": [1e-4, 1e-2] }, "hidden-dim": { "integer": [8, 64] } }
    let ofJson (path: string) (json: string) : TunedOption list =
        let refuse (found: string) : 'a =
            raise (
                UsageException
                    $"--space wants a JSON object of lists of values, or of uniform, log-uniform or integer with two ends; found {found} \
                     in {path}."
            )

        let between (element: JsonElement) =
            match [ for e in element.EnumerateArray() -> word e ] with
            | [ low; high ] -> $"{low}:{high}"
            | _ -> refuse (element.GetRawText())

        let domain (name: string) (element: JsonElement) : TunedOption =
            match element.ValueKind with
            | JsonValueKind.Array ->
                let values = [ for value in element.EnumerateArray() -> word value ]

                if values.IsEmpty then
                    refuse $"no value of '{name}'"

                {
                    Name = canonical name
                    Domain = Domain.Choice values
                }
            | JsonValueKind.Object ->
                match [ for field in element.EnumerateObject() -> field.Name, field.Value ] with
                | [ ("uniform", range) ] when range.ValueKind = JsonValueKind.Array ->
                    ofUniform $"{name}={between range}"
                | [ ("log-uniform", range) ] when range.ValueKind = JsonValueKind.Array ->
                    ofLogUniform $"{name}={between range}"
                | [ ("integer", range) ] when range.ValueKind = JsonValueKind.Array ->
                    ofInteger $"{name}={between range}"
                | _ -> refuse (element.GetRawText())
            | _ -> refuse (element.GetRawText())

        try
            use document = JsonDocument.Parse json

            if document.RootElement.ValueKind <> JsonValueKind.Object then
                refuse "no object"

            [ for field in document.RootElement.EnumerateObject() -> domain field.Name field.Value ]
        with
        | :? JsonException
        | :? InvalidOperationException as error -> refuse $"no JSON ({error.Message})"

    let ofFile (path: string) : TunedOption list = ofJson path (File.ReadAllText path)

    /// How many trials a grid has; None when a range is in it.
    let gridSize (space: TunedOption list) : int64 option =
        (Some 1L, space)
        ||> List.fold (fun size tuned ->
            match size, tuned.Domain with
            | Some size, Domain.Choice values -> Some(size * int64 values.Length)
            | _ -> None)

    /// A number from 0 to below 1 that depends on its arguments alone.
    let private draw (seed: int64) (trial: int) (name: string) : float =
        let ofName =
            (0UL, name)
            ||> Seq.fold (fun hash letter -> StableHash.Mix(hash, uint64 letter))

        let bits = StableHash.Mix(StableHash.Mix(uint64 seed, uint64 trial), ofName)
        float (bits >>> 11) * Math.ScaleB(1.0, -53)

    /// Six digits are more than any metric can tell apart, and short enough for a command line.
    let private short (x: float) : string = x.ToString("0.#####e+0", CultureInfo.InvariantCulture)

    let private shortPlain (x: float) : string =
        if x <> 0.0 && (abs x < 1e-3 || abs x >= 1e6) then
            short x
        else
            x.ToString("G6", CultureInfo.InvariantCulture)

    /// The values of a trial that are drawn at random, in the order of the space.
    let random (seed: int64) (space: TunedOption list) (trial: int) : (string * string) list =
        [
            for tuned in space do
                let u = draw seed trial tuned.Name

                tuned.Name,
                match tuned.Domain with
                | Domain.Choice values -> values[min (values.Length - 1) (int (u * float values.Length))]
                | Domain.Uniform(low, high) -> shortPlain (low + u * (high - low))
                | Domain.LogUniform(low, high) -> shortPlain (exp (log low + u * (log high - log low)))
                | Domain.Integer(low, high) -> string (min high (low + int64 (u * float (high - low + 1L))))
        ]

    /// The values of a trial of a grid: the last option changes fastest.
    let grid (space: TunedOption list) (trial: int) : (string * string) list =
        (([], trial), List.rev space)
        ||> List.fold (fun (chosen, rest) tuned ->
            match tuned.Domain with
            | Domain.Choice values -> (tuned.Name, values[rest % values.Length]) :: chosen, rest / values.Length
            | _ -> invalidArg (nameof space) $"wanted values to choose from, found a range of '{tuned.Name}'")
        |> fst

    /// Values as words of `train`. `isFlag` says whether an option takes no value: it is then given or left out.
    let words (isFlag: string -> bool) (values: (string * string) list) : string list =
        [
            for name, value in values do
                if isFlag name then
                    match value.ToLowerInvariant() with
                    | "on"
                    | "true" -> $"--{name}"
                    | "off"
                    | "false" -> ()
                    | _ -> Value.refuse $"--{name}" "on or off in a space" value
                else
                    $"--{name}={value}"
        ]

    let private toJsonValue (tuned: TunedOption) : Nodes.JsonNode | null =
        let range kind (low: Nodes.JsonNode | null) high =
            Pruning.Model.Persistence.Json.record [ kind, Pruning.Model.Persistence.Json.list [ low; high ] ]

        let real = Pruning.Model.Persistence.Json.number
        let whole (n: int64) = Pruning.Model.Persistence.Json.integer n

        match tuned.Domain with
        | Domain.Choice values ->
            Pruning.Model.Persistence.Json.list (values |> List.map Pruning.Model.Persistence.Json.text)
        | Domain.Uniform(low, high) -> range "uniform" (real low) (real high)
        | Domain.LogUniform(low, high) -> range "log-uniform" (real low) (real high)
        | Domain.Integer(low, high) -> range "integer" (whole low) (whole high)

    /// As ofJson reads it.
    let toJson (space: TunedOption list) : Nodes.JsonObject =
        Pruning.Model.Persistence.Json.record [ for tuned in space -> tuned.Name, toJsonValue tuned ]
