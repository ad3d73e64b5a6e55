module Pruning.Tests.Data.Simulation.ToySimulationTests

open System
open Expecto
open Pruning.Data.Graphs
open Pruning.Data.Simulation
open Pruning.Data.Ticl

let private simulate (options: ToyOptions) first count workers =
    ToySimulation.Run(options, first, count, workers) |> Seq.toArray

/// Everything of an event that can be compared.
let private fingerprint (e: SimulatedEvent) =
    let c, g, t = e.Clusters, e.Graphs, e.Truth
    let truth (f: TruthFractions) = f.Offsets, f.Particle, f.Fraction

    (e.Number, e.Side, e.Particles.PdgId, e.Particles.Energy, e.Particles.Time, e.Particles.Deposited),
    (c.X, c.Y, c.Z, c.Energy, c.Time, c.Layer, c.HitCount),
    (truth t.HardScatter, truth (nonNull t.PileUp)),
    [ for collection in e.Tracksters -> collection.Offsets, collection.Clusters ],
    (g.NodeOffsets, g.Id, g.Energy, g.Time, g.Label, g.Fraction, g.IsSeedHigh, g.IsSeedLow, g.Origin, g.Target)

let private determinism =
    testList
        "determinism"
        [
            test "one thread, two, four and none give the same events in the same order, to the bit" {
                let options = ToyOptions(Seed = 11UL)
                let wanted = simulate options 5L 40 0 |> Array.map fingerprint

                for workers in [ 1; 2; 4 ] do
                    Expect.equal (simulate options 5L 40 workers |> Array.map fingerprint) wanted $"{workers} threads"
            }

            test "an event is the same wherever the run begins, and another seed gives another one" {
                let all = simulate ToyOptions.Default 0L 6 1 |> Array.map fingerprint
                Expect.equal (simulate ToyOptions.Default 3L 3 1 |> Array.map fingerprint) all[3..] "events 3, 4 and 5"
                let other = simulate (ToyOptions(Seed = 2UL)) 0L 6 1 |> Array.map fingerprint
                Expect.notEqual other[0] all[0] "seed 2"
                Expect.notEqual all[1] all[0] "event 1"
            }

            test "more pile-up leaves the hard scatter as it is" {
                let deposits pileUp =
                    simulate (ToyOptions(PileUp = pileUp)) 0L 10 1
                    |> Array.map (fun e ->
                        let n = e.Particles.HardScatterCount
                        e.Particles.Energy[.. n - 1], e.Particles.Deposited[.. n - 1], e.Particles.X[.. n - 1])

                Expect.equal (deposits 100.0) (deposits 0.0) "particles and their deposits"
            }

            test "no events, and numbers beyond 32 bits" {
                Expect.isEmpty (simulate ToyOptions.Default 0L 0 2) "none"
                let far = simulate ToyOptions.Default 10_000_000_000L 1 1
                Expect.equal far[0].Number 10_000_000_000L "ten milliards"
            }
        ]

let private options =
    testList
        "options"
        [
            test "values out of range are refused before anything is simulated" {
                let bad: ToyOptions list =
                    [
                        ToyOptions(PileUp = -1.0)
                        ToyOptions(PileUp = nan)
                        ToyOptions(NoiseClusters = infinity)
                        ToyOptions(Primaries = PrimaryOptions(MinEnergy = 50.0, MaxEnergy = 20.0))
                        ToyOptions(Primaries = PrimaryOptions(One = 0.0, Two = 0.0, Three = 0.0))
                        ToyOptions(Primaries = PrimaryOptions(MinEta = 1.0))
                        ToyOptions(Clue = ClueOptions(MinHits = 0))
                        ToyOptions(Selection = GraphSelection(MinNodes = 10, MaxNodes = 5))
                    ]

                for one in bad do
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> ToySimulation.Run(one, 0L, 1, 1) |> ignore)
                        $"{one}"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> ToySimulation.Run(ToyOptions.Default, -1L, 1, 1) |> ignore)
                    "event -1"
            }

            test "presets have names, and others are refused" {
                for name in ToyOptions.Presets do
                    ToyOptions.Preset(name).Check()

                Expect.equal (ToyOptions.Preset "hllhc").PileUp 200.0 "hllhc"
                Expect.equal (string (ToyOptions.Preset "research").Labels) "any" "research"
                Expect.throwsT<ArgumentException> (fun () -> ToyOptions.Preset "cms" |> ignore) "no such preset"
            }

            test "without a second pass there are no Low tracksters" {
                let events = simulate (ToyOptions(Low = null)) 0L 20 1
                Expect.all events (fun e -> e.Tracksters.Count = 1) "one pass"
                Expect.all events (fun e -> Array.forall ((=) 0) e.Graphs.IsSeedLow) "no flag"
            }

            test "global times are local ones less the flight" {
                let local = simulate ToyOptions.Default 0L 5 1
                let other = simulate (ToyOptions(Time = TimeConvention.Global)) 0L 5 1

                for a, b in Array.zip local other do
                    for i in 0 .. a.Clusters.Count - 1 do
                        if a.Clusters.Time[i] > -90f then
                            let c = a.Clusters
                            let r = sqrt (float c.X[i] ** 2.0 + float c.Y[i] ** 2.0 + float c.Z[i] ** 2.0)

                            Expect.isLessThan
                                (abs (float a.Clusters.Time[i] - float b.Clusters.Time[i] - r / 29.9792458))
                                1e-4
                                "flight"
                        else
                            Expect.equal b.Clusters.Time[i] -99f "no time is no time"
            }
        ]

let private single pdg energy =
    let weight species = if species = pdg then 1.0 else 0.0

    ToyOptions(
        PileUp = 0.0,
        NoiseClusters = 0.0,
        Primaries =
            PrimaryOptions(
                One = 1.0,
                Two = 0.0,
                Three = 0.0,
                Photons = weight 22,
                Electrons = weight 11,
                ChargedPions = weight 211,
                NeutralHadrons = weight 130,
                MinEnergy = energy,
                MaxEnergy = energy
            )
    )

let private laws =
    testList
        "laws of an event"
        [
            test "fractions of hard scatter and pile-up add to 1, and to 0 in clusters of noise" {
                for e in simulate (ToyOptions(PileUp = 50.0, NoiseClusters = 5.0)) 0L 20 1 do
                    let truths = [ e.Truth.HardScatter; nonNull e.Truth.PileUp ]

                    for i in 0 .. e.Clusters.Count - 1 do
                        let sum = truths |> List.sumBy (fun t -> t.FractionsOf(i).ToArray() |> Array.sumBy float)

                        Expect.isTrue (abs (sum - 1.0) < 1e-5 || sum = 0.0) $"sum {sum}"
            }

            test "energy is conserved: particles, cells and layer clusters" {
                // A photon's shower is deposited whole but for its tail: within sampling, 22 %/√E, of 50 GeV.
                let events = simulate (single 22 50.0) 0L 200 1
                let deposits = events |> Array.map (fun e -> float e.Particles.Deposited[0])
                Expect.isLessThan (abs (Array.average deposits - 50.0)) (5.0 * 0.23 * sqrt 50.0 / sqrt 200.0) "mean"
                // No layer cluster has energy of no cell: with noise of both signs they may have a little more.
                for e in events do
                    let total = e.Clusters.Energy |> Array.sumBy float
                    Expect.isLessThan total (1.1 * float e.Particles.Deposited[0] + 0.5) "not more than was left"
                    Expect.isGreaterThan total (0.7 * float e.Particles.Deposited[0]) "most of it"
            }

            test "layer clusters lie on their planes, within the sensors, on one side" {
                for e in simulate (ToyOptions(PileUp = 50.0)) 0L 20 1 do
                    let c = e.Clusters

                    for i in 0 .. c.Count - 1 do
                        Expect.equal c.Z[i] (float32 e.Side * float32 DetectorGeometry.Z[c.Layer[i] - 1]) "plane"
                        let r = sqrt (float c.X[i] ** 2.0 + float c.Y[i] ** 2.0)
                        Expect.isTrue (r > 15.0 && r < 275.0) $"radius {r}"
                        Expect.isTrue (c.Energy[i] > 0f && c.HitCount[i] >= 2) "energy and hits"
                        let eta = Math.Asinh(float c.Z[i] / r)
                        Expect.isLessThan (abs (eta - float c.Eta[i])) 1e-5 "eta"

                    c.Check "here"
            }

            test "graphs are trees of one seed with the flag of their pass, and become graphs" {
                let events = simulate ToyOptions.Default 0L 60 1
                let graphs = PreparedGraphs.Concat(events |> Seq.map _.Graphs)
                Expect.isGreaterThan graphs.GraphCount 80 "some"
                let table = graphs.ToTable "toy simulation"
                Expect.equal table.EntryCount (int64 graphs.GraphCount) "entries"

                for g in 0 .. graphs.GraphCount - 1 do
                    let graph: ShowerGraph = table.Build(int64 g)
                    Expect.equal graph.LinkCount (Nullable(graph.NodeCount - 1)) "a tree"
                    let first, last = int graphs.NodeOffsets[g], int graphs.NodeOffsets[g + 1] - 1
                    let high = Array.sum graphs.IsSeedHigh[first..last]
                    let low = Array.sum graphs.IsSeedLow[first..last]
                    Expect.equal (high, low) (if graphs.Pass[g] = 0 then 1, 0 else 0, 1) "one seed"
                    Expect.isTrue (graph.NodeCount >= 3 && graph.NodeCount <= 150) "selected by size"
                    Expect.isGreaterThanOrEqual (Array.sumBy float graphs.Energy[first..last]) 3.9999 "and by energy"
                    Expect.isTrue (graphs.SimEnergy[g] > 0f && graphs.GeneratedEnergy[g] >= 20f) "of the hard scatter"

                    for i in first..last do
                        Expect.equal (graphs.Label[i] = 1) (graphs.Fraction[i] < 0.5f) "labels by majority"
            }

            test "events at the ends of the ranges: hardly any energy, and the crowded middle of the endcap" {
                let soft = PrimaryOptions(MinEnergy = 0.5, MaxEnergy = 0.5)
                let events = simulate (ToyOptions(PileUp = 0.0, NoiseClusters = 0.0, Primaries = soft)) 0L 200 0
                Expect.exists events (fun e -> e.Clusters.Count = 0) "some leave no layer cluster"
                Expect.all events (fun e -> e.Graphs.GraphCount = 0) "and none a graph of 4 GeV"

                let wide = PrimaryOptions(MinEta = 3.0, MaxEta = 3.0, MaxDistance = 50.0)
                let crowded = simulate (ToyOptions(PileUp = 50.0, Primaries = wide)) 0L 2 0
                Expect.all crowded (fun e -> e.Particles.Count > 100) "particles all around the beam"

                for e in crowded do
                    for i in e.Particles.HardScatterCount .. e.Particles.Count - 1 do
                        let r = sqrt (float e.Particles.X[i] ** 2.0 + float e.Particles.Y[i] ** 2.0)
                        Expect.isGreaterThan r 14.999 "none in the beam pipe"
            }

            test "the passes share no layer cluster" {
                for e in simulate ToyOptions.Default 0L 20 1 do
                    let all = e.Tracksters |> Seq.collect _.Clusters |> Seq.toArray
                    Expect.equal (Array.distinct all).Length all.Length "each in one trackster"
            }
        ]

/// Mean over events, within five of its standard errors and a part of what it should be.
let private near (values: float[]) wanted relative what =
    let mean = Array.average values
    let spread = sqrt (values |> Array.averageBy (fun v -> (v - mean) ** 2.0))
    let error = 5.0 * spread / sqrt (float values.Length)

    Expect.isLessThan
        (abs (mean - wanted))
        (error + relative * wanted)
        $"{what}: {mean} ± {error / 5.0}, wanted {wanted}"

let private energies (e: SimulatedEvent) =
    let profile = Array.zeroCreate<float> DetectorGeometry.LayerCount

    for i in 0 .. e.Clusters.Count - 1 do
        profile[e.Clusters.Layer[i] - 1] <- profile[e.Clusters.Layer[i] - 1] + float e.Clusters.Energy[i]

    profile

// What the reference in NumPy gives for the same particles, 800 to 1500 each: energy in layer clusters over that of the
// particle, layer clusters, and the layer with most energy, from 1.
let private showers =
    testList
        "showers like the reference's"
        [
            for pdg, energy, fraction, clusters, maximum in
                [
                    22, 10.0, 0.8551, 20.86, 7.38
                    22, 50.0, 0.9183, 49.42, 8.78
                    22, 150.0, 0.9465, 96.31, 9.73
                    11, 50.0, 0.9187, 49.45, 7.63
                    211, 50.0, 0.5083, 54.71, 26.03
                ] do
                test $"PDG {pdg} of {energy} GeV" {
                    let events = simulate (single pdg energy) 0L 400 2
                    let profiles = events |> Array.map energies
                    near (profiles |> Array.map (fun p -> Array.sum p / energy)) fraction 0.01 "energy"
                    near (events |> Array.map (fun e -> float e.Clusters.Count)) clusters 0.02 "layer clusters"

                    near
                        (profiles |> Array.map (fun p -> 1.0 + float (Array.IndexOf(p, Array.max p))))
                        maximum
                        0.02
                        "layer of the maximum"
                }

            test "pions leave 64 % of their energy, with a spread of a fifth of that" {
                let visible =
                    simulate (single 211 50.0) 0L 600 2
                    |> Array.map (fun e -> float e.Particles.Deposited[0] / 50.0)

                near visible 0.638 0.01 "visible"
                let mean = Array.average visible
                let spread = sqrt (visible |> Array.averageBy (fun v -> (v - mean) ** 2.0)) / mean
                // A standard deviation of 600 numbers is known to 3 %; the distribution has tails.
                Expect.isTrue (spread > 0.16 && spread < 0.24) $"spread {spread}"
            }

            test "photons are measured to 25 %/√E" {
                let response = simulate (single 22 50.0) 0L 600 2 |> Array.map (energies >> Array.sum)
                let mean = Array.average response

                let spread =
                    sqrt (response |> Array.averageBy (fun v -> (v - mean) ** 2.0)) / mean
                    * sqrt 50.0

                Expect.isTrue (spread > 0.21 && spread < 0.29) $"spread {spread}"
            }
        ]

// Event by event, for errors that know that the graphs of an event belong together: the mean of a ratio of sums over
// events, and its standard error by the delta method.
let private ratio (top: float[]) (bottom: float[]) =
    let r = Array.sum top / Array.sum bottom
    let residual = Array.map2 (fun t b -> (t - r * b) ** 2.0) top bottom |> Array.sum
    r, sqrt residual / Array.sum bottom

let private statistics =
    testList
        "statistics like the reference's"
        [
            test "the default preset" {
                let events = simulate ToyOptions.Default 0L 1500 2 |> Array.map _.Graphs
                let over (f: PreparedGraphs -> float) = events |> Array.map f
                let graphs = over (fun g -> float g.GraphCount)
                let nodes = over (fun g -> float g.NodeCount)

                // Reference: 3000 graphs of 1166 events. Its own errors, of the same kind, are those of ours scaled.
                let near top bottom wanted what =
                    let value, error = ratio top bottom
                    let both = error * sqrt (1.0 + 1500.0 / 1166.0)
                    Expect.isLessThan (abs (value - wanted)) (4.0 * both) $"{what}: {value} ± {error}, wanted {wanted}"

                near graphs (Array.create 1500 1.0) (3000.0 / 1166.0) "graphs an event"
                near nodes graphs 32.18 "nodes a graph"
                near (over (fun g -> float (Array.sum g.Label))) nodes 0.1133 "share of nodes to prune"
                near (over (fun g -> Array.sumBy (log10 >> float) g.Energy)) nodes -0.4942 "logarithm of the energy"
                near (over (fun g -> Array.sumBy float g.HitCount)) nodes 10.10 "hits"
                near (over (fun g -> Array.sumBy float g.Layer)) nodes 19.84 "layer"

                near
                    (over (fun g -> float (Array.filter (fun t -> t > -90f) g.Time).Length))
                    nodes
                    0.297
                    "share of nodes with a time"

                let without (g: PreparedGraphs) =
                    Seq.init g.GraphCount (fun i -> g.Label[int g.NodeOffsets[i] .. int g.NodeOffsets[i + 1] - 1])
                    |> Seq.filter (Array.forall ((=) 0))
                    |> Seq.length
                    |> float

                near (over without) graphs 0.390 "share of graphs without pruning"
                near (over (fun g -> float (Array.sum g.Pass))) graphs 0.248 "share of the second pass"

                near
                    (over (fun g -> float (Array.filter (fun c -> c > 1) g.Contributors).Length))
                    graphs
                    0.436
                    "share with several particles"
            }

            test "labels by any are rarer, labels at 200 interactions are more" {
                let share (options: ToyOptions) count =
                    let graphs = simulate options 0L count 2 |> Seq.map _.Graphs |> PreparedGraphs.Concat
                    Array.averageBy float graphs.Label

                let any = share ToyOptions.Research 400
                // 4.5 % on the reference's graphs; the particle is chosen by count here, by energy there.
                Expect.isTrue (any > 0.025 && any < 0.065) $"any: {any}"
                let crowded = share ToyOptions.HighLuminosity 40
                Expect.isTrue (crowded > 0.25 && crowded < 0.50) $"200 interactions: {crowded}"
            }
        ]

[<Tests>]
let tests = testList "toy simulation" [ determinism; options; laws; showers; statistics ]
