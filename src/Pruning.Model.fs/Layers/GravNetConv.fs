namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// GravNet's message (Qasim, Kieseler, Iiyama, Pierini 2019, arXiv:1902.07987, section 3) on the edges of the graph:
/// each node learns a place s = S h + b_s in a space of four dimensions and features f = F h + b_f; a neighbour counts the
/// less the farther it is, w_uv = exp(-10 |s_u - s_v|^2);
/// h'_v = ReLU(W_self h_v + W_mean mean over u -> v of w_uv f_u + W_max max over u -> v of w_uv f_u + b).
///
/// The paper takes the nearest nodes of the learnt space as neighbours. Here they are the trackster's own, so that the cost
/// stays linear in the edges and no node sees another one that CLUE3D did not link to it; the space only weighs them.
[<RequireQualifiedAccess>]
module GravNetConv =

    let private dimensions = 4

    [<NoComparison; NoEquality>]
    type private GravNetWeights =
        {
            Space: Linear
            Features: Linear
            Self: Linear
            Mean: Parameter
            Max: Parameter
        }

    let private visit (visitor: WeightVisitor) (weights: GravNetWeights) : GravNetWeights =
        {
            Space = Linear.visit (visitor.Under "space") weights.Space
            Features = Linear.visit (visitor.Under "features") weights.Features
            Self = Linear.visit (visitor.Under "self") weights.Self
            Mean = visitor.Parameter "mean.weight" weights.Mean
            Max = visitor.Parameter "max.weight" weights.Max
        }

    let private messages (weights: GravNetWeights) (plan: PlanTensors) (x: Tensor) : Tensor =
        let place = Linear.forward weights.Space x // [nodes, 4]
        let gap = (Neighbourhood.ofSource plan place).sub(Neighbourhood.ofTarget plan place) // [edges, 4]
        let potential = gap.mul(gap).sum(1L, keepdim = true).mul(scalar -10.0).exp() // [edges, 1]
        (Linear.forward weights.Features x |> Neighbourhood.ofSource plan).mul potential // [edges, outputs]

    let private forward (weights: GravNetWeights) (_: Mode) (plan: PlanTensors) (x: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let sent = messages weights plan x
        let own = Linear.forward weights.Self x // [nodes, outputs]
        let withMean = own.addmm (Neighbourhood.mean plan sent, weights.Mean.t (), 1.0f, 1.0f)

        withMean.addmm(Neighbourhood.max plan sent, weights.Max.t (), 1.0f, 1.0f).relu().MoveToOuterDisposeScope()

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: space [4, inputs], features [outputs, inputs], self.weight
    /// [outputs, inputs], self.bias [outputs], mean.weight and max.weight [outputs, outputs]. Order-free.
    let create (init: Init) (inputs: int) (outputs: int) : GraphLayer =
        Layer.create
            visit
            forward
            {
                // All nodes start near to each other: with usual initial values exp(-10 d^2) is 0 everywhere, and its gradient too.
                Space =
                    {
                        Weight =
                            Init.uniform init (0.1 / sqrt (float (max 1 inputs))) [| int64 dimensions; int64 inputs |]
                        Bias = Some(Init.constant init 0.0 [| int64 dimensions |])
                    }
                Features = Linear.create init inputs outputs
                Self =
                    {
                        Weight = Init.xavier init [| int64 outputs; int64 inputs |]
                        Bias = Some(Init.constant init 0.0 [| int64 outputs |])
                    }
                Mean = Init.xavier init [| int64 outputs; int64 outputs |]
                Max = Init.xavier init [| int64 outputs; int64 outputs |]
            }
