namespace Pruning.Cli.Evaluate

open System
open Pruning.Cli.Framework
open Pruning.Model.Drawing
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Model.Logging

/// The figures of an evaluated network.
[<RequireQualifiedAccess>]
module EvaluationFigures =

    /// Of baselines: neither the network's blue, nor the oracle's black, nor the grey of chance.
    let private ruleColours =
        [ Palette.purple; Palette.orange; Palette.sky; Palette.green; Palette.vermilion ]

    let private colourOf (index: int) (name: string) =
        match name with
        | "network" -> Palette.blue
        | "oracle" -> Palette.black
        | _ -> ruleColours[index % ruleColours.Length]

    let private models (split: EvaluatedSplit) =
        EvaluatedSplit.competitors split
        |> List.mapi (fun i model -> model, colourOf i model.Name)
        |> List.filter (fun (model, _) -> model.Name <> "keep all")

    let private curves (read: NodeMetrics -> (float * float) list) (split: EvaluatedSplit) =
        [
            for model, colour in models split do
                match read model.EvaluationResult.Nodes with
                | [] -> ()
                | points ->
                    let draw = if model.Name = "network" then Series.line else Series.dashed
                    draw model.Name colour (ScoreCurve.thin 400 points)
        ]

    let roc (split: EvaluatedSplit) : Figure =
        {
            Id = "roc"
            Caption =
                $"Receiver operating characteristic on the {split.Name} split: share of the layer clusters to prune that is pruned \
                 against share of those to keep that is."
            X = Axis.linear "False positive rate" |> Axis.within 0.0 1.0
            Y = Axis.linear "True positive rate" |> Axis.within 0.0 1.02
            Series =
                curves (NodeMetrics.curve >> ScoreCurve.roc) split
                @ [ Series.dashed "chance" Palette.grey [ 0.0, 0.0; 1.0, 1.0 ] ]
        }

    let precisionRecall (split: EvaluatedSplit) : Figure =
        let struct (keep, prune) = ScoreHistogram.totals split.Network.EvaluationResult.Nodes.Scores
        let prevalence = float prune / float (max 1L (keep + prune))

        {
            Id = "precision-recall"
            Caption =
                $"Precision against recall on the {split.Name} split. Chance is the share of layer clusters to prune."
            X = Axis.linear "Recall" |> Axis.within 0.0 1.0
            Y = Axis.linear "Precision" |> Axis.within 0.0 1.02
            Series =
                curves (NodeMetrics.curve >> ScoreCurve.precisionRecall) split
                @ [ Series.dashed "chance" Palette.grey [ 0.0, prevalence; 1.0, prevalence ] ]
        }

    let calibration (split: EvaluatedSplit) : Figure =
        let series name colour (calibration: Calibration) =
            { Series.line name colour [ for bin in Calibration.reliability calibration -> bin.Predicted, bin.Observed ] with
                Mark = Mark.LineAndPoints
            }

        let nodes = split.Network.EvaluationResult.Nodes

        {
            Id = "calibration"
            Caption =
                $"Reliability on the {split.Name} split: how often layer clusters of a probability are to be pruned. Class weights in \
                 training move probabilities away from the diagonal."
            X = Axis.linear "Mean probability of prune" |> Axis.within 0.0 1.0
            Y = Axis.linear "Share to prune" |> Axis.within 0.0 1.02
            Series =
                [
                    series "layer clusters" Palette.blue nodes.Calibration
                    series "weighted by energy" Palette.vermilion nodes.EnergyCalibration
                    Series.dashed "ideal" Palette.grey [ 0.0, 0.0; 1.0, 1.0 ]
                ]
        }

    let private scoreBins = 40

    let private scoreHeights (bins: int[]) (counts: int64[]) : float list =
        let heights = Array.zeroCreate scoreBins
        let total = float (max 1L (Array.sum counts))

        for bin, count in Array.zip bins counts do
            let probability = Calibration.probability (float32 (ScoreHistogram.middleOf bin))
            let at = min (scoreBins - 1) (int (probability * float scoreBins))
            heights[at] <- heights[at] + float count / total * float scoreBins

        Array.toList heights

    /// A logarithmic axis has no zero: outlines end on the floor of the plot, well below the least height.
    let private onFloor (figure: Figure) : Figure =
        match
            [
                for series in figure.Series do
                    yield! series.Y
            ]
            |> List.filter (fun y -> y > 0.0)
        with
        | [] -> figure
        | heights ->
            let floor = List.min heights / 2.0

            { figure with
                Y = Axis.within floor (2.0 * List.max heights) figure.Y
                Series =
                    figure.Series
                    |> List.map (fun series ->
                        { series with
                            Y = series.Y |> List.map (fun y -> if y > 0.0 then y else floor / 10.0)
                        })
            }

    /// Scores of training and test by label; `training` and `test` are the network's counts.
    let scores (training: ScoreHistogram) (test: ScoreHistogram) : Figure =
        let edges = [ for i in 0..scoreBins -> float i / float scoreBins ]

        let draw name colour mark (h: ScoreHistogram) (counts: int64[]) =
            { Series.outline name colour edges (scoreHeights h.Bins counts) with
                Mark = mark
            }

        let gap pick =
            ScoreHistogram.largestGap (training.Bins, pick training) (test.Bins, pick test)
            |> Option.map Say.number
            |> Option.defaultValue "-"

        let keepGap = gap (fun (h: ScoreHistogram) -> h.Keep)
        let pruneGap = gap (fun (h: ScoreHistogram) -> h.Prune)

        {
            Id = "scores"
            Caption =
                $"Probability of prune by label, each histogram of area 1. Largest distance of the cumulative distributions of training \
                 and test (Kolmogorov, Smirnov): keep {keepGap}, prune {pruneGap}."
            X = Axis.linear "Probability of prune" |> Axis.within 0.0 1.0
            Y = Axis.logarithmic "Density"
            Series =
                [
                    draw "keep, training" Palette.blue Mark.Dashed training training.Keep
                    draw "keep, test" Palette.blue Mark.Line test test.Keep
                    draw "prune, training" Palette.vermilion Mark.Dashed training training.Prune
                    draw "prune, test" Palette.vermilion Mark.Line test test.Prune
                ]
        }
        |> onFloor

    let private middle (dimension: Dimension) (bin: Bin) =
        if Double.IsInfinity bin.High then
            bin.Low * 1.15
        elif dimension = Dimension.Layer || dimension = Dimension.Size then
            (bin.Low + bin.High - 1.0) / 2.0
        else
            (bin.Low + bin.High) / 2.0

    /// Some quantities in bins; each with its title, colour and metric.
    let inBins
        (id: string)
        (caption: string)
        (yTitle: string)
        (quantities: (string * string * Metric) list)
        (dimension: Dimension, bins: (Bin * EvaluationResult * (string * Uncertain) list) list)
        : Figure =
        let places shift =
            match dimension with
            | Dimension.Species -> Places.Categories [ for bin, _, _ in bins -> bin.Label ]
            | _ -> Places.Numbers [ for bin, _, _ in bins -> middle dimension bin * (1.0 + shift) ]

        {
            Id = id
            Caption = caption
            X = Axis.linear (Dimension.title dimension)
            Y = Axis.linear yTitle
            Series =
                [
                    for i, (title, colour, metric) in List.indexed quantities do
                        let values = [ for _, _, values in bins -> values |> List.find (fst >> (=) metric.Key) |> snd ]

                        {
                            Name = title
                            Colour = colour
                            Mark = Mark.LineAndPoints
                            // Side by side, so that error bars do not hide each other.
                            X = places (0.006 * float (i - quantities.Length / 2))
                            Y = values |> List.map _.Value
                            Low = values |> List.map _.Low
                            High = values |> List.map _.High
                            Texts = [ for bin, _, _ in bins -> bin.Label ]
                        }
                ]
        }

    /// Distribution of a quantity of tracksters, from its histogram of values.
    let private outlineOf (low: float) (high: float) (count: int) name colour mark (h: ValueHistogram) : Series =
        let edges = [ for i in 0..count -> low + (high - low) * float i / float count ]
        let heights = Array.zeroCreate count
        let total = float (max 1L (ValueHistogram.count h))

        for bin, n in Array.zip h.Bins h.Counts do
            let place = (ScoreHistogram.middleOf bin - low) / (high - low) * float count

            if place >= 0.0 && place < float count then
                heights[int place] <- heights[int place] + float n / total

        { Series.outline name colour edges (Array.toList heights) with
            Mark = mark
        }

    let response (split: EvaluatedSplit) : Figure =
        let values quantity = TracksterMetrics.values quantity split.Network.EvaluationResult.Tracksters
        let draw = outlineOf 0.8 1.3 100

        {
            Id = "response"
            Caption =
                "Energy of a trackster over the energy of its shower in it: before pruning, after it, and with every label followed. \
                 Values outside of the plot are counted in its normalisation."
            X = Axis.linear "Response E / E(shower)" |> Axis.within 0.8 1.3
            Y = Axis.logarithmic "Share of tracksters / 0.005"
            Series =
                [
                    draw "raw" Palette.grey Mark.Line (values TracksterQuantity.ResponseRaw)
                    draw "pruned" Palette.blue Mark.Line (values TracksterQuantity.ResponsePruned)
                    draw "oracle" Palette.black Mark.Dashed (values TracksterQuantity.ResponseOracle)
                ]
        }
        |> onFloor

    let workingPoints (split: EvaluatedSplit) : Figure =
        let curve (model: Competitor) =
            [
                for point in WorkingPoint.curve model.EvaluationResult.Nodes do
                    match point.Efficiency, point.Purity with
                    | Some efficiency, Some purity when efficiency > 0.5 -> efficiency, purity
                    | _ -> ()
            ]

        let chosen = WorkingPoint.at split.Network.Threshold split.Network.EvaluationResult.Nodes

        {
            Id = "working-points"
            Caption =
                "What every threshold does to the energy of all showers: share of their energy that is kept against the share of the kept \
                 energy that is theirs. The point is where this network begins to prune."
            X = Axis.linear "Energy efficiency" |> Axis.within 0.8 1.005
            Y = Axis.linear "Energy purity"
            Series =
                [
                    for model, colour in models split do
                        let draw = if model.Name = "network" then Series.line else Series.dashed
                        draw model.Name colour (ScoreCurve.thin 500 (curve model))
                    match chosen.Efficiency, chosen.Purity with
                    | Some efficiency, Some purity -> Series.points "chosen" Palette.blue [ (efficiency, purity) ]
                    | _ -> ()
                ]
        }

    /// Milliseconds a graph against its nodes.
    let times (times: (int * float)[]) : Figure =
        {
            Id = "times"
            Caption =
                "Time of one trackster alone in a batch, reading not counted: batches of many are faster per trackster."
            X = Axis.linear "Layer clusters of the trackster"
            Y = Axis.linear "Inference time [ms]"
            Series =
                [
                    Series.points
                        "one trackster"
                        Palette.blue
                        [ for nodes, seconds in times -> float nodes, 1000.0 * seconds ]
                ]
        }

    /// A metric against the epoch, by split.
    let training (id: string) (metric: Metric) (lines: MetricLine list) : Figure =
        let title = string (Char.ToUpperInvariant metric.Title[0]) + metric.Title.Substring 1

        let series title split colour =
            let points =
                [
                    for line in lines do
                        if line.Split = split then
                            match line.Values |> List.tryFind (fst >> (=) metric.Key) with
                            | Some(_, value) -> float line.Epoch, value
                            | None -> ()
                ]

            { Series.line title colour points with
                Mark = Mark.LineAndPoints
            }

        {
            Id = id
            Caption =
                $"{title} by epoch. Training values are taken while the network learns, with dropout and, for autoregressive networks, \
                 with teacher forcing."
            X = Axis.linear "Epoch"
            Y = Axis.linear title
            Series = [ series "training" "train" Palette.vermilion; series "validation" "val" Palette.blue ]
        }
