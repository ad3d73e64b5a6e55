/// Laws of whole networks, for both strategies and every memory: what a trackster gets does not depend on its company.
module Pruning.Tests.Model.PrunerLawTests

open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.Prediction
open Pruning.Tests

let private small =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 2
        Standardise = false
    }

let private variants =
    [
        for strategy in [ DecisionStrategy.Equilibrium 2; DecisionStrategy.Autoregressive; DecisionStrategy.Tree ] do
            for memory in [ None; Some CellKind.Gru; Some CellKind.Lstm ] do
                let cell = defaultArg memory CellKind.Lstm

                { small with
                    Strategy = strategy
                    MemoryCell = memory
                    DecisionCell = cell
                }
    ]

let private nameOf (config: PrunerConfig) =
    let memory = config.MemoryCell |> Option.map string |> Option.defaultValue "none"
    $"{config.Strategy}, memory {memory}"

let private pruner (config: PrunerConfig) =
    use random = new torch.Generator(5UL)
    Pruner.create (Laws.init random) config

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

let private run pruner passMode (graphs: ShowerGraph list) =
    use _guard = torch.no_grad ()
    Pruner.run pruner Inference passMode (Laws.tensors graphs)

/// Features of a size that a detector has, so that float32 noise stays small.
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
            maxTest = 15
            endSize = 25
        }
        name
        check

/// Whether two nodes look equally sure at the first step: dead ReLUs or equal features. Their order is then the order of
/// their rows, which is all that a tie can go by.
let private tied (pruner: Pruner) (graph: ShowerGraph) : bool =
    use _guard = torch.no_grad ()
    let network, batch = pruner.Network, Laws.tensors [ graph ]
    let undecided = torch.zeros ([| int64 graph.NodeCount; 2L |], dtype = Laws.dtype ())
    let state = network.Pass Inference batch.Plan undecided (network.Start(network.Encode Inference batch))

    let sure =
        (network.Confidence Inference (NodeState.embedding state)).data<float>().ToArray()
        |> Array.sort

    Array.pairwise sure |> Array.exists (fun (low, high) -> high - low < 1e-6)

let private perVariant (config: PrunerConfig) =
    testList
        (nameOf config)
        [
            property
                "a batch gives what its graphs give one by one, losses included"
                (Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                    Laws.inFloat64 (fun () ->
                        let pruner = pruner config
                        let both = run pruner (PassMode.Evaluate criterion) [ a; b; a ]

                        let each =
                            [ a; b; a ]
                            |> List.map (List.singleton >> run pruner (PassMode.Evaluate criterion))

                        let joined pick = torch.cat (each |> List.map pick |> List.toArray, 0L)
                        Near.close 1e-9 both.Logits (joined _.Logits) "logits"
                        Near.close 1e-9 both.GraphLoss.Value (joined _.GraphLoss.Value) "losses"
                        Expect.equal (Fixture.longs both.StepOfNode) (Fixture.longs (joined _.StepOfNode)) "order")))

            property "renumbering the nodes renumbers the decisions" (fun (seed: int) ->
                Prop.forAll graphs (fun graph ->
                    Laws.inFloat64 (fun () ->
                        let pruner = pruner config
                        let rowOf = Laws.shuffle seed graph.NodeCount
                        let plain = run pruner PassMode.Predict [ graph ]
                        let moved = run pruner PassMode.Predict [ Laws.permute rowOf graph ]

                        let before, after = Fixture.longs plain.StepOfNode, Fixture.longs moved.StepOfNode

                        let same =
                            rowOf
                            |> Array.indexed
                            |> Array.forall (fun (node, row) -> before[node] = after[row])

                        // The first choice is told apart by its confidence; later ones can tie, and a tie goes by rows.
                        if not (tied pruner graph) then
                            let first = before |> Array.findIndex (fun step -> step = 0L)
                            Expect.equal after[rowOf[first]] 0L "the first choice"

                        if same then
                            Near.close 1e-9 (Laws.rows rowOf moved.Logits) plain.Logits "logits")))

            property
                "labels are not looked at when deciding"
                (Prop.forAll graphs (fun graph ->
                    Laws.inFloat64 (fun () ->
                        let pruner = pruner config

                        let flipped =
                            ShowerGraph(
                                graph.Origin,
                                graph.Features,
                                graph.Source,
                                graph.Target,
                                graph.Labels |> Array.map (fun l -> 1uy - l)
                            )

                        let decided, evaluated =
                            run pruner PassMode.Predict [ graph ],
                            run pruner (PassMode.Evaluate criterion) [ flipped ]

                        Near.close 1e-12 decided.Logits evaluated.Logits "logits"
                        Expect.isNone decided.GraphLoss "no label, no loss")))

            property
                "every node is decided once"
                (Prop.forAll graphs (fun graph ->
                    use _scope = torch.NewDisposeScope()
                    let steps = Fixture.longs (run (pruner config) PassMode.Predict [ graph ]).StepOfNode

                    match config.Strategy with
                    | DecisionStrategy.Autoregressive ->
                        Expect.equal (Array.sort steps) (Array.init graph.NodeCount int64) "one node a step"
                    | DecisionStrategy.OnePass
                    | DecisionStrategy.Tree
                    | DecisionStrategy.Equilibrium _ -> Expect.all steps (fun step -> step = 0L) "all at once"))
        ]

[<Tests>]
let tests =
    testList
        "pruner"
        [
            yield! List.map perVariant variants

            test "the default normalisation is the same in training and inference, whatever the batch" {
                Laws.inFloat64 (fun () ->
                    use random = new torch.Generator(1UL)
                    let pruner = pruner { small with Dropout = 0.0 }
                    let graphs = List.ofArray Fixture.graphs.Value
                    let training = Pruner.run pruner (Training random) (PassMode.Train criterion) (Laws.tensors graphs)
                    Near.close 1e-9 training.Logits (run pruner PassMode.Predict graphs).Logits "logits")
            }

            test "dropout draws from the generator that it is given" {
                use _scope = torch.NewDisposeScope()
                let pruner = pruner { small with Dropout = 0.5 }
                let batch = Laws.tensors [ Fixture.graphs.Value[2] ]

                let logits (seed: uint64) =
                    use random = new torch.Generator(seed)
                    (Pruner.run pruner (Training random) (PassMode.Train criterion) batch).Logits

                Near.close 0.0 (logits 1UL) (logits 1UL) "same seed"
                Expect.isGreaterThan (Near.distance (logits 1UL) (logits 2UL)) 1e-6 "other seed, other masks"
            }

            test "one node, and graphs of one node between others" {
                use _scope = torch.NewDisposeScope()
                let one = Fixture.graphs.Value[0]

                for config in variants do
                    for normalisation in [ Normalisation.Layer; Normalisation.GraphBatch; Normalisation.Identity ] do
                        use random = new torch.Generator(1UL)

                        let pruner =
                            pruner
                                { config with
                                    Normalisation = normalisation
                                }

                        let batch = Laws.tensors [ one; Fixture.graphs.Value[1]; one ]
                        let predictions = Pruner.run pruner (Training random) (PassMode.Train criterion) batch

                        Expect.isNone
                            (Evaluation.tryFindBroken batch.Source predictions)
                            $"{nameOf config}, {normalisation}"
            }
        ]
