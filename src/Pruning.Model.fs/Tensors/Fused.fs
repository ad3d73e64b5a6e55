namespace Pruning.Model.Tensors

open System
open System.Collections.Generic
open TorchSharp
open Pruning.Native.Kernels

/// The fused kernels as functions that libtorch differentiates. What a forward pass keeps is freed by its backward pass, or
/// by the garbage collector when there was none.
module private FusedFunctions =

    type Context = torch.autograd.AutogradContext

    let weightsOf (inputWeight: Tensor) (hiddenWeight: Tensor) (inputBias: Tensor) (hiddenBias: Tensor) =
        GatedTensors(inputWeight, hiddenWeight, inputBias, hiddenBias)

    let tensor (value: obj) = value :?> Tensor

    /// Weights from place `first` on.
    let weights (all: IReadOnlyList<Tensor>) (first: int) =
        weightsOf all[first] all[first + 1] all[first + 2] all[first + 3]

    let weightList (weights: GatedTensors) : (Tensor | null) list =
        [ weights.InputWeight; weights.HiddenWeight; weights.InputBias; weights.HiddenBias ]

    let data<'T> (context: Context) (key: string) : 'T = unbox<'T>(context.get_data key)

    let isDefined (tensor: Tensor) = not tensor.IsInvalid

    /// Room for the next state of a cell, with views of its parts: h' is all of it, or, when there is a cell state, [h'; c'].
    let emptyState (h: Tensor) (hasCell: bool) : Tensor * Tensor * Tensor option =
        if hasCell then
            let both = torch.empty ([| 2L; h.size 0; h.size 1 |], dtype = h.dtype)
            both, both.select (0L, 0L), Some(both.select (0L, 1L))
        else
            let next = torch.empty_like h
            next, next, None

    /// Runs with the tensors that the forward pass saved.
    let withSaved (context: Context) (work: List<Tensor> -> 'T) : 'T =
        let saved = context.get_saved_variables ()

        try
            work saved
        finally
            for tensor in saved do
                if isDefined tensor then
                    tensor.Dispose()

    /// x, four weights, lists, kind, options -> last hidden state over the neighbours.
    [<Sealed>]
    type GatedAggregation() =
        inherit torch.autograd.SingleTensorFunction<GatedAggregation>()
        override _.Name = "gated aggregation"

        override _.forward(context, [<ParamArray>] inputs) =
            let x = tensor inputs[0]
            let tensors = List(Seq.map tensor (Seq.take 5 inputs))
            let lists, kind = inputs[5] :?> NeighbourLists, inputs[6] :?> GatedKind
            let weights = weights tensors 1
            let options = inputs[7] :?> KernelOptions
            let output = torch.empty ([| x.size 0; weights.HiddenWeight.size 1 |], dtype = x.dtype)
            context.set_materialize_grads false
            context.save_for_backward tensors
            context.save_data ("lists", lists)
            context.save_data ("kind", kind)
            context.save_data ("differentiated", x.requires_grad)

            context.save_data ("steps", FusedAggregator.Forward(kind, options, lists, weights, x, output, keep = true))

            output

        override _.backward(context, incoming) =
            Gradients.guard 8 (List [ incoming ]) (fun () ->
                if incoming.IsInvalid then
                    []
                else
                    withSaved context (fun saved ->
                        use dOutput = incoming.contiguous ()
                        let x, weights = saved[0], weights saved 1
                        let dX = if data context "differentiated" then Some(torch.empty_like x) else None
                        let dWeights = weights.EmptyLike()

                        FusedAggregator.Backward(
                            data context "kind",
                            data context "lists",
                            weights,
                            x,
                            data context "steps",
                            dOutput,
                            Option.toObj dX,
                            dWeights
                        )

                        Option.toObj dX :: weightList dWeights))

    /// x, h, c (or null), four weights, kind, options -> h', or [h'; c'] for an LSTM. One output, not two: TorchSharp counts the missing
    /// gradient of an output that nobody reads as a tensor that is never freed.
    [<Sealed>]
    type GatedStep() =
        inherit torch.autograd.SingleTensorFunction<GatedStep>()
        override _.Name = "gated step"

        override _.forward(context, [<ParamArray>] inputs) =
            let kind, options = inputs[7] :?> GatedKind, inputs[8] :?> KernelOptions
            let x, h = tensor inputs[0], tensor inputs[1]
            let cell = if kind = GatedKind.Lstm then Some(tensor inputs[2]) else None
            let weights = weightsOf (tensor inputs[3]) (tensor inputs[4]) (tensor inputs[5]) (tensor inputs[6])
            let output, nextHidden, nextCell = emptyState h (Option.isSome cell)
            context.set_materialize_grads false

            context.save_for_backward (
                List(
                    [
                        x
                        h
                        weights.InputWeight
                        weights.HiddenWeight
                        weights.InputBias
                        weights.HiddenBias
                        yield! Option.toList cell
                    ]
                )
            )

            let steps =
                FusedCell.Forward(
                    kind,
                    options,
                    weights,
                    x,
                    h,
                    Option.toObj cell,
                    nextHidden,
                    Option.toObj nextCell,
                    keep = true
                )

            context.save_data ("kind", kind)
            context.save_data ("differentiated", x.requires_grad)
            context.save_data ("steps", steps)
            output

        override _.backward(context, incoming) =
            Gradients.guard 9 (List [ incoming ]) (fun () ->
                if incoming.IsInvalid then
                    []
                else
                    withSaved context (fun saved ->
                        use _scope = torch.NewDisposeScope()
                        let kind: GatedKind = data context "kind"
                        let x, h, weights = saved[0], saved[1], weights saved 2
                        let cell = if kind = GatedKind.Lstm then Some saved[6] else None
                        let seeds = incoming.contiguous ()

                        let dNextHidden, dNextCell =
                            match cell with
                            | Some _ -> seeds.select (0L, 0L), Some(seeds.select (0L, 1L))
                            | None -> seeds, None

                        let dX = if data context "differentiated" then Some(torch.empty_like x) else None
                        let dHidden = torch.empty_like h
                        let dCell = cell |> Option.map torch.empty_like
                        let dWeights = weights.EmptyLike()

                        FusedCell.Backward(
                            kind,
                            weights,
                            x,
                            h,
                            Option.toObj cell,
                            data context "steps",
                            dNextHidden,
                            Option.toObj dNextCell,
                            Option.toObj dX,
                            dHidden,
                            Option.toObj dCell,
                            dWeights
                        )

                        let answer: (Tensor | null) list =
                            Option.toObj dX :: dHidden :: Option.toObj dCell :: weightList dWeights

                        for tensor in answer do
                            match tensor with
                            | null -> ()
                            | tensor -> tensor.MoveToOuterDisposeScope() |> ignore

                        answer))

    /// x, lists, kind -> sum, mean or largest value over the neighbours.
    [<Sealed>]
    type Reduction() =
        inherit torch.autograd.SingleTensorFunction<Reduction>()
        override _.Name = "reduction over neighbours"

        override _.forward(context, [<ParamArray>] inputs) =
            let x, lists, kind = tensor inputs[0], inputs[1] :?> NeighbourLists, inputs[2] :?> ReductionKind
            let output = torch.empty_like x
            FusedReduction.Forward(kind, lists, x, output)
            context.set_materialize_grads false
            context.save_for_backward (List [ x ])
            context.save_data ("lists", lists)
            context.save_data ("kind", kind)
            output

        override _.backward(context, incoming) =
            Gradients.guard 3 (List [ incoming ]) (fun () ->
                if incoming.IsInvalid then
                    []
                else
                    withSaved context (fun saved ->
                        let lists, kind = data context "lists", data context "kind"
                        use dOutput = incoming.contiguous ()
                        let dX = torch.empty_like dOutput
                        // An output that is saved would hold its own node alive: it is computed again, which is cheap.
                        use output = torch.empty_like dOutput

                        if kind = ReductionKind.Max then
                            FusedReduction.Forward(kind, lists, saved[0], output)

                        FusedReduction.Backward(kind, lists, saved[0], output, dOutput, dX)
                        [ dX ]))

/// Aggregators and cells by the fused kernels: the same answers as libtorch's operations. float32 on the CPU.
[<RequireQualifiedAccess>]
module Fused =

    open FusedFunctions

    let private isTaught (tensors: Tensor seq) =
        torch.is_grad_enabled ()
        && Seq.exists (fun (tensor: Tensor) -> tensor.requires_grad) tensors

    /// Last hidden state of a gated cell over the in-neighbours of each node. x: [nodes, inputs] -> [nodes, hidden]
    let aggregate
        (options: KernelOptions)
        (kind: GatedKind)
        (lists: NeighbourLists)
        (weights: GatedTensors)
        (x: Tensor)
        : Tensor =
        use _scope = torch.NewDisposeScope()
        let x = x.contiguous ()

        if isTaught [ x; weights.HiddenWeight ] then
            GatedAggregation
                .apply(
                    x,
                    weights.InputWeight,
                    weights.HiddenWeight,
                    weights.InputBias,
                    weights.HiddenBias,
                    lists,
                    kind,
                    options
                )
                .MoveToOuterDisposeScope()
        else
            let output = torch.empty ([| x.size 0; weights.HiddenWeight.size 1 |], dtype = x.dtype)

            FusedAggregator.Forward(kind, options, lists, weights, x, output, keep = false)
            |> ignore

            output.MoveToOuterDisposeScope()

    /// One step of a gated cell. x: [nodes, inputs]; h, and c for an LSTM: [nodes, hidden] -> the same of the next step
    let step
        (options: KernelOptions)
        (kind: GatedKind)
        (weights: GatedTensors)
        (x: Tensor)
        (h: Tensor)
        (cell: Tensor option)
        : Tensor * Tensor option =
        use scope = torch.NewDisposeScope()
        let x, h = x.contiguous (), h.contiguous ()
        let cell = cell |> Option.map _.contiguous()

        if isTaught [ x; h; yield! Option.toList cell; weights.HiddenWeight ] then
            let answer =
                GatedStep.apply (
                    x,
                    h,
                    (match cell with
                     | Some cell -> box cell
                     | None -> null),
                    weights.InputWeight,
                    weights.HiddenWeight,
                    weights.InputBias,
                    weights.HiddenBias,
                    kind,
                    options
                )

            match cell with
            | Some _ ->
                let parts = answer.unbind 0L
                scope.MoveToOuter parts[0], Some(scope.MoveToOuter parts[1])
            | None -> scope.MoveToOuter answer, None
        else
            let _, nextHidden, nextCell = emptyState h (Option.isSome cell)

            FusedCell.Forward(
                kind,
                options,
                weights,
                x,
                h,
                Option.toObj cell,
                nextHidden,
                Option.toObj nextCell,
                keep = false
            )
            |> ignore

            scope.MoveToOuter nextHidden, nextCell |> Option.map (fun tensor -> scope.MoveToOuter tensor)

    /// Sum, mean or largest value over the in-neighbours. x: [nodes, features] -> [nodes, features]
    let reduce (kind: ReductionKind) (lists: NeighbourLists) (x: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let x = x.contiguous ()

        if isTaught [ x ] then
            Reduction.apply(x, lists, kind).MoveToOuterDisposeScope()
        else
            let output = torch.empty_like x
            FusedReduction.Forward(kind, lists, x, output)
            output.MoveToOuterDisposeScope()
