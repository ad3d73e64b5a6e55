/// Going on from a checkpoint is as if there had been no break, to the bit; what is damaged is refused and costs one
/// checkpoint, no more.
module Pruning.Tests.Model.CheckpointTests

open System
open System.IO
open System.Threading
open Expecto
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Persistence
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Training
open Pruning.Tests

let private sample = Path.Combine(Fixture.repository, "samples", "tracksters.root")

let private small: PrunerConfig =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 1
        Dropout = 0.3
        Standardise = false
    }

/// The original's twelve: two ways to decide, two decision cells, three memories.
let private variants: PrunerConfig list =
    [
        for strategy in [ DecisionStrategy.Autoregressive; DecisionStrategy.Equilibrium 2 ] do
            for cell in [ CellKind.Lstm; CellKind.Gru ] do
                for memory in [ None; Some CellKind.Gru; Some CellKind.Lstm ] do
                    { small with
                        Strategy = strategy
                        DecisionCell = cell
                        MemoryCell = memory
                    }
    ]

/// Everything that a training may remember, in two epochs of four steps.
let private full: TrainingConfig =
    { TrainingConfig.standard with
        Epochs = 2
        BatchSize = 2
        Accumulate = 2
        LearningRate = 1e-2
        Schedule = LearningRateSchedule.Cosine 0.1
        WarmupSteps = 3
        WeightDecay = 0.01
        Ema = Some 0.99
        Keep = 2
    }

let private withDirectory (action: string -> 'T) : 'T =
    let directory = Directory.CreateTempSubdirectory "pruning checkpoint "

    try
        action directory.FullName
    finally
        directory.Delete true

let private modelOf (config: PrunerConfig) : TrainedModel =
    use random = new torch.Generator(5UL)

    {
        Pruner = Pruner.create (Laws.init random) config
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }
        Notes = Map.empty
    }

/// Everything that two trainings of the same numbers must share.
type private Trace =
    {
        Steps: (int64 * float * float) list
        Epochs: (int * MetricState * MetricState * float * bool) list
    }

let private trace () =
    let steps, epochs = ResizeArray(), ResizeArray()

    let listener =
        {
            OnStep = fun report -> steps.Add((report.GlobalStep, report.Result.Loss, report.Result.GradientNorm))
            OnEpoch =
                fun report ->
                    epochs.Add((report.Epoch, report.Training, report.Validation, report.GradientNorm, report.IsBest))
        }

    listener,
    fun () ->
        {
            Steps = List.ofSeq steps
            Epochs = List.ofSeq epochs
        }

/// The sample, opened once for all trainings.
let private dataset = lazy (GraphDataset.Open([| sample |], TracksterReadOptions()))

/// Trains in a directory, from its newest checkpoint if it has one; stops after so many more steps.
let private trainIn (directory: string) (network: PrunerConfig) (config: TrainingConfig) (steps: int) =
    let split = Split.Create(dataset.Value, SplitOptions(SamplingFraction = 0.02))

    let plan =
        {
            Config = config
            Device = torch.CPU
            Ranks = Pruning.Model.Distributed.Communicator.alone
            Dataset = dataset.Value
            Split = split
            Model = modelOf network
            Checkpoints = directory
        }

    use stop = new CancellationTokenSource()
    let listener, result = trace ()
    let mutable taken = 0

    let stopping =
        { TrainingListener.silent with
            OnStep =
                fun _ ->
                    taken <- taken + 1

                    if taken = steps then
                        stop.Cancel()
        }

    let listener = TrainingListener.both listener stopping

    let outcome =
        match CheckpointStore.loadNewest (Laws.placement ()) directory (fun error -> raise error) with
        | None -> Loop.run plan listener stop.Token
        | Some checkpoint ->
            use _checkpoint = checkpoint
            Loop.resume plan checkpoint (fun _ -> listener) stop.Token

    outcome, result ()

let private always = Int32.MaxValue

/// The bytes of the newest checkpoint's files but for what tells the time.
let private contentOf (directory: string) =
    let newest = Path.Combine(directory, List.head (CheckpointStore.names directory))

    [
        for file in [ "model.safetensors"; "training.safetensors" ] -> File.ReadAllBytes(Path.Combine(newest, file))
    ]

let private resumeTests =
    [
        for config in variants do
            test $"{config.Strategy}, {config.DecisionCell}, memory {config.MemoryCell}: N + M steps are N+M steps" {
                let wanted, bytes =
                    withDirectory (fun directory ->
                        let _, trace = trainIn directory config full always
                        trace, contentOf directory)

                Expect.hasLength wanted.Epochs 2 "epochs"
                let steps = wanted.Steps.Length
                // Before the validation of the first epoch, and within the second one.
                for cut in (if config.MemoryCell.IsNone then [ steps / 2; steps - 1 ] else [ steps - 1 ]) do
                    withDirectory (fun directory ->
                        let outcome, first = trainIn directory config full cut
                        Expect.isTrue outcome.Interrupted $"stopped after {cut}"
                        let _, second = trainIn directory config full always
                        Expect.equal (first.Steps @ second.Steps) wanted.Steps $"steps, cut after {cut}"
                        Expect.equal (first.Epochs @ second.Epochs) wanted.Epochs $"epochs, cut after {cut}"
                        Expect.equal (contentOf directory) bytes $"bytes, cut after {cut}")
            }

        test "going on again and again after every step is one training" {
            let config =
                { full with
                    Schedule = LearningRateSchedule.Plateau(0.5, 1)
                    Patience = Some 5
                    Epochs = 3
                }

            let network = List.last variants

            let wanted, bytes =
                withDirectory (fun directory ->
                    let _, trace = trainIn directory network config always
                    trace, contentOf directory)

            withDirectory (fun directory ->
                let parts =
                    List.unfold
                        (fun isDone ->
                            if isDone then
                                None
                            else
                                let outcome, trace = trainIn directory network config 1
                                Some(trace, not outcome.Interrupted))
                        false

                Expect.equal (parts |> List.collect _.Steps) wanted.Steps "steps"
                Expect.equal (parts |> List.collect _.Epochs) wanted.Epochs "epochs"
                Expect.equal (contentOf directory) bytes "bytes")
        }

        test "a finished training that goes on has nothing to do, and more epochs continue it" {
            let config =
                { full with
                    Schedule = LearningRateSchedule.Constant
                }

            let network = List.last variants
            let longer = { config with Epochs = 3 }

            let wanted =
                withDirectory (fun directory ->
                    trainIn directory network longer always |> ignore
                    contentOf directory)

            withDirectory (fun directory ->
                trainIn directory network config always |> ignore
                let outcome, trace = trainIn directory network config always
                Expect.equal (outcome.Ending, outcome.Epochs) (TrainingEnding.EpochsDone, 2) "ending"
                Expect.isSome outcome.Best "best"
                Expect.isEmpty trace.Steps "steps"
                trainIn directory network longer always |> ignore
                Expect.equal (contentOf directory) wanted "bytes")
        }
    ]

let private storeTests =
    [
        test "the newest two and the best are kept, and the links point to them" {
            withDirectory (fun directory ->
                let config =
                    { full with
                        Epochs = 6
                        Keep = 2
                        CheckpointEvery = CheckpointInterval.Steps 1
                    }

                let outcome, _ = trainIn directory (List.last variants) config always
                let names = CheckpointStore.names directory
                Expect.equal names[0] "epoch-0006" "newest"
                let best = $"epoch-{outcome.Best.Value.Epoch:D4}"
                Expect.contains names best "best"
                Expect.isLessThanOrEqual names.Length 4 "how many"
                let target name = (nonNull (FileInfo(Path.Combine(directory, name)).LinkTarget))
                Expect.equal (target "last", target "best") ("epoch-0006", best) "links"
                Expect.isEmpty (Directory.GetFileSystemEntries(directory, ".*")) "nothing half-written"
                use last = Checkpoint.load (Laws.placement ()) (Path.Combine(directory, "last"))

                Expect.equal (last.Progress.Epoch, last.Progress.Step) (7, 0) "read")
        }

        test "checkpoints are ordered by what they hold, not by their names" {
            withDirectory (fun directory ->
                for name in
                    [
                        "epoch-0002"
                        "epoch-0003-step-00000020"
                        "epoch-0003-step-00000100"
                        "epoch-0001"
                        "epoch-10000"
                        "damaged-epoch-0009"
                        "best"
                        "epoch-3"
                    ] do
                    Directory.CreateDirectory(Path.Combine(directory, name)) |> ignore

                Expect.equal
                    (CheckpointStore.names directory)
                    [
                        "epoch-10000"
                        "epoch-0003-step-00000100"
                        "epoch-0003-step-00000020"
                        "epoch-0002"
                        "epoch-0001"
                    ]
                    "order")
        }

        test "a ranking keeps the best, the earlier one of equals first, and the newest where it is the best by rule" {
            let add keep isBest ranking (epoch, score) =
                TrainingProgress.rank keep isBest { Epoch = epoch; Score = (score, 0.0) } ranking

            let found =
                [ 1, 0.5; 2, 0.7; 3, 0.6; 4, 0.7; 5, 0.1 ]
                |> List.fold (add 3 false) []
                |> List.map _.Epoch

            Expect.equal found [ 2; 4; 3 ] "epochs"
            let newest = [ 1, 0.0; 2, 0.0 ] |> List.fold (add 1 true) [] |> List.map _.Epoch
            Expect.equal newest [ 2 ] "newest"
        }

        test "a damaged newest checkpoint is reported, renamed, and the one before it used" {
            withDirectory (fun directory ->
                let network = List.last variants
                trainIn directory network full always |> ignore
                let bytes = contentOf directory
                let newest = List.head (CheckpointStore.names directory)
                let file = Path.Combine(directory, newest, "training.safetensors")
                let content = File.ReadAllBytes file
                content[content.Length - 1] <- content[content.Length - 1] ^^^ 1uy
                File.WriteAllBytes(file, content)
                let told = ResizeArray<CheckpointException>()

                match CheckpointStore.loadNewest (Laws.placement ()) directory told.Add with
                | None -> failtest "nothing found"
                | Some older ->
                    use _older = older
                    Expect.equal older.Progress.Epoch 2 "the epoch before"

                Expect.stringContains (Seq.exactlyOne told).Message "training.safetensors" "which file"
                Expect.isTrue (Directory.Exists(Path.Combine(directory, $"damaged-{newest}"))) "aside"
                trainIn directory network full always |> ignore
                Expect.equal (contentOf directory) bytes "the same end")
        }

        test "what writers and removers left half done is cleaned" {
            withDirectory (fun directory ->
                for name in [ ".epoch-0001.writing-0"; ".epoch-0002.writing-1" ] do
                    Directory.CreateDirectory(Path.Combine(directory, name)) |> ignore
                    File.WriteAllText(Path.Combine(directory, name, "model.safetensors"), "half")

                CheckpointStore.clean directory
                Expect.isEmpty (Directory.GetFileSystemEntries directory) "entries"
                CheckpointStore.clean (Path.Combine(directory, "nowhere")))
        }
    ]

let private progressTests =
    [
        test "a state comes back from its JSON, to the bit" {
            let metrics =
                MetricState.ofNodes [| 1L; 0L; 1L |] [| 0.1f; -3e-30f; Single.PositiveInfinity |] [| 1e-9f; 3f; 0.1f |]
                |> MetricState.withLoss 2 (1.0 / 3.0)

            let progress =
                { TrainingProgress.start with
                    Epoch = 7
                    Step = 3
                    GlobalStep = 123_456_789_012L
                    LearningRate = 0.1 / 3.0
                    Metrics = metrics
                    NormSum = 1e-300
                    Plateau = { Scale = 0.3 * 0.3; Waited = 2 }
                    Best =
                        Some
                            {
                                Epoch = 6
                                GlobalStep = 5L
                                Validation = metrics
                            }
                    Ranking = [ { Epoch = 6; Score = (0.25, -infinity) }; { Epoch = 2; Score = (0.1, -1.0) } ]
                }

            let text = (ProgressJson.toJson progress).ToJsonString()
            let json = JsonText.parse "test" (Text.Encoding.UTF8.GetBytes text)
            Expect.equal (ProgressJson.ofJson (JsonFields("test", json))) progress text
        }

        test "half a UTF-16 pair in an escape is damage wherever it stands" {
            for text in [ """{"threads":"\ud800"}"""; """{"training":{"a":["\udc00"]}}"""; """{"\ud800x":1}""" ] do
                Expect.throwsT<CheckpointException>
                    (fun () -> JsonText.parse "test" (Text.Encoding.UTF8.GetBytes text) |> ignore)
                    text
        }
    ]

[<Tests>]
let tests =
    testList
        "checkpoints"
        [ testList "resume" resumeTests; testList "store" storeTests; testList "state" progressTests ]
