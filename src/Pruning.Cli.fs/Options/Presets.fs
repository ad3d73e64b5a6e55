namespace Pruning.Cli.Options

open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Training

/// Choices of a network and of its training that belong together, found by measurement on simulated showers
/// (docs/results.md). Every option that is given beside a preset overrides it, and config.json has the options, not the name.
type Preset =
    {
        Network: PrunerConfig
        Training: TrainingConfig
    }

[<RequireQualifiedAccess>]
module Preset =

    /// A plain network that reads what physicists look at: most of what can be learned, in minutes on one core.
    let fast: Preset =
        {
            Network =
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
            Training =
                { TrainingConfig.standard with
                    Epochs = 6
                    BatchSize = 64
                    LearningRate = 2e-3
                    Schedule = LearningRateSchedule.OneCycle 0.2
                    // Ranking by probability wants probabilities as they are, and metrics count every layer cluster once.
                    ClassWeighting = ClassWeighting.Given ClassWeights.equal
                    Loss = LossKind.MeanOverNodes
                }
        }

    let words: (string * Preset) list = [ "fast", fast ]
