/// Gradients against finite differences, in float64.
module Pruning.Tests.Slopes

open Expecto
open TorchSharp
open Pruning.Model.Tensors

let private step = 1e-6

/// Compares the gradient of a function with its central differences, in at most `count` places of each tensor, spread over it.
/// The function is asked again with one number changed, so it has to be the same every time.
let check (count: int) (tolerance: float) (value: unit -> torch.Tensor) (tensors: (string * torch.Tensor) list) : unit =
    for _, tensor in tensors do
        tensor.grad <- null

    (value ()).backward()

    for name, tensor in tensors do
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()
        let total = tensor.numel ()
        let flat = tensor.detach().view -1L

        let gradient =
            match tensor.grad with
            | null -> torch.zeros_like flat
            | found -> found.contiguous().view -1L

        for place in List.distinct [ for k in 0 .. count - 1 -> int64 k * total / int64 count ] do
            let at (shift: float) =
                flat.narrow(0L, place, 1L).add_(scalar shift, scalar 1.0) |> ignore
                (value ()).item<float>()

            let above = at step
            let below = at (-2.0 * step)
            at step |> ignore
            let slope = (above - below) / (2.0 * step)
            let found = gradient[place].item<float>()
            let scale = max 1.0 (abs slope)
            Expect.isLessThan (abs (slope - found) / scale) tolerance $"d/d{name}[{place}]: {slope} and {found}"
