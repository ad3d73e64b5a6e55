namespace Pruning.Model.Features

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// The columns that networks can read: names, sets, values.
[<RequireQualifiedAccess>]
module FeatureTable =

    /// Every column, the original nine first and in their order.
    let all: NodeFeature list = NodeFeature.all

    let name (feature: NodeFeature) : string = feature.Name

    /// The seed's row in each graph of a batch, see `GraphBatch.Seeds`. [graphs], 0 for an empty graph.
    let seeds (batch: GraphBatch) : int array = batch.Seeds

    /// The columns of a batch. The original nine are handed on as they are. -> [nodes, features]
    let compute (features: NodeFeature list) (batch: BatchTensors) : Tensor =
        if features = NodeFeature.original then
            batch.X.alias ()
        else
            use _scope = torch.NewDisposeScope()
            use _guard = torch.no_grad ()
            let columns = features |> List.map (fun feature -> feature.Values batch)
            torch.stack(List.toArray columns, 1L).MoveToOuterDisposeScope()

    /// Names of columns and of sets of columns that a list of features may hold.
    let sets: (string * NodeFeature list) list =
        [
            "original", NodeFeature.original
            "extended", NodeFeature.extended
            "oriented", NodeFeature.oriented
            "physics", NodeFeature.physics
        ]

    let names: string list = List.map fst sets @ List.map _.Name all

    /// The features that words name: names of columns and of sets, in the order given, each column once. The word that is no
    /// name is the error.
    let ofNames (words: string list) : Result<NodeFeature list, string> =
        let same (a: string) (b: string) = a.Equals(b, StringComparison.OrdinalIgnoreCase)

        let one word =
            match
                sets |> List.tryFind (fst >> same word), all |> List.tryFind (fun column -> same column.Name word)
            with
            | Some(_, features), _ -> Ok features
            | None, Some column -> Ok [ column ]
            | None, None -> Error word

        let join found word =
            match found, one word with
            | Ok before, Ok more -> Ok(before @ more)
            | Error word, _
            | _, Error word -> Error word

        words |> List.fold join (Ok []) |> Result.map List.distinct
