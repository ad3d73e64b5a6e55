namespace Pruning.Model.Layers

open Pruning.Model.Tensors

/// Weights, and what is computed with them.
[<NoComparison; NoEquality>]
type Layer<'Function> =
    {
        /// The same layer with the tensors that a visitor gives back: a copy, or one on another device or of another type.
        Visit: WeightVisitor -> Layer<'Function>
        /// The function, with the weights in it.
        Forward: 'Function
    }

    /// The tensors by name.
    member this.Weights: Weights =
        Weights.collect (fun visitor (layer: Layer<'Function>) -> layer.Visit visitor) this

[<RequireQualifiedAccess>]
module Layer =

    /// A layer from a record of weights, the walk over that record, and a function of it. `forward` is applied to the weights once,
    /// when the layer is made, so it can prepare there what all calls share.
    let rec create (visit: WeightVisitor -> 'W -> 'W) (forward: 'W -> 'Function) (weights: 'W) : Layer<'Function> =
        {
            Visit = fun visitor -> create visit forward (visit visitor weights)
            Forward = forward weights
        }

    /// A layer without weights.
    let weightless (forward: 'Function) : Layer<'Function> = create (fun _ () -> ()) (fun () -> forward) ()

    /// The walk over a layer that is part of another one.
    let visit (visitor: WeightVisitor) (layer: Layer<'Function>) : Layer<'Function> = layer.Visit visitor

    /// A layer with the same weights and names whose function is made of the old one.
    let wrap (change: 'Inner -> 'Outer) (layer: Layer<'Inner>) : Layer<'Outer> =
        create visit (fun inner -> change inner.Forward) layer
