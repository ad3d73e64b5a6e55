namespace Pruning.Model.Metrics


/// What a threshold that falls through the scores does, step by step, in any amount that adds.
type ScoreCurve =
    {
        /// The scores' bins, ascending.
        Bins: int[]
        /// Amount labelled keep, by position in Bins.
        Keep: float[]
        /// Amount labelled prune, by position in Bins.
        Prune: float[]
    }

/// Curves over all thresholds, and the areas under them. Equal scores are one step.
[<RequireQualifiedAccess>]
module ScoreCurve =

    /// (false positive rate, true positive rate) of pruning everything at or above each bin, from the highest, with both
    /// corners. Empty when a label is missing.
    let roc (curve: ScoreCurve) : (float * float) list =
        let keep, prune = Array.sum curve.Keep, Array.sum curve.Prune

        if keep <= 0.0 || prune <= 0.0 then
            []
        else
            let mutable wrong, right = 0.0, 0.0

            [
                0.0, 0.0
                for i in curve.Bins.Length - 1 .. -1 .. 0 do
                    wrong <- wrong + curve.Keep[i]
                    right <- right + curve.Prune[i]
                    wrong / keep, right / prune
            ]

    /// (recall, precision) of pruning everything at or above each bin, from the highest. Empty without anything to prune.
    let precisionRecall (curve: ScoreCurve) : (float * float) list =
        let prune = Array.sum curve.Prune

        if prune <= 0.0 then
            []
        else
            let mutable wrong, right = 0.0, 0.0

            [
                for i in curve.Bins.Length - 1 .. -1 .. 0 do
                    wrong <- wrong + curve.Keep[i]
                    right <- right + curve.Prune[i]

                    if wrong + right > 0.0 then
                        right / prune, right / (wrong + right)
            ]

    /// Area under the receiver operating characteristic, a tie counting one half. None when a label is missing.
    let rocAuc (curve: ScoreCurve) : float option =
        let keep, prune = Array.sum curve.Keep, Array.sum curve.Prune

        if keep <= 0.0 || prune <= 0.0 then
            None
        else
            let mutable below, area = 0.0, 0.0

            for i in 0 .. curve.Bins.Length - 1 do
                area <- area + curve.Prune[i] * (below + curve.Keep[i] / 2.0)
                below <- below + curve.Keep[i]

            Some(area / keep / prune)

    /// Sum over falling thresholds of (R_n - R_(n-1)) P_n, without interpolation. None without anything to prune.
    let averagePrecision (curve: ScoreCurve) : float option =
        let prune = Array.sum curve.Prune

        if prune <= 0.0 then
            None
        else
            let mutable wrong, right, area = 0.0, 0.0, 0.0

            for i in curve.Bins.Length - 1 .. -1 .. 0 do
                wrong <- wrong + curve.Keep[i]
                right <- right + curve.Prune[i]

                if curve.Prune[i] > 0.0 then
                    area <- area + curve.Prune[i] * right / (right + wrong)

            Some(area / prune)

    /// At most `count` of the points of a curve, ends included: what a plot needs.
    let thin (count: int) (points: 'T list) : 'T list =
        if points.Length <= count then
            points
        else
            let all = List.toArray points
            [ for i in 0 .. count - 1 -> all[int (int64 i * int64 (all.Length - 1) / int64 (count - 1))] ]
