/// Several ranks train as one: whatever their number, the same weights and the same metrics.
module Pruning.Tests.Model.RankTrainingTests

open System
open System.IO
open System.Threading
open Expecto
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model
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

let private patience = TimeSpan.FromMinutes 2.0

/// Weights and reports of each rank after a training of two epochs with 11 graphs in batches of 4: the last batch has
/// three, so that shards are uneven, and with seven ranks some have nothing.
let private trained (config: PrunerConfig) (training: TrainingConfig) (ranks: int) =
    let places = [| 0; 1; 2; 3; 1; 0; 3; 2; 2; 1; 0; 3; 2; 1; 0 |]

    let directory = Directory.CreateTempSubdirectory "pruning ranks "

    try
        LocalGroup.run ranks patience (fun communicator ->
            use _scope = torch.NewDisposeScope()
            use dataset = GraphDataset.OfGraphs [| for place in places -> Fixture.graphs.Value[place] |]
            use random = new torch.Generator(5UL)
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
                            Pruner = Pruner.create random config
                            Criterion =
                                { Criterion.ofWeights { Keep = 1.0; Prune = 4.0 } with
                                    Loss = training.Loss
                                }
                            Notes = Map.empty
                        }
                    Checkpoints = directory.FullName
                }

            let listener =
                { TrainingListener.silent with
                    OnEpoch = reports.Add
                }

            Loop.run plan listener CancellationToken.None |> ignore

            [
                for name, tensor in Weights.tensors plan.Model.Pruner.Network.Weights ->
                    name, tensor.detach().``to``(torch.float64).data<float>().ToArray()
            ],
            List.ofSeq reports)
    finally
        directory.Delete true

let private training =
    { TrainingConfig.standard with
        Epochs = 2
        BatchSize = 4
        Workers = 0
    }

let private counts (state: MetricState) = { state with LossSum = ExactSum.zero }

let private same (config: PrunerConfig) (training: TrainingConfig) (sizes: int list) () =
    Laws.inFloat64 (fun () ->
        let wantedWeights, wantedReports = (trained config training 1)[0]

        for ranks in sizes do
            for rank, (weights, reports) in Seq.indexed (trained config training ranks) do
                for (name, wanted), (_, found) in List.zip wantedWeights weights do
                    for w, f in Array.zip wanted found do
                        Expect.isLessThan (abs (w - f)) (1e-9 * (1.0 + abs w)) $"{name} on rank {rank} of {ranks}"

                for wanted, found in List.zip wantedReports reports do
                    for what, w: MetricState, f: MetricState in
                        [
                            "training", wanted.Training, found.Training
                            "validation", wanted.Validation, found.Validation
                        ] do
                        Expect.equal (counts f) (counts w) $"counts of {what} on rank {rank} of {ranks}"
                        let loss state = MetricState.loss state |> Option.get
                        let gap = abs (loss w - loss f) / abs (loss w)
                        Expect.isLessThan gap 1e-9 $"loss of {what} on rank {rank} of {ranks}"

                    Expect.isLessThan
                        (abs (wanted.GradientNorm - found.GradientNorm) / wanted.GradientNorm)
                        1e-6
                        "gradient norm")

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
                Pruner = Pruner.create random small
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
                    LocalGroup.run 3 patience (fun communicator ->
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
                    LocalGroup.run 2 patience (fun communicator ->
                        use _scope = torch.NewDisposeScope()
                        // A file stands where the directory should be.
                        let plan = planOf communicator dataset 1 file

                        Loop.run plan TrainingListener.silent CancellationToken.None |> ignore)
                    |> ignore

                Expect.throwsC failing (fun error -> Expect.isTrue (error :? IOException) $"the cause: {error}")
            finally
                File.Delete file
    ]

[<Tests>]
let tests =
    testSequenced (testList "rank training" [ testList "exactness" exactness; testList "ends" ends ])
