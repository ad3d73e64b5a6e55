namespace Pruning.Model.Prediction

open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics

/// A network's margins on some graphs, beside the counts that Evaluation takes of them.
[<NoComparison; NoEquality>]
type NetworkMargins =
    {
        /// The same state that Evaluation.run gives for these graphs in batches of this size.
        State: MetricState
        /// [graphs][nodes] Logit of prune minus logit of keep.
        Margins: float32[][]
        /// [batches] Nodes of each batch and seconds that the network took for it.
        Times: (int * float)[]
    }

/// Networks on whole splits, with the margins kept: 4 bytes a node.
[<RequireQualifiedAccess>]
module Scoring =

    let private ofBatch (device: torch.Device) (model: TrainedModel) (batch: GraphBatch) : MetricState * float32[] =
        use _scope = torch.NewDisposeScope()
        let predictions = Evaluation.ask device model batch
        let margins = (NodePredictions.margin predictions).``to``(torch.float32).cpu().contiguous()
        Evaluation.count batch predictions, margins.data<float32>().ToArray()

    /// A batch divided among the threads: its counts, and the margins of each of its graphs.
    let private divided (device: torch.Device) (threads: int) (model: TrainedModel) (batch: GraphBatch) =
        let parts = Workers.divide model.Pruner.Config.Strategy threads batch
        let answers = parts |> Workers.map (fun _ (part, _) -> ofBatch device model part)
        let margins = Array.create batch.GraphCount Array.empty

        for (part, graphs), (_, values) in Array.zip parts answers do
            graphs
            |> Array.iteri (fun place graph ->
                margins[graph] <- values[part.NodeOffsets[place] .. part.NodeOffsets[place + 1] - 1])

        answers |> Array.map fst |> MetricState.sum, margins

    /// Runs a network without telling it a label. `seen` hears the number of graphs of each batch when it is done.
    let run
        (device: torch.Device)
        (threads: int)
        (model: TrainedModel)
        (batchSize: int)
        (workers: int)
        (seen: int -> unit)
        (stop: CancellationToken)
        (dataset: GraphDataset)
        (indices: int[])
        : NetworkMargins =
        let threads = Workers.count device threads
        let states, margins, times = ResizeArray(), ResizeArray(), ResizeArray()

        let preparation = Pruner.preparation model.Pruner

        for batch in BatchLoader.Batches(dataset, indices, batchSize, preparation, workers, 3, stop) do
            let clock = System.Diagnostics.Stopwatch.StartNew()
            let state, values = divided device threads model batch
            times.Add(batch.NodeCount, clock.Elapsed.TotalSeconds)
            states.Add state
            margins.AddRange values
            seen batch.GraphCount

        {
            State = MetricState.sum states
            Margins = margins.ToArray()
            Times = times.ToArray()
        }
