module Pruning.Tests.Data.Ticl.PreprocessRefusalTests

open System
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Ticl
open Pruning.Tests.Data.Ticl.PreprocessTests

let private refusal name (wanted: string list) change = test name {
    let columns = toyColumns 3 |> with' change

    let error =
        try
            prepare columns toyPreset 1 |> ignore
            None
        with e when DataException.Covers e ->
            Some e.Message

    match error with
    | None -> failtest "it was taken"
    | Some message ->
        for part in "bad.root" :: wanted do
            Expect.stringContains message part "what was wanted, found and where"
}

let private refusals =
    testList
        "refusals"
        [
            refusal "a column of another length" [ "entry 100"; "position_x" ] (fun c ->
                let x = c.Clusters.X
                let shorter = ListValues<float32>(x.Offsets |> Array.map (fun o -> max 0L (o - 1L)), x.Values)
                clustersWith c.Clusters shorter c.Clusters.Layer, c.Simulated)

            refusal "a column that lacks an event" [ "position_x has 2"; "every tree" ] (fun c ->
                let x = c.Clusters.X
                let fewer = ListValues<float32>(x.Offsets[..2], x.Values)
                clustersWith c.Clusters fewer c.Clusters.Layer, c.Simulated)

            refusal "a number that is none" [ "position_x"; "finite" ] (fun c ->
                let x = ListValues<float32>(c.Clusters.X.Offsets, edited 2 nanf c.Clusters.X.Values)
                clustersWith c.Clusters x c.Clusters.Layer, c.Simulated)

            refusal "layer 0" [ "layer 0"; "clusters" ] (fun c ->
                let layer = ListValues<uint32>(c.Clusters.Layer.Offsets, edited 0 0u c.Clusters.Layer.Values)
                clustersWith c.Clusters c.Clusters.X layer, c.Simulated)

            refusal "an enormous layer" [ "layer 2147483647" ] (fun c ->
                let layer =
                    ListValues<uint32>(c.Clusters.Layer.Offsets, edited 0 UInt32.MaxValue c.Clusters.Layer.Values)

                clustersWith c.Clusters c.Clusters.X layer, c.Simulated)

            refusal "a vertex that is no layer cluster" [ "simtrackstersCP"; "4294967295" ] (fun c ->
                let v = c.Simulated.Vertices
                let vertices = NestedValues<uint32>(v.Entries, v.Lists, edited 0 UInt32.MaxValue v.Values)

                c.Clusters,
                TiclSimTracksters(
                    c.Simulated.Tree,
                    vertices,
                    c.Simulated.Multiplicity,
                    c.Simulated.PdgId,
                    c.Simulated.Energy
                ))

            refusal "a multiplicity below 0" [ "multiplicity"; "-1" ] (fun c ->
                let m = c.Simulated.Multiplicity
                let multiplicity = NestedValues<float32>(m.Entries, m.Lists, edited 0 -1f m.Values)

                c.Clusters,
                TiclSimTracksters(
                    c.Simulated.Tree,
                    c.Simulated.Vertices,
                    multiplicity,
                    c.Simulated.PdgId,
                    c.Simulated.Energy
                ))

            test "a trackster with a vertex that is no layer cluster" {
                let columns = toyColumns 3
                let v = columns.Tracksters[0].Vertices
                let bad = NestedValues<uint32>(v.Entries, v.Lists, edited 0 1_000_000u v.Values)

                let one =
                    TiclColumns(
                        File = "bad.root",
                        Clusters = columns.Clusters,
                        Tracksters = [| TiclTracksters("ticlTrackstersCLUE3DHigh", TracksterPass.High, bad) |],
                        Simulated = columns.Simulated
                    )

                Expect.throwsT<DataException> (fun () -> prepare one toyPreset 1 |> ignore) "refused"
            }
        ]

let private schema =
    testList
        "schema"
        [
            test "old and new ntuples, and collections by name" {
                let resolve trees collection =
                    TiclSchema.Resolve(List.toArray trees, Option.toObj collection, TiclTruth.CaloParticle, "x.root")

                let old = resolve [ "clusters"; "tracksters"; "simtrackstersCP" ] None
                Expect.equal (old.Generation, old.High, old.Low) (TiclGeneration.Old, "tracksters", null) "old"

                let trees =
                    [
                        "clusters"
                        "ticlTrackstersCLUE3DHigh"
                        "ticlTrackstersCLUE3DLow"
                        "ticlTracksterLinks"
                        "simtrackstersCP"
                    ]

                let fresh = resolve trees None

                Expect.equal
                    (fresh.Generation, fresh.High, fresh.Low, fresh.IsMerged)
                    (TiclGeneration.New, "ticlTrackstersCLUE3DHigh", "ticlTrackstersCLUE3DLow", false)
                    "new"

                let merged = resolve trees (Some "ticlTracksterLinks")
                Expect.equal (merged.High, merged.Low, merged.IsMerged) ("ticlTracksterLinks", null, true) "merged"
            }

            test "a missing tree is named beside those that are there" {
                for trees, collection, missing in
                    [
                        [ "tracksters"; "simtrackstersSC" ], None, "clusters"
                        [ "clusters"; "simtrackstersSC" ], None, "ticlTrackstersCLUE3DHigh"
                        [ "clusters"; "tracksters" ], None, "simtrackstersSC"
                        [ "clusters"; "tracksters"; "simtrackstersSC" ], Some "ticlCandidate", "ticlCandidate"
                    ] do
                    let error =
                        Expect.throwsC
                            (fun () ->
                                TiclSchema.Resolve(
                                    List.toArray trees,
                                    Option.toObj collection,
                                    TiclTruth.SimCluster,
                                    "x.root"
                                )
                                |> ignore)
                            id

                    Expect.isTrue (DataException.Covers error) "a problem of the data"
                    Expect.stringContains error.Message $"'{missing}'" "wanted"

                    for tree in trees do
                        Expect.stringContains error.Message tree "found"
            }
        ]

[<Tests>]
let tests = testList "preprocess ntuples" [ refusals; schema ]
