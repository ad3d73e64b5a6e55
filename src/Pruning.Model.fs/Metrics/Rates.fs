namespace Pruning.Model.Metrics


/// Decisions against labels in any amount that adds: nodes, or their energy. Prune is the positive class.
[<Struct>]
type Rates =
    {
        /// Label prune, pruned.
        PrunedRightly: float
        /// Label keep, pruned.
        PrunedWrongly: float
        /// Label prune, kept.
        KeptWrongly: float
        /// Label keep, kept.
        KeptRightly: float
    }

/// The ratios of four amounts. A ratio whose denominator is zero is None.
[<RequireQualifiedAccess>]
module Rates =

    /// The counts of a confusion.
    let ofConfusion (c: Confusion) : Rates =
        {
            PrunedRightly = float c.PrunedRightly
            PrunedWrongly = float c.PrunedWrongly
            KeptWrongly = float c.KeptWrongly
            KeptRightly = float c.KeptRightly
        }

    let private ratio (part: float) (whole: float) : float option = if whole = 0.0 then None else Some(part / whole)

    /// Share of what was pruned that should be.
    let precision (r: Rates) : float option = ratio r.PrunedRightly (r.PrunedRightly + r.PrunedWrongly)

    /// Share of what should be pruned that was.
    let recall (r: Rates) : float option = ratio r.PrunedRightly (r.PrunedRightly + r.KeptWrongly)

    /// Share of what should be kept that was.
    let specificity (r: Rates) : float option = ratio r.KeptRightly (r.KeptRightly + r.PrunedWrongly)

    /// Harmonic mean of precision and recall.
    let f1 (r: Rates) : float option =
        ratio (2.0 * r.PrunedRightly) (2.0 * r.PrunedRightly + r.PrunedWrongly + r.KeptWrongly)

    /// Mean of recall and specificity: one half for any rule that looks at nothing.
    let balancedAccuracy (r: Rates) : float option =
        Option.map2 (fun recall specificity -> (recall + specificity) / 2.0) (recall r) (specificity r)

    /// Matthews' correlation of label and decision, -1 to 1; 0 for any rule that looks at nothing. None when a label or a
    /// decision is missing: there is no correlation with a constant.
    let mcc (r: Rates) : float option =
        let pruned = r.PrunedRightly + r.PrunedWrongly
        let kept = r.KeptRightly + r.KeptWrongly
        let prune = r.PrunedRightly + r.KeptWrongly
        let keep = r.KeptRightly + r.PrunedWrongly

        ratio
            (r.PrunedRightly * r.KeptRightly - r.PrunedWrongly * r.KeptWrongly)
            // Root by root: the product of four counts leaves the range of exact numbers early.
            (sqrt pruned * sqrt kept * sqrt prune * sqrt keep)
