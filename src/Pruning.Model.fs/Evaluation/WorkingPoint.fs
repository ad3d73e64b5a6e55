namespace Pruning.Model.Evaluation

open System
open Pruning.Model.Metrics

/// Where a model begins to prune.
[<RequireQualifiedAccess>]
type Threshold =
    /// At this probability of prune.
    | Probability of float
    /// As low as a share of the showers' energy still survives.
    | EnergyEfficiency of float
    /// Where F1 is largest.
    | BestF1

/// What a threshold does to some nodes.
type WorkingPoint =
    {
        /// A node is pruned when its margin is above this.
        Margin: float32
        Precision: float option
        Recall: float option
        /// Share of the nodes that are pruned.
        Pruned: float
        /// Share of the showers' energy that is kept.
        Efficiency: float option
        /// Share of the kept energy that is the showers'.
        Purity: float option
    }

/// Thresholds are chosen on one split and used on another.
[<RequireQualifiedAccess>]
module WorkingPoint =

    /// The margin of a probability: its logit.
    let marginOf (probability: float) : float32 =
        if probability <= 0.0 then Single.NegativeInfinity
        elif probability >= 1.0 then Single.PositiveInfinity
        else float32 (log probability - log (1.0 - probability))

    /// Margins above this are those at and above a bin.
    let private below (bin: int) : float32 = MathF.BitDecrement(ScoreHistogram.lowestOf bin)

    /// What every threshold does: from pruning nothing to pruning everything, one point a bin.
    let curve (m: NodeMetrics) : WorkingPoint[] =
        let h, e = m.Scores, m.EnergyScores
        let floats = Array.map ExactSum.toFloat
        let shower = floats e.Shower
        let all = Array.map2 (fun keep prune -> ExactSum.toFloat (keep + prune)) e.Keep e.Prune
        let struct (keepAll, pruneAll) = ScoreHistogram.totals h
        let showerAll, energyAll = Array.sum shower, Array.sum all
        let ratio part whole = if whole > 0.0 then Some(part / whole) else None
        let mutable wrong, right = 0L, 0L
        let mutable showerPruned, energyPruned = 0.0, 0.0

        let point margin =
            {
                Margin = margin
                Precision = ratio (float right) (float (right + wrong))
                Recall = ratio (float right) (float pruneAll)
                Pruned =
                    ratio (float (right + wrong)) (float (keepAll + pruneAll))
                    |> Option.defaultValue 0.0
                Efficiency = ratio (showerAll - showerPruned) showerAll
                Purity = ratio (showerAll - showerPruned) (energyAll - energyPruned)
            }

        [|
            point Single.PositiveInfinity
            for i in h.Bins.Length - 1 .. -1 .. 0 do
                wrong <- wrong + h.Keep[i]
                right <- right + h.Prune[i]
                showerPruned <- showerPruned + shower[i]
                energyPruned <- energyPruned + all[i]
                point (below h.Bins[i])
        |]

    /// The margin above which pruning has the largest F1; the highest of several. Without a node to prune: infinity.
    let bestF1 (h: ScoreHistogram) : float32 =
        let struct (_, prune) = ScoreHistogram.totals h
        let mutable wrong, right = 0L, 0L
        let mutable best, margin = 0.0, Single.PositiveInfinity

        for i in h.Bins.Length - 1 .. -1 .. 0 do
            wrong <- wrong + h.Keep[i]
            right <- right + h.Prune[i]
            // 2 TP / (2 TP + FP + FN)
            let f1 = 2.0 * float right / float (right + wrong + prune)

            if f1 > best then
                best <- f1
                margin <- below h.Bins[i]

        margin

    /// The margin above which nodes are pruned, chosen by what was counted of some nodes. Where nothing can be said (no
    /// energy to keep, nothing to prune) nothing is pruned.
    let choose (threshold: Threshold) (m: NodeMetrics) : float32 =
        match threshold with
        | Threshold.Probability probability -> marginOf probability
        | Threshold.EnergyEfficiency target ->
            curve m
            |> Array.takeWhile (fun point -> defaultArg point.Efficiency 0.0 >= target)
            |> Array.tryLast
            |> Option.map _.Margin
            |> Option.defaultValue Single.PositiveInfinity
        | Threshold.BestF1 -> bestF1 m.Scores

    /// What a threshold does to some nodes: the point of their curve at or above it.
    let at (margin: float32) (m: NodeMetrics) : WorkingPoint =
        let points = curve m
        let found = points |> Array.findBack (fun point -> point.Margin >= margin)
        { found with Margin = margin }

    /// "0.5", "efficiency 0.99", "best F1"
    let describe (threshold: Threshold) : string =
        let text (x: float) = x.ToString("0.####", Globalization.CultureInfo.InvariantCulture)

        match threshold with
        | Threshold.Probability probability -> $"probability {text probability}"
        | Threshold.EnergyEfficiency target -> $"energy efficiency {text target}"
        | Threshold.BestF1 -> "best F1"

    /// The thresholds of a scan.
    let standard: Threshold list =
        [
            Threshold.Probability 0.5
            Threshold.BestF1
            for target in [ 0.9; 0.95; 0.98; 0.99; 0.995; 0.999 ] do
                Threshold.EnergyEfficiency target
        ]
