namespace Pruning.Model.Cells

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers
open Pruning.Native.Kernels

/// Long short-term memory (Hochreiter & Schmidhuber 1997; the form of PyTorch):
/// i, f, o = sigmoid, g = tanh of the quarters (i, f, g, o) of W_x x + b_x + W_h h + b_h; c' = f c + i g; h' = o tanh c'.
[<RequireQualifiedAccess>]
module LstmCell =

    let private portable (weights: Cell.GateWeights) (x: Tensor) (h: Tensor) (c: Tensor) : CellState =
        use scope = torch.NewDisposeScope()
        let recurrent = weights.Hidden.Weight.t ()
        let gates = (Linear.forward weights.Input x).addmm(h, recurrent, 1.0f, 1.0f) // [nodes, 4 hidden]
        let parts = (plus gates weights.Hidden.Bias.Value).chunk(4L, 1L)
        let kept = (parts[1].sigmoid()).mul c
        let c = plus kept ((parts[0].sigmoid()).mul(parts[2].tanh()))
        let h = (parts[3].sigmoid()).mul(c.tanh ())
        LstmState(scope.MoveToOuter h, scope.MoveToOuter c)

    let private forward (arithmetic: Arithmetic) (weights: Cell.GateWeights) =
        let tensors = weights.Tensors

        let step (x: Tensor) (h: Tensor) (c: Tensor) =
            if Arithmetic.isFused arithmetic h then
                let h, c = Fused.step arithmetic.Kernels GatedKind.Lstm tensors x h (Some c)
                LstmState(h, c.Value)
            else
                portable weights x h c

        fun (x: Tensor) (state: CellState) ->
            match state with
            | LstmState(h, c) -> step x h c
            | GruState h ->
                use empty = torch.zeros_like h
                step x h empty

    let create (init: Init) (inputs: int) (hidden: int) : Cell =
        {
            Start = fun h -> LstmState(h, torch.zeros_like h)
            Layer = Layer.create Cell.visitGates (forward init.Arithmetic) (Cell.gates init 4 inputs hidden)
        }
