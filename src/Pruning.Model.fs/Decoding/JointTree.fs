namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors

/// All nodes of a trackster jointly. One pass of the network gives every node and every link its potentials; exact
/// inference over the links then gives the probability of every labelling (see `LinkFactors`), so a decision takes the
/// decisions about its neighbours into account, weighed by how likely they are, without another pass.
[<RequireQualifiedAccess>]
module JointTree =

    let private linksOf (network: Network) : LinkHead =
        match network.Links with
        | Some head -> head
        | None ->
            invalidArg
                (nameof network)
                "the joint strategy wants a network with a link head; add one with Network.withLinks"

    /// Potentials of a batch in one pass, and its links.
    let potentials (network: Network) (mode: Mode) (batch: BatchTensors) : LinkTensors * Potentials =
        use scope = torch.NewDisposeScope()
        let head = linksOf network
        let links = LinkTensors.create batch.Device batch.Source

        let undecided =
            torch.zeros ([| int64 batch.NodeCount; 2L |], dtype = batch.X.dtype, device = batch.Device)

        let start = network.Start(network.Encode mode batch)
        let h = network.Pass mode batch.Plan undecided start |> NodeState.embedding // [nodes, hidden]

        LinkTensors.map scope.MoveToOuter links,
        {
            Node = scope.MoveToOuter(network.PruneLogits mode h)
            Link = scope.MoveToOuter(head.Forward mode h links)
        }

    /// -log p(labels | graph) over the number of nodes: what makes the probabilities right, so no class weights enter. A joint
    /// distribution cannot be shifted node by node as a softmax can: a shift at every node of a tree moves it as a whole.
    /// -> [graphs]; 0 for an empty graph
    let private loss (batch: BatchTensors) (links: LinkTensors) (potentials: Potentials) =
        use _scope = torch.NewDisposeScope()
        let size = batch.GraphSizes |> Array.map (fun nodes -> float (max 1 nodes))
        let sizes = torch.tensor(size).``to``(potentials.Node.dtype).``to`` batch.Device

        (LinkFactors.logLikelihood LinkFactors.loopyStandard links potentials batch.Labels)
            .neg()
            .div(sizes)
            .MoveToOuterDisposeScope()

    /// Logits are log marginals: their softmax is the probability of each node's label, all labellings of the others summed.
    let run (network: Network) (mode: Mode) (passMode: PassMode) (batch: BatchTensors) : NodePredictions =
        use scope = torch.NewDisposeScope()
        let links, potentials = potentials network mode batch

        {
            Logits = scope.MoveToOuter(LinkFactors.logMarginals LinkFactors.loopyStandard links potentials)
            StepOfNode = scope.MoveToOuter(torch.zeros_like batch.Labels)
            GraphLoss =
                match passMode with
                | PassMode.Predict -> None
                | PassMode.Evaluate _
                | PassMode.Train _ -> Some(scope.MoveToOuter(loss batch links potentials))
        }
