/// What the loader prepares is what is prepared by hand, graph by graph or together.
module Pruning.Tests.Model.GraphPreparationTests

open System
open System.Threading
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Configuration
open Pruning.Model.Decoding
open Pruning.Model.Prediction
open Pruning.Tests

/// Everything in a batch that a network can see, apart from the arrays of the graphs.
let private prepared (batch: GraphBatch) =
    let preparation, plan = batch.Preparation, batch.Plan

    [
        box preparation
        (batch.Messages.Source, batch.Messages.Target, batch.Messages.Offsets)
        (plan.ActiveCounts, plan.StepSource, plan.NodeOfRank, plan.RankOfNode)
        (plan.SegmentSource, plan.SegmentTarget, plan.InDegree)

        if preparation.Details then
            batch.SeedOfNode

        if preparation.Surroundings then
            box (batch.Surroundings.Values |> Array.map BitConverter.DoubleToInt64Bits)

        if preparation.Forest then
            let forest = batch.Forest
            (forest.First, forest.Second, forest.Roots, forest.CoreLinks, forest.IsLoopy)

            [ for round in forest.Rounds -> round.Child, round.Parent, round.Link, round.ChildIsSecond ]
    ]

let private graphArrays (batch: GraphBatch) =
    [
        box batch.Origins
        (batch.NodeOffsets, batch.EdgeOffsets, batch.GraphOfNode)
        box (batch.Features |> Array.map BitConverter.SingleToInt32Bits)
        (batch.Source, batch.Target, batch.Labels)
        (batch.Layers, batch.HitCounts, batch.LinkCounts, batch.Seeds)
    ]

let private same (found: GraphBatch) (wanted: GraphBatch) =
    Expect.equal (graphArrays found) (graphArrays wanted) "graphs"
    Expect.equal (prepared found) (prepared wanted) "prepared"

let private preparations = gen {
    let! details, surroundings, forest = Gen.three (Gen.elements [ false; true ])
    let! neighbours = Gen.elements [ 0; 1; 3; 8 ]

    return GraphPreparation(Details = details, Surroundings = surroundings, Neighbours = neighbours, Forest = forest)
}

let private graph name nodes (edges: (int * int) list) =
    ShowerGraph(
        GraphOrigin(name, 0L, Nullable()),
        Array.init (nodes * ShowerGraph.FeatureCount) (fun i -> float32 (i % 7) - 2f),
        [| for source, _ in edges -> source |],
        [| for _, target in edges -> target |],
        Array.zeroCreate nodes,
        edges.Length
    )

/// Graphs that are easily forgotten.
let private unusual =
    let twice = graph "two nodes at the same place" 2 [ 0, 1; 0, 1; 1, 1 ]

    [
        graph "no node" 0 []
        graph "one node" 1 []
        graph "one node with a loop" 1 [ 0, 0 ]
        graph "no edge" 5 []
        graph "a cycle" 3 [ 0, 1; 1, 2; 2, 0 ]
        twice.WithFeatures(Array.zeroCreate twice.Features.Length)
        graph "every edge twice" 4 [ 0, 1; 0, 1; 1, 2; 1, 2 ]
    ]

let private graphLists =
    Gen.frequency [ 3, Generators.rawTrackster |> Gen.map Generators.graphOf; 1, Gen.elements unusual ]
    |> Gen.listOf

let private cases = Gen.zip graphLists preparations |> Arb.fromGen

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 60
        }
        name
        check

let private collate (preparation: GraphPreparation) (graphs: ShowerGraph list) =
    BatchAssembler.Collate(List.toArray graphs, preparation)

let private laws =
    [
        property "the loader prepares what is prepared by hand, for any workers and batch sizes" (fun size workers ->
            Prop.forAll cases (fun (graphs, preparation) ->
                let size, workers = 1 + abs size % 7, abs workers % 4
                use dataset = GraphDataset.OfGraphs(List.toArray graphs)
                let indices = [| 0 .. graphs.Length - 1 |]

                let found =
                    BatchLoader.Batches(dataset, indices, size, preparation, workers, 2, CancellationToken.None)
                    |> Seq.toList

                for batch, graphs in List.zip found (List.chunkBySize size graphs) do
                    same batch (preparation.Apply(collate GraphPreparation.None graphs))))

        property "a batch has what its graphs have one by one" (fun () ->
            Prop.forAll cases (fun (graphs, preparation) ->
                let whole = collate preparation graphs

                for place, graph in List.indexed graphs do
                    let alone = collate preparation [ graph ]
                    let first, last = whole.NodeOffsets[place], whole.NodeOffsets[place + 1] - 1
                    let moved (ends: int64 array) = ends |> Array.map (fun node -> node + int64 first)
                    let offsets = whole.Messages.Offsets
                    let edges (ends: int64 array) = ends[offsets[place] .. offsets[place + 1] - 1]
                    Expect.equal (edges whole.Messages.Source) (moved alone.Messages.Source) "sources"
                    Expect.equal (edges whole.Messages.Target) (moved alone.Messages.Target) "targets"
                    Expect.equal whole.Plan.InDegree[first..last] alone.Plan.InDegree "in-degrees"

                    if preparation.Details then
                        Expect.equal whole.SeedOfNode[first..last] (moved alone.SeedOfNode) "seeds"

                    if preparation.Surroundings then
                        for node in first..last do
                            for column in Enum.GetValues<Surrounding>() do
                                let wanted = alone.Surroundings[node - first, column]
                                Expect.equal whole.Surroundings[node, column] wanted $"{column}"

                    if preparation.Forest then
                        Expect.equal whole.Forest.IsLoopy[place] alone.Forest.IsLoopy[0] "cycles"))

        property "slices of a prepared batch are prepared slices" (fun seed ->
            Prop.forAll cases (fun (graphs, preparation) ->
                let whole = collate preparation graphs
                let random = Random(seed: int)

                let places =
                    if graphs.IsEmpty then
                        []
                    else
                        // Some graphs come several times, as in a beam.
                        List.init (random.Next 6) (fun _ -> random.Next graphs.Length)

                let slice = BatchSlices.Of(whole, List.toArray places)
                same slice (collate preparation [ for place in places -> graphs[place] ])))

        property "a batch is prepared anew from its graphs" (fun () ->
            Prop.forAll (Gen.zip cases.Generator preparations |> Arb.fromGen) (fun ((graphs, first), second) ->
                let batch = collate first graphs
                same (second.Apply batch) (collate second graphs)
                Expect.isTrue (Object.ReferenceEquals(first.Apply batch, batch)) "nothing to do"))

        property "edges from nearest neighbours do not change how threads divide a batch" (fun () ->
            Prop.forAll cases (fun (graphs, preparation) ->
                let division preparation =
                    collate preparation graphs
                    |> Workers.divide DecisionStrategy.OnePass 3
                    |> Array.map snd

                Expect.equal (division preparation) (division GraphPreparation.None) "graphs of each thread"))
    ]

let private refusals =
    [
        test "what was not prepared is not there" {
            let batch = collate GraphPreparation.None unusual

            for name, read in
                [
                    "Details", (fun () -> ignore batch.SeedOfNode)
                    "Surroundings", (fun () -> ignore batch.Surroundings)
                    "Forest", (fun () -> ignore batch.Forest)
                ] do
                Expect.throwsC read (fun error ->
                    Expect.isTrue (error :? InvalidOperationException) name
                    Expect.stringContains error.Message $"sets {name}" name)
        }

        test "fewer neighbours than none are refused" {
            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> GraphPreparation(Neighbours = -1) |> ignore)
                "negative"
        }

        test "a network refuses a batch that is prepared for another one" {
            use _scope = torch.NewDisposeScope()
            use random = new torch.Generator(1UL)

            let pruner =
                { PrunerConfig.standard with
                    Hidden = 8
                    Neighbours = 8
                    Features = NodeFeature.physics
                }
                |> Pruner.create (Laws.init random)

            let wanted = Pruner.preparation pruner
            let graphs = List.ofArray Fixture.graphs.Value
            let decide preparation = Pruner.decide torch.CPU pruner (collate preparation graphs)
            Expect.equal (decide wanted).Length (collate wanted graphs).NodeCount "its own"

            Expect.equal
                (decide (GraphPreparation(Details = true, Surroundings = true, Neighbours = 8, Forest = true)))
                (decide wanted)
                "more than it needs"

            for other in
                [
                    GraphPreparation.None
                    GraphPreparation(Details = true, Surroundings = true)
                    GraphPreparation(Details = true, Surroundings = true, Neighbours = 4)
                    GraphPreparation(Details = true, Neighbours = 8)
                ] do
                Expect.throwsC (fun () -> decide other |> ignore) (fun error ->
                    Expect.isTrue (error :? ArgumentException) "kind"
                    Expect.stringContains error.Message $"the network needs {wanted}" "needed"
                    Expect.stringContains error.Message $"prepared with {other}" "found")
        }
    ]

[<Tests>]
let tests = testList "graph preparation" (laws @ refusals)
