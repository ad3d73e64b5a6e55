module Pruning.Tests.Data.Graphs.GraphBuilderTests

open System
open System.IO
open System.Text.Json
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Tests.Generators

let private edges (graph: ShowerGraph) = Array.zip graph.Source graph.Target

let private count (items: 'T seq) = items |> Seq.countBy id |> Map.ofSeq

let private laws =
    testList
        "laws"
        [
            property "every edge has its reverse" (fun raw ->
                let all = edges (graphOf raw)
                count all = count (all |> Array.map (fun (s, t) -> t, s)))

            property "one self loop per node closes the list" (fun raw ->
                let graph = graphOf raw
                let last = edges graph |> Array.skip (graph.EdgeCount - graph.NodeCount)
                last = [| for i in 0 .. graph.NodeCount - 1 -> i, i |])

            property "links come first, in their order, and ids round trip" (fun raw ->
                let graph = graphOf raw
                let id = raw.Nodes |> List.map _.Id |> List.toArray

                let links =
                    edges graph
                    |> Array.take graph.LinkCount.Value
                    |> Array.map (fun (s, t) -> id[s], id[t])

                links = List.toArray raw.Links)

            property "reversed links follow in their order, those from a node to itself left out" (fun raw ->
                let graph = graphOf raw
                let links = graph.LinkCount.Value
                let reversed = (edges graph)[links .. graph.EdgeCount - graph.NodeCount - 1]

                let expected =
                    (edges graph)[.. links - 1]
                    |> Array.filter (fun (s, t) -> s <> t)
                    |> Array.map (fun (s, t) -> t, s)

                reversed = expected)

            property "the in-degree of a node is its links, each counted at both ends, and one" (fun raw ->
                let graph = graphOf raw
                let inDegree = graph.Target |> Array.countBy id |> Map.ofArray

                raw.Nodes
                |> List.mapi (fun i node ->
                    let touching =
                        raw.Links
                        |> List.sumBy (fun (o, t) ->
                            if o = node.Id && t = node.Id then
                                1
                            else
                                (if o = node.Id then 1 else 0) + (if t = node.Id then 1 else 0))

                    inDegree[i] = touching + 1)
                |> List.forall id)

            property "positions are relative to a flagged seed, or to the first node where there is none" (fun raw ->
                let graph = graphOf raw

                let seed =
                    match List.tryFindIndexBack _.Low raw.Nodes, List.tryFindIndexBack _.High raw.Nodes with
                    | Some low, _ -> low
                    | None, Some high -> high
                    | None, None -> 0

                raw.Nodes
                |> List.mapi (fun i node ->
                    graph.Features[i * 9 .. i * 9 + 8] =
                        [|
                            node.PosX - raw.Nodes[seed].PosX
                            node.PosY - raw.Nodes[seed].PosY
                            node.PosZ - raw.Nodes[seed].PosZ
                            node.Energy
                            max node.Time 0f
                            node.Eta
                            node.Phi
                            (if node.High then 1f else 0f)
                            (if node.Low then 1f else 0f)
                        |]
                    && graph.Labels[i] = (if node.Prune then 1uy else 0uy)
                    && graph.Energy i = node.Energy)
                |> List.forall id)
        ]

/// The edge lists of the original's graph library on small graphs.
let private transforms =
    let path = Path.Combine(Pruning.Tests.Fixture.own, "layers", "graph_transforms.json")
    use document = JsonDocument.Parse(File.ReadAllText path)
    let ints (e: JsonElement) = [| for v in e.EnumerateArray() -> v.GetInt32() |]

    [
        for case in document.RootElement.GetProperty("cases").EnumerateArray() do
            let name = case.GetProperty("name").GetString()
            let nodes = case.GetProperty("num_nodes").GetInt32()
            let raw = [| for side in case.GetProperty("raw").EnumerateArray() -> ints side |]
            let expected = [| for side in case.GetProperty("after_self_loop").EnumerateArray() -> ints side |]
            let inEdges = [| for node in case.GetProperty("in_edges_by_node").EnumerateArray() -> ints node |]

            test $"edges of '{name}' stand in the order of the original, parity" {
                let graph =
                    GraphBuilder.OfRows(
                        inMemory 0L,
                        Array.zeroCreate (nodes * 9),
                        ReadOnlySpan raw[0],
                        ReadOnlySpan raw[1],
                        Array.zeroCreate nodes
                    )

                Expect.equal graph.Source expected[0] "sources"
                Expect.equal graph.Target expected[1] "targets"

                let byNode =
                    [|
                        for i in 0 .. nodes - 1 ->
                            [|
                                for e in 0 .. graph.EdgeCount - 1 do
                                    if graph.Target[e] = i then
                                        e
                            |]
                    |]

                Expect.equal byNode inEdges "in-edges of each node"
            }
    ]

/// Columns of a good trackster with two links, each open to change before it is built.
type private Columns() =
    member val Id = [| 7L; 3L; 12L |] with get, set
    member val PosX = [| 1f; 2f; 3f |] with get, set
    member val Energy = [| 1f; 2f; 3f |] with get, set
    member val Time = [| -99f; 2f; 3f |] with get, set
    member val High = [| 1f; 0f; 0f |] with get, set
    member val Low = [| 0f; 0f; 0f |] with get, set
    member val Label = [| 0f; 1f; 0f |] with get, set
    member val Origin = [| 7L; 7L |] with get, set
    member val Target = [| 3L; 12L |] with get, set

    member c.Build() =
        let plain = [| 0f; 0f; 0f |][.. c.Id.Length - 1]

        let columns =
            TracksterColumns(
                Id = ReadOnlySpan c.Id,
                PosX = ReadOnlySpan c.PosX,
                PosY = ReadOnlySpan plain,
                PosZ = ReadOnlySpan plain,
                Energy = ReadOnlySpan c.Energy,
                Time = ReadOnlySpan c.Time,
                Eta = ReadOnlySpan plain,
                Phi = ReadOnlySpan plain,
                IsSeedHigh = ReadOnlySpan c.High,
                IsSeedLow = ReadOnlySpan c.Low,
                Label = ReadOnlySpan c.Label,
                Origin = ReadOnlySpan c.Origin,
                Target = ReadOnlySpan c.Target
            )

        GraphBuilder.Build(GraphOrigin("run3.root", 17L, Nullable()), &columns)

let private refused (what: string) (change: Columns -> unit) (parts: string list) =
    test $"{what} is refused, and the message says where" {
        let columns = Columns()
        change columns

        Expect.throwsC (fun () -> columns.Build() |> ignore) (fun error ->
            Expect.equal (error.GetType()) typeof<DataException> "the class of the error"

            for part in "run3.root" :: "entry 17" :: parts do
                Expect.stringContains error.Message part "the message")
    }

let private checks =
    testList
        "checks"
        [
            test "a trackster that fits is built" {
                let graph = Columns().Build()
                Expect.equal graph.Source [| 0; 0; 1; 2; 0; 1; 2 |] "sources"
                Expect.equal graph.Target [| 1; 2; 0; 0; 0; 1; 2 |] "targets"
                Expect.equal graph.Labels [| 0uy; 1uy; 0uy |] "labels"
            }

            test "one node without links is a graph with one self loop" {
                let graph =
                    graphOf
                        {
                            Nodes =
                                [
                                    {
                                        Id = -5L
                                        PosX = 1f
                                        PosY = 1f
                                        PosZ = 1f
                                        Energy = 1f
                                        Time = 0f
                                        Eta = 2f
                                        Phi = 1f
                                        High = false
                                        Low = false
                                        Prune = true
                                    }
                                ]
                            Links = []
                        }

                Expect.equal (edges graph) [| 0, 0 |] "edges"
                Expect.equal graph.Features [| 0f; 0f; 0f; 1f; 0f; 2f; 1f; 0f; 0f |] "features"
            }

            refused
                "an empty trackster"
                (fun c ->
                    c.Id <- [||]
                    c.PosX <- [||]
                    c.Energy <- [||]
                    c.Time <- [||]
                    c.High <- [||]
                    c.Low <- [||]
                    c.Label <- [||]
                    c.Origin <- [||]
                    c.Target <- [||])
                [ "tree 'Tracksters'"; "empty" ]
            refused
                "an array that is too short"
                (fun c -> c.Energy <- [| 1f; 2f |])
                [ "tree 'Tracksters'"; "branch 'energy'"; "3 layer clusters"; "found 2" ]
            refused
                "links whose ends differ in number"
                (fun c -> c.Target <- [| 3L |])
                [ "tree 'Edges'"; "branch 'target'"; "found 1" ]
            refused
                "a link that starts at a strange id"
                (fun c -> c.Origin <- [| 7L; 99L |])
                [ "tree 'Edges'"; "branch 'origin'"; "edge 1"; "id 99" ]
            refused
                "a link that ends at a strange id"
                (fun c -> c.Target <- [| 4L; 12L |])
                [ "tree 'Edges'"; "branch 'target'"; "edge 0"; "id 4" ]
            refused
                "an id that comes twice"
                (fun c ->
                    c.Id <- [| 7L; 3L; 7L |]
                    c.Target <- [| 3L; 3L |])
                [ "branch 'id'"; "found 7 again at position 2" ]
            refused
                "a feature that is not a number"
                (fun c -> c.PosX <- [| 1f; nanf; 3f |])
                [ "branch 'pos_x'"; "NaN at position 1" ]
            refused
                "an infinite energy"
                (fun c -> c.Energy <- [| 1f; 2f; infinityf |])
                [ "branch 'energy'"; "position 2" ]
            refused
                "a time of minus infinity, though it would be clipped,"
                (fun c -> c.Time <- [| -infinityf; 2f; 3f |])
                [ "branch 'time'" ]
            refused
                "a label that is neither 0 nor 1"
                (fun c -> c.Label <- [| 0f; 0.5f; 1f |])
                [ "branch 'label'"; "wanted 0 or 1, found 0.5" ]
            refused
                "a flag that is neither 0 nor 1"
                (fun c -> c.Low <- [| 0f; 0f; -1f |])
                [ "branch 'isSeedCLUE3DLow'"; "found -1" ]

            test "rows outside the graph are refused" {
                Expect.throwsT<ArgumentException>
                    (fun () ->
                        GraphBuilder.OfRows(
                            inMemory 0L,
                            Array.zeroCreate 9,
                            ReadOnlySpan [| 0 |],
                            ReadOnlySpan [| 1 |],
                            [| 0uy |]
                        )
                        |> ignore)
                    "row 1 of one node"
            }
        ]

/// A column of good values with one other value at some place, of any length around the width of a vector register.
let private oneOther (good: float32 array) (other: float32) =
    [
        for length in 1..40 do
            for place in 0 .. length - 1 ->
                Array.init length (fun i -> if i = place then other else good[i % good.Length])
    ]

let private columnChecks =
    testList
        "column checks"
        [
            test "one value that is not finite or too large is found at every place of columns of every length" {
                let good = [| 0f; -1.5f; GraphProblem.Largest; Single.Epsilon; -GraphProblem.Largest |]

                for other in [ nanf; infinityf; -infinityf; MathF.BitIncrement GraphProblem.Largest; Single.MinValue ] do
                    for column in oneOther good other do
                        Expect.isFalse
                            (ColumnChecks.AllWithin(ReadOnlySpan column, GraphProblem.Largest))
                            $"{other} among {column.Length}"

                for column in oneOther good 1f do
                    Expect.isTrue
                        (ColumnChecks.AllWithin(ReadOnlySpan column, GraphProblem.Largest))
                        $"{column.Length} good ones"
            }

            test "one value that is neither 0 nor 1 is found at every place of columns of every length" {
                for other in [ nanf; infinityf; -1f; 2f; 0.5f; Single.Epsilon; MathF.BitIncrement 1f ] do
                    for column in oneOther [| 0f; 1f; 1f |] other do
                        Expect.isFalse (ColumnChecks.AllZeroOrOne(ReadOnlySpan column)) $"{other} among {column.Length}"

                for column in oneOther [| 0f; 1f; 1f |] 1f do
                    Expect.isTrue (ColumnChecks.AllZeroOrOne(ReadOnlySpan column)) $"{column.Length} good ones"
            }

            test "an empty column is good" {
                Expect.isTrue
                    (ColumnChecks.AllWithin(ReadOnlySpan(), GraphProblem.Largest)
                     && ColumnChecks.AllZeroOrOne(ReadOnlySpan()))
                    "nothing is wrong"
            }
        ]

[<Tests>]
let tests =
    testList "graph builder" [ laws; testList "original's order" transforms; checks; columnChecks ]
