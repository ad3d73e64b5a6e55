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
        /// Directory that receives `last/` and `best/`.
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

    /// Name of the model inside a checkpoint directory.
    let modelName = "model.safetensors"

    let private save (plan: TrainingPlan) (trainer: Trainer) (name: string) (epoch: int) (step: int64) : unit =
        let notes =
            plan.Model.Notes
            |> Map.add "epoch" (string epoch)
            |> Map.add "global_step" (string step)

        AtomicDirectory.replace (Path.Combine(plan.Checkpoints, name)) (fun directory ->
            ModelFile.save
                (Path.Combine(directory, modelName))
                { Trainer.evaluated trainer with
                    Notes = notes
                })

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

    /// Validation as `evaluate` repeats it: the same graphs in the same batches.
    let validate (plan: TrainingPlan) (indices: int array) : MetricState =
        batches plan indices
        |> Evaluation.run plan.Device plan.Config.Threads plan.Model ignore

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
        (halt: unit -> bool)
        (start: TrainingProgress)
        : TrainingProgress =
        let config = plan.Config
        let order = EpochOrder.Shuffled(plan.Split.Training, config.Seed, start.Epoch)
        let steps = TrainingConfig.stepsPerEpoch config order.Length

        let before =
            min (int64 order.Length) (int64 start.Step * int64 config.BatchSize * int64 config.Accumulate)

        use source = (batches plan (Array.skip (int before) order)).GetEnumerator()
        let states = ResizeArray [ start.Metrics ]
        let clock = Stopwatch.StartNew()
        let mutable now, graphs = start, 0

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

        { now with
            Metrics = MetricState.sum states
            Seconds = start.Seconds + clock.Elapsed.TotalSeconds
        }

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

        report,
        { TrainingProgress.start with
            Epoch = now.Epoch + 1
            GlobalStep = now.GlobalStep
            LearningRate = now.LearningRate
            Plateau = LearningRateSchedule.afterEpoch plan.Config.Schedule isBest now.Plateau
            Best = if isBest then Some best else now.Best
        }

    /// Why no further epoch should begin, if so.
    let private tryEnd (config: TrainingConfig) (now: TrainingProgress) : TrainingEnding option =
        let waited (best: BestEpoch) = now.Epoch - 1 - best.Epoch

        match now.Best, config.Patience with
        | _ when now.Epoch > config.Epochs -> Some TrainingEnding.EpochsDone
        | Some best, Some patience when now.Step = 0 && waited best >= patience -> Some TrainingEnding.NoImprovement
        | _ -> None

    /// Trains until the epochs are done or `stop` is set, whichever comes first; the step under way is always finished
    /// and `last/` always holds the newest weights.
    let run (plan: TrainingPlan) (listener: TrainingListener) (stop: CancellationToken) : TrainingOutcome =
        requireGraphs plan.Split
        use trainer = Trainer.create plan.Device plan.Config plan.Model
        let clock = Stopwatch.StartNew()
        let isLate () = plan.Config.MaxTime |> Option.exists (fun limit -> clock.Elapsed >= limit)
        let halt () = stop.IsCancellationRequested || isLate ()
        let steps = TrainingConfig.stepsPerEpoch plan.Config plan.Split.Training.Length

        let finish ending (now: TrainingProgress) =
            {
                Epochs = now.Epoch - 1
                Best = now.Best
                Ending = ending
            }

        let rec go (now: TrainingProgress) =
            match tryEnd plan.Config now with
            | Some ending -> finish ending now
            | None ->
                let now = trainEpoch plan trainer listener halt now

                if now.Step < steps then
                    save plan trainer "last" now.Epoch now.GlobalStep
                    let stopped = stop.IsCancellationRequested
                    finish (if stopped then TrainingEnding.Stopped else TrainingEnding.TimeIsUp) now
                else
                    let clock = Stopwatch.StartNew()

                    let evaluated =
                        { plan with
                            Model = Trainer.evaluated trainer
                        }

                    let validation = validate evaluated plan.Split.Validation
                    let report, next = closeEpoch plan validation clock.Elapsed.TotalSeconds now
                    save plan trainer "last" report.Epoch report.GlobalStep

                    if report.IsBest then
                        save plan trainer "best" report.Epoch report.GlobalStep

                    listener.OnEpoch report
                    go next

        go TrainingProgress.start
