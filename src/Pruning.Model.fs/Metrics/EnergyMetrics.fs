namespace Pruning.Model.Metrics


/// Energy by score, in GeV: how much of each label has which score, in the bins of ScoreHistogram.
type EnergyHistogram =
    {
        /// The occupied bins, ascending.
        Bins: int[]
        /// Energy of the nodes labelled keep, by position in Bins.
        Keep: ExactSum[]
        /// Energy of the nodes labelled prune, by position in Bins.
        Prune: ExactSum[]
        /// Energy that belongs to the shower, whatever the label of its node, by position in Bins.
        Shower: ExactSum[]
    }

    /// Energies add, bin by bin.
    static member (+)(a: EnergyHistogram, b: EnergyHistogram) : EnergyHistogram =
        let bins, columns =
            SparseBins.add a.Bins [| a.Keep; a.Prune; a.Shower |] b.Bins [| b.Keep; b.Prune; b.Shower |] (+)

        {
            Bins = bins
            Keep = columns[0]
            Prune = columns[1]
            Shower = columns[2]
        }

[<RequireQualifiedAccess>]
module EnergyHistogram =

    /// No node seen.
    let zero: EnergyHistogram =
        {
            Bins = [||]
            Keep = [||]
            Prune = [||]
            Shower = [||]
        }

    /// The energies as a curve over thresholds. Negative energies would bend it backwards: they count as nothing.
    let curve (h: EnergyHistogram) : ScoreCurve =
        let amounts (sums: ExactSum[]) = sums |> Array.map (fun sum -> max 0.0 (ExactSum.toFloat sum))

        {
            Bins = h.Bins
            Keep = amounts h.Keep
            Prune = amounts h.Prune
        }

/// Energy by label and decision, in GeV.
[<Struct>]
type EnergyConfusion =
    {
        /// Label prune, pruned.
        PrunedRightly: ExactSum
        /// Label keep, pruned.
        PrunedWrongly: ExactSum
        /// Label prune, kept.
        KeptWrongly: ExactSum
        /// Label keep, kept.
        KeptRightly: ExactSum
    }

    /// Energies add.
    static member (+)(a: EnergyConfusion, b: EnergyConfusion) : EnergyConfusion =
        {
            PrunedRightly = a.PrunedRightly + b.PrunedRightly
            PrunedWrongly = a.PrunedWrongly + b.PrunedWrongly
            KeptWrongly = a.KeptWrongly + b.KeptWrongly
            KeptRightly = a.KeptRightly + b.KeptRightly
        }

[<RequireQualifiedAccess>]
module EnergyConfusion =

    /// No node seen.
    let zero: EnergyConfusion =
        {
            PrunedRightly = ExactSum.zero
            PrunedWrongly = ExactSum.zero
            KeptWrongly = ExactSum.zero
            KeptRightly = ExactSum.zero
        }

    /// The four sums as amounts.
    let rates (c: EnergyConfusion) : Rates =
        {
            PrunedRightly = ExactSum.toFloat c.PrunedRightly
            PrunedWrongly = ExactSum.toFloat c.PrunedWrongly
            KeptWrongly = ExactSum.toFloat c.KeptWrongly
            KeptRightly = ExactSum.toFloat c.KeptRightly
        }
