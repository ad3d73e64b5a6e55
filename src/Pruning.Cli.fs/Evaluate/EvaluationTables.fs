namespace Pruning.Cli.Evaluate

open System
open System.Globalization
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Cli.Framework

/// Evaluation results for people.
[<RequireQualifiedAccess>]
module EvaluationTables =

    let private title (name: string) = name.Replace('_', ' ')

    /// What one line of the table of competitors shows.
    let private beside =
        [
            Metrics.averagePrecision
            Metrics.rocAuc
            Metrics.mcc
            Metrics.totalEfficiency
            Metrics.totalPurityAfter
            Metrics.purityAfter
            Metrics.resolutionPruned
            Metrics.exactGraphs
        ]

    let private binned =
        [
            Metrics.averagePrecision
            Metrics.rocAuc
            Metrics.efficiency
            Metrics.purityBefore
            Metrics.purityAfter
            Metrics.responseRaw
            Metrics.responsePruned
        ]

    let private binnedNodes =
        [ Metrics.averagePrecision; Metrics.rocAuc; Metrics.precision; Metrics.recall; Metrics.mcc ]

    let private columns (metrics: Metric list) = [ for metric in metrics -> Metrics.heading metric, true ]

    let private row (metrics: Metric list) (values: (string * Uncertain) list) =
        let values = Map.ofList values
        [ for metric in metrics -> EvaluatedSplit.text values[metric.Key] ]

    let private shown (dimension: Dimension) = if Dimension.isOfNodes dimension then binnedNodes else binned

    let private showScan (terminal: Terminal) (chosenOn: string) (points: (Threshold * WorkingPoint) list) =
        let text = Option.defaultValue nan >> Say.number

        Terminal.print terminal $"Working points, chosen on {chosenOn}:"

        Terminal.table
            terminal
            [
                "working point", false
                "probability", true
                "pruned", true
                "precision", true
                "recall", true
                "total efficiency", true
                "total purity", true
            ]
            [
                for threshold, point in points ->
                    [
                        WorkingPoint.describe threshold
                        Say.number (Calibration.probability point.Margin)
                        Say.number point.Pruned
                        text point.Precision
                        text point.Recall
                        text point.Efficiency
                        text point.Purity
                    ]
            ]

    let private percent (x: float) = (100.0 * x).ToString("0.##", CultureInfo.InvariantCulture)

    let private describe (p: Perturbation) =
        [
            if p.Energy > 0.0 then
                $"energies smeared by {percent p.Energy} %%"
            if p.Position > 0.0 then
                $"x and y by {Say.number p.Position} cm"
            if p.Time > 0.0 then
                $"{percent p.Time} %% of the times dropped"
        ]
        |> function
            | [] -> "nothing disturbed"
            | splits -> String.Join(", ", splits)

    let private showStability (terminal: Terminal) (split: EvaluatedSplit) (p, disturbed: Competitor, flipped) =
        Terminal.print terminal $"With {describe p}, {percent flipped} %% of the decisions flip:"

        Terminal.table
            terminal
            (("inputs", false) :: columns beside)
            [
                "as they are" :: row beside (Competitor.report split.Network)
                "disturbed" :: row beside (Competitor.report disturbed)
                "difference" :: row beside (Competitor.minus split.Network disturbed)
            ]

    /// Tables on stdout. The first line of each says what it is about.
    let show (terminal: Terminal) (report: EvaluationReport) : unit =
        let split = report.Split
        let graphs = Say.count (int64 split.Sample.Graphs.Length)

        if not split.Baselines.IsEmpty then
            Terminal.print terminal $"On the {graphs} graphs of {split.Name}, the network and the baselines beside it:"

            Terminal.table
                terminal
                (("model", false) :: columns beside)
                [
                    for competitor in EvaluatedSplit.competitors split ->
                        competitor.Name :: row beside (Competitor.report competitor)
                ]

        report.Scan
        |> Option.iter (fun (chosenOn, points) -> showScan terminal chosenOn points)

        report.Stability |> Option.iter (showStability terminal split)

        for dimension, bins in report.Binned do
            let names = shown dimension
            Terminal.print terminal $"{split.Name}, in bins of {title (Dimension.name dimension)}:"

            Terminal.table
                terminal
                ((Dimension.title dimension, false)
                 :: ("model", false)
                 :: ("layer clusters", true)
                 :: ("tracksters", true)
                 :: columns names)
                [
                    for binned in bins do
                        for i, (name, evaluation, values) in List.indexed binned.Models do
                            let first text = if i = 0 then text else ""

                            first binned.Bin.Label
                            :: name
                            :: first (Say.count (Confusion.nodes evaluation.Nodes.Decisions))
                            :: first (
                                if Dimension.isOfNodes dimension then
                                    "-"
                                else
                                    Say.count evaluation.Tracksters.Count
                            )
                            :: row names values
                ]
