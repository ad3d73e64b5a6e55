namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers

/// A read-out of node states: [nodes, hidden] -> [nodes, outputs].
type Head = Layer<Mode -> Tensor -> Tensor>

[<RequireQualifiedAccess>]
module Head =

    let private depth = 5

    [<NoComparison; NoEquality>]
    type private HeadWeights = { Inner: Linear list; Last: Linear }

    /// Names: 0, 1, ... 5.
    let private visit (visitor: WeightVisitor) (weights: HeadWeights) : HeadWeights =
        let place i layer = Linear.visit (visitor.Under(string i)) layer

        {
            Inner = List.mapi place weights.Inner
            Last = place weights.Inner.Length weights.Last
        }

    /// 5 x (Linear(H, H) -> dropout -> ReLU), then Linear(H, outputs).
    let create (init: Init) (probability: float) (hidden: int) (outputs: int) : Head =
        let forward (weights: HeadWeights) (mode: Mode) (h: Tensor) =
            use _scope = torch.NewDisposeScope()
            let through x layer = (Linear.forward layer x |> Dropout.apply probability mode).relu()
            (weights.Inner |> List.fold through h |> Linear.forward weights.Last).MoveToOuterDisposeScope()

        Layer.create
            visit
            forward
            {
                Inner = [ for _ in 1..depth -> Linear.createForRelu init hidden hidden ]
                Last = Linear.create init hidden outputs
            }
