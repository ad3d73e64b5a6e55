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

    [<NoComparison; NoEquality>]
    type private InteractionWeights =
        {
            /// [outputs, inputs]
            Source: Parameter
            /// [outputs, inputs] and [outputs]
            Target: Linear
            /// [outputs, outputs] and [outputs]
            Effect: Linear
            /// [outputs, inputs]
            Own: Parameter
            /// [outputs, outputs]
            Received: Parameter
            /// [outputs]
            Bias: Parameter
        }

    let private visit (visitor: WeightVisitor) (weights: InteractionWeights) : InteractionWeights =
        {
            Source = visitor.Parameter "relation.source.weight" weights.Source
            Target =
                {
                    Weight = visitor.Parameter "relation.target.weight" weights.Target.Weight
                    Bias = weights.Target.Bias |> Option.map (visitor.Parameter "relation.bias")
                }
            Effect = Linear.visit (visitor.Under "effect") weights.Effect
            Own = visitor.Parameter "object.weight" weights.Own
            Received = visitor.Parameter "object.effect.weight" weights.Received
            Bias = visitor.Parameter "object.bias" weights.Bias
        }

    let private effects (weights: InteractionWeights) (plan: PlanTensors) (x: Tensor) : Tensor =
        let sent = torch.nn.functional.linear (x, weights.Source) |> Neighbourhood.ofSource plan // [edges, outputs]
        let met = Linear.forward weights.Target x |> Neighbourhood.ofTarget plan // [edges, outputs]
        let total = (plus sent met).relu() |> Neighbourhood.sum plan // [nodes, outputs]
        let shift = weights.Effect.Bias.Value.mul plan.InDegree // [nodes, outputs]
        plus (torch.nn.functional.linear (total, weights.Effect.Weight)) shift

    let private forward (weights: InteractionWeights) (_: Mode) (plan: PlanTensors) (x: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let mine = torch.nn.functional.linear (x, weights.Own, weights.Bias) // [nodes, outputs]

        mine.addmm(effects weights plan x, weights.Received.t (), 1.0f, 1.0f).relu().MoveToOuterDisposeScope()

    /// Forward: [nodes, inputs] -> [nodes, outputs]. Weights: relation.source.weight and relation.target.weight
    /// [outputs, inputs], relation.bias [outputs], effect [outputs, outputs], object.weight [outputs, inputs],
    /// object.effect.weight [outputs, outputs], object.bias [outputs]. Order-free.
    let create (init: Init) (inputs: int) (outputs: int) : GraphLayer =
        let ofNode () = Init.xavier init [| int64 outputs; int64 inputs |]
        let ofEffect () = Init.xavier init [| int64 outputs; int64 outputs |]
        let zero () = Init.constant init 0.0 [| int64 outputs |]

        let withBias (weight: Parameter) : Linear =
            {
                Weight = weight
                Bias = Some(zero ())
            }

        Layer.create
            visit
            forward
            {
                Source = ofNode ()
                Target = withBias (ofNode ())
                Effect = withBias (ofEffect ())
                Own = ofNode ()
                Received = ofEffect ()
                Bias = zero ()
            }
