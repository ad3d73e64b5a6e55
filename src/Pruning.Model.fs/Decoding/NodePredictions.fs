namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Losses

/// What is asked of a strategy.
type Question =
    /// Decide from the features alone; labels are not looked at.
    | Decide
    /// Decide from the features alone, then say what the decisions cost against the labels.
    | Judge of Criterion
    /// Learn: an autoregressive strategy is told the true label of each node it decided (teacher forcing).
    | Teach of Criterion

/// The answer of a strategy for a batch, in the order of the batch's nodes and graphs.
[<NoComparison; NoEquality>]
type NodePredictions =
    {
        /// [nodes, 2] logits of keep and prune.
        Logits: Tensor
        /// [nodes] int64: the step at which each node was decided; all 0 when they are decided at once.
        StepOfNode: Tensor
        /// [graphs] loss of each graph, unless the question was `Decide`.
        GraphLoss: Tensor option
    }

[<RequireQualifiedAccess>]
module NodePredictions =

    /// Logit of prune minus logit of keep; above 0 means prune. -> [nodes]
    let margin (predictions: NodePredictions) : Tensor =
        use _scope = torch.NewDisposeScope()
        let parts = predictions.Logits.unbind 1L
        parts[1].sub(parts[0]).MoveToOuterDisposeScope()
