namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// Graph convolution (Kipf & Welling 2017, arXiv:1609.02907, equation 2):
/// h'_v = ReLU(b + sum over u -> v of W h_u / sqrt(d_u d_v)), d the number of in-edges, at least 1.
///
/// The graphs of this program hold one self loop a node, so the plan is the paper's A + I already, and nothing is added
/// here. An edge that stands twice counts twice, in the sum and in d.
[<RequireQualifiedAccess>]
module GcnConv =

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: weight [outputs, inputs], bias [outputs]. Order-free.
    let create (init: Init) (inputs: int) (outputs: int) : GraphLayer =
        let sum = Aggregators.sum init.Arithmetic

        let forward (layer: Linear) (_: Mode) (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let scale = plan.InDegree.clamp_min(scalar 1.0).rsqrt() // [nodes, 1]
            let messages = torch.nn.functional.linear(x, layer.Weight).mul scale // [nodes, outputs]
            let joined = (sum.Forward plan messages).mul scale
            (plus joined layer.Bias.Value).relu().MoveToOuterDisposeScope()

        Layer.create
            Linear.visit
            forward
            {
                Weight = Init.xavier init [| int64 outputs; int64 inputs |]
                Bias = Some(Init.constant init 0.0 [| int64 outputs |])
            }
