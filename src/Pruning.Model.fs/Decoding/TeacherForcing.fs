namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// The decisions in whose place a network in training reads the true label.
[<RequireQualifiedAccess>]
module TeacherForcing =

    /// Probability of the truth when a share of the training is done, 0 in its first epoch, 1 in its last.
    let probability (schedule: TeacherForcingSchedule) (share: float) : float =
        let s = share |> max 0.0 |> min 1.0

        match schedule with
        | TeacherForcingSchedule.Always -> 1.0
        | TeacherForcingSchedule.Linear last -> 1.0 - (1.0 - last) * s
        | TeacherForcingSchedule.Exponential last -> last ** s
        | TeacherForcingSchedule.InverseSigmoid last ->
            // A logistic function of 12 (1/2 - s), stretched so that it goes from exactly 1 to exactly `last`.
            let logistic x = 1.0 / (1.0 + exp -x)
            let low, high = logistic -6.0, logistic 6.0
            last + (1.0 - last) * (logistic (12.0 * (0.5 - s)) - low) / (high - low)

    /// For each node, whether training reads its true label once it is decided. It is drawn node by node before the first step,
    /// from the generator of the step, so that steps that are computed again see the same. None = always. -> [nodes] bool
    let draw (probability: float) (mode: Mode) (batch: BatchTensors) : Tensor option =
        match mode with
        | Training random when probability < 1.0 ->
            use _scope = torch.NewDisposeScope()
            let drawn = torch.rand ([| int64 batch.NodeCount |], dtype = torch.float64, generator = random)
            let teacherForced = withScalar probability (fun limit -> drawn.lt limit)
            Some(teacherForced.``to``(batch.Device).MoveToOuterDisposeScope())
        | _ -> None
