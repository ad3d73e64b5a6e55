/// From tracksters to a file and back: whatever types and codec the writer chose, the graphs are the same.
module Pruning.Tests.Data.Tracksters.PreparedTests

open System
open System.IO
open Expecto
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Tests.Generators
open Pruning.Tests.Prepared
open Pruning.Tests.Data.Tracksters.TableOf

let private reading (file: Prepared) (check: string -> GraphDataset -> 'a) : 'a =
    let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")

    try
        use dataset = GraphDataset.Open([| Prepared.save path file |], TracksterReadOptions())
        check path dataset
    finally
        File.Delete path

/// The same trackster with ids that fit 32 bits.
let private narrow (raw: RawTrackster) : RawTrackster =
    let number = raw.Nodes |> List.mapi (fun i node -> node.Id, int64 (3 * i - 5)) |> Map.ofList

    {
        Nodes = raw.Nodes |> List.map (fun node -> { node with Id = number[node.Id] })
        Links = raw.Links |> List.map (fun (o, t) -> number[o], number[t])
    }

let private same (a: ShowerGraph) (b: ShowerGraph) =
    a.Origin = b.Origin
    && a.Features = b.Features
    && a.Source = b.Source
    && a.Target = b.Target
    && a.Labels = b.Labels
    && a.LinkCount = b.LinkCount

[<Tests>]
let tests =
    testList
        "prepared files"
        [
            property
                "tracksters come back from a file as the graphs they are, whether trees or RNTuples, whatever types, baskets and codec it \
                 has"
                (fun (raws: RawTrackster list) (layout: Layout) (event: int64 option) ->
                    let layout =
                        { layout with
                            // No program here packs xz.
                            Codec =
                                if layout.Codec = Pruning.Tests.Data.RootCodecs.Xz then
                                    Pruning.Tests.Data.RootCodecs.Lz4
                                else
                                    layout.Codec
                            BasketEntries = 1 + abs (layout.BasketEntries % 20)
                        }

                    let raws = if layout.Whole = Int then List.map narrow raws else raws

                    let events =
                        event
                        |> Option.map (fun first -> [ for i in 0 .. raws.Length - 1 -> first + int64 i ])

                    let plain = Prepared.ofTracksters layout raws

                    let file =
                        match events with
                        | Some events -> Prepared.withEvents events plain
                        | None -> plain

                    raws.IsEmpty
                    || reading file (fun path dataset ->
                        let wanted =
                            raws
                            |> List.mapi (fun i raw ->
                                let number =
                                    match events with
                                    | Some events -> Nullable events[i]
                                    | None -> Nullable()

                                RawTrackster.build (GraphOrigin(path, int64 i, number)) raw)

                        dataset.Count = raws.Length
                        && wanted |> List.mapi (fun i graph -> same graph dataset[i]) |> List.forall id
                        && raws
                           |> List.mapi (fun i raw ->
                               dataset.IdsOf(i).ToArray() = [| for node in raw.Nodes -> node.Id |])
                           |> List.forall id))

            test "RNTuples that are not a prepared file are refused as trees are" {
                let raws = [ for i in 1..9 -> chain 3 (float32 i) ]
                let standard = Prepared.ofTracksters { usual with Container = Ntuples } raws

                let refuses (edit: Prepared -> Prepared) (parts: string list) =
                    Expect.throwsC (fun () -> reading (edit standard) (fun _ _ -> ())) (fun error ->
                        Expect.isTrue (Pruning.Data.Errors.DataException.Covers error) $"{error}"

                        for part in parts do
                            Expect.stringContains error.Message part "the message")

                refuses
                    (Prepared.editColumn "label" (fun column -> Some { column with Name = "labels" }))
                    [ "there is no field 'label'. Did you mean 'labels'?"; "RNTuple 'Tracksters'" ]

                refuses
                    (Prepared.editColumn "energy" (fun column ->
                        Some
                            { column with
                                Values = Plain [ 1L .. 9L ]
                            }))
                    [ "wanted a list per entry"; "RNTuple 'Tracksters', branch 'energy'" ]

                refuses
                    (Prepared.editTables (fun table ->
                        if table.Name <> "Edges" then
                            Some table
                        else
                            Some
                                { table with
                                    Columns =
                                        table.Columns
                                        |> List.map (fun column ->
                                            { column with
                                                Values = Prepared.takeEntries 8 column.Values
                                            })
                                }))
                    [ "9 entries in RNTuple 'Tracksters' and 8 in RNTuple 'Edges'" ]

                refuses
                    (Prepared.editTables (fun table -> if table.Name = "Edges" then None else Some table))
                    [ "there is no tree or RNTuple 'Edges'" ]

                refuses
                    (Prepared.editColumn "eta" (fun column -> Some { column with Values = Objects 9 }))
                    [ "wanted numbers, or one list of numbers an entry, but the field is std::string" ]
            }

            test "every pair of shape and codec is read" {
                let raws = [ for i in 1..60 -> chain (1 + i % 7) (float32 i) ]

                for shape in [ Counted; Vector ] do
                    for codec in
                        [
                            Pruning.Tests.Data.RootCodecs.Raw
                            Pruning.Tests.Data.RootCodecs.Zlib
                            Pruning.Tests.Data.RootCodecs.Deflate
                            Pruning.Tests.Data.RootCodecs.Lz4
                            Pruning.Tests.Data.RootCodecs.Zstd
                        ] do
                        let layout =
                            { usual with
                                Shape = shape
                                Codec = codec
                                BasketEntries = 25
                            }

                        reading (Prepared.ofTracksters layout raws) (fun path dataset ->
                            Expect.equal dataset.Count raws.Length "graphs"

                            raws
                            |> List.iteri (fun i raw ->
                                let wanted = RawTrackster.build (GraphOrigin(path, int64 i, Nullable())) raw
                                Expect.isTrue (same wanted dataset[i]) $"{shape}, {codec}: graph {i}"))
            }
        ]
