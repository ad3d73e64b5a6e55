namespace Pruning.Model.Decisions

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model

/// What the steps of an autoregressive network go by.
[<NoComparison; NoEquality>]
type Guidance =
    {
        Order: NodeOrder
        /// How often training tells the truth about a node that was decided; the rest of the time it reads its own decision.
        TruthProbability: float
    }

/// One node a step, most confident first or in another order; each decision is fed back into the node states before the next. All graphs
/// of a batch step together; a graph that is done leaves, so later steps cost less.
///
/// Step t of a graph with N nodes: scores = softmax of the confidences of the N - t undecided nodes; the node with the
/// largest score is decided by its logits; the next step reads [1, decision] at that node and zeros elsewhere.
/// Loss of a graph = 1/N sum over t of the step's cost (`Loss.ofStep`), with gradient through the scores.
[<RequireQualifiedAccess>]
module Autoregressive =

    /// The graphs that still have undecided nodes: a prefix of the batch, laid out largest graph first.
    [<NoComparison; NoEquality>]
    type internal Unfinished =
        {
            Graphs: int
            Nodes: int64
            Plan: PlanTensors
            /// [graphs, width] node at each place of the rectangle; `Nodes` where a graph has no such node.
            NodeOfPlace: Tensor
            /// [graphs] first node of each graph.
            FirstNode: Tensor
            /// [graphs] nodes of each graph, in the type of the weights.
            Size: Tensor
            /// [nodes]
            Labels: Tensor
            /// [nodes] the largest is decided next; none = the confidence head is asked.
            Priority: Tensor option
            /// [nodes] bool, whether training is told a node's label once it is decided; none = always.
            Told: Tensor option
        }

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
    type internal Step =
        {
            State: NodeState
            /// [graphs] node decided in each graph.
            Chosen: Tensor
            /// [graphs, 2] its logits.
            Logits: Tensor
            /// [graphs, width] true at decided or missing nodes, this step's choices included.
            Decided: Tensor
            /// [nodes, 2] what the next step reads.
            Decisions: Tensor
            /// [graphs] cost of the step.
            Loss: Tensor option
        }

    /// What the nodes of a batch know before the first step, in the order of the layout: see `Unfinished`.
    [<NoComparison; NoEquality>]
    type private Known =
        {
            Labels: Tensor
            Priority: Tensor option
            Told: Tensor option
        }

    let private unfinished (batch: BatchTensors) (layout: DescendingBatch) (known: Known) (graphs: int) : Unfinished =
        let nodes = int64 layout.NodeOffsets[graphs]
        let host (values: int64 array) = torch.tensor (values, device = batch.Device)
        let width = if graphs = 0 then 0 else layout.Size 0
        let first (values: Tensor) = values.narrow (0L, 0L, nodes)
        let graphOfNode = Array.init graphs (fun place -> Array.create (layout.Size place) (int64 place))

        {
            Graphs = graphs
            Nodes = nodes
            Plan =
                { PlanTensors.create batch.Device batch.X.dtype (layout.PlanOfFirst graphs) with
                    Graphs =
                        Some
                            {
                                GraphOfNode = host (Array.concat graphOfNode)
                                GraphSizes = Array.init graphs layout.Size
                            }
                }
            NodeOfPlace = (host (layout.Rectangle(graphs, nodes))).view(int64 graphs, int64 width)
            FirstNode = host (Array.init graphs (fun place -> int64 layout.NodeOffsets[place]))
            Size = (host (Array.init graphs (fun place -> int64 (layout.Size place)))).``to`` batch.X.dtype
            Labels = first known.Labels
            Priority = Option.map first known.Priority
            Told = Option.map first known.Told
        }

    /// Node values as a rectangle [graphs, width]; `filler` where a graph has no such node. values: [nodes]
    let private rectangle (active: Unfinished) (filler: float) (values: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let pad = torch.full ([| 1L |], scalar filler, dtype = values.dtype, device = values.device)
        let places = (torch.cat ([| values; pad |], 0L)).index_select(0L, active.NodeOfPlace.view (-1L))
        places.view(active.NodeOfPlace.shape).MoveToOuterDisposeScope()

    let private feedBack (active: Unfinished) (question: Question) (chosen: Tensor) (logits: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        let decision =
            match question with
            | Teach _ ->
                let truth = active.Labels.index_select (0L, chosen)

                match active.Told with
                | Some told -> torch.where (told.index_select (0L, chosen), truth, logits.argmax 1L)
                | None -> truth
            | Decide
            | Judge _ -> logits.argmax 1L

        let pruned = decision.``to`` logits.dtype
        let rows = torch.stack ([| torch.ones_like pruned; pruned |], 1L) // [graphs, 2]
        let zeros = torch.zeros ([| active.Nodes; 2L |], dtype = logits.dtype, device = logits.device)
        zeros.index_copy_(0L, chosen, rows).MoveToOuterDisposeScope()

    /// Which node each graph decides: the scores of its nodes, which sum to 1, and the place of the largest. In a known order
    /// the next node has it all. -> [graphs, width], [graphs, 1]
    let private choose (network: Network) mode (active: Unfinished) (decided: Tensor) (h: Tensor) : Tensor * Tensor =
        use scope = torch.NewDisposeScope()

        let undecided (values: Tensor) =
            (rectangle active 0.0 values).masked_fill(decided, scalar Double.NegativeInfinity)

        let scores, place =
            match active.Priority with
            | None ->
                let scores = (undecided ((network.Confidence mode h).squeeze 1L)).softmax 1L
                scores, scores.detach().argmax(1L, keepdim = true)
            | Some priority ->
                let place = (undecided priority).argmax(1L, keepdim = true)
                let all = torch.zeros (decided.shape, dtype = h.dtype, device = h.device)
                all.scatter (1L, place, torch.ones_like (place, dtype = h.dtype)), place

        scope.MoveToOuter scores, scope.MoveToOuter place

    /// One step of every unfinished graph. `decided` is not written to: back-propagation reads it again.
    let private step
        (network: Network)
        mode
        question
        (active: Unfinished)
        (decided: Tensor)
        (t: int)
        decisions
        state
        : Step =
        use scope = torch.NewDisposeScope()
        let next = network.Step mode active.Plan decisions state
        let h = NodeState.embedding next // [nodes, hidden]
        let scores, place = choose network mode active decided h
        let nowDecided = decided.scatter (1L, place, torch.ones_like (place, dtype = torch.bool))
        let chosen = plus (place.squeeze 1L) active.FirstNode // [graphs]

        let logits, loss =
            match question with
            | Decide -> network.PruneLogits mode (h.index_select (0L, chosen)), None
            | Judge criterion
            | Teach criterion ->
                let all = network.PruneLogits mode h // [nodes, 2]
                let costs = Loss.perNode criterion.Weights all active.Labels |> rectangle active 0.0
                let undecided = active.Size.sub (scalar (float t))
                all.index_select (0L, chosen), Some(Loss.ofStep criterion.Loss costs scores undecided)

        {
            State = next |> NodeState.map (fun tensor -> scope.MoveToOuter tensor)
            Chosen = scope.MoveToOuter chosen
            Logits = scope.MoveToOuter logits
            Decided = scope.MoveToOuter nowDecided
            Decisions = scope.MoveToOuter(feedBack active question chosen logits)
            Loss = loss |> Option.map (fun tensor -> scope.MoveToOuter tensor)
        }

    /// Positions of 0 .. count - 1 in a permutation. permutation: [count] int64 -> [count]
    let private inverse (permutation: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let places = torch.tensor (Array.init (int (permutation.size 0)) int64, device = permutation.device)
        (torch.empty_like permutation).scatter_(0L, permutation, places).MoveToOuterDisposeScope()

    /// A batch on its way: its layout, and the parts of it that are still unfinished after each graph has left.
    [<NoComparison; NoEquality>]
    type internal Course =
        {
            Batch: BatchTensors
            Layout: DescendingBatch
            NodeOrder: Tensor
            Steps: int
            /// By the number of graphs.
            Unfinished: Map<int, Unfinished>
        }

    let internal graphsAt (layout: DescendingBatch) (graphs: int) (t: int) : int =
        Seq.init graphs layout.Size
        |> Seq.takeWhile (fun size -> size > t)
        |> Seq.length

    /// Lays a batch out. What the guidance draws is drawn here, once, so that steps that are computed again see the same.
    let internal courseOf (guidance: Guidance) (mode: Mode) (batch: BatchTensors) : Course =
        let layout = DescendingBatch.Of batch.Source
        let nodeOrder = torch.tensor (layout.NodeOrder, device = batch.Device)
        let inLayout (values: Tensor) = values.index_select (0L, nodeOrder)

        let known =
            {
                Labels = inLayout batch.Labels
                Priority = NodeOrder.priorities guidance.Order mode batch |> Option.map inLayout
                Told = Truth.draw guidance.TruthProbability mode batch |> Option.map inLayout
            }

        let steps = if batch.GraphCount = 0 then 0 else layout.Size 0

        let counts =
            batch.GraphCount
            :: [ for t in 0 .. steps - 1 -> graphsAt layout batch.GraphCount t ]
            |> List.distinct

        {
            Batch = batch
            Layout = layout
            NodeOrder = nodeOrder
            Steps = steps
            Unfinished = Map.ofList [ for graphs in counts -> graphs, unfinished batch layout known graphs ]
        }

    let internal encode (course: Course) (network: Network) (mode: Mode) : NodeState =
        use _scope = torch.NewDisposeScope()
        let h = (network.Encode mode course.Batch).index_select(0L, course.NodeOrder)

        network.Start h
        |> NodeState.map (fun tensor -> tensor.MoveToOuterDisposeScope())

    let internal begin' (course: Course) (state: NodeState) : Walk =
        let active = course.Unfinished[course.Batch.GraphCount]

        {
            Active = active
            State = state
            Decided = active.NodeOfPlace.eq (scalar (float active.Nodes))
            Decisions = torch.zeros ([| active.Nodes; 2L |], dtype = course.Batch.X.dtype, device = course.Batch.Device)
        }

    /// Graphs that are done leave; then the others take step t. `before` is used up.
    let internal advance (course: Course) network mode question (before: Walk) (t: int) : Walk * Step =
        let graphs = graphsAt course.Layout before.Active.Graphs t

        let walk =
            if graphs = before.Active.Graphs then
                before
            else
                let active = course.Unfinished[graphs]

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

        let after = step network mode question walk.Active walk.Decided t walk.Decisions walk.State
        NodeState.dispose walk.State
        walk.Decisions.Dispose()

        {
            Active = walk.Active
            State = after.State
            Decided = after.Decided
            Decisions = after.Decisions
        },
        after

    /// What was decided, step after step.
    [<NoComparison; NoEquality>]
    type internal Trace =
        {
            Chosen: ResizeArray<Tensor>
            Rows: ResizeArray<Tensor>
            StepOf: ResizeArray<Tensor>
        }

    let internal record (keep: Tensor -> Tensor) (trace: Trace) (t: int) (after: Step) : unit =
        trace.Chosen.Add(keep after.Chosen)
        trace.Rows.Add(keep after.Logits)
        trace.StepOf.Add(keep (torch.full_like (after.Chosen, scalar (float t))))

    /// The verdict on the batch from its trace and the sums of the step losses, largest graph first.
    let internal verdictOf (course: Course) (trace: Trace) (lossOfPlace: Tensor option) : Verdict =
        use scope = torch.NewDisposeScope()
        let batch, layout = course.Batch, course.Layout
        let all (parts: ResizeArray<Tensor>) = torch.cat (parts.ToArray(), 0L)
        let batchNode = course.NodeOrder.index_select (0L, all trace.Chosen) // node decided, decision after decision
        let decisionOfNode = inverse batchNode // [nodes]

        let graphLoss (perPlace: Tensor) =
            let size = Array.init batch.GraphCount (fun place -> float (layout.Size place))

            let place =
                torch.tensor (layout.GraphOrder |> Array.map int64, device = batch.Device)
                |> inverse

            perPlace.div(torch.tensor(size).``to``(perPlace.dtype).``to`` perPlace.device).index_select(0L, place)

        {
            Logits = scope.MoveToOuter((all trace.Rows).index_select(0L, decisionOfNode))
            StepOfNode = scope.MoveToOuter((all trace.StepOf).index_select(0L, decisionOfNode))
            GraphLoss = lossOfPlace |> Option.map (fun loss -> scope.MoveToOuter(graphLoss loss))
        }

    let internal emptyTrace () : Trace =
        {
            Chosen = ResizeArray()
            Rows = ResizeArray()
            StepOf = ResizeArray()
        }

    /// Runs under guidance: an order of the nodes, and how often training tells the truth.
    let runWith
        (guidance: Guidance)
        (network: Network)
        (mode: Mode)
        (question: Question)
        (batch: BatchTensors)
        : Verdict =
        use scope = torch.NewDisposeScope()
        let course = courseOf guidance mode batch
        let trace = emptyTrace ()

        // Loss so far of the unfinished graphs, and of the finished ones: earliest finished last in the layout.
        let mutable running: Tensor option = None
        let finished = ResizeArray<Tensor>()
        let mutable walk = begin' course (encode course network mode)

        for t in 0 .. course.Steps - 1 do
            let earlier = walk.Active.Graphs
            let next, after = advance course network mode question walk t
            let graphs = int64 next.Active.Graphs
            record id trace t after

            running <-
                match running, after.Loss with
                | Some before, Some now when next.Active.Graphs < earlier ->
                    finished.Add(before.narrow (0L, graphs, int64 earlier - graphs))
                    Some(plus (before.narrow (0L, 0L, graphs)) now)
                | Some before, Some now -> Some(plus before now)
                | _, now -> now

            walk <- next

        let losses =
            running
            |> Option.map (fun unfinished -> torch.cat ([| unfinished; yield! Seq.rev finished |], 0L))

        let verdict = verdictOf course trace losses

        {
            Logits = scope.MoveToOuter verdict.Logits
            StepOfNode = scope.MoveToOuter verdict.StepOfNode
            GraphLoss = verdict.GraphLoss |> Option.map (fun loss -> scope.MoveToOuter loss)
        }

    /// The most confident node first, and training always tells the truth: the original's strategy.
    let run: Network -> Mode -> Question -> BatchTensors -> Verdict =
        runWith
            {
                Order = MostConfident
                TruthProbability = 1.0
            }
