namespace Pruning.Cli.Evaluate

open System.IO
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Cli.Framework

/// Evaluation results for programs, as CSV.
[<RequireQualifiedAccess>]
module EvaluationCsv =

    let private metricCells (name: string, value: Uncertain) =
        [ name; Csv.number value.Value; Csv.number value.Low; Csv.number value.High ]

    let private curveRows (split: EvaluatedSplit) = seq {
        for model in EvaluatedSplit.competitors split do
            let plain = NodeMetrics.curve model.EvaluationResult.Nodes
            let energy = EnergyHistogram.curve model.EvaluationResult.Nodes.EnergyScores

            let curves =
                [
                    "roc", ScoreCurve.roc plain
                    "precision_recall", ScoreCurve.precisionRecall plain
                    "energy_roc", ScoreCurve.roc energy
                    "energy_precision_recall", ScoreCurve.precisionRecall energy
                    "calibration",
                    [
                        for bin in Calibration.reliability model.EvaluationResult.Nodes.Calibration ->
                            bin.Predicted, bin.Observed
                    ]
                ]

            for name, points in curves do
                for x, y in ScoreCurve.thin 500 points do
                    [ split.Name; model.Name; name; Csv.number x; Csv.number y ]
    }

    let private tracksterRows (split: EvaluatedSplit) = seq {
        for item in ScoredSample.tracksters split.Network.ScoredSample.Value do
            let graph = split.Sample.Graphs[item.Graph]
            let origin = graph.Graph.Origin

            [
                split.Name
                origin.File
                string origin.Entry
                (if origin.Event.HasValue then string origin.Event.Value else "")
                string graph.Graph.NodeCount
                Csv.number (Dimension.etaOf graph)
                graph.PdgId |> Option.map string |> Option.defaultValue ""
                (if item.Exact then "1" else "0")
                for energy in [ item.All; item.Kept; item.Shower; item.ShowerKept ] do
                    Csv.number energy
                for value in item.Values do
                    Csv.number value
            ]
    }

    /// Writes a table: name of the file, header, rows.
    type private Save = string -> string list -> string list seq -> unit

    let private values = [ "metric"; "value"; "low"; "high" ]

    let private metrics (save: Save) (reports: EvaluationReport list) : unit =
        save
            "metrics.csv"
            ([ "split"; "model" ] @ values)
            [
                for report in reports do
                    for model in EvaluatedSplit.competitors report.Split do
                        for value in Competitor.report model do
                            [ report.Split.Name; model.Name ] @ metricCells value
            ]

    let private bins (save: Save) (reports: EvaluationReport list) : unit =
        save
            "bins.csv"
            ([ "split"; "model"; "dimension"; "bin"; "low_edge"; "high_edge"; "nodes"; "tracksters" ]
             @ values)
            [
                for report in reports do
                    for dimension, bins in report.Binned do
                        for binned in bins do
                            for name, evaluation, found in binned.Models do
                                for value in found do
                                    [
                                        report.Split.Name
                                        name
                                        Dimension.name dimension
                                        binned.Bin.Label
                                        Csv.number binned.Bin.Low
                                        Csv.number binned.Bin.High
                                        string (Confusion.nodes evaluation.Nodes.Decisions)
                                        string evaluation.Tracksters.Count
                                    ]
                                    @ metricCells value
            ]

    let private curves (save: Save) (reports: EvaluationReport list) : unit =
        save
            "curves.csv"
            [ "split"; "model"; "curve"; "x"; "y" ]
            (reports |> Seq.collect (fun report -> curveRows report.Split))

    let private workingPoints (save: Save) (reports: EvaluationReport list) : unit =
        save
            "working_points.csv"
            [
                "split"
                "chosen_on"
                "working_point"
                "margin"
                "probability"
                "pruned"
                "precision"
                "recall"
                "total_efficiency"
                "total_purity"
            ]
            [
                for report in reports do
                    match report.Scan with
                    | None -> ()
                    | Some(chosenOn, points) ->
                        for threshold, point in points do
                            let optional = Option.defaultValue nan >> Csv.number

                            [
                                report.Split.Name
                                chosenOn
                                WorkingPoint.describe threshold
                                Csv.number (float point.Margin)
                                Csv.number (Calibration.probability point.Margin)
                                Csv.number point.Pruned
                                optional point.Precision
                                optional point.Recall
                                optional point.Efficiency
                                optional point.Purity
                            ]
            ]

    let private tracksters (save: Save) (reports: EvaluationReport list) : unit =
        save
            "tracksters.csv"
            ([ "split"; "file"; "entry"; "event"; "nodes"; "eta"; "pdg_id"; "exact" ]
             @ [ "energy"; "energy_kept"; "energy_shower"; "energy_shower_kept" ]
             @ [
                 "purity_before"
                 "purity_after"
                 "purity_oracle"
                 "efficiency"
                 "contamination_rejected"
                 "response_raw"
                 "response_pruned"
                 "response_oracle"
                 "angle_raw_mrad"
                 "angle_pruned_mrad"
                 "angle_oracle_mrad"
                 "score_before"
                 "score_after"
                 "score_oracle"
                 "fake_before"
                 "fake_after"
                 "fake_oracle"
                 "sim_response_raw"
                 "sim_response_pruned"
                 "sim_response_oracle"
                 "found_raw"
                 "found_pruned"
                 "found_oracle"
             ])
            (reports |> Seq.collect (fun report -> tracksterRows report.Split))

    /// Writes metrics.csv, bins.csv, curves.csv, working_points.csv and tracksters.csv.
    let write (directory: string) (reports: EvaluationReport list) : unit =
        Directory.CreateDirectory directory |> ignore
        let save name header rows = Csv.write (Path.Combine(directory, name)) header rows
        metrics save reports
        bins save reports
        curves save reports
        workingPoints save reports
        tracksters save reports
