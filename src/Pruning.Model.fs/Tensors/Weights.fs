namespace Pruning.Model.Tensors

open System
open System.Threading
open TorchSharp

type Parameter = TorchSharp.Modules.Parameter

/// What a layer learns and keeps, by name. Names are paths: `rounds.0.self.weight`.
[<NoComparison; NoEquality>]
type Weights =
    {
        /// Trained by the optimiser.
        Parameters: (string * Parameter) list
        /// Kept with the model but not trained: running statistics, feature scales. Updated in place only.
        Buffers: (string * Tensor) list
    }

[<RequireQualifiedAccess>]
module Weights =

    let empty: Weights = { Parameters = []; Buffers = [] }

    let ofParameters (parameters: (string * Parameter) list) : Weights = { empty with Parameters = parameters }

    /// The same weights, one level deeper.
    let under (name: string) (weights: Weights) : Weights =
        let deeper (inner, tensor) = $"{name}.{inner}", tensor

        {
            Parameters = List.map deeper weights.Parameters
            Buffers = List.map deeper weights.Buffers
        }

    let concat (all: Weights list) : Weights =
        {
            Parameters = all |> List.collect _.Parameters
            Buffers = all |> List.collect _.Buffers
        }

    /// Parameters and buffers as plain tensors: what a model file holds.
    let tensors (weights: Weights) : (string * Tensor) list =
        [
            for name, parameter in weights.Parameters do
                name, (parameter :> Tensor)
            yield! weights.Buffers
        ]

    /// Number of trained numbers.
    let count (weights: Weights) : int64 = weights.Parameters |> List.sumBy (fun (_, p) -> p.numel ())

    /// Copies values in by name, in place. Every tensor must be there with its shape, and no other.
    let load (source: (string * Tensor) list) (weights: Weights) : unit =
        use _guard = torch.no_grad ()
        let source = Map.ofList source
        let wanted = tensors weights
        let text (shape: int64 array) = shape |> Array.map string |> String.concat ", "

        for name, target in wanted do
            match Map.tryFind name source with
            | None -> invalidArg (nameof source) $"tensor '{name}' [{text target.shape}] is missing"
            | Some value when value.shape <> target.shape ->
                invalidArg
                    (nameof source)
                    $"tensor '{name}' is [{text value.shape}], the model has [{text target.shape}]"
            | Some value -> target.copy_ value |> ignore

        let known = wanted |> List.map fst |> Set.ofList

        match
            source
            |> Map.toList
            |> List.tryFind (fun (name, _) -> not (known.Contains name))
        with
        | Some(name, _) -> invalidArg (nameof source) $"tensor '{name}' has no place in this model"
        | None -> ()

/// Whether a forward pass learns.
[<NoComparison; NoEquality>]
type Mode =
    /// Fixed weights and statistics, no dropout.
    | Inference
    /// Batch statistics are taken and dropout draws from the generator.
    | Training of random: torch.Generator

/// Initial values, drawn on the CPU from a generator that the caller owns, in libtorch's default type (float32 unless changed),
/// then laid on the device that `Init.on` names. Layers hold their weights in closures, so these are made where they stay:
/// moving a network later would leave the closures behind.
[<RequireQualifiedAccess>]
module Init =

    /// Of the thread that builds a network; none = the CPU.
    let private building = new ThreadLocal<torch.Device option>(fun () -> None)

    /// Builds something whose weights lie on a device.
    let on (device: torch.Device) (build: unit -> 'T) : 'T =
        let before = building.Value
        building.Value <- Some device

        try
            build ()
        finally
            building.Value <- before

    /// A tensor that a layer keeps beside its parameters, where the network is built. The tensor given is used up.
    let buffer (value: Tensor) : Tensor =
        match building.Value with
        | Some device when device <> value.device ->
            use host = value
            host.``to`` device
        | _ -> value

    let private parameter (random: torch.Generator) (low: float) (high: float) (shape: int64 array) : Parameter =
        use drawn = torch.rand (shape, generator = random)
        new Parameter(buffer (drawn.mul(scalar (high - low)).add(scalar low, scalar 1.0)))

    /// Uniform in (-bound, bound).
    let uniform (random: torch.Generator) (bound: float) (shape: int64 array) : Parameter =
        parameter random -bound bound shape

    /// PyTorch's default for a linear layer: uniform in +-1/sqrt(fan in), weight and bias alike.
    let fanIn (random: torch.Generator) (inputs: int) (shape: int64 array) : Parameter =
        uniform random (1.0 / sqrt (float (max 1 inputs))) shape

    /// Xavier uniform with the gain of ReLU, sqrt 2 (Glorot & Bengio 2010). shape = [outputs, inputs].
    let xavier (random: torch.Generator) (shape: int64 array) : Parameter =
        uniform random (sqrt 2.0 * sqrt (6.0 / float (shape[0] + shape[1]))) shape

    let constant (value: float) (shape: int64 array) : Parameter =
        new Parameter(buffer (torch.full (shape, scalar value, dtype = torch.get_default_dtype ())))
