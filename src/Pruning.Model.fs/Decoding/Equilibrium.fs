namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Losses

/// All nodes at once, several passes. The first pass reads zeros, each later one the probabilities of the pass before,
/// with gradient; the last pass decides.
[<RequireQualifiedAccess>]
module Equilibrium =

    let run (passes: int) (network: Network) (mode: Mode) (passMode: PassMode) (batch: BatchTensors) : NodePredictions =
        use scope = torch.NewDisposeScope()

        let undecided =
            torch.zeros ([| int64 batch.NodeCount; 2L |], dtype = batch.X.dtype, device = batch.Device)

        let pass (state: NodeState, decisions: Tensor, _) =
            let next = network.Pass mode batch.Plan decisions state
            NodeState.dispose state
            let logits = network.PruneLogits mode (NodeState.embedding next) // [nodes, 2]
            next, logits.softmax 1L, logits

        let start = network.Start(network.Encode mode batch), undecided, undecided
        let _, _, logits = Seq.fold (fun carried _ -> pass carried) start (seq { 1..passes })

        let loss =
            match passMode with
            | PassMode.Predict -> None
            | PassMode.Evaluate criterion
            | PassMode.Train criterion -> Some(scope.MoveToOuter(Loss.crossEntropy criterion batch logits))

        {
            Logits = scope.MoveToOuter logits
            StepOfNode = scope.MoveToOuter(torch.zeros_like batch.Labels)
            GraphLoss = loss
        }
