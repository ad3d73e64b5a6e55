namespace Pruning.Model.Training

open System
open TorchSharp
open Pruning.Model

/// Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) with its usual constants. Our own, because TorchSharp's makes
/// several scalars a parameter that nothing keeps alive during the call (`scalar`). A parameter without a gradient is
/// left alone, and its step count too.
[<Sealed; NoComparison; NoEquality>]
type Adam(parameters: Parameter list, learningRate: float) =

    let beta1, beta2, epsilon = 0.9, 0.999, 1e-8

    /// First and second moment of the gradient, and the steps taken.
    let states =
        [
            for parameter in parameters ->
                let moment () = (torch.zeros_like parameter).DetachFromDisposeScope()
                parameter, moment (), moment (), ref 0
        ]

    let update (parameter: Parameter) (gradient: Tensor) (first: Tensor) (second: Tensor) (steps: int) =
        let correction beta = 1.0 - beta ** float steps
        first.mul_(scalar beta1).add_(gradient, scalar (1.0 - beta1)) |> ignore

        second.mul_(scalar beta2).addcmul_(gradient, gradient, scalar (1.0 - beta2))
        |> ignore

        let root = withScalar (sqrt (correction beta2)) (fun scale -> second.sqrt().div_ scale)
        let denominator = root.add_ (scalar epsilon, scalar 1.0)

        withScalar (-learningRate / correction beta1) (fun length -> parameter.addcdiv_ (first, denominator, length))
        |> ignore

    /// One step along the gradients that the parameters hold.
    member _.Step() : unit =
        use _guard = torch.no_grad ()

        for parameter, first, second, steps in states do
            use _scope = torch.NewDisposeScope()

            match parameter.grad with
            | null -> ()
            | gradient ->
                steps.Value <- steps.Value + 1
                update parameter gradient first second steps.Value

    /// Forgets the gradients.
    member _.ZeroGradients() : unit =
        for parameter in parameters do
            use gradient = parameter.grad

            if not (isNull gradient) then
                parameter.grad <- null

    interface IDisposable with
        member _.Dispose() =
            for _, first, second, _ in states do
                first.Dispose()
                second.Dispose()
