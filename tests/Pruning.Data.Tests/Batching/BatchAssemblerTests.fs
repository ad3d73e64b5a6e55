module Pruning.Tests.Data.Batching.BatchAssemblerTests

open System
open System.IO
open Expecto
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Tests
open Pruning.Tests.Generators

let private edges (batch: GraphBatch) = Array.zip batch.Source batch.Target

/// The edges that the plan visits: (step, source, target), from the gated walk.
let private visits (plan: NeighbourPlan) =
    let starts = Array.scan (+) 0 plan.ActiveCounts

    [|
        for t in 0 .. plan.ActiveCounts.Length - 1 do
            for rank in 0 .. plan.ActiveCounts[t] - 1 -> t, plan.StepSource[starts[t] + rank], plan.NodeOfRank[rank]
    |]

let private plans =
    testList
        "neighbour plan"
        [
            property "every edge is visited exactly once" (fun (raws: RawTrackster list) ->
                let batch = BatchAssembler.Collate(List.toArray (graphsOf raws))
                let seen = visits batch.Plan |> Array.map (fun (_, s, t) -> s, t)
                Array.sort seen = Array.sort (edges batch))

            property "the steps of a node follow the order of its edges" (fun (raws: RawTrackster list) ->
                let batch = BatchAssembler.Collate(List.toArray (graphsOf raws))
                let walk = visits batch.Plan |> Array.groupBy (fun (_, _, t) -> t) |> Map.ofArray

                edges batch
                |> Array.groupBy snd
                |> Array.forall (fun (node, inEdges) ->
                    let steps = walk[node] |> Array.sortBy (fun (t, _, _) -> t)
                    steps |> Array.map (fun (t, s, _) -> t, s) = (inEdges |> Array.mapi (fun t (s, _) -> t, s))))

            property "active counts never rise and sum to the edges" (fun (raws: RawTrackster list) ->
                let batch = BatchAssembler.Collate(List.toArray (graphsOf raws))
                let counts = batch.Plan.ActiveCounts

                Array.sum counts = batch.EdgeCount
                && counts |> Array.pairwise |> Array.forall (fun (a, b) -> a >= b)
                && counts |> Array.forall (fun n -> n > 0))

            property
                "ranks sort nodes by falling degree, equal degrees in node order, and invert"
                (fun (raws: RawTrackster list) ->
                    let plan = BatchAssembler.Collate(List.toArray (graphsOf raws)).Plan

                    let expected =
                        [| 0L .. int64 plan.InDegree.Length - 1L |]
                        |> Array.sortBy (fun i -> -plan.InDegree[int i], i)

                    plan.NodeOfRank = expected
                    && plan.NodeOfRank
                       |> Array.mapi (fun rank node -> plan.RankOfNode[int node] = int64 rank)
                       |> Array.forall id)

            property
                "segments are the edges sorted by target, equal targets in edge order"
                (fun (raws: RawTrackster list) ->
                    let batch = BatchAssembler.Collate(List.toArray (graphsOf raws))
                    let sorted = edges batch |> Array.toList |> List.sortBy snd // stable
                    List.zip (List.ofArray batch.Plan.SegmentSource) (List.ofArray batch.Plan.SegmentTarget) = sorted)

            property "in-degrees are what the edges say" (fun (raws: RawTrackster list) ->
                let batch = BatchAssembler.Collate(List.toArray (graphsOf raws))
                let counted = batch.Target |> Array.countBy id |> Map.ofArray

                batch.Plan.InDegree
                |> Array.mapi (fun i d -> d = int64 counted[int64 i])
                |> Array.forall id)

            test "no nodes, no edges" {
                let plan = BatchAssembler.Plan(0, ReadOnlySpan(), ReadOnlySpan())
                Expect.equal plan.ActiveCounts [||] "steps"
                Expect.equal plan.NodeOfRank [||] "ranks"
            }

            test "nodes without in-edges come last and take no step" {
                let plan = BatchAssembler.Plan(3, ReadOnlySpan [| 0L; 0L |], ReadOnlySpan [| 2L; 2L |])
                Expect.equal plan.ActiveCounts [| 1; 1 |] "one node, two steps"
                Expect.equal plan.NodeOfRank [| 2L; 0L; 1L |] "ranks"
                Expect.equal plan.StepSource [| 0L; 0L |] "sources"
                Expect.equal plan.InDegree [| 0L; 0L; 2L |] "degrees"
            }

            test "an edge to a node that is not there is refused" {
                Expect.throwsT<ArgumentException>
                    (fun () -> BatchAssembler.Plan(2, ReadOnlySpan [| 0L |], ReadOnlySpan [| 2L |]) |> ignore)
                    "node 2 of 2"

                Expect.throwsT<ArgumentException>
                    (fun () -> BatchAssembler.Plan(2, ReadOnlySpan [| -1L |], ReadOnlySpan [| 0L |]) |> ignore)
                    "node -1"
            }
        ]

let private collate =
    testList
        "collate"
        [
            property "a batch is the disjoint union of its graphs" (fun (raws: RawTrackster list) ->
                let graphs = graphsOf raws
                let batch = BatchAssembler.Collate(List.toArray graphs)
                let first = graphs |> List.scan (fun n g -> n + g.NodeCount) 0 |> List.toArray

                let union =
                    graphs
                    |> List.mapi (fun g graph ->
                        Array.zip graph.Source graph.Target
                        |> Array.map (fun (s, t) -> int64 (s + first[g]), int64 (t + first[g])))
                    |> Array.concat

                edges batch = union
                && batch.NodeOffsets = first
                && batch.Features = (graphs |> List.map _.Features |> Array.concat)
                && batch.Labels = (graphs |> List.map (fun g -> g.Labels |> Array.map int64) |> Array.concat)
                && batch.GraphOfNode =
                    (graphs
                     |> List.mapi (fun i g -> Array.create g.NodeCount (int64 i))
                     |> Array.concat)
                && batch.Origins = (graphs |> List.map _.Origin |> List.toArray)
                && batch.GraphCount = graphs.Length
                && batch.NodeCount = Array.last first)

            property "a batch of one is the graph" (fun raw ->
                let graph = graphOf raw
                let batch = BatchAssembler.Collate [| graph |]

                batch.Source = Array.map int64 graph.Source
                && batch.Target = Array.map int64 graph.Target
                && batch.Features = graph.Features
                && batch.NodeOffsets = [| 0; graph.NodeCount |])

            test "no graphs give an empty batch" {
                let batch = BatchAssembler.Collate(Array.empty<ShowerGraph>)
                Expect.equal batch.NodeOffsets [| 0 |] "offsets"
                Expect.equal (batch.GraphCount, batch.NodeCount, batch.EdgeCount) (0, 0, 0) "counts"
            }
        ]

/// Graphs that went through the original's graph library: edges before and after, and in-edges by target.
let private original = test "edges and in-edges of the fixture graphs are those of the original, parity" {
    let all = Fixture.read (Path.Combine(Fixture.directory, "graphs.safetensors"))

    for g in 0..3 do
        let part name = all[$"g{g}.{name}"]
        let labels = Fixture.floats (part "labels") |> Array.map byte
        let rawSource, rawTarget = Fixture.ints (part "raw_src"), Fixture.ints (part "raw_dst")

        let graph =
            GraphBuilder.OfRows(
                inMemory (int64 g),
                Fixture.floats (part "features"),
                ReadOnlySpan rawSource,
                ReadOnlySpan rawTarget,
                labels
            )

        Expect.equal graph.Source (Fixture.ints (part "src")) $"g{g}: sources"
        Expect.equal graph.Target (Fixture.ints (part "dst")) $"g{g}: targets"
        let batch = BatchAssembler.Collate [| graph |]
        Expect.equal batch.Plan.SegmentSource (Fixture.longs (part "csr_src")) $"g{g}: sources by target"

        let starts = Fixture.longs (part "csr_indptr")

        Expect.equal batch.Plan.InDegree (starts |> Array.pairwise |> Array.map (fun (a, b) -> b - a)) $"g{g}: degrees"
}

[<Tests>]
let tests = testList "batch assembler" [ plans; collate; original ]
