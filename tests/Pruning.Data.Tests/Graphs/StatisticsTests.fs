module Pruning.Tests.Data.Graphs.StatisticsTests

open System
open Expecto
open FsCheck
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Tests.Generators
open Pruning.Tests.Data.Tracksters.TableOf

let private momentsOf (values: float seq) =
    let mutable m = Moments()

    for v in values do
        m.Add v

    m

let private close (a: float) (b: float) = abs (a - b) <= 1e-9 * (1.0 + abs a + abs b)

let private moments =
    testList
        "moments"
        [
            property "mean and variance are those of the definition" (fun (values: NormalFloat list) ->
                // Sizes whose squares do not overflow.
                let values = values |> List.map (fun v -> v.Get % 1e6)
                let m = momentsOf values

                values.IsEmpty
                || (let mean = List.average values
                    let variance = values |> List.averageBy (fun v -> (v - mean) ** 2.0)

                    close m.Mean mean
                    && abs (m.Variance - variance) <= 1e-9 * (1.0 + variance)
                    && m.Min = List.min values
                    && m.Max = List.max values
                    && m.Count = int64 values.Length))

            property "merging two is seeing both" (fun (a: NormalFloat list) (b: NormalFloat list) ->
                let a, b = a |> List.map (fun v -> v.Get % 1e6), b |> List.map (fun v -> v.Get % 1e6)
                let mutable merged = momentsOf a
                merged.Merge(momentsOf b)
                let all = momentsOf (a @ b)

                merged.Count = all.Count
                && (all.Count = 0L
                    || (close merged.Mean all.Mean
                        && abs (merged.Variance - all.Variance) <= 1e-9 * (1.0 + all.Variance)
                        && merged.Min = all.Min
                        && merged.Max = all.Max)))

            test "a constant has no variance at all, however large it is" {
                Expect.equal (momentsOf (Seq.replicate 1000 1e15)).Variance 0.0 "exactly"
            }

            test "a small spread on a large mean is not lost" {
                let m = momentsOf [ for i in 0..999 -> 1e9 + float (i % 2) ]
                Expect.floatClose Accuracy.high m.Variance 0.25 "variance"
            }

            test "nothing seen is not a number" {
                let m = Moments()
                Expect.isTrue (Double.IsNaN m.Mean && Double.IsNaN m.Variance && Double.IsNaN m.Min) "NaN"
            }
        ]

let private histograms =
    testList
        "histogram"
        [
            test "bins are half open, the last one is closed" {
                let h = Histogram(0.0, 1.0, 2.0)

                for v in [ -0.1; 0.0; 0.5; 1.0; 1.9; 2.0; 2.1; infinity ] do
                    h.Add v

                Expect.equal (List.ofSeq h.Counts, h.Below, h.Above) ([ 2L; 3L ], 1L, 2L) "counts"
            }

            property "nothing is lost and merging adds" (fun (a: int list) (b: int list) ->
                let fill (values: int list) =
                    let h = Histogram(-5.0, -1.0, 0.0, 2.0, 10.0)

                    for v in values do
                        h.Add(float v)

                    h

                let total (h: Histogram) = Seq.sum h.Counts + h.Below + h.Above
                let merged = fill a
                merged.Merge(fill b)
                let both = fill (a @ b)

                total both = int64 (a.Length + b.Length)
                && List.ofSeq merged.Counts = List.ofSeq both.Counts
                && (merged.Below, merged.Above) = (both.Below, both.Above))

            test "edges that do not rise, other edges and NaN are refused" {
                Expect.throwsT<ArgumentException> (fun () -> Histogram(1.0, 1.0) |> ignore) "equal edges"
                Expect.throwsT<ArgumentException> (fun () -> Histogram(1.0) |> ignore) "one edge"

                Expect.throwsT<ArgumentException>
                    (fun () -> Histogram(0.0, 1.0).Merge(Histogram(0.0, 2.0)))
                    "other edges"

                Expect.throwsT<ArgumentException> (fun () -> Histogram(0.0, 1.0).Add nan) "NaN"
            }
        ]

let private statisticsOf (graphs: ShowerGraph seq) =
    let s = TracksterStatistics()

    for g in graphs do
        s.Add g

    s

let private statistics =
    testList
        "trackster statistics"
        [
            test "a chain of eight with two nodes to prune" {
                let s = statisticsOf (graphsOf [ chain 8 0f; chain 3 0f ])
                Expect.equal (s.GraphCount, s.NodeCount, s.LinkCount, s.PrunedNodeCount) (2L, 11L, 9L, 2L) "counts"
                Expect.equal s.GraphsWithoutPruningPercent 50.0 "one of two graphs needs no pruning"
                Expect.floatClose Accuracy.high s.PrunedNodesPercent (200.0 / 11.0) "two of eleven nodes"
                // Node 4 is pruned and its follower 5 is kept; node 8 ends the chain.
                Expect.equal (s.ViolatingLinkCount, s.GraphsWithViolation) (1L, 1L) "violations"
                Expect.equal (s.TotalEnergy, s.PrunedEnergy) (42.0, 12.0) "energy"
                Expect.equal s.GraphsOfTreeSize 2L "trees"

                Expect.equal
                    (s.LinksPerNode.Counts[1], s.LinksPerNode.Counts[2])
                    (4L, 7L)
                    "two ends each, the rest in between"

                Expect.equal (s.SeedsPerGraph.Counts[1]) 2L "one seed each"
                Expect.equal s.Features[0].Min 0.0 "positions are relative to the seed"
                Expect.equal s.Features[0].Max 7.0 "the farthest node"
            }

            property "merging is seeing all" (fun (a: RawTrackster list) (b: RawTrackster list) ->
                let a, b = graphsOf a, graphsOf b
                let merged = statisticsOf a
                merged.Merge(statisticsOf b)
                let all = statisticsOf (a @ b)

                let numbers (s: TracksterStatistics) =
                    [
                        s.GraphCount
                        s.NodeCount
                        s.LinkCount
                        s.PrunedNodeCount
                        s.GraphsWithoutPruning
                        s.ViolatingLinkCount
                        s.GraphsWithViolation
                        s.GraphsOfTreeSize
                        s.NodesWithTime
                    ]
                    @ [
                        for h in
                            [
                                s.NodesPerGraph
                                s.LinksPerGraph
                                s.LinksPerNode
                                s.SeedsPerGraph
                                s.PrunedSharePerGraph
                                s.TracksterEnergy
                                s.LogEnergy
                                s.LogEnergyPruned
                            ] do
                            yield! h.Counts
                    ]

                numbers merged = numbers all
                && close merged.TotalEnergy all.TotalEnergy
                && Seq.forall2
                    (fun (x: Moments) (y: Moments) ->
                        x.Count = y.Count
                        && (x.Count = 0L
                            || (close x.Mean y.Mean && close x.StandardDeviation y.StandardDeviation)))
                    merged.Features
                    all.Features)

            test "the share of pruned nodes by energy is a ratio of counts" {
                let s = statisticsOf (graphsOf [ chain 8 0f ])
                // Energies 4 to 5.6 GeV: nodes 4 (pruned) and 5; log10 4 = 0.602 .. log10 5 = 0.699.
                let bin = Seq.findIndexBack (fun e -> e <= Math.Log10 4.0) s.LogEnergy.Edges
                Expect.equal (s.PrunedShareByEnergy()[bin]) 0.5 "one of two"
                Expect.isTrue (Double.IsNaN(s.PrunedShareByEnergy()[0])) "an empty bin"
            }
        ]

let private depths =
    /// The depth of links between rows.
    let depth (nodes: int) (links: (int * int) list) =
        let graph =
            GraphBuilder.OfRows(
                inMemory 0L,
                Array.zeroCreate (9 * nodes),
                ReadOnlySpan(links |> List.map fst |> List.toArray),
                ReadOnlySpan(links |> List.map snd |> List.toArray),
                Array.zeroCreate nodes
            )

        let all = TracksterStatistics()
        all.Add graph
        all.Depth.Moments.Max

    testList
        "depth and shares"
        [
            test "the depth of a node, a chain, a star, two roots and a circle" {
                Expect.equal (depth 1 []) 0.0 "one node"
                Expect.equal (depth 4 [ 0, 1; 1, 2; 2, 3 ]) 3.0 "chain"
                Expect.equal (depth 4 [ 0, 1; 0, 2; 0, 3 ]) 1.0 "star"
                Expect.equal (depth 5 [ 0, 1; 2, 3; 3, 4 ]) 2.0 "two roots"
                Expect.equal (depth 3 [ 0, 1; 1, 2; 2, 0 ]) 0.0 "a circle has no root"
                Expect.equal (depth 2 [ 0, 0; 0, 1; 0, 1 ]) 1.0 "a link to itself and a duplicate"
            }

            test "shares of the shower are counted where they are given, and merge" {
                let graph = graphOf (chain 4 1f)
                let some, none = TracksterStatistics(), TracksterStatistics()
                some.Add(graph, ReadOnlySpan [| 0f; 0.3f; 0.6f; 1f |])
                none.Add graph
                none.Merge some
                Expect.equal (none.NodesWithFraction, none.GraphCount) (4L, 2L) "counts"
                Expect.equal (Seq.toList none.Fractions.Counts) [ 1L; 0L; 0L; 1L; 1L; 0L; 0L; 1L ] "bins"
                Expect.equal none.KeptPerPruned 3.0 "three to keep for each to prune"
            }
        ]

let private ofDataset =
    testList
        "over a dataset"
        [
            test "moments and class counts are those of the nodes asked for, to the bit for any number of threads" {
                let raws = [ for i in 0..5999 -> chain (1 + i % 9) (float32 (i % 977) / 7f) ]
                let indices = [| for i in 0..2..5999 -> i |]
                let graphs = [ for i in indices -> graphOf raws[i] ]

                let results =
                    [
                        for workers in [ 1; 3 ] do
                            use dataset =
                                GraphDataset.OfTables(
                                    [| table "a.root" None raws |],
                                    Pruning.Data.Tracksters.TracksterReadOptions(Workers = workers),
                                    Collections.Generic.List()
                                )

                            let m = FeatureMoments.Of(dataset, indices)

                            m.Mean,
                            m.Std,
                            m.NodeCount,
                            ClassCounts.Of(dataset, indices),
                            DatasetStatistics.Of(dataset, indices).PrunedEnergy
                    ]

                Expect.equal results[1] results[0] "three threads and one"
                let mean, std, count, classes, _ = results[0]

                let energies =
                    [
                        for g in graphs do
                            for i in 0 .. g.NodeCount - 1 -> float (g.Energy i)
                    ]

                let average = List.average energies
                Expect.floatClose Accuracy.high mean[3] average "mean energy"

                Expect.floatClose
                    Accuracy.high
                    std[3]
                    (sqrt (energies |> List.averageBy (fun e -> (e - average) ** 2.0)))
                    "its spread"

                Expect.equal count (int64 energies.Length) "nodes"
                let pruned = graphs |> List.sumBy (fun g -> g.Labels |> Array.sumBy int64)
                Expect.equal classes (ClassCounts(count - pruned, pruned)) "classes"
            }

            test "a feature that does not vary has the spread 1, and so has everything without nodes" {
                use dataset = GraphDataset.OfGraphs(List.toArray (graphsOf [ chain 5 0f ]))
                let m = FeatureMoments.Of(dataset, [| 0 |])
                Expect.equal (m.Mean[5], m.Std[5]) (2.0, 1.0) "eta is 2 everywhere"
                Expect.isGreaterThan m.Std[3] 1.0 "energy varies"
                let none = FeatureMoments.Of(dataset, [||])

                Expect.equal
                    (none.Mean, none.Std, none.NodeCount)
                    (Array.zeroCreate 9, Array.create 9 1.0, 0L)
                    "no nodes"
            }
        ]

[<Tests>]
let tests = testList "statistics" [ moments; histograms; statistics; depths; ofDataset ]
