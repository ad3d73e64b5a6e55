namespace Pruning.Model.Training

open Pruning.Data.Batching
open Pruning.Model
open Pruning.Model.Distributed

/// The graphs that a rank takes of one batch, and what each counts in the loss of the step.
type RankShare =
    {
        /// Of the dataset, in the order of the batch; none where there are more ranks than graphs.
        Graphs: int array
        Weights: float array
    }

/// Dividing the batches of a step among ranks. Every rank computes the same division from what all know.
[<RequireQualifiedAccess>]
module RankShare =

    /// Places in the batch of the graphs of each rank.
    let private places (ranks: int) (network: PrunerConfig) (sizes: int array) : int array array =
        let all = [| 0 .. sizes.Length - 1 |]

        match network.Normalisation with
        // Running statistics depend on the order of the graphs: ranks take runs of it.
        | Normalisation.GraphBatch -> Array.init ranks (fun rank -> Shards.ofRank rank ranks all)
        | Normalisation.Layer
        | Normalisation.Identity when ranks = 1 -> [| all |]
        | Normalisation.Layer
        | Normalisation.Identity ->
            let costs = sizes |> Array.map (fun nodes -> Workers.cost network.Strategy (int64 nodes) 0L)
            let parts = BatchSlices.Balanced(costs, ranks)
            Array.init ranks (fun rank -> if rank < parts.Length then parts[rank] else [||])

    /// The shares of a rank in the batches of one step. Weights are those of the joined batches, so that the sum of the
    /// gradients of all ranks is the gradient of the step on one.
    let ofStep
        (ranks: Communicator)
        (loss: LossKind)
        (network: PrunerConfig)
        (dataset: GraphDataset)
        (batches: int array array)
        : RankShare array =
        let sizes = batches |> Array.map (Array.map dataset.NodeCountOf)
        let weights = Loss.graphWeights loss network.Strategy (Array.concat sizes)
        let starts = batches |> Array.scan (fun start batch -> start + batch.Length) 0

        Array.mapi2
            (fun i (graphs: int array) sizes ->
                let mine = (places ranks.Size network sizes)[ranks.Rank]

                {
                    Graphs = mine |> Array.map (fun place -> graphs[place])
                    Weights = mine |> Array.map (fun place -> weights[starts[i] + place])
                })
            batches
            sizes
