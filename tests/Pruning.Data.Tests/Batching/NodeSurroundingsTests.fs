/// What surrounds a layer cluster in its trackster, and edges from nearest neighbours: by hand, and laws.
module Pruning.Tests.Data.NodeSurroundingsTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Tests

/// Positions relative to the first node, which is the seed at eta 1.5 and phi 0; the axis runs along z there but for its slope.
let private slope = 1.0 / sinh 1.5

/// x and y off the axis in cm, layer, energy in GeV, hits.
let private trackster (nodes: (float * float * int * float * int) list) (links: (int * int) list) : ShowerGraph =
    let z layer = CalorimeterLayers.Z[layer - 1]
    let _, _, front, _, _ = nodes.Head

    let row (x, y, layer, energy, _) =
        let dz = z layer - z front

        [| x + slope * dz; y; dz; energy; 0.0; 1.5; 0.0; 0.0; 0.0 |]
        |> Array.map float32

    let built =
        GraphBuilder.OfRows(
            Generators.inMemory 0L,
            nodes |> List.map row |> Array.concat,
            ReadOnlySpan(links |> List.map fst |> List.toArray),
            ReadOnlySpan(links |> List.map snd |> List.toArray),
            Array.zeroCreate nodes.Length
        )

    ShowerGraph(
        built.Origin,
        built.Features,
        built.Source,
        built.Target,
        built.Labels,
        built.LinkCount,
        Layers = [| for _, _, layer, _, _ in nodes -> byte layer |],
        HitCounts = [| for _, _, _, _, hits in nodes -> hits |]
    )

/// A seed, one behind it, one beside that, and one far away that no link reaches.
let private small =
    trackster [ 0.0, 0.0, 10, 8.0, 9; 0.0, 0.0, 12, 2.0, 4; 0.0, 1.5, 12, 1.0, 3; 6.0, 8.0, 20, 1.0, 2 ] [ 0, 1; 1, 2 ]

let private column (which: Surrounding) (graph: ShowerGraph) : float list =
    let found = NodeSurroundings.Of(BatchAssembler.Collate [| graph |])
    [ for node in 0 .. graph.NodeCount - 1 -> found[node, which] ]

let private wanted =
    // The centre of energy is at (6, 9.5) / 12.
    let core x y = sqrt ((x - 0.5) ** 2.0 + (y - 9.5 / 12.0) ** 2.0)

    [
        Surrounding.AxisRadial, [ 0.0; 0.0; 0.0; 6.0 ]
        Surrounding.AxisAzimuthal, [ 0.0; 0.0; 1.5; 8.0 ]
        Surrounding.DistanceToCore, [ core 0.0 0.0; core 0.0 0.0; core 0.0 1.5; core 6.0 8.0 ]
        // Of others within three layers; the last has none and is left with the core.
        Surrounding.DistanceToLocalCore, [ 0.5; 1.5 / 9.0; 1.5; core 6.0 8.0 ]
        // Others of the same layer do not count.
        Surrounding.LogDensity, [ log 8.6; log 3.6; log 2.6; 0.0 ]
        Surrounding.LogEnergyAround, [ log 3.0; log 9.0; log 10.0; log 1e-3 ]
        Surrounding.NearestDistance, [ 0.0; 0.0; 1.5; 20.0 ]
        Surrounding.LogNeighbours, [ log 3.0; log 3.0; log 3.0; 0.0 ]
        Surrounding.LayerEnergyShare, [ 1.0; 2.0 / 3.0; 1.0 / 3.0; 1.0 ]
        Surrounding.LayerFromMaximum, [ 0.0; 2.0; 2.0; 10.0 ]
        Surrounding.LinkLength, [ 0.0; 0.0; 1.5; 0.0 ]
        Surrounding.LinkLayers, [ 0.0; 2.0; 0.0; 0.0 ]
        Surrounding.LogEnergyOverParent, [ 0.0; log 0.25; log 0.5; 0.0 ]
        Surrounding.LinkOutwards, [ 0.0; 0.0; 1.5; 0.0 ]
        Surrounding.LogFollowers, [ log 2.0; log 2.0; 0.0; 0.0 ]
        Surrounding.LinksToRoot, [ 0.0; 1.0; 2.0; 0.0 ]
        Surrounding.LogBranchEnergyShare, [ log (11.0 / 12.0); log 0.25; log (1.0 / 12.0); log (1.0 / 12.0) ]
        Surrounding.LogBranchSize, [ log 3.0; log 2.0; 0.0; 0.0 ]
        Surrounding.LogTracksterEnergy, List.replicate 4 (log 12.0)
        Surrounding.LogTracksterSize, List.replicate 4 (log 4.0)
        Surrounding.TracksterWidth, List.replicate 4 ((10.0 * core 0.0 0.0 + core 0.0 1.5 + core 6.0 8.0) / 12.0)
        Surrounding.TracksterDepth, List.replicate 4 ((80.0 + 24.0 + 12.0 + 20.0) / 12.0)
    ]

let private graphs = Generators.rawTrackster |> Gen.map Generators.graphOf |> Arb.fromGen

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 50
        }
        name
        check

let private edges (messages: MessageEdges) = Array.zip messages.Source messages.Target

let private ownEdges (graph: ShowerGraph) = edges (BatchAssembler.Collate [| graph |]).Messages

let private join count (graph: ShowerGraph) = NearestNeighbours.Join(BatchAssembler.Collate [| graph |], count)

[<Tests>]
let surroundings =
    testList
        "surroundings"
        [
            test "every column is computed by hand" {
                Expect.equal (List.map fst wanted) (List.ofArray (Enum.GetValues<Surrounding>())) "columns"
            }

            for which, values in wanted do
                test $"{which} of four layer clusters" {
                    for found, value in Seq.zip (column which small) values do
                        Expect.floatClose { absolute = 1e-4; relative = 1e-5 } found value "value"
                }

            property "shares of a layer sum to 1, and what follows a root is a tree's all" (fun () ->
                Prop.forAll graphs (fun graph ->
                    let batch = BatchAssembler.Collate [| graph |]
                    let shares = column Surrounding.LayerEnergyShare graph

                    for _, ofLayer in Seq.groupBy fst (Seq.zip batch.Layers shares) do
                        Expect.floatClose Accuracy.high (Seq.sumBy snd ofLayer) 1.0 "shares"

                    Expect.all (NodeSurroundings.Of batch).Values Double.IsFinite "finite"))

            test "a tree's root has all of it behind it" {
                let tree =
                    trackster
                        [ for i in 0..9 -> float i, 0.0, 5 + i, 1.0 + float i, 3 ]
                        [ for i in 1..9 -> (i - 1) / 2, i ]

                Expect.floatClose Accuracy.high (column Surrounding.LogBranchEnergyShare tree).Head 0.0 "energy"
                Expect.floatClose Accuracy.high (column Surrounding.LogBranchSize tree).Head (log 10.0) "number"
            }

            test "links on a cycle end" {
                let cycle = trackster [ for i in 0..2 -> 0.0, 0.0, 5 + i, 1.0, 3 ] [ 0, 1; 1, 2; 2, 0 ]

                Expect.equal
                    (column Surrounding.LinksToRoot cycle)
                    [ 2.0; 2.0; 2.0 ]
                    "no walk is longer than the trackster"
            }

            test "without knowing which edges are links there are none" {
                let blind =
                    ShowerGraph(
                        small.Origin,
                        small.Features,
                        small.Source,
                        small.Target,
                        small.Labels,
                        Layers = small.Layers
                    )

                Expect.equal (column Surrounding.LinksToRoot blind) [ 0.0; 0.0; 0.0; 0.0 ] "roots"
            }
        ]

[<Tests>]
let neighbours =
    testList
        "nearest neighbours"
        [
            test "the nearest come first, none twice" {
                // Node 2 has its parent 1, so 0 is the nearest that is free; a layer counts 1 cm.
                let joined = edges (join 1 small)
                let own = small.EdgeCount
                Expect.equal joined[own..] [| 2L, 0L; 3L, 1L; 0L, 2L; 2L, 3L |] "new edges"
            }

            property
                "links stay in front, each node gets what it asks for, and no graph sees another"
                (fun (seed: int) ->
                    Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                        let count = abs (seed % 7)
                        let one, other = join count a, join count b
                        let both = NearestNeighbours.Join(BatchAssembler.Collate [| a; b |], count)
                        let shift = int64 a.NodeCount
                        let moved = edges other |> Array.map (fun (u, v) -> u + shift, v + shift)
                        Expect.equal (edges both) (Array.append (edges one) moved) "side by side"
                        let before = ownEdges a
                        let after = edges one
                        Expect.equal after[.. before.Length - 1] before "those that were there"
                        let fresh = after[before.Length ..]
                        Expect.equal (Array.distinct fresh) fresh "each once"
                        Expect.isEmpty (Set.intersect (set fresh) (set before)) "none that was there"

                        for node in 0L .. int64 a.NodeCount - 1L do
                            let into edges = edges |> Array.filter (fun (_, v) -> v = node)
                            let free = a.NodeCount - (into before |> Array.distinct).Length
                            Expect.equal (into fresh).Length (min count free) "in-edges"))

            test "none more is the edges of the graphs; more than there are is everybody" {
                let batch = BatchAssembler.Collate [| small |]

                Expect.isTrue
                    (Object.ReferenceEquals((NearestNeighbours.Join(batch, 0)).Source, batch.Source))
                    "the same"

                Expect.equal (edges (join 100 small) |> Array.distinct).Length 16 "all pairs"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> NearestNeighbours.Join(batch, -1) |> ignore)
                    "fewer than none"
            }
        ]
