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

    let create (random: torch.Generator) (inputs: int) (hidden: int) : Cell =
        let ofInput = Linear.create random inputs (3 * hidden)
        let ofHidden = Linear.create random hidden (3 * hidden)

        let fusedWeights =
            GatedTensors(ofInput.Weight, ofHidden.Weight, ofInput.Bias.Value, ofHidden.Bias.Value)

        let portable (x: Tensor) (h: Tensor) =
            use _scope = torch.NewDisposeScope()
            let a = (Linear.forward ofInput x).chunk(3L, 1L)
            let b = (Linear.forward ofHidden h).chunk(3L, 1L)
            let reset = (plus a[0] b[0]).sigmoid()
            let update = (plus a[1] b[1]).sigmoid()
            let fresh = (plus a[2] (reset.mul b[2])).tanh()
            (plus fresh (update.mul (h.sub fresh))).MoveToOuterDisposeScope()

        {
            Weights =
                Weights.concat
                    [ Weights.under "input" (Linear.weights ofInput); Weights.under "hidden" (Linear.weights ofHidden) ]
            Start = GruState
            Step =
                fun x state ->
                    let h = CellState.hidden state // [nodes, hidden]

                    if Engine.isFused h then
                        GruState(fst (Fused.step GatedKind.Gru fusedWeights x h None))
                    else
                        GruState(portable x h)
        }
