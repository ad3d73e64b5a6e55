namespace Pruning.Model.Training

open System
open TorchSharp
open Pruning.Model.Tensors

/// Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1) with its usual constants, and decoupled weight decay (Loshchilov &
/// Hutter 2019, arXiv:1711.05101, algorithm 2, without its schedule multiplier): before the step every weight shrinks by
/// rate x decay of itself. Our own, because TorchSharp's makes several scalars a parameter that nothing keeps alive during
/// the call (`scalar`). A parameter without a gradient is left alone, and its step count too.
[<Sealed; NoComparison; NoEquality>]
type Adam(parameters: (string * Parameter) list, weightDecay: float) =

    let beta1, beta2, epsilon = 0.9, 0.999, 1e-8

    /// First and second moment of the gradient, and the steps taken.
    let states =
        [
            for name, parameter in parameters ->
                let moment () = (torch.zeros_like parameter).DetachFromDisposeScope()
                name, parameter, moment (), moment (), ref 0
        ]

    let update (parameter: Parameter) (gradient: Tensor) (first: Tensor) (second: Tensor) (steps: int) (rate: float) =
        let correction beta = 1.0 - beta ** float steps

        if weightDecay > 0.0 then
            withScalar (1.0 - rate * weightDecay) (fun left -> parameter.mul_ left)
            |> ignore

        first.mul_(scalar beta1).add_(gradient, scalar (1.0 - beta1)) |> ignore

        second.mul_(scalar beta2).addcmul_(gradient, gradient, scalar (1.0 - beta2))
        |> ignore

        let root = withScalar (sqrt (correction beta2)) (fun scale -> second.sqrt().div_ scale)
        let denominator = root.add_ (scalar epsilon, scalar 1.0)

        withScalar (-rate / correction beta1) (fun length -> parameter.addcdiv_ (first, denominator, length))
        |> ignore

    /// One step along the gradients that the parameters hold.
    member _.Step(learningRate: float) : unit =
        use _guard = torch.no_grad ()

        for _, parameter, first, second, steps in states do
            use _scope = torch.NewDisposeScope()

            match parameter.grad with
            | null -> ()
            | gradient ->
                steps.Value <- steps.Value + 1
                update parameter gradient first second steps.Value learningRate

    /// Forgets the gradients.
    member _.ZeroGradients() : unit =
        for _, parameter in parameters do
            use gradient = parameter.grad

            if not (isNull gradient) then
                parameter.grad <- null

    /// Both moments and the steps taken, by the name of the parameter. The tensors stay the optimiser's.
    member _.State: (string * Tensor * Tensor * int) list =
        [ for name, _, first, second, steps in states -> name, first, second, steps.Value ]

    /// Goes on from another optimiser's state, of the same parameters.
    member _.Load(stateOf: string -> Tensor * Tensor * int) : unit =
        use _guard = torch.no_grad ()

        for name, _, first, second, steps in states do
            let otherFirst, otherSecond, otherSteps = stateOf name
            first.copy_ otherFirst |> ignore
            second.copy_ otherSecond |> ignore
            steps.Value <- otherSteps

    interface IDisposable with
        member _.Dispose() =
            for _, _, first, second, _ in states do
                first.Dispose()
                second.Dispose()
