namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Features

/// Node features to node states (the original's Initializer):
/// Linear(F, H/2) -> ReLU -> norm -> Linear(H/2, H) -> ReLU -> norm -> Linear(H, H) -> ReLU.
[<NoComparison; NoEquality>]
type Encoder =
    {
        Weights: Weights
        /// What it reads of a batch: [nodes, features], before standardisation.
        Columns: BatchTensors -> Tensor
        Forward: Mode -> GraphRows -> Tensor -> Tensor
    }

[<RequireQualifiedAccess>]
module Encoder =

    /// Shift and scale of the input features, kept with the weights so that a model file carries them.
    /// scale is 1 / standard deviation of the training split.
    let private standardiser (features: int) : Weights * (Tensor -> Tensor) =
        let shift = Init.buffer (torch.zeros [| int64 features |])
        let scale = Init.buffer (torch.ones [| int64 features |])

        let weights =
            { Weights.empty with
                Buffers = [ "shift", shift; "scale", scale ]
            }

        weights, (fun x -> x.sub(shift).mul(scale))

    /// hidden must be even. The answer's forward: [nodes, features] -> [nodes, hidden]
    let create (random: torch.Generator) (config: PrunerConfig) : Encoder =
        let half = config.Hidden / 2
        let features = config.Features.Length
        let first = Linear.createForRelu random features half
        let second = Linear.createForRelu random half config.Hidden
        let third = Linear.createForRelu random config.Hidden config.Hidden
        let firstNorm = Normalisation.create config.Normalisation half
        let secondNorm = Normalisation.create config.Normalisation config.Hidden

        let standardWeights, standardise =
            if config.Standardise then
                standardiser features
            else
                Weights.empty, (fun x -> x.alias ())

        {
            Weights =
                Weights.concat
                    [
                        Weights.under "features" standardWeights
                        Weights.under "linear1" (Linear.weights first)
                        Weights.under "norm1" firstNorm.Weights
                        Weights.under "linear2" (Linear.weights second)
                        Weights.under "norm2" secondNorm.Weights
                        Weights.under "linear3" (Linear.weights third)
                    ]
            Columns = FeatureTable.compute config.Features
            Forward =
                fun mode rows x ->
                    use _scope = torch.NewDisposeScope()
                    Shape.checkColumns "the encoder" features x
                    let h = (Linear.forward first (standardise x)).relu() |> firstNorm.Forward mode rows // [nodes, H/2]
                    let h = (Linear.forward second h).relu() |> secondNorm.Forward mode rows // [nodes, H]
                    (Linear.forward third h).relu().MoveToOuterDisposeScope()
        }
