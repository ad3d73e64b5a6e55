namespace Pruning.Model.Metrics


/// Energy by label and decision, in GeV, summed over the nodes of all showers seen.
[<Struct>]
type ShowerMetrics =
    {
        /// Energy of the nodes labelled keep.
        Shower: ExactSum
        /// Energy of the nodes labelled keep that were kept.
        ShowerKept: ExactSum
        /// Energy of all nodes that were kept.
        Kept: ExactSum
    }

    /// Sums add.
    static member (+)(a: ShowerMetrics, b: ShowerMetrics) : ShowerMetrics =
        {
            Shower = a.Shower + b.Shower
            ShowerKept = a.ShowerKept + b.ShowerKept
            Kept = a.Kept + b.Kept
        }

/// What pruning does to the energy of the showers. Totals over all showers: large showers weigh as much as their energy.
[<RequireQualifiedAccess>]
module ShowerMetrics =

    /// No node seen.
    let zero: ShowerMetrics =
        {
            Shower = ExactSum.zero
            ShowerKept = ExactSum.zero
            Kept = ExactSum.zero
        }

    /// Sums the nodes of one or many graphs: labels (1 = prune), margins (above zero = prune) and energies in GeV, one
    /// element a node each.
    let ofNodes (labels: int64[]) (margins: float32[]) (energies: float32[]) : ShowerMetrics =
        if labels.Length <> margins.Length || labels.Length <> energies.Length then
            invalidArg
                (nameof energies)
                $"wanted {labels.Length} margins and energies, one a label, found {margins.Length} and {energies.Length}"

        let mutable shower = ExactSum.zero
        let mutable showerKept = ExactSum.zero
        let mutable kept = ExactSum.zero

        for node in 0 .. labels.Length - 1 do
            let energy = ExactSum.ofFloat "the energy of a node in GeV" (float energies[node])
            let isKept = not (Confusion.isPruned margins[node])

            if isKept then
                kept <- kept + energy

            if labels[node] <> 1L then
                shower <- shower + energy

                if isKept then
                    showerKept <- showerKept + energy

        {
            Shower = shower
            ShowerKept = showerKept
            Kept = kept
        }

    let private ratio (part: ExactSum) (whole: ExactSum) : float option =
        if whole = ExactSum.zero then
            None
        else
            Some(ExactSum.toFloat part / ExactSum.toFloat whole)

    /// Share of the showers' energy (nodes labelled keep) that survives the pruning. None when there is none.
    let efficiency (m: ShowerMetrics) : float option = ratio m.ShowerKept m.Shower

    /// Share of the surviving energy that belongs to the showers (nodes labelled keep). None when nothing survives.
    let purity (m: ShowerMetrics) : float option = ratio m.ShowerKept m.Kept
