namespace Pruning.Model.Cells

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers
open Pruning.Native.Kernels

/// Long short-term memory (Hochreiter & Schmidhuber 1997; the form of PyTorch):
/// i, f, o = sigmoid, g = tanh of the quarters (i, f, g, o) of W_x x + b_x + W_h h + b_h; c' = f c + i g; h' = o tanh c'.
[<RequireQualifiedAccess>]
module LstmCell =

    let create (random: torch.Generator) (inputs: int) (hidden: int) : Cell =
        let ofInput = Linear.create random inputs (4 * hidden)
        let ofHidden = Linear.create random hidden (4 * hidden)

        let fusedWeights =
            GatedTensors(ofInput.Weight, ofHidden.Weight, ofInput.Bias.Value, ofHidden.Bias.Value)

        let portable (x: Tensor) (h: Tensor) (c: Tensor) =
            use scope = torch.NewDisposeScope()
            let recurrent = ofHidden.Weight.t ()
            let gates = (Linear.forward ofInput x).addmm(h, recurrent, 1.0f, 1.0f) // [nodes, 4 hidden]
            let parts = (plus gates ofHidden.Bias.Value).chunk(4L, 1L)
            let kept = (parts[1].sigmoid()).mul c
            let c = plus kept ((parts[0].sigmoid()).mul(parts[2].tanh()))
            let h = (parts[3].sigmoid()).mul(c.tanh ())
            LstmState(scope.MoveToOuter h, scope.MoveToOuter c)

        let step (x: Tensor) (h: Tensor) (c: Tensor) =
            if Engine.isFused h then
                let h, c = Fused.step GatedKind.Lstm fusedWeights x h (Some c)
                LstmState(h, c.Value)
            else
                portable x h c

        {
            Weights =
                Weights.concat
                    [ Weights.under "input" (Linear.weights ofInput); Weights.under "hidden" (Linear.weights ofHidden) ]
            Start = fun h -> LstmState(h, torch.zeros_like h)
            Step =
                fun x state ->
                    match state with
                    | LstmState(h, c) -> step x h c
                    | GruState h ->
                        use empty = torch.zeros_like h
                        step x h empty
        }
