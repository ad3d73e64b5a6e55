/// Laws of graph structure, one by one for every layer, cell and strategy: renumbering, union, padding, no node, one node, no
/// edges, repeated edges, one node with very many.
module Pruning.Tests.Model.StructureLawTests

open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Layers
open Pruning.Model.Cells
open Pruning.Model.Decoding
open Pruning.Tests

/// What is put through the laws: from the graphs of a batch to a row for every node.
type private Subject =
    {
        Name: string
        Run: ShowerGraph list -> torch.Tensor
        /// Nodes are decided one after the other: a node's answer depends on how many there are, and ties go by rows.
        IsSequential: bool
    }

let private features = ShowerGraph.FeatureCount

/// Features of a size that a detector has.
let private graphOf (raw: Generators.RawTrackster) : ShowerGraph =
    let graph = Generators.graphOf raw

    ShowerGraph(
        graph.Origin,
        Array.map (fun value -> value / 100f) graph.Features,
        graph.Source,
        graph.Target,
        graph.Labels
    )

let private graphs = Generators.rawTrackster |> Gen.map graphOf |> Arb.fromGen

let private withEdges (source: int array) (target: int array) (graph: ShowerGraph) : ShowerGraph =
    ShowerGraph(graph.Origin, graph.Features, source, target, graph.Labels)

let private onlyLoops (graph: ShowerGraph) : ShowerGraph =
    let nodes = [| 0 .. graph.NodeCount - 1 |]
    withEdges nodes nodes graph

/// One node of a graph with a loop.
let private alone (graph: ShowerGraph) (node: int) : ShowerGraph =
    ShowerGraph(
        graph.Origin,
        graph.Features[node * features .. (node + 1) * features - 1],
        [| 0 |],
        [| 0 |],
        [| graph.Labels[node] |]
    )

/// Node 0 with an edge from every other node; these are all alike.
let private star (leaves: int) : ShowerGraph =
    let row node = Array.init features (fun column -> float32 (column + 1) * (if node = 0 then -0.1f else 0.07f))
    let loops = [| 0..leaves |]

    ShowerGraph(
        Generators.inMemory 0L,
        Array.collect row loops,
        Array.append loops [| 1..leaves |],
        Array.append loops (Array.zeroCreate leaves),
        Array.zeroCreate (leaves + 1)
    )

let private rowsOf (y: torch.Tensor) (first: int) (count: int) = y.narrow (0L, int64 first, int64 count)

let private isFinite (y: torch.Tensor) = y.isfinite().all().item<bool>()

let private property (subject: Subject) name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = (if subject.IsSequential then 4 else 8)
            endSize = (if subject.IsSequential then 10 else 20)
        }
        name
        check

/// A property of one graph, in float64 without gradients.
let private ofOne subject name (check: ShowerGraph -> unit) =
    property subject name (Prop.forAll graphs (fun graph -> Laws.inFloat64 (fun () -> check graph)))

let private renumbering (subject: Subject) =
    property subject "renumbering the nodes renumbers the answers" (fun (seed: int) ->
        Prop.forAll graphs (fun graph ->
            Laws.inFloat64 (fun () ->
                let rowOf = Laws.shuffle seed graph.NodeCount
                let moved = subject.Run [ Laws.permute rowOf graph ]
                Near.close 1e-9 (Laws.rows rowOf moved) (subject.Run [ graph ]) "answers")))

let private union (subject: Subject) =
    property
        subject
        "a batch is its graphs"
        (Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
            Laws.inFloat64 (fun () ->
                let each = [| a; b; a |] |> Array.map (List.singleton >> subject.Run)
                Near.close 1e-9 (subject.Run [ a; b; a ]) (torch.cat (each, 0L)) "answers")))

let private structure (subject: Subject) =
    [
        ofOne subject "beside a graph ten times as large a graph is what it was" (fun graph ->
            let large = star 30
            let together = subject.Run [ large; graph; large ]
            Near.close 1e-9 (rowsOf together large.NodeCount graph.NodeCount) (subject.Run [ graph ]) "answers")

        ofOne subject "one node, twice in a batch: twice the same answer" (fun graph ->
            let one = alone graph 0
            let y = subject.Run [ one; one ]
            Expect.equal (y.size 0, isFinite y) (2L, true) "a finite row a node"
            Near.close 1e-12 (rowsOf y 0 1) (rowsOf y 1 1) "answers")

        ofOne subject "without edges every node is alone" (fun graph ->
            let y = subject.Run [ onlyLoops graph ]
            Expect.equal (y.size 0, isFinite y) (int64 graph.NodeCount, true) "a finite row a node"

            if not subject.IsSequential then
                let each = Array.init graph.NodeCount (fun node -> subject.Run [ alone graph node ])
                Near.close 1e-9 y (torch.cat (each, 0L)) "answers")

        ofOne subject "of repeated edges only the order at their own node counts" (fun graph ->
            let twice (ends: int array) = ends |> Array.collect (fun node -> [| node; node |])
            let repeated = withEdges (twice graph.Source) (twice graph.Target) graph
            // Stable, so that each node meets its in-edges in the same order.
            let sorted = Seq.zip repeated.Source repeated.Target |> List.ofSeq |> List.sortBy snd
            let source, target = List.unzip sorted
            let y = subject.Run [ repeated ]
            Expect.isTrue (isFinite y) "finite"
            Near.close 1e-9 (subject.Run [ withEdges (List.toArray source) (List.toArray target) graph ]) y "answers")

        test "a node that very many feed: finite, and equal nodes have equal answers" {
            Laws.inFloat64 (fun () ->
                let leaves = if subject.IsSequential then 40 else 1000
                let y = subject.Run [ star leaves ]
                Expect.equal (y.size 0, isFinite y) (int64 leaves + 1L, true) "a finite row a node"

                if not subject.IsSequential then
                    let first = (rowsOf y 1 1).expand_as(rowsOf y 1 leaves)
                    Near.close 1e-9 (rowsOf y 1 leaves) first "leaves")
        }
    ]

/// A layer with its states: the features of the nodes.
let private ofLayer name (create: torch.Generator -> GraphLayer) : Subject =
    {
        Name = name
        IsSequential = false
        Run =
            fun graphs ->
                use _guard = torch.no_grad ()
                use random = new torch.Generator(7UL)
                let layer = create random
                let batch = Laws.tensors graphs
                layer.Forward Inference batch.Plan batch.X
    }

let private kit kind random =
    Rounds.layer
        (Laws.init random)
        { PrunerConfig.standard with
            Layer = kind
        }
        features
        features

let private sage aggregator random = SageConv.create (Laws.init random) aggregator features features

/// Layers that other tests put through renumbering and union already.
let private known =
    [
        for name, aggregator in Choices.aggregators do
            ofLayer $"SAGE {name}" (sage aggregator)
        for kind in
            [
                LayerKind.Gcn
                LayerKind.Gin
                LayerKind.GatV2 1
                LayerKind.GatV2 3
                LayerKind.EdgeConv
                LayerKind.Interaction
                LayerKind.GravNet
            ] do
            ofLayer $"{kind}" (kit kind)
    ]

// Norms are made inside: tests are found before libtorch is loaded.
let private around =
    [
        ofLayer "residual" (kit LayerKind.Gcn >> GraphLayer.residual)
        ofLayer "layer norm" (fun random ->
            kit LayerKind.Gin random
            |> GraphLayer.normalised (Normalisation.layerNorm (Laws.init (new torch.Generator(1UL))) features))
        ofLayer "batch norm" (fun random ->
            sage Aggregator.Mean random
            |> GraphLayer.normalised (Normalisation.graphBatchNorm (Laws.init (new torch.Generator(1UL))) features))
        ofLayer "dropout" (fun random -> kit LayerKind.EdgeConv random |> GraphLayer.dropout 0.5)
    ]

let private noNode name (create: torch.Generator -> GraphLayer) = test $"{name}: no row" {
    use _scope = torch.NewDisposeScope()
    use random = new torch.Generator(7UL)
    let none = torch.zeros ([| 0L; int64 features |], dtype = Laws.dtype ())
    let y = (create random).Forward Inference (Laws.plan 0 [||] [||]) none
    Expect.equal y.shape [| 0L; int64 features |] "shape"
}

let private small =
    { PrunerConfig.standard with
        Hidden = 6
        Rounds = 1
        Standardise = false
        Dropout = 0.0
    }

let private ofStrategy name (config: PrunerConfig) (decoding: Decoding) : Subject =
    {
        Name = name
        IsSequential = config.Strategy = DecisionStrategy.Autoregressive
        Run =
            fun graphs ->
                use _guard = torch.no_grad ()
                use random = new torch.Generator(5UL)
                let pruner = Pruner.create (Laws.init random) config |> Pruner.withDecoding decoding
                let predictions = Pruner.run pruner Inference PassMode.Predict (Laws.tensors graphs)
                predictions.Logits
    }

let private atOnce =
    [
        for kind in
            [
                LayerKind.Sage
                LayerKind.Gcn
                LayerKind.Gin
                LayerKind.GatV2 2
                LayerKind.EdgeConv
                LayerKind.Interaction
                LayerKind.GravNet
            ] do
            ofStrategy
                $"one pass, {kind}"
                { small with
                    Strategy = DecisionStrategy.OnePass
                    Layer = kind
                }
                Decoding.Greedy
        for aggregator in [ Aggregator.Gru; Aggregator.MeanMax ] do
            ofStrategy
                $"equilibrium, {aggregator}"
                { small with
                    Strategy = DecisionStrategy.Equilibrium 2
                    Aggregator = aggregator
                }
                Decoding.Greedy
        for memory in [ CellKind.Gru; CellKind.Lstm ] do
            ofStrategy
                $"equilibrium, memory {memory}"
                { small with
                    Strategy = DecisionStrategy.Equilibrium 2
                    MemoryCell = Some memory
                }
                Decoding.Greedy
        for aggregator in [ Aggregator.Lstm; Aggregator.Mean ] do
            ofStrategy
                $"tree, {aggregator}"
                { small with
                    Strategy = DecisionStrategy.Tree
                    Aggregator = aggregator
                }
                Decoding.Greedy
    ]

let private stepwise =
    let inOrder order =
        { small with
            Strategy = DecisionStrategy.Autoregressive
            Order = order
        }

    [
        for order in [ DecisionOrder.Confidence; DecisionOrder.Energy; DecisionOrder.Layer; DecisionOrder.Random 3L ] do
            ofStrategy $"autoregressive, order {order}" (inOrder order) Decoding.Greedy
        for memory in [ CellKind.Gru; CellKind.Lstm ] do
            ofStrategy
                $"autoregressive, memory {memory}"
                { inOrder DecisionOrder.Confidence with
                    MemoryCell = Some memory
                }
                Decoding.Greedy
        ofStrategy "autoregressive, three choices" (inOrder DecisionOrder.Confidence) (Decoding.Choices 3)
        ofStrategy "autoregressive, a beam of two" (inOrder DecisionOrder.Energy) (Decoding.Beam 2)
    ]

/// A cell sees one row at a time. It is asked for two steps, so that every part of its state is used.
let private perCell (kind: CellKind) (inputs: int) =
    let rows (seed: int) (count: int) (columns: int) =
        use random = new torch.Generator(uint64 (seed &&& 0xffff))
        torch.randn ([| int64 count; int64 columns |], dtype = Laws.dtype (), generator = random)

    let twice (x: torch.Tensor) (h: torch.Tensor) =
        use _guard = torch.no_grad ()
        use random = new torch.Generator(3UL)
        let cell = Cells.create (Laws.init random) kind inputs 5
        CellState.hidden (cell.Next x (cell.Next x (cell.Start h)))

    let property name check =
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with
                maxTest = 10
            }
            name
            (fun (seed: int) (PositiveInt count) ->
                use _scope = torch.NewDisposeScope()
                let count = count % 70 + 1
                check seed count (rows seed count inputs) (rows (seed + 1) count 5))

    testList
        $"{kind} cell, {inputs} inputs"
        [
            property "rows in another order" (fun seed count x h ->
                let order = Laws.shuffle seed count
                Near.close 1e-6 (twice (Laws.rows order x) (Laws.rows order h)) (Laws.rows order (twice x h)) "states")

            property "rows apart" (fun _ count x h ->
                let part (tensor: torch.Tensor) first length = tensor.narrow (0L, int64 first, int64 length)
                let half = count / 2
                let first, second = (0, half), (half, count - half)
                let run (start, length) = twice (part x start length) (part h start length)
                Near.close 1e-6 (torch.cat ([| run first; run second |], 0L)) (twice x h) "states")

            property "a row as often as one likes" (fun _ count x h ->
                let same (tensor: torch.Tensor) = tensor.narrow(0L, 0L, 1L).repeat [| int64 count; 1L |]
                let one = twice (x.narrow (0L, 0L, 1L)) (h.narrow (0L, 0L, 1L))
                Near.close 1e-6 (twice (same x) (same h)) (one.repeat [| int64 count; 1L |]) "states")

            test "no row" {
                use _scope = torch.NewDisposeScope()
                Expect.equal (twice (rows 1 0 inputs) (rows 2 0 5)).shape [| 0L; 5L |] "shape"
            }
        ]

[<Tests>]
let tests =
    let list (subject: Subject) laws = testList subject.Name laws

    testList
        "structure"
        [
            testList
                "layers"
                [
                    for subject in known -> list subject (structure subject)
                    for subject in around -> list subject (renumbering subject :: union subject :: structure subject)
                ]
            testList
                "no nodes"
                [ for name, aggregator in Choices.aggregators -> noNode $"SAGE {name}" (sage aggregator) ]
            testList
                "cells"
                [
                    for engine in [ Engine.Portable; Engine.Auto ] ->
                        Laws.under
                            engine
                            (testList
                                $"{engine}"
                                [
                                    for kind in [ CellKind.Lstm; CellKind.Gru ] do
                                        for inputs in [ 2; 5 ] -> perCell kind inputs
                                ])
                ]
            testList
                "strategies"
                [
                    for subject in atOnce -> list subject (renumbering subject :: union subject :: structure subject)
                    for subject in stepwise -> list subject (union subject :: structure subject)
                ]
        ]
