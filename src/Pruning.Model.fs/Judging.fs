namespace Pruning.Model

open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Decisions
open Pruning.Model.Training

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
module Judging =

    let private ofBatch (device: torch.Device) (model: TrainedModel) (batch: GraphBatch) : MetricState * float32[] =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        let verdict =
            BatchTensors.create device (Pruner.dtype model.Pruner) batch
            |> Pruner.run model.Pruner Inference (Judge model.Criterion)

        match Evaluation.tryFindBroken batch verdict with
        | Some what ->
            raise (
                TrainingException
                    $"Wanted finite numbers, found NaN or infinity in {what}; the weights are broken or the features out of any range."
            )
        | None ->
            let margins = (Verdict.margin verdict).``to``(torch.float32).cpu().contiguous()
            Evaluation.count batch verdict, margins.data<float32>().ToArray()

    /// Runs a network without telling it a label. `seen` hears the number of graphs of each batch when it is done.
    let run
        (device: torch.Device)
        (model: TrainedModel)
        (batchSize: int)
        (workers: int)
        (seen: int -> unit)
        (stop: CancellationToken)
        (dataset: GraphDataset)
        (indices: int[])
        : NetworkMargins =
        let states, margins, times = ResizeArray(), ResizeArray(), ResizeArray()

        for batch in BatchLoader.Batches(dataset, indices, batchSize, workers, 3, stop) do
            let clock = System.Diagnostics.Stopwatch.StartNew()
            let state, values = ofBatch device model batch
            times.Add(batch.NodeCount, clock.Elapsed.TotalSeconds)
            states.Add state

            for graph in 0 .. batch.GraphCount - 1 do
                margins.Add values[batch.NodeOffsets[graph] .. batch.NodeOffsets[graph + 1] - 1]

            seen batch.GraphCount

        {
            State = MetricState.sum states
            Margins = margins.ToArray()
            Times = times.ToArray()
        }
