namespace Pruning.Cli.Runs

open System
open System.IO
open System.Text.Json
open Pruning.Model.Persistence

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

    /// The values of config.json by dotted name, as they are written there.
    let read (run: string) : (string * string) list =
        let path = Path.Combine(run, RunConfig.fileName)

        try
            use document = JsonDocument.Parse(File.ReadAllText path)
            leaves document.RootElement
        with
        | :? FileNotFoundException
        | :? DirectoryNotFoundException ->
            raise (CheckpointException $"wanted the directory of a run, found no {path}; check the path.")
        | :? JsonException
        | :? InvalidOperationException as error -> // half a UTF-16 pair in an escape
            raise (
                CheckpointException(
                    $"wanted the choices of a run, found no JSON in {path}; the file is damaged.",
                    error
                )
            )

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
