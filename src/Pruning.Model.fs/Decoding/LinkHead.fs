namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers

/// A read-out of linked nodes: how well each pair of labels suits them.
[<NoComparison; NoEquality>]
type LinkHead =
    {
        Weights: Weights
        /// Embeddings [nodes, hidden] and the ends of links [links] -> b(y of first, y of second) [links, 2, 2].
        Forward: Mode -> Tensor -> LinkTensors -> Tensor
    }

[<RequireQualifiedAccess>]
module LinkHead =

    /// b(y_u, y_v) = g(h_u, h_v)[y_u, y_v] + g(h_v, h_u)[y_v, y_u], g = W2 ReLU(W_own h + W_other h' + b) + b2: turning a link
    /// around changes nothing. Starts at zero, so that a fresh network decides node by node.
    let create (random: torch.Generator) (hidden: int) : LinkHead =
        let own = Linear.createForRelu random (2 * hidden) hidden
        let answer = Init.constant 0.0 [| 4L; int64 hidden |]
        let bias = Init.constant 0.0 [| 4L |]

        let one (ours: Tensor) (theirs: Tensor) (from: Tensor) (towards: Tensor) =
            let pair = plus (ours.index_select (0L, from)) (theirs.index_select (0L, towards)) // [links, hidden]
            torch.nn.functional.linear(pair.relu (), answer, bias).view(-1L, 2L, 2L)

        {
            Weights =
                Weights.concat
                    [
                        Weights.under "pair" (Linear.weights own)
                        Weights.ofParameters [ "answer.weight", answer; "answer.bias", bias ]
                    ]
            Forward =
                fun _ h links ->
                    use _scope = torch.NewDisposeScope()
                    let halves = own.Weight.chunk (2L, 1L) // [hidden, hidden] each
                    // Once a node instead of once a link.
                    let ours = torch.nn.functional.linear (h, halves[0], Option.toObj own.Bias) // [nodes, hidden]
                    let theirs = torch.nn.functional.linear (h, halves[1]) // [nodes, hidden]
                    let there = one ours theirs links.First links.Second
                    let back = one ours theirs links.Second links.First
                    (plus there (back.transpose (1L, 2L))).MoveToOuterDisposeScope()
        }
