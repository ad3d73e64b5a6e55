namespace Pruning.Model.Training

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model

/// Everything a run needs to begin.
[<NoComparison; NoEquality>]
type TrainingPlan =
    {
        Config: TrainingConfig
        Device: torch.Device
        Dataset: GraphDataset
        Split: SplitIndices
        Model: TrainedModel
        /// Directory that receives the checkpoints, and links `last` and `best` to two of them.
        Checkpoints: string
    }

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

/// The training loop.
[<RequireQualifiedAccess>]
module Loop =

    let private batches (plan: TrainingPlan) (indices: int array) =
        let config = plan.Config

        BatchLoader.Batches(
            plan.Dataset,
            indices,
            config.BatchSize,
            config.Workers,
            config.PrefetchFactor,
            CancellationToken.None
        )

    let private evaluate
        (plan: TrainingPlan)
        (model: TrainedModel)
        (seen: int -> unit)
        (indices: int array)
        : MetricState =
        batches plan indices
        |> Evaluation.run plan.Device plan.Config.Threads model seen

    /// Validation as `evaluate` repeats it: the same graphs in the same batches.
    let validate (plan: TrainingPlan) (indices: int array) : MetricState = evaluate plan plan.Model ignore indices

    /// Decides when a training saves itself, and does it once for each point at which it stands.
    type private Saver(plan: TrainingPlan, trainer: Trainer) =
        let clock = Stopwatch.StartNew()
        let mutable saved: (int * int) option = None

        member _.Save(now: TrainingProgress) : unit =
            let point = Some(now.Epoch, now.Step)

            if saved <> point then
                CheckpointStore.save plan.Checkpoints trainer now
                saved <- point

            clock.Restart()

        /// Whether the step that was just done is one to save after.
        member _.IsDue(now: TrainingProgress) : bool =
            match plan.Config.CheckpointEvery with
            | CheckpointInterval.Epochs -> false
            | CheckpointInterval.Steps steps -> now.GlobalStep % int64 steps = 0L
            | CheckpointInterval.Time time -> clock.Elapsed >= time

    /// Up to `count` batches, empty at the end of the epoch.
    let private take (count: int) (source: IEnumerator<GraphBatch>) : GraphBatch array =
        [|
            let mutable taken = 0

            while taken < count && source.MoveNext() do
                taken <- taken + 1
                source.Current
        |]

    /// Takes the steps of the epoch under way that are not done yet, or those before `halt` says so.
    let private trainEpoch
        (plan: TrainingPlan)
        (trainer: Trainer)
        (listener: TrainingListener)
        (saver: Saver)
        (halt: unit -> bool)
        (start: TrainingProgress)
        : TrainingProgress =
        let config = plan.Config
        let order = EpochOrder.Shuffled(plan.Split.Training, config.Seed, start.Epoch)
        let steps = TrainingConfig.stepsPerEpoch config order.Length

        let before =
            min (int64 order.Length) (int64 start.Step * int64 config.BatchSize * int64 config.Accumulate)

        use source = (batches plan (Array.skip (int before) order)).GetEnumerator()
        let states = ResizeArray<MetricState>()
        let clock = Stopwatch.StartNew()
        let mutable now, graphs = start, 0

        // Adding a state copies its histogram: the sum is taken when somebody wants it.
        let summed (now: TrainingProgress) =
            let total = MetricState.sum (Seq.append [ now.Metrics ] states)
            states.Clear()

            { now with
                Metrics = total
                Seconds = start.Seconds + clock.Elapsed.TotalSeconds
            }

        while now.Step < steps && not (halt ()) do
            let batches: GraphBatch array = take config.Accumulate source

            let place =
                {
                    Epoch = now.Epoch
                    Batch = now.Step * config.Accumulate + 1
                    StepsBefore = now.GlobalStep
                    LearningRate = TrainingConfig.learningRate config order.Length now.Plateau now.GlobalStep
                }

            let result = Trainer.learn trainer place batches
            states.Add result.Metrics
            graphs <- graphs + (batches |> Array.sumBy _.GraphCount)

            now <-
                { now with
                    Step = now.Step + 1
                    GlobalStep = now.GlobalStep + 1L
                    NormSum = now.NormSum + result.GradientNorm
                    LearningRate = place.LearningRate
                }

            let rate = float graphs / clock.Elapsed.TotalSeconds

            let left =
                int64 (config.Epochs - now.Epoch + 1) * int64 order.Length
                - before
                - int64 graphs

            listener.OnStep
                {
                    Epoch = now.Epoch
                    Epochs = config.Epochs
                    Step = now.Step
                    Steps = steps
                    GlobalStep = now.GlobalStep
                    LearningRate = place.LearningRate
                    Result = result
                    GraphsPerSecond = rate
                    TimeLeft = TimeSpan.FromSeconds(float left / rate)
                }

            if saver.IsDue now then
                now <- summed now
                saver.Save now

        summed now

    /// Refuses a split without graphs to train on: a DataException. Asked before a run directory is made.
    let requireGraphs (split: SplitIndices) : unit =
        if split.Training.Length = 0 then
            raise (
                Pruning.Data.DataException
                    "wanted graphs to train on, found none in the training split; a larger --training-fraction or --sampling-fraction gives some."
            )

    /// What becomes of an epoch whose steps are done: its report, and where the next one begins.
    let private closeEpoch
        (plan: TrainingPlan)
        (validation: MetricState)
        (seconds: float)
        (now: TrainingProgress)
        : EpochReport * TrainingProgress =
        let score = Monitor.score plan.Config.Monitor

        let isBest =
            // Without a validation split nothing tells epochs apart: the newest counts.
            plan.Split.Validation.Length = 0
            || now.Best
               |> Option.forall (fun earlier -> score validation > score earlier.Validation)

        let report: EpochReport =
            {
                Epoch = now.Epoch
                Epochs = plan.Config.Epochs
                GlobalStep = now.GlobalStep
                LearningRate = now.LearningRate
                Training = now.Metrics
                Validation = validation
                GradientNorm = now.NormSum / float now.Step
                GraphsPerSecond = float plan.Split.Training.Length / now.Seconds
                Seconds = now.Seconds + seconds
                IsBest = isBest
            }

        let best: BestEpoch =
            {
                Epoch = now.Epoch
                GlobalStep = now.GlobalStep
                Validation = validation
            }

        let ranked =
            {
                Epoch = now.Epoch
                Score = score validation
            }

        report,
        { TrainingProgress.start with
            Epoch = now.Epoch + 1
            GlobalStep = now.GlobalStep
            LearningRate = now.LearningRate
            Plateau = LearningRateSchedule.afterEpoch plan.Config.Schedule isBest now.Plateau
            Best = if isBest then Some best else now.Best
            Ranking = TrainingProgress.rank plan.Config.Keep isBest ranked now.Ranking
        }

    /// Why no further epoch should begin, if so.
    let private tryEnd (config: TrainingConfig) (now: TrainingProgress) : TrainingEnding option =
        let waited (best: BestEpoch) = now.Epoch - 1 - best.Epoch

        match now.Best, config.Patience with
        | _ when now.Epoch > config.Epochs -> Some TrainingEnding.EpochsDone
        | Some best, Some patience when now.Step = 0 && waited best >= patience -> Some TrainingEnding.NoImprovement
        | _ -> None

    /// Validation of the network as it stands; None when `stop` came before its end.
    let private tryValidate (plan: TrainingPlan) (trainer: Trainer) (stop: CancellationToken) : MetricState option =
        try
            let seen _ = stop.ThrowIfCancellationRequested()
            Some(evaluate plan (Trainer.evaluated trainer) seen plan.Split.Validation)
        with :? OperationCanceledException when stop.IsCancellationRequested ->
            None

    let private drive
        (plan: TrainingPlan)
        (trainer: Trainer)
        (listener: TrainingListener)
        (stop: CancellationToken)
        (start: TrainingProgress)
        : TrainingOutcome =
        let clock = Stopwatch.StartNew()
        let saver = Saver(plan, trainer)
        let isLate () = plan.Config.MaxTime |> Option.exists (fun limit -> clock.Elapsed >= limit)
        let halt () = stop.IsCancellationRequested || isLate ()
        let steps = TrainingConfig.stepsPerEpoch plan.Config plan.Split.Training.Length

        let finish ending (now: TrainingProgress) =
            {
                Epochs = now.Epoch - 1
                Best = now.Best
                Ending = ending
            }

        let interrupt now =
            saver.Save now

            finish
                (if stop.IsCancellationRequested then
                     TrainingEnding.Stopped
                 else
                     TrainingEnding.TimeIsUp)
                now

        let rec go (now: TrainingProgress) =
            match tryEnd plan.Config now with
            | Some ending -> finish ending now
            | None ->
                let now = trainEpoch plan trainer listener saver halt now

                if now.Step < steps then
                    interrupt now
                else
                    let clock = Stopwatch.StartNew()

                    match tryValidate plan trainer stop with
                    | None -> interrupt now
                    | Some validation ->
                        let report, next = closeEpoch plan validation clock.Elapsed.TotalSeconds now
                        // Before the checkpoint: what is not in the records when the process dies is trained again.
                        listener.OnEpoch report
                        saver.Save next
                        go next

        go start

    /// Trains until the epochs are done, nothing gets better, the time is up or `stop` is set, whichever comes first; the step
    /// under way is always finished, and the newest checkpoint always holds it.
    let run (plan: TrainingPlan) (listener: TrainingListener) (stop: CancellationToken) : TrainingOutcome =
        requireGraphs plan.Split
        use trainer = Trainer.create plan.Device plan.Config plan.Model
        drive plan trainer listener stop TrainingProgress.start

    /// Goes on from a checkpoint of the same plan, whose model it takes: the same steps, to the bit, that the training would
    /// have taken without the break.
    let resume
        (plan: TrainingPlan)
        (checkpoint: Checkpoint)
        (listener: TrainingListener)
        (stop: CancellationToken)
        : TrainingOutcome =
        requireGraphs plan.Split
        use trainer = Trainer.create plan.Device plan.Config (Checkpoint.trainedModel checkpoint)
        Checkpoint.restore checkpoint trainer
        drive plan trainer listener stop checkpoint.Progress
