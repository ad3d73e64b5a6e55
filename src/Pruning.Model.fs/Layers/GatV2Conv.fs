namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// Graph attention, second version (Brody, Alon, Yahav 2022, arXiv:2105.14491, equation 7): for each of K heads
/// e_uv = a . LeakyReLU(W_s h_u + W_t h_v), slope 0.2; alpha_uv = softmax of e over the in-edges of v;
/// h'_v = ReLU(b + the K vectors sum over u -> v of alpha_uv W_s h_u, one behind the other).
///
/// Unlike the first version (arXiv:1710.10903), which neighbour matters most may differ from node to node.
[<RequireQualifiedAccess>]
module GatV2Conv =

    let private slope = 0.2

    [<NoComparison; NoEquality>]
    type private GatWeights =
        {
            /// [outputs, inputs]
            Source: Parameter
            /// [outputs, inputs]
            Target: Parameter
            /// [heads, outputs / heads]
            Attention: Parameter
            /// [outputs]
            Bias: Parameter
        }

    let private visit (visitor: WeightVisitor) (weights: GatWeights) : GatWeights =
        {
            Source = visitor.Parameter "source.weight" weights.Source
            Target = visitor.Parameter "target.weight" weights.Target
            Attention = visitor.Parameter "attention" weights.Attention
            Bias = visitor.Parameter "bias" weights.Bias
        }

    /// Forward: [nodes, inputs] -> [nodes, outputs]; heads must divide outputs. Weights: source.weight and target.weight
    /// [outputs, inputs], attention [heads, outputs / heads], bias [outputs]. Order-free.
    let create (init: Init) (heads: int) (inputs: int) (outputs: int) : GraphLayer =
        if heads < 1 || outputs % heads <> 0 then
            invalidArg (nameof heads) $"wanted a number of heads that divides {outputs}, found {heads}"

        let columns = outputs / heads

        let forward (weights: GatWeights) (_: Mode) (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let perHead (rows: Tensor) = rows.view (-1L, int64 heads, int64 columns)
            let sent = torch.nn.functional.linear (x, weights.Source) |> Neighbourhood.ofSource plan // [edges, outputs]
            let asked = torch.nn.functional.linear (x, weights.Target) |> Neighbourhood.ofTarget plan // [edges, outputs]
            let mixed = (plus sent asked).leaky_relu(scalar slope) |> perHead // [edges, heads, columns]
            let weight = mixed.mul(weights.Attention).sum 2L |> Neighbourhood.softmax plan // [edges, heads]
            let messages = (perHead sent).mul(weight.unsqueeze 2L).view(-1L, int64 outputs)
            (plus (Neighbourhood.sum plan messages) weights.Bias).relu().MoveToOuterDisposeScope()

        Layer.create
            visit
            forward
            {
                Source = Init.xavier init [| int64 outputs; int64 inputs |]
                Target = Init.xavier init [| int64 outputs; int64 inputs |]
                Attention = Init.uniform init (sqrt (6.0 / float (columns + 1))) [| int64 heads; int64 columns |]
                Bias = Init.constant init 0.0 [| int64 outputs |]
            }
