namespace Pruning.Model.Training

open System

/// How the learning rate goes over a training, as a share of the rate that was asked for. p runs from 0 at the first step
/// after the warm-up to 1 at the last step of all.
[<RequireQualifiedAccess>]
type LearningRateSchedule =
    | Constant
    /// last + (1 - last) (1 + cos pi p) / 2 (Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts).
    | Cosine of last: float
    /// Up from 1/25 along half a cosine until p = rise, then down to 1/250,000 (Smith & Topin 2018, arXiv:1708.07120).
    | OneCycle of rise: float
    /// Times `factor` whenever `patience` epochs in a row were no better than the best one.
    | Plateau of factor: float * patience: int

/// What a plateau schedule remembers between epochs.
type PlateauState =
    {
        /// Share of the rate that is left.
        Scale: float
        /// Epochs since the best one, or since the rate was last lowered.
        Waited: int
    }

/// Learning rates as values: a pure function of the step, the number of steps, and the state of a plateau.
[<RequireQualifiedAccess>]
module LearningRateSchedule =

    /// Before the first epoch.
    let start: PlateauState = { Scale = 1.0; Waited = 0 }

    let private between (first: float) (last: float) (share: float) : float =
        last + (first - last) * (1.0 + cos (Math.PI * share)) / 2.0

    /// Share of the rate before the warm-up is taken into account. p in [0, 1].
    let private shape (schedule: LearningRateSchedule) (plateau: PlateauState) (p: float) : float =
        match schedule with
        | LearningRateSchedule.Constant -> 1.0
        | LearningRateSchedule.Cosine last -> between 1.0 last p
        | LearningRateSchedule.OneCycle rise when p < rise -> between 0.04 1.0 (p / rise)
        | LearningRateSchedule.OneCycle rise -> between 1.0 4e-6 ((p - rise) / max 1e-12 (1.0 - rise))
        | LearningRateSchedule.Plateau _ -> plateau.Scale

    /// Share of the learning rate for step `step`, counted from 0, of `total`. The first `warmup` steps rise linearly to where
    /// the schedule begins.
    let share
        (schedule: LearningRateSchedule)
        (warmup: int)
        (total: int64)
        (plateau: PlateauState)
        (step: int64)
        : float =
        let warmup = int64 warmup

        if step < warmup then
            shape schedule plateau 0.0 * float (step + 1L) / float warmup
        else
            let p = float (step - warmup) / float (max 1L (total - 1L - warmup))
            shape schedule plateau (min 1.0 p)

    /// The state after an epoch.
    let afterEpoch (schedule: LearningRateSchedule) (isBest: bool) (state: PlateauState) : PlateauState =
        match schedule with
        | LearningRateSchedule.Constant
        | LearningRateSchedule.Cosine _
        | LearningRateSchedule.OneCycle _ -> state
        | LearningRateSchedule.Plateau _ when isBest -> { state with Waited = 0 }
        | LearningRateSchedule.Plateau(factor, patience) when state.Waited + 1 >= patience ->
            {
                Scale = state.Scale * factor
                Waited = 0
            }
        | LearningRateSchedule.Plateau _ -> { state with Waited = state.Waited + 1 }

    /// Whether the rate of a step depends on how many steps there will be.
    let needsTotal (schedule: LearningRateSchedule) : bool =
        match schedule with
        | LearningRateSchedule.Cosine _
        | LearningRateSchedule.OneCycle _ -> true
        | LearningRateSchedule.Constant
        | LearningRateSchedule.Plateau _ -> false
