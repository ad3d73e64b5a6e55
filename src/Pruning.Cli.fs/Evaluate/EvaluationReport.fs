namespace Pruning.Cli.Evaluate

open Pruning.Model.Evaluation
open Pruning.Cli.Options
open Pruning.Cli.Runs

/// What is evaluated in one bin.
[<NoComparison; NoEquality>]
type BinnedResults =
    {
        Bin: Bin
        /// By competitor, the network first.
        Models: (string * EvaluationResult * (string * Uncertain) list) list
    }

    /// The network's.
    member binned.Network =
        let _, evaluation, values = binned.Models.Head
        evaluation, values

/// What `evaluate` has to say beyond its first table.
[<NoComparison; NoEquality>]
type EvaluationReport =
    {
        Split: EvaluatedSplit
        /// Thresholds of a scan, and the split they were chosen on.
        Scan: (string * (Threshold * WorkingPoint) list) option
        /// The disturbance, the predictions on disturbed inputs and the share of flipped decisions.
        Stability: (Perturbation * Competitor * float) option
        Binned: (Dimension * BinnedResults list) list
    }

[<RequireQualifiedAccess>]
module EvaluationReport =

    /// The network and the baselines beside it in the same bins.
    let binned (resampling: Resampling) (split: EvaluatedSplit) (dimension: Dimension) : BinnedResults list =
        let columns =
            [
                for competitor in EvaluatedSplit.competitors split ->
                    competitor.Name, EvaluatedSplit.binned resampling split dimension competitor
            ]

        [
            for i, (bin, _, _) in List.indexed (snd columns.Head) ->
                {
                    Bin = bin
                    Models =
                        [
                            for name, bins in columns ->
                                let _, evaluation, values = bins[i]
                                name, evaluation, values
                        ]
                }
        ]
