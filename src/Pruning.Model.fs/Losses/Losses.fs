namespace Pruning.Model.Losses

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// What a wrong answer costs: the weight of a node in the loss by its label.
type ClassWeights =
    {
        /// Weight of a node to keep (label 0).
        Keep: float
        /// Weight of a node to prune (label 1).
        Prune: float
    }

[<RequireQualifiedAccess>]
module ClassWeights =

    let equal: ClassWeights = { Keep = 1.0; Prune = 1.0 }

    /// Weights with which both classes weigh the same in sum and the mean node weighs 1:
    /// total / (2 kept) and total / (2 pruned). A sample with one class only gives equal weights; one class weighs at most
    /// `cap` times the other.
    let ofCounts (cap: float) (kept: int64) (pruned: int64) : ClassWeights =
        if kept = 0L || pruned = 0L then
            equal
        else
            let kept, pruned = float kept, float pruned
            let ratio = kept / pruned |> min cap |> max (1.0 / cap)
            let keep = (kept + pruned) / (kept + ratio * pruned)
            { Keep = keep; Prune = ratio * keep }

    /// [2] on a device, in the type of the logits.
    let tensor (like: Tensor) (weights: ClassWeights) : Tensor =
        use raw = torch.tensor ([| weights.Keep; weights.Prune |], dtype = torch.float64)
        raw.``to``(like.dtype).``to`` like.device

/// The loss of decisions.
type Criterion =
    {
        Weights: ClassWeights
        Loss: LossKind
    }

[<RequireQualifiedAccess>]
module Criterion =

    /// Our default loss with the given weights.
    let ofWeights (weights: ClassWeights) : Criterion =
        {
            Weights = weights
            Loss = LossKind.MeanOverGraphs
        }

/// Losses of graphs and of batches. A graph's loss is one number; a batch's loss combines those of its graphs.
[<RequireQualifiedAccess>]
module Loss =

    /// w_y * -log softmax(logits)_y for every node, not averaged. logits: [nodes, 2], labels: [nodes] -> [nodes]
    let perNode (weights: ClassWeights) (logits: Tensor) (labels: Tensor) : Tensor =
        use weight = ClassWeights.tensor logits weights
        torch.nn.functional.cross_entropy (logits, labels, weight, reduction = torch.nn.Reduction.None)

    /// Class-weighted cross entropy of each graph, all nodes decided at once. -> [graphs]; 0 for an empty graph.
    ///
    /// Ours is the mean of w nll over the nodes. The original divides by the sum of w in the graph instead: a graph with
    /// nothing to prune then counts its kept nodes in full and one with something to prune hardly at all, so that the
    /// weights do not balance the classes.
    let crossEntropy (criterion: Criterion) (batch: BatchTensors) (logits: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()

        let total =
            perNode criterion.Weights logits batch.Labels
            |> Segment.sum batch.GraphCount batch.GraphOfNode

        let scale =
            match criterion.Loss with
            | LossKind.MeanOverGraphs
            | LossKind.MeanOverNodes ->
                torch.tensor(Array.map float batch.GraphSizes).``to``(logits.dtype).``to`` logits.device
            | LossKind.Original ->
                let weight = ClassWeights.tensor logits criterion.Weights

                weight.index_select (0L, batch.Labels)
                |> Segment.sum batch.GraphCount batch.GraphOfNode

        total.div(scale.clamp_min (scalar 1e-12)).MoveToOuterDisposeScope()

    /// What one autoregressive step costs each graph, from the costs of its nodes (0 where decided) and the scores of the
    /// undecided ones, which sum to 1. costs, scores: [graphs, width], undecided: [graphs] -> [graphs]
    ///
    /// Ours is the expected cost of the node that is decided now, so that every step of a graph weighs the same. The
    /// original takes the mean over the undecided nodes, which divides the expectation by their number: the last
    /// decisions of a graph then outweigh the first by its size.
    let ofStep (kind: LossKind) (costs: Tensor) (scores: Tensor) (undecided: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let expected = costs.mul(scores).sum 1L

        match kind with
        | LossKind.MeanOverGraphs
        | LossKind.MeanOverNodes -> expected.MoveToOuterDisposeScope()
        | LossKind.Original -> expected.div(undecided).MoveToOuterDisposeScope()

    /// What the loss of each graph counts in that of its batch, which is a weighted sum. Graphs in the order of the batch.
    let graphWeights (kind: LossKind) (strategy: DecisionStrategy) (graphSizes: int array) : float array =
        match kind, strategy with
        | LossKind.MeanOverGraphs, _ -> Array.create graphSizes.Length (1.0 / float graphSizes.Length)
        | LossKind.MeanOverNodes, _ ->
            let nodes = graphSizes |> Array.sumBy float |> max 1.0
            graphSizes |> Array.map (fun size -> float size / nodes)
        | LossKind.Original, DecisionStrategy.OnePass
        | LossKind.Original, DecisionStrategy.Tree
        | LossKind.Original, DecisionStrategy.Equilibrium _ -> Array.create graphSizes.Length 1.0
        | LossKind.Original, DecisionStrategy.Autoregressive ->
            // The original divides its running total by N after every graph, so that an earlier graph is divided again
            // by the sizes of all later ones. Our per-graph loss is already divided by the graph's own N once.
            Array.scanBack (fun size product -> product / float size) graphSizes 1.0
            |> Array.tail

    /// The weighted sum of the losses of graphs. perGraph: [graphs] -> []
    let weighted (weights: float array) (perGraph: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let weight = torch.tensor(weights).``to``(perGraph.dtype).``to`` perGraph.device
        perGraph.mul(weight).sum().MoveToOuterDisposeScope()

    /// One number for a batch from the losses of its graphs, given in the order of the batch. perGraph: [graphs] -> []
    let ofBatch (kind: LossKind) (strategy: DecisionStrategy) (graphSizes: int array) (perGraph: Tensor) : Tensor =
        weighted (graphWeights kind strategy graphSizes) perGraph
