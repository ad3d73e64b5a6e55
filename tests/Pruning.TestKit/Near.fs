/// Comparisons of tensors with the tolerance in the message.
module Pruning.Tests.Near

open Expecto
open TorchSharp

/// Largest absolute difference of two tensors of one shape, in float64; NaN counts as infinitely far.
let distance (a: torch.Tensor) (b: torch.Tensor) : float =
    use _scope = torch.NewDisposeScope()

    if a.shape <> b.shape then
        failtestf "shapes differ: %A and %A" a.shape b.shape

    if a.numel () = 0L then
        0.0
    else
        let gap = a.detach().``to``(torch.float64).sub(b.detach().``to`` torch.float64).abs()
        let largest = gap.max().item<float>()
        if System.Double.IsNaN largest then infinity else largest

let largest (a: torch.Tensor) : float =
    if a.numel () = 0L then
        0.0
    else
        a.detach().abs().max().``to``(torch.float64).item<float>()

/// Every element within an absolute tolerance.
let close (tolerance: float) (actual: torch.Tensor) (wanted: torch.Tensor) (what: string) : unit =
    let gap = distance actual wanted
    Expect.isLessThanOrEqual gap tolerance $"{what}: largest difference {gap:G3}, tolerance {tolerance:G3}"

/// Largest difference within a tolerance relative to the largest wanted value.
let closeRelative (tolerance: float) (actual: torch.Tensor) (wanted: torch.Tensor) (what: string) : unit =
    close (tolerance * max (largest wanted) 1e-12) actual wanted what
