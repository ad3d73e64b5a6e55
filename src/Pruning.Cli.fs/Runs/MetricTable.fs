namespace Pruning.Cli.Runs

open System.Text.Json.Nodes
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Cli.Framework

/// Metrics side by side, for people and for programs.
[<RequireQualifiedAccess>]
module MetricTable =

    /// One row per metric, one column per named state.
    let show (terminal: Terminal) (columns: (string * MetricState) list) : unit =
        if not columns.IsEmpty then
            Terminal.table
                terminal
                (("metric", false) :: [ for name, _ in columns -> name, true ])
                [
                    for metric in MetricState.metrics ->
                        Metrics.heading metric
                        :: [ for _, state in columns -> Say.number (MetricState.value metric state) ]
                ]

    /// { "loss": ..., ... } with every digit; what is undefined is null.
    let toJson (state: MetricState) : JsonObject =
        Json.record [ for name, value in MetricState.report state -> name, Json.number value ]
