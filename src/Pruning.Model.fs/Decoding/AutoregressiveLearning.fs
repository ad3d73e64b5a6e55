namespace Pruning.Model.Decoding

open System
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Native.Posix

/// Learning from autoregressive runs: back-propagation through all steps, through all steps within a budget of memory, or
/// through some steps at a time.
[<RequireQualifiedAccess>]
module AutoregressiveLearning =

    /// Bytes that a step with this many nodes and edges keeps for back-propagation.
    let private stepBytes
        (config: PrunerConfig)
        (fused: bool)
        (elementBytes: int64)
        (nodes: int64)
        (edges: int64)
        : int64 =
        let width = int64 ((config.Hidden + 31) / 32 * 32)
        // What an edge keeps: gates and carry; libtorch's operations keep their inputs and answers one by one.
        let perEdge = if fused then 5L else 16L
        let perRound = edges * perEdge + nodes * 5L
        let cells = nodes * (if config.MemoryCell.IsSome then 18L else 9L)
        let heads = nodes * 2L * 5L * 4L
        (int64 config.Rounds * perRound + cells + heads) * width * elementBytes

    /// Cuts the steps where what back-propagation keeps would exceed the budget: [first, last] of each segment. A step that
    /// does not fit alone is a segment all the same.
    let private segments (bytesOfStep: int -> int64) (budget: int64) (steps: int) : (int * int) list =
        let rec cut first (last: int) used (found: (int * int) list) =
            if last >= steps then
                List.rev (if first < steps then (first, steps - 1) :: found else found)
            else
                let bytes = bytesOfStep last

                if last > first && used + bytes > budget then
                    cut last last 0L ((first, last - 1) :: found)
                else
                    cut first (last + 1) (used + bytes) found

        cut 0 0 0L []

    /// Cuts the steps so that the largest segment and the states at the starts of all of them stay within the budget together:
    /// the longest segments that do, since the last one is not run again; where none do, those that take the least.
    let private bounded (steps: (int64 * int64) array) (budget: int64) : (int * int) list =
        let ofStep, ofState = Array.map fst steps, Array.map snd steps
        let largest = Array.fold max 0L ofStep

        let cost segments =
            let longest =
                segments
                |> List.map (fun (first, last) -> Array.sum ofStep[first..last])
                |> List.fold max 0L

            longest + List.sumBy (fun (first, _) -> ofState[first]) segments

        // Every length up to 4 steps, and longer ones a quarter apart.
        let lengths = Seq.unfold (fun n -> if n >= 2 * steps.Length then None else Some(n, n + max 1 (n / 4))) 1

        let cuts =
            [
                for length in lengths ->
                    let segments = segments (Array.get ofStep) (largest * int64 length) steps.Length
                    cost segments, segments
            ]

        match cuts |> List.tryFindBack (fun (cost, _) -> cost <= budget), cuts with
        | Some(_, segments), _ -> segments
        | None, [] -> []
        | None, _ -> cuts |> List.minBy fst |> snd

    /// Tensors of a node that a state consists of.
    let private carries (config: PrunerConfig) : int64 =
        let ofCell cell =
            match cell with
            | CellKind.Lstm -> 2L
            | CellKind.Gru -> 1L

        ofCell config.DecisionCell
        + (config.MemoryCell |> Option.map ofCell |> Option.defaultValue 0L)

    let private segmentsOf
        (config: PrunerConfig)
        (arithmetic: Arithmetic)
        (decoding: DecodingBatch)
        (memory: Backpropagation)
        : (int * int) list =
        let active t = decoding.Unfinished[DecodingBatch.graphsAt decoding decoding.Batch.GraphCount t]
        let fused = Arithmetic.isFused arithmetic decoding.Batch.X
        let elementBytes = if decoding.Batch.X.dtype = torch.float64 then 8L else 4L

        let bytes t =
            let active = active t
            stepBytes config fused elementBytes active.Nodes (active.Plan.StepSource.size 0)

        match memory with
        | Backpropagation.Full -> segments (fun _ -> 0L) 1L decoding.Steps
        | Backpropagation.Truncated steps -> segments (fun _ -> 1L) (int64 steps) decoding.Steps
        | Backpropagation.Bounded budget ->
            let state t = (active t).Nodes * carries config * int64 config.Hidden * elementBytes
            bounded (Array.init decoding.Steps (fun t -> bytes t, state t)) budget

    /// A state that gradients stop at, and can be asked for.
    let private leaf (state: NodeState) : NodeState =
        state |> NodeState.map (fun tensor -> tensor.detach().requires_grad_())

    let private tensorsOf (state: NodeState) : Tensor list =
        let parts = ResizeArray<Tensor>()

        let keep tensor =
            parts.Add tensor
            tensor

        NodeState.map keep state |> ignore
        List.ofSeq parts

    /// Sum of state * gradient over the parts of a state whose gradient is known.
    let private projected (state: NodeState) (gradients: (Tensor | null) list) : Tensor list =
        [
            for part, gradient in List.zip (tensorsOf state) gradients do
                match gradient with
                | null -> ()
                | gradient when part.requires_grad -> part.mul(gradient).sum()
                | _ -> ()
        ]

    /// What a segment contributes to the loss. weights: [graphs], largest first.
    let private objective (weights: Tensor) (losses: Tensor seq) : Tensor list =
        [ for loss in losses -> loss.mul(weights.narrow (0L, 0L, loss.size 0)).sum() ]

    let private free (tensor: Tensor | null) : unit =
        match tensor with
        | null -> ()
        | tensor -> tensor.Dispose()

    let private gradientsOf (scope: DisposeScope) (state: NodeState) : (Tensor | null) list =
        [
            for part in tensorsOf state ->
                match part.grad with
                | null -> null
                | gradient -> scope.MoveToOuter gradient
        ]

    /// Keeps walks by their place, in tensors that hold all places: many small ones among libtorch's own would leave its
    /// heap full of holes, which doubled the memory of a large step. `first`: the walk with the most nodes.
    let private keepIn
        (attach: Tensor -> Tensor)
        (places: int)
        (first: Autoregressive.Walk)
        : int -> Autoregressive.Walk -> Autoregressive.Walk =
        let roomFor (tensor: Tensor) =
            attach (torch.empty ([| int64 places; yield! tensor.shape |], dtype = tensor.dtype, device = tensor.device))

        let ofState = tensorsOf first.State |> List.map roomFor
        let ofDecided, ofDecisions = roomFor first.Decided, roomFor first.Decisions

        fun place walk ->
            use _scope = torch.NewDisposeScope()
            use _guard = torch.no_grad ()

            let put (room: Tensor) (tensor: Tensor) =
                let target = room.select(0L, int64 place).narrow(0L, 0L, tensor.size 0)
                target.copy_ (tensor.detach ()) |> ignore
                attach target

            let rooms = System.Collections.Generic.Queue ofState

            {
                Active = walk.Active
                State = walk.State |> NodeState.map (fun tensor -> put (rooms.Dequeue()) tensor)
                Decided = put ofDecided walk.Decided
                Decisions = put ofDecisions walk.Decisions
            }

    /// What the segments of one batch share while it is learnt from.
    [<NoComparison; NoEquality>]
    type private Learning =
        {
            Network: Network
            Mode: Mode
            PassMode: PassMode
            Random: torch.Generator
            Decoding: DecodingBatch
            Trace: Autoregressive.Trace
            /// [graphs] sums of the losses so far, largest graph first.
            Total: Tensor
            /// [graphs] factors of the losses, largest graph first.
            Weights: Tensor
            Encoded: NodeState
            /// Attaches a tensor to the scope of the batch.
            Attach: Tensor -> Tensor
            /// Keeps a walk by its place.
            Keep: int -> Autoregressive.Walk -> Autoregressive.Walk
        }

    /// Runs the steps of a segment; its losses, and the walk after it. `isNew`: the steps have not been run before.
    let private runSegment (learning: Learning) (isNew: bool) (start: Autoregressive.Walk) (first: int, last: int) =
        let losses = ResizeArray<Tensor>()
        let mutable walk = start

        for t in first..last do
            let next, after =
                Autoregressive.advance learning.Decoding learning.Network learning.Mode learning.PassMode walk t

            if isNew then
                use _guard = torch.no_grad ()
                let loss = after.Loss.Value
                learning.Total.narrow(0L, 0L, loss.size 0).add_(loss, scalar 1.0) |> ignore

                Autoregressive.record learning.Trace t after

            losses.Add after.Loss.Value
            walk <- next

        walk, losses

    /// A walk that may be used up, from one that is kept.
    let private again (walk: Autoregressive.Walk) (state: NodeState) : Autoregressive.Walk =
        {
            Active = walk.Active
            State = state |> NodeState.map _.alias()
            Decided = walk.Decided
            Decisions = walk.Decisions.alias ()
        }

    /// Back-propagates a segment from its start; what `next` makes of its end, and the gradients of its start.
    let private backward
        (learning: Learning)
        (isNew: bool)
        (start: Autoregressive.Walk)
        (segment: int * int)
        (after: (Tensor | null) list option)
        (before: unit -> unit)
        (next: Autoregressive.Walk -> 'T)
        : 'T * (Tensor | null) list =
        use inner = torch.NewDisposeScope()
        let state = leaf start.State
        let walk, losses = runSegment learning isNew (again start state) segment
        before ()

        let ofState =
            match after with
            | Some gradients -> projected walk.State gradients
            | None -> []

        Gradients.backward (List.reduce plus (objective learning.Weights losses @ ofState))
        next walk, gradientsOf inner state

    /// Takes the gradients of the first state back through the encoder.
    let private toEncoder (learning: Learning) (gradients: (Tensor | null) list) : unit =
        match projected learning.Encoded gradients with
        | [] -> ()
        | parts -> Gradients.backward (List.reduce plus parts)

    /// Segment after segment, each back-propagated when it has been run: no gradient passes from one to the one before.
    let private truncated (learning: Learning) (start: Autoregressive.Walk) (segments: (int * int) list) : unit =
        let mutable walk = start

        for place, segment in List.indexed segments do
            let next, gradients = backward learning true walk segment None ignore (learning.Keep((place + 1) % 2))

            if place = 0 then
                toEncoder learning gradients

            List.iter free gradients
            walk <- next

    /// All segments but the last are run without gradients. Then the segments are back-propagated, last first; `check` is
    /// called before the first of them.
    let private bySegments
        (learning: Learning)
        (start: Autoregressive.Walk)
        (earlier: (int * int) list)
        (last: int * int)
        (check: unit -> unit)
        : unit =
        let starts = ResizeArray<Autoregressive.Walk * Tensor * (int * int)>()
        let mutable walk = start

        for place, segment in List.indexed earlier do
            use _inner = torch.NewDisposeScope()
            use _guard = torch.no_grad ()
            starts.Add(walk, learning.Attach(learning.Random.get_state ()), segment)
            let next, _ = runSegment learning true (again walk walk.State) segment
            walk <- learning.Keep (place + 1) next

        // Steps without gradients leave a heap with holes of other sizes than the steps with gradients fill.
        if starts.Count > 0 then
            NativeHeap.Trim()

        let (), gradients = backward learning true walk last None check ignore
        let mutable gradients = gradients

        for walk, state, segment in Seq.rev starts do
            // What functions of ours saved for the segment before is freed by finalizers. .NET does not see how much that is,
            // and would let all segments pile up.
            GC.Collect()
            GC.WaitForPendingFinalizers()
            learning.Random.set_state state
            let (), before = backward learning false walk segment (Some gradients) ignore ignore
            List.iter free gradients
            gradients <- before

        toEncoder learning gradients

    /// Learns from a batch: runs it with the true labels and adds the gradients of the weighted sum of its graphs' losses to
    /// the parameters. `check` sees the predictions before anything is back-propagated, unless gradients are truncated, and may
    /// refuse it. With a budget, all segments but the last are run without gradients first; then each is run again from its
    /// kept state, last first, with the same random numbers.
    let learn
        (options: DecodingOptions)
        (config: PrunerConfig)
        (network: Network)
        (memory: Backpropagation)
        (random: torch.Generator)
        (criterion: Criterion)
        (weights: float array)
        (check: NodePredictions -> unit)
        (batch: BatchTensors)
        : NodePredictions =
        use outer = torch.NewDisposeScope()

        let attach (tensor: Tensor) =
            outer.Attach tensor
            tensor

        let mode = Training random
        let decoding = DecodingBatch.create options mode batch
        let trace = Autoregressive.emptyTrace decoding (Autoregressive.copiedLogits decoding)
        let total = torch.zeros ([| int64 batch.GraphCount |], dtype = batch.X.dtype, device = batch.Device)

        let weightOfPlace =
            let perPlace place = weights[decoding.Layout.GraphOrder[place]] / float (decoding.Layout.Size place)
            torch.tensor(Array.init batch.GraphCount perPlace).``to``(batch.X.dtype).``to`` batch.Device

        let encoded = Autoregressive.encode decoding network mode
        let segments = segmentsOf config network.Arithmetic decoding memory
        let predictions () = Autoregressive.predictionsOf decoding trace (Some total)
        let first = Autoregressive.begin' decoding encoded

        let places =
            match memory with
            | Backpropagation.Truncated _ -> 2
            | Backpropagation.Full
            | Backpropagation.Bounded _ -> max 1 segments.Length

        let learning =
            {
                Network = network
                Mode = mode
                PassMode = PassMode.Train criterion
                Random = random
                Decoding = decoding
                Trace = trace
                Total = total
                Weights = weightOfPlace
                Encoded = encoded
                Attach = attach
                Keep = keepIn attach places first
            }

        let start = learning.Keep 0 first

        match memory, List.rev segments with
        | _, [] -> ()
        | Backpropagation.Truncated _, _ ->
            truncated learning start segments
            check (predictions ())
        | _, last :: earlier -> bySegments learning start (List.rev earlier) last (fun () -> check (predictions ()))

        let predictions = predictions ()

        {
            Logits = outer.MoveToOuter predictions.Logits
            StepOfNode = outer.MoveToOuter predictions.StepOfNode
            GraphLoss = predictions.GraphLoss |> Option.map (fun loss -> outer.MoveToOuter loss)
        }
