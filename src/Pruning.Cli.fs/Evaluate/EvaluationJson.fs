namespace Pruning.Cli.Evaluate

open System
open System.Text.Json.Nodes
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Model.Evaluation

/// Evaluation results for programs, as JSON.
[<RequireQualifiedAccess>]
module EvaluationJson =

    let private ofUncertain (value: Uncertain) : JsonNode | null =
        if Double.IsNaN value.Low then
            Json.record [ "value", Json.number value.Value ]
        else
            Json.record
                [ "value", Json.number value.Value; "low", Json.number value.Low; "high", Json.number value.High ]

    let private ofValues (values: (string * Uncertain) list) : JsonNode | null =
        Json.record [ for name, value in values -> name, ofUncertain value ]

    let private optional (value: float option) = value |> Option.map Json.number |> Option.defaultValue null

    let private ofPoint (point: WorkingPoint) =
        [
            "margin", Json.number (float point.Margin)
            "probability", Json.number (Calibration.probability point.Margin)
            "pruned", Json.number point.Pruned
            "precision", optional point.Precision
            "recall", optional point.Recall
            "total_efficiency", optional point.Efficiency
            "total_purity", optional point.Purity
        ]

    /// Every number of a report.
    let ofReport (report: EvaluationReport) : JsonNode | null =
        let split = report.Split

        Json.record
            [
                "graphs", Json.integer split.Sample.Graphs.Length
                "groups", Json.integer split.Sample.Groups
                "margin", Json.number (float split.Network.Threshold)
                "models",
                Json.record
                    [ for model in EvaluatedSplit.competitors split -> model.Name, ofValues (Competitor.report model) ]
                "differences_to_network",
                Json.record
                    [
                        for baseline in split.Baselines ->
                            baseline.Name, ofValues (Competitor.minus split.Network baseline)
                    ]
                "bins",
                Json.record
                    [
                        for dimension, bins in report.Binned ->
                            Dimension.name dimension,
                            Json.list
                                [
                                    for binned in bins ->
                                        let evaluation, values = binned.Network

                                        Json.record
                                            [
                                                "bin", Json.text binned.Bin.Label
                                                "low", Json.number binned.Bin.Low
                                                "high", Json.number binned.Bin.High
                                                "nodes", Json.integer (Confusion.nodes evaluation.Nodes.Decisions)
                                                "tracksters", Json.integer evaluation.Tracksters.Count
                                                "values", ofValues values
                                                "rules",
                                                Json.record
                                                    [
                                                        for name, _, values in binned.Models.Tail ->
                                                            name, ofValues values
                                                    ]
                                            ]
                                ]
                    ]
                "working_points",
                (match report.Scan with
                 | None -> null
                 | Some(chosenOn, points) ->
                     Json.record
                         [
                             "chosen_on", Json.text chosenOn
                             "points",
                             Json.list
                                 [
                                     for threshold, point in points ->
                                         Json.record (
                                             ("working_point", Json.text (WorkingPoint.describe threshold))
                                             :: ofPoint point
                                         )
                                 ]
                         ])
                "stability",
                (match report.Stability with
                 | None -> null
                 | Some(p, disturbed, flipped) ->
                     Json.record
                         [
                             "energy", Json.number p.Energy
                             "position", Json.number p.Position
                             "time", Json.number p.Time
                             "flipped", Json.number flipped
                             "values", ofValues (Competitor.report disturbed)
                             "differences", ofValues (Competitor.minus split.Network disturbed)
                         ])
                "left_out", Json.list [ for sentence in EvaluatedSplit.missing split -> Json.text sentence ]
            ]
