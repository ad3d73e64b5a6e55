/// Laws that networks, layers and aggregators are put through.
module Pruning.Tests.Laws

open System
open System.Threading
open Expecto
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors

/// Where the networks and batches of a test lie and how they compute. It belongs to the flow of one test, so tests that want
/// different ones run at the same time.
let private ofTest = AsyncLocal<Placement option>()

/// What the test asks for: float32 on the CPU with the standard arithmetic, unless it says something else.
let placement () : Placement = ofTest.Value |> Option.defaultWith Placement.standard

/// The type of the test's weights and inputs.
let dtype () : torch.ScalarType = (placement ()).Type

/// What the test's layers are built with.
let init (random: torch.Generator) : Init = Init.create (placement ()) random

let private at (placement: Placement) (work: unit -> 'T) : 'T =
    let before = ofTest.Value
    ofTest.Value <- Some placement

    try
        work ()
    finally
        ofTest.Value <- before

/// A law is about real numbers. float32 rounds sums apart when their order changes, and a choice between two nearly equal
/// confidences then depends on the shape of a matrix product; float64 leaves room for neither.
let inFloat64 (work: unit -> 'T) : 'T =
    at
        { placement () with
            Type = torch.float64
        }
        (fun () ->
            use _scope = torch.NewDisposeScope()
            work ())

/// Runs with an arithmetic of choice.
let withArithmetic (arithmetic: Arithmetic) (work: unit -> 'T) : 'T =
    at
        { placement () with
            Arithmetic = arithmetic
        }
        work

/// Runs with an engine of choice.
let withEngine (engine: Engine) (work: unit -> 'T) : 'T = withArithmetic (Arithmetic.ofEngine engine) work

/// The same tests under an engine.
let rec under (engine: Engine) (tests: Test) : Test =
    match tests with
    | TestCase(Sync work, focus) -> TestCase(Sync(fun () -> withEngine engine work), focus)
    | TestCase(Async work, focus) ->
        TestCase(Sync(fun () -> withEngine engine (fun () -> Async.RunSynchronously work)), focus)
    | TestCase(AsyncFsCheck(config, stress, work), focus) ->
        let inEngine (settings: FsCheckConfig) : Async<unit> = async {
            withEngine engine (fun () -> Async.RunSynchronously(work settings))
        }

        TestCase(AsyncFsCheck(config, stress, inEngine), focus)
    | TestCase(_, _) -> failtest "only plain tests and properties can be run under an engine"
    | TestList(inner, focus) -> TestList(List.map (under engine) inner, focus)
    | TestLabel(label, inner, focus) -> TestLabel(label, under engine inner, focus)
    | Test.Sequenced(how, inner) -> Test.Sequenced(how, under engine inner)

/// The same tests once by libtorch's operations and once by the fused kernels (float64 has no fused kernels and goes the
/// portable way twice).
let withBothEngines (name: string) (tests: Test list) : Test =
    testList name [ testList "portable" tests |> under Engine.Portable; testList "fused" tests |> under Engine.Auto ]

/// Order in which the nodes of a graph are laid out again: a shuffle that depends on the seed alone.
let shuffle (seed: int) (count: int) : int array =
    let random = Random seed
    let order = Array.init count id
    random.Shuffle order
    order

/// The same graph with node i at row rowOf[i]. Edges keep their order, so gated aggregators see the same sequences.
let permute (rowOf: int array) (graph: ShowerGraph) : ShowerGraph =
    let features = Array.zeroCreate<float32> graph.Features.Length
    let labels = Array.zeroCreate<byte> graph.NodeCount

    for node in 0 .. graph.NodeCount - 1 do
        Array.blit
            graph.Features
            (node * ShowerGraph.FeatureCount)
            features
            (rowOf[node] * ShowerGraph.FeatureCount)
            ShowerGraph.FeatureCount

        labels[rowOf[node]] <- graph.Labels[node]

    let move (ends: int array) = ends |> Array.map (fun node -> rowOf[node])

    let values (perNode: 'T array | null) =
        match perNode with
        | null -> null
        | values -> Array.init values.Length (fun row -> values[System.Array.IndexOf(rowOf, row)])

    ShowerGraph(
        graph.Origin,
        features,
        move graph.Source,
        move graph.Target,
        labels,
        graph.LinkCount,
        Layers = values graph.Layers,
        HitCounts = values graph.HitCounts
    )

/// The same graph with calorimeter layers.
let withLayers (layers: byte array) (graph: ShowerGraph) : ShowerGraph =
    ShowerGraph(graph.Origin, graph.Features, graph.Source, graph.Target, graph.Labels, Layers = layers)

/// The same graph with its edges in another order.
let reorderEdges (seed: int) (graph: ShowerGraph) : ShowerGraph =
    let order = shuffle seed graph.EdgeCount
    let pick (ends: int array) = order |> Array.map (fun edge -> ends[edge])
    ShowerGraph(graph.Origin, graph.Features, pick graph.Source, pick graph.Target, graph.Labels, Layers = graph.Layers)

/// A batch of graphs as tensors, where the test wants them.
let tensors (graphs: ShowerGraph list) : BatchTensors =
    BatchAssembler.Collate(List.toArray graphs, Fixture.preparation)
    |> BatchTensors.create torch.CPU (dtype ())

/// Rows of a tensor in another order: row i of the answer is row rows[i].
let rows (order: int array) (x: torch.Tensor) : torch.Tensor =
    use index = torch.tensor (Array.map int64 order)
    x.index_select (0L, index)

/// A neighbour plan from the ends of edges.
let plan (nodes: int) (source: int64 array) (target: int64 array) : PlanTensors =
    BatchAssembler.Plan(nodes, source, target)
    |> PlanTensors.create torch.CPU (dtype ())
