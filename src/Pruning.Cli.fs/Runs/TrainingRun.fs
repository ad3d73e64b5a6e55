namespace Pruning.Cli.Runs

open System
open System.Diagnostics
open System.IO
open System.Runtime.CompilerServices
open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Distributed
open Pruning.Model.Training
open Pruning.Model.Logging
open Pruning.Native.Torch
open Pruning.Native.Kernels
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// A finished (or stopped) training run.
[<NoEquality; NoComparison>]
type FinishedRun =
    {
        Directory: string
        Outcome: TrainingOutcome
        /// The best epoch's model; None when the run was stopped before its first epoch was done.
        Best: TrainedModel option
        /// Metrics of that model on the test split; None when there is no such model or no such split.
        Test: MetricState option
        Seconds: float
        /// What the process says: 0, or why it was stopped. The same on all ranks.
        ExitCode: int
    }

/// One training, from its data to the files of its run.
[<RequireQualifiedAccess>]
module TrainingRun =

    /// Class weights as asked for, features standardised by the training split, first weights from the seed.
    let private createModel (device: torch.Device) (settings: TrainSettings) (data: SplitData) : TrainedModel =
        let weights =
            match settings.Training.ClassWeighting, settings.Model.Strategy with
            | ClassWeighting.Given weights, _ -> weights
            // An exact likelihood has no weights.
            | ClassWeighting.Measured, DecisionStrategy.Tree -> ClassWeights.equal
            | ClassWeighting.Measured, _ ->
                let counts = ClassCounts.Of(data.Dataset, data.Split.Training)
                ClassWeights.ofCounts 100.0 counts.Kept counts.Pruned

        use random = new torch.Generator(uint64 settings.Training.Seed)
        let placement = Placement.on device settings.Arithmetic
        let pruner = Pruner.create (Init.create placement random) settings.Model

        Standardisation.fit data.Dataset data.Split.Training pruner

        {
            Pruner = pruner
            Criterion =
                {
                    Weights = weights
                    Loss = settings.Training.Loss
                }
            Notes = Map [ "name", settings.Name ]
        }

    let private configOf (settings: TrainSettings) (data: SplitData) (model: TrainedModel) : RunConfig =
        {
            Settings =
                { settings with
                    Input.Files = [ for file in data.Dataset.Files -> Path.GetFullPath file.Path ]
                    OutputFile = settings.OutputFile |> Option.map Path.GetFullPath
                }
            ClassWeights = model.Criterion.Weights
        }

    let private describe
        (command: string list)
        (settings: TrainSettings)
        (ranks: Communicator)
        (data: SplitData)
        : RunDescription =
        let about = RunDescription.ofCommand command

        let libtorch =
            match TorchNative.Loaded with
            | null -> []
            | library -> [ "libtorch", library.Version ]

        { about with
            Versions = about.Versions @ libtorch
            Inputs = [ for file in data.Dataset.Files -> RunInput.ofFile file.Path ]
            World = ranks.Size
            Seeds = [ "split", settings.Training.Seed; "training", settings.Training.Seed ]
        }

    /// One epoch as a line: what a person watches.
    let describeEpoch (report: EpochReport) : string =
        let text (state: MetricState) (metric: Metric) = $"{metric.Title} {Say.number (MetricState.value metric state)}"

        [
            "training " + text report.Training Metrics.loss
            "validation " + text report.Validation Metrics.loss
            text report.Validation Metrics.averagePrecision
            text report.Validation Metrics.rocAuc
            Say.number (Math.Round report.GraphsPerSecond) + " graphs/s"
            if report.IsBest then
                "best so far"
        ]
        |> String.concat ", "
        |> sprintf "epoch %*d/%d: %s" (string report.Epochs).Length report.Epoch report.Epochs

    let private watcher (settings: TrainSettings) (graphsPerEpoch: int) (progress: Progress) : TrainingListener =
        {
            OnStep =
                fun report ->
                    let before = int64 (report.Epoch - 1) * int64 graphsPerEpoch
                    let graphsAStep = int64 settings.Training.BatchSize * int64 settings.Training.Accumulate
                    let inEpoch = min (int64 graphsPerEpoch) (int64 report.Step * graphsAStep)

                    progress.Report
                        {
                            Stage = $"epoch {report.Epoch}/{report.Epochs}"
                            Done = before + inEpoch
                            Loss = report.Result.Loss
                        }
            OnEpoch = describeEpoch >> progress.Note
        }

    /// The test split is looked at once, with the model that the validation split chose.
    let private testOf (plan: TrainingPlan) (logger: RunLogger) (report: BestEpoch) : MetricState =
        let state = Loop.validate plan plan.Split.Test

        let line: MetricLine =
            {
                Epoch = report.Epoch
                Step = report.GlobalStep
                Split = "test"
                Values = MetricState.report state
            }

        logger (RunRecord.Metrics(line, state))
        state

    let private trainIn
        (terminal: Terminal)
        (settings: TrainSettings)
        (ranks: Communicator)
        (device: torch.Device)
        (data: SplitData)
        (model: TrainedModel)
        (config: RunConfig)
        (exitCodeOfStop: Communicator -> int)
        (start: Checkpoint option)
        (directory: string)
        (logger: RunLogger)
        (stop: CancellationToken)
        : FinishedRun =
        let clock = Stopwatch.StartNew()

        let startsAt = start |> Option.map _.Progress.GlobalStep |> Option.defaultValue 0L

        logger (RunRecord.Began(RunConfig.toJson config, startsAt))

        let plan: TrainingPlan =
            {
                Config = settings.Training
                Device = device
                Ranks = ranks
                Dataset = data.Dataset
                Split = data.Split
                Model = model
                Checkpoints = Resumption.checkpoints directory
            }

        let graphs = data.Split.Training.Length
        let total = int64 graphs * int64 settings.Training.Epochs

        let outcome =
            Progress.run terminal total (fun progress ->
                let shown = settings.Histograms && Communicator.isFirst ranks

                let recorder (model: TrainedModel) =
                    TrainingRecorder.listener logger (if shown then Some model.Pruner.Network.Weights else None)

                let listen model = TrainingListener.both (recorder model) (watcher settings graphs progress)

                match start with
                | None -> Loop.run plan (listen model) stop
                | Some checkpoint -> Loop.resume plan checkpoint listen stop)

        // All ranks come here, whichever of them was asked to stop.
        let exitCode = if outcome.Interrupted then exitCodeOfStop ranks else ExitCode.ok

        let best =
            outcome.Best
            |> Option.map (fun _ ->
                Session.loadCheckpoint
                    (Placement.on device settings.Arithmetic)
                    (Path.Combine(plan.Checkpoints, "best")))

        match outcome.Best, best with
        | Some report, Some model when not outcome.Interrupted && Communicator.isFirst ranks ->
            TrainingRecorder.tracksters logger report.GlobalStep device model data.Dataset data.Split.Validation
        | _ -> ()

        let test =
            match outcome.Best, best with
            | Some report, Some model when not outcome.Interrupted && data.Split.Test.Length > 0 ->
                Some(testOf { plan with Model = model } logger report)
            | _ -> None

        {
            Directory = directory
            Outcome = outcome
            Best = best
            Test = test
            Seconds = clock.Elapsed.TotalSeconds
            ExitCode = exitCode
        }

    /// Exact inference wants links without cycles, as CLUE3D's are.
    let private warnOfCycles (terminal: Terminal) (settings: TrainSettings) (data: SplitData) : unit =
        if settings.Model.Strategy = DecisionStrategy.Tree then
            let indices = data.Split.Training

            let loopy =
                indices
                |> Seq.filter (fun index ->
                    (LinkForest.Of(BatchAssembler.Collate [| data.Dataset[index] |])).IsLoopy[0])
                |> Seq.length

            if loopy > 0 then
                Terminal.warn
                    terminal
                    $"{Say.count (int64 loopy)} of {Say.count (int64 indices.Length)} training graphs have links that form cycles: there \
                     --mode tree passes damped messages {LinkFactors.loopyStandard.Passes} times, which is an approximation."

    /// Whatever happens, run.json says how it ended; when even that cannot be written, the first failure is the one to tell.
    let private noting (log: RunLog) (work: RunLogger -> FinishedRun) : FinishedRun =
        use board = TensorBoard.Create log.Directory
        let logger = RunLogger.all [ RunLogger.runLog log; RunLogger.csv log; RunLogger.tensorBoard board ]

        let note code sentence =
            try
                logger (RunRecord.Ended(code, Some sentence))
            with
            | :? IOException
            | :? UnauthorizedAccessException -> ()

        try
            let run = work logger

            logger (RunRecord.Ended(run.ExitCode, (if run.Outcome.Interrupted then Some "interrupted" else None)))

            run
        with error ->
            Failures.describe error ||> note
            reraise ()

    /// What the first rank knows, on every rank.
    let private tellAll (ranks: Communicator) (text: string) : string =
        ranks
        |> Communicator.broadcast 0 (fun () -> Text.Encoding.UTF8.GetBytes text)
        |> Text.Encoding.UTF8.GetString

    /// Trains in a run directory of its own. Every rank calls it with the same settings and data; the first one writes.
    /// `exitCodeOfStop`, which all ranks ask together, is what the processes will say when one was asked to stop.
    let train
        (terminal: Terminal)
        (command: string list)
        (settings: TrainSettings)
        (ranks: Communicator)
        (device: torch.Device)
        (data: SplitData)
        (exitCodeOfStop: Communicator -> int)
        (stop: CancellationToken)
        : FinishedRun =
        Loop.requireGraphs data.Split

        if Communicator.isFirst ranks then
            warnOfCycles terminal settings data

        let model = createModel device settings data
        let config = configOf settings data model
        let trainIn = trainIn terminal settings ranks device data model config exitCodeOfStop None

        let start () =
            RunLog.Create(
                settings.RunsDirectory,
                settings.Name,
                RunConfig.toJson config,
                describe command settings ranks data
            )

        if Communicator.isFirst ranks then
            use log = Communicator.together ranks start
            use _lock = Resumption.lockRun log.Directory
            let directory = tellAll ranks log.Directory

            Terminal.say
                terminal
                $"Training {settings.Name}: {Say.count (Weights.count model.Pruner.Network.Weights)} parameters, class weights keep \
                 {Say.number model.Criterion.Weights.Keep}, prune {Say.number model.Criterion.Weights.Prune}, in {log.Directory}"

            noting log (fun logger -> trainIn directory logger stop)
        else
            Communicator.together ranks ignore
            trainIn (tellAll ranks "") ignore stop

    /// Goes on in the directory of a run, from its newest checkpoint. The settings are the run's, with what may be changed.
    /// Every rank calls it; the first one looks for the checkpoint, cuts the records and writes.
    let resume
        (terminal: Terminal)
        (command: string list)
        (settings: TrainSettings)
        (ranks: Communicator)
        (device: torch.Device)
        (data: SplitData)
        (run: string)
        (exitCodeOfStop: Communicator -> int)
        (stop: CancellationToken)
        : FinishedRun =
        Loop.requireGraphs data.Split
        let placement = Placement.on device settings.Arithmetic

        let goOn (checkpoint: Checkpoint) logger =
            let model = checkpoint.Model
            let config = configOf settings data model
            trainIn terminal settings ranks device data model config exitCodeOfStop (Some checkpoint) run logger stop

        if Communicator.isFirst ranks then
            let opened () =
                let resumed = Resumption.openRun terminal placement run
                Resumption.checkFiles run (describe command settings ranks data).Inputs
                Resumption.cutRecords resumed
                resumed

            use resumed = Communicator.together ranks opened
            let progress = resumed.Checkpoint.Progress
            tellAll ranks (CheckpointStore.nameOf progress) |> ignore
            // The others read it.
            Communicator.together ranks ignore
            use log = RunLog.Resume(run, command = command, world = ranks.Size)
            log.Choose(RunConfig.toJson (configOf settings data resumed.Checkpoint.Model))

            let place =
                if progress.Step = 0 then
                    $"after epoch {progress.Epoch - 1}"
                else
                    $"in epoch {progress.Epoch}, after {Say.count progress.GlobalStep} steps of the run"

            Terminal.say terminal $"Going on with {run} {place}."
            noting log (goOn resumed.Checkpoint)
        else
            Communicator.together ranks ignore
            let name = tellAll ranks ""
            let path = Path.Combine(Resumption.checkpoints run, name)
            use checkpoint = Communicator.together ranks (fun () -> Checkpoint.load placement path)
            goOn checkpoint ignore
