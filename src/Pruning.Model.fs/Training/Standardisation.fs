namespace Pruning.Model.Training

open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Decoding

/// Mean and spread of what a network reads.
[<RequireQualifiedAccess>]
module Standardisation =

    let private graphsABatch = 256

    /// Moments of the columns over the nodes of some graphs, in float64 and in the order of the graphs.
    let private moments (dataset: GraphDataset) (indices: int array) (features: NodeFeature list) : Moments array =
        let all = Array.init features.Length (fun _ -> Moments())

        let preparation = Preparation.ofFeatures features

        use batches =
            BatchLoader
                .Batches(dataset, indices, graphsABatch, preparation, 1, 1, CancellationToken.None)
                .GetEnumerator()

        while batches.MoveNext() do
            use _scope = torch.NewDisposeScope()

            let columns =
                BatchTensors.create torch.CPU torch.float64 batches.Current
                |> FeatureTable.compute features

            let values = columns.contiguous().data<float>().ToArray()

            for i in 0 .. values.Length - 1 do
                all[i % features.Length].Add values[i]

        all

    /// Mean and standard deviation of each feature over the nodes of some graphs: 0 without nodes, 1 where a feature does not
    /// vary. One pass over the graphs.
    let measure (dataset: GraphDataset) (indices: int array) (features: NodeFeature list) : float array * float array =
        if features = NodeFeature.original then
            let found = FeatureMoments.Of(dataset, indices)
            found.Mean, found.Std
        else
            let found = moments dataset indices features

            found |> Array.map (fun one -> if one.Count = 0L then 0.0 else one.Mean),
            found
            |> Array.map (fun one -> if one.Variance > 0.0 then one.StandardDeviation else 1.0)

    /// Measures the features of a network over some graphs and sets its shift and scale; a network that takes its features as
    /// they are is left alone.
    let fit (dataset: GraphDataset) (indices: int array) (pruner: Pruner) : unit =
        if pruner.Config.Standardise then
            let mean, deviation = measure dataset indices pruner.Config.Features
            Pruner.standardise mean deviation pruner
