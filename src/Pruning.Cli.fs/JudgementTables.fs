namespace Pruning.Cli

open System
open System.Globalization
open System.IO
open System.Text.Json.Nodes
open Pruning.Model

/// What `evaluate` has to say beyond its first table.
[<NoComparison; NoEquality>]
type JudgementReport =
    {
        Part: JudgedPart
        /// Thresholds of a scan, and the part they were chosen on.
        Scan: (string * (Threshold * WorkingPoint) list) option
        /// The disturbance, the verdict on disturbed inputs and the share of flipped decisions.
        Stability: (Perturbation * Competitor * float) option
        Binned: (Dimension * (Bin * Judgement * (string * Uncertain) list) list) list
    }

/// Judgements for people and for programs.
[<RequireQualifiedAccess>]
module JudgementTables =

    let private title (name: string) = name.Replace('_', ' ')

    /// What one line of the table of competitors shows.
    let private beside =
        [
            "average_precision"
            "roc_auc"
            "mcc"
            "total_efficiency"
            "total_purity_after"
            "purity_after"
            "resolution_pruned"
            "exact_graphs"
        ]

    let private binned =
        [
            "average_precision"
            "roc_auc"
            "efficiency"
            "purity_before"
            "purity_after"
            "response_raw"
            "response_pruned"
        ]

    let private binnedNodes = [ "average_precision"; "roc_auc"; "precision"; "recall"; "mcc" ]

    let private columns (names: string list) = [ for name in names -> title name, true ]

    let private row (names: string list) (values: (string * Uncertain) list) =
        let values = Map.ofList values
        [ for name in names -> JudgedPart.text values[name] ]

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
            | parts -> String.Join(", ", parts)

    let private showStability (terminal: Terminal) (part: JudgedPart) (p, disturbed: Competitor, flipped) =
        Terminal.print terminal $"With {describe p}, {percent flipped} %% of the decisions flip:"

        Terminal.table
            terminal
            (("inputs", false) :: columns beside)
            [
                "as they are" :: row beside (Competitor.report part.Network)
                "disturbed" :: row beside (Competitor.report disturbed)
                "difference" :: row beside (Competitor.minus part.Network disturbed)
            ]

    /// Tables on stdout. The first line of each says what it is about.
    let show (terminal: Terminal) (report: JudgementReport) : unit =
        let part = report.Part
        let graphs = Say.count (int64 part.Sample.Graphs.Length)

        if not part.Rules.IsEmpty then
            Terminal.print terminal $"On the {graphs} graphs of {part.Name}, the network and the rules beside it:"

            Terminal.table
                terminal
                (("model", false) :: columns beside)
                [
                    for competitor in JudgedPart.competitors part ->
                        competitor.Name :: row beside (Competitor.report competitor)
                ]

        report.Scan
        |> Option.iter (fun (chosenOn, points) -> showScan terminal chosenOn points)

        report.Stability |> Option.iter (showStability terminal part)

        for dimension, bins in report.Binned do
            let names = shown dimension
            Terminal.print terminal $"{part.Name}, the network in bins of {title (Dimension.name dimension)}:"

            Terminal.table
                terminal
                ((Dimension.title dimension, false)
                 :: ("layer clusters", true)
                 :: ("tracksters", true)
                 :: columns names)
                [
                    for bin, judgement, values in bins ->
                        bin.Label
                        :: Say.count (Confusion.nodes judgement.Nodes.Decisions)
                        :: (if Dimension.isOfNodes dimension then
                                "-"
                            else
                                Say.count judgement.Tracksters.Count)
                        :: row names values
                ]

    let private uncertainJson (value: Uncertain) : JsonNode | null =
        if Double.IsNaN value.Low then
            Json.record [ "value", Json.number value.Value ]
        else
            Json.record
                [ "value", Json.number value.Value; "low", Json.number value.Low; "high", Json.number value.High ]

    let private valuesJson (values: (string * Uncertain) list) : JsonNode | null =
        Json.record [ for name, value in values -> name, uncertainJson value ]

    let private optional (value: float option) = value |> Option.map Json.number |> Option.defaultValue null

    let private pointJson (point: WorkingPoint) =
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
    let toJson (report: JudgementReport) : JsonNode | null =
        let part = report.Part

        Json.record
            [
                "graphs", Json.integer part.Sample.Graphs.Length
                "groups", Json.integer part.Sample.Groups
                "margin", Json.number (float part.Network.Threshold)
                "models",
                Json.record
                    [ for model in JudgedPart.competitors part -> model.Name, valuesJson (Competitor.report model) ]
                "differences_to_network",
                Json.record [ for rule in part.Rules -> rule.Name, valuesJson (Competitor.minus part.Network rule) ]
                "bins",
                Json.record
                    [
                        for dimension, bins in report.Binned ->
                            Dimension.name dimension,
                            Json.list
                                [
                                    for bin, judgement, values in bins ->
                                        Json.record
                                            [
                                                "bin", Json.text bin.Label
                                                "low", Json.number bin.Low
                                                "high", Json.number bin.High
                                                "nodes", Json.integer (Confusion.nodes judgement.Nodes.Decisions)
                                                "tracksters", Json.integer judgement.Tracksters.Count
                                                "values", valuesJson values
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
                                             :: pointJson point
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
                             "values", valuesJson (Competitor.report disturbed)
                             "differences", valuesJson (Competitor.minus part.Network disturbed)
                         ])
                "left_out", Json.list [ for sentence in JudgedPart.missing part -> Json.text sentence ]
            ]

    let private metricCells (name: string, value: Uncertain) =
        [ name; Csv.number value.Value; Csv.number value.Low; Csv.number value.High ]

    let private curveRows (part: JudgedPart) = seq {
        for model in JudgedPart.competitors part do
            let plain = NodeMetrics.curve model.Judgement.Nodes
            let energy = EnergyHistogram.curve model.Judgement.Nodes.EnergyScores

            let curves =
                [
                    "roc", ScoreCurve.roc plain
                    "precision_recall", ScoreCurve.precisionRecall plain
                    "energy_roc", ScoreCurve.roc energy
                    "energy_precision_recall", ScoreCurve.precisionRecall energy
                    "calibration",
                    [
                        for bin in Calibration.reliability model.Judgement.Nodes.Calibration ->
                            bin.Predicted, bin.Observed
                    ]
                ]

            for name, points in curves do
                for x, y in ScoreCurve.thin 500 points do
                    [ part.Name; model.Name; name; Csv.number x; Csv.number y ]
    }

    let private tracksterRows (part: JudgedPart) = seq {
        for item in Verdicts.tracksters part.Network.Verdicts.Value do
            let graph = part.Sample.Graphs[item.Graph]
            let origin = graph.Graph.Origin

            [
                part.Name
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

    /// Writes metrics.csv, bins.csv, curves.csv, working_points.csv and tracksters.csv.
    let toCsv (directory: string) (reports: JudgementReport list) : unit =
        Directory.CreateDirectory directory |> ignore
        let write name header rows = Csv.write (Path.Combine(directory, name)) header rows
        let values = [ "metric"; "value"; "low"; "high" ]

        write
            "metrics.csv"
            ([ "split"; "model" ] @ values)
            [
                for report in reports do
                    for model in JudgedPart.competitors report.Part do
                        for value in Competitor.report model do
                            [ report.Part.Name; model.Name ] @ metricCells value
            ]

        write
            "bins.csv"
            ([ "split"; "model"; "dimension"; "bin"; "low_edge"; "high_edge"; "nodes"; "tracksters" ]
             @ values)
            [
                for report in reports do
                    for dimension, bins in report.Binned do
                        for bin, judgement, found in bins do
                            for value in found do
                                [
                                    report.Part.Name
                                    report.Part.Network.Name
                                    Dimension.name dimension
                                    bin.Label
                                    Csv.number bin.Low
                                    Csv.number bin.High
                                    string (Confusion.nodes judgement.Nodes.Decisions)
                                    string judgement.Tracksters.Count
                                ]
                                @ metricCells value
            ]

        write
            "curves.csv"
            [ "split"; "model"; "curve"; "x"; "y" ]
            (reports |> Seq.collect (fun report -> curveRows report.Part))

        write
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
                                report.Part.Name
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

        write
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
             ])
            (reports |> Seq.collect (fun report -> tracksterRows report.Part))
