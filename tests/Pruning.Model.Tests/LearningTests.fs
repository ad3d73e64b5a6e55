/// Memory and threads must not change what is learned: recomputation gives the same gradients, threads the same sums.
module Pruning.Tests.Model.LearningTests

open Expecto
open FsCheck
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Prediction
open Pruning.Model.Training
open Pruning.Tests

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

let private small =
    { PrunerConfig.standard with
        Hidden = 16
        Rounds = 2
        Strategy = DecisionStrategy.Autoregressive
        Standardise = false
    }

let private autoregressive =
    [
        small
        { small with
            DecisionCell = CellKind.Gru
            MemoryCell = Some CellKind.Gru
        }
        { small with
            MemoryCell = Some CellKind.Lstm
            Normalisation = Normalisation.GraphBatch
        }
        { small with
            Aggregator = Aggregator.Max
        }
    ]

let private nameOf (config: PrunerConfig) =
    $"{config.DecisionCell}, memory {config.MemoryCell}, {config.Aggregator}, {config.Normalisation}"

let private prunerOf (config: PrunerConfig) =
    use random = new torch.Generator(5UL)
    Pruner.create (Laws.init random) config

let private graphs = lazy (List.ofArray Fixture.graphs.Value)

let private gradients (pruner: Pruner) =
    [
        for name, parameter in pruner.Network.Weights.Parameters ->
            name,
            match parameter.grad with
            | null -> torch.zeros_like (parameter.detach ())
            | gradient -> gradient.clone ()
    ]

/// NodePredictions, gradients and buffers after learning from the fixture graphs.
let private learned (config: PrunerConfig) (memory: Backpropagation) =
    let pruner, batch = prunerOf config, Laws.tensors graphs.Value
    use random = new torch.Generator(9UL)
    let weights = Loss.graphWeights criterion.Loss config.Strategy batch.GraphSizes
    let predictions = Pruner.learn pruner memory random criterion weights ignore batch
    predictions, gradients pruner @ pruner.Network.Weights.Buffers

let private same
    (tolerance: float)
    (predictions: NodePredictions, numbers)
    (wantedPredictions: NodePredictions, wantedNumbers)
    =
    Expect.equal (Fixture.longs predictions.StepOfNode) (Fixture.longs wantedPredictions.StepOfNode) "order"
    Near.closeRelative tolerance predictions.Logits wantedPredictions.Logits "logits"
    Near.closeRelative tolerance predictions.GraphLoss.Value wantedPredictions.GraphLoss.Value "losses"
    let scale = wantedNumbers |> List.map (snd >> Near.largest) |> List.max

    for (name, wanted), (_, found) in List.zip wantedNumbers numbers do
        Near.close (tolerance * max scale (Near.largest wanted)) found wanted name

let private memoryTests =
    [
        for config in autoregressive do
            test $"{nameOf config}: a budget changes nothing but the memory" {
                use _scope = torch.NewDisposeScope()
                let full = learned config Backpropagation.Full

                // One step a segment; some steps; all of them.
                for budget in [ 1L; 200_000L; 1_000_000_000L ] do
                    same 1e-5 (learned config (Backpropagation.Bounded budget)) full

                same 1e-5 (learned config (Backpropagation.Truncated 1000)) full
            }

            test $"{nameOf config}: learning gives the gradients of the loss of the batch" {
                use _scope = torch.NewDisposeScope()
                let pruner, batch = prunerOf config, Laws.tensors graphs.Value
                use random = new torch.Generator(9UL)
                let predictions = Pruner.run pruner (Training random) (PassMode.Train criterion) batch

                Loss.ofBatch criterion.Loss config.Strategy batch.GraphSizes predictions.GraphLoss.Value
                |> Gradients.backward

                same
                    1e-5
                    (learned config Backpropagation.Full)
                    (predictions, gradients pruner @ pruner.Network.Weights.Buffers)
            }

        test "a budget is exact in float64 too" {
            Laws.inFloat64 (fun () ->
                same 1e-12 (learned small (Backpropagation.Bounded 500_000L)) (learned small Backpropagation.Full))
        }

        test "truncated gradients are others, and finite" {
            use _scope = torch.NewDisposeScope()
            let _, full = learned small Backpropagation.Full
            let predictions, truncated = learned small (Backpropagation.Truncated 1)
            let fullPredictions, _ = learned small Backpropagation.Full
            Near.closeRelative 1e-6 predictions.Logits fullPredictions.Logits "logits"
            let gaps = List.map2 (fun (_, a) (_, b) -> Near.distance a b) full truncated
            Expect.isGreaterThan (List.max gaps) 1e-5 "difference"
            Expect.isTrue (truncated |> List.forall (fun (_, g) -> g.isfinite().all().item<bool>())) "finite"
        }

        test "refused predictions leave no gradient" {
            use _scope = torch.NewDisposeScope()

            for memory in [ Backpropagation.Full; Backpropagation.Bounded 1L ] do
                let pruner, batch = prunerOf small, Laws.tensors graphs.Value
                use random = new torch.Generator(9UL)
                let weights = Array.create batch.GraphCount 1.0
                let refuse _ = invalidOp "refused"

                Expect.throwsT<System.InvalidOperationException>
                    (fun () -> Pruner.learn pruner memory random criterion weights refuse batch |> ignore)
                    "refused"

                Expect.all
                    pruner.Network.Weights.Parameters
                    (fun (_, parameter) -> isNull parameter.grad)
                    $"gradients, {memory}"
        }
    ]

let private trainerOf (config: PrunerConfig) (threads: int) : Trainer =
    let model =
        {
            Pruner = prunerOf config
            Criterion = criterion
            Notes = Map.empty
        }

    Trainer.create
        torch.CPU
        { TrainingConfig.standard with
            Threads = threads
            ClipNorm = None
        }
        model

/// Loss of some steps and the weights after them.
let private trained (config: PrunerConfig) (threads: int) (steps: int) =
    use trainer = trainerOf config threads
    let batch = Fixture.batch [ 0; 1; 2; 3; 1 ]
    let results = [ for step in 1..steps -> Trainer.step trainer 1 step batch ]

    results,
    [
        for _, parameter in trainer.Model.Pruner.Network.Weights.Parameters -> parameter.detach().clone()
    ]

let private threadTests =
    [
        for strategy in [ DecisionStrategy.Equilibrium 2; DecisionStrategy.Autoregressive ] do
            let config =
                { small with
                    Strategy = strategy
                    Dropout = 0.0
                }

            test $"{strategy}: threads add up to the gradients of one" {
                use _scope = torch.NewDisposeScope()
                let alone, _ = trained config 1 1

                for threads in [ 2; 3; 8 ] do
                    let together, _ = trained config threads 1
                    Expect.floatClose Accuracy.medium together[0].Loss alone[0].Loss "loss"
                    Expect.floatClose Accuracy.medium together[0].GradientNorm alone[0].GradientNorm "norm"
                    let counts (result: StepResult list) = MetricState.report result[0].Metrics

                    for (name, wanted), (_, found) in List.zip (counts alone) (counts together) do
                        if System.Double.IsFinite wanted then
                            Expect.floatClose Accuracy.medium found wanted name
            }

            test $"{strategy}: with as many threads the same bits come out" {
                use _scope = torch.NewDisposeScope()
                let config = { config with Dropout = 0.3 }
                let (first, weights), (second, again) = trained config 3 4, trained config 3 4
                Expect.equal (second |> List.map _.Loss) (first |> List.map _.Loss) "losses"

                for wanted, found in List.zip weights again do
                    Near.close 0.0 found wanted "weights"
            }

        test "batch statistics keep to one thread" {
            use _scope = torch.NewDisposeScope()

            let config =
                { small with
                    Normalisation = Normalisation.GraphBatch
                }

            use trainer = trainerOf config 4
            Expect.isEmpty trainer.Replicas "replicas"
        }

        test "what a thread throws arrives, the first part's first, after all have ended" {
            let ended = ref 0

            let work place () =
                System.Threading.Interlocked.Increment ended |> ignore
                if place > 0 then invalidOp $"part {place}" else place

            let error =
                try
                    Workers.map work (Array.create 4 ()) |> ignore
                    ""
                with error ->
                    error.Message

            Expect.equal (error, ended.Value) ("part 1", 4) "error"
            Expect.equal (Workers.map (fun place () -> place) (Array.create 4 ())) [| 0; 1; 2; 3 |] "order"
        }

        test "evaluation does not depend on threads" {
            use _scope = torch.NewDisposeScope()

            let model =
                {
                    Pruner = prunerOf small
                    Criterion = criterion
                    Notes = Map.empty
                }

            let report threads =
                [ Fixture.batch [ 0; 1; 2; 3 ]; Fixture.batch [ 2 ] ]
                |> Evaluation.run torch.CPU threads model ignore
                |> MetricState.report

            for (name, wanted), (_, found) in List.zip (report 1) (report 3) do
                if System.Double.IsFinite wanted then
                    Expect.floatClose Accuracy.medium found wanted name
        }
    ]

let private sliceTests =
    [
        testProperty
            "a division holds everything once and is balanced"
            (fun (costs: NonNegativeInt list) (PositiveInt parts) ->
                let costs = [| for NonNegativeInt cost in costs -> int64 cost |]
                let parts = BatchSlices.Balanced(costs, parts % 9 + 1)
                Expect.equal (Array.sort (Array.concat parts)) [| 0 .. costs.Length - 1 |] "items"
                let loads = parts |> Array.map (Array.sumBy (fun item -> costs[item]))

                if parts.Length > 1 then
                    // No part is dearer than the cheapest one by more than one item.
                    Expect.isLessThanOrEqual (Array.max loads - Array.min loads) (Array.max costs) "loads"
                    Expect.all parts (fun part -> part.Length > 0) "not empty")

        test "slices are the graphs that they name" {
            let whole = Fixture.batch [ 0; 1; 2; 3 ]
            let part, wanted = BatchSlices.Of(whole, [| 3; 1 |]), Fixture.batch [ 3; 1 ]
            Expect.equal part.Features wanted.Features "features"
            Expect.equal (part.Source, part.Target) (wanted.Source, wanted.Target) "edges"
            Expect.equal (part.Labels, part.NodeOffsets) (wanted.Labels, wanted.NodeOffsets) "nodes"
            Expect.equal part.Origins wanted.Origins "origins"
            Expect.equal (part.Layers, part.HitCounts) (wanted.Layers, wanted.HitCounts) "layers and hits"
            Expect.equal part.LinkCounts wanted.LinkCounts "links"
            Expect.equal part.Surroundings.Values wanted.Surroundings.Values "surroundings"
            let layers = [| for node in 1 .. Fixture.graphs.Value[1].NodeCount -> byte node |]
            let graph = Laws.withLayers layers Fixture.graphs.Value[1]
            let whole = BatchAssembler.Collate [| Fixture.graphs.Value[0]; graph |]
            Expect.equal (BatchSlices.Of(whole, [| 1 |])).Layers layers "layers that are known"

            Expect.throwsT<System.ArgumentOutOfRangeException>
                (fun () -> BatchSlices.Of(whole, [| 4 |]) |> ignore)
                "no such graph"
        }
    ]

let private lossTests =
    [
        testProperty "the mean over nodes counts every node once, the mean over graphs every graph" (fun () ->
            use _scope = torch.NewDisposeScope()
            let whole = Fixture.batch [ 0; 1; 2; 3 ] |> BatchTensors.create torch.CPU torch.float64
            use random = new torch.Generator(5UL)
            let logits = torch.randn ([| int64 whole.NodeCount; 2L |], torch.float64, generator = random)
            let weights = { Keep = 1.0; Prune = 3.0 }
            let perNode = Loss.perNode weights logits whole.Labels

            let loss kind =
                Loss.crossEntropy { Weights = weights; Loss = kind } whole logits
                |> Loss.ofBatch kind DecisionStrategy.OnePass whole.GraphSizes

            Near.close 1e-12 (loss LossKind.MeanOverNodes) (perNode.mean ()) "nodes"

            let perGraph = perNode.split (Array.map int64 whole.GraphSizes, 0L) |> Array.map _.mean()

            Near.close 1e-12 (loss LossKind.MeanOverGraphs) (torch.stack(perGraph).mean()) "graphs")

        test "weights of graphs sum to 1, and no graph has none" {
            for kind in [ LossKind.MeanOverGraphs; LossKind.MeanOverNodes ] do
                let weights = Loss.graphWeights kind DecisionStrategy.Autoregressive [| 3; 40; 1 |]
                Expect.floatClose Accuracy.high (Array.sum weights) 1.0 $"{kind}"
                Expect.all weights (fun weight -> weight > 0.0) $"{kind}"
        }
    ]

let private neighbourTests =
    [
        for strategy in [ DecisionStrategy.OnePass; DecisionStrategy.Tree; DecisionStrategy.Autoregressive ] do
            test $"{strategy} learns and decides with edges from nearest neighbours, and they count" {
                use _scope = torch.NewDisposeScope()

                let config =
                    { PrunerConfig.standard with
                        Hidden = 8
                        Strategy = strategy
                        Neighbours = 4
                        Aggregator = Aggregator.MeanMax
                        Features = NodeFeature.physics
                        Dropout = 0.0
                    }

                let pruner config =
                    use random = new torch.Generator(3UL)
                    Pruner.create (Laws.init random) config

                let graphs = Fixture.graphs.Value[..2]

                let margins config =
                    let pruner = pruner config
                    Pruner.decide torch.CPU pruner (Pruner.collate pruner graphs)

                Expect.all (margins config) System.Single.IsFinite "finite"
                Expect.notEqual (margins config) (margins { config with Neighbours = 0 }) "they count"

                let learner = pruner config
                use random = new torch.Generator(4UL)

                let predictions =
                    Pruner.collate learner graphs
                    |> BatchTensors.create torch.CPU torch.float32
                    |> Pruner.learn
                        learner
                        Backpropagation.Full
                        random
                        (Criterion.ofWeights ClassWeights.equal)
                        (Array.create 3 (1.0 / 3.0))
                        ignore

                Expect.isTrue (predictions.GraphLoss.Value.isfinite().all().item<bool>()) "loss"
                let _, first = learner.Network.Weights.Parameters.Head
                Expect.isFalse (isNull first.grad) "gradients"
            }
    ]

[<Tests>]
let tests =
    testList
        "learning"
        [
            testList "memory" memoryTests
            testList "threads" threadTests
            testList "slices" sliceTests
            testList "loss" lossTests
            testList "neighbours" neighbourTests
        ]
