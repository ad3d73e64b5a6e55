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
        /// Columns of the answer for each column of the input.
        PerInput: int
        Layer: Layer<PlanTensors -> Tensor -> Tensor>
    }

    member this.Weights = this.Layer.Weights
    member this.Forward = this.Layer.Forward

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

    /// g = 4 gates of an LSTM or 3 of a GRU.
    [<NoComparison; NoEquality>]
    type private RecurrentWeights =
        {
            /// [g inputs, inputs]
            InputWeight: Parameter
            /// [g inputs, inputs]
            HiddenWeight: Parameter
            /// [g inputs]
            InputBias: Parameter
            /// [g inputs]
            HiddenBias: Parameter
        }

        member this.Tensors = GatedTensors(this.InputWeight, this.HiddenWeight, this.InputBias, this.HiddenBias)

    /// Names as in PyTorch's recurrent layers, without the layer suffix.
    let private visitRecurrent (visitor: WeightVisitor) (weights: RecurrentWeights) : RecurrentWeights =
        {
            InputWeight = visitor.Parameter "weight_ih" weights.InputWeight
            HiddenWeight = visitor.Parameter "weight_hh" weights.HiddenWeight
            InputBias = visitor.Parameter "bias_ih" weights.InputBias
            HiddenBias = visitor.Parameter "bias_hh" weights.HiddenBias
        }

    let private recurrent (init: Init) (gates: int) (inputs: int) : RecurrentWeights =
        let shape = [| int64 (gates * inputs); int64 inputs |]

        {
            InputWeight = Init.fanIn init inputs shape
            HiddenWeight = Init.fanIn init inputs shape
            InputBias = Init.fanIn init inputs [| int64 (gates * inputs) |]
            HiddenBias = Init.fanIn init inputs [| int64 (gates * inputs) |]
        }

    /// A gated aggregator by the engine of the network.
    let private gated
        (init: Init)
        (kind: GatedKind)
        (portable: RecurrentWeights -> PlanTensors -> Tensor -> Tensor)
        (weights: RecurrentWeights)
        : AggregatorLayer =
        let arithmetic = init.Arithmetic

        let forward (weights: RecurrentWeights) =
            let tensors = weights.Tensors

            fun (plan: PlanTensors) (x: Tensor) ->
                if Arithmetic.isFused arithmetic x then
                    Fused.aggregate arithmetic.Kernels kind plan.Lists.Value tensors x
                else
                    portable weights plan x

        {
            PerInput = 1
            Layer = Layer.create visitRecurrent forward weights
        }

    /// Last hidden state of an LSTM over the neighbours in edge order (arXiv:1706.02216, section 3.3).
    /// i, f, o = sigmoid, g = tanh of W_ih x + b_ih + W_hh h + b_hh; c' = f c + i g; h' = o tanh c'.
    let lstm (init: Init) (inputs: int) : AggregatorLayer =
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

        let portable (weights: RecurrentWeights) (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let bias = plus weights.InputBias weights.HiddenBias
            let projected = torch.nn.functional.linear (x, weights.InputWeight, bias) // [nodes, 4 inputs]
            let perEdge = projected.index_select (0L, plan.StepSource) // [edges, 4 inputs]
            let recurrent = weights.HiddenWeight.t ()
            (walk plan (int64 inputs) perEdge (step recurrent)).MoveToOuterDisposeScope()

        gated init GatedKind.Lstm portable (recurrent init 4 inputs)

    /// Last hidden state of a GRU over the neighbours in edge order.
    /// r, z = sigmoid; n = tanh(x_n + r h_n); h' = (1 - z) n + z h.
    let gru (init: Init) (inputs: int) : AggregatorLayer =
        let step (bias: Tensor) (recurrent: Tensor) (rows: Tensor) (states: Tensor list option) =
            use scope = torch.NewDisposeScope()
            let x = rows.chunk (3L, 1L)

            let hidden =
                match states with
                | Some [ h ] -> bias.addmm (h, recurrent, 1.0f, 1.0f) // [active, 3 inputs]
                | _ -> bias.unsqueeze 0L // the zero state's projection

            let u = hidden.chunk (3L, 1L)
            let reset = (plus x[0] u[0]).sigmoid()
            let update = (plus x[1] u[1]).sigmoid()
            let fresh = (plus x[2] (reset.mul u[2])).tanh()

            let h =
                match states with
                | Some [ h ] -> plus fresh (update.mul (h.sub fresh))
                | _ -> fresh.sub (update.mul fresh)

            [ scope.MoveToOuter h ]

        let portable (weights: RecurrentWeights) (plan: PlanTensors) (x: Tensor) =
            use _scope = torch.NewDisposeScope()
            let projected = torch.nn.functional.linear (x, weights.InputWeight, weights.InputBias) // [nodes, 3 inputs]
            let perEdge = projected.index_select (0L, plan.StepSource) // [edges, 3 inputs]
            let step = step weights.HiddenBias (weights.HiddenWeight.t ())
            (walk plan (int64 inputs) perEdge step).MoveToOuterDisposeScope()

        gated init GatedKind.Gru portable (recurrent init 3 inputs)

    let private unweighted
        (kind: ReductionKind)
        (portable: PlanTensors -> Tensor -> Tensor)
        (arithmetic: Arithmetic)
        : AggregatorLayer =
        let forward (plan: PlanTensors) (x: Tensor) =
            if Arithmetic.isFused arithmetic x then
                Fused.reduce kind plan.Lists.Value x
            else
                portable plan x

        {
            PerInput = 1
            Layer = Layer.weightless forward
        }

    let private portableSum (plan: PlanTensors) (x: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let messages = x.index_select (0L, plan.SegmentSource) // [edges, inputs]
        (Segment.sum plan.NodeCount plan.SegmentTarget messages).MoveToOuterDisposeScope()

    let private portableMean (plan: PlanTensors) (x: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let degree = plan.InDegree.clamp_min (scalar 1.0)
        (portableSum plan x).div(degree).MoveToOuterDisposeScope()

    let private portableMax (plan: PlanTensors) (x: Tensor) : Tensor =
        let step (rows: Tensor) (states: Tensor list option) =
            match states with
            | Some [ best ] -> [ torch.maximum (best, rows) ]
            | _ -> [ rows ]

        use _scope = torch.NewDisposeScope()
        let perEdge = x.index_select (0L, plan.StepSource) // [edges, inputs]
        (walk plan (x.size 1) perEdge step).MoveToOuterDisposeScope()

    /// Sum over the neighbours.
    let sum: Arithmetic -> AggregatorLayer = unweighted ReductionKind.Sum portableSum

    /// Mean over the neighbours.
    let mean: Arithmetic -> AggregatorLayer = unweighted ReductionKind.Mean portableMean

    /// Largest value over the neighbours, feature by feature.
    let max: Arithmetic -> AggregatorLayer = unweighted ReductionKind.Max portableMax

    /// Mean, then max: the one tells how much there is around, the other the most striking of it.
    let meanMax (arithmetic: Arithmetic) : AggregatorLayer =
        let mean, max = mean arithmetic, max arithmetic

        {
            PerInput = 2
            Layer =
                Layer.weightless (fun plan x ->
                    use _scope = torch.NewDisposeScope()
                    torch.cat([| mean.Forward plan x; max.Forward plan x |], 1L).MoveToOuterDisposeScope())
        }

    let visit (visitor: WeightVisitor) (aggregator: AggregatorLayer) : AggregatorLayer =
        { aggregator with
            Layer = Layer.visit visitor aggregator.Layer
        }

    /// The aggregator that a configuration asks for.
    let create (init: Init) (kind: Aggregator) (inputs: int) : AggregatorLayer =
        match kind with
        | Aggregator.Lstm -> lstm init inputs
        | Aggregator.Gru -> gru init inputs
        | Aggregator.Mean -> mean init.Arithmetic
        | Aggregator.Max -> max init.Arithmetic
        | Aggregator.Sum -> sum init.Arithmetic
        | Aggregator.MeanMax -> meanMax init.Arithmetic
