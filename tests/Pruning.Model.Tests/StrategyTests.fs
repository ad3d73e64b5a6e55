/// Strategies as values: one pass, orders, scheduled sampling, and one of somebody's own.
module Pruning.Tests.Model.StrategyTests

open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Prediction
open Pruning.Model.Training
open Pruning.Tests

let private small =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 1
        Layer = LayerKind.Gcn
        Standardise = false
        Dropout = 0.0
    }

let private pruner (config: PrunerConfig) =
    use random = new torch.Generator(5UL)
    Pruner.create (Laws.init random) config

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

let private run pruner passMode (graphs: ShowerGraph list) =
    use _guard = torch.no_grad ()
    Pruner.run pruner Inference passMode (Laws.tensors graphs)

let private ordered (order: DecisionOrder) =
    { small with
        Strategy = DecisionStrategy.Autoregressive
        Order = order
    }

let private graphs =
    Generators.rawTrackster
    |> Gen.map (fun raw ->
        let graph = Generators.graphOf raw
        let features = graph.Features |> Array.map (fun value -> value / 100f)
        ShowerGraph(graph.Origin, features, graph.Source, graph.Target, graph.Labels))
    |> Arb.fromGen

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 12
            endSize = 20
        }
        name
        check

let private feature (graph: ShowerGraph) node column = graph.Features[node * ShowerGraph.FeatureCount + column]

/// The nodes of one graph in the order in which they were decided.
let private decided (config: PrunerConfig) (graph: ShowerGraph) : int list =
    let steps = Fixture.ints (run (pruner config) PassMode.Predict [ graph ]).StepOfNode
    [ 0 .. graph.NodeCount - 1 ] |> List.sortBy (fun node -> steps[node])

let private isFalling (values: 'T list) = values = List.sortDescending values

let private known = [ DecisionOrder.Energy; DecisionOrder.Layer; DecisionOrder.Random 3L ]

let private orders =
    testList
        "orders"
        [
            property
                "by energy: no layer cluster before one of more energy"
                (Prop.forAll graphs (fun graph ->
                    use _scope = torch.NewDisposeScope()
                    let nodes = decided (ordered DecisionOrder.Energy) graph
                    Expect.isTrue (nodes |> List.map (fun node -> feature graph node 3) |> isFalling) "energies"))

            property
                "by layer: from the collision outwards, within a layer by energy"
                (Prop.forAll graphs (fun graph ->
                    use _scope = torch.NewDisposeScope()
                    let nodes = decided (ordered DecisionOrder.Layer) graph

                    let key node =
                        let z = feature graph node 2
                        (if feature graph node 5 < 0f then z else -z), feature graph node 3

                    Expect.isTrue (nodes |> List.map key |> isFalling) "depth, then energy"))

            property
                "a random order is the seed's, whatever is beside the graph"
                (Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                    use _scope = torch.NewDisposeScope()
                    let pruner = pruner (ordered (DecisionOrder.Random 3L))
                    let alone = Fixture.longs (run pruner PassMode.Predict [ b ]).StepOfNode
                    let beside = Fixture.longs (run pruner PassMode.Predict [ a; b ]).StepOfNode
                    Expect.equal beside[a.NodeCount ..] alone "steps"))

            test "another seed gives another order, and training another one each step" {
                use _scope = torch.NewDisposeScope()
                let graph = Fixture.graphs.Value |> Array.maxBy _.NodeCount

                Expect.notEqual
                    (decided (ordered (DecisionOrder.Random 3L)) graph)
                    (decided (ordered (DecisionOrder.Random 4L)) graph)
                    "seeds"

                let train (seed: uint64) =
                    use random = new torch.Generator(seed)
                    let pruner = pruner (ordered (DecisionOrder.Random 3L))

                    Fixture.longs
                        (Pruner.run pruner (Training random) (PassMode.Train criterion) (Laws.tensors [ graph ]))
                            .StepOfNode

                Expect.equal (train 1UL) (train 1UL) "the same generator"
                Expect.notEqual (train 1UL) (train 2UL) "another generator"
            }

            for order in known do
                property
                    $"{order}: every node once, a batch as its graphs, losses included"
                    (Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                        Laws.inFloat64 (fun () ->
                            let pruner = pruner (ordered order)
                            let both = run pruner (PassMode.Evaluate criterion) [ a; b ]

                            let each =
                                [ a; b ]
                                |> List.map (List.singleton >> run pruner (PassMode.Evaluate criterion))

                            let joined pick = torch.cat (each |> List.map pick |> List.toArray, 0L)
                            Near.close 1e-9 both.Logits (joined _.Logits) "logits"
                            Near.close 1e-9 both.GraphLoss.Value (joined _.GraphLoss.Value) "losses"
                            let steps = Fixture.longs both.StepOfNode
                            Expect.equal (Array.sort steps[.. a.NodeCount - 1]) (Array.init a.NodeCount int64) "once")))

            test "in a known order the loss is that of the decisions alone" {
                Laws.inFloat64 (fun () ->
                    let graph = Fixture.graphs.Value[2]

                    let predictions =
                        run (pruner (ordered DecisionOrder.Energy)) (PassMode.Evaluate criterion) [ graph ]

                    let labels = (Laws.tensors [ graph ]).Labels
                    let wanted = (Loss.perNode criterion.Weights predictions.Logits labels).mean [| 0L |]
                    Near.close 1e-10 (predictions.GraphLoss.Value.squeeze 0L) wanted "loss")
            }

            test "a known order needs no confidence head" {
                use _scope = torch.NewDisposeScope()
                use random = new torch.Generator(1UL)
                let pruner = pruner (ordered DecisionOrder.Energy)

                let predictions =
                    Pruner.run
                        pruner
                        (Training random)
                        (PassMode.Train criterion)
                        (Laws.tensors [ Fixture.graphs.Value[2] ])

                predictions.GraphLoss.Value.sum().backward()

                let touched =
                    pruner.Network.Weights.Parameters
                    |> List.filter (fun (_, p) -> not (isNull p.grad))
                    |> List.map fst

                Expect.isTrue (touched |> List.exists (fun name -> name.StartsWith "prune.")) "the prune head learns"

                Expect.isFalse
                    (touched |> List.exists (fun name -> name.StartsWith "confidence."))
                    "the other one does not"
            }

            test "an order without a place for every node is refused" {
                use _scope = torch.NewDisposeScope()
                let strategy = Strategy.autoregressive (Fixed(fun _ _ -> [| 0 |])) TeacherForcingSchedule.Always
                let pruner = pruner small |> Pruner.withStrategy strategy

                Expect.throwsT<System.InvalidOperationException>
                    (fun () -> run pruner PassMode.Predict [ Fixture.graphs.Value[2] ] |> ignore)
                    "one place"
            }
        ]

let private onePass =
    testList
        "one pass"
        [
            for memory in [ None; Some CellKind.Gru; Some CellKind.Lstm ] do
                test $"is an equilibrium of one pass, memory {memory}" {
                    Laws.inFloat64 (fun () ->
                        let config strategy =
                            { small with
                                Strategy = strategy
                                MemoryCell = memory
                            }

                        let graphs = List.ofArray Fixture.graphs.Value
                        let answer strategy = run (pruner (config strategy)) (PassMode.Evaluate criterion) graphs

                        let one, equilibrium = answer DecisionStrategy.OnePass, answer (DecisionStrategy.Equilibrium 1)

                        Near.close 1e-12 one.Logits equilibrium.Logits "logits"
                        Near.close 1e-12 one.GraphLoss.Value equilibrium.GraphLoss.Value "losses"

                        Expect.isGreaterThan
                            (Near.distance one.Logits (answer (DecisionStrategy.Equilibrium 2)).Logits)
                            1e-6
                            "two passes differ")
                }

            test "no decision is read: the matrix of the decisions has no effect and learns nothing" {
                use _scope = torch.NewDisposeScope()
                use random = new torch.Generator(1UL)

                let pruner =
                    pruner
                        { small with
                            Strategy = DecisionStrategy.OnePass
                        }

                let batch = Laws.tensors [ Fixture.graphs.Value[2] ]
                (Pruner.run pruner (Training random) (PassMode.Train criterion) batch).GraphLoss.Value.sum().backward()
                let parameters = Map.ofList pruner.Network.Weights.Parameters
                Expect.equal (Near.largest (nonNull parameters["decision.input.weight"].grad)) 0.0 "gradient"

                Expect.isGreaterThan
                    (Near.largest (nonNull parameters["decision.hidden.weight"].grad))
                    0.0
                    "the cell works all the same"
            }
        ]

let private schedules =
    [
        TeacherForcingSchedule.Linear
        TeacherForcingSchedule.Exponential
        TeacherForcingSchedule.InverseSigmoid
    ]

/// Logits of one training step of an autoregressive network after a share of the training.
let private losses (schedule: TeacherForcingSchedule) (share: float) (passMode: PassMode) =
    use random = new torch.Generator(8UL)

    let config =
        { ordered DecisionOrder.Energy with
            TeacherForcing = schedule
        }

    let pruner = pruner config |> Pruner.during share
    (Pruner.run pruner (Training random) passMode (Laws.tensors (List.ofArray Fixture.graphs.Value))).Logits

let private scheduled =
    testList
        "scheduled sampling"
        [
            for schedule in schedules do
                test $"{schedule 0.25}: from always to the last probability, never rising" {
                    let at share = TeacherForcing.probability (schedule 0.25) share
                    Expect.floatClose Accuracy.high (at 0.0) 1.0 "first epoch"
                    Expect.floatClose Accuracy.high (at 1.0) 0.25 "last epoch"
                    let path = [ for share in 0.0..0.05..1.0 -> at share ]
                    Expect.isTrue (isFalling path) "falling"
                    Expect.isLessThan path[10] 0.999 "not only at the end"
                    Expect.equal (at 7.0, at -1.0) (at 1.0, at 0.0) "outside"
                }

            test "half of the way of a linear schedule" {
                Expect.floatClose
                    Accuracy.high
                    (TeacherForcing.probability (TeacherForcingSchedule.Linear 0.2) 0.5)
                    0.6
                    "probability"

                Expect.floatClose
                    Accuracy.high
                    (TeacherForcing.probability (TeacherForcingSchedule.Exponential 0.25) 0.5)
                    0.5
                    "probability"

                Expect.floatClose
                    Accuracy.high
                    (TeacherForcing.probability (TeacherForcingSchedule.InverseSigmoid 0.2) 0.5)
                    0.6
                    "probability"
            }

            test "the first epoch is teacher forcing; at probability 0 a network reads its own decisions" {
                Laws.inFloat64 (fun () ->
                    let forced = losses TeacherForcingSchedule.Always 0.5 (PassMode.Train criterion)
                    let own = losses TeacherForcingSchedule.Always 0.5 (PassMode.Evaluate criterion)
                    Expect.isGreaterThan (Near.distance forced own) 1e-9 "labels make a difference here"

                    Near.close
                        1e-12
                        (losses (TeacherForcingSchedule.Linear 0.0) 0.0 (PassMode.Train criterion))
                        forced
                        "first epoch"

                    Near.close
                        1e-12
                        (losses (TeacherForcingSchedule.Linear 0.0) 1.0 (PassMode.Train criterion))
                        own
                        "last epoch"

                    let between = losses (TeacherForcingSchedule.Linear 0.0) 0.5 (PassMode.Train criterion)
                    Expect.isGreaterThan (Near.distance between forced) 1e-9 "sometimes its own"
                    Expect.isGreaterThan (Near.distance between own) 1e-9 "sometimes the truth")
            }

            test "the share of nodes whose true label is read is the probability" {
                use _scope = torch.NewDisposeScope()
                use random = new torch.Generator(3UL)
                let batch = Laws.tensors (List.replicate 400 Fixture.graphs.Value[2])
                let teacherForced = (TeacherForcing.draw 0.3 (Training random) batch).Value
                let share = teacherForced.``to``(torch.float64).mean().item<float>()
                // Five standard deviations.
                Expect.isLessThan (abs (share - 0.3)) (5.0 * sqrt (0.21 / float batch.NodeCount)) "share"
                Expect.isNone (TeacherForcing.draw 0.3 Inference batch) "inference reads no label"
            }

            test "no label reaches a prediction, whatever the schedule" {
                Laws.inFloat64 (fun () ->
                    let pruner =
                        pruner
                            { ordered DecisionOrder.Energy with
                                TeacherForcing = TeacherForcingSchedule.Linear 0.0
                            }

                    let graph = Fixture.graphs.Value[2]

                    let flipped =
                        ShowerGraph(
                            graph.Origin,
                            graph.Features,
                            graph.Source,
                            graph.Target,
                            graph.Labels |> Array.map (fun l -> 1uy - l)
                        )

                    Near.close
                        1e-12
                        (run pruner PassMode.Predict [ graph ]).Logits
                        (run pruner (PassMode.Evaluate criterion) [ flipped ]).Logits
                        "logits")
            }
        ]

let private ownStrategy =
    testList
        "a strategy of somebody's own"
        [
            test "training runs it, and tells it how far the training is" {
                use _scope = torch.NewDisposeScope()
                let shares = ResizeArray<float>()
                let asked = ResizeArray<string>()

                let rec at share =
                    {
                        Name = "own"
                        Run =
                            fun network mode passMode batch ->
                                shares.Add share

                                asked.Add(
                                    match passMode with
                                    | PassMode.Train _ -> "train"
                                    | PassMode.Evaluate _ -> "evaluate"
                                    | PassMode.Predict -> "predict"
                                )

                                Strategy.onePass.Run network mode passMode batch
                        During = at
                        Learn = None
                    }

                let pruner = pruner small |> Pruner.withStrategy (at 0.0)

                let model =
                    {
                        Pruner = pruner
                        Criterion = criterion
                        Notes = Map.empty
                    }

                let config =
                    { TrainingConfig.standard with
                        Epochs = 5
                    }

                use trainer = Trainer.create torch.CPU config model
                let batch = Fixture.batch [ 1; 2 ]

                for epoch in [ 1; 3; 5 ] do
                    Trainer.step trainer epoch 1 batch |> ignore

                Pruner.decide torch.CPU pruner batch |> ignore
                Evaluation.ofBatch torch.CPU model batch |> ignore
                Expect.sequenceEqual shares [ 0.0; 0.5; 1.0; 0.0; 0.0 ] "shares"
                Expect.sequenceEqual asked [ "train"; "train"; "train"; "predict"; "evaluate" ] "pass modes"
            }

            test "a configuration names its strategy" {
                for strategy, name in
                    [
                        DecisionStrategy.OnePass, "one-pass"
                        DecisionStrategy.Equilibrium 3, "equilibrium"
                        DecisionStrategy.Autoregressive, "autoregressive"
                        DecisionStrategy.Tree, "tree"
                    ] do
                    Expect.equal (Strategy.ofConfig { small with Strategy = strategy }).Name name "name"
            }
        ]

[<Tests>]
let tests = testList "strategies" [ orders; onePass; scheduled; ownStrategy ]
