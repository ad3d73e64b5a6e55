/// Several choices a step, and beams: what they are when they are nothing new, what they keep, and what a beam finds.
module Pruning.Tests.Model.DecodingTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Tests

let private config order =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 1
        Strategy = DecisionStrategy.Autoregressive
        Order = order
        MemoryCell = Some CellKind.Gru
        Standardise = false
        Dropout = 0.0
    }

/// Weights far from small, so that early decisions matter to later ones.
let private pruner order =
    use random = new torch.Generator(5UL)
    let pruner = Pruner.create (Laws.init random) (config order)
    use _guard = torch.no_grad ()

    for _, parameter in pruner.Network.Weights.Parameters do
        parameter.mul_ (scalar 2.5) |> ignore

    pruner

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

let private run pruner passMode (graphs: ShowerGraph list) =
    use _guard = torch.no_grad ()
    Pruner.run pruner Inference passMode (Laws.tensors graphs)

let private orders = [ DecisionOrder.Confidence; DecisionOrder.Energy ]

let private options order =
    {
        Order = NodeOrder.ofConfig order
        TeacherForcingProbability = 1.0
        Choices = 1
    }

let private search order width (graphs: ShowerGraph list) =
    use _guard = torch.no_grad ()

    Beam.search
        (options order)
        width
        (pruner order).Network
        Inference
        (PassMode.Evaluate criterion)
        (Laws.tensors graphs)

let private withLabels (labels: byte array) (graph: ShowerGraph) =
    ShowerGraph(graph.Origin, graph.Features, graph.Source, graph.Target, labels, Layers = graph.Layers)

/// Log-likelihood of some labels, step after step, by telling a network that they are the truth.
let private logLikelihood order (labels: byte array) (graph: ShowerGraph) : float =
    let predictions = run (pruner order) (PassMode.Train criterion) [ withLabels labels graph ]
    let all = predictions.Logits.log_softmax(1L).``to``(torch.float64).data<float>().ToArray()
    Seq.sum [ for node in 0 .. graph.NodeCount - 1 -> all[2 * node + int labels[node]] ]

let private labelsOf (predictions: NodePredictions) : byte array =
    Fixture.longs (predictions.Logits.argmax 1L) |> Array.map byte

let private graphs =
    Generators.rawTrackster
    |> Gen.map (fun raw ->
        let graph = Generators.graphOf raw
        let features = graph.Features |> Array.map (fun value -> value / 100f)
        ShowerGraph(graph.Origin, features, graph.Source, graph.Target, graph.Labels, Layers = graph.Layers))
    |> Gen.filter (fun graph -> graph.NodeCount > 0)
    |> Arb.fromGen

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 10
            endSize = 20
        }
        name
        check

let private same (tolerance: float) (found: NodePredictions) (wanted: NodePredictions) =
    Expect.equal (Fixture.longs found.StepOfNode) (Fixture.longs wanted.StepOfNode) "steps"
    Near.close tolerance found.Logits wanted.Logits "logits"
    Near.close tolerance found.GraphLoss.Value wanted.GraphLoss.Value "losses"

let private unionLaw decoding order =
    property
        $"{decoding}, order {order}: a batch is its graphs"
        (Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
            Laws.inFloat64 (fun () ->
                let pruner = Pruner.withDecoding decoding (pruner order)
                let both = run pruner (PassMode.Evaluate criterion) [ a; b ]

                let each =
                    [ a; b ]
                    |> List.map (List.singleton >> run pruner (PassMode.Evaluate criterion))

                let joined pick = torch.cat (each |> List.map pick |> List.toArray, 0L)

                same
                    1e-8
                    both
                    {
                        Logits = joined _.Logits
                        StepOfNode = joined _.StepOfNode
                        GraphLoss = Some(joined _.GraphLoss.Value)
                    })))

let private choices =
    testList
        "choices"
        [
            for order in orders do
                test $"one a step is greedy decoding, order {order}" {
                    Laws.inFloat64 (fun () ->
                        let graphs = List.ofArray Fixture.graphs.Value
                        let greedy = run (pruner order) (PassMode.Evaluate criterion) graphs

                        let one =
                            run
                                (Pruner.withDecoding (Decoding.Choices 1) (pruner order))
                                (PassMode.Evaluate criterion)
                                graphs

                        same 0.0 one greedy)
                }

                unionLaw (Decoding.Choices 3) order

                property
                    $"k nodes a step until none is left, order {order}"
                    (Prop.forAll
                        (Arb.zip (graphs, ArbMap.defaults |> ArbMap.arbitrary<PositiveInt>))
                        (fun (graph, PositiveInt k) ->
                            use _scope = torch.NewDisposeScope()
                            let k = (k - 1) % 6 + 1

                            let predictions =
                                run
                                    (Pruner.withDecoding (Decoding.Choices k) (pruner order))
                                    PassMode.Predict
                                    [ graph ]

                            Expect.equal
                                (Fixture.longs predictions.StepOfNode |> Array.sort)
                                (Array.init graph.NodeCount (fun node -> int64 (node / k)))
                                "steps"))

                test $"all nodes at once are decided by the first step, order {order}" {
                    Laws.inFloat64 (fun () ->
                        let graph = Fixture.graphs.Value |> Array.maxBy _.NodeCount
                        let greedy = run (pruner order) PassMode.Predict [ graph ]

                        let all =
                            run
                                (Pruner.withDecoding (Decoding.Choices graph.NodeCount) (pruner order))
                                (PassMode.Evaluate criterion)
                                [ graph ]

                        let first = Array.IndexOf(Fixture.longs greedy.StepOfNode, 0L)
                        Near.close 1e-12 all.Logits[first] greedy.Logits[first] "the first one"
                        Expect.isTrue (Fixture.longs all.StepOfNode |> Array.forall ((=) 0L)) "one step"

                        if order = DecisionOrder.Energy then
                            let labels = (Laws.tensors [ graph ]).Labels
                            let mean = (Loss.perNode criterion.Weights all.Logits labels).mean [| 0L |]
                            Near.close 1e-10 (all.GraphLoss.Value.squeeze 0L) mean "loss")
                }
        ]

let private beams =
    testList
        "beam"
        [
            for order in orders do
                test $"one sequence is greedy decoding, order {order}" {
                    Laws.inFloat64 (fun () ->
                        let graphs = List.ofArray Fixture.graphs.Value

                        same
                            1e-12
                            (search order 1 graphs).NodePredictions
                            (run (pruner order) (PassMode.Evaluate criterion) graphs))
                }

                unionLaw (Decoding.Beam 3) order

                property
                    $"what it finds is at least as likely as what greedy decoding finds, order {order}"
                    (Prop.forAll
                        (Arb.zip (graphs, ArbMap.defaults |> ArbMap.arbitrary<PositiveInt>))
                        (fun (graph, PositiveInt width) ->
                            Laws.inFloat64 (fun () ->
                                let found = search order ((width - 1) % 5 + 1) [ graph ]
                                let greedy = run (pruner order) PassMode.Predict [ graph ]
                                let likelihood = found.LogLikelihood.item<float>()
                                let told = logLikelihood order (labelsOf found.NodePredictions) graph
                                Expect.floatClose Accuracy.high likelihood told "the likelihood of its labels"

                                Expect.isGreaterThanOrEqual
                                    likelihood
                                    (logLikelihood order (labelsOf greedy) graph - 1e-9)
                                    "not less than greedy decoding")))

                test $"a beam that holds every sequence finds the likeliest, order {order}" {
                    Laws.inFloat64 (fun () ->
                        let isSmall (graph: ShowerGraph) = graph.NodeCount >= 2 && graph.NodeCount <= 6

                        let graph =
                            match Fixture.graphs.Value |> Array.tryFind isSmall with
                            | Some graph -> graph
                            | None ->
                                let features = Fixture.graphs.Value[0].Features[.. 5 * ShowerGraph.FeatureCount - 1]
                                let source, target = [| 0; 1; 2; 3; 4; 0; 1; 3 |], [| 0; 1; 2; 3; 4; 1; 2; 4 |]

                                ShowerGraph(
                                    Fixture.graphs.Value[0].Origin,
                                    features,
                                    source,
                                    target,
                                    Array.zeroCreate 5
                                )

                        let nodes = graph.NodeCount

                        let best =
                            Seq.init (1 <<< nodes) (fun bits ->
                                Array.init nodes (fun node -> byte ((bits >>> node) &&& 1)))
                            |> Seq.map (fun labels -> logLikelihood order labels graph)
                            |> Seq.max

                        let found = (search order (1 <<< nodes) [ graph ]).LogLikelihood.item<float>()
                        Expect.floatClose Accuracy.high found best "log-likelihood")
                }

            test "learning by a beam, an empty beam, and a beam of another strategy are refused" {
                use _scope = torch.NewDisposeScope()
                let order = DecisionOrder.Energy
                let graph = Fixture.graphs.Value[2]

                Expect.throwsT<ArgumentException>
                    (fun () ->
                        run (Pruner.withDecoding (Decoding.Beam 2) (pruner order)) (PassMode.Train criterion) [ graph ]
                        |> ignore)
                    "learning"

                for decoding in [ Decoding.Beam 0; Decoding.Choices 0 ] do
                    Expect.throwsT<ArgumentException>
                        (fun () -> Pruner.withDecoding decoding (pruner order) |> ignore)
                        $"{decoding}"

                Expect.throwsT<ArgumentException>
                    (fun () -> Strategy.decoded (Decoding.Beam 2) PrunerConfig.standard |> ignore)
                    "equilibrium"
            }
        ]

[<Tests>]
let tests = testList "decoding" [ choices; beams ]
