namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// Edge convolution (Wang et al. 2019, arXiv:1801.07829, equation 8):
/// h'_v = max over u -> v of ReLU(Theta (h_u - h_v) + Phi h_v + b), feature by feature; 0 without in-edges.
///
/// ReLU never falls and the terms of v are the same for all u, so the largest Theta h_u decides:
/// h'_v = ReLU((Phi - Theta) h_v + b + max over u of Theta h_u), the same numbers with one product a node, not one an edge.
/// The paper finds neighbours again in every layer; here they are the trackster's.
[<RequireQualifiedAccess>]
module EdgeConv =

    [<NoComparison; NoEquality>]
    type private EdgeWeights =
        {
            /// [outputs, inputs]
            Theta: Parameter
            /// [outputs, inputs]
            Phi: Parameter
            /// [outputs]
            Bias: Parameter
        }

    let private visit (visitor: WeightVisitor) (weights: EdgeWeights) : EdgeWeights =
        {
            Theta = visitor.Parameter "theta.weight" weights.Theta
            Phi = visitor.Parameter "phi.weight" weights.Phi
            Bias = visitor.Parameter "bias" weights.Bias
        }

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: theta.weight and phi.weight [outputs, inputs], bias
    /// [outputs]. Order-free.
    let create (init: Init) (inputs: int) (outputs: int) : GraphLayer =
        let max = Aggregators.max init.Arithmetic

        let forward (weights: EdgeWeights) (_: Mode) (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let projected = torch.nn.functional.linear (x, weights.Theta) // [nodes, outputs]
            let farthest = max.Forward plan projected
            let own = torch.nn.functional.linear(x, weights.Phi, weights.Bias).sub projected
            let alone = plan.InDegree.eq (scalar 0.0) // [nodes, 1]
            (plus own farthest).relu().masked_fill(alone, scalar 0.0).MoveToOuterDisposeScope()

        Layer.create
            visit
            forward
            {
                Theta = Init.xavier init [| int64 outputs; int64 inputs |]
                Phi = Init.xavier init [| int64 outputs; int64 inputs |]
                Bias = Init.constant init 0.0 [| int64 outputs |]
            }
