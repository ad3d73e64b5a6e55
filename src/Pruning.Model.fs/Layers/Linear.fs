namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model

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

    /// x: [rows, inputs] -> [rows, outputs]
    let forward (layer: Linear) (x: Tensor) : Tensor =
        match layer.Bias with
        | Some bias -> torch.nn.functional.linear (x, layer.Weight, bias)
        | None -> torch.nn.functional.linear (x, layer.Weight)
