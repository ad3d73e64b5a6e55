module Pruning.Tests.Data.Ticl.PreprocessTests

open System
open Expecto
open Pruning.Data.Simulation
open Pruning.Data.Ticl

let toyPreset =
    PreprocessOptions(High = Clue3DOptions.ToyHigh, Low = Clue3DOptions.ToyLow, Selection = GraphSelection())

let events pileUp labels count =
    ToySimulation.Run(ToyOptions(PileUp = pileUp, Labels = labels), 0L, count, 2)
    |> Seq.toArray

let prepare (columns: TiclColumns) options workers =
    let parts = TiclPreprocessor.Run(columns, options, 0L, workers) |> Seq.toArray
    let zero = PreprocessCounts()

    PreparedGraphs.Concat(parts |> Seq.map (fun struct (graphs, _) -> graphs)),
    parts |> Array.fold (fun sum struct (_, counts) -> sum + counts) zero

/// One value for each graph: what must survive the way through a ntuple.
let content (g: PreparedGraphs) =
    [
        for i in 0 .. g.GraphCount - 1 ->
            let nodes (column: 'T[]) = column[int g.NodeOffsets[i] .. int g.NodeOffsets[i + 1] - 1]

            let links (column: 'T[]) = column[int g.LinkOffsets[i] .. int g.LinkOffsets[i + 1] - 1]

            (g.Event[i], g.Trackster[i], g.Pass[i], g.Particle[i], g.PdgId[i], g.GeneratedEnergy[i], g.Contributors[i]),
            (nodes g.Id, nodes g.X, nodes g.Y, nodes g.Z, nodes g.Energy, nodes g.Time),
            (nodes g.Eta, nodes g.Phi, nodes g.IsSeedHigh, nodes g.IsSeedLow, nodes g.Label, nodes g.Layer),
            (nodes g.HitCount, links g.Origin, links g.Target, g.IsExact[i])
    ]

let private roundTrip =
    testList
        "round trip"
        [
            for generation in [ TiclGeneration.Old; TiclGeneration.New ] do
                for labels in [ LabelRule.Majority; LabelRule.Any; LabelRule.Cut 0.1 ] do
                    test
                        $"simulated, written as a {generation} ntuple and prepared: the same graphs with labels by {labels}" {
                        let direct = events 0.0 labels 60
                        let wanted = direct |> Seq.map _.Graphs |> PreparedGraphs.Concat

                        let options =
                            PreprocessOptions(
                                High = toyPreset.High,
                                Low = toyPreset.Low,
                                Selection = toyPreset.Selection,
                                Labels = labels
                            )

                        let graphs, counts = prepare (NtupleColumns.Of(direct, generation)) options 2
                        Expect.isGreaterThan wanted.GraphCount 60 "some graphs"
                        Expect.equal (content graphs) (content wanted) "content"

                        Array.iter2
                            (fun (a: float32) b -> Expect.isLessThan (abs (a - b)) 1e-6f "fractions")
                            graphs.Fraction
                            wanted.Fraction

                        Expect.equal
                            (counts.Exact, counts.Repaired, counts.Events)
                            (counts.Tracksters, 0L, 60L)
                            "all exact"
                    }

            test "with pile-up the same, and tracksters that pile-up owns besides" {
                let direct = events 50.0 LabelRule.Majority 40
                let wanted = direct |> Seq.map _.Graphs |> PreparedGraphs.Concat |> content |> Set.ofList
                let graphs, _ = prepare (NtupleColumns.Of(direct, TiclGeneration.New)) toyPreset 2
                let found = content graphs |> Set.ofList
                Expect.isTrue (Set.isSubset wanted found) "every graph of the simulation"
                // The ntuple cannot know them: each is owned by a particle of pile-up.
                let others = Set.difference found wanted
                Expect.isNonEmpty others "there are some at 50 interactions"

                for (number, _, _, _, _, _, _), (ids, _, _, _, _, _), _, _ in others do
                    let e = direct[int number]

                    let most (t: TruthFractions) =
                        let shared = Array.zeroCreate<float> t.ParticleCount
                        t.SharedEnergy(ids, e.Clusters.Energy, shared)
                        Array.fold max 0.0 shared

                    Expect.isGreaterThan (most (nonNull e.Truth.PileUp)) (most e.Truth.HardScatter) "owned by pile-up"
            }

            test "any number of threads gives the same graphs" {
                let columns = NtupleColumns.Of(events 10.0 LabelRule.Majority 20, TiclGeneration.New)
                let wanted = content (fst (prepare columns toyPreset 0))

                for workers in [ 1; 3 ] do
                    Expect.equal (content (fst (prepare columns toyPreset workers))) wanted $"{workers} threads"
            }
        ]

let toyColumns count = NtupleColumns.Of(events 0.0 LabelRule.Majority count, TiclGeneration.New)

let private links =
    testList
        "links"
        [
            test "with another preset links are repaired, and still make trees" {
                let columns = toyColumns 40

                let options =
                    PreprocessOptions(
                        High = Clue3DOptions(CriticalDistance = 0.5, CriticalDensity = 0.1, Window = 0.1),
                        Low = Clue3DOptions.ToyLow,
                        Selection = GraphSelection()
                    )

                let graphs, counts = prepare columns options 1
                Expect.isGreaterThan counts.Repaired 20L "most do not fit"
                Expect.isTrue (Array.contains 0 graphs.IsExact) "said so"
                let table = graphs.ToTable "toy simulation"

                for g in 0 .. graphs.GraphCount - 1 do
                    let graph = table.Build(int64 g)
                    Expect.equal graph.LinkCount (Nullable(graph.NodeCount - 1)) "as many links as a tree"
                    let nodes = [ int graphs.NodeOffsets[g] .. int graphs.NodeOffsets[g + 1] - 1 ]
                    let seeds = nodes |> List.sumBy (fun i -> graphs.IsSeedHigh[i] + graphs.IsSeedLow[i])
                    Expect.equal seeds 1 "one root"
                    // From every node the root is reached.
                    let parent =
                        Map.ofList
                            [
                                for l in int graphs.LinkOffsets[g] .. int graphs.LinkOffsets[g + 1] - 1 ->
                                    graphs.Target[l], graphs.Origin[l]
                            ]

                    for i in nodes do
                        let mutable at, steps = graphs.Id[i], 0

                        while parent.ContainsKey at && steps <= nodes.Length do
                            at <- parent[at]
                            steps <- steps + 1

                        Expect.isLessThan steps nodes.Length "no cycle"
            }

            test "tracksters joined by linking keep a seed each" {
                let direct = events 0.0 LabelRule.Majority 60
                let columns = NtupleColumns.Of(direct, TiclGeneration.New)
                let first = columns.Tracksters[0]

                // All tracksters of an event as one.
                let joined =
                    NestedValues<uint32>(
                        Array.init (columns.EntryCount + 1) int64,
                        first.Vertices.Entries |> Array.map (fun list -> first.Vertices.Lists[int list]),
                        first.Vertices.Values
                    )

                let merged = TiclTracksters("ticlTracksterLinks", TracksterPass.High, joined, IsMerged = true)

                let one =
                    TiclColumns(
                        File = "merged",
                        Clusters = columns.Clusters,
                        Tracksters = [| merged |],
                        Simulated = columns.Simulated
                    )

                let options =
                    PreprocessOptions(High = Clue3DOptions.ToyHigh, Selection = GraphSelection(MaxNodes = 100000))

                let graphs, counts = prepare one options 1
                Expect.equal counts.Repaired 0L "exact"
                let several = direct |> Array.filter (fun e -> e.Tracksters[0].Count > 1)
                Expect.isNonEmpty several "events with several"

                for g in 0 .. graphs.GraphCount - 1 do
                    let nodes = [ int graphs.NodeOffsets[g] .. int graphs.NodeOffsets[g + 1] - 1 ]
                    let seeds = nodes |> List.sumBy (fun i -> graphs.IsSeedHigh[i])
                    Expect.equal seeds direct[int graphs.Event[g]].Tracksters[0].Count "a seed for each"
            }
        ]

let with' (change: TiclColumns -> TiclClusters * TiclSimTracksters) (columns: TiclColumns) =
    let clusters, simulated = change columns

    TiclColumns(
        File = "bad.root",
        FirstEntry = 100L,
        Clusters = clusters,
        Tracksters = columns.Tracksters,
        Simulated = simulated
    )

let clustersWith (c: TiclClusters) (x: ListValues<float32>) (layer: ListValues<uint32>) =
    TiclClusters(
        X = x,
        Y = c.Y,
        Z = c.Z,
        Eta = c.Eta,
        Phi = c.Phi,
        Energy = c.Energy,
        Time = c.Time,
        TimeError = c.TimeError,
        Layer = layer,
        HitCount = c.HitCount
    )

let edited index value (values: 'T[]) =
    let copy = Array.copy values
    copy[index] <- value
    copy

let private truths =
    testList
        "truth"
        [
            test "multiplicity 0 is no fraction, below 1 a whole one" {
                let columns = toyColumns 1
                let direct = events 0.0 LabelRule.Majority 1
                let m = columns.Simulated.Multiplicity

                let changed =
                    columns
                    |> with' (fun c ->
                        let values = m.Values |> edited 0 0f |> edited 1 0.5f

                        c.Clusters,
                        TiclSimTracksters(
                            c.Simulated.Tree,
                            c.Simulated.Vertices,
                            NestedValues<float32>(m.Entries, m.Lists, values),
                            c.Simulated.PdgId,
                            c.Simulated.Energy
                        ))

                let options =
                    PreprocessOptions(
                        High = Clue3DOptions.ToyHigh,
                        Low = Clue3DOptions.ToyLow,
                        Selection = GraphSelection(MinNodes = 1, MinEnergy = 0.0, KeepUnmatched = true)
                    )

                let graphs, _ = prepare changed options 1
                let first = int columns.Simulated.Vertices.Values[0]
                let second = int columns.Simulated.Vertices.Values[1]
                let whole = direct[0].Truth.HardScatter.Of(second, 0)
                Expect.isGreaterThan whole 0f "the second vertex had a fraction"

                for i in 0 .. graphs.Id.Length - 1 do
                    if graphs.Id[i] = first then
                        Expect.equal graphs.Fraction[i] 0f "gone"
                    elif graphs.Id[i] = second && graphs.Particle[0] = 0 then
                        Expect.equal graphs.Fraction[i] 1f "whole"
            }

            test "a layer cluster that stands twice counts once" {
                let columns = toyColumns 1
                let v, m = columns.Simulated.Vertices, columns.Simulated.Multiplicity
                let first, second = v.Values[0], v.Values[1]
                // The second vertex becomes the first one again, with another fraction.
                let twice = NestedValues<uint32>(v.Entries, v.Lists, edited 1 first v.Values)
                let other = NestedValues<float32>(m.Entries, m.Lists, edited 1 10f m.Values)
                let reco = columns.Tracksters[0].Vertices
                let doubled = NestedValues<uint32>(reco.Entries, reco.Lists, edited 1 reco.Values[0] reco.Values)

                let changed =
                    TiclColumns(
                        File = "twice",
                        Clusters = columns.Clusters,
                        Tracksters = [| TiclTracksters(columns.Tracksters[0].Tree, TracksterPass.High, doubled) |],
                        Simulated =
                            TiclSimTracksters(
                                columns.Simulated.Tree,
                                twice,
                                other,
                                columns.Simulated.PdgId,
                                columns.Simulated.Energy
                            )
                    )

                let everything = GraphSelection(MinNodes = 1, MinEnergy = 0.0, KeepUnmatched = true)
                let options = PreprocessOptions(High = Clue3DOptions.ToyHigh, Selection = everything)
                let graphs, _ = prepare changed options 1
                let members = graphs.Id[.. int graphs.NodeOffsets[1] - 1]
                Expect.equal members.Length (int reco.Lists[1] - 1) "one fewer"
                Expect.equal (Array.distinct members) members "each once"

                for i in 0 .. graphs.Id.Length - 1 do
                    if graphs.Particle[0] = 0 && graphs.Id[i] = int first then
                        Expect.equal graphs.Fraction[i] (min 1f (1f / m.Values[0])) "the first fraction"
                    elif graphs.Particle[0] = 0 && graphs.Id[i] = int second then
                        Expect.equal graphs.Fraction[i] 0f "the second vertex is gone"
            }

            test "shared energies of the file are compared with ours" {
                let direct = events 0.0 LabelRule.Majority 20
                let columns = NtupleColumns.Of(direct, TiclGeneration.New)
                let v = columns.Tracksters[0].Vertices

                // Every trackster's share of the first particle, as the associator has it.
                let shared =
                    [|
                        for entry in 0 .. v.EntryCount - 1 do
                            let e = direct[entry]
                            let all = Array.zeroCreate<float> e.Truth.HardScatter.ParticleCount

                            for t in 0 .. v.CountOf entry - 1 do
                                e.Truth.HardScatter.SharedEnergy(e.Tracksters[0][t], e.Clusters.Energy, all)
                                float32 all[0]
                    |]

                let one = Array.init (shared.Length + 1) int64

                let columnsWith (energies: float32[]) =
                    TiclColumns(
                        File = "associations",
                        Clusters = columns.Clusters,
                        Tracksters =
                            [|
                                TiclTracksters(
                                    columns.Tracksters[0].Tree,
                                    TracksterPass.High,
                                    v,
                                    Matches = NestedValues<uint32>(v.Entries, one, Array.zeroCreate shared.Length),
                                    SharedEnergy = NestedValues<float32>(v.Entries, one, energies)
                                )
                            |],
                        Simulated = columns.Simulated
                    )

                let _, right = prepare (columnsWith shared) toyPreset 1
                Expect.equal (right.AssociationsSeen, right.AssociationsDiffering) (int64 shared.Length, 0L) "the same"
                let _, wrong = prepare (columnsWith (shared |> Array.map (fun e -> e + 5f))) toyPreset 1
                Expect.equal wrong.AssociationsDiffering (int64 shared.Length) "all others"
            }
        ]

[<Tests>]
let tests = testList "preprocess" [ roundTrip; links; truths ]
