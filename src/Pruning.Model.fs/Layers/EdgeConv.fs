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

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: theta.weight and phi.weight [outputs, inputs], bias
    /// [outputs]. Order-free.
    let create (random: torch.Generator) (inputs: int) (outputs: int) : GraphLayer =
        let theta = Init.xavier random [| int64 outputs; int64 inputs |]
        let phi = Init.xavier random [| int64 outputs; int64 inputs |]
        let bias = Init.constant 0.0 [| int64 outputs |]

        {
            Weights = Weights.ofParameters [ "theta.weight", theta; "phi.weight", phi; "bias", bias ]
            Forward =
                fun _ plan x ->
                    use _scope = torch.NewDisposeScope()
                    let projected = torch.nn.functional.linear (x, theta) // [nodes, outputs]
                    let farthest = Aggregators.max.Forward plan projected
                    let own = torch.nn.functional.linear(x, phi, bias).sub projected
                    let alone = plan.InDegree.eq (scalar 0.0) // [nodes, 1]
                    (plus own farthest).relu().masked_fill(alone, scalar 0.0).MoveToOuterDisposeScope()
        }
