namespace Pruning.Model.Configuration

open Pruning.Data.Batching

/// What the loader prepares for a network.
[<RequireQualifiedAccess>]
module Preparation =

    /// What some columns need of a batch.
    let ofFeatures (features: NodeFeature list) : GraphPreparation =
        let needs input = features |> List.exists (fun feature -> feature.Input = input)
        GraphPreparation(Details = needs FeatureInput.Details, Surroundings = needs FeatureInput.Surroundings)

    /// What a network of this configuration needs of a batch.
    let ofNetwork (config: PrunerConfig) : GraphPreparation =
        let features = ofFeatures config.Features

        GraphPreparation(
            Details = features.Details,
            Surroundings = features.Surroundings,
            Neighbours = config.Neighbours,
            Forest = (config.Strategy = DecisionStrategy.Tree)
        )

    /// Refuses a batch that was prepared for another network: an `ArgumentException`.
    let verify (wanted: GraphPreparation) (batch: GraphBatch) : unit =
        if not (batch.Preparation.Covers wanted) then
            invalidArg
                (nameof batch)
                $"Cannot run the network on this batch: the network needs {wanted}, the batch is prepared with {batch.Preparation}. Give \
                 the network's preparation (Pruner.preparation) to the loader, or apply it to the batch."
