/// The optional branches of calorimeter layers and of hits.
module Pruning.Tests.Data.Tracksters.LayerBranchTests

open System
open System.IO
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Tests.Prepared
open Pruning.Tests.Data.Tracksters.TableOf

/// Two tracksters of three and two layer clusters, with a branch of their own.
let private withBranch (name: string) (values: Values) : Prepared =
    let plain = Prepared.ofTracksters usual [ chain 3 1f; chain 2 1f ]

    let column =
        {
            Column.Name = name
            Shape = Counted
            Values = values
        }

    let add (table: Table) =
        if table.Name = TracksterSchema.TracksterTree then
            { table with
                Columns = table.Columns @ [ column ]
            }
        else
            table

    { plain with
        Tables = List.map add plain.Tables
    }

let private withLayers = withBranch TracksterSchema.Layer[0]

let private reading (file: Prepared) (check: GraphDataset -> unit) =
    let directory = Directory.CreateTempSubdirectory "layers "

    try
        let path = Prepared.save (Path.Combine(directory.FullName, "layers.root")) file
        use dataset = GraphDataset.Open([| path |], TracksterReadOptions())
        check dataset
    finally
        directory.Delete true

[<Tests>]
let tests =
    testList
        "layer branch"
        [
            test "the file's layers are a graph's and a batch's, in any type" {
                for layers in
                    [
                        Ints [ [ 7; 8; 9 ]; [ 30; 47 ] ]
                        Floats [ [ 7f; 8f; 9f ]; [ 30f; 47f ] ]
                        Longs [ [ 7L; 8L; 9L ]; [ 30L; 47L ] ]
                    ] do
                    reading (withLayers layers) (fun dataset ->
                        Expect.equal dataset[0].Layers [| 7uy; 8uy; 9uy |] "first"
                        Expect.equal dataset[1].Layers [| 30uy; 47uy |] "second"
                        let batch = BatchAssembler.Collate [| dataset[1]; dataset[0] |]
                        Expect.equal batch.Layers [| 30uy; 47uy; 7uy; 8uy; 9uy |] "batch")
            }

            test "hits are read under every name that they go by; what cannot be a number of hits is none" {
                for name in TracksterSchema.HitCount do
                    reading (withBranch name (Floats [ [ 4f; 0f; nanf ]; [ -1f; 12f ] ])) (fun dataset ->
                        Expect.equal dataset[0].HitCounts [| 4; 0; 0 |] "first"
                        let batch = BatchAssembler.Collate [| dataset[1]; dataset[0] |]
                        Expect.equal batch.HitCounts [| 0; 12; 4; 0; 0 |] "batch")

                reading (Prepared.ofTracksters usual [ chain 3 1f ]) (fun dataset ->
                    Expect.isNull dataset[0].HitCounts "no branch"
                    Expect.equal (BatchAssembler.Collate [| dataset[0] |]).HitCounts [| 0; 0; 0 |] "unknown")
            }

            test "without the branch, or where it says nothing of use, the position decides" {
                // The chain's first layer clusters are in front of the calorimeter.
                reading (Prepared.ofTracksters usual [ chain 3 1f ]) (fun dataset ->
                    Expect.equal dataset[0].Layers [| 0uy; 0uy; 0uy |] "no branch")

                reading (withLayers (Floats [ [ 7f; 0f; nanf ]; [ -1f; 1e9f ] ])) (fun dataset ->
                    Expect.equal dataset[0].Layers [| 7uy; 0uy; 0uy |] "zero and NaN"
                    Expect.equal dataset[1].Layers [| 0uy; 0uy |] "below and above")
            }

            test "layers that do not fit the layer clusters are refused" {
                let file = withLayers (Ints [ [ 7; 8 ]; [ 30; 47 ] ])

                Expect.throwsC (fun () -> reading file ignore) (fun error ->
                    Expect.isTrue (DataException.Covers error) $"wanted a DataException, found {error}"

                    for part in [ "one value for each layer cluster"; "branch 'layer'"; "layers.root" ] do
                        Expect.stringContains error.Message part "the message")
            }

            test "one number an entry is another branch of the same name: it is not looked at" {
                reading (withLayers (Plain [ 3L; 4L ])) (fun dataset ->
                    Expect.equal dataset[0].Layers [| 0uy; 0uy; 0uy |] "by position")
            }
        ]
