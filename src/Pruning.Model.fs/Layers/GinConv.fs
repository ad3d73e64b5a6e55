namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// Graph isomorphism network (Xu, Hu, Leskovec, Jegelka 2019, arXiv:1810.00826, equation 4.1):
/// h'_v = MLP((1 + eps) h_v + sum over u -> v of h_u), MLP(x) = ReLU(W_2 ReLU(W_1 x + b_1) + b_2), eps learnt from 0.
///
/// The sum is what tells multisets of neighbours apart. It grows with the degree: a normalisation behind it helps. The self
/// loop that each node of this program's graphs has is one of the u: a node's own state weighs 2 + eps.
[<RequireQualifiedAccess>]
module GinConv =

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: epsilon [1], mlp.0 [outputs, inputs], mlp.1
    /// [outputs, outputs]. Order-free.
    let create (random: torch.Generator) (inputs: int) (outputs: int) : GraphLayer =
        let epsilon = Init.constant 0.0 [| 1L |]
        let first = Linear.createForRelu random inputs outputs
        let second = Linear.createForRelu random outputs outputs

        {
            Weights =
                Weights.concat
                    [
                        Weights.ofParameters [ "epsilon", epsilon ]
                        Weights.under "mlp.0" (Linear.weights first)
                        Weights.under "mlp.1" (Linear.weights second)
                    ]
            Forward =
                fun _ plan x ->
                    use _scope = torch.NewDisposeScope()
                    let neighbours = Aggregators.sum.Forward plan x // [nodes, inputs]
                    let own = plus x (x.mul epsilon)
                    let inner = (Linear.forward first (plus own neighbours)).relu() // [nodes, outputs]
                    (Linear.forward second inner).relu().MoveToOuterDisposeScope()
        }
