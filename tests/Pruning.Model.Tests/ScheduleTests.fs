/// The mathematics of a training besides the network: learning rates, weight decay, joined batches, averages, and when to stop.
module Pruning.Tests.Model.ScheduleTests

open System
open System.IO
open System.Threading
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Training
open Pruning.Tests

let private schedules: Gen<LearningRateSchedule> = gen {
    let! share = Gen.elements [ 0.0; 0.125; 0.3; 1.0 ]
    let! patience = Gen.choose (1, 9)

    return!
        Gen.elements
            [
                LearningRateSchedule.Constant
                LearningRateSchedule.Cosine share
                LearningRateSchedule.OneCycle share
                LearningRateSchedule.Plateau(share, patience)
            ]
}

let private share schedule warmup total step =
    LearningRateSchedule.share schedule warmup total LearningRateSchedule.start step

let private ratesOf schedule warmup total = [ for step in 0L .. total - 1L -> share schedule warmup total step ]

let private scheduleTests =
    [
        testProperty "every rate is a share of the highest one, whatever the schedule"
        <| Prop.forAll
            (Arb.fromGen (Gen.zip schedules (Gen.zip (Gen.choose (0, 60)) (Gen.choose (1, 50)))))
            (fun (schedule, (warmup, total)) ->
                for rate in ratesOf schedule warmup (int64 total) do
                    Expect.isTrue (rate >= 0.0 && rate <= 1.0) $"{rate}")

        testProperty "a warm-up rises in equal steps to where the schedule begins"
        <| Prop.forAll (Arb.fromGen (Gen.zip schedules (Gen.choose (1, 40)))) (fun (schedule, warmup) ->
            let total = int64 warmup + 30L
            let rates = ratesOf schedule warmup total
            let first = share schedule 0 30L 0L

            for step in 0 .. warmup - 1 do
                Expect.floatClose Accuracy.high rates[step] (first * float (step + 1) / float warmup) $"step {step}"

            let after = rates |> List.skip warmup

            for found, wanted in List.zip after (ratesOf schedule 0 30L) do
                Expect.floatClose Accuracy.high found wanted "after the warm-up")

        test "constant without a warm-up is the rate itself, to the bit" {
            Expect.allEqual (ratesOf LearningRateSchedule.Constant 0 100L) 1.0 "rates"
            let config = TrainingConfig.standard

            Expect.equal
                (TrainingConfig.learningRate config 77 LearningRateSchedule.start 5L)
                config.LearningRate
                "rate"
        }

        test "cosine falls from one to its last share, and is half way in the middle" {
            let rates = ratesOf (LearningRateSchedule.Cosine 0.1) 0 101L
            Expect.equal (List.pairwise rates |> List.filter (fun (a, b) -> b > a)) [] "falling"
            Expect.floatClose Accuracy.high rates[0] 1.0 "first"
            Expect.floatClose Accuracy.high rates[50] 0.55 "middle"
            Expect.floatClose Accuracy.high rates[100] 0.1 "last"
        }

        test "one cycle rises for its share of the steps and then falls to next to nothing" {
            let rates = ratesOf (LearningRateSchedule.OneCycle 0.25) 0 101L
            Expect.floatClose Accuracy.high rates[0] 0.04 "first"
            Expect.floatClose Accuracy.high rates[25] 1.0 "top"
            Expect.floatClose Accuracy.high rates[100] 4e-6 "last"
            Expect.all (List.pairwise rates[..25]) (fun (a, b) -> b > a) "rising"
            Expect.all (List.pairwise rates[25..]) (fun (a, b) -> b < a) "falling"
        }

        test "a plateau lowers the rate after so many epochs without a better one, and counts again" {
            let schedule = LearningRateSchedule.Plateau(0.5, 2)
            let after state isBest = LearningRateSchedule.afterEpoch schedule isBest state

            let scales =
                [ true; false; true; false; false; false; false; true; false ]
                |> List.scan after LearningRateSchedule.start
                |> List.map _.Scale

            Expect.equal scales [ 1.0; 1.0; 1.0; 1.0; 1.0; 0.5; 0.5; 0.25; 0.25; 0.25 ] "scales"
            let state = { Scale = 0.25; Waited = 1 }
            Expect.equal (LearningRateSchedule.share schedule 0 10L state 3L) 0.25 "rate"
        }

        test "a training of one step, and one shorter than its warm-up, have rates" {
            for schedule in [ LearningRateSchedule.Cosine 0.0; LearningRateSchedule.OneCycle 0.3 ] do
                Expect.isGreaterThan (share schedule 0 1L 0L) 0.0 "one step"
                Expect.isGreaterThan (share schedule 10 3L 2L) 0.0 "in the warm-up"
        }
    ]

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

let private small =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 1
        Strategy = DecisionStrategy.Equilibrium 2
        Standardise = false
        Dropout = 0.0
    }

let private modelOf (criterion: Criterion) (config: PrunerConfig) =
    use random = new torch.Generator(5UL)

    {
        Pruner = Pruner.create (Laws.init random) config
        Criterion = criterion
        Notes = Map.empty
    }

let private placeOf step =
    {
        Epoch = 1
        Batch = step
        StepsBefore = int64 (step - 1)
        LearningRate = 1e-2
    }

let private weightsOf (pruner: Pruner) =
    [ for name, tensor in Weights.tensors pruner.Network.Weights -> name, tensor.detach().clone() ]

let private optimiserTests =
    [
        test "weight decay is AdamW's" {
            use _scope = torch.NewDisposeScope()
            use random = new torch.Generator(3UL)
            let start = torch.randn ([| 4L; 3L |], generator = random)
            let ours, theirs = new Parameter(start.clone ()), new Parameter(start.clone ())
            use adam = new Adam([ "w", ours ], 0.1)
            use reference = torch.optim.AdamW([ theirs ], 1e-2, weight_decay = 0.1)

            for _ in 1..20 do
                let gradient = torch.randn ([| 4L; 3L |], generator = random)
                ours.grad <- gradient.clone ()
                theirs.grad <- gradient.clone ()
                adam.Step 1e-2
                reference.step () |> ignore

            Near.closeRelative 1e-6 ours theirs "weights"
        }

        test "an optimiser goes on from another one's state" {
            use _scope = torch.NewDisposeScope()
            use random = new torch.Generator(3UL)
            let gradients = [ for _ in 1..6 -> torch.randn ([| 5L |], generator = random) ]

            let steps (adam: Adam) (parameter: Parameter) some =
                for gradient: Tensor in some do
                    parameter.grad <- gradient.clone ()
                    adam.Step 0.1

            let whole = new Parameter(torch.ones 5L)
            use adam = new Adam([ "w", whole ], 0.0)
            steps adam whole gradients[..2]
            let other = new Parameter(whole.detach().clone())
            use second = new Adam([ "w", other ], 0.0)

            second.Load(fun name ->
                let _, first, square, count = adam.State |> List.find (fun (found, _, _, _) -> found = name)
                first, square, count)

            steps adam whole gradients[3..]
            steps second other gradients[3..]
            Near.close 0.0 other whole "weights"
        }

        for kind in [ LossKind.MeanOverGraphs; LossKind.Original ] do
            for strategy in [ DecisionStrategy.Equilibrium 2; DecisionStrategy.Autoregressive ] do
                test $"{kind}, {strategy}: a step over several batches is the step over the joined one" {
                    use _scope = torch.NewDisposeScope()

                    let step (batches: int list list) =
                        let model = modelOf { criterion with Loss = kind } { small with Strategy = strategy }

                        use trainer =
                            Trainer.create
                                torch.CPU
                                { TrainingConfig.standard with
                                    Loss = kind
                                    ClipNorm = None
                                }
                                model

                        let result = Trainer.learn trainer (placeOf 1) [| for batch in batches -> Fixture.batch batch |]

                        let gradients =
                            [
                                for name, parameter in model.Pruner.Network.Weights.Parameters do
                                    match parameter.grad with
                                    | null -> ()
                                    | gradient -> name, gradient.clone ()
                            ]

                        result, gradients

                    let joined, wanted = step [ [ 0; 1; 2; 3; 1 ] ]
                    let scale = wanted |> List.map (snd >> Near.largest) |> List.max

                    // Batches of unlike sizes: a mean of means would differ.
                    for parts in [ [ [ 0 ]; [ 1; 2; 3; 1 ] ]; [ [ 0; 1 ]; [ 2; 3 ]; [ 1 ] ] ] do
                        let result, found = step parts
                        Expect.floatClose Accuracy.medium result.Loss joined.Loss "loss"
                        Expect.floatClose Accuracy.medium result.GradientNorm joined.GradientNorm "norm"
                        Expect.equal result.Metrics.Decisions joined.Metrics.Decisions "counts"

                        for (name, wanted), (_, found) in List.zip wanted found do
                            Near.close (1e-5 * scale) found wanted name
                }
    ]

let private averageTests =
    [
        test "the average forgets the first weights soon and keeps its share later" {
            Expect.floatClose Accuracy.high (Averaging.decay 0.999 0L) 0.1 "first step"
            Expect.floatClose Accuracy.high (Averaging.decay 0.999 90L) 0.91 "90 steps"
            Expect.equal (Averaging.decay 0.999 1_000_000L) 0.999 "late"
        }

        test "the average follows the weights, counts in evaluation and changes no training" {
            use _scope = torch.NewDisposeScope()
            let batch = Fixture.batch [ 0; 1; 2 ]

            let train ema =
                let trainer =
                    Trainer.create
                        torch.CPU
                        { TrainingConfig.standard with
                            Ema = ema
                        }
                        (modelOf criterion small)

                trainer, [ for step in 1..4 -> (Trainer.learn trainer (placeOf step) [| batch |]).Loss ]

            let plain, losses = train None
            use _plain = plain
            let averaged, sameLosses = train (Some 0.9)
            use _averaged = averaged
            Expect.equal sameLosses losses "losses"
            Expect.isTrue (obj.ReferenceEquals((Trainer.evaluated plain).Pruner, plain.Model.Pruner)) "without average"

            // By the definition: again from the start, in plain sums.
            let mutable mean = weightsOf (modelOf criterion small).Pruner
            use again = Trainer.create torch.CPU TrainingConfig.standard (modelOf criterion small)

            for step in 1..4 do
                Trainer.learn again (placeOf step) [| batch |] |> ignore
                use keep = torch.tensor (min 0.9 (float step / float (9 + step)), dtype = torch.float32)

                mean <-
                    [
                        for (name, mean), (_, newest) in List.zip mean (weightsOf again.Model.Pruner) ->
                            let one = torch.tensor (1.0f)
                            name, plus (mean.mul keep) (newest.mul (one.sub keep))
                    ]

            for (name, wanted), (_, found) in List.zip mean (weightsOf (Trainer.evaluated averaged).Pruner) do
                Near.closeRelative 1e-5 found wanted name
        }
    ]

let private sample = Path.Combine(Fixture.repository, "samples", "tracksters.root")

/// A few epochs over a small share of the sample.
let private trained (config: TrainingConfig) (stop: CancellationToken) =
    use dataset = GraphDataset.Open([| sample |], TracksterReadOptions())
    let split = Split.Create(dataset, SplitOptions(SamplingFraction = 0.05))
    let directory = Directory.CreateTempSubdirectory "pruning loop "
    let reports = ResizeArray<EpochReport>()

    try
        let plan =
            {
                Config = config
                Device = torch.CPU
                Ranks = Pruning.Model.Distributed.Communicator.alone
                Dataset = dataset
                Split = split
                Model = modelOf criterion small
                Checkpoints = directory.FullName
            }

        let listener =
            { TrainingListener.silent with
                OnEpoch = reports.Add
            }

        Loop.run plan listener stop, List.ofSeq reports
    finally
        directory.Delete true

let private endingTests =
    [
        test "patience ends a training that finds nothing better" {
            // Steps too short to change a rank: the first epoch stays the best.
            let config =
                { TrainingConfig.standard with
                    LearningRate = 1e-12
                    Epochs = 9
                    Patience = Some 2
                    Monitor = { Metric = Metrics.recall }
                }

            let outcome, reports = trained config CancellationToken.None
            Expect.equal outcome.Ending TrainingEnding.NoImprovement "ending"
            Expect.isLessThan outcome.Epochs 9 "epochs"
            Expect.equal reports.Length outcome.Epochs "reports"
            let best = outcome.Best.Value
            Expect.equal (outcome.Epochs - best.Epoch) 2 "waited"
        }

        test "time that is up ends a training between two steps" {
            let config =
                { TrainingConfig.standard with
                    MaxTime = Some(TimeSpan.FromTicks 1L)
                }

            let outcome, reports = trained config CancellationToken.None
            Expect.equal (outcome.Ending, outcome.Epochs, reports.Length) (TrainingEnding.TimeIsUp, 0, 0) "outcome"
        }

        test "a request to stop comes before time" {
            let config =
                { TrainingConfig.standard with
                    MaxTime = Some(TimeSpan.FromTicks 1L)
                }

            let outcome, _ = trained config (CancellationToken true)
            Expect.equal outcome.Ending TrainingEnding.Stopped "ending"
            Expect.isTrue outcome.Interrupted "interrupted"
        }

        test "the rate of an epoch is that of the schedule's last step" {
            let config =
                { TrainingConfig.standard with
                    Epochs = 2
                    BatchSize = 7
                    Schedule = LearningRateSchedule.Cosine 0.25
                }

            let _, reports = trained config CancellationToken.None
            Expect.floatClose Accuracy.high reports[1].LearningRate 2.5e-4 "last rate"
            Expect.isGreaterThan reports[0].LearningRate 2.5e-4 "rate of the first epoch"
        }

        test "what is monitored decides, and the loss when it ties" {
            let state loss margins =
                MetricState.ofNodes [| 1L; 0L; 1L; 0L |] margins [| 1f; 1f; 1f; 1f |]
                |> MetricState.withLoss 1 loss

            let good, bad = [| 2f; -1f; 1f; -2f |], [| -2f; 1f; -1f; 2f |]
            let better metric a b = Monitor.score { Metric = metric } a > Monitor.score { Metric = metric } b

            for monitor in Monitor.all do
                if monitor.Metric <> Metrics.loss then
                    Expect.isTrue (better monitor.Metric (state 1.0 good) (state 0.5 bad)) monitor.Metric.Key

                    Expect.isTrue
                        (better monitor.Metric (state 0.5 good) (state 1.0 good))
                        $"{monitor.Metric.Key}, loss"

            Expect.isTrue (better Metrics.loss (state 0.5 bad) (state 1.0 good)) "loss"
            Expect.isFalse (better Metrics.recall MetricState.zero MetricState.zero) "nothing seen"
        }
    ]

[<Tests>]
let tests =
    testList
        "schedules"
        [
            testList "rates" scheduleTests
            testList "optimiser" optimiserTests
            testList "average" averageTests
            testList "ending" endingTests
        ]
