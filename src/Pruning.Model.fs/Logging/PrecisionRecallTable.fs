namespace Pruning.Model.Logging

open System
open Pruning.Model.Metrics

/// Decisions at thresholds that are evenly spread over the score from 0 to 1, as TensorBoard's plug-in for precision-recall
/// curves wants them. The score is the probability of prune, the logistic function of the margin.
type PrecisionRecallTable =
    {
        /// Label prune, score at or above the threshold. [thresholds]
        TruePositives: int64[]
        /// Label keep, score at or above the threshold. [thresholds]
        FalsePositives: int64[]
        /// Label keep, score below the threshold. [thresholds]
        TrueNegatives: int64[]
        /// Label prune, score below the threshold. [thresholds]
        FalseNegatives: int64[]
    }

[<RequireQualifiedAccess>]
module PrecisionRecallTable =

    /// Steps of one half per cent: 0.5 is among them.
    let standardThresholds = 201

    let private probability (margin: float) : float = 1.0 / (1.0 + exp -margin)

    /// Counts at `thresholds` (2 or more) thresholds from the scores of a split.
    let ofScores (thresholds: int) (scores: ScoreHistogram) : PrecisionRecallTable =
        if thresholds < 2 then
            invalidArg (nameof thresholds) $"wanted 2 thresholds or more, found {thresholds}"

        // The last threshold at or below each score.
        let keep, prune = Array.zeroCreate<int64> thresholds, Array.zeroCreate<int64> thresholds

        for place in 0 .. scores.Bins.Length - 1 do
            let score = probability (ScoreHistogram.middleOf scores.Bins[place])
            let threshold = min (thresholds - 1) (int (floor (score * float (thresholds - 1))))
            keep[threshold] <- keep[threshold] + scores.Keep[place]
            prune[threshold] <- prune[threshold] + scores.Prune[place]

        /// Sums from each place to the end.
        let atOrAbove (counts: int64[]) = Array.scanBack (+) counts 0L |> Array.truncate thresholds
        let truePositives, falsePositives = atOrAbove prune, atOrAbove keep

        {
            TruePositives = truePositives
            FalsePositives = falsePositives
            TrueNegatives = falsePositives |> Array.map (fun above -> falsePositives[0] - above)
            FalseNegatives = truePositives |> Array.map (fun above -> truePositives[0] - above)
        }

    let private ratio (part: int64) (rest: int64) : float =
        // Where nothing is counted the plug-in expects zero.
        if part + rest = 0L then 0.0 else float part / float (part + rest)

    /// The rows of the plug-in's tensor: true and false positives, true and false negatives, precision, recall.
    /// -> [6][thresholds]
    let rows (table: PrecisionRecallTable) : float[][] =
        [|
            for counts in [ table.TruePositives; table.FalsePositives; table.TrueNegatives; table.FalseNegatives ] do
                Array.map float counts
            Array.map2 ratio table.TruePositives table.FalsePositives
            Array.map2 ratio table.TruePositives table.FalseNegatives
        |]
