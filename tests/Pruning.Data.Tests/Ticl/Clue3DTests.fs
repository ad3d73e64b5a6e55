module Pruning.Tests.Data.Ticl.Clue3DTests

open System
open Expecto
open Pruning.Data.Ticl
open Pruning.Data.Simulation

/// One layer cluster: layer from 1, x and y in cm, energy in GeV.
type Lc =
    {
        Layer: int
        X: float
        Y: float
        Energy: float
        Side: int
        Hits: int
    }

let lc layer x y energy =
    {
        Layer = layer
        X = x
        Y = y
        Energy = energy
        Side = 1
        Hits = 3
    }

let columns (clusters: Lc seq) : LayerClusterColumns =
    let all = Array.ofSeq clusters
    let of' f = all |> Array.map (f >> float32)

    let z c = float c.Side * DetectorGeometry.Z[c.Layer - 1]

    LayerClusterColumns(
        X = of' _.X,
        Y = of' _.Y,
        Z = of' z,
        Energy = of' _.Energy,
        Time = Array.create all.Length -99f,
        TimeError = Array.create all.Length -1f,
        Eta = of' (fun c -> Math.Asinh(z c / sqrt (c.X * c.X + c.Y * c.Y))),
        Phi = of' (fun c -> Math.Atan2(c.Y, c.X)),
        Layer = (all |> Array.map _.Layer),
        HitCount = (all |> Array.map _.Hits)
    )

let run (options: Clue3DOptions) (clusters: Lc seq) : Clue3DResult =
    Clue3D().Run(columns clusters, ReadOnlySpan<bool>.Empty, options, ReadOnlySpan<float32>.Empty)

let toy = Clue3DOptions.ToyLow

/// Layer clusters on a line from the collision through (x, y) at layer `first`.
let chain first count x y energy =
    [
        for layer in first .. first + count - 1 ->
            let scale = DetectorGeometry.Z[layer - 1] / DetectorGeometry.Z[first - 1]
            lc layer (x * scale) (y * scale) (energy layer)
    ]

let parents (r: Clue3DResult) = [ for i in 0 .. r.Density.Length - 1 -> r.ParentOf i ]

[<Tests>]
let tests =
    testList
        "CLUE3D by hand"
        [
            test "nothing gives nothing" {
                let r = run toy []
                Expect.equal (r.TracksterCount, r.Trackster.Length) (0, 0) "no layer clusters"
            }

            test "one layer cluster is a seed of a trackster that is too small" {
                let r = run toy [ lc 5 50.0 0.0 10.0 ]
                Expect.isTrue r.IsSeed[0] "dense, and far from all"
                Expect.equal (r.TracksterCount, r.Trackster[0]) (0, -1) "two are wanted"
                let alone = run (Clue3DOptions(MinLayerClusters = 1, Window = 0.1)) [ lc 5 50.0 0.0 10.0 ]
                Expect.equal (alone.TracksterCount, alone.Trackster[0]) (1, 0) "one is wanted"
            }

            test "a straight chain has one seed and one link less than layer clusters" {
                for options in [ toy; Clue3DOptions.Cmssw2022; Clue3DOptions.Cmssw2021 ] do
                    let r = run options (chain 3 9 60.0 20.0 (fun layer -> 5.0 - abs (float layer - 7.2)))

                    Expect.equal r.TracksterCount 1 "one trackster"
                    Expect.equal (r.IsSeed |> Array.filter id |> Array.length) 1 "one seed"
                    Expect.equal (parents r |> List.filter (fun p -> p >= 0) |> List.length) 8 "eight links"
                    Expect.allEqual r.Trackster 0 "all in it"
            }

            test
                "the density is the own energy and a fifth of the neighbours' within 1.8 cm and 3 layers, others of the layer left out" {
                let on layer offset energy =
                    let scale = DetectorGeometry.Z[layer - 1] / DetectorGeometry.Z[9]
                    lc layer ((60.0 + offset) * scale) 0.0 energy

                let r =
                    run
                        toy
                        [
                            on 10 0.0 3.0
                            on 9 1.7 1.0
                            on 8 1.9 1.0
                            on 7 0.0 1.0
                            on 6 0.0 1.0
                            on 10 0.5 1.0
                            on 13 -1.0 1.0
                        ]

                Expect.floatClose Accuracy.medium r.Density[0] (3.0 + 0.2 * 3.0) "layers 9, 7 and 13"
            }

            test "two chains 3 cm apart have two seeds" {
                let peak layer = 5.0 - abs (float layer - 7.0)
                let r = run toy (chain 3 9 60.0 0.0 peak @ chain 3 9 60.0 3.0 peak)
                Expect.equal r.TracksterCount 2 "two tracksters"
                Expect.equal (r.IsSeed |> Array.filter id |> Array.length) 2 "two seeds"
                Expect.equal (Array.distinct r.Trackster[..8]).Length 1 "the first chain together"
                Expect.notEqual r.Trackster[0] r.Trackster[9] "apart from the second"
            }

            test "a lone soft layer cluster is an outlier" {
                let r = run toy (chain 3 5 60.0 0.0 (fun _ -> 2.0) @ [ lc 5 60.0 30.0 0.1 ])
                Expect.equal (r.Trackster[5], r.IsSeed[5], r.ParentOf 5) (-1, false, -1) "belongs nowhere"
                Expect.equal r.TracksterCount 1 "the chain does"
            }

            test "of equal densities the higher index is higher" {
                let r = run toy [ lc 5 60.0 0.0 1.0; lc 6 (60.0 * 329.263 / 328.269) 0.0 1.0 ]
                Expect.equal r.Density[0] r.Density[1] "equal"
                Expect.equal (parents r) [ 1; -1 ] "0 follows 1"
            }

            test "phi is a circle" {
                let near = 1e-3
                let r = run toy [ lc 5 -60.0 near 2.0; lc 6 -60.1 -near 3.0; lc 7 -60.3 near 1.0 ]
                Expect.equal r.TracksterCount 1 "one trackster over the seam at ±π"
                Expect.equal (parents r) [ 1; -1; 1 ] "links across"
            }

            test "the endcaps do not see each other, and negative z is numbered first" {
                let one = chain 3 4 60.0 0.0 (fun _ -> 2.0)
                let r = run toy (one @ (one |> List.map (fun c -> { c with Side = -1 })))
                Expect.equal (List.ofArray r.Trackster) [ 1; 1; 1; 1; 0; 0; 0; 0 ] "two tracksters"
            }

            test "the first layer can be a parent in both endcaps" {
                // CMSSW's lower bound at positive z leaves it out.
                for side in [ 1; -1 ] do
                    let r =
                        run
                            toy
                            (chain 1 3 60.0 0.0 (fun layer -> 5.0 / float layer)
                             |> List.map (fun c -> { c with Side = side }))

                    Expect.equal (List.take 2 (parents r)) [ -1; 0 ] $"side {side}"
            }

            test "a follower of an outlier stays unassigned" {
                // Too soft together to be a seed: the harder one is an outlier, the other follows it.
                let r = run toy [ lc 5 60.0 0.0 0.3; lc 6 60.2 0.0 0.1 ]
                Expect.isTrue (r.IsFollower[1] && not r.IsFollower[0]) "1 follows 0"
                Expect.equal (List.ofArray r.Trackster) [ -1; -1 ] "nothing to belong to"
            }

            test "who is dense by its neighbours alone is no seed" {
                // 0.1 of 0.1 + 0.2 * 4 * 1 = 0.9 is 0.11 < 0.15; the neighbours lie within 1.8 cm and beyond the critical 1 cm.
                let around angle = lc 6 (60.18 + 1.7 * cos angle) (1.7 * sin angle) 1.0
                let ring = [ for k in 0..3 -> around (Math.PI * (0.25 + float k / 2.0)) ]
                let options = Clue3DOptions(CriticalDistance = 1.0, Window = 0.1)
                let r = run options (lc 5 60.0 0.0 0.1 :: ring)
                Expect.isGreaterThan r.Density[0] 0.6 "dense"
                Expect.isFalse r.IsSeed[0] "yet no seed"

                let without =
                    run
                        (Clue3DOptions(CriticalDistance = 1.0, Window = 0.1, CriticalSelfDensity = 0.0))
                        (lc 5 60.0 0.0 0.1 :: ring)

                Expect.isTrue without.IsSeed[0] "without that cut it is one"
            }

            test "masked and one-hit layer clusters take no part" {
                let clusters = chain 3 5 60.0 0.0 (fun _ -> 2.0)
                let mask = [| true; true; false; true; true |]
                let r = Clue3D().Run(columns clusters, ReadOnlySpan<bool> mask, toy, ReadOnlySpan<float32>.Empty)
                Expect.equal (r.Trackster[2], r.Density[2]) (-1, 0.0) "masked"
                let small = clusters |> List.mapi (fun i c -> if i = 2 then { c with Hits = 1 } else c)

                Expect.equal
                    (List.ofArray (run toy small).Trackster)
                    (List.ofArray r.Trackster)
                    "the same as too few hits"
            }

            test "a critical distance of one's own replaces that of the options" {
                let clusters = [ lc 36 200.0 0.0 3.0; lc 37 203.0 2.5 2.0; lc 38 207.0 0.0 1.0 ]

                let with' (distances: float32[]) =
                    Clue3D().Run(columns clusters, ReadOnlySpan<bool>.Empty, toy, ReadOnlySpan<float32>(distances))

                Expect.isTrue (run toy clusters).IsSeed[1] "2.5 cm are beyond 1.8 cm"
                Expect.isFalse (with' [| 0f; 4f; 0f |]).IsSeed[1] "and within 4 cm"
            }

            test "spans of another length and options out of range are refused" {
                let clusters = columns [ lc 5 60.0 0.0 1.0 ]

                Expect.throwsT<ArgumentException>
                    (fun () ->
                        Clue3D().Run(clusters, ReadOnlySpan<bool> [| true; true |], toy, ReadOnlySpan<float32>.Empty)
                        |> ignore)
                    "mask"

                let beyond = columns [ lc 5 60.0 0.0 1.0 ]
                beyond.Layer[0] <- 53

                Expect.throwsT<ArgumentException>
                    (fun () ->
                        Clue3D().Run(beyond, ReadOnlySpan<bool>.Empty, toy, ReadOnlySpan<float32>.Empty)
                        |> ignore)
                    "layer 53"

                for bad in
                    [
                        Clue3DOptions(CriticalDistance = nan)
                        Clue3DOptions(SiblingLayers = -1)
                        Clue3DOptions(Window = 0.0)
                        Clue3DOptions(MinLayerClusters = 0)
                    ] do
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () ->
                            Clue3D().Run(clusters, ReadOnlySpan<bool>.Empty, bad, ReadOnlySpan<float32>.Empty)
                            |> ignore)
                        $"{bad}"
            }
        ]
