namespace Pruning.Model.Training

open System
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

/// How a run ended.
type TrainingOutcome =
    {
        Epochs: EpochReport list
        Best: EpochReport option
        /// It was asked to stop before its last epoch was done; `last/` holds the weights at that moment.
        Interrupted: bool
    }

/// The training loop.
[<RequireQualifiedAccess>]
module Loop =

    /// Name of the model inside a checkpoint directory.
    let modelName = "model.safetensors"

    /// What an epoch is judged by: average precision of pruning on the validation split, which does not depend on a
    /// threshold and is not fooled by rare positives; ties, and splits without both classes, go by the loss.
    let score (validation: MetricState) : float * float =
        let precision = ScoreHistogram.averagePrecision validation.Scores |> Option.defaultValue 0.0
        let loss = MetricState.loss validation |> Option.defaultValue infinity
        precision, -loss

    let private save (plan: TrainingPlan) (name: string) (epoch: int) (step: int64) : unit =
        let notes =
            plan.Model.Notes
            |> Map.add "epoch" (string epoch)
            |> Map.add "global_step" (string step)

        AtomicDirectory.replace (Path.Combine(plan.Checkpoints, name)) (fun directory ->
            ModelFile.save (Path.Combine(directory, modelName)) { plan.Model with Notes = notes })

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

    /// What an epoch of steps left behind.
    type private Steps =
        {
            Metrics: MetricState
            Done: int
            Seconds: float
            Norms: float
            Stopped: bool
        }

    let private trainEpoch
        (plan: TrainingPlan)
        trainer
        (listener: TrainingListener)
        (stop: CancellationToken)
        epoch
        before
        : Steps =
        let order = EpochOrder.Shuffled(plan.Split.Training, plan.Config.Seed, epoch)
        let steps = (order.Length + plan.Config.BatchSize - 1) / plan.Config.BatchSize
        let states = ResizeArray<MetricState>()
        let clock = Stopwatch.StartNew()
        let mutable graphs, norms = 0, 0.0
        use source = (batches plan order).GetEnumerator()

        while not stop.IsCancellationRequested && source.MoveNext() do
            let batch = source.Current
            let result = Trainer.step trainer epoch (states.Count + 1) batch
            states.Add result.Metrics
            graphs <- graphs + batch.GraphCount
            norms <- norms + result.GradientNorm
            let rate = float graphs / clock.Elapsed.TotalSeconds
            let left = (plan.Config.Epochs - epoch + 1) * order.Length - graphs

            listener.OnStep
                {
                    Epoch = epoch
                    Epochs = plan.Config.Epochs
                    Step = states.Count
                    Steps = steps
                    GlobalStep = before + int64 states.Count
                    Result = result
                    GraphsPerSecond = rate
                    TimeLeft = TimeSpan.FromSeconds(float left / rate)
                }

        {
            Metrics = MetricState.sum states
            Done = states.Count
            Seconds = clock.Elapsed.TotalSeconds
            Norms = norms
            Stopped = states.Count < steps
        }

    /// Refuses a split without graphs to train on: a DataException. Asked before a run directory is made.
    let requireGraphs (split: SplitIndices) : unit =
        if split.Training.Length = 0 then
            raise (
                Pruning.Data.DataException
                    "wanted graphs to train on, found none in the training split; a larger --training-fraction or --sampling-fraction gives some."
            )

    /// Trains until the epochs are done or `stop` is set, whichever comes first; the step under way is always finished
    /// and `last/` always holds the newest weights.
    let run (plan: TrainingPlan) (listener: TrainingListener) (stop: CancellationToken) : TrainingOutcome =
        requireGraphs plan.Split
        use trainer = Trainer.create plan.Device plan.Config plan.Model

        let rec go epoch (globalStep: int64) (reports: EpochReport list) (best: EpochReport option) =
            if epoch > plan.Config.Epochs then
                {
                    Epochs = List.rev reports
                    Best = best
                    Interrupted = false
                }
            else
                let clock = Stopwatch.StartNew()
                let steps = trainEpoch plan trainer listener stop epoch globalStep
                let globalStep = globalStep + int64 steps.Done

                if steps.Stopped then
                    save plan "last" epoch globalStep

                    {
                        Epochs = List.rev reports
                        Best = best
                        Interrupted = true
                    }
                else
                    let validation = validate plan plan.Split.Validation

                    let isBest =
                        // Without a validation split nothing tells epochs apart: the newest counts.
                        plan.Split.Validation.Length = 0
                        || best
                           |> Option.forall (fun earlier -> score validation > score earlier.Validation)

                    let report =
                        {
                            Epoch = epoch
                            Epochs = plan.Config.Epochs
                            GlobalStep = globalStep
                            LearningRate = plan.Config.LearningRate
                            Training = steps.Metrics
                            Validation = validation
                            GradientNorm = steps.Norms / float steps.Done
                            GraphsPerSecond = float plan.Split.Training.Length / steps.Seconds
                            Seconds = clock.Elapsed.TotalSeconds
                            IsBest = isBest
                        }

                    save plan "last" epoch globalStep

                    if isBest then
                        save plan "best" epoch globalStep

                    listener.OnEpoch report
                    go (epoch + 1) globalStep (report :: reports) (if isBest then Some report else best)

        go 1 0L [] None
