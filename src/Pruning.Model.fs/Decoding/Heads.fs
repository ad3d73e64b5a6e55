namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers

/// A read-out of node states: [nodes, hidden] -> [nodes, outputs].
[<NoComparison; NoEquality>]
type Head =
    {
        Weights: Weights
        Forward: Mode -> Tensor -> Tensor
    }

[<RequireQualifiedAccess>]
module Head =

    let private depth = 5

    /// 5 x (Linear(H, H) -> dropout -> ReLU), then Linear(H, outputs).
    let create (random: torch.Generator) (probability: float) (hidden: int) (outputs: int) : Head =
        let inner = [ for _ in 1..depth -> Linear.createForRelu random hidden hidden ]
        let last = Linear.create random hidden outputs

        {
            Weights =
                inner @ [ last ]
                |> List.mapi (fun i layer -> Weights.under (string i) (Linear.weights layer))
                |> Weights.concat
            Forward =
                fun mode h ->
                    use _scope = torch.NewDisposeScope()
                    let through x layer = (Linear.forward layer x |> Dropout.apply probability mode).relu()
                    (inner |> List.fold through h |> Linear.forward last).MoveToOuterDisposeScope()
        }
