namespace Pruning.Model.Metrics


/// Probabilities against labels in bins of the probability, weighted by anything that adds.
type Calibration =
    {
        /// [bins] Weight of the nodes.
        Weight: ExactSum[]
        /// [bins] Weight of those labelled prune.
        Prune: ExactSum[]
        /// [bins] Sum of weight times probability.
        Probability: ExactSum[]
        /// Sum of weight times squared distance of probability and label.
        Squares: ExactSum
    }

    /// Sums add, bin by bin.
    static member (+)(a: Calibration, b: Calibration) : Calibration =
        let add = Array.map2 (fun (x: ExactSum) (y: ExactSum) -> x + y)

        {
            Weight = add a.Weight b.Weight
            Prune = add a.Prune b.Prune
            Probability = add a.Probability b.Probability
            Squares = a.Squares + b.Squares
        }

/// One bin of a reliability diagram.
type ReliabilityBin =
    {
        /// Mean probability of its nodes.
        Predicted: float
        /// Share of its nodes that are to be pruned.
        Observed: float
        /// Its share of all nodes.
        Share: float
        /// Its nodes, or their energy.
        Weight: float
    }

[<RequireQualifiedAccess>]
module Calibration =

    /// Bins of equal width from 0 to 1.
    [<Literal>]
    let Bins = 20

    /// No node seen, in arrays of its own, for who fills them.
    let internal fresh () : Calibration =
        let none () = Array.create Bins ExactSum.zero

        {
            Weight = none ()
            Prune = none ()
            Probability = none ()
            Squares = ExactSum.zero
        }

    /// No node seen.
    let zero: Calibration = fresh ()

    /// The probability that a margin stands for.
    let probability (margin: float32) : float =
        let x = float margin

        if x >= 0.0 then
            1.0 / (1.0 + exp -x)
        else
            let e = exp x
            e / (1.0 + e)

    /// The bin of a probability.
    let binOf (probability: float) : int = min (Bins - 1) (int (probability * float Bins))

    /// The occupied bins.
    let reliability (c: Calibration) : ReliabilityBin list =
        let all = c.Weight |> Array.sumBy ExactSum.toFloat

        [
            for bin in 0 .. Bins - 1 do
                let weight = ExactSum.toFloat c.Weight[bin]

                if weight > 0.0 then
                    {
                        Predicted = ExactSum.toFloat c.Probability[bin] / weight
                        Observed = ExactSum.toFloat c.Prune[bin] / weight
                        Share = weight / all
                        Weight = weight
                    }
        ]

    /// Mean distance of predicted and observed over the bins, each by its share of the nodes. None without nodes.
    let expectedError (c: Calibration) : float option =
        match reliability c with
        | [] -> None
        | bins -> Some(bins |> List.sumBy (fun bin -> bin.Share * abs (bin.Predicted - bin.Observed)))

    /// Mean squared distance of probability and label (Brier 1950). None without nodes.
    let brier (c: Calibration) : float option =
        let all = c.Weight |> Array.fold (+) ExactSum.zero

        if ExactSum.toFloat all <= 0.0 then
            None
        else
            Some(ExactSum.toFloat c.Squares / ExactSum.toFloat all)
