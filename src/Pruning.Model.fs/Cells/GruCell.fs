namespace Pruning.Model.Cells

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers
open Pruning.Native.Kernels

/// Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078; the form of PyTorch):
/// r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z); n = tanh(x_n + r h_n); h' = z h + (1 - z) n,
/// where x_* and h_* are the thirds of W_x x + b_x and W_h h + b_h.
[<RequireQualifiedAccess>]
module GruCell =

    let private portable (weights: Cell.GateWeights) (x: Tensor) (h: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let a = (Linear.forward weights.Input x).chunk(3L, 1L)
        let b = (Linear.forward weights.Hidden h).chunk(3L, 1L)
        let reset = (plus a[0] b[0]).sigmoid()
        let update = (plus a[1] b[1]).sigmoid()
        let fresh = (plus a[2] (reset.mul b[2])).tanh()
        (plus fresh (update.mul (h.sub fresh))).MoveToOuterDisposeScope()

    let private forward (arithmetic: Arithmetic) (weights: Cell.GateWeights) =
        let tensors = weights.Tensors

        fun (x: Tensor) (state: CellState) ->
            let h = CellState.hidden state // [nodes, hidden]

            if Arithmetic.isFused arithmetic h then
                GruState(fst (Fused.step arithmetic.Kernels GatedKind.Gru tensors x h None))
            else
                GruState(portable weights x h)

    let create (init: Init) (inputs: int) (hidden: int) : Cell =
        {
            Start = GruState
            Layer = Layer.create Cell.visitGates (forward init.Arithmetic) (Cell.gates init 3 inputs hidden)
        }
