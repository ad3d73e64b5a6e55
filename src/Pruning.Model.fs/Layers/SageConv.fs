namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// GraphSAGE (Hamilton, Ying, Leskovec 2017, arXiv:1706.02216, algorithm 1 without the final normalisation):
/// h'_v = ReLU(W_self h_v + b + W_neigh AGG({h_u : u -> v})).
[<RequireQualifiedAccess>]
module SageConv =

    /// Forward: [nodes, inputs] -> [nodes, outputs]. W_self and W_neigh start Xavier uniform with ReLU gain.
    let create (random: torch.Generator) (aggregator: Aggregator) (inputs: int) (outputs: int) : GraphLayer =
        let neighbours = Aggregators.create random aggregator inputs
        let selfWeight = Init.xavier random [| int64 outputs; int64 inputs |]

        let neighbourWeight = Init.xavier random [| int64 outputs; int64 (neighbours.PerInput * inputs) |]

        let bias = Init.constant 0.0 [| int64 outputs |]

        {
            Weights =
                Weights.concat
                    [
                        Weights.under "aggregator" neighbours.Weights
                        Weights.ofParameters
                            [ "self.weight", selfWeight; "self.bias", bias; "neighbour.weight", neighbourWeight ]
                    ]
            Forward =
                fun _ plan x ->
                    use _scope = torch.NewDisposeScope()
                    let messages = neighbours.Forward plan x // [nodes, PerInput * inputs]
                    let own = torch.nn.functional.linear (x, selfWeight, bias) // [nodes, outputs]
                    own.addmm(messages, neighbourWeight.t (), 1.0f, 1.0f).relu().MoveToOuterDisposeScope()
        }
