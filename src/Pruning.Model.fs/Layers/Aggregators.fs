namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Native.Kernels

/// Turns the states of a node's in-neighbours into one vector: [nodes, inputs] -> [nodes, PerInput * inputs].
/// A node without in-edges gets zero.
[<NoComparison; NoEquality>]
type AggregatorLayer =
    {
        Weights: Weights
        /// Columns of the answer for each column of the input.
        PerInput: int
        Forward: PlanTensors -> Tensor -> Tensor
    }

/// Aggregators over neighbours. The gated ones walk every neighbourhood at once: nodes are sorted by in-degree, so the
/// nodes that still have a t-th neighbour are a prefix that shrinks with t; the input projection is taken once per
/// node, not once per edge, because all edges that leave a node share it.
[<RequireQualifiedAccess>]
module Aggregators =

    /// Rows of every step from [edges, columns] laid step after step.
    let private steps (plan: PlanTensors) (perEdge: Tensor) : Tensor array =
        if plan.ActiveCounts.Length = 0 then
            [||]
        else
            perEdge.split (plan.ActiveCounts, 0L)

    /// Walks the steps with a shrinking prefix of states and hands the last state of every node back in node order.
    /// `step` sees the rows of one step and the states of the same nodes (none before the first).
    let private walk
        (plan: PlanTensors)
        (width: int64)
        (perEdge: Tensor)
        (step: Tensor -> Tensor list option -> Tensor list)
        : Tensor =
        let zero rows = torch.zeros ([| rows; width |], dtype = perEdge.dtype, device = perEdge.device)
        let finished = ResizeArray<Tensor>() // rows that left the prefix, latest first in rank order when reversed
        let mutable states: Tensor list option = None
        let mutable active = 0L

        for rows in steps plan perEdge do
            let count = rows.size 0

            match states with
            | Some inner when count < active ->
                finished.Add((List.head inner).narrow(0L, count, active - count))
                states <- Some(inner |> List.map (fun state -> state.narrow (0L, 0L, count)))
            | _ -> ()

            states <- Some(step rows states)
            active <- count

        let reached = if plan.ActiveCounts.Length = 0 then 0L else plan.ActiveCounts[0]

        let inRankOrder =
            [|
                yield! states |> Option.map List.head |> Option.toList
                yield! Seq.rev finished
                if reached < int64 plan.NodeCount || plan.NodeCount = 0 then
                    zero (int64 plan.NodeCount - reached)
            |]

        (torch.cat (inRankOrder, 0L)).index_select(0L, plan.RankOfNode)

    /// Names as in PyTorch's recurrent layers, without the layer suffix.
    let private recurrentWeights (random: torch.Generator) (gates: int) (inputs: int) =
        let shape columns = [| int64 (gates * inputs); int64 columns |]
        let inputWeight = Init.fanIn random inputs (shape inputs)
        let hiddenWeight = Init.fanIn random inputs (shape inputs)
        let inputBias = Init.fanIn random inputs [| int64 (gates * inputs) |]
        let hiddenBias = Init.fanIn random inputs [| int64 (gates * inputs) |]

        let weights =
            Weights.ofParameters
                [ "weight_ih", inputWeight; "weight_hh", hiddenWeight; "bias_ih", inputBias; "bias_hh", hiddenBias ]

        weights, inputWeight, hiddenWeight, inputBias, hiddenBias

    /// A gated aggregator by the engine in force.
    let private gated
        kind
        weights
        (tensors: GatedTensors)
        (portable: PlanTensors -> Tensor -> Tensor)
        : AggregatorLayer =
        {
            Weights = weights
            PerInput = 1
            Forward =
                fun plan x ->
                    if Engine.isFused x then
                        Fused.aggregate kind plan.Lists.Value tensors x
                    else
                        portable plan x
        }

    /// Last hidden state of an LSTM over the neighbours in edge order (arXiv:1706.02216, section 3.3).
    /// i, f, o = sigmoid, g = tanh of W_ih x + b_ih + W_hh h + b_hh; c' = f c + i g; h' = o tanh c'.
    let lstm (random: torch.Generator) (inputs: int) : AggregatorLayer =
        let weights, inputWeight, hiddenWeight, inputBias, hiddenBias = recurrentWeights random 4 inputs

        let step (recurrent: Tensor) (rows: Tensor) (states: Tensor list option) =
            use scope = torch.NewDisposeScope()

            let gates, carry =
                match states with
                | Some [ h; c ] -> rows.addmm (h, recurrent, 1.0f, 1.0f), Some c // [active, 4 inputs]
                | _ -> rows, None

            let parts = gates.chunk (4L, 1L)
            let fresh = (parts[0].sigmoid()).mul(parts[2].tanh())

            let c =
                match carry with
                | Some c -> plus ((parts[1].sigmoid()).mul c) fresh
                | None -> fresh

            let h = (parts[3].sigmoid()).mul(c.tanh ())
            [ scope.MoveToOuter h; scope.MoveToOuter c ]

        let portable (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let projected = torch.nn.functional.linear (x, inputWeight, plus inputBias hiddenBias) // [nodes, 4 inputs]
            let perEdge = projected.index_select (0L, plan.StepSource) // [edges, 4 inputs]
            let recurrent = hiddenWeight.t ()
            (walk plan (int64 inputs) perEdge (step recurrent)).MoveToOuterDisposeScope()

        gated GatedKind.Lstm weights (GatedTensors(inputWeight, hiddenWeight, inputBias, hiddenBias)) portable

    /// Last hidden state of a GRU over the neighbours in edge order.
    /// r, z = sigmoid; n = tanh(x_n + r h_n); h' = (1 - z) n + z h.
    let gru (random: torch.Generator) (inputs: int) : AggregatorLayer =
        let weights, inputWeight, hiddenWeight, inputBias, hiddenBias = recurrentWeights random 3 inputs

        let step (recurrent: Tensor) (rows: Tensor) (states: Tensor list option) =
            use scope = torch.NewDisposeScope()
            let x = rows.chunk (3L, 1L)

            let hidden =
                match states with
                | Some [ h ] -> hiddenBias.addmm (h, recurrent, 1.0f, 1.0f) // [active, 3 inputs]
                | _ -> hiddenBias.unsqueeze 0L // the zero state's projection

            let u = hidden.chunk (3L, 1L)
            let reset = (plus x[0] u[0]).sigmoid()
            let update = (plus x[1] u[1]).sigmoid()
            let fresh = (plus x[2] (reset.mul u[2])).tanh()

            let h =
                match states with
                | Some [ h ] -> plus fresh (update.mul (h.sub fresh))
                | _ -> fresh.sub (update.mul fresh)

            [ scope.MoveToOuter h ]

        let portable (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let projected = torch.nn.functional.linear (x, inputWeight, inputBias) // [nodes, 3 inputs]
            let perEdge = projected.index_select (0L, plan.StepSource) // [edges, 3 inputs]
            (walk plan (int64 inputs) perEdge (step (hiddenWeight.t ()))).MoveToOuterDisposeScope()

        gated GatedKind.Gru weights (GatedTensors(inputWeight, hiddenWeight, inputBias, hiddenBias)) portable

    let private unweighted kind (portable: PlanTensors -> Tensor -> Tensor) : AggregatorLayer =
        {
            Weights = Weights.empty
            PerInput = 1
            Forward =
                fun plan x ->
                    if Engine.isFused x then
                        Fused.reduce kind plan.Lists.Value x
                    else
                        portable plan x
        }

    /// Sum over the neighbours.
    let sum: AggregatorLayer =
        unweighted ReductionKind.Sum (fun plan x ->
            use _scope = torch.NewDisposeScope()
            let messages = x.index_select (0L, plan.SegmentSource) // [edges, inputs]
            (Segment.sum plan.NodeCount plan.SegmentTarget messages).MoveToOuterDisposeScope())

    /// Mean over the neighbours.
    let mean: AggregatorLayer =
        unweighted ReductionKind.Mean (fun plan x ->
            use _scope = torch.NewDisposeScope()
            let degree = plan.InDegree.clamp_min (scalar 1.0)
            (sum.Forward plan x).div(degree).MoveToOuterDisposeScope())

    /// Largest value over the neighbours, feature by feature.
    let max: AggregatorLayer =
        let step (rows: Tensor) (states: Tensor list option) =
            match states with
            | Some [ best ] -> [ torch.maximum (best, rows) ]
            | _ -> [ rows ]

        unweighted ReductionKind.Max (fun plan x ->
            use _scope = torch.NewDisposeScope()
            let perEdge = x.index_select (0L, plan.StepSource) // [edges, inputs]
            (walk plan (x.size 1) perEdge step).MoveToOuterDisposeScope())

    /// Mean, then max: the one tells how much there is around, the other the most striking of it.
    let meanMax: AggregatorLayer =
        {
            Weights = Weights.empty
            PerInput = 2
            Forward =
                fun plan x ->
                    use _scope = torch.NewDisposeScope()
                    torch.cat([| mean.Forward plan x; max.Forward plan x |], 1L).MoveToOuterDisposeScope()
        }

    /// The aggregator that a configuration asks for.
    let create (random: torch.Generator) (kind: Aggregator) (inputs: int) : AggregatorLayer =
        match kind with
        | Aggregator.Lstm -> lstm random inputs
        | Aggregator.Gru -> gru random inputs
        | Aggregator.Mean -> mean
        | Aggregator.Max -> max
        | Aggregator.Sum -> sum
        | Aggregator.MeanMax -> meanMax
