namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers

/// A read-out of linked nodes: how well each pair of labels suits them.
/// Embeddings [nodes, hidden] and the ends of links [links] -> b(y of first, y of second) [links, 2, 2].
type LinkHead = Layer<Mode -> Tensor -> LinkTensors -> Tensor>

[<RequireQualifiedAccess>]
module LinkHead =

    [<NoComparison; NoEquality>]
    type private LinkWeights = { Pair: Linear; Answer: Linear }

    let private visit (visitor: WeightVisitor) (weights: LinkWeights) : LinkWeights =
        {
            Pair = Linear.visit (visitor.Under "pair") weights.Pair
            Answer = Linear.visit (visitor.Under "answer") weights.Answer
        }

    let private forward (weights: LinkWeights) (_: Mode) (h: Tensor) (links: LinkTensors) : Tensor =
        use _scope = torch.NewDisposeScope()

        let one (ours: Tensor) (theirs: Tensor) (from: Tensor) (towards: Tensor) =
            let pair = plus (ours.index_select (0L, from)) (theirs.index_select (0L, towards)) // [links, hidden]
            (Linear.forward weights.Answer (pair.relu ())).view(-1L, 2L, 2L)

        let halves = weights.Pair.Weight.chunk (2L, 1L) // [hidden, hidden] each
        // Once a node instead of once a link.
        let ours = torch.nn.functional.linear (h, halves[0], Option.toObj weights.Pair.Bias) // [nodes, hidden]
        let theirs = torch.nn.functional.linear (h, halves[1]) // [nodes, hidden]
        let there = one ours theirs links.First links.Second
        let back = one ours theirs links.Second links.First
        (plus there (back.transpose (1L, 2L))).MoveToOuterDisposeScope()

    /// b(y_u, y_v) = g(h_u, h_v)[y_u, y_v] + g(h_v, h_u)[y_v, y_u], g = W2 ReLU(W_own h + W_other h' + b) + b2: turning a link
    /// around changes nothing. Starts at zero, so that a fresh network decides node by node.
    let create (init: Init) (hidden: int) : LinkHead =
        Layer.create
            visit
            forward
            {
                Pair = Linear.createForRelu init (2 * hidden) hidden
                Answer =
                    {
                        Weight = Init.constant init 0.0 [| 4L; int64 hidden |]
                        Bias = Some(Init.constant init 0.0 [| 4L |])
                    }
            }
