/// Ntuples of every generation, written to a file and read again: the same tracksters from each.
module Pruning.Tests.Data.Ticl.NtupleFormatTests

open System.IO
open System.Threading
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Batching
open Pruning.Data.Simulation
open Pruning.Data.Ticl
open Pruning.Data.Tracksters
open Pruning.Tests.Cli.Run
open Pruning.Tests.Data.Ticl.PreprocessTests

let private formats =
    [
        for format in TiclFormat.All do
            format.Generation, false

            if format.Generation = TiclGeneration.Hlt then
                format.Generation, true
    ]

let write (path: string) generation withoutClusters (columns: TiclColumns) =
    use writer =
        TiclNtupleWriter.Create(
            path,
            TiclNtupleContents(
                Generation = generation,
                Collections = [| for one in columns.Tracksters -> one.Tree |],
                WithoutClusters = withoutClusters
            )
        )

    writer.Append columns
    writer.Close()

let prepareFile (path: string) (read: TiclReadOptions) (options: PreprocessOptions) =
    use ntuple = TiclNtuple.Open(path, read)

    let parts =
        [
            for block in ntuple.Blocks CancellationToken.None do
                yield! TiclPreprocessor.Run(block, options, 0L, 1) |> Seq.toArray
        ]

    PreparedGraphs.Concat(parts |> Seq.map (fun struct (graphs, _) -> graphs)),
    parts
    |> List.fold (fun sum struct (_, counts) -> sum + counts) (PreprocessCounts())

/// What a format does not hold is left out of the comparison.
let private withoutPdgId graphs =
    [
        for (event, trackster, pass, particle, _, energy, contributors), nodes, more, links in content graphs ->
            (event, trackster, pass, particle, energy, contributors), nodes, more, links
    ]

let private withoutHits graphs =
    [
        for i,
            ((_, _, _, _, pdgId, _, _) as graph,
             (id, x, y, z, energy, time),
             (_, _, high, low, label, layer),
             (_, origin, target, exact)) in List.indexed (content graphs) ->
            graph, (id, x, y, z, energy, time), (high, low, label, layer), (origin, target, exact)
    ]

let private roundTrip generation withoutClusters =
    let format = TiclFormat.Of generation
    let name = if withoutClusters then format.Name + " without layer clusters" else format.Name

    test $"{name}: the same graphs, labels and events as the simulation, through a file" {
        inTemporaryDirectory (fun directory ->
            let path = Path.Combine(directory, "ntuple.root")
            let direct = events 0.0 LabelRule.Majority 60
            let wanted = direct |> Seq.map _.Graphs |> PreparedGraphs.Concat
            write path generation withoutClusters (NtupleColumns.Of(direct, generation))
            use ntuple = TiclNtuple.Open(path, TiclReadOptions())
            Expect.equal ntuple.Format.Generation generation "detected by what the file holds"
            Expect.equal ntuple.HasEvents (format.Events <> TiclEventForm.None) "events"
            Expect.stringStarts ntuple.Fingerprint format.Name "fingerprint"
            let graphs, counts = prepareFile path (TiclReadOptions()) toyPreset
            Expect.equal counts.AssociationsDiffering 0L "shared energies of the file are ours"
            Expect.equal (counts.AssociationsSeen > 0L) (generation <> TiclGeneration.Old) "and were compared"

            if format.IsFlat then
                Expect.equal (withoutPdgId graphs) (withoutPdgId wanted) "content"
            elif withoutClusters then
                let close (a: float32[]) (b: float32[]) = Array.forall2 (fun (x: float32) y -> abs (x - y) < 1e-5f) a b

                Expect.isTrue (close graphs.Eta wanted.Eta && close graphs.Phi wanted.Phi) "directions"
                Expect.equal (withoutHits graphs) (withoutHits wanted) "content"
            else
                Expect.equal (content graphs) (content wanted) "content"

            let known = format.Events <> TiclEventForm.None
            Expect.allEqual graphs.Run (if known then 1u else 0u) "runs"
            Expect.equal counts.Barrel (if generation = TiclGeneration.New then 120L else 0L) "barrel")
    }

let private sameThroughSimClusters = test "CaloParticles are joined from SimClusters where only those are there" {
    inTemporaryDirectory (fun directory ->
        let path = Path.Combine(directory, "ntuple.root")
        let columns = NtupleColumns.Of(events 0.0 LabelRule.Majority 20, TiclGeneration.New)
        write path TiclGeneration.New false columns
        let direct, _ = prepareFile path (TiclReadOptions()) toyPreset
        use ntuple = TiclNtuple.Open(path, TiclReadOptions())
        let block = ntuple.Blocks CancellationToken.None |> Seq.exactlyOne

        // One SimCluster for each CaloParticle, numbered as the file does.
        let sim = block.Simulated

        let joined =
            TiclColumns(
                File = "joined",
                Clusters = block.Clusters,
                Tracksters = block.Tracksters,
                Events = block.Events,
                Simulated =
                    TiclSimTracksters(
                        sim.Tree,
                        sim.Vertices,
                        sim.Multiplicity,
                        sim.PdgId,
                        sim.Energy,
                        CaloParticle =
                            ListValues<int>(
                                sim.PdgId.Offsets,
                                [|
                                    for entry in 0 .. sim.PdgId.EntryCount - 1 do
                                        for i in 0 .. sim.PdgId[entry].Length - 1 -> 7 + i
                                |]
                            )
                    )
            )

        Expect.equal (content (fst (prepare joined toyPreset 1))) (content direct) "the same particles"

        // All SimClusters of an event are one CaloParticle.
        let all =
            TiclColumns(
                File = "all",
                Clusters = block.Clusters,
                Tracksters = block.Tracksters,
                Events = block.Events,
                Simulated =
                    TiclSimTracksters(
                        sim.Tree,
                        sim.Vertices,
                        sim.Multiplicity,
                        sim.PdgId,
                        sim.Energy,
                        CaloParticle = ListValues<int>(sim.PdgId.Offsets, Array.zeroCreate sim.PdgId.Values.Length)
                    )
            )

        let graphs, _ = prepare all toyPreset 1
        Expect.allEqual graphs.Particle 0 "one particle"
        Array.iter (fun fraction -> Expect.isTrue (fraction >= 0f && fraction <= 1f) "a fraction") graphs.Fraction)
}

let private barrelBetween = test "layer clusters of the barrel between others are skipped, and change nothing else" {
    let columns = NtupleColumns.Of(events 0.0 LabelRule.Majority 20, TiclGeneration.Hlt)
    let wanted, _ = prepare columns toyPreset 1
    let c = columns.Clusters
    let counts = [| for entry in 0 .. columns.EntryCount - 1 -> c.X[entry].Length |]
    // A layer cluster of the barrel in front of every one of an event.
    let offsets = c.X.Offsets |> Array.map ((*) 2L)

    let between (barrel: 'T) (values: 'T[]) = values |> Array.collect (fun value -> [| barrel; value |])
    let floats barrel (list: ListValues<float32>) = ListValues<float32>(offsets, between barrel list.Values)
    let wholes barrel (list: ListValues<uint32>) = ListValues<uint32>(offsets, between barrel list.Values)

    let moved (v: NestedValues<uint32>) =
        NestedValues<uint32>(v.Entries, v.Lists, v.Values |> Array.map (fun i -> 2u * i + 1u))

    let changed =
        TiclColumns(
            File = "barrel",
            Events = columns.Events,
            Clusters =
                TiclClusters(
                    X = floats nanf c.X,
                    Y = floats 1f c.Y,
                    Z = floats 0f c.Z,
                    Eta = floats 0f c.Eta,
                    Phi = floats 0f c.Phi,
                    Energy = floats 1000f c.Energy,
                    Time = floats 0f c.Time,
                    TimeError = floats 0f c.TimeError,
                    Layer = wholes 0u c.Layer,
                    HitCount = wholes 50u c.HitCount,
                    State =
                        ListValues<TiclClusterState>(
                            offsets,
                            Array.zeroCreate c.X.Values.Length |> between TiclClusterState.Barrel
                        )
                ),
            Tracksters = [| for one in columns.Tracksters -> TiclTracksters(one.Tree, one.Pass, moved one.Vertices) |],
            Simulated =
                TiclSimTracksters(
                    columns.Simulated.Tree,
                    moved columns.Simulated.Vertices,
                    columns.Simulated.Multiplicity,
                    columns.Simulated.PdgId,
                    columns.Simulated.Energy
                )
        )

    let graphs, counted = prepare changed toyPreset 1
    Expect.equal counted.Barrel (int64 (Array.sum counts)) "counted"
    Expect.equal (graphs.Id |> Array.map (fun i -> (i - 1) / 2)) wanted.Id "ids"
    Expect.equal (graphs.X, graphs.Label, graphs.IsExact) (wanted.X, wanted.Label, wanted.IsExact) "the rest"
}

let private parts = test "a trackster owns 1 over the multiplicity of a layer cluster" {
    let columns = toyColumns 3
    let first = columns.Tracksters[0].Vertices

    let halves =
        TiclTracksters(
            columns.Tracksters[0].Tree,
            TracksterPass.High,
            first,
            Multiplicity = NestedValues<float32>(first.Entries, first.Lists, Array.create first.Values.Length 2f)
        )

    let half =
        TiclColumns(
            File = "halves",
            Clusters = columns.Clusters,
            Tracksters = [| halves |],
            Simulated = columns.Simulated
        )

    let whole =
        TiclColumns(
            File = "whole",
            Clusters = columns.Clusters,
            Tracksters = [| columns.Tracksters[0] |],
            Simulated = columns.Simulated
        )

    let selected energy =
        PreprocessOptions(
            High = Clue3DOptions.ToyHigh,
            Selection = GraphSelection(MinEnergy = energy, MaxNodes = 1000000)
        )

    let ofHalf, _ = prepare half (selected 10.0) 1
    let ofWhole, _ = prepare whole (selected 20.0) 1
    Expect.equal ofHalf.Trackster ofWhole.Trackster "half of the energy is selected by half of the limit"
    Expect.equal ofHalf.Fraction ofWhole.Fraction "labels are about the layer cluster"
}

let private eventsOfTrees = test "trees that say different events are refused" {
    inTemporaryDirectory (fun directory ->
        let path = Path.Combine(directory, "ntuple.root")
        let columns = NtupleColumns.Of(events 0.0 LabelRule.Majority 3, TiclGeneration.New)
        write path TiclGeneration.New false columns
        use ntuple = TiclNtuple.Open(path, TiclReadOptions())
        let block = ntuple.Blocks CancellationToken.None |> Seq.exactlyOne
        let events = nonNull block.Events
        Expect.equal events.Event [| 0L; 1L; 2L |] "numbers"
        let other = TiclEvents(events.Run, [| 1u; 2u; 1u |], events.Event)
        Expect.equal (events.FirstDifference other) 1 "the second differs")
}

let private hints = test "a collection that is not there is answered with near ones" {
    inTemporaryDirectory (fun directory ->
        for generation, near in
            [
                TiclGeneration.New, "ticlTrackstersCLUE3DHigh"
                TiclGeneration.Nano, "ticlTrackstersCLUE3DHigh"
                TiclGeneration.Mid2024V4, "trackstersclue3d"
            ] do
            let path = Path.Combine(directory, "ntuple.root")
            write path generation false (NtupleColumns.Of(events 0.0 LabelRule.Majority 1, generation))
            let wrong = near.Replace("3D", "3d_").Replace("3d", "3d_")

            let error =
                Expect.throwsC (fun () -> TiclNtuple.Open(path, TiclReadOptions(Collection = wrong)).Dispose()) id

            Expect.isTrue (DataException.Covers error) "a problem of the data"
            Expect.stringContains error.Message $"Did you mean '{near}'" "a hint"
            File.Delete path)
}

let private described = test "a description says what can be made and what is missing" {
    inTemporaryDirectory (fun directory ->
        let path = Path.Combine(directory, "ntuple.root")

        for generation, withoutClusters in formats do
            write path generation withoutClusters (NtupleColumns.Of(events 0.0 LabelRule.Majority 2, generation))
            let one = TiclDescription.Of path
            let format = TiclFormat.Of generation
            Expect.equal (one.Format, one.Title, one.Entries) (format.Name, format.Title, System.Nullable 2L) "what"
            Expect.contains one.Collections format.Collections[0].Name "collection"

            Expect.exists
                one.Makes
                (fun text -> text.Contains $"--collection {format.Collections[0].Name} --truth cp")
                "makes"

            Expect.equal
                (one.Missing
                 |> Seq.exists (fun text -> text.StartsWith "There are no layer clusters"))
                withoutClusters
                "missing"

            File.Delete path

        File.WriteAllText(path, "no")
        Expect.throws (fun () -> TiclDescription.Of path |> ignore) "no ROOT file")
}

let private runs = test "the split keeps equal run, luminosity block and event together, and nothing else" {
    inTemporaryDirectory (fun directory ->
        let columns = NtupleColumns.Of(events 0.0 LabelRule.Majority 30, TiclGeneration.New)
        let graphs, _ = prepare columns toyPreset 1

        let file run =
            let path = Path.Combine(directory, $"run{run}.root")

            use writer = TracksterWriter.Create(path, PreparedContents(HasTruth = true, HasRuns = true))

            let batch = PreparedBatches.Of graphs
            let truth = nonNull batch.Truth

            writer.Append(
                TracksterBatch(
                    Nodes = batch.Nodes,
                    Id = batch.Id,
                    PosX = batch.PosX,
                    PosY = batch.PosY,
                    PosZ = batch.PosZ,
                    Energy = batch.Energy,
                    Time = batch.Time,
                    Eta = batch.Eta,
                    Phi = batch.Phi,
                    IsSeedHigh = batch.IsSeedHigh,
                    IsSeedLow = batch.IsSeedLow,
                    Layer = batch.Layer,
                    HitCount = batch.HitCount,
                    Label = batch.Label,
                    Fraction = batch.Fraction,
                    Links = batch.Links,
                    Origin = batch.Origin,
                    Target = batch.Target,
                    Truth =
                        TruthBatch(
                            Event = truth.Event,
                            Run = System.ReadOnlyMemory(Array.create graphs.GraphCount run),
                            Lumi = truth.Lumi,
                            Trackster = truth.Trackster,
                            PdgId = truth.PdgId,
                            GeneratedEnergy = truth.GeneratedEnergy,
                            SimEnergy = truth.SimEnergy
                        )
                )
            )

            writer.Close()
            path

        use data = GraphDataset.Open([| file 1u; file 2u |], TracksterReadOptions())
        let split = Split.Create(data, SplitOptions())
        let distinct = graphs.Event |> Array.distinct |> Array.length
        Expect.isTrue split.ByEvent "events"
        Expect.equal split.GroupCount (2 * distinct) "events of both runs are different ones"

        let partOf =
            dict
                [
                    for part, indices in List.indexed [ split.Training; split.Validation; split.Test ] do
                        for i in indices -> i, part
                ]

        for index in 0 .. data.Count - 1 do
            for other in 0 .. data.Count - 1 do
                if data.EventKeyOf index = data.EventKeyOf other then
                    Expect.equal partOf[index] partOf[other] "one event, one part"

        let table = graphs.ToTable "one"
        Expect.equal (table.BlockOf 0L) (struct (1L, 1L)) "run and luminosity block")
}

[<Tests>]
let tests =
    testList
        "ticl ntuple formats"
        [
            testList "round trip" [ for generation, withoutClusters in formats -> roundTrip generation withoutClusters ]
            sameThroughSimClusters
            barrelBetween
            parts
            eventsOfTrees
            hints
            described
            runs
        ]
