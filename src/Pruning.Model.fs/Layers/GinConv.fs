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

    [<NoComparison; NoEquality>]
    type private GinWeights =
        {
            Epsilon: Parameter
            First: Linear
            Second: Linear
        }

    let private visit (visitor: WeightVisitor) (weights: GinWeights) : GinWeights =
        {
            Epsilon = visitor.Parameter "epsilon" weights.Epsilon
            First = Linear.visit (visitor.Under "mlp.0") weights.First
            Second = Linear.visit (visitor.Under "mlp.1") weights.Second
        }

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: epsilon [1], mlp.0 [outputs, inputs], mlp.1
    /// [outputs, outputs]. Order-free.
    let create (init: Init) (inputs: int) (outputs: int) : GraphLayer =
        let sum = Aggregators.sum init.Arithmetic

        let forward (weights: GinWeights) (_: Mode) (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let neighbours = sum.Forward plan x // [nodes, inputs]
            let own = plus x (x.mul weights.Epsilon)
            let inner = (Linear.forward weights.First (plus own neighbours)).relu() // [nodes, outputs]
            (Linear.forward weights.Second inner).relu().MoveToOuterDisposeScope()

        Layer.create
            visit
            forward
            {
                Epsilon = Init.constant init 0.0 [| 1L |]
                First = Linear.createForRelu init inputs outputs
                Second = Linear.createForRelu init outputs outputs
            }
