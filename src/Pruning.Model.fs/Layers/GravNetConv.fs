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

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: space [4, inputs], features [outputs, inputs], self.weight
    /// [outputs, inputs], self.bias [outputs], mean.weight and max.weight [outputs, outputs]. Order-free.
    let create (random: torch.Generator) (inputs: int) (outputs: int) : GraphLayer =
        // All nodes start near to each other: with usual initial values exp(-10 d^2) is 0 everywhere, and its gradient too.
        let space =
            {
                Weight = Init.uniform random (0.1 / sqrt (float (max 1 inputs))) [| int64 dimensions; int64 inputs |]
                Bias = Some(Init.constant 0.0 [| int64 dimensions |])
            }

        let features = Linear.create random inputs outputs
        let selfWeight = Init.xavier random [| int64 outputs; int64 inputs |]
        let selfBias = Init.constant 0.0 [| int64 outputs |]
        let meanWeight = Init.xavier random [| int64 outputs; int64 outputs |]
        let maxWeight = Init.xavier random [| int64 outputs; int64 outputs |]

        let messages (plan: PlanTensors) (x: Tensor) =
            let place = Linear.forward space x // [nodes, 4]
            let gap = (Neighbourhood.ofSource plan place).sub(Neighbourhood.ofTarget plan place) // [edges, 4]
            let potential = gap.mul(gap).sum(1L, keepdim = true).mul(scalar -10.0).exp() // [edges, 1]
            (Linear.forward features x |> Neighbourhood.ofSource plan).mul potential // [edges, outputs]

        {
            Weights =
                Weights.concat
                    [
                        Weights.under "space" (Linear.weights space)
                        Weights.under "features" (Linear.weights features)
                        Weights.ofParameters
                            [
                                "self.weight", selfWeight
                                "self.bias", selfBias
                                "mean.weight", meanWeight
                                "max.weight", maxWeight
                            ]
                    ]
            Forward =
                fun _ plan x ->
                    use _scope = torch.NewDisposeScope()
                    let sent = messages plan x
                    let own = torch.nn.functional.linear (x, selfWeight, selfBias) // [nodes, outputs]
                    let withMean = own.addmm (Neighbourhood.mean plan sent, meanWeight.t (), 1.0f, 1.0f)

                    withMean
                        .addmm(Neighbourhood.max plan sent, maxWeight.t (), 1.0f, 1.0f)
                        .relu()
                        .MoveToOuterDisposeScope()
        }
