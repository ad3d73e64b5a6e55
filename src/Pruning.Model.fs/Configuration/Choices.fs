namespace Pruning.Model.Configuration


/// The words for the choices of a network, the same on the command line, in config.json and in model files.
[<RequireQualifiedAccess>]
module Choices =

    let cells: (string * CellKind) list = [ "lstm", CellKind.Lstm; "gru", CellKind.Gru ]

    let memories: (string * CellKind option) list =
        ("none", None) :: [ for word, cell in cells -> word, Some cell ]

    let aggregators: (string * Aggregator) list =
        [
            "lstm", Aggregator.Lstm
            "gru", Aggregator.Gru
            "mean", Aggregator.Mean
            "max", Aggregator.Max
            "sum", Aggregator.Sum
            "mean-max", Aggregator.MeanMax
        ]

    let normalisations: (string * Normalisation) list =
        [
            "layer", Normalisation.Layer
            "graph-batch", Normalisation.GraphBatch
            "identity", Normalisation.Identity
        ]

    /// Heads of an attention layer where nobody says.
    let defaultHeads = 4

    let layers: (string * LayerKind) list =
        [
            "sage", LayerKind.Sage
            "gcn", LayerKind.Gcn
            "gin", LayerKind.Gin
            "gatv2", LayerKind.GatV2 defaultHeads
            "edgeconv", LayerKind.EdgeConv
            "interaction", LayerKind.Interaction
            "gravnet", LayerKind.GravNet
        ]

    let layerName (layer: LayerKind) : string =
        let kind =
            match layer with
            | LayerKind.GatV2 _ -> LayerKind.GatV2 defaultHeads
            | other -> other

        layers |> List.find (fun (_, known) -> known = kind) |> fst

    /// Orders in which an autoregressive network decides; the random one with the seed that it gets.
    let orders (seed: int64) : (string * DecisionOrder) list =
        [
            "confidence", DecisionOrder.Confidence
            "energy", DecisionOrder.Energy
            "layer", DecisionOrder.Layer
            "random", DecisionOrder.Random seed
        ]

    /// Ways in which the probability of the truth falls to the given one.
    let schedules (last: float) : (string * TeacherForcingSchedule) list =
        [
            "none", TeacherForcingSchedule.Always
            "linear", TeacherForcingSchedule.Linear last
            "exponential", TeacherForcingSchedule.Exponential last
            "inverse-sigmoid", TeacherForcingSchedule.InverseSigmoid last
        ]

    let nameOf (words: (string * 'T) list) (value: 'T) : string =
        words |> List.find (fun (_, known) -> known = value) |> fst
