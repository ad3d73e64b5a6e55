namespace Pruning.Cli.Runs

open System.Text.Json

/// What two runs chose differently.
[<RequireQualifiedAccess>]
module ConfigDifference =

    let rec private below (path: string) (element: JsonElement) : (string * string) list =
        let inner name = if path = "" then name else $"{path}.{name}"

        match element.ValueKind with
        | JsonValueKind.Object ->
            [
                for field in element.EnumerateObject() do
                    yield! below (inner field.Name) field.Value
            ]
        | _ -> [ (path, element.GetRawText()) ]

    /// The values of a JSON object by dotted name.
    let leaves (element: JsonElement) : (string * string) list = below "" element

    /// The choices of a run by dotted name. Runs of every version of the program are comparable.
    let read (run: string) : (string * string) list =
        let config = RunConfig.toJson (RunConfig.read run)
        use document = JsonDocument.Parse(config.ToJsonString())
        leaves document.RootElement

    /// Names whose values are not the same everywhere, in the order of the first that has them, with the value of each;
    /// None where one is missing.
    let ofConfigs (configs: (string * string) list list) : (string * string option list) list =
        let maps = configs |> List.map Map.ofList

        [
            for name in configs |> List.collect (List.map fst) |> List.distinct do
                let values = maps |> List.map (Map.tryFind name)

                if List.distinct values |> List.length > 1 then
                    name, values
        ]
