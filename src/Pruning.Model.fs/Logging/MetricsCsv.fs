namespace Pruning.Model.Logging

open System
open System.Globalization
open System.IO
open Pruning.Model.Persistence
open Pruning.Model.Metrics

/// metrics.csv of a run: the lines of metrics.jsonl as a table for spreadsheets, with a header, commas and every digit; a cell
/// is empty where there is no number.
[<RequireQualifiedAccess>]
module MetricsCsv =

    let fileName = "metrics.csv"

    /// What the line of the training split has besides the metrics.
    let ofTraining = [ "gradient_norm"; "learning_rate"; "graphs_per_second"; "seconds"; "resident_bytes" ]

    /// The metrics, then what only the training split has.
    let private columns: string list = [ for metric in MetricState.metrics -> metric.Key ] @ ofTraining

    let header: string = String.concat "," ([ "epoch"; "step"; "split" ] @ columns)

    let private cell (x: float) : string =
        if Double.IsFinite x then x.ToString("R", CultureInfo.InvariantCulture) else ""

    /// One line. A value that no column is for is a mistake of the program.
    let line (metrics: MetricLine) : string =
        match
            metrics.Values
            |> List.tryFind (fun (name, _) -> not (List.contains name columns))
        with
        | Some(name, _) -> invalidArg (nameof metrics) $"wanted a value of metrics.csv ({header}), found '{name}'"
        | None ->
            let values = Map.ofList metrics.Values
            let value name = values |> Map.tryFind name |> Option.map cell |> Option.defaultValue ""

            [ string metrics.Epoch; string metrics.Step; metrics.Split ]
            @ List.map value columns
            |> String.concat ","

    /// Writes the table of what metrics.jsonl holds by now, so that the two agree when a run is taken up again.
    let rewrite (jsonl: string) (csv: string) : unit =
        let lines = RunLog.ReadMetrics jsonl |> List.map line
        AtomicFile.writeText csv (String.concat "\n" (header :: lines) + "\n")

    /// Adds a line to the table.
    let append (csv: string) (metrics: MetricLine) : unit = File.AppendAllText(csv, line metrics + "\n")
