namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// Inverted dropout (Srivastava et al. 2014, JMLR 15:1929): in training each value is dropped with probability p and the
/// kept ones are divided by 1 - p; in use nothing happens.
[<RequireQualifiedAccess>]
module Dropout =

    /// The mask is drawn from the run's own generator, on the CPU, so that a run can be repeated on any device.
    let apply (probability: float) (mode: Mode) (x: Tensor) : Tensor =
        match mode with
        | Training random when probability > 0.0 ->
            use _scope = torch.NewDisposeScope()
            let drawn = torch.rand (x.shape, dtype = x.dtype, generator = random)
            let kept = drawn.ge(scalar probability).``to``(x.dtype).``to`` x.device
            x.mul(kept.div (scalar (1.0 - probability))).MoveToOuterDisposeScope()
        | _ -> x.alias ()
