namespace Pruning.Model.Metrics


/// Decisions against labels, counted in nodes. Prune is the positive class.
[<Struct>]
type Confusion =
    {
        /// Label prune, pruned (true positives).
        PrunedRightly: int64
        /// Label keep, pruned (false positives).
        PrunedWrongly: int64
        /// Label prune, kept (false negatives).
        KeptWrongly: int64
        /// Label keep, kept (true negatives).
        KeptRightly: int64
    }

    /// Counts add.
    static member (+)(a: Confusion, b: Confusion) : Confusion =
        {
            PrunedRightly = a.PrunedRightly + b.PrunedRightly
            PrunedWrongly = a.PrunedWrongly + b.PrunedWrongly
            KeptWrongly = a.KeptWrongly + b.KeptWrongly
            KeptRightly = a.KeptRightly + b.KeptRightly
        }

/// Counting decisions, and the ratios of the counts. A ratio whose denominator is zero is None.
[<RequireQualifiedAccess>]
module Confusion =

    /// No node seen.
    let zero: Confusion =
        {
            PrunedRightly = 0L
            PrunedWrongly = 0L
            KeptWrongly = 0L
            KeptRightly = 0L
        }

    /// The decision: a node is pruned when its margin, logit of prune minus logit of keep, is above zero.
    let isPruned (margin: float32) : bool = margin > 0.0f

    /// Counts the nodes of one or many graphs. `labels` 1 = prune; both arrays have one element a node.
    let ofNodes (labels: int64[]) (margins: float32[]) : Confusion =
        if labels.Length <> margins.Length then
            invalidArg (nameof margins) $"wanted one margin a label ({labels.Length}), found {margins.Length}"

        let mutable counts = zero

        for node in 0 .. labels.Length - 1 do
            counts <-
                match labels[node] = 1L, isPruned margins[node] with
                | true, true ->
                    { counts with
                        PrunedRightly = counts.PrunedRightly + 1L
                    }
                | false, true ->
                    { counts with
                        PrunedWrongly = counts.PrunedWrongly + 1L
                    }
                | true, false ->
                    { counts with
                        KeptWrongly = counts.KeptWrongly + 1L
                    }
                | false, false ->
                    { counts with
                        KeptRightly = counts.KeptRightly + 1L
                    }

        counts

    /// Nodes counted.
    let nodes (c: Confusion) : int64 = c.PrunedRightly + c.PrunedWrongly + c.KeptWrongly + c.KeptRightly

    let private ratio (part: int64) (whole: int64) : float option =
        if whole = 0L then None else Some(float part / float whole)

    /// Share of the nodes decided as labelled.
    let accuracy (c: Confusion) : float option = ratio (c.PrunedRightly + c.KeptRightly) (nodes c)

    /// Share of the pruned nodes whose label is prune. None when nothing was pruned.
    let precision (c: Confusion) : float option = ratio c.PrunedRightly (c.PrunedRightly + c.PrunedWrongly)

    /// Share of the nodes labelled prune that were pruned. None when no node has that label.
    let recall (c: Confusion) : float option = ratio c.PrunedRightly (c.PrunedRightly + c.KeptWrongly)

    /// Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN). None when nothing is, or should be, pruned.
    let f1 (c: Confusion) : float option =
        ratio (2L * c.PrunedRightly) (2L * c.PrunedRightly + c.PrunedWrongly + c.KeptWrongly)
