namespace Pruning.Model.Training

open System
open Pruning.Model.Metrics

/// After an optimiser step.
type StepReport =
    {
        /// Counts from 1.
        Epoch: int
        Epochs: int
        /// Steps of this epoch that are done.
        Step: int
        Steps: int
        /// Steps of the whole run that are done.
        GlobalStep: int64
        LearningRate: float
        Result: StepResult
        GraphsPerSecond: float
        /// Until the end of the run at this rate.
        TimeLeft: TimeSpan
    }

/// After the validation of an epoch.
type EpochReport =
    {
        /// Counts from 1.
        Epoch: int
        Epochs: int
        GlobalStep: int64
        /// Of its last step.
        LearningRate: float
        Training: MetricState
        Validation: MetricState
        /// Mean over the steps, before clipping.
        GradientNorm: float
        /// Training graphs a second, validation not counted.
        GraphsPerSecond: float
        Seconds: float
        /// Whether this is the best epoch so far.
        IsBest: bool
    }

/// Who listens to a run. The functions are called on the training thread, between two steps.
[<NoComparison; NoEquality>]
type TrainingListener =
    {
        OnStep: StepReport -> unit
        OnEpoch: EpochReport -> unit
    }

[<RequireQualifiedAccess>]
module TrainingListener =

    let silent: TrainingListener = { OnStep = ignore; OnEpoch = ignore }

    /// Both hear everything, the first one first.
    let both (a: TrainingListener) (b: TrainingListener) : TrainingListener =
        {
            OnStep =
                fun report ->
                    a.OnStep report
                    b.OnStep report
            OnEpoch =
                fun report ->
                    a.OnEpoch report
                    b.OnEpoch report
        }

/// Why a training came to its end.
[<RequireQualifiedAccess>]
type TrainingEnding =
    /// All epochs are done.
    | EpochsDone
    /// So many epochs in a row were no better than the best one (`Patience`).
    | NoImprovement
    /// `MaxTime` has passed.
    | TimeIsUp
    /// It was asked to stop.
    | Stopped

/// How a run ended.
type TrainingOutcome =
    {
        /// Epochs that are done, validation included.
        Epochs: int
        Best: BestEpoch option
        Ending: TrainingEnding
    }

    /// It was asked to stop before it had come to its end; `last/` holds the weights at that moment.
    member this.Interrupted: bool = (this.Ending = TrainingEnding.Stopped)
