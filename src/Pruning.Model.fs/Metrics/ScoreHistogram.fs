namespace Pruning.Model.Metrics

open System
open Pruning.Model.Persistence

/// Adding what is counted in sorted lists of occupied bins.
[<RequireQualifiedAccess>]
module internal SparseBins =

    /// Merges two lists of bins; each column holds one amount a bin.
    let add (aBins: int[]) (a: 'T[][]) (bBins: int[]) (b: 'T[][]) (plus: 'T -> 'T -> 'T) : int[] * 'T[][] =
        if aBins.Length = 0 then
            bBins, b
        elif bBins.Length = 0 then
            aBins, a
        else
            let bins = Array.zeroCreate (aBins.Length + bBins.Length)
            let columns: 'T[][] = a |> Array.map (fun _ -> Array.zeroCreate bins.Length)
            let mutable i, j, count = 0, 0, 0

            while i < aBins.Length || j < bBins.Length do
                let fromA = j >= bBins.Length || (i < aBins.Length && aBins[i] <= bBins[j])
                let fromB = i >= aBins.Length || (j < bBins.Length && bBins[j] <= aBins[i])
                bins[count] <- if fromA then aBins[i] else bBins[j]

                for column in 0 .. columns.Length - 1 do
                    columns[column][count] <-
                        match fromA, fromB with
                        | true, true -> plus (a[column][i]) (b[column][j])
                        | true, false -> a[column][i]
                        | false, _ -> b[column][j]

                i <- if fromA then i + 1 else i
                j <- if fromB then j + 1 else j
                count <- count + 1

            Array.sub bins 0 count, columns |> Array.map (fun column -> Array.sub column 0 count)

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
        let bins, counts = SparseBins.add a.Bins [| a.Keep; a.Prune |] b.Bins [| b.Keep; b.Prune |] (+)

        {
            Bins = bins
            Keep = counts[0]
            Prune = counts[1]
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

    /// The least margin of a bin; of the lowest bins, which hold negative infinity, that.
    let lowestOf (bin: int) : float32 =
        let ordered = bin <<< droppedBits
        let bits = if ordered >= 0 then ordered else ordered ^^^ 0x7FFFFFFF
        let edge = BitConverter.Int32BitsToSingle bits
        if Single.IsNaN edge then Single.NegativeInfinity else edge

    /// A number in the middle of a bin. The bin of zero holds zero and what is too small to matter: its middle is zero.
    let middleOf (bin: int) : float =
        let low, high = lowestOf bin, lowestOf (bin + 1)

        if bin = 0 || bin = -1 then 0.0
        elif Single.IsInfinity low || Single.IsInfinity high then float low
        else (float low + float high) / 2.0

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

    /// Largest distance of two cumulative distributions, each given by its bins and what they count (Kolmogorov 1933, Smirnov
    /// 1939). None when one of them is empty.
    let largestGap (aBins: int[], aCounts: int64[]) (bBins: int[], bCounts: int64[]) : float option =
        let a, b = Array.sum aCounts, Array.sum bCounts

        if a = 0L || b = 0L then
            None
        else
            let none = Array.zeroCreate<int64>

            let _, columns =
                SparseBins.add aBins [| aCounts; none aBins.Length |] bBins [| none bBins.Length; bCounts |] (+)

            let mutable aSeen, bSeen, gap = 0L, 0L, 0.0

            for x, y in Array.zip columns[0] columns[1] do
                aSeen <- aSeen + x
                bSeen <- bSeen + y
                gap <- max gap (abs (float aSeen / float a - float bSeen / float b))

            Some gap
