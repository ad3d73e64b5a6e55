namespace Pruning.Model.Training

open Pruning.Model.Metrics

/// The best epoch so far.
type BestEpoch =
    {
        /// Counts from 1.
        Epoch: int
        /// Steps of the whole run that were done at its end.
        GlobalStep: int64
        Validation: MetricState
    }

/// An epoch among the best ones, whose checkpoint is kept.
type RankedEpoch =
    {
        Epoch: int
        /// `Monitor.score` of its validation.
        Score: float * float
    }

/// Where a training stands: all that it needs to go on, besides tensors. Data order and random numbers depend on the seed, the
/// epoch and the step alone, so that nothing else has to be remembered of them.
type TrainingProgress =
    {
        /// The epoch under way, or that begins; counts from 1.
        Epoch: int
        /// Steps of it that are done.
        Step: int
        /// Steps of the whole run that are done.
        GlobalStep: int64
        /// Rate of the newest step.
        LearningRate: float
        /// Counts of the steps of this epoch.
        Metrics: MetricState
        /// Sum of the gradient norms of the steps of this epoch.
        NormSum: float
        /// Seconds that the steps of this epoch took.
        Seconds: float
        Plateau: PlateauState
        Best: BestEpoch option
        /// The best epochs, the best first.
        Ranking: RankedEpoch list
    }

[<RequireQualifiedAccess>]
module TrainingProgress =

    /// Before the first step.
    let start: TrainingProgress =
        {
            Epoch = 1
            Step = 0
            GlobalStep = 0L
            LearningRate = 0.0
            Metrics = MetricState.zero
            NormSum = 0.0
            Seconds = 0.0
            Plateau = LearningRateSchedule.start
            Best = None
            Ranking = []
        }

    /// The ranking with one more epoch, of which `keep` stay.
    let rank (keep: int) (isBest: bool) (epoch: RankedEpoch) (ranking: RankedEpoch list) : RankedEpoch list =
        let better, others =
            if isBest then
                [], ranking
            else
                ranking |> List.partition (fun other -> other.Score >= epoch.Score)

        better @ epoch :: others |> List.truncate keep
