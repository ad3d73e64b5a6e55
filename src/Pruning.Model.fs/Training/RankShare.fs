namespace Pruning.Model.Training

open Pruning.Data.Batching
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Prediction
open Pruning.Model.Distributed

/// The graphs that a rank takes of one batch, and what each counts in the loss of the step.
type RankShare =
    {
        /// Of the dataset, in the order of the batch; none where there are more ranks than graphs.
        Graphs: int array
        Weights: float array
        /// The micro-batch that each graph belongs to (`TrainingConfig.MicroBatch`); empty without micro-batches.
        Parts: int array
    }

/// Dividing the batches of a step among ranks. Every rank computes the same division from what all know.
[<RequireQualifiedAccess>]
module RankShare =

    /// Places in the batch of the graphs of each rank, which takes whole parts.
    let private places (ranks: int) (microBatch: int) (network: PrunerConfig) (sizes: int array) : int array array =
        let parts = [| 0 .. sizes.Length - 1 |] |> Array.chunkBySize microBatch
        let numbers = [| 0 .. parts.Length - 1 |]

        let taken =
            match network.Normalisation with
            // Running statistics depend on the order of the graphs: ranks take runs of it.
            | Normalisation.GraphBatch -> Array.init ranks (fun rank -> Shards.ofRank rank ranks numbers)
            | Normalisation.Layer
            | Normalisation.Identity when ranks = 1 -> [| numbers |]
            | Normalisation.Layer
            | Normalisation.Identity ->
                let cost place = Workers.cost network.Strategy (int64 sizes[place]) 0L
                let shares = BatchSlices.Balanced(parts |> Array.map (Array.sumBy cost), ranks)
                Array.init ranks (fun rank -> if rank < shares.Length then shares[rank] else [||])

        taken |> Array.map (Array.collect (fun number -> parts[number]))

    /// The parts of graphs at these places of their batch.
    let partsOf (microBatch: int option) (places: int array) : int array =
        match microBatch with
        | Some size -> places |> Array.map (fun place -> place / size)
        | None -> [||]

    /// The shares of a rank in the batches of one step. Weights are those of the joined batches, so that the sum of the
    /// gradients of all ranks is the gradient of the step on one.
    let ofStep
        (ranks: Communicator)
        (config: TrainingConfig)
        (network: PrunerConfig)
        (dataset: GraphDataset)
        (batches: int array array)
        : RankShare array =
        let sizes = batches |> Array.map (Array.map dataset.NodeCountOf)
        let weights = Loss.graphWeights config.Loss network.Strategy (Array.concat sizes)
        let starts = batches |> Array.scan (fun start batch -> start + batch.Length) 0

        Array.mapi2
            (fun i (graphs: int array) sizes ->
                let microBatch = defaultArg config.MicroBatch 1
                let mine = (places ranks.Size microBatch network sizes)[ranks.Rank]

                {
                    Graphs = mine |> Array.map (fun place -> graphs[place])
                    Weights = mine |> Array.map (fun place -> weights[starts[i] + place])
                    Parts = partsOf config.MicroBatch mine
                })
            batches
            sizes
