namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// GraphSAGE (Hamilton, Ying, Leskovec 2017, arXiv:1706.02216, algorithm 1 without the final normalisation):
/// h'_v = ReLU(W_self h_v + b + W_neigh AGG({h_u : u -> v})).
[<RequireQualifiedAccess>]
module SageConv =

    [<NoComparison; NoEquality>]
    type private SageWeights =
        {
            Aggregator: AggregatorLayer
            Self: Linear
            /// [outputs, PerInput * inputs]
            Neighbour: Parameter
        }

    let private visit (visitor: WeightVisitor) (weights: SageWeights) : SageWeights =
        {
            Aggregator = Aggregators.visit (visitor.Under "aggregator") weights.Aggregator
            Self = Linear.visit (visitor.Under "self") weights.Self
            Neighbour = visitor.Parameter "neighbour.weight" weights.Neighbour
        }

    let private forward (weights: SageWeights) (_: Mode) (plan: PlanTensors) (x: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let messages = weights.Aggregator.Forward plan x // [nodes, PerInput * inputs]
        let own = Linear.forward weights.Self x // [nodes, outputs]
        own.addmm(messages, weights.Neighbour.t (), 1.0f, 1.0f).relu().MoveToOuterDisposeScope()

    /// Forward: [nodes, inputs] -> [nodes, outputs]. W_self and W_neigh start Xavier uniform with ReLU gain.
    let create (init: Init) (aggregator: Aggregator) (inputs: int) (outputs: int) : GraphLayer =
        let neighbours = Aggregators.create init aggregator inputs
        let self = Init.xavier init [| int64 outputs; int64 inputs |]

        Layer.create
            visit
            forward
            {
                Aggregator = neighbours
                Self =
                    {
                        Weight = self
                        Bias = Some(Init.constant init 0.0 [| int64 outputs |])
                    }
                Neighbour = Init.xavier init [| int64 outputs; int64 (neighbours.PerInput * inputs) |]
            }
