namespace Pruning.Cli

open Pruning.Model
open Pruning.Model.Training

/// Choices of a network and of its training that belong together, found by measurement on simulated showers
/// (docs/results.md). Every option that is given beside a preset overrides it, and config.json has the options, not the name.
[<RequireQualifiedAccess>]
type Preset =
    /// A plain network with physicists' features: most of what can be learned, in minutes on one core.
    | Fast
    /// Wider, deeper and longer.
    | Best

[<RequireQualifiedAccess>]
module Preset =

    let words: (string * Preset) list = [ "fast", Preset.Fast; "best", Preset.Best ]

    let private fastNetwork: PrunerConfig =
        { PrunerConfig.standard with
            Features = NodeFeature.physics
            Neighbours = 8
            Hidden = 64
            Rounds = 4
            Strategy = DecisionStrategy.OnePass
            Aggregator = Aggregator.MeanMax
            Residual = true
            Dropout = 0.0
        }

    let network (preset: Preset) : PrunerConfig =
        match preset with
        | Preset.Fast -> fastNetwork
        | Preset.Best ->
            { fastNetwork with
                Hidden = 128
                Rounds = 6
                Dropout = 0.1
            }

    let private fastTraining: TrainingConfig =
        { TrainingConfig.standard with
            Epochs = 6
            BatchSize = 64
            LearningRate = 2e-3
            Schedule = LearningRateSchedule.OneCycle 0.2
            // The metrics count layer clusters, and none twice.
            ClassWeighting = ClassWeighting.Given ClassWeights.equal
            Loss = LossKind.MeanOverNodes
        }

    let training (preset: Preset) : TrainingConfig =
        match preset with
        | Preset.Fast -> fastTraining
        | Preset.Best ->
            { fastTraining with
                Epochs = 20
                WeightDecay = 0.01
                Ema = Some 0.999
            }
