namespace Pruning.Cli.Evaluate

open Pruning.Model.Evaluation
open Pruning.Cli.Runs

/// What is judged in one bin.
[<NoComparison; NoEquality>]
type BinnedJudgements =
    {
        Bin: Bin
        /// By competitor, the network first.
        Models: (string * Judgement * (string * Uncertain) list) list
    }

    /// The network's.
    member binned.Network =
        let _, judgement, values = binned.Models.Head
        judgement, values

/// What `evaluate` has to say beyond its first table.
[<NoComparison; NoEquality>]
type JudgementReport =
    {
        Part: JudgedPart
        /// Thresholds of a scan, and the part they were chosen on.
        Scan: (string * (Threshold * WorkingPoint) list) option
        /// The disturbance, the predictions on disturbed inputs and the share of flipped decisions.
        Stability: (Perturbation * Competitor * float) option
        Binned: (Dimension * BinnedJudgements list) list
    }

[<RequireQualifiedAccess>]
module JudgementReport =

    /// The network and the rules beside it in the same bins.
    let binned (resampling: Resampling) (part: JudgedPart) (dimension: Dimension) : BinnedJudgements list =
        let columns =
            [
                for competitor in JudgedPart.competitors part ->
                    competitor.Name, JudgedPart.binned resampling part dimension competitor
            ]

        [
            for i, (bin, _, _) in List.indexed (snd columns.Head) ->
                {
                    Bin = bin
                    Models =
                        [
                            for name, bins in columns ->
                                let _, judgement, values = bins[i]
                                name, judgement, values
                        ]
                }
        ]
