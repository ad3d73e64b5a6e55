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

    let weights (layer: Linear) : Weights =
        Weights.ofParameters
            [
                "weight", layer.Weight
                match layer.Bias with
                | Some bias -> "bias", bias
                | None -> ()
            ]

    /// PyTorch's default initialisation.
    let create (random: torch.Generator) (inputs: int) (outputs: int) : Linear =
        {
            Weight = Init.fanIn random inputs [| int64 outputs; int64 inputs |]
            Bias = Some(Init.fanIn random inputs [| int64 outputs |])
        }

    /// For a layer that a ReLU follows: the variance of the states is the same behind it as before (He et al. 2015,
    /// arXiv:1502.01852, equation 10). Five of PyTorch's default layers in a row, as in the heads, shrink the spread
    /// between nodes a hundredfold, and the order in which nodes are decided is then left to chance for a long time.
    let createForRelu (random: torch.Generator) (inputs: int) (outputs: int) : Linear =
        {
            Weight = Init.uniform random (sqrt (6.0 / float (max 1 inputs))) [| int64 outputs; int64 inputs |]
            Bias = Some(Init.constant 0.0 [| int64 outputs |])
        }

    /// x: [rows, inputs] -> [rows, outputs]
    let forward (layer: Linear) (x: Tensor) : Tensor =
        match layer.Bias with
        | Some bias -> torch.nn.functional.linear (x, layer.Weight, bias)
        | None -> torch.nn.functional.linear (x, layer.Weight)
