namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// A message-passing layer: weights and a function [nodes, in] -> [nodes, out] over a neighbour plan.
/// A layer of your own is made by `Layer.create` from a record of weights; nothing has to be inherited or registered.
type GraphLayer = Layer<Mode -> PlanTensors -> Tensor -> Tensor>

[<RequireQualifiedAccess>]
module GraphLayer =

    /// One layer after the other; weights are named 0, 1, 2, ...
    let sequence (layers: GraphLayer list) : GraphLayer =
        let visit (visitor: WeightVisitor) (layers: GraphLayer list) =
            layers |> List.mapi (fun i layer -> layer.Visit(visitor.Under(string i)))

        let forward (layers: GraphLayer list) mode plan (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let through h (layer: GraphLayer) = layer.Forward mode plan h
            (layers |> List.fold through (x.alias ())).MoveToOuterDisposeScope()

        Layer.create visit forward layers

    /// The layer's answer, normalised. The weights of the normalisation are named norm.
    let normalised (normalisation: NormalisationLayer) (layer: GraphLayer) : GraphLayer =
        let visit (visitor: WeightVisitor) (layer: GraphLayer, normalisation: NormalisationLayer) =
            layer.Visit visitor, normalisation.Visit(visitor.Under "norm")

        let forward (layer: GraphLayer, normalisation: NormalisationLayer) mode plan (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let answer = layer.Forward mode plan x
            (normalisation.Forward mode (PlanTensors.graphs plan) answer).MoveToOuterDisposeScope()

        Layer.create visit forward (layer, normalisation)

    /// The layer's answer, with dropout in training.
    let dropout (probability: float) (layer: GraphLayer) : GraphLayer =
        layer
        |> Layer.wrap (fun inner mode plan x ->
            use _scope = torch.NewDisposeScope()
            (inner mode plan x |> Dropout.apply probability mode).MoveToOuterDisposeScope())

    /// x + layer(x); in and out must have the same width.
    let residual (layer: GraphLayer) : GraphLayer =
        layer
        |> Layer.wrap (fun inner mode plan x ->
            use _scope = torch.NewDisposeScope()
            (plus x (inner mode plan x)).MoveToOuterDisposeScope())
