namespace Pruning.Cli.Compare

open System
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Drawing
open Pruning.Model.Drawing
open Pruning.Cli.Evaluate

/// A run on the tracksters that it is compared on.
[<NoComparison; NoEquality>]
type Contestant =
    {
        Name: string
        Competitor: Competitor
        Graphs: int
        /// Evaluated on the same tracksters as the first run.
        Paired: bool
    }

/// What a comparison is about.
type Comparison =
    {
        /// Directories, in the order of the contestants.
        Runs: string list
        Split: SplitName
        Resampling: Resampling
    }

/// Runs side by side, as tables, as JSON and as a page.
[<RequireQualifiedAccess>]
module Comparison =

    let private shown =
        [
            Metrics.averagePrecision
            Metrics.rocAuc
            Metrics.precision
            Metrics.recall
            Metrics.f1
            Metrics.mcc
            Metrics.brier
            Metrics.calibrationError
            Metrics.weightedByEnergy Metrics.averagePrecision
            Metrics.totalEfficiency
            Metrics.totalPurityAfter
            Metrics.totalContaminationRejected
            Metrics.purityAfter
            Metrics.resolutionPruned
            Metrics.anglePruned
            Metrics.exactGraphs
        ]

    /// Column titles and rows: values.
    let valueTable (contestants: Contestant list) =
        let reports = [ for one in contestants -> Map.ofList (Competitor.report one.Competitor) ]

        ("quantity", false)
        :: [ for one in contestants -> $"{one.Name} ({Say.count (int64 one.Graphs)} graphs)", true ],
        [
            for metric in shown ->
                Metrics.heading metric
                :: [ for report in reports -> EvaluatedSplit.text report[metric.Key] ]
        ]

    /// The runs to which there is a difference.
    let paired (contestants: Contestant list) =
        contestants.Tail
        |> List.filter (fun one -> one.Paired && contestants.Head.Paired)

    /// Column titles and rows: differences to the first run.
    let differenceTable (contestants: Contestant list) =
        let first = contestants.Head.Competitor

        let reports = [ for one in paired contestants -> Map.ofList (Competitor.minus first one.Competitor) ]

        (($"difference to {first.Name}", false)
         :: [ for one in paired contestants -> one.Name, true ]),
        [
            for metric in shown ->
                Metrics.heading metric
                :: [ for report in reports -> EvaluatedSplit.text report[metric.Key] ]
        ]

    /// Runs that stand alone, in words.
    let unpaired (contestants: Contestant list) : string list =
        [
            for one in contestants.Tail do
                if not one.Paired then
                    $"{one.Name} was trained on other files than {contestants.Head.Name} and is evaluated on its own: there is no \
                     difference to take"
        ]

    /// A page with tables and curves.
    let html (about: Comparison) (contestants: Contestant list) : string =
        let curves id caption x y read =
            {
                Id = id
                Caption = caption
                X = Axis.linear x |> Axis.within 0.0 1.0
                Y = Axis.linear y |> Axis.within 0.0 1.02
                Series =
                    [
                        for i, one in List.indexed contestants ->
                            Series.line
                                one.Name
                                (Palette.at i)
                                (ScoreCurve.thin 400 (read (NodeMetrics.curve one.Competitor.EvaluationResult.Nodes)))
                    ]
            }
            |> Page.ofFigure

        let names = String.Join(", ", contestants |> List.map _.Name)
        let configs = about.Runs |> List.map ConfigDifference.read |> ConfigDifference.ofConfigs

        Page.toHtml
            $"Comparison of {names}"
            [
                Block.Paragraph
                    $"On the {SplitName.name about.Split} split. Intervals are the central 68.3 %% of {about.Resampling.Replicates} \
                     bootstrap samples of events, the same for every run, so that what all runs owe to the choice of events cancels in the \
                     differences."
                for sentence in unpaired contestants do
                    Block.Paragraph(sentence + ".")
                Block.Heading "Values"
                Block.Table(valueTable contestants)
                if not (paired contestants).IsEmpty then
                    Block.Heading "Differences"
                    Block.Table(differenceTable contestants)
                Block.Heading "Curves"
                curves
                    "precision-recall"
                    "Precision against recall of layer clusters."
                    "Recall"
                    "Precision"
                    ScoreCurve.precisionRecall
                curves
                    "roc"
                    "Receiver operating characteristic."
                    "False positive rate"
                    "True positive rate"
                    ScoreCurve.roc
                Block.Heading "Choices that differ"
                Block.Table(
                    ("choice", false) :: [ for one in contestants -> one.Name, false ],
                    [ for name, values in configs -> name :: (values |> List.map (Option.defaultValue "-")) ]
                )
            ]

    /// Every number.
    let json (terminal: Terminal) (about: Comparison) (contestants: Contestant list) =
        let values (found: (string * Uncertain) list) =
            Json.record
                [
                    for name, value in found ->
                        name,
                        Json.record
                            [
                                "value", Json.number value.Value
                                "low", Json.number value.Low
                                "high", Json.number value.High
                            ]
                ]

        Json.record
            [
                "split", Json.text (SplitName.name about.Split)
                "first", Json.text contestants.Head.Name
                "runs",
                Json.record
                    [
                        for one in contestants ->
                            one.Name,
                            Json.record
                                [
                                    "graphs", Json.integer one.Graphs
                                    "values", values (Competitor.report one.Competitor)
                                    "differences",
                                    (if
                                         List.exists
                                             (fun (other: Contestant) -> other.Name = one.Name)
                                             (paired contestants)
                                     then
                                         values (Competitor.minus contestants.Head.Competitor one.Competitor)
                                     else
                                         null)
                                ]
                    ]
            ]
        |> Terminal.json terminal
