namespace Pruning.Model.Decoding

open System
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Losses
open Pruning.Native.Posix

/// One node a step, most confident first or in another order, or several at once; each decision is fed back into the node states before the next. All graphs
/// of a batch step together; a graph that is done leaves, so later steps cost less.
///
/// Step t of a graph with N nodes: scores = softmax of the confidences of the N - t undecided nodes; the node with the
/// largest score is decided by its logits; the next step reads [1, decision] at that node and zeros elsewhere.
/// Loss of a graph = 1/N sum over t of the step's cost (`Loss.ofStep`), with gradient through the scores. With k choices a step
/// the k nodes with the largest scores are decided by their logits of that step, and its cost counts k times.
[<RequireQualifiedAccess>]
module Autoregressive =

    /// Where a batch stands between two steps.
    [<NoComparison; NoEquality>]
    type internal Walk =
        {
            Active: Unfinished
            State: NodeState
            Decided: Tensor
            Decisions: Tensor
        }

    /// What one step leaves behind.
    [<NoComparison; NoEquality>]
    type internal Choice =
        {
            State: NodeState
            /// [decisions] nodes decided, graph after graph: one each, or several.
            Chosen: Tensor
            /// [decisions, 2] their logits.
            Logits: Tensor
            /// [graphs, width] true at decided or missing nodes, this step's choices included.
            Decided: Tensor
            /// [nodes, 2] what the next step reads.
            Decisions: Tensor
            /// [graphs] cost of the step.
            Loss: Tensor option
        }

    let private feedBack (active: Unfinished) (passMode: PassMode) (chosen: Tensor) (logits: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        let decision =
            match passMode with
            | PassMode.Train _ ->
                let truth = active.Labels.index_select (0L, chosen)

                match active.TeacherForced with
                | Some teacherForced -> torch.where (teacherForced.index_select (0L, chosen), truth, logits.argmax 1L)
                | None -> truth
            | PassMode.Predict
            | PassMode.Evaluate _ -> logits.argmax 1L

        let pruned = decision.``to`` logits.dtype
        let rows = torch.stack ([| torch.ones_like pruned; pruned |], 1L) // [decisions, 2]
        let zeros = torch.zeros ([| active.Nodes; 2L |], dtype = logits.dtype, device = logits.device)
        zeros.index_copy_(0L, chosen, rows).MoveToOuterDisposeScope()

    /// Which nodes each graph decides: the scores of its nodes, which sum to 1, and the places of the largest. In a known order
    /// the next nodes share it all. `counts`: nodes that each graph decides, [graphs]; where it is less than the number of
    /// places, the last places are of no use. -> [graphs, width], [graphs, most of counts]
    let private choose
        (network: Network)
        mode
        (active: Unfinished)
        (decided: Tensor)
        (counts: int array)
        (h: Tensor)
        : Tensor * Tensor =
        use scope = torch.NewDisposeScope()
        let most = Array.max counts

        let undecided (values: Tensor) =
            (DecodingBatch.rectangle active 0.0 values).masked_fill(decided, scalar Double.NegativeInfinity)

        let largest (values: Tensor) =
            if most = 1 then
                values.detach().argmax(1L, keepdim = true)
            else
                // Stable: of equal values the first rows, as argmax has it, whatever stands beside the graph.
                let struct (_, places) = values.detach().sort(dim = 1L, descending = true, stable = true)
                places.narrow (1L, 0L, int64 most)

        let scores, place =
            match active.Priority with
            | None ->
                let confidences = undecided ((network.Confidence mode h).squeeze 1L)
                let scores = confidences.softmax 1L
                // Scores far below the largest are zero, as those of decided nodes are: from the second place on they do not tell.
                scores, largest (if most = 1 then scores else confidences)
            | Some priority ->
                let place = largest (undecided priority)

                let shares =
                    counts
                    |> Array.collect (fun count ->
                        Array.init most (fun i -> if i < count then 1.0 / float count else 0.0))

                let shares = torch.tensor(shares).view(int64 counts.Length, int64 most)
                let all = torch.zeros (decided.shape, dtype = h.dtype, device = h.device)
                all.scatter (1L, place, shares.``to``(h.dtype).``to`` h.device), place

        scope.MoveToOuter scores, scope.MoveToOuter place

    /// The nodes at the places that count, graph after graph. place: [graphs, most] -> [decisions]
    let private nodesAt (active: Unfinished) (counts: int array) (place: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let most = int (place.size 1)
        let all = (plus place (active.FirstNode.unsqueeze 1L)).view(-1L)

        if Array.forall ((=) most) counts then
            all.MoveToOuterDisposeScope()
        else
            let used =
                [|
                    for graph, count in Array.indexed counts do
                        for i in 0 .. count - 1 -> int64 (graph * most + i)
                |]

            all.index_select(0L, torch.tensor (used, device = place.device)).MoveToOuterDisposeScope()

    /// One step of every unfinished graph. `decided` is not written to: back-propagation reads it again.
    let private step
        (decoding: DecodingBatch)
        (network: Network)
        mode
        passMode
        (active: Unfinished)
        (decided: Tensor)
        (t: int)
        decisions
        state
        : Choice =
        use scope = torch.NewDisposeScope()
        let next = network.Pass mode active.Plan decisions state
        let h = NodeState.embedding next // [nodes, hidden]
        let counts = DecodingBatch.decisionsAt decoding active t
        let scores, place = choose network mode active decided counts h
        let nowDecided = decided.scatter (1L, place, torch.ones_like (place, dtype = torch.bool))
        let chosen = nodesAt active counts place // [decisions]

        let logits, loss =
            match passMode with
            | PassMode.Predict -> network.PruneLogits mode (h.index_select (0L, chosen)), None
            | PassMode.Evaluate criterion
            | PassMode.Train criterion ->
                let all = network.PruneLogits mode h // [nodes, 2]

                let costs =
                    Loss.perNode criterion.Weights all active.Labels
                    |> DecodingBatch.rectangle active 0.0

                let undecided = active.Size.sub (scalar (float (t * decoding.Choices)))
                let ofOne = Loss.ofStep criterion.Loss costs scores undecided

                let cost =
                    if decoding.Choices = 1 then
                        ofOne
                    else
                        ofOne.mul (undecided.clamp_max (scalar (float decoding.Choices)))

                all.index_select (0L, chosen), Some cost

        {
            State = next |> NodeState.map (fun tensor -> scope.MoveToOuter tensor)
            Chosen = scope.MoveToOuter chosen
            Logits = scope.MoveToOuter logits
            Decided = scope.MoveToOuter nowDecided
            Decisions = scope.MoveToOuter(feedBack active passMode chosen logits)
            Loss = loss |> Option.map (fun tensor -> scope.MoveToOuter tensor)
        }

    /// Positions of 0 .. count - 1 in a permutation. permutation: [count] int64 -> [count]
    let private inverse (permutation: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let places = torch.tensor (Array.init (int (permutation.size 0)) int64, device = permutation.device)
        (torch.empty_like permutation).scatter_(0L, permutation, places).MoveToOuterDisposeScope()

    let internal encode (decoding: DecodingBatch) (network: Network) (mode: Mode) : NodeState =
        use _scope = torch.NewDisposeScope()
        let h = (network.Encode mode decoding.Batch).index_select(0L, decoding.NodeOrder)

        network.Start h
        |> NodeState.map (fun tensor -> tensor.MoveToOuterDisposeScope())

    let internal begin' (decoding: DecodingBatch) (state: NodeState) : Walk =
        let active = decoding.Unfinished[decoding.Batch.GraphCount]

        {
            Active = active
            State = state
            Decided = active.NodeOfPlace.eq (scalar (float active.Nodes))
            Decisions =
                torch.zeros ([| active.Nodes; 2L |], dtype = decoding.Batch.X.dtype, device = decoding.Batch.Device)
        }

    /// Graphs that are done leave; then the others take step t. `before` is used up.
    let internal advance (decoding: DecodingBatch) network mode passMode (before: Walk) (t: int) : Walk * Choice =
        let graphs = DecodingBatch.graphsAt decoding before.Active.Graphs t

        let walk =
            if graphs = before.Active.Graphs then
                before
            else
                let active = decoding.Unfinished[graphs]

                let narrowed =
                    {
                        Active = active
                        State =
                            before.State
                            |> NodeState.map (fun tensor -> tensor.narrow (0L, 0L, active.Nodes))
                        Decided = before.Decided.narrow (0L, 0L, int64 graphs)
                        Decisions = before.Decisions.narrow (0L, 0L, active.Nodes)
                    }

                NodeState.dispose before.State
                before.Decisions.Dispose()
                narrowed

        let after = step decoding network mode passMode walk.Active walk.Decided t walk.Decisions walk.State
        NodeState.dispose walk.State
        walk.Decisions.Dispose()

        {
            Active = walk.Active
            State = after.State
            Decided = after.Decided
            Decisions = after.Decisions
        },
        after

    /// Logits of the decisions, decision after decision.
    [<NoComparison; NoEquality>]
    type internal DecisionLogits =
        /// [nodes, 2] room for all of them.
        | Copied of Tensor
        /// Those of each step, through which gradients go.
        | Attached of ResizeArray<Tensor>

    /// What was decided, decision after decision. It is copied into room taken beforehand: tensors kept of each step would lie all over
    /// libtorch's heap, and no state of a later step would fit between them.
    [<NoComparison; NoEquality>]
    type internal Trace =
        {
            /// [nodes] int64
            Chosen: Tensor
            /// [nodes] the step of each decision.
            StepOf: int64 array
            Logits: DecisionLogits
            mutable Decisions: int64
        }

    let private room (decoding: DecodingBatch) (dtype: torch.ScalarType) (shape: int64 array) : Tensor =
        torch.empty (shape, dtype = Nullable dtype, device = decoding.Batch.Device)

    /// Room for the logits of all decisions of a batch.
    let internal copiedLogits (decoding: DecodingBatch) : DecisionLogits =
        Copied(room decoding decoding.Batch.X.dtype [| decoding.Batch.X.size 0; 2L |])

    let internal emptyTrace (decoding: DecodingBatch) (logits: DecisionLogits) : Trace =
        let nodes = decoding.Batch.X.size 0

        {
            Chosen = room decoding torch.int64 [| nodes |]
            StepOf = Array.zeroCreate (int nodes)
            Logits = logits
            Decisions = 0L
        }

    /// Notes what step t decided. The tensors of the step are not kept, but for logits that gradients go through.
    let internal record (trace: Trace) (t: int) (after: Choice) : unit =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()
        let count = after.Chosen.size 0
        let place (room: Tensor) = room.narrow (0L, trace.Decisions, count)
        (place trace.Chosen).copy_ after.Chosen |> ignore
        Array.Fill(trace.StepOf, int64 t, int trace.Decisions, int count)

        match trace.Logits with
        | Copied room -> (place room).copy_(after.Logits.detach ()) |> ignore
        | Attached logits -> logits.Add after.Logits

        trace.Decisions <- trace.Decisions + count

    /// The predictions on the batch from its trace and the sums of the step losses, largest graph first.
    let internal predictionsOf (decoding: DecodingBatch) (trace: Trace) (lossOfPlace: Tensor option) : NodePredictions =
        use scope = torch.NewDisposeScope()
        let batch, layout = decoding.Batch, decoding.Layout

        let logits =
            match trace.Logits with
            | Copied room -> room
            | Attached logits -> torch.cat (logits.ToArray(), 0L)

        let batchNode = decoding.NodeOrder.index_select (0L, trace.Chosen) // node decided, decision after decision
        let decisionOfNode = inverse batchNode // [nodes]

        let graphLoss (perPlace: Tensor) =
            let size = Array.init batch.GraphCount (fun place -> float (layout.Size place))

            let place =
                torch.tensor (layout.GraphOrder |> Array.map int64, device = batch.Device)
                |> inverse

            perPlace.div(torch.tensor(size).``to``(perPlace.dtype).``to`` perPlace.device).index_select(0L, place)

        {
            Logits = scope.MoveToOuter(logits.index_select (0L, decisionOfNode))
            StepOfNode =
                scope.MoveToOuter(torch.tensor(trace.StepOf, device = batch.Device).index_select(0L, decisionOfNode))
            GraphLoss = lossOfPlace |> Option.map (fun loss -> scope.MoveToOuter(graphLoss loss))
        }

    // Whatever small thing stays from a step cuts the heap into holes that states of a megabyte do not fit into: one scalar a step
    // (`Evaluator` has one) made 2.4 GB of them in 2,000 steps, a quarter of one with trims. Usual graphs never come to so many.
    let private stepsBetweenTrims = 128

    /// Runs under options: an order of the nodes, and how often training tells the truth.
    let runWith
        (options: DecodingOptions)
        (network: Network)
        (mode: Mode)
        (passMode: PassMode)
        (batch: BatchTensors)
        : NodePredictions =
        use scope = torch.NewDisposeScope()
        let decoding = DecodingBatch.create options mode batch
        let withGradients = torch.is_grad_enabled ()

        let trace =
            emptyTrace decoding (if withGradients then Attached(ResizeArray()) else copiedLogits decoding)

        // Loss so far of the unfinished graphs, and of the finished ones: earliest finished last in the layout.
        let mutable running: Tensor option = None
        let finished = ResizeArray<Tensor>()
        let mutable walk = begin' decoding (encode decoding network mode)

        for t in 0 .. decoding.Steps - 1 do
            let earlier = walk.Active.Graphs
            let begun = walk.Decided
            let next, after = advance decoding network mode passMode walk t
            let graphs = int64 next.Active.Graphs
            record trace t after
            let before = running

            running <-
                match before, after.Loss with
                | Some before, Some now when next.Active.Graphs < earlier ->
                    finished.Add(before.narrow (0L, graphs, int64 earlier - graphs))
                    Some(plus (before.narrow (0L, 0L, graphs)) now)
                | Some before, Some now -> Some(plus before now)
                | _, now -> now

            // Back-propagation reads them again; without it they go at once.
            if not withGradients then
                for tensor in [ begun; after.Chosen; after.Logits ] do
                    tensor.Dispose()

                for sum in Option.toList before do
                    sum.Dispose()
                    after.Loss.Value.Dispose()

                if (t + 1) % stepsBetweenTrims = 0 then
                    NativeHeap.Trim()

            walk <- next

        let losses =
            running
            |> Option.map (fun unfinished -> torch.cat ([| unfinished; yield! Seq.rev finished |], 0L))

        let predictions = predictionsOf decoding trace losses

        {
            Logits = scope.MoveToOuter predictions.Logits
            StepOfNode = scope.MoveToOuter predictions.StepOfNode
            GraphLoss = predictions.GraphLoss |> Option.map (fun loss -> scope.MoveToOuter loss)
        }

    /// The most confident node first, and training always tells the truth: the original's strategy.
    let run: Network -> Mode -> PassMode -> BatchTensors -> NodePredictions =
        runWith
            {
                Order = MostConfident
                TeacherForcingProbability = 1.0
                Choices = 1
            }
