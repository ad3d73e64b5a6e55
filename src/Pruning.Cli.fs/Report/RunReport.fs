namespace Pruning.Cli.Report

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Model.Logging
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Drawing
open Pruning.Model.Drawing
open Pruning.Cli.Evaluate

/// What a report is made of.
[<NoComparison; NoEquality>]
type ReportContent =
    {
        /// Directory of the run.
        Run: string
        /// The split that is reported on, usually the test split.
        Split: EvaluatedSplit
        /// Scores of the network on graphs that it was trained on.
        TrainingScores: ScoreHistogram
        /// The same in words: how many graphs of how many.
        TrainingGraphs: int * int
        /// Nodes and seconds of single tracksters.
        Times: (int * float)[]
        Scan: string * (Threshold * WorkingPoint) list
        Resampling: Resampling
    }

/// One page about a run.
[<RequireQualifiedAccess>]
module RunReport =

    let private pretty = JsonSerializerOptions(WriteIndented = true)

    /// A JSON file of the run with line breaks; a file that is not there or is no JSON as it is.
    let private listing (path: string) : string =
        if not (File.Exists path) then
            "not there"
        else
            let text = File.ReadAllText path

            try
                match JsonNode.Parse text with
                | null -> text
                | node -> node.ToJsonString pretty
            with
            | :? JsonException
            | :? InvalidOperationException -> text

    let private shown =
        [
            Metrics.averagePrecision
            Metrics.rocAuc
            Metrics.precision
            Metrics.recall
            Metrics.mcc
            Metrics.calibrationError
            Metrics.totalEfficiency
            Metrics.totalPurityBefore
            Metrics.totalPurityAfter
            Metrics.totalContaminationRejected
            Metrics.responseRaw
            Metrics.responsePruned
            Metrics.resolutionRaw
            Metrics.resolutionPruned
            Metrics.angleRaw
            Metrics.anglePruned
            Metrics.exactGraphs
        ]

    let private numbers (split: EvaluatedSplit) : Block =
        let models = EvaluatedSplit.competitors split
        let reports = [ for model in models -> Map.ofList (Competitor.report model) ]

        Block.Table(
            ("quantity", false) :: [ for model in models -> model.Name, true ],
            [
                for metric in shown ->
                    Metrics.heading metric
                    // The interval below its value: seven columns side by side are wider than a page.
                    :: [ for report in reports -> (EvaluatedSplit.text report[metric.Key]).Replace(" (", "\n(") ]
            ]
        )

    /// Share of a trackster's energy that is decided wrongly.
    let private wrong (item: EvaluatedTrackster) : float =
        let lost = item.Shower - item.ShowerKept
        let foreign = item.Kept - item.ShowerKept
        if item.All > 0.0 then (lost + foreign) / item.All else 0.0

    let private trackstersTable (split: EvaluatedSplit) (items: EvaluatedTrackster seq) : Block =
        let at quantity (item: EvaluatedTrackster) = Say.number item.Values[TracksterQuantity.index quantity]

        Block.Table(
            [
                "file", false
                "entry", true
                "layer clusters", true
                "energy [GeV]", true
                "energy decided wrongly, %", true
                "purity before", true
                "purity after", true
                "efficiency", true
            ],
            [
                for item in items do
                    let graph = split.Sample.Graphs[item.Graph].Graph

                    [
                        graph.Origin.File
                        string graph.Origin.Entry
                        string graph.NodeCount
                        Say.number (Math.Round(item.All, 2))
                        Say.number (Math.Round(100.0 * wrong item, 2))
                        at TracksterQuantity.PurityBefore item
                        at TracksterQuantity.PurityAfter item
                        at TracksterQuantity.Efficiency item
                    ]
            ]
        )

    let private extremes (split: EvaluatedSplit) : Block list =
        let items = ScoredSample.tracksters split.Network.ScoredSample.Value
        // Best of those in which there was something to prune: the others are easy.
        let hard =
            items
            |> Array.filter (fun item -> split.Sample.Graphs[item.Graph].Graph.Labels |> Array.contains 1uy)

        [
            Block.Paragraph
                $"Worst first, by the share of a trackster's energy that is decided wrongly. See one with: {Arguments.program} display \
                 FILE --entry N --model RUN"
            trackstersTable split (items |> Array.sortByDescending wrong |> Seq.truncate 8)
            Block.Paragraph "Best first, of the tracksters that hold something to prune:"
            trackstersTable split (hard |> Array.sortBy wrong |> Seq.truncate 8)
        ]

    let private trainingBlocks (run: string) : Block list =
        let path = Path.Combine(run, "metrics.jsonl")

        if not (File.Exists path) then
            [ Block.Paragraph "The run has no metrics.jsonl." ]
        else
            let lines = RunLog.ReadMetrics path

            [
                Page.ofFigure (EvaluationFigures.training "loss" Metrics.loss lines)
                Page.ofFigure (EvaluationFigures.training "average-precision" Metrics.averagePrecision lines)
            ]

    let private scan (chosenOn: string, points: (Threshold * WorkingPoint) list) : Block list =
        let optional = Option.defaultValue nan >> Say.number

        [
            Block.Paragraph $"Thresholds chosen on the {chosenOn} split:"
            Block.Table(
                [
                    "working point", false
                    "probability", true
                    "pruned", true
                    "precision", true
                    "recall", true
                    "energy efficiency", true
                    "energy purity", true
                ],
                [
                    for threshold, point in points ->
                        [
                            WorkingPoint.describe threshold
                            Say.number (Calibration.probability point.Margin)
                            Say.number point.Pruned
                            optional point.Precision
                            optional point.Recall
                            optional point.Efficiency
                            optional point.Purity
                        ]
                ]
            )
        ]

    let private inBins (content: ReportContent) : Block list =
        let split = content.Split
        let binned dimension = dimension, EvaluatedSplit.binned content.Resampling split dimension split.Network

        [
            for dimension in EvaluatedSplit.dimensions split do
                let bins = binned dimension
                let name = Dimension.name dimension

                if List.length (snd bins) < 2 then
                    let everything = [ for bin, _, _ in snd bins -> bin.Label ] |> String.concat ", "

                    Block.Paragraph
                        $"{Dimension.title dimension}: all tracksters are in one bin ({everything}), so there is no figure."
                elif Dimension.isOfNodes dimension then
                    EvaluationFigures.inBins
                        $"nodes-{name}"
                        $"Average precision and recall of layer clusters in bins; error bars are bootstrap intervals of 68.3 %%."
                        "Average precision, recall"
                        [
                            "average precision", Palette.blue, Metrics.averagePrecision
                            "recall", Palette.vermilion, Metrics.recall
                        ]
                        bins
                    |> Page.ofFigure
                else
                    EvaluationFigures.inBins
                        $"purity-{name}"
                        "Mean over the tracksters of each bin; error bars are bootstrap intervals of 68.3 %."
                        "Purity, efficiency (energy)"
                        [
                            "purity before", Palette.grey, Metrics.purityBefore
                            "purity after", Palette.blue, Metrics.purityAfter
                            "purity, oracle", Palette.black, Metrics.purityOracle
                            "efficiency", Palette.vermilion, Metrics.efficiency
                        ]
                        bins
                    |> Page.ofFigure

                if dimension = Dimension.Energy then
                    EvaluationFigures.inBins
                        "response-energy"
                        "Mean response, energy of the trackster over energy of its shower, in bins of the energy before pruning."
                        "Response E / E(shower)"
                        [
                            "raw", Palette.grey, Metrics.responseRaw
                            "pruned", Palette.blue, Metrics.responsePruned
                            "oracle", Palette.black, Metrics.responseOracle
                        ]
                        bins
                    |> Page.ofFigure
        ]

    /// What stands in the page. Page.figures takes its figures out of it.
    let blocks (content: ReportContent) : Block list =
        let split = content.Split
        let graphs = Say.count (int64 split.Sample.Graphs.Length)
        let groups = Say.count (int64 split.Sample.Groups)
        let used, all = content.TrainingGraphs
        let figure make = Page.ofFigure (make split)

        [
            Block.Paragraph
                $"Evaluated on the {split.Name} split: {graphs} tracksters in {groups} independent groups. A layer cluster is pruned \
                 above a probability of {Say.number (Calibration.probability split.Network.Threshold)}. Intervals in brackets are the \
                 central 68.3 %% of {content.Resampling.Replicates} bootstrap samples of the groups (seed {content.Resampling.Seed})."
            for sentence in EvaluatedSplit.missing split do
                Block.Paragraph $"Left out: {sentence}."
            Block.Heading "Numbers"
            Block.Paragraph
                "The network beside baselines, which do not look at links. Thresholds of the baselines come from the training split; the \
                 oracle reads the labels."
            numbers split
            Block.Heading "Training"
            yield! trainingBlocks content.Run
            Block.Heading "Layer clusters"
            figure EvaluationFigures.roc
            figure EvaluationFigures.precisionRecall
            figure EvaluationFigures.calibration
            Page.ofFigure (EvaluationFigures.scores content.TrainingScores split.Network.EvaluationResult.Nodes.Scores)
            if used < all then
                Block.Paragraph
                    $"Training scores are those of {Say.count (int64 used)} of {Say.count (int64 all)} training graphs."
            Block.Heading "Tracksters"
            figure EvaluationFigures.response
            yield! inBins content
            Block.Heading "Working points"
            figure EvaluationFigures.workingPoints
            yield! scan content.Scan
            Block.Heading "Time"
            Page.ofFigure (EvaluationFigures.times content.Times)
            Block.Heading "Worst and best tracksters"
            yield! extremes split
            Block.Heading "Configuration"
            Block.Listing(listing (Path.Combine(content.Run, RunConfig.fileName)))
            Block.Heading "Run"
            Block.Listing(listing (Path.Combine(content.Run, "run.json")))
        ]

    /// The page.
    let toHtml (content: ReportContent) (blocks: Block list) : string =
        Page.toHtml $"Run {Path.GetFileName(Path.TrimEndingDirectorySeparator content.Run)}" blocks
