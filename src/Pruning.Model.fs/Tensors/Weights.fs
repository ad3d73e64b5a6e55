namespace Pruning.Model.Tensors

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

/// What is done with each tensor on a walk over the weights of a layer. Every layer has a function `visit` that takes its record
/// of weights through such a walk and gives a record of the same kind back: names, copies and moves all come from it.
[<NoComparison; NoEquality>]
type WeightVisitor =
    {
        Parameter: string -> Parameter -> Parameter
        Buffer: string -> Tensor -> Tensor
    }

    /// The same visitor for a part of the layer: the names that it sees begin with `name.`.
    member this.Under(name: string) : WeightVisitor =
        {
            Parameter = fun inner parameter -> this.Parameter $"{name}.{inner}" parameter
            Buffer = fun inner buffer -> this.Buffer $"{name}.{inner}" buffer
        }

[<RequireQualifiedAccess>]
module WeightVisitor =

    /// Replaces the values of all tensors. The change sees a parameter without its gradient. A new parameter is made for each one,
    /// with no gradient, which is trained if the original was. A tensor that the change hands back itself is shared.
    let ofChange (change: Tensor -> Tensor) : WeightVisitor =
        let renew (_: string) (parameter: Parameter) =
            let before = parameter.detach ()
            let after = change before

            if not (obj.ReferenceEquals(before, after)) then
                before.Dispose()

            new Parameter(after, parameter.requires_grad)

        {
            Parameter = renew
            Buffer = fun _ buffer -> change buffer
        }

    /// Copies all tensors.
    let copy: WeightVisitor = ofChange _.clone()

    /// Copies all tensors to a device, also those that are there already.
    let toDevice (device: torch.Device) : WeightVisitor = ofChange (fun tensor -> tensor.``to`` (device, copy = true))

    /// Copies all tensors, those of real numbers in another type. Counts stay whole numbers.
    let toType (dtype: torch.ScalarType) : WeightVisitor =
        ofChange (fun tensor ->
            if tensor.is_floating_point () then
                tensor.``to`` (dtype, copy = true)
            else
                tensor.clone ())

[<RequireQualifiedAccess>]
module Weights =

    /// The names and tensors that a layer's `visit` comes by, in its order.
    let collect (visit: WeightVisitor -> 'W -> 'W) (layer: 'W) : Weights =
        let parameters, buffers = ResizeArray(), ResizeArray()

        let note (list: ResizeArray<string * 'T>) name tensor =
            list.Add(name, tensor)
            tensor

        visit
            {
                Parameter = note parameters
                Buffer = note buffers
            }
            layer
        |> ignore

        {
            Parameters = List.ofSeq parameters
            Buffers = List.ofSeq buffers
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
