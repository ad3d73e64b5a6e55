namespace Pruning.Model.Training

open TorchSharp
open Pruning.Model.Tensors

/// An exponential moving average of the weights (Polyak & Juditsky 1992; as used for networks since): a second network whose
/// weights follow those that are trained, and which is the one that is evaluated.
[<RequireQualifiedAccess>]
module Averaging =

    /// Share of the average that a step keeps, when `steps` steps are done: short at first, so that the random weights of the
    /// beginning are soon forgotten.
    let decay (longest: float) (steps: int64) : float = min longest (float (1L + steps) / float (10L + steps))

    /// Moves the average towards the newest weights: average <- decay average + (1 - decay) newest. What is not trained, such
    /// as running statistics, is copied.
    let update (decay: float) (newest: Weights) (average: Weights) : unit =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()

        for (_, value), (_, mean) in List.zip newest.Parameters average.Parameters do
            withScalar decay (fun keep -> mean.mul_ keep) |> ignore
            withScalar (1.0 - decay) (fun share -> mean.add_ (value, share)) |> ignore

        for (_, value), (_, copy) in List.zip newest.Buffers average.Buffers do
            copy.copy_ value |> ignore
