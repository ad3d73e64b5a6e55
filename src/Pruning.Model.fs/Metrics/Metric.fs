namespace Pruning.Model.Metrics

/// Which values of a metric are the better ones.
[<RequireQualifiedAccess>]
type Direction =
    | HigherIsBetter
    | LowerIsBetter
    /// Responses: 1 is the best value.
    | NearerToOneIsBetter
    /// Pruning does not change it: a property of the tracksters as they were.
    | OfTheSample

/// A quantity that a network is measured by.
type Metric =
    {
        /// Its name in JSON, CSV and TensorBoard.
        Key: string
        /// Its name in tables and figures.
        Title: string
        /// mrad; empty for shares, ratios and losses.
        Unit: string
        Direction: Direction
    }

/// A metric and how to read it from a state of counts; None where a denominator is zero.
[<NoComparison; NoEquality>]
type Measurement<'State> =
    {
        Metric: Metric
        Value: 'State -> float option
    }

/// Every metric of the program. Reports, tables, figures, TensorBoard and JSON read them from here.
[<RequireQualifiedAccess>]
module Metrics =

    let private metric direction unit key title =
        {
            Key = key
            Title = title
            Unit = unit
            Direction = direction
        }

    let private higher = metric Direction.HigherIsBetter ""
    let private lower = metric Direction.LowerIsBetter ""
    let private nearOne = metric Direction.NearerToOneIsBetter ""
    let private given = metric Direction.OfTheSample ""
    let private angle = metric Direction.LowerIsBetter "mrad"

    // Nodes.

    let loss: Metric = lower "loss" "loss"
    let accuracy: Metric = higher "accuracy" "accuracy"
    let precision: Metric = higher "precision" "precision"
    let recall: Metric = higher "recall" "recall"
    let f1: Metric = higher "f1" "F1"
    let balancedAccuracy: Metric = higher "balanced_accuracy" "balanced accuracy"
    let mcc: Metric = higher "mcc" "MCC"
    let rocAuc: Metric = higher "roc_auc" "ROC AUC"
    let averagePrecision: Metric = higher "average_precision" "average precision"
    let brier: Metric = lower "brier" "Brier score"
    let calibrationError: Metric = lower "calibration_error" "calibration error"
    let energyEfficiency: Metric = higher "energy_efficiency" "energy efficiency"
    let energyPurity: Metric = higher "energy_purity" "energy purity"

    /// The same with every node weighted by its energy.
    let weightedByEnergy (metric: Metric) : Metric =
        { metric with
            Key = "energy_" + metric.Key
            Title = metric.Title + ", by energy"
        }

    // Tracksters.

    let exactGraphs: Metric = higher "exact_graphs" "exact graphs"
    let purityBefore: Metric = given "purity_before" "purity before"
    let purityAfter: Metric = higher "purity_after" "purity after"
    let purityOracle: Metric = given "purity_oracle" "purity, oracle"
    let efficiency: Metric = higher "efficiency" "efficiency"

    let contaminationRejected: Metric = higher "contamination_rejected" "contamination rejected"

    let totalPurityBefore: Metric = given "total_purity_before" "total purity before"
    let totalPurityAfter: Metric = higher "total_purity_after" "total purity after"
    let totalEfficiency: Metric = higher "total_efficiency" "total efficiency"

    let totalContaminationRejected: Metric =
        higher "total_contamination_rejected" "total contamination rejected"

    let responseRaw: Metric = given "response_raw" "response raw"
    let responsePruned: Metric = nearOne "response_pruned" "response pruned"
    let responseOracle: Metric = given "response_oracle" "response, oracle"
    let resolutionRaw: Metric = given "resolution_raw" "resolution raw"
    let resolutionPruned: Metric = lower "resolution_pruned" "resolution pruned"
    let resolutionOracle: Metric = given "resolution_oracle" "resolution, oracle"

    let angleRaw: Metric =
        { angle "angle_raw" "angle raw" with
            Direction = Direction.OfTheSample
        }

    let anglePruned: Metric = angle "angle_pruned" "angle pruned"

    let angleOracle: Metric =
        { angle "angle_oracle" "angle, oracle" with
            Direction = Direction.OfTheSample
        }

    let scoreBefore: Metric = given "score_before" "reco-to-sim score before"
    let scoreAfter: Metric = lower "score_after" "reco-to-sim score after"
    let scoreOracle: Metric = given "score_oracle" "reco-to-sim score, oracle"
    let fakesBefore: Metric = given "fakes_before" "fakes before"
    let fakesAfter: Metric = lower "fakes_after" "fakes after"
    let fakesOracle: Metric = given "fakes_oracle" "fakes, oracle"
    let simResponseRaw: Metric = given "sim_response_raw" "response to particle raw"

    let simResponsePruned: Metric = nearOne "sim_response_pruned" "response to particle pruned"

    let simResponseOracle: Metric = given "sim_response_oracle" "response to particle, oracle"
    let foundRaw: Metric = given "found_raw" "found particles raw"
    let foundPruned: Metric = higher "found_pruned" "found particles pruned"
    let foundOracle: Metric = given "found_oracle" "found particles, oracle"

    /// Title and unit: "angle pruned [mrad]".
    let heading (metric: Metric) : string = if metric.Unit = "" then metric.Title else $"{metric.Title} [{metric.Unit}]"

[<RequireQualifiedAccess>]
module Measurement =

    let create (metric: Metric) (value: 'State -> float option) : Measurement<'State> =
        { Metric = metric; Value = value }

    /// The same metric of a part of a larger state.
    let ofPart (part: 'Whole -> 'State) (measurement: Measurement<'State>) : Measurement<'Whole> =
        create measurement.Metric (part >> measurement.Value)

    /// Keys and values in the order of the list; what is undefined is nan.
    let report (measurements: Measurement<'State> list) (state: 'State) : (string * float) list =
        [ for one in measurements -> one.Metric.Key, one.Value state |> Option.defaultValue nan ]
