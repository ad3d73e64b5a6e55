namespace Pruning.Model.Layers

open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// The message-passing rounds that a configuration asks for.
[<RequireQualifiedAccess>]
module Rounds =

    /// One layer of the given kind, [nodes, inputs] -> [nodes, outputs].
    let layer (init: Init) (config: PrunerConfig) (inputs: int) (outputs: int) : GraphLayer =
        match config.Layer with
        | LayerKind.Sage -> SageConv.create init config.Aggregator inputs outputs
        | LayerKind.Gcn -> GcnConv.create init inputs outputs
        | LayerKind.Gin -> GinConv.create init inputs outputs
        | LayerKind.GatV2 heads -> GatV2Conv.create init heads inputs outputs
        | LayerKind.EdgeConv -> EdgeConv.create init inputs outputs
        | LayerKind.Interaction -> InteractionConv.create init inputs outputs
        | LayerKind.GravNet -> GravNetConv.create init inputs outputs

    /// One round: the layer, then its normalisation, then dropout, then the input is added, each if asked for.
    let private round (init: Init) (config: PrunerConfig) : GraphLayer =
        let hidden = config.Hidden

        let normalised layer =
            match config.RoundNormalisation with
            | Normalisation.Identity -> layer
            | kind -> layer |> GraphLayer.normalised (Normalisation.create init kind hidden)

        layer init config hidden hidden
        |> normalised
        |> GraphLayer.dropout config.RoundDropout
        |> if config.Residual then GraphLayer.residual else id

    /// All rounds, one after the other; each has weights of its own, named 0, 1, 2, ...
    let create (init: Init) (config: PrunerConfig) : GraphLayer =
        GraphLayer.sequence [ for _ in 1 .. config.Rounds -> round init config ]
