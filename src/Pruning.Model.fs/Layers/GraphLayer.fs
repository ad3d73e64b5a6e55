namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// A message-passing layer: weights and a function [nodes, in] -> [nodes, out] over a neighbour plan.
/// A layer of your own is a record of this type; nothing has to be inherited or registered.
[<NoComparison; NoEquality>]
type GraphLayer =
    {
        Weights: Weights
        Forward: Mode -> PlanTensors -> Tensor -> Tensor
    }

[<RequireQualifiedAccess>]
module GraphLayer =

    /// One layer after the other; weights are named 0, 1, 2, ...
    let sequence (layers: GraphLayer list) : GraphLayer =
        {
            Weights =
                layers
                |> List.mapi (fun i layer -> Weights.under (string i) layer.Weights)
                |> Weights.concat
            Forward =
                fun mode plan x ->
                    use _scope = torch.NewDisposeScope()
                    let through h (layer: GraphLayer) = layer.Forward mode plan h
                    (layers |> List.fold through (x.alias ())).MoveToOuterDisposeScope()
        }

    /// The layer's answer, normalised. The weights of the normalisation are named norm.
    let normalised (normalisation: NormalisationLayer) (layer: GraphLayer) : GraphLayer =
        {
            Weights = Weights.concat [ layer.Weights; Weights.under "norm" normalisation.Weights ]
            Forward =
                fun mode plan x ->
                    use _scope = torch.NewDisposeScope()
                    let answer = layer.Forward mode plan x
                    (normalisation.Forward mode (PlanTensors.graphs plan) answer).MoveToOuterDisposeScope()
        }

    /// The layer's answer, with dropout in training.
    let dropout (probability: float) (layer: GraphLayer) : GraphLayer =
        { layer with
            Forward =
                fun mode plan x ->
                    use _scope = torch.NewDisposeScope()
                    (layer.Forward mode plan x |> Dropout.apply probability mode).MoveToOuterDisposeScope()
        }

    /// x + layer(x); in and out must have the same width.
    let residual (layer: GraphLayer) : GraphLayer =
        { layer with
            Forward =
                fun mode plan x ->
                    use _scope = torch.NewDisposeScope()
                    (plus x (layer.Forward mode plan x)).MoveToOuterDisposeScope()
        }
