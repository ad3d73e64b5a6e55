namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// Interaction network (Battaglia et al. 2016, arXiv:1612.00222, equations 1 to 4): a relation makes an effect of each edge,
/// an object takes the sum of its effects:
/// e_uv = W_2 ReLU(W_s h_u + W_t h_v + b_1) + b_2, h'_v = ReLU(V_1 h_v + V_2 sum over u -> v of e_uv + c).
///
/// W_2 and b_2 are applied to the sum: sum e_uv = W_2 (sum of the ReLUs) + d_v b_2 for d_v in-edges, the same numbers with
/// one product a node, not one an edge.
[<RequireQualifiedAccess>]
module InteractionConv =

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: relation.source.weight and relation.target.weight
    /// [outputs, inputs], relation.bias [outputs], effect [outputs, outputs], object.weight [outputs, inputs],
    /// object.effect.weight [outputs, outputs], object.bias [outputs]. Order-free.
    let create (random: torch.Generator) (inputs: int) (outputs: int) : GraphLayer =
        let ofNode () = Init.xavier random [| int64 outputs; int64 inputs |]
        let ofEffect () = Init.xavier random [| int64 outputs; int64 outputs |]
        let zero () = Init.constant 0.0 [| int64 outputs |]
        let source, target, relationBias = ofNode (), ofNode (), zero ()

        let effect =
            {
                Weight = ofEffect ()
                Bias = Some(zero ())
            }

        let own, received, objectBias = ofNode (), ofEffect (), zero ()

        let effects (plan: PlanTensors) (x: Tensor) =
            let sent = torch.nn.functional.linear (x, source) |> Neighbourhood.ofSource plan // [edges, outputs]

            let met =
                torch.nn.functional.linear (x, target, relationBias)
                |> Neighbourhood.ofTarget plan // [edges, outputs]

            let total = (plus sent met).relu() |> Neighbourhood.sum plan // [nodes, outputs]
            let shift = effect.Bias.Value.mul plan.InDegree // [nodes, outputs]
            plus (torch.nn.functional.linear (total, effect.Weight)) shift

        {
            Weights =
                Weights.concat
                    [
                        Weights.ofParameters
                            [
                                "relation.source.weight", source
                                "relation.target.weight", target
                                "relation.bias", relationBias
                            ]
                        Weights.under "effect" (Linear.weights effect)
                        Weights.ofParameters
                            [ "object.weight", own; "object.effect.weight", received; "object.bias", objectBias ]
                    ]
            Forward =
                fun _ plan x ->
                    use _scope = torch.NewDisposeScope()
                    let mine = torch.nn.functional.linear (x, own, objectBias) // [nodes, outputs]
                    mine.addmm(effects plan x, received.t (), 1.0f, 1.0f).relu().MoveToOuterDisposeScope()
        }
