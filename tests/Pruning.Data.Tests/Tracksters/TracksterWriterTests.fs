/// Prepared files that we write are the prepared files that we read.
module Pruning.Tests.Data.TracksterWriterTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Reading
open Pruning.Data.Tracksters
open Pruning.Tests.Data.WrittenTrees

let private memory (values: 'T array) = ReadOnlyMemory values

let private batch (random: Random) (entries: int) (withTruth: bool) : TracksterBatch =
    let counts = Array.init entries (fun _ -> random.Next 20)
    let nodes = counts |> Array.scan (fun sum n -> sum + int64 n) 0L
    let links = counts |> Array.scan (fun sum n -> sum + int64 (max 0 (n - 1))) 0L
    let count = Array.sum counts
    let floats () = memory (Array.init count (fun _ -> random.NextSingle()))
    let flags () = memory (Array.init count (fun _ -> random.Next 2 = 0))
    let ids = counts |> Array.collect (fun n -> Array.init n (fun i -> int64 i * 10L))

    let ends shift =
        counts
        |> Array.collect (fun n -> Array.init (max 0 (n - 1)) (fun i -> int64 (i + shift) * 10L))

    TracksterBatch(
        Nodes = memory nodes,
        Id = memory ids,
        PosX = floats (),
        PosY = floats (),
        PosZ = floats (),
        Energy = floats (),
        Time = floats (),
        Eta = floats (),
        Phi = floats (),
        IsSeedHigh = flags (),
        IsSeedLow = flags (),
        Layer = memory (Array.init count (fun i -> 1 + i % 47)),
        HitCount = memory (Array.init count (fun i -> 2 + i % 9)),
        Label = flags (),
        Fraction = (if withTruth then floats () else ReadOnlyMemory.Empty),
        Links = memory links,
        Origin = memory (ends 0),
        Target = memory (ends 1),
        Truth =
            (if withTruth then
                 TruthBatch(
                     Event = memory (Array.init entries int64),
                     Trackster = memory (Array.init entries id),
                     PdgId = memory (Array.replicate entries 22),
                     GeneratedEnergy = memory (Array.init entries float32),
                     SimEnergy = memory (Array.init entries float32)
                 )
             else
                 null)
    )

let private numbers (flags: ReadOnlyMemory<bool>) = flags.ToArray() |> Array.map (fun flag -> if flag then 1f else 0f)

/// Trees and RNTuples give columns of other classes, with the same values.
let private valuesOf<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    (column: RootColumn)
    : 'T array =
    Runtime.InteropServices.MemoryMarshal.Cast<byte, 'T>(column.ValueBytes).ToArray()

[<Tests>]
let tests =
    testList
        "writing tracksters"
        [
            for format, withTruth in List.allPairs [ TableFormat.Tree; TableFormat.Ntuple ] [ false; true ] do
                test $"batches come back as they were, {format}, with truth: {withTruth}" {
                    withDirectory (fun directory ->
                        let path = Path.Combine(directory, "prepared.root")
                        let random = Random 4

                        let batches =
                            [ batch random 40 withTruth; batch random 0 withTruth; batch random 300 withTruth ]

                        do
                            use writer =
                                TracksterWriter.Create(
                                    path,
                                    PreparedContents(
                                        HasTruth = withTruth,
                                        Metadata = (dict [ "made_by", "a test" ] |> Dictionary),
                                        Format = format
                                    )
                                )

                            batches |> List.iter writer.Append
                            Expect.equal writer.EntryCount 340L "entries"
                            writer.Close()

                        let options = TracksterReadOptions(TracksterTree = "Tracksters;1", EdgeTree = "Edges;1")
                        let table = TracksterReader.Read(path, options)
                        Expect.equal table.EntryCount 340L "entries"
                        Expect.equal table.HasEvents withTruth "events"
                        let mutable entry = 0L

                        for batch in batches do
                            let nodes = batch.Nodes.ToArray()
                            let links = batch.Links.ToArray()

                            for i in 0 .. nodes.Length - 2 do
                                let read = table[entry]
                                let own (values: 'T array) = values[int nodes[i] .. int nodes[i + 1] - 1]

                                let ownLinks (values: ReadOnlyMemory<int64>) =
                                    values.ToArray()[int links[i] .. int links[i + 1] - 1]

                                Expect.equal (read.Id.ToArray()) (own (batch.Id.ToArray())) "id"
                                Expect.equal (read.PosX.ToArray()) (own (batch.PosX.ToArray())) "x"
                                Expect.equal (read.PosY.ToArray()) (own (batch.PosY.ToArray())) "y"
                                Expect.equal (read.PosZ.ToArray()) (own (batch.PosZ.ToArray())) "z"
                                Expect.equal (read.Energy.ToArray()) (own (batch.Energy.ToArray())) "energy"
                                Expect.equal (read.Time.ToArray()) (own (batch.Time.ToArray())) "time"
                                Expect.equal (read.Eta.ToArray()) (own (batch.Eta.ToArray())) "eta"
                                Expect.equal (read.Phi.ToArray()) (own (batch.Phi.ToArray())) "phi"
                                Expect.equal (read.IsSeedHigh.ToArray()) (own (numbers batch.IsSeedHigh)) "high"
                                Expect.equal (read.IsSeedLow.ToArray()) (own (numbers batch.IsSeedLow)) "low"

                                Expect.equal
                                    (read.Layer.ToArray())
                                    (own (batch.Layer.ToArray() |> Array.map float32))
                                    "layer"

                                Expect.equal
                                    (read.HitCount.ToArray())
                                    (own (batch.HitCount.ToArray() |> Array.map float32))
                                    "hits"

                                Expect.equal (read.Label.ToArray()) (own (numbers batch.Label)) "label"
                                Expect.equal (read.Origin.ToArray()) (ownLinks batch.Origin) "origin"
                                Expect.equal (read.Target.ToArray()) (ownLinks batch.Target) "target"
                                entry <- entry + 1L

                        use file = RootFile.Open path

                        if withTruth then
                            let column table name = file.Table(table).ReadColumns(name) |> Seq.exactlyOne

                            let fraction = valuesOf<float32>(column "Tracksters" "fraction")
                            let wanted = batches |> List.map (fun batch -> batch.Fraction.ToArray()) |> Array.concat
                            Expect.equal fraction wanted "fraction"

                            let species = valuesOf<int>(column "Graphs" "pdgId")
                            Expect.equal species (Array.replicate 340 22) "pdgId"

                        Expect.equal
                            (PreparedMetadata.Read path |> nonNull |> Seq.map (|KeyValue|) |> List.ofSeq)
                            [ "made_by", "a test" ]
                            "metadata"

                        if format = TableFormat.Tree then
                            Expect.equal
                                (RawEntries.ofBranch (File.ReadAllBytes path) "Metadata" "made_by")
                                [| RootBytes.bytes (fun b -> b.Text "a test") |]
                                "texts")
                }

            for format in [ TableFormat.Tree; TableFormat.Ntuple ] do
                test $"a batch that does not fit together writes nothing, {format}" {
                    withDirectory (fun directory ->
                        use writer =
                            TracksterWriter.Create(
                                Path.Combine(directory, "prepared.root"),
                                PreparedContents(Format = format)
                            )

                        let good = batch (Random 1) 5 false
                        let short = batch (Random 2) 4 false

                        let refused (batch: TracksterBatch) =
                            try
                                writer.Append batch
                                ""
                            with :? ArgumentException as e ->
                                e.Message

                        let mixed (nodes: TracksterBatch) (links: TracksterBatch) (energy: float32 array) =
                            TracksterBatch(
                                Nodes = nodes.Nodes,
                                Id = nodes.Id,
                                PosX = nodes.PosX,
                                PosY = nodes.PosY,
                                PosZ = nodes.PosZ,
                                Energy = memory energy,
                                Time = nodes.Time,
                                Eta = nodes.Eta,
                                Phi = nodes.Phi,
                                IsSeedHigh = nodes.IsSeedHigh,
                                IsSeedLow = nodes.IsSeedLow,
                                Layer = nodes.Layer,
                                HitCount = nodes.HitCount,
                                Label = nodes.Label,
                                Links = links.Links,
                                Origin = links.Origin,
                                Target = links.Target
                            )

                        let energy = good.Energy.ToArray()

                        Expect.equal
                            (refused (mixed good short energy))
                            "wanted the links of 5 tracksters, found those of 4"
                            "links"

                        Expect.stringContains (refused (mixed good good energy[1..])) "'energy'" "too few energies"
                        Expect.equal writer.EntryCount 0L "nothing"
                        Expect.equal (refused good) "" "the whole batch is taken")
                }

            test "truth that was promised has to come" {
                withDirectory (fun directory ->
                    use writer =
                        TracksterWriter.Create(
                            Path.Combine(directory, "prepared.root"),
                            PreparedContents(HasTruth = true)
                        )

                    Expect.throwsT<ArgumentException> (fun () -> writer.Append(batch (Random 1) 5 false)) "no truth")
            }
        ]
