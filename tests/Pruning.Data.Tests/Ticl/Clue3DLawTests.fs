module Pruning.Tests.Data.Ticl.Clue3DLawTests

open System
open Expecto
open Pruning.Data.Simulation
open Pruning.Data.Ticl
open Pruning.Tests.Data.Ticl.Clue3DTests

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

[<Tests>]
let tests =
    testList
        "CLUE3D laws"
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
