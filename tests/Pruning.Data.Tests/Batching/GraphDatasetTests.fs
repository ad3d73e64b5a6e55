module Pruning.Tests.Data.Batching.GraphDatasetTests

open System
open System.Collections.Generic
open System.Threading
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Tests.Generators
open Pruning.Tests.Data.Tracksters.TableOf

let private ofTables options tables = GraphDataset.OfTables(List.toArray tables, options, List<SkippedInput>())

let private standard = TracksterReadOptions()
let private skipping = TracksterReadOptions(SkipBadGraphs = true)

let private bad: RawTrackster = { chain 3 0f with Links = [ 10L, 99L ] }
let private empty: RawTrackster = { Nodes = []; Links = [] }

let private sameGraph (a: ShowerGraph) (b: ShowerGraph) =
    a.Features = b.Features
    && a.Source = b.Source
    && a.Target = b.Target
    && a.Labels = b.Labels
    && a.LinkCount = b.LinkCount

[<Tests>]
let tests =
    testList
        "graph dataset"
        [
            property
                "graph i is what its columns give, whatever file it is in"
                (fun (a: RawTrackster list) (b: RawTrackster list) ->
                    if a.IsEmpty && b.IsEmpty then
                        true
                    else
                        use dataset = ofTables standard [ table "a.root" None a; table "b.root" None b ]

                        dataset.Count = a.Length + b.Length
                        && a @ b
                           |> List.mapi (fun i raw -> sameGraph dataset[i] (graphOf raw))
                           |> List.forall id
                        && a @ b
                           |> List.mapi (fun i raw ->
                               dataset.IdsOf(i).ToArray() = (raw.Nodes |> List.map _.Id |> List.toArray))
                           |> List.forall id)

            test "a graph knows its file, entry and event" {
                let one = table "a.root" (Some [| 7L; 8L |]) [ chain 2 0f; chain 3 0f ]
                let two = table "b.root" None [ chain 4 0f ]
                use dataset = ofTables standard [ one; two ]
                Expect.equal dataset[1].Origin (GraphOrigin("a.root", 1L, Nullable 8L)) "with an event"
                Expect.equal dataset[2].Origin (GraphOrigin("b.root", 0L, Nullable())) "without"
                Expect.equal [ for i in 0..2 -> dataset.EventOf i ] [ Nullable 7L; Nullable 8L; Nullable() ] "events"

                Expect.equal
                    [ for f in dataset.Files -> f.Path, f.EntryCount, f.GraphCount ]
                    [ "a.root", 2L, 2L; "b.root", 1L, 1L ]
                    "files"
            }

            test "the first bad trackster is an error that names tree, branch and entry, whatever the threads do" {
                let raws = [ for i in 0..4999 -> if i >= 3000 && i % 7 = 0 then bad else chain 2 (float32 i) ]

                for workers in [ 1; 4 ] do
                    Expect.throwsC
                        (fun () ->
                            ofTables (TracksterReadOptions(Workers = workers)) [ table "a.root" None raws ]
                            |> ignore)
                        (fun error ->
                            Expect.equal (error.GetType()) typeof<DataException> "class"
                            Expect.stringContains error.Message "id 99" "what"

                            Expect.stringContains
                                error.Message
                                "in a.root, tree 'Edges', branch 'target', entry 3003"
                                "where")
            }

            test "bad graphs are left out and listed on request, and the others keep their entries" {
                use dataset =
                    ofTables
                        skipping
                        [
                            table "a.root" None [ bad; chain 2 0f; empty; chain 3 0f ]
                            table "b.root" None [ empty; chain 4 0f ]
                        ]

                Expect.equal
                    [ for i in 0..2 -> dataset[i].Origin.File, dataset[i].Origin.Entry ]
                    [ "a.root", 1L; "a.root", 3L; "b.root", 1L ]
                    "entries"

                Expect.equal
                    [ for s in dataset.Skipped -> s.File, s.Entry ]
                    [ "a.root", Nullable 0L; "a.root", Nullable 2L; "b.root", Nullable 0L ]
                    "skipped"

                Expect.stringContains dataset.Skipped[0].Reason "id 99" "the reason is the error"
                Expect.equal dataset.Files[0].GraphCount 2L "graphs of the first file"
            }

            test "columns of unequal length are found, though the columns' totals agree" {
                let good = arrays None [ chain 2 0f; chain 3 0f ]
                let energy = Jagged<float32>(good.Energy.Values, [| 0L; 3L; 5L |])

                let wrong =
                    TracksterArrays(
                        Id = good.Id,
                        PosX = good.PosX,
                        PosY = good.PosY,
                        PosZ = good.PosZ,
                        Energy = energy,
                        Time = good.Time,
                        Eta = good.Eta,
                        Phi = good.Phi,
                        IsSeedHigh = good.IsSeedHigh,
                        IsSeedLow = good.IsSeedLow,
                        Label = good.Label,
                        Origin = good.Origin,
                        Target = good.Target
                    )

                Expect.throwsC
                    (fun () ->
                        ofTables standard [ TracksterTable("a.root", wrong, "Tracksters", "Edges") ]
                        |> ignore)
                    (fun error ->
                        Expect.stringContains
                            error.Message
                            "found 3 (in a.root, tree 'Tracksters', branch 'energy', entry 0)"
                            "where")
            }

            test "no graph at all is an error" {
                Expect.throwsT<DataException>
                    (fun () -> ofTables standard [ table "a.root" None [] ] |> ignore)
                    "no entries"

                Expect.throwsC (fun () -> ofTables skipping [ table "a.root" None [ bad ] ] |> ignore) (fun error ->
                    Expect.stringContains error.Message "1 skipped" "says what was skipped")
            }

            test "an index outside is refused, and so is a dataset that was disposed of" {
                let dataset = ofTables standard [ table "a.root" None [ chain 2 0f ] ]
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> dataset[1] |> ignore) "1 of 1"
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> dataset[-1] |> ignore) "-1"
                dataset.Dispose()
                Expect.throwsT<ObjectDisposedException> (fun () -> dataset[0] |> ignore) "disposed"
            }

            test "graphs made in memory are a dataset too" {
                let graphs = graphsOf [ chain 2 0f; chain 3 0f ]
                use dataset = GraphDataset.OfGraphs(List.toArray graphs)
                Expect.equal dataset.Count 2 "count"
                Expect.isTrue (Object.ReferenceEquals(dataset[1], graphs[1])) "the graph itself"
                Expect.equal (dataset.IdsOf(0).Length) 0 "no ids"
            }

            property
                "batches hold the graphs in order, for any number of workers"
                (fun (raws: RawTrackster list) size workers ->
                    let size, workers = 1 + abs size % 7, abs workers % 4
                    use dataset = GraphDataset.OfGraphs(List.toArray (graphsOf raws))
                    let indices = [| for i in raws.Length - 1 .. -1 .. 0 -> i |]

                    let batches =
                        BatchLoader.Batches(
                            dataset,
                            indices,
                            size,
                            GraphPreparation.None,
                            workers,
                            2,
                            CancellationToken.None
                        )
                        |> Seq.toList

                    let entries = batches |> List.collect (fun b -> [ for o in b.Origins -> int o.Entry ])

                    List.toArray entries = indices
                    && batches |> List.forall (fun b -> b.GraphCount <= size)
                    && batches.Length = (raws.Length + size - 1) / size)
        ]
