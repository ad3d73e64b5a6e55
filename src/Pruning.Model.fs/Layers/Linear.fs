namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// y = x W^T + b, the names of PyTorch's linear layer.
[<NoComparison; NoEquality>]
type Linear =
    {
        /// [outputs, inputs]
        Weight: Parameter
        /// [outputs]
        Bias: Parameter option
    }

[<RequireQualifiedAccess>]
module Linear =

    /// Names: weight, bias.
    let visit (visitor: WeightVisitor) (layer: Linear) : Linear =
        {
            Weight = visitor.Parameter "weight" layer.Weight
            Bias = layer.Bias |> Option.map (visitor.Parameter "bias")
        }

    /// PyTorch's default initialisation.
    let create (init: Init) (inputs: int) (outputs: int) : Linear =
        {
            Weight = Init.fanIn init inputs [| int64 outputs; int64 inputs |]
            Bias = Some(Init.fanIn init inputs [| int64 outputs |])
        }

    /// For a layer that a ReLU follows: the variance of the states is the same behind it as before (He et al. 2015,
    /// arXiv:1502.01852, equation 10). Five of PyTorch's default layers in a row, as in the heads, shrink the spread
    /// between nodes a hundredfold, and the order in which nodes are decided is then left to chance for a long time.
    let createForRelu (init: Init) (inputs: int) (outputs: int) : Linear =
        {
            Weight = Init.uniform init (sqrt (6.0 / float (max 1 inputs))) [| int64 outputs; int64 inputs |]
            Bias = Some(Init.constant init 0.0 [| int64 outputs |])
        }

    /// x: [rows, inputs] -> [rows, outputs]
    let forward (layer: Linear) (x: Tensor) : Tensor =
        match layer.Bias with
        | Some bias -> torch.nn.functional.linear (x, layer.Weight, bias)
        | None -> torch.nn.functional.linear (x, layer.Weight)
