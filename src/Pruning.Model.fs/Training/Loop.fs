namespace Pruning.Model.Training

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Prediction
open Pruning.Model.Distributed

/// Everything a run needs to begin.
[<NoComparison; NoEquality>]
type TrainingPlan =
    {
        Config: TrainingConfig
        Device: torch.Device
        /// Who trains together: each rank runs the same plan.
        Ranks: Communicator
        Dataset: GraphDataset
        Split: SplitIndices
        Model: TrainedModel
        /// Directory that receives the checkpoints, and links `last` and `best` to two of them.
        Checkpoints: string
    }

/// The training loop.
[<RequireQualifiedAccess>]
module Loop =

    let private load (plan: TrainingPlan) (groups: int array array) =
        let config = plan.Config

        BatchLoader.Groups(
            plan.Dataset,
            groups,
            Pruner.preparation plan.Model.Pruner,
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
        let mine = Shards.ofRank plan.Ranks.Rank plan.Ranks.Size indices
        Shards.verify plan.Ranks indices mine

        Communicator.together plan.Ranks (fun () ->
            Array.chunkBySize plan.Config.BatchSize mine
            |> load plan
            |> Evaluation.run plan.Device plan.Config.Threads model seen)
        |> MetricRecord.sum plan.Ranks

    /// Validation as `evaluate` repeats it: the same graphs in the same batches. Ranks divide them.
    let validate (plan: TrainingPlan) (indices: int array) : MetricState = evaluate plan plan.Model ignore indices

    /// Decides when a training saves itself, and does it once for each point at which it stands.
    type private Saver(plan: TrainingPlan, trainer: Trainer) =
        let clock = Stopwatch.StartNew()
        let mutable saved: (int * int) option = None

        member _.Save(now: TrainingProgress) : unit =
            let point = Some(now.Epoch, now.Step)

            if saved <> point then
                // All ranks have the same to save: one does.
                Communicator.together plan.Ranks (fun () ->
                    if Communicator.isFirst plan.Ranks then
                        CheckpointStore.save plan.Checkpoints trainer now)

                saved <- point

            clock.Restart()

        /// Whether the step that was just done is one to save after.
        member _.IsDue(now: TrainingProgress) : bool =
            match plan.Config.CheckpointEvery with
            | CheckpointInterval.Epochs -> false
            | CheckpointInterval.Steps steps -> now.GlobalStep % int64 steps = 0L
            | CheckpointInterval.Time time -> Communicator.any (clock.Elapsed >= time) plan.Ranks

    /// Up to `count` batches, empty at the end of the epoch.
    let private take (count: int) (source: IEnumerator<GraphBatch>) : GraphBatch array =
        [|
            let mutable taken = 0

            while taken < count && source.MoveNext() do
                taken <- taken + 1
                source.Current
        |]

    /// The step after a progress. `graphs`: those of an epoch.
    let private placeOf (config: TrainingConfig) (graphs: int) (now: TrainingProgress) : StepPlace =
        {
            Epoch = now.Epoch
            Batch = now.Step * config.Accumulate + 1
            StepsBefore = now.GlobalStep
            LearningRate = TrainingConfig.learningRate config graphs now.Plateau now.GlobalStep
        }

    /// `left`: graphs that the training will still see.
    let private stepReport
        (config: TrainingConfig)
        (steps: int)
        (now: TrainingProgress)
        (result: StepResult)
        (rate: float)
        (left: int64)
        : StepReport =
        {
            Epoch = now.Epoch
            Epochs = config.Epochs
            Step = now.Step
            Steps = steps
            GlobalStep = now.GlobalStep
            LearningRate = now.LearningRate
            Result = result
            GraphsPerSecond = rate
            TimeLeft = TimeSpan.FromSeconds(float left / rate)
        }

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

        // By step: what this rank takes of its batches. The batches of all ranks together are those of one.
        let plans =
            Array.skip (int before) order
            |> Array.chunkBySize config.BatchSize
            |> Array.chunkBySize config.Accumulate

        let shares =
            plans
            |> Array.map (RankShare.ofStep plan.Ranks config plan.Model.Pruner.Config plan.Dataset)

        use source = (shares |> Array.concat |> Array.map _.Graphs |> load plan).GetEnumerator()

        let states = ResizeArray<MetricState>()
        let clock = Stopwatch.StartNew()
        let mutable now, graphs = start, 0

        // What was counted before belongs to all ranks: one of them goes on with it.
        let mutable counted = if Communicator.isFirst plan.Ranks then start.Metrics else MetricState.zero

        // Adding a state copies its histogram: the sum is taken when somebody wants it.
        let summed (now: TrainingProgress) =
            counted <- MetricState.sum (Seq.append [ counted ] states)
            states.Clear()

            { now with
                Metrics = MetricRecord.sum plan.Ranks counted
                Seconds = start.Seconds + clock.Elapsed.TotalSeconds
            }

        while now.Step < steps && not (Communicator.any (halt ()) plan.Ranks) do
            let mine = shares[now.Step - start.Step]
            let batches: GraphBatch array = take mine.Length source

            let place = placeOf config order.Length now
            let result = Trainer.learnShare trainer place mine batches
            states.Add result.Metrics
            graphs <- graphs + Array.sumBy Array.length plans[now.Step - start.Step]

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

            listener.OnStep(stepReport config steps now result rate left)

            if saver.IsDue now then
                now <- summed now
                saver.Save now

        summed now

    /// Refuses a split without graphs to train on: a DataException. Asked before a run directory is made.
    let requireGraphs (split: SplitIndices) : unit =
        if split.Training.Length = 0 then
            raise (
                Pruning.Data.Errors.DataException
                    "wanted graphs to train on, found none in the training split; a larger --training-fraction or --sampling-fraction \
                     gives some."
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
            // Ranks that stop at different moments would wait for each other: several go on to the end.
            let seen _ =
                if plan.Ranks.Size = 1 then
                    stop.ThrowIfCancellationRequested()

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
                (if Communicator.any stop.IsCancellationRequested plan.Ranks then
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
        use trainer = Trainer.createAmong plan.Ranks plan.Device plan.Config plan.Model
        drive plan trainer listener stop TrainingProgress.start

    /// Goes on from a checkpoint of the same plan, whose model it takes: the same steps, to the bit, that the training would
    /// have taken without the break. `listen` gets the network that learns.
    let resume
        (plan: TrainingPlan)
        (checkpoint: Checkpoint)
        (listen: TrainedModel -> TrainingListener)
        (stop: CancellationToken)
        : TrainingOutcome =
        requireGraphs plan.Split

        use trainer =
            Trainer.createAmong plan.Ranks plan.Device plan.Config (Checkpoint.trainedModel checkpoint)

        Checkpoint.restore checkpoint trainer
        drive plan trainer (listen trainer.Model) stop checkpoint.Progress
