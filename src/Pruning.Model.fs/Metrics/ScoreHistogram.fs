namespace Pruning.Model

open System

/// How many nodes of each label have which score, where the score is the margin: logit of prune minus logit of keep.
/// A bin is a sign, an exponent and the first 15 bits of the mantissa of a single precision number, so that two margins
/// closer than one part in 32,768 of their size may share one; bins are as ordered as the margins in them. Only bins
/// that hold a node are stored. What is computed from it is exact for the scores with each bin taken as one tied value:
/// the difference from the unbinned scores is the order within bins, below 1e-4 for scores that spread over a factor of
/// two or more, whatever their size.
type ScoreHistogram =
    {
        /// The occupied bins, ascending: higher bin, higher margin.
        Bins: int[]
        /// Nodes labelled keep, by position in Bins.
        Keep: int64[]
        /// Nodes labelled prune, by position in Bins.
        Prune: int64[]
    }

    /// Counts add, bin by bin.
    static member (+)(a: ScoreHistogram, b: ScoreHistogram) : ScoreHistogram =
        if a.Bins.Length = 0 then
            b
        elif b.Bins.Length = 0 then
            a
        else
            let bins = Array.zeroCreate (a.Bins.Length + b.Bins.Length)
            let keep = Array.zeroCreate bins.Length
            let prune = Array.zeroCreate bins.Length
            let mutable i = 0
            let mutable j = 0
            let mutable count = 0

            while i < a.Bins.Length || j < b.Bins.Length do
                let fromA = j >= b.Bins.Length || (i < a.Bins.Length && a.Bins[i] <= b.Bins[j])
                let fromB = i >= a.Bins.Length || (j < b.Bins.Length && b.Bins[j] <= a.Bins[i])

                if fromA then
                    bins[count] <- a.Bins[i]
                    keep[count] <- a.Keep[i]
                    prune[count] <- a.Prune[i]
                    i <- i + 1

                if fromB then
                    bins[count] <- b.Bins[j]
                    keep[count] <- keep[count] + b.Keep[j]
                    prune[count] <- prune[count] + b.Prune[j]
                    j <- j + 1

                count <- count + 1

            {
                Bins = Array.sub bins 0 count
                Keep = Array.sub keep 0 count
                Prune = Array.sub prune 0 count
            }

/// Filling score histograms, and the areas under the curves that they describe.
[<RequireQualifiedAccess>]
module ScoreHistogram =

    /// Low bits of a single precision number that a bin does not tell apart: 8 of 23 mantissa bits.
    let private droppedBits = 8

    /// No node seen.
    let zero: ScoreHistogram =
        {
            Bins = [||]
            Keep = [||]
            Prune = [||]
        }

    /// The bin of a margin, infinite ones included; both zeros share one. NaN has none: TrainingException.
    let binOf (margin: float32) : int =
        if Single.IsNaN margin then
            raise (
                TrainingException
                    "wanted a number as the score of a node, found NaN; the weights or the features that made it hold one too"
            )

        let bits = BitConverter.SingleToInt32Bits(margin + 0.0f) // -0 + 0 = +0
        // The bits of a positive number grow with it; those of a negative one grow as it falls.
        let ordered = if bits >= 0 then bits else bits ^^^ 0x7FFFFFFF
        ordered >>> droppedBits

    /// Counts the nodes of one or many graphs. `labels` 1 = prune; both arrays have one element a node.
    let ofNodes (labels: int64[]) (margins: float32[]) : ScoreHistogram =
        if labels.Length <> margins.Length then
            invalidArg (nameof margins) $"wanted one margin a label ({labels.Length}), found {margins.Length}"

        // Bin and label in one sortable number: the lowest bit is the label.
        let keys =
            Array.map2
                (fun label margin -> (int64 (binOf margin) <<< 1) ||| (if label = 1L then 1L else 0L))
                labels
                margins

        Array.sortInPlace keys
        let bins = Array.zeroCreate keys.Length
        let keep = Array.zeroCreate keys.Length
        let prune = Array.zeroCreate keys.Length
        let mutable count = 0

        for key in keys do
            let bin = int (key >>> 1)

            if count = 0 || bins[count - 1] <> bin then
                bins[count] <- bin
                count <- count + 1

            if key &&& 1L = 1L then
                prune[count - 1] <- prune[count - 1] + 1L
            else
                keep[count - 1] <- keep[count - 1] + 1L

        {
            Bins = Array.sub bins 0 count
            Keep = Array.sub keep 0 count
            Prune = Array.sub prune 0 count
        }

    /// Nodes labelled keep and nodes labelled prune.
    let totals (h: ScoreHistogram) : struct (int64 * int64) = struct (Array.sum h.Keep, Array.sum h.Prune)

    /// Area under the receiver operating characteristic: the chance that a node to prune scores above a node to keep,
    /// a tie counting one half (Mann and Whitney 1947). None when either label is missing.
    let rocAuc (h: ScoreHistogram) : float option =
        let struct (keep, prune) = totals h

        if keep = 0L || prune = 0L then
            None
        else
            let mutable keptBelow = 0L
            // Pairs in the right order, times two. Products of counts outgrow 64 bits near 4e9 nodes.
            let mutable pairs = 0.0

            for i in 0 .. h.Bins.Length - 1 do
                pairs <- pairs + float h.Prune[i] * float (2L * keptBelow + h.Keep[i])
                keptBelow <- keptBelow + h.Keep[i]

            Some(pairs / (2.0 * float keep * float prune))

    /// Average precision: the sum over falling thresholds of (R_n - R_(n-1)) P_n, no interpolation; P_n and R_n are
    /// precision and recall of pruning everything at or above the n-th score. For constant scores it is the share of nodes to
    /// prune. None when no node is to be pruned.
    let averagePrecision (h: ScoreHistogram) : float option =
        let struct (_, prune) = totals h

        if prune = 0L then
            None
        else
            let mutable keptAbove = 0L
            let mutable prunedAbove = 0L
            let mutable area = 0.0

            for i in h.Bins.Length - 1 .. -1 .. 0 do
                keptAbove <- keptAbove + h.Keep[i]
                prunedAbove <- prunedAbove + h.Prune[i]
                area <- area + float h.Prune[i] * float prunedAbove / float (prunedAbove + keptAbove)

            Some(area / float prune)
