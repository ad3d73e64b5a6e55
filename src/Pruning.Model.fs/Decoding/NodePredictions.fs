namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Losses

/// What a pass through a strategy is for: it decides which labels the strategy may read and whether it computes losses.
[<RequireQualifiedAccess>]
type PassMode =
    /// Predict from the features alone. Labels are not read, and no loss is computed.
    | Predict
    /// Predict from the features alone, then compute the loss against the labels.
    | Evaluate of Criterion
    /// Train. An autoregressive strategy reads the true label of each node it has decided (teacher forcing).
    | Train of Criterion

/// The answer of a strategy for a batch, in the order of the batch's nodes and graphs.
[<NoComparison; NoEquality>]
type NodePredictions =
    {
        /// [nodes, 2] logits of keep and prune.
        Logits: Tensor
        /// [nodes] int64: the step at which each node was decided; all 0 when they are decided at once.
        StepOfNode: Tensor
        /// [graphs] loss of each graph, unless the pass mode was `PassMode.Predict`.
        GraphLoss: Tensor option
    }

[<RequireQualifiedAccess>]
module NodePredictions =

    /// Logit of prune minus logit of keep; above 0 means prune. -> [nodes]
    let margin (predictions: NodePredictions) : Tensor =
        use _scope = torch.NewDisposeScope()
        let parts = predictions.Logits.unbind 1L
        parts[1].sub(parts[0]).MoveToOuterDisposeScope()
