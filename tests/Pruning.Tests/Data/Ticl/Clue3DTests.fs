module Pruning.Tests.Data.Ticl.Clue3DTests

open System
open Expecto
open FsCheck
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

let private toy = Clue3DOptions.ToyLow

/// Layer clusters on a line from the collision through (x, y) at layer `first`.
let chain first count x y energy =
    [
        for layer in first .. first + count - 1 ->
            let scale = DetectorGeometry.Z[layer - 1] / DetectorGeometry.Z[first - 1]
            lc layer (x * scale) (y * scale) (energy layer)
    ]

let private parents (r: Clue3DResult) = [ for i in 0 .. r.Density.Length - 1 -> r.ParentOf i ]

let private cases =
    testList
        "by hand"
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

                    Expect.equal(parents r)[..1] [ -1; 0 ] $"side {side}"
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

/// Random layer clusters around an axis: dense enough to link, energies of all sizes. `spread` in cm.
let private cloud (seed: int) count spread =
    let random = Random seed
    let phi = random.NextDouble() * 6.0

    [
        for _ in 1..count ->
            let layer = 1 + random.Next 47
            let scale = DetectorGeometry.Z[layer - 1] / DetectorGeometry.Z[0]
            let x = 70.0 * cos phi + spread * (random.NextDouble() - 0.5)
            let y = 70.0 * sin phi + spread * (random.NextDouble() - 0.5)

            { lc layer (x * scale) (y * scale) (10.0 ** (3.0 * random.NextDouble() - 2.0)) with
                Side = (if spread > 20.0 && random.Next 2 = 0 then -1 else 1)
            }
    ]

let private law name (check: int -> Lc list -> unit) =
    // Small, crowded and large: the last has layers of more than 64 layer clusters, which are searched by bins.
    testList
        name
        [
            for count, spread in [ 40, 4.0; 300, 12.0; 3000, 30.0 ] ->
                test $"{count} layer clusters" {
                    for seed in 1 .. (if count > 1000 then 2 else 15) do
                        check seed (cloud seed count spread)
                }
        ]

/// The pseudocode as it stands, every pair looked at.
let private byPairs (o: Clue3DOptions) (clusters: Lc list) =
    let c = columns clusters
    let n = c.Count
    let slope i = sqrt (float c.X[i] ** 2.0 + float c.Y[i] ** 2.0) / abs (float c.Z[i])
    let turn a = Math.IEEERemainder(a, 2.0 * Math.PI)

    let distance i j =
        let z = abs (float c.Z[i])

        (slope i * z - slope j * z) ** 2.0
        + (slope j * z) ** 2.0 * turn (float c.Phi[i] - float c.Phi[j]) ** 2.0

    let layers i j = abs (c.Layer[i] - c.Layer[j])
    let same i j = (c.Z[i] > 0f) = (c.Z[j] > 0f) && layers i j <= o.SiblingLayers && layers i j > 0

    let rho =
        Array.init n (fun i ->
            float c.Energy[i]
            + o.Kernel
              * Seq.sum (
                  seq {
                      for j in 0 .. n - 1 do
                          if same i j && distance i j < o.DensityDistanceSquared then
                              float c.Energy[j]
                  }
              ))

    let parent =
        Array.init n (fun i ->
            let higher =
                [
                    for j in 0 .. n - 1 do
                        if
                            same i j
                            && (rho[j] > rho[i] || (rho[j] = rho[i] && j > i))
                            && abs (abs (float c.Eta[i]) - abs (float c.Eta[j])) < o.Window.Value
                            && abs (turn (float c.Phi[i] - float c.Phi[j])) < o.Window.Value
                        then
                            distance i j, j
                ]

            if higher.IsEmpty then -1 else snd (List.min higher))

    rho, parent

let private laws =
    testList
        "laws"
        [
            test "tiles find what looking at every pair finds" {
                for seed, count, spread in [ 1, 40, 4.0; 2, 300, 12.0; 3, 700, 20.0; 4, 5000, 30.0 ] do
                    let clusters =
                        cloud seed count spread
                        |> List.map (fun c -> if count = 5000 then { c with Layer = 10 + c.Layer % 5 } else c)
                    // At most 1000 of the many are looked at, in the middle of layers that are searched by bins.
                    if count = 5000 then
                        let r = run toy clusters
                        let whole = columns clusters

                        let rho, parent =
                            let picked = clusters |> List.filter (fun c -> c.Layer <= 14)
                            byPairs toy (List.take 1200 picked)

                        let few = run toy (List.take 1200 (clusters |> List.filter (fun c -> c.Layer <= 14)))

                        Expect.isGreaterThan
                            (whole.Layer |> Array.countBy id |> Array.map snd |> Array.max)
                            64
                            "large layers"

                        Expect.equal few.NearestHigher parent "nearest higher by bins"

                        Array.iter2
                            (fun (a: float) b -> Expect.floatClose Accuracy.high a b "density by bins")
                            few.Density
                            rho

                        Expect.isGreaterThan r.TracksterCount 0 "something is found"
                    else
                        let rho, parent = byPairs toy clusters
                        let r = run toy clusters
                        Expect.equal r.NearestHigher parent $"nearest higher of {count}"
                        Array.iter2 (fun (a: float) b -> Expect.floatClose Accuracy.high a b "density") r.Density rho
            }

            law "tracksters are trees, each with one seed" (fun _ clusters ->
                for options in [ toy; Clue3DOptions.Cmssw2022; Clue3DOptions.Cmssw2021 ] do
                    let r = run options clusters
                    Expect.isGreaterThan r.TracksterCount 0 "something is found"
                    let seeds = Array.zeroCreate<int> r.TracksterCount
                    let sizes = Array.zeroCreate<int> r.TracksterCount

                    for i in 0 .. r.Trackster.Length - 1 do
                        let t = r.Trackster[i]

                        if t >= 0 then
                            sizes[t] <- sizes[t] + 1
                            let parent = r.ParentOf i

                            if parent < 0 then
                                Expect.isTrue r.IsSeed[i] "who follows nobody is a seed"
                                seeds[t] <- seeds[t] + 1
                            else
                                Expect.equal r.Trackster[parent] t "links stay inside"

                                Expect.isTrue
                                    (r.Density[parent] > r.Density[i]
                                     || (r.Density[parent] = r.Density[i] && parent > i))
                                    "links lead upwards"

                                let layers = abs (clusters[parent].Layer - clusters[i].Layer)

                                Expect.isTrue
                                    (layers <= options.SiblingLayers && (layers > 0 || options.NearestOnSameLayer))
                                    "within the layers"

                                Expect.equal clusters[parent].Side clusters[i].Side "within the endcap"
                    // Links lead upwards, so there are no cycles: one seed makes a tree.
                    Expect.allEqual seeds 1 "one seed each"
                    Expect.all sizes (fun s -> s >= options.MinLayerClusters) "large enough")

            law "another order of the layer clusters changes nothing" (fun seed clusters ->
                let order = Array.init clusters.Length id
                Random(seed).Shuffle order
                let all = Array.ofList clusters

                for options in [ toy; Clue3DOptions.Cmssw2022; Clue3DOptions.Cmssw2021 ] do
                    let r = run options clusters
                    let s = run options (order |> Array.map (fun i -> all[i]))
                    let back = Array.zeroCreate<int> order.Length
                    order |> Array.iteri (fun place i -> back[i] <- place)
                    Expect.equal s.TracksterCount r.TracksterCount "as many"

                    for i in 0 .. back.Length - 1 do
                        Expect.equal s.IsSeed[back[i]] r.IsSeed[i] "seeds"
                        let parent = r.ParentOf i
                        Expect.equal (s.ParentOf back[i]) (if parent < 0 then -1 else back[parent]) "links")

            law "turning the event, and mirroring it in z, changes nothing" (fun seed clusters ->
                let angle = 0.3 + float seed

                let turned =
                    clusters
                    |> List.map (fun c ->
                        { c with
                            X = c.X * cos angle - c.Y * sin angle
                            Y = c.X * sin angle + c.Y * cos angle
                        })

                let r = run toy clusters
                let same = run toy (clusters |> List.map (fun c -> { c with Side = -c.Side }))
                Expect.equal (same.NearestHigher, same.IsSeed) (r.NearestHigher, r.IsSeed) "mirrored"
                let other = run toy turned
                // Single precision moves what lies within a micrometre of a bound: at most one in a thousand here.
                let differing =
                    Seq.zip (parents r) (parents other)
                    |> Seq.filter (fun (a, b) -> a <> b)
                    |> Seq.length

                Expect.isLessThanOrEqual differing (clusters.Length / 1000) "turned")
        ]

[<Tests>]
let tests = testList "CLUE3D" [ cases; laws ]
