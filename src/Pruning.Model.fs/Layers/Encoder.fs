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
        /// What it reads of a batch: [nodes, features], before standardisation.
        Columns: BatchTensors -> Tensor
        /// [nodes, features] -> [nodes, hidden]
        Layer: Layer<Mode -> GraphRows -> Tensor -> Tensor>
    }

    member this.Weights = this.Layer.Weights
    member this.Forward = this.Layer.Forward

[<RequireQualifiedAccess>]
module Encoder =

    /// Shift and scale of the input features, kept with the weights so that a model file carries them.
    /// scale is 1 / standard deviation of the training split.
    [<NoComparison; NoEquality>]
    type private Standardiser = { Shift: Tensor; Scale: Tensor }

    [<NoComparison; NoEquality>]
    type private EncoderWeights =
        {
            Features: Standardiser option
            First: Linear
            FirstNorm: NormalisationLayer
            Second: Linear
            SecondNorm: NormalisationLayer
            Third: Linear
        }

    let private visitWeights (visitor: WeightVisitor) (weights: EncoderWeights) : EncoderWeights =
        let standardiser (visitor: WeightVisitor) (features: Standardiser) =
            {
                Shift = visitor.Buffer "shift" features.Shift
                Scale = visitor.Buffer "scale" features.Scale
            }

        {
            Features = weights.Features |> Option.map (standardiser (visitor.Under "features"))
            First = Linear.visit (visitor.Under "linear1") weights.First
            FirstNorm = Layer.visit (visitor.Under "norm1") weights.FirstNorm
            Second = Linear.visit (visitor.Under "linear2") weights.Second
            SecondNorm = Layer.visit (visitor.Under "norm2") weights.SecondNorm
            Third = Linear.visit (visitor.Under "linear3") weights.Third
        }

    let private initial (init: Init) (config: PrunerConfig) : EncoderWeights =
        let features, hidden = config.Features.Length, config.Hidden
        let half = hidden / 2
        let first = Linear.createForRelu init features half
        let second = Linear.createForRelu init half hidden
        let third = Linear.createForRelu init hidden hidden

        {
            Features =
                if config.Standardise then
                    Some
                        {
                            Shift = Init.buffer init 0.0 [| int64 features |]
                            Scale = Init.buffer init 1.0 [| int64 features |]
                        }
                else
                    None
            First = first
            FirstNorm = Normalisation.create init config.Normalisation half
            Second = second
            SecondNorm = Normalisation.create init config.Normalisation hidden
            Third = third
        }

    let private forward (features: int) (weights: EncoderWeights) (mode: Mode) (rows: GraphRows) (x: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        Shape.checkColumns "the encoder" features x

        let standard =
            match weights.Features with
            | Some features -> x.sub(features.Shift).mul(features.Scale)
            | None -> x.alias ()

        let h =
            (Linear.forward weights.First standard).relu()
            |> weights.FirstNorm.Forward mode rows // [nodes, H/2]

        let h = (Linear.forward weights.Second h).relu() |> weights.SecondNorm.Forward mode rows // [nodes, H]
        (Linear.forward weights.Third h).relu().MoveToOuterDisposeScope()

    /// hidden must be even. The answer's forward: [nodes, features] -> [nodes, hidden]
    let create (init: Init) (config: PrunerConfig) : Encoder =
        {
            Columns = FeatureTable.compute config.Features
            Layer = Layer.create visitWeights (forward config.Features.Length) (initial init config)
        }

    let visit (visitor: WeightVisitor) (encoder: Encoder) : Encoder =
        { encoder with
            Layer = Layer.visit visitor encoder.Layer
        }
