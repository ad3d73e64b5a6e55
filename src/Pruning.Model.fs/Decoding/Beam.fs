namespace Pruning.Model.Decoding

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors

/// The answer of a beam, with what it maximises.
[<NoComparison; NoEquality>]
type BeamAnswer =
    {
        /// Where the sequence decided against the logits of a node, its two logits are exchanged: the larger one is always what
        /// was decided.
        NodePredictions: NodePredictions
        /// [graphs] sum over the steps of log p(decision | decisions before).
        LogLikelihood: Tensor
    }

/// Beam search over the decisions of an autoregressive network. Several sequences of decisions are followed for each graph. Which
/// node comes next is each sequence's own order; its label is where sequences part. Of the continuations of a graph's sequences
/// the greedy one and the likeliest others stay, and at the end the likeliest is the answer: never a less likely one than that of
/// greedy decoding, which a beam of width 1 is. It costs `width` times as much.
[<RequireQualifiedAccess>]
module Beam =

    /// Sequences of the unfinished graphs: place p is sequence p % width of a graph.
    [<NoComparison; NoEquality>]
    type private Sequences =
        {
            /// [places]; minus infinity for a sequence that does not exist yet.
            LogLikelihood: Tensor
            /// [nodes, 2], zero where undecided.
            Logits: Tensor
            /// [nodes]
            StepOfNode: Tensor
            /// [places] sum of the costs of the steps.
            Loss: Tensor option
        }

    let private map (ofPlaces: Tensor -> Tensor) (ofNodes: Tensor -> Tensor) (sequences: Sequences) : Sequences =
        {
            LogLikelihood = ofPlaces sequences.LogLikelihood
            Logits = ofNodes sequences.Logits
            StepOfNode = ofNodes sequences.StepOfNode
            Loss = Option.map ofPlaces sequences.Loss
        }

    /// Earliest finished last, as the layout has them.
    let private joined (unfinished: Sequences) (finished: Sequences seq) : Sequences =
        let all = [| unfinished; yield! Seq.rev finished |]
        let cat (pick: Sequences -> Tensor) = torch.cat (Array.map pick all, 0L)

        {
            LogLikelihood = cat _.LogLikelihood
            Logits = cat _.Logits
            StepOfNode = cat _.StepOfNode
            Loss = unfinished.Loss |> Option.map (fun _ -> cat (fun part -> part.Loss.Value))
        }

    let private indices (count: int64) (device: torch.Device) : Tensor =
        torch.arange (count, dtype = torch.int64, device = device)

    /// The sequence that each place goes on with, and the label that it decides. likelihood: [places], logits: [places, 2]
    /// -> place [places], label [places], log-likelihood [places]
    let private continuations (width: int64) (likelihood: Tensor) (logits: Tensor) : Tensor * Tensor * Tensor =
        use scope = torch.NewDisposeScope()
        let graphs = logits.size 0 / width
        let each = plus (likelihood.unsqueeze 1L) (logits.log_softmax 1L) // [places, 2]
        let candidates = each.view (graphs, 2L * width)
        // Sequence 0 is the greedy one.
        let greedy = logits.view(graphs, width, 2L).select(1L, 0L).argmax(1L, keepdim = true)

        let picked =
            if width = 1L then
                greedy
            else
                let lowest = torch.full_like (greedy, scalar Double.NegativeInfinity, dtype = candidates.dtype)
                let struct (_, others) = (candidates.scatter (1L, greedy, lowest)).topk(int width - 1, 1)
                torch.cat ([| greedy; others |], 1L) // [graphs, width]

        let label = picked.bitwise_and (torch.ones_like picked)
        let sequence = picked.bitwise_right_shift (torch.ones_like picked)
        let first = (indices graphs logits.device).mul(scalar (float width)).``to``(torch.int64).unsqueeze 1L
        let flat (tensor: Tensor) = scope.MoveToOuter(tensor.reshape -1L)
        flat (plus sequence first), flat label, flat (candidates.gather (1L, picked))

    /// [nodes] the node of the sequence `place` that stands where each node does.
    let private nodesOf (active: Unfinished) (place: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let shift = (active.FirstNode.index_select (0L, place)).sub active.FirstNode // [places]
        let ofNode = shift.index_select (0L, (PlanTensors.graphs active.Plan).GraphOfNode)
        (plus (indices active.Nodes place.device) ofNode).MoveToOuterDisposeScope()

    /// After a step: every place goes on with its continuation.
    let private follow
        (width: int64)
        (before: Sequences)
        (walk: Autoregressive.Walk)
        (after: Autoregressive.Choice)
        (t: int)
        : Sequences * Autoregressive.Walk =
        let active = walk.Active
        let place, label, likelihood = continuations width before.LogLikelihood after.Logits
        let node = nodesOf active place
        let rows (tensor: Tensor) = tensor.index_select (0L, place)
        let nodes (tensor: Tensor) = tensor.index_select (0L, node)

        let chosen = plus ((rows after.Chosen).sub(active.FirstNode.index_select (0L, place))) active.FirstNode

        let logits = rows after.Logits
        let isOverruled = (logits.argmax 1L).ne(label).unsqueeze 1L
        let decided = torch.where (isOverruled, logits.flip 1L, logits)
        let pruned = label.``to`` logits.dtype
        let oneHot = torch.stack ([| torch.ones_like pruned; pruned |], 1L)

        {
            LogLikelihood = likelihood
            Logits = (nodes before.Logits).index_copy_(0L, chosen, decided)
            StepOfNode = (nodes before.StepOfNode).index_copy_(0L, chosen, torch.full_like (chosen, scalar (float t)))
            Loss =
                match before.Loss, after.Loss with
                | Some sum, Some cost -> Some(rows (plus sum cost))
                | _ -> None
        },
        { walk with
            State = walk.State |> NodeState.map nodes
            Decided = rows walk.Decided
            Decisions = (torch.zeros_like walk.Decisions).index_copy_(0L, chosen, oneHot)
        }

    /// The likeliest sequence of each graph, in the order of the batch.
    let private answerOf
        (width: int)
        (batch: BatchTensors)
        (decoding: DecodingBatch)
        (sequences: Sequences)
        : BeamAnswer =
        let likelihood = sequences.LogLikelihood.view (int64 batch.GraphCount, int64 width)
        let best = likelihood.argmax 1L // by rank of the graph's size

        let placeOfRank =
            plus best ((indices (int64 batch.GraphCount) batch.Device).mul(scalar (float width)).``to`` torch.int64)

        let rankOfGraph = Array.zeroCreate<int64> batch.GraphCount

        for rank in 0 .. batch.GraphCount - 1 do
            rankOfGraph[decoding.Layout.GraphOrder[rank * width] / width] <- int64 rank

        let host = Transfer.index batch.Device
        let place = placeOfRank.index_select (0L, host rankOfGraph) // [graphs]
        let firstNode = host (Array.map int64 decoding.Layout.NodeOffsets)

        let offset =
            Array.init batch.NodeCount (fun node ->
                int64 (node - batch.Source.NodeOffsets[int batch.Source.GraphOfNode[node]]))

        let node = plus ((firstNode.index_select (0L, place)).index_select(0L, batch.GraphOfNode)) (host offset)
        let sizes = torch.tensor(batch.GraphSizes |> Array.map float).``to``(batch.X.dtype).``to`` batch.Device

        {
            NodePredictions =
                {
                    Logits = sequences.Logits.index_select (0L, node)
                    StepOfNode = sequences.StepOfNode.index_select (0L, node)
                    GraphLoss =
                        sequences.Loss
                        |> Option.map (fun loss -> (loss.index_select (0L, place)).div sizes)
                }
            LogLikelihood = sequences.LogLikelihood.index_select (0L, place)
        }

    let private refuseTraining (passMode: PassMode) : unit =
        match passMode with
        | PassMode.Train _ ->
            invalidArg
                (nameof passMode)
                "a beam search cannot train a network; use PassMode.Predict or PassMode.Evaluate."
        | PassMode.Predict
        | PassMode.Evaluate _ -> ()

    /// The batch with each graph `width` times. Copies of a graph have the same size, so they stay side by side in the layout.
    let private copiesOf (width: int) (batch: BatchTensors) : BatchTensors =
        BatchSlices.Of(
            batch.Source,
            [|
                for graph in 0 .. batch.GraphCount - 1 do
                    yield! Array.create width graph
            |]
        )
        |> BatchTensors.create batch.Device batch.X.dtype

    /// Sequences before the first step. Only the first copy of each graph is possible.
    let private startOf (width: int) (passMode: PassMode) (batch: BatchTensors) (copies: BatchTensors) : Sequences =
        let zeros shape = torch.zeros ((shape: int64 array), dtype = batch.X.dtype, device = batch.Device)

        let isFirst =
            Array.init copies.GraphCount (fun place -> if place % width = 0 then 0.0 else Double.NegativeInfinity)

        {
            LogLikelihood = torch.tensor(isFirst).``to``(batch.X.dtype).``to`` batch.Device
            Logits = zeros [| int64 copies.NodeCount; 2L |]
            StepOfNode = torch.zeros ([| int64 copies.NodeCount |], dtype = torch.int64, device = batch.Device)
            Loss =
                match passMode with
                | PassMode.Evaluate _ -> Some(zeros [| int64 copies.GraphCount |])
                | _ -> None
        }

    /// Follows `width` sequences of decisions. Not for training, which needs the true labels.
    let search
        (options: DecodingOptions)
        (width: int)
        (network: Network)
        (mode: Mode)
        (passMode: PassMode)
        (batch: BatchTensors)
        : BeamAnswer =
        use scope = torch.NewDisposeScope()

        refuseTraining passMode
        let copies = copiesOf width batch
        let decoding = DecodingBatch.create options mode copies
        let mutable walk = Autoregressive.begin' decoding (Autoregressive.encode decoding network mode)
        let finished = ResizeArray<Sequences>()
        let mutable sequences = startOf width passMode batch copies

        for t in 0 .. decoding.Steps - 1 do
            use inner = torch.NewDisposeScope()
            let earlier = walk.Active
            let next, after = Autoregressive.advance decoding network mode passMode walk t
            let places, nodes = int64 next.Active.Graphs, next.Active.Nodes

            let part (first: int64) (last: int64) (tensor: Tensor) =
                let piece = tensor.narrow (0L, first, last - first)
                scope.Attach piece
                piece

            let kept =
                if next.Active.Graphs < earlier.Graphs then
                    finished.Add(map (part places (int64 earlier.Graphs)) (part nodes earlier.Nodes) sequences)
                    map (part 0L places) (part 0L nodes) sequences
                else
                    sequences

            let followed, moved = follow (int64 width) kept next after t
            let keep tensor = inner.MoveToOuter(tensor: Tensor)
            sequences <- map keep keep followed

            walk <-
                { moved with
                    State = moved.State |> NodeState.map keep
                    Decided = keep moved.Decided
                    Decisions = keep moved.Decisions
                }

        let answer = answerOf width batch decoding (joined sequences finished)
        let out tensor = scope.MoveToOuter(tensor: Tensor)

        {
            NodePredictions =
                {
                    Logits = out answer.NodePredictions.Logits
                    StepOfNode = out answer.NodePredictions.StepOfNode
                    GraphLoss = Option.map out answer.NodePredictions.GraphLoss
                }
            LogLikelihood = out answer.LogLikelihood
        }

    /// The answer alone.
    let run
        (options: DecodingOptions)
        (width: int)
        (network: Network)
        (mode: Mode)
        (passMode: PassMode)
        (batch: BatchTensors)
        : NodePredictions =
        use scope = torch.NewDisposeScope()
        let answer = search options width network mode passMode batch
        let out tensor = scope.MoveToOuter(tensor: Tensor)

        {
            Logits = out answer.NodePredictions.Logits
            StepOfNode = out answer.NodePredictions.StepOfNode
            GraphLoss = Option.map out answer.NodePredictions.GraphLoss
        }
