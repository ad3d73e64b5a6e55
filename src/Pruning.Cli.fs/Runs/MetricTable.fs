namespace Pruning.Cli.Runs

open System.Text.Json.Nodes
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Cli.Framework

/// Metrics side by side, for people and for programs.
[<RequireQualifiedAccess>]
module MetricTable =

    let private title (name: string) = name.Replace('_', ' ')

    /// One row per metric, one column per named state.
    let show (terminal: Terminal) (columns: (string * MetricState) list) : unit =
        match columns with
        | [] -> ()
        | (_, first) :: _ ->
            let reports = columns |> List.map (snd >> MetricState.report >> Map.ofList)

            Terminal.table
                terminal
                (("metric", false) :: [ for name, _ in columns -> name, true ])
                [
                    for name, _ in MetricState.report first ->
                        title name :: [ for report in reports -> Say.number report[name] ]
                ]

    /// { "loss": ..., ... } with every digit; what is undefined is null.
    let toJson (state: MetricState) : JsonObject =
        Json.record [ for name, value in MetricState.report state -> name, Json.number value ]
