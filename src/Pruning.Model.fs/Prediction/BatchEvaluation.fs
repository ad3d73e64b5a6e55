namespace Pruning.Model.Prediction

open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics

/// Batches to counts that add.
[<RequireQualifiedAccess>]
module Evaluation =

    /// Energies of the nodes of a batch in GeV. -> [nodes]
    let energies (batch: GraphBatch) : float32 array =
        Array.init batch.NodeCount (fun node -> batch.Feature(node, RawFeature.Energy))

    /// Counts of predictions against the labels of its batch.
    let count (batch: GraphBatch) (predictions: NodePredictions) : MetricState =
        use _scope = torch.NewDisposeScope()
        let host (values: Tensor) = values.detach().``to``(torch.float32).cpu().contiguous().data<float32>().ToArray()

        let state =
            MetricState.ofNodes batch.Labels (host (NodePredictions.margin predictions)) (energies batch)

        match predictions.GraphLoss with
        | Some loss -> state |> MetricState.withLoss batch.GraphCount (host loss |> Array.sumBy float)
        | None -> state

    /// First graph of a batch whose loss or logits are not finite, and what is wrong with it.
    let tryFindBroken (batch: GraphBatch) (predictions: NodePredictions) : string option =
        use _scope = torch.NewDisposeScope()

        let firstTrue (flags: Tensor) =
            if flags.any().item<bool>() then
                Some(int (flags.``to``(torch.int64).argmax().item<int64>()))
            else
                None

        let broken (values: Tensor) = values.detach().isfinite().logical_not()

        let isFine =
            let logits = predictions.Logits.detach().isfinite().all()

            match predictions.GraphLoss with
            | Some loss -> logits.logical_and (loss.detach().isfinite().all())
            | None -> logits

        // One number crosses from the device unless something is wrong.
        if isFine.item<bool>() then
            None
        else

            let ofLoss = predictions.GraphLoss |> Option.bind (fun loss -> firstTrue (broken loss))

            match ofLoss with
            | Some graph -> Some $"the loss of {batch.Origins[graph]}"
            | None ->
                firstTrue ((broken predictions.Logits).any 1L)
                |> Option.map (fun node -> $"a logit of {batch.Origins[int batch.GraphOfNode[node]]}")

    /// Runs a network that sees no label; labels only enter the loss. Predictions that are no numbers are refused.
    let ask (device: torch.Device) (model: TrainedModel) (batch: GraphBatch) : NodePredictions =
        use scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        let predictions =
            BatchTensors.create device (Pruner.dtype model.Pruner) batch
            |> Pruner.run model.Pruner Inference (PassMode.Evaluate model.Criterion)

        match tryFindBroken batch predictions with
        | Some what ->
            raise (
                TrainingException
                    $"Wanted finite numbers, found NaN or infinity in {what}; the weights are broken or the features out of any range."
            )
        | None ->
            {
                Logits = scope.MoveToOuter predictions.Logits
                StepOfNode = scope.MoveToOuter predictions.StepOfNode
                GraphLoss = predictions.GraphLoss |> Option.map (fun loss -> scope.MoveToOuter loss)
            }

    /// Counts of a batch in free-running evaluation.
    let ofBatch (device: torch.Device) (model: TrainedModel) (batch: GraphBatch) : MetricState =
        use _scope = torch.NewDisposeScope()
        count batch (ask device model batch)

    /// All batches, each divided among the threads. `seen` hears the number of graphs of each batch when it is done.
    let run
        (device: torch.Device)
        (threads: int)
        (model: TrainedModel)
        (seen: int -> unit)
        (batches: GraphBatch seq)
        : MetricState =
        let threads = Workers.count device threads

        batches
        |> Seq.map (fun batch ->
            let state =
                Workers.divide model.Pruner.Config.Strategy threads batch
                |> Workers.map (fun _ (part, _) -> ofBatch device model part)
                |> MetricState.sum

            seen batch.GraphCount
            state)
        |> MetricState.sum
