/// Several ranks train as one: whatever their number, the same weights and the same metrics.
module Pruning.Tests.Model.RankTrainingTests

open System
open System.IO
open System.Threading
open Expecto
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Distributed
open Pruning.Model.Training
open Pruning.Tests

let private small =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 2
        Dropout = 0.0
    }

let private variants =
    [
        for strategy in
            [
                DecisionStrategy.Equilibrium 2
                DecisionStrategy.Autoregressive
                DecisionStrategy.OnePass
                DecisionStrategy.Tree
            ] do
            for memory in [ None; Some CellKind.Gru; Some CellKind.Lstm ] do
                { small with
                    Strategy = strategy
                    MemoryCell = memory
                    DecisionCell = defaultArg memory CellKind.Lstm
                }
    ]

let private nameOf (config: PrunerConfig) =
    let memory = config.MemoryCell |> Option.map string |> Option.defaultValue "none"
    $"{config.Strategy}, memory {memory}, {config.Normalisation}"

let private rankTimeout = TimeSpan.FromMinutes 2.0

/// Weights and reports of each rank after a training of two epochs with 11 graphs in batches of 4: the last batch has
/// three, so that shards are uneven, and with seven ranks some have nothing. It ends after step `last`, and goes on from the
/// checkpoints in the directory if there are any.
let private trainedIn (directory: string) (last: int64) (config: PrunerConfig) (training: TrainingConfig) (ranks: int) =
    let places = [| 0; 1; 2; 3; 1; 0; 3; 2; 2; 1; 0; 3; 2; 1; 0 |]

    LocalGroup.run ranks rankTimeout (fun communicator ->
        use _scope = torch.NewDisposeScope()
        use dataset = GraphDataset.OfGraphs [| for place in places -> Fixture.graphs.Value[place] |]
        use random = new torch.Generator(5UL)
        use stop = new CancellationTokenSource()
        let reports = ResizeArray<EpochReport>()

        let plan =
            {
                Config = training
                Device = torch.CPU
                Ranks = communicator
                Dataset = dataset
                Split = SplitIndices([| 0..10 |], [| 11; 12; 13 |], [| 14 |], false, 15)
                Model =
                    {
                        Pruner = Pruner.create (Laws.init random) config
                        Criterion =
                            { Criterion.ofWeights { Keep = 1.0; Prune = 4.0 } with
                                Loss = training.Loss
                            }
                        Notes = Map.empty
                    }
                Checkpoints = directory
            }

        let listener =
            { TrainingListener.silent with
                OnStep =
                    fun report ->
                        if report.GlobalStep = last then
                            stop.Cancel()
                OnEpoch = reports.Add
            }

        let checkpoint =
            Communicator.together communicator (fun () ->
                CheckpointStore.loadNewest (Laws.placement ()) directory raise)

        let mutable model = plan.Model

        match checkpoint with
        | None -> Loop.run plan listener stop.Token |> ignore
        | Some checkpoint ->
            let listen trained =
                model <- trained
                listener

            Loop.resume plan checkpoint listen stop.Token |> ignore

        [
            for name, tensor in Weights.tensors model.Pruner.Network.Weights ->
                name, tensor.detach().``to``(torch.float64).data<float>().ToArray()
        ],
        List.ofSeq reports)

let private inDirectory (work: string -> 'T) : 'T =
    let directory = Directory.CreateTempSubdirectory "pruning ranks "

    try
        work directory.FullName
    finally
        directory.Delete true

/// To the end.
let private trained (config: PrunerConfig) (training: TrainingConfig) (ranks: int) =
    inDirectory (fun directory -> trainedIn directory Int64.MaxValue config training ranks)

let private training =
    { TrainingConfig.standard with
        Epochs = 2
        BatchSize = 4
        Workers = 1
    }

let private counts (state: MetricState) = { state with LossSum = ExactSum.zero }

/// Weights to 1e-9 and counts exactly, of every rank.
let private expectSame what (wantedWeights, wantedReports) found =
    for rank, (weights, reports: EpochReport list) in Seq.indexed found do
        for (name, wanted), (_, found) in List.zip wantedWeights weights do
            for w, f in Array.zip wanted found do
                Expect.isLessThan (abs (w - f)) (1e-9 * (1.0 + abs w)) $"{name} on rank {rank} of {what}"

        for wanted: EpochReport, found in List.zip wantedReports reports do
            for part, w: MetricState, f: MetricState in
                [ "training", wanted.Training, found.Training; "validation", wanted.Validation, found.Validation ] do
                Expect.equal (counts f) (counts w) $"counts of {part} on rank {rank} of {what}"
                let loss state = MetricState.loss state |> Option.get
                let gap = abs (loss w - loss f) / abs (loss w)
                Expect.isLessThan gap 1e-9 $"loss of {part} on rank {rank} of {what}"

            Expect.isLessThan
                (abs (wanted.GradientNorm - found.GradientNorm) / wanted.GradientNorm)
                1e-6
                "gradient norm"

let private same (config: PrunerConfig) (training: TrainingConfig) (sizes: int list) () =
    Laws.inFloat64 (fun () ->
        let wanted = (trained config training 1)[0]

        for ranks in sizes do
            expectSame $"{ranks}" wanted (trained config training ranks))

let private exactness =
    [
        for config in variants do
            testCase $"{nameOf config}: 2, 3 and 7 ranks are as one" (same config training [ 2; 3; 7 ])

        testCase
            "batch statistics are those of the joined batches"
            (same
                { small with
                    Normalisation = Normalisation.GraphBatch
                }
                training
                [ 2; 3; 7 ])

        for strategy in [ DecisionStrategy.Equilibrium 2; DecisionStrategy.Autoregressive ] do
            testCase
                $"{strategy}: the original's losses"
                (same
                    { small with Strategy = strategy }
                    { training with
                        Loss = LossKind.Original
                    }
                    [ 3 ])

        testCase
            "several batches a step, an average of the weights, weight decay and a schedule"
            (same
                small
                { training with
                    Accumulate = 2
                    Ema = Some 0.9
                    WeightDecay = 0.01
                    Schedule = LearningRateSchedule.Cosine 0.1
                    WarmupSteps = 2
                }
                [ 2; 7 ])

        testCase "threads inside the ranks" (same small { training with Threads = 2 } [ 2 ])

        testCase
            "parts of two graphs, with dropout and several batches a step"
            (same
                { small with
                    Dropout = 0.3
                    RoundDropout = 0.2
                }
                { training with
                    MicroBatch = Some 2
                    Accumulate = 2
                }
                [ 2; 3; 7 ])

        testCase
            "parts, with batch statistics"
            (same
                { small with
                    Normalisation = Normalisation.GraphBatch
                }
                { training with MicroBatch = Some 2 }
                [ 2; 7 ])

        for last in [ 1L; 2L; 4L ] do
            testCase $"three ranks stopped after step {last}, within an epoch of three, go on as two, and as one"
            <| fun () ->
                Laws.inFloat64 (fun () ->
                    let training = { training with Ema = Some 0.9 }
                    let wanted = (trained small training 1)[0]

                    for ranks in [ 2; 1 ] do
                        inDirectory (fun directory ->
                            let before = (trainedIn directory last small training 3)[0]
                            let after = trainedIn directory Int64.MaxValue small training ranks

                            after
                            |> Array.map (fun (weights, reports) -> weights, snd before @ reports)
                            |> expectSame $"{ranks} after 3" wanted))
    ]

/// Eleven graphs to train on, and nothing to validate with.
let private planOf (ranks: Communicator) (dataset: GraphDataset) (epochs: int) (checkpoints: string) : TrainingPlan =
    use random = new torch.Generator(5UL)

    {
        Config = { training with Epochs = epochs }
        Device = torch.CPU
        Ranks = ranks
        Dataset = dataset
        Split = SplitIndices([| 0..10 |], [||], [||], false, 11)
        Model =
            {
                Pruner = Pruner.create (Laws.init random) small
                Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }
                Notes = Map.empty
            }
        Checkpoints = checkpoints
    }

let private ends =
    [
        testCase "what several ranks cannot train as one is refused"
        <| fun () ->
            let refused =
                [
                    { small with
                        RoundNormalisation = Normalisation.GraphBatch
                    },
                    training
                    { small with
                        Normalisation = Normalisation.GraphBatch
                    },
                    { training with Accumulate = 2 }
                ]

            for config, training in refused do
                Expect.throwsC (fun () -> trained config training 2 |> ignore) (fun error ->
                    Expect.stringContains error.Message "graph-batch" "says what")

                trained config { training with Epochs = 1 } 1 |> ignore

        testCase "a rank that stops stops all, and all know"
        <| fun () ->
            use dataset = GraphDataset.OfGraphs [| for place in 0..10 -> Fixture.graphs.Value[place % 4] |]
            let directory = Directory.CreateTempSubdirectory "pruning ranks "

            try
                let endings =
                    LocalGroup.run 3 rankTimeout (fun communicator ->
                        use _scope = torch.NewDisposeScope()
                        use stop = new CancellationTokenSource()
                        let plan = planOf communicator dataset 1000 directory.FullName

                        let listener =
                            { TrainingListener.silent with
                                OnStep =
                                    fun report ->
                                        if communicator.Rank = 1 && report.GlobalStep = 2L then
                                            stop.Cancel()
                            }

                        let outcome = Loop.run plan listener stop.Token
                        outcome.Ending)

                Expect.equal endings (Array.create 3 TrainingEnding.Stopped) "all stopped"
                Expect.isTrue (Directory.Exists(Path.Combine(directory.FullName, "last"))) "the last weights are kept"
            finally
                directory.Delete true

        testCase "a rank that cannot write its checkpoint ends all"
        <| fun () ->
            use dataset = GraphDataset.OfGraphs [| for place in 0..10 -> Fixture.graphs.Value[place % 4] |]
            let file = Path.GetTempFileName()

            try
                let failing () =
                    LocalGroup.run 2 rankTimeout (fun communicator ->
                        use _scope = torch.NewDisposeScope()
                        // A file stands where the directory should be.
                        let plan = planOf communicator dataset 1 file

                        Loop.run plan TrainingListener.silent CancellationToken.None |> ignore)
                    |> ignore

                Expect.throwsC failing (fun error -> Expect.isTrue (error :? IOException) $"the cause: {error}")
            finally
                File.Delete file
    ]

/// Twenty steps of a small network in float32, as in a training with the default options: weights of one rank. `order` lays the
/// graphs of each batch out again.
let private twentySteps (training: TrainingConfig) (ranks: int) (order: int -> int array -> int array) =
    use dataset =
        GraphDataset.Open([| Path.Combine(Fixture.repository, "samples", "tracksters.root") |], TracksterReadOptions())

    let split = Split.Create(dataset, SplitOptions(SamplingFraction = 0.12, Seed = training.Seed))

    let batches =
        [|
            for epoch in 1..3 do
                yield!
                    EpochOrder.Shuffled(split.Training, training.Seed, epoch)
                    |> Array.chunkBySize training.BatchSize
        |]
        |> Array.truncate 20

    let weights =
        LocalGroup.run ranks rankTimeout (fun communicator ->
            use _scope = torch.NewDisposeScope()
            use random = new torch.Generator(uint64 training.Seed)
            let pruner = Pruner.create (Laws.init random) small
            Standardisation.fit dataset split.Training pruner

            use trainer =
                Trainer.createAmong
                    communicator
                    torch.CPU
                    training
                    {
                        Pruner = pruner
                        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }
                        Notes = Map.empty
                    }

            for step, graphs in Array.indexed batches do
                let graphs = order step graphs
                let shares = RankShare.ofStep communicator training small dataset [| graphs |]
                let mine = BatchAssembler.Collate [| for graph in shares[0].Graphs -> dataset[graph] |]

                let place =
                    {
                        Epoch = 1
                        Batch = step + 1
                        StepsBefore = int64 step
                        LearningRate = training.LearningRate
                    }

                Trainer.learnShare trainer place shares [| mine |] |> ignore

            [|
                for _, tensor in Weights.tensors pruner.Network.Weights do
                    yield! tensor.detach().``to``(torch.float64).data<float>().ToArray()
            |])

    for others in weights do
        Expect.equal others weights[0] "the same on all ranks"

    weights[0]

let private asItIs (_: int) (graphs: int array) = graphs

let private shuffled (seed: int) (step: int) (graphs: int array) =
    Laws.shuffle (100 * seed + step) graphs.Length
    |> Array.map (fun place -> graphs[place])

/// Largest gap between two weights, and the 2-norm of all gaps over that of the weights.
let private gaps (wanted: float array) (found: float array) : float * float =
    let gap = Array.map2 (fun w f -> abs (w - f)) wanted found
    let norm = Array.sumBy (fun x -> x * x) >> sqrt
    Array.max gap, norm gap / norm wanted

let private inFloat32 =
    let training =
        { TrainingConfig.standard with
            BatchSize = 8
            Workers = 0
        }

    let alone = lazy (twentySteps training 1 asItIs)

    [
        // docs/explanation/ranks.md says where these numbers come from.
        testCase
            "twenty steps of Adam: ranks move weights apart as another order of the graphs of a batch does on one rank"
        <| fun () ->
            let orders = [ for seed in 1..6 -> gaps alone.Value (twentySteps training 1 (shuffled seed)) ]

            let floor, floorNorm = orders |> List.map fst |> List.max, orders |> List.map snd |> List.max
            Expect.isGreaterThan floor 0.0 "orders differ at all"

            for ranks in [ 2; 3 ] do
                let gap, norm = gaps alone.Value (twentySteps training ranks asItIs)
                Expect.isLessThan gap (3.0 * floor) $"largest gap of {ranks} ranks; of orders {floor}"
                Expect.isLessThan gap 5e-5 $"largest gap of {ranks} ranks"
                Expect.isLessThan norm (3.0 * floorNorm) $"norm of the gap of {ranks} ranks; of orders {floorNorm}"

        testCase "twenty steps of Adam in parts: the weights of one rank, to 1e-6, on ranks and threads of any number"
        <| fun () ->
            let training = { training with MicroBatch = Some 2 }
            let wanted = twentySteps training 1 asItIs
            let close, _ = gaps alone.Value wanted
            Expect.isLessThan close 5e-5 "the same training as without parts"

            for ranks, threads in [ 2, 1; 3, 1; 7, 1; 1, 2; 2, 3 ] do
                let gap, _ = gaps wanted (twentySteps { training with Threads = threads } ranks asItIs)
                Expect.isLessThan gap 1e-6 $"{ranks} ranks of {threads} threads"
    ]

// Each test starts up to seven ranks; more of them at once would only wait for cores.
[<Tests>]
let tests =
    testSequencedGroup
        "ranks"
        (testList "rank training" [ testList "exactness" exactness; testList "float32" inFloat32; testList "ends" ends ])
