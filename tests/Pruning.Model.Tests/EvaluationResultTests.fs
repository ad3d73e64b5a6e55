module Pruning.Tests.Model.EvaluationResultTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Model.Baselines
open Pruning.Tests.Generators

/// A graph of nodes (energy, eta, phi, label), all at one place, without links.
let private graphOf (nodes: (float32 * float32 * float32 * bool) list) : ShowerGraph =
    let features =
        [|
            for energy, eta, phi, _ in nodes do
                yield! [| 0f; 0f; 0f; energy; 0f; eta; phi; 0f; 0f |]
        |]

    let labels = [| for _, _, _, prune in nodes -> if prune then 1uy else 0uy |]
    GraphBuilder.OfRows(inMemory 0L, features, ReadOnlySpan<int>.Empty, ReadOnlySpan<int>.Empty, labels)

/// Random graphs with margins, a few graphs a group.
type Evaluated =
    {
        Raws: RawTrackster list
        Margins: float32 list list
        Fractions: float32 list list
    }

type Arbitraries =

    static member Evaluated() : Arbitrary<Evaluated> =
        gen {
            let! count = Gen.choose (0, 8)
            let! raws = Gen.listOfLength count (Gen.resize 12 rawTrackster)

            let! margins =
                raws
                |> List.map (fun raw ->
                    Gen.frequency
                        [
                            3, Gen.choose (-16, 16) |> Gen.map (fun n -> float32 n / 4f)
                            2, Gen.choose (-1000000, 1000000) |> Gen.map (fun n -> float32 n / 131072f)
                        ]
                    |> Gen.listOfLength raw.Nodes.Length)
                |> Gen.sequenceToList

            let! fractions =
                raws
                |> List.map (fun raw ->
                    Gen.choose (0, 4)
                    |> Gen.map (fun n -> float32 n / 4f)
                    |> Gen.listOfLength raw.Nodes.Length)
                |> Gen.sequenceToList

            return
                {
                    Raws = raws
                    Margins = margins
                    Fractions = fractions
                }
        }
        |> Arb.fromGen

let private config =
    { FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
        maxTest = 60
    }

let private property name check = testPropertyWithConfig config name check

/// Two graphs a group.
let private sampleOf (evaluated: Evaluated) : EvaluationSample =
    List.zip evaluated.Raws evaluated.Fractions
    |> List.mapi (fun i (raw, fractions) ->
        { EvaluatedGraph.ofGraph (int64 (i / 2)) (RawTrackster.build (inMemory (int64 i)) raw) with
            Fraction = List.toArray fractions
            HasFraction = true
        })
    |> EvaluationSample.create

let private marginsOf (evaluated: Evaluated) = [| for margins in evaluated.Margins -> List.toArray margins |]

let private evaluate (evaluated: Evaluated) =
    ScoredSample.create 0f (sampleOf evaluated) (marginsOf evaluated)
    |> EvaluationResult.ofScored

let private valueOf name (report: (string * float) list) = report |> List.find (fst >> (=) name) |> snd

let private close (actual: float) (wanted: float) (what: string) =
    if Double.IsNaN wanted then
        Expect.isTrue (Double.IsNaN actual) $"{what}: wanted nan, found {actual}"
    else
        Expect.floatClose Accuracy.high actual wanted what

let private laws =
    testList
        "laws"
        [
            property
                "the evaluation of a whole is the sum of those of its parts, to the bit"
                (fun (evaluated: Evaluated) (cut: PositiveInt) ->
                    let at = cut.Get % (evaluated.Raws.Length + 1)

                    let first =
                        {
                            Raws = List.take at evaluated.Raws
                            Margins = List.take at evaluated.Margins
                            Fractions = List.take at evaluated.Fractions
                        }

                    let second =
                        {
                            Raws = List.skip at evaluated.Raws
                            Margins = List.skip at evaluated.Margins
                            Fractions = List.skip at evaluated.Fractions
                        }

                    Expect.equal (evaluate first + evaluate second) (evaluate evaluated) "sum")

            property "nothing added changes nothing, and two add in any order" (fun (a: Evaluated) (b: Evaluated) ->
                let a, b = evaluate a, evaluate b
                Expect.equal (a + EvaluationResult.zero) a "zero after"
                Expect.equal (EvaluationResult.zero + a) a "zero before"
                Expect.equal (a + b) (b + a) "order")

            property "a weight of two counts every graph twice" (fun (evaluated: Evaluated) ->
                let scored = ScoredSample.create 0f (sampleOf evaluated) (marginsOf evaluated)
                let once = EvaluationResult.ofScored scored

                Expect.equal
                    (EvaluationResult.ofMargins 0f (sampleOf evaluated) (marginsOf evaluated))
                    once
                    "in chunks"

                Expect.equal (EvaluationResult.weighted (fun _ -> 2L) scored) (once + once) "twice"
                Expect.equal (EvaluationResult.weighted (fun _ -> 0L) scored) EvaluationResult.zero "never")

            property "areas and counts are those that training reports" (fun (evaluated: Evaluated) ->
                let sample = sampleOf evaluated

                let state =
                    Array.zip sample.Graphs (marginsOf evaluated)
                    |> Seq.map (fun (graph, margins) ->
                        MetricState.ofNodes
                            (graph.Graph.Labels |> Array.map int64)
                            margins
                            (Array.init graph.Graph.NodeCount graph.Graph.Energy))
                    |> MetricState.sum

                let report = EvaluationResult.report (evaluate evaluated)

                for name in [ "precision"; "recall"; "f1"; "roc_auc"; "average_precision" ] do
                    close (valueOf name report) (valueOf name (MetricState.report state)) name)

            property "with equal energies the energy-weighted metrics are the plain ones" (fun (evaluated: Evaluated) ->
                let equal =
                    { evaluated with
                        Raws =
                            evaluated.Raws
                            |> List.map (fun raw ->
                                { raw with
                                    Nodes = raw.Nodes |> List.map (fun node -> { node with Energy = 2f })
                                })
                    }

                let report = EvaluationResult.report (evaluate equal)

                for name in
                    [
                        "precision"
                        "recall"
                        "f1"
                        "balanced_accuracy"
                        "mcc"
                        "roc_auc"
                        "average_precision"
                        "brier"
                        "calibration_error"
                    ] do
                    close (valueOf ("energy_" + name) report) (valueOf name report) name)

            property "bins hold every graph once" (fun (evaluated: Evaluated) ->
                let sample = sampleOf evaluated
                let scored = ScoredSample.create 0f sample (marginsOf evaluated)
                let whole = EvaluationResult.ofScored scored

                for dimension in [ Dimension.Size; Dimension.Energy ] do
                    let parts = (Binned.create sample dimension scored).Bins

                    let sum =
                        parts
                        |> List.fold (fun sum (_, part) -> sum + EvaluationResult.ofScored part) EvaluationResult.zero

                    Expect.equal sum whole (Dimension.name dimension)

                let parts = (Binned.create sample Dimension.Distance scored).Bins

                let sum =
                    parts
                    |> List.fold (fun sum (_, part) -> sum + EvaluationResult.ofScored part) EvaluationResult.zero

                Expect.equal sum.Nodes whole.Nodes "distance")

            property "reversing every decision reverses the correlation" (fun (evaluated: Evaluated) ->
                // No margin of zero, which is kept on both sides.
                let shifted = evaluated.Margins |> List.map (List.map (fun margin -> margin + 0.001953125f))
                let opposite = shifted |> List.map (List.map (~-))

                let mcc margins =
                    valueOf "mcc" (EvaluationResult.report (evaluate { evaluated with Margins = margins }))

                close (mcc opposite) (-(mcc shifted)) "mcc")

            testProperty
                "a threshold below a bin prunes that bin and all above it"
                (fun (margin: float32) (other: float32) ->
                    if not (Single.IsNaN margin || Single.IsNaN other || Single.IsInfinity margin) then
                        let bin = ScoreHistogram.binOf other
                        let cut = MathF.BitDecrement(ScoreHistogram.lowestOf bin)

                        Expect.equal
                            (margin > cut)
                            (ScoreHistogram.binOf margin >= bin)
                            $"{margin} and the bin of {other}")
        ]

let private tracksters =
    testList
        "tracksters"
        [
            test "a hand-computed trackster" {
                // Energies 8, 1, 1 with shares 1, 0.5, 0 of the shower; the last two are labelled prune, the middle is pruned.
                let graph = graphOf [ 8f, 2f, 0f, false; 1f, 2f, 0.1f, true; 1f, 2f, -0.1f, true ]

                let evaluated =
                    { EvaluatedGraph.ofGraph 0L graph with
                        Fraction = [| 1f; 0.5f; 0f |]
                        HasFraction = true
                    }

                let sample = EvaluationSample.create [ evaluated ]

                let report =
                    ScoredSample.create 0f sample [| [| -1f; 2f; -3f |] |]
                    |> EvaluationResult.ofScored
                    |> EvaluationResult.report

                let expect name wanted = Expect.floatClose Accuracy.medium (valueOf name report) wanted name
                expect "purity_before" 0.85
                expect "purity_after" (8.0 / 9.0)
                expect "purity_oracle" 1.0
                expect "efficiency" (8.0 / 8.5)
                // 1.5 GeV foreign, 1 of it kept.
                expect "contamination_rejected" (1.0 / 3.0)
                expect "total_contamination_rejected" (1.0 / 3.0)
                expect "response_raw" (10.0 / 8.5)
                expect "response_pruned" (9.0 / 8.5)
                expect "response_oracle" (8.0 / 8.5)
                expect "exact_graphs" 0.0
                expect "precision" 1.0
                expect "recall" 0.5
                expect "mcc" 0.5
                expect "balanced_accuracy" 0.75
                expect "energy_recall" 0.5
                // Barycentres in phi: (0.5 * 0.1) / 8.5 of the shower, (-0.1) / 9 of what is kept; transverse is 1/cosh 2.
                let phi = 0.05 / 8.5 + 0.1 / 9.0
                Expect.isLessThan (abs (valueOf "angle_pruned" report - 1000.0 * phi / cosh 2.0)) 0.02 "angle_pruned"
            }

            test "calibration of a hand-computed set" {
                // Two nodes at probability 1/2 (one to prune), two at 3/4 (both to prune).
                let three = float32 (log 3.0)
                let graph = graphOf [ 1f, 2f, 0f, true; 1f, 2f, 0f, false; 1f, 2f, 0f, true; 3f, 2f, 0f, true ]
                let sample = EvaluationSample.create [ EvaluatedGraph.ofGraph 0L graph ]

                let report =
                    ScoredSample.create 0f sample [| [| 0f; 0f; three; three |] |]
                    |> EvaluationResult.ofScored
                    |> EvaluationResult.report

                let expect name wanted = Expect.floatClose Accuracy.medium (valueOf name report) wanted name
                expect "brier" ((0.25 + 0.25 + 0.0625 + 0.0625) / 4.0)
                expect "calibration_error" 0.125
                expect "energy_brier" ((0.25 + 0.25 + 0.0625 + 3.0 * 0.0625) / 6.0)
                expect "energy_calibration_error" (4.0 / 6.0 * 0.25)
            }

            test "the oracle leaves what labels leave, and keeping all rejects nothing" {
                let graph = graphOf [ 5f, 2f, 0f, false; 2f, 2.1f, 0f, true ]
                let sample = EvaluationSample.create [ EvaluatedGraph.ofGraph 0L graph ]

                let report baseline =
                    ScoredSample.create 0f sample [| baseline graph |]
                    |> EvaluationResult.ofScored
                    |> EvaluationResult.report
                    |> Map.ofList

                let oracle, keepAll = report Baselines.oracle, report Baselines.keepAll
                Expect.equal oracle["exact_graphs"] 1.0 "exact"
                Expect.equal oracle["purity_after"] 1.0 "purity"
                Expect.equal oracle["average_precision"] 1.0 "order"
                Expect.equal oracle["response_pruned"] oracle["response_oracle"] "response"
                Expect.equal keepAll["purity_after"] keepAll["purity_before"] "purity of keeping all"
                Expect.equal keepAll["contamination_rejected"] 0.0 "rejected"
                Expect.equal keepAll["efficiency"] 1.0 "efficiency"
                Expect.isTrue (Double.IsNaN keepAll["precision"] && Double.IsNaN keepAll["mcc"]) "nothing pruned"
            }

            test "an empty sample, no energy and one label alone are undefined, not zero" {
                let empty =
                    ScoredSample.create 0f (EvaluationSample.create []) [||]
                    |> EvaluationResult.ofScored
                    |> EvaluationResult.report

                Expect.all empty (fun (_, value) -> Double.IsNaN value) "nothing seen"

                let dark =
                    EvaluationSample.create
                        [ EvaluatedGraph.ofGraph 0L (graphOf [ 0f, 2f, 0f, false; 0f, 2f, 0f, false ]) ]

                let report =
                    ScoredSample.create 0f dark [| [| 1f; -1f |] |]
                    |> EvaluationResult.ofScored
                    |> EvaluationResult.report
                    |> Map.ofList

                for name in
                    [
                        "roc_auc"
                        "average_precision"
                        "mcc"
                        "purity_before"
                        "efficiency"
                        "response_raw"
                        "angle_raw"
                        "energy_brier"
                        "total_purity_after"
                    ] do
                    Expect.isTrue (Double.IsNaN report[name]) name

                Expect.equal report["precision"] 0.0 "one node pruned wrongly"
            }

            test "margins of another shape are an argument error" {
                let sample = EvaluationSample.create [ EvaluatedGraph.ofGraph 0L (graphOf [ (1f, 2f, 0f, false) ]) ]
                Expect.throwsT<ArgumentException> (fun () -> ScoredSample.create 0f sample [||] |> ignore) "graphs"

                Expect.throwsT<ArgumentException>
                    (fun () -> ScoredSample.create 0f sample [| [| 1f; 2f |] |] |> ignore)
                    "nodes"

                Expect.throwsT<TrainingException>
                    (fun () -> ScoredSample.create 0f sample [| [| nanf |] |] |> ignore)
                    "nan"
            }

            test "scores, fakes, and particles that are found, by hand" {
                let trackster group energies fractions simEnergy =
                    { EvaluatedGraph.ofGraph group (graphOf [ for energy in energies -> energy, 2f, 0f, false ]) with
                        Fraction = fractions
                        PdgId = Some 22L
                        SimEnergy = simEnergy
                    }

                let sample =
                    EvaluationSample.create
                        [
                            trackster 1L [ 3f; 4f ] [| 1f; 0f |] (Some 5.0) // score 16/25: a fake until the 4 GeV go
                            trackster 1L [ 2f ] [| 1f |] (Some 5.0) // the same particle's smaller part
                            trackster 2L [ 1f; 1f ] [| 1f; 0.5f |] (Some 10.0) // of a large particle: not found
                            trackster 3L [ 1f ] [| 1f |] None // nothing is known
                        ]

                Expect.equal [ for graph in sample.Graphs -> graph.IsLeading ] [ true; false; true; true ] "leaders"
                let margins = [| [| -1f; 1f |]; [| -1f |]; [| 1f; -1f |]; [| -1f |] |]

                let report =
                    EvaluationResult.report (EvaluationResult.ofMargins 0f sample margins)
                    |> Map.ofList

                for name, wanted in
                    [
                        "score_before", (16.0 / 25.0 + 0.25 / 2.0) / 4.0
                        "score_after", 0.25 / 4.0
                        "fakes_before", 0.25
                        "fakes_after", 0.0
                        "sim_response_raw", (7.0 / 5.0 + 2.0 / 5.0 + 2.0 / 10.0) / 3.0
                        "sim_response_pruned", (3.0 / 5.0 + 2.0 / 5.0 + 1.0 / 10.0) / 3.0
                        "found_raw", 0.5
                        "found_pruned", 0.5
                    ] do
                    Expect.floatClose Accuracy.high report[name] wanted name
            }

            test "species, layers and pile-up come from the file, or their absence is explained" {
                let plain = EvaluatedGraph.ofGraph 0L (graphOf [ (1f, 2f, 0f, false) ])
                let missing dimension graph = Dimension.missing dimension (EvaluationSample.create [ graph ])
                Expect.stringContains (missing Dimension.Species plain).Value "pdgId" "species"
                Expect.stringContains (missing Dimension.PileUp plain).Value "pileUp" "pile-up"
                Expect.stringContains (missing Dimension.Layer plain).Value "layer" "layer"
                Expect.isNone (missing Dimension.Energy plain) "energy"

                let known =
                    { plain with
                        PdgId = Some -211L
                        PileUp = Some 200.0
                        Layer = [| 28 |]
                    }

                let sample = EvaluationSample.create [ known ]
                let scored = ScoredSample.create 0f sample [| [| 1f |] |]

                let label dimension =
                    (Binned.create sample dimension scored).Bins
                    |> List.map (fun (bin, _) -> bin.Label)

                Expect.equal (label Dimension.Species) [ "charged pion" ] "species"
                Expect.equal (label Dimension.PileUp) [ "200–225" ] "pile-up"
                Expect.equal (label Dimension.Layer) [ "27–30" ] "layer"
            }
        ]

let private axis =
    testList
        "axis"
        [
            test "distances are those from the energy-weighted line" {
                // The light node is 3 cm off a heavy line along z (eta large: the direction is along z).
                let features x z energy = [| x; 0f; z; energy; 0f; 12f; 0f; 0f; 0f |]

                let graph =
                    GraphBuilder.OfRows(
                        inMemory 0L,
                        Array.concat [ features 0f 0f 1e6f; features 0f 10f 1e6f; features 3f 5f 1e-3f ],
                        ReadOnlySpan<int>.Empty,
                        ReadOnlySpan<int>.Empty,
                        [| 0uy; 0uy; 0uy |]
                    )

                let distances = ShowerAxis.distances graph
                Expect.isLessThan (abs (distances[0])) 1e-3f "on the axis"
                Expect.isLessThan (abs (distances[2] - 3f)) 1e-3f "off the axis"
            }

            test "an angle between directions, small and none" {
                let at phi = ShowerAxis.direction (graphOf [ (1f, 0f, phi, false) ]) (fun _ -> 1.0)
                Expect.floatClose Accuracy.medium (ShowerAxis.angle (at 0f) (at 0.01f)) 10.0 "10 mrad"
                Expect.isTrue (Double.IsNaN(ShowerAxis.angle (at 0f) (struct (0.0, 0.0, 0.0)))) "no direction"
            }

            test "layers by depth: sensors, both endcaps, between and far away" {
                Expect.equal (int (CalorimeterLayers.Nearest 322.155f)) 1 "first"
                Expect.equal (int (CalorimeterLayers.Nearest -361.133f)) 26 "last electromagnetic, other endcap"
                Expect.equal (int (CalorimeterLayers.Nearest 513.2f)) 47 "last"
                Expect.equal (int (CalorimeterLayers.Nearest 322.8f)) 2 "nearer to the second"
                Expect.equal (int (CalorimeterLayers.Nearest 0f)) 0 "far away"
                Expect.equal (int (CalorimeterLayers.Nearest nanf)) 0 "no number"
            }
        ]

let private histograms =
    testList
        "histograms"
        [
            testProperty "quantiles are those of the sorted values" (fun (values: int list) (q: PositiveInt) ->
                let values = values |> List.map (fun n -> float n / 8.0)

                if not values.IsEmpty then
                    let share = float (1 + q.Get % 100) / 100.0
                    let sorted = List.sort values |> List.toArray
                    let wanted = sorted[max 0 (int (ceil (share * float sorted.Length)) - 1)]
                    let found = (ValueHistogram.quantile share (ValueHistogram.ofValues values)).Value
                    Expect.isLessThanOrEqual (abs (found - wanted)) (1e-4 * abs wanted) $"{share} of {values}")

            testProperty "histograms of values add" (fun (a: int list) (b: int list) ->
                let histogram (values: int list) = values |> List.map float |> ValueHistogram.ofValues
                Expect.equal (histogram a + histogram b) (histogram (a @ b)) "sum")

            test "the half width of a resolution is that of its smallest interval" {
                // 68.3 % of 10 values are 7: the narrowest seven lie between 10 and 16.
                let values = [ 1.0; 5.0; 10.0; 11.0; 12.0; 13.0; 14.0; 15.0; 16.0; 40.0 ]
                let width = (ValueHistogram.halfWidth 0.683 (ValueHistogram.ofValues values)).Value
                Expect.isLessThan (abs (width - 3.0)) 1e-3 "half width"
                Expect.equal (ValueHistogram.halfWidth 0.683 ValueHistogram.zero) None "nothing"

                Expect.equal
                    (ValueHistogram.mean (ValueHistogram.ofValues [ nan; 2.0 ]))
                    (Some 2.0)
                    "undefined values are left out"
            }

            test "the distance of two distributions" {
                let gap a b =
                    let one = ValueHistogram.ofValues a
                    let other = ValueHistogram.ofValues b
                    ScoreHistogram.largestGap (one.Bins, one.Counts) (other.Bins, other.Counts)

                Expect.equal (gap [ 1.0; 2.0 ] [ 1.0; 2.0; 1.0; 2.0 ]) (Some 0.0) "the same"
                Expect.equal (gap [ 1.0; 2.0 ] [ 5.0; 6.0 ]) (Some 1.0) "apart"
                Expect.equal (gap [ 1.0; 2.0; 3.0; 4.0 ] [ 3.0; 4.0 ]) (Some 0.5) "half"
                Expect.equal (gap [] [ 1.0 ]) None "empty"
            }
        ]

let private bootstrap =
    testList
        "bootstrap"
        [
            testProperty
                "weights are draws with replacement, and depend on the seed alone"
                (fun (seed: int) (groups: PositiveInt) ->
                    let weights = Bootstrap.weights (uint64 seed) 3 groups.Get
                    Expect.equal (Array.sum weights) (int64 groups.Get) "draws"
                    Expect.all weights (fun weight -> weight >= 0L) "counts"
                    Expect.equal (Bootstrap.weights (uint64 seed) 3 groups.Get) weights "again")

            test "replicates differ, and repeat whatever the threads do" {
                let statistic (weights: int64[]) =
                    weights
                    |> Array.mapi (fun i w -> float i * float w)
                    |> Array.sum
                    |> Array.singleton

                let once = Bootstrap.replicates 7UL 50 20 statistic
                Expect.equal (Bootstrap.replicates 7UL 50 20 statistic) once "again"
                Expect.isGreaterThan (once |> Array.distinct |> Array.length) 10 "differ"
                Expect.notEqual (Bootstrap.replicates 8UL 50 20 statistic) once "another seed"
            }

            test "the interval of a mean is what theory says" {
                // Mean of 400 numbers of variance 1/12 * 400^2 / 400: standard error 400 / sqrt 12 / 20.
                let statistic (weights: int64[]) =
                    [| (weights |> Array.mapi (fun i w -> float i * float w) |> Array.sum) / 400.0 |]

                let values = Bootstrap.replicates 1UL 2000 400 statistic |> Array.map Array.head
                let found = Bootstrap.interval 199.5 values
                let wanted = 400.0 / sqrt 12.0 / 20.0
                let half = (found.High - found.Low) / 2.0
                Expect.isLessThan (abs (half / wanted - 1.0)) 0.1 $"half width {half} against {wanted}"
                Expect.isTrue (found.Low < 199.5 && found.High > 199.5) "about the value"
            }

            test "what is undefined in most replicates has no interval" {
                let found = Bootstrap.interval 1.0 [| nan; nan; nan; 1.0 |]
                Expect.isTrue (Double.IsNaN found.Low && Double.IsNaN found.High) "mostly undefined"
                Expect.equal found.Value 1.0 "value"
                Expect.isTrue (Double.IsNaN (Bootstrap.interval 1.0 [||]).Low) "no replicates"
                Expect.isTrue (Double.IsNaN (Bootstrap.interval nan [| 1.0; 2.0 |]).Low) "no value"
            }

            property "a model differs from itself by nothing" (fun (evaluated: Evaluated) ->
                let sample = sampleOf evaluated
                let scored = ScoredSample.create 0f sample (marginsOf evaluated)
                let one = EvaluationResult.ofScored scored, Bootstrap.reports 5UL 8 sample scored

                for name, value in Bootstrap.difference one one do
                    Expect.isTrue (Double.IsNaN value.Value || value.Value = 0.0) name
                    Expect.isTrue (Double.IsNaN value.Low || (value.Low = 0.0 && value.High = 0.0)) name)
        ]

let private workingPoints =
    testList
        "working points"
        [
            property
                "the chosen threshold keeps the energy asked for, and the next one does not"
                (fun (evaluated: Evaluated) ->
                    let scored = ScoredSample.create 0f (sampleOf evaluated) (marginsOf evaluated)
                    let nodes = (EvaluationResult.ofScored scored).Nodes

                    for target in [ 0.5; 0.9; 0.99 ] do
                        let margin = WorkingPoint.choose (Threshold.EnergyEfficiency target) nodes

                        let efficiency cut =
                            let report =
                                ScoredSample.create cut (sampleOf evaluated) (marginsOf evaluated)
                                |> EvaluationResult.ofScored
                                |> EvaluationResult.report

                            valueOf "total_efficiency" report

                        let found = efficiency margin

                        if not (Double.IsNaN found) then
                            Expect.isGreaterThanOrEqual found (target - 1e-9) $"at {margin}"

                            let next = WorkingPoint.curve nodes |> Array.tryFind (fun point -> point.Margin < margin)

                            match next with
                            | Some point ->
                                Expect.isLessThan (efficiency point.Margin) (target + 1e-9) $"below {margin}"
                            | None -> ())

            property "no threshold has a larger F1 than the best one" (fun (evaluated: Evaluated) ->
                let f1 cut =
                    ScoredSample.create cut (sampleOf evaluated) (marginsOf evaluated)
                    |> EvaluationResult.ofScored
                    |> EvaluationResult.report
                    |> valueOf "f1"
                    |> fun f1 -> if Double.IsNaN f1 then 0.0 else f1

                let best = WorkingPoint.bestF1 (evaluate evaluated).Nodes.Scores

                for cut in Seq.concat evaluated.Margins do
                    Expect.isGreaterThanOrEqual (f1 best) (f1 cut - 1e-12) $"{cut} against {best}")

            test "probabilities are logits of margins, with the ends at infinity" {
                Expect.equal (WorkingPoint.marginOf 0.5) 0f "one half"
                Expect.equal (WorkingPoint.marginOf 1.0) Single.PositiveInfinity "one"
                Expect.equal (WorkingPoint.marginOf 0.0) Single.NegativeInfinity "zero"

                Expect.floatClose
                    Accuracy.medium
                    (Calibration.probability (WorkingPoint.marginOf 0.2))
                    0.2
                    "there and back"
            }
        ]

let private baselines =
    testList
        "baselines"
        [
            property "cuts have the best F1 of all cuts on what they were chosen on" (fun (evaluated: Evaluated) ->
                let graphs = [ for graph in (sampleOf evaluated).Graphs -> graph.Graph ]

                let f1 baseline =
                    let state = Baselines.evaluate baseline graphs
                    Confusion.f1 state.Decisions |> Option.defaultValue 0.0

                for baseline, values, prunesAbove in
                    [
                        Baselines.energyCut graphs,
                        (fun (graph: ShowerGraph) -> Array.init graph.NodeCount graph.Energy),
                        false
                        Baselines.distanceCut graphs, ShowerAxis.distances, true
                    ] do
                    let best = f1 baseline

                    for cut in graphs |> Seq.collect values |> Seq.distinct do
                        // Strictly on one side, so that a cut equal to a value is one that a threshold can make. Values within one bin
                        // of the histogram are one value to the baseline.
                        let other graph =
                            values graph
                            |> Array.map (fun value ->
                                let above = if prunesAbove then value >= cut else value <= cut
                                if above then 1f else -1f)

                        Expect.isTrue (best >= f1 other - 0.1 || graphs.IsEmpty) $"{best} against {f1 other} at {cut}")

            test "an energy cut separates soft from hard" {
                let graph = graphOf [ 10f, 2f, 0f, false; 0.1f, 2f, 0f, true; 5f, 2f, 0f, false; 0f, 2f, 0f, true ]
                let baseline = Baselines.energyCut [ graph ]
                Expect.equal (baseline graph |> Array.map Confusion.isPruned) [| false; true; false; true |] "decisions"
                let harder = graphOf [ 0.2f, 2f, 0f, false; 0.01f, 2f, 0f, true ]

                Expect.equal
                    (baseline harder |> Array.map Confusion.isPruned)
                    [| false; true |]
                    "the same cut elsewhere"
            }

            test "without anything to prune no cut prunes" {
                let graph = graphOf [ 10f, 2f, 0f, false; 0.1f, 2f, 0f, false ]
                Expect.all (Baselines.energyCut [ graph ] graph) (Confusion.isPruned >> not) "energy"
                Expect.all (Baselines.distanceCut [ graph ] graph) (Confusion.isPruned >> not) "distance"
            }
        ]

let private perturbations =
    testList
        "disturbed inputs"
        [
            testProperty "nothing disturbed is nothing changed" (fun (seed: int) ->
                let graph = graphOf [ 10f, 2f, 0.5f, false; 0.1f, -2.2f, -3f, true ]
                let same = Perturbation.apply (uint64 seed) 3 (fun _ -> 330.0) Perturbation.none graph
                Expect.equal same.Features graph.Features "features"
                Expect.equal same.Labels graph.Labels "labels")

            test "each disturbance changes what it says, by as much as it says" {
                let nodes = 4000
                let graph = graphOf [ for _ in 1..nodes -> 10f, 2f, 0.5f, false ]

                for node in 0 .. nodes - 1 do
                    graph.Features[node * 9 + 4] <- 12f

                let column c (changed: ShowerGraph) =
                    [| for node in 0 .. nodes - 1 -> float changed.Features[node * 9 + c] |]

                let deviation (values: float[]) =
                    let mean = Array.average values in sqrt (values |> Array.averageBy (fun v -> (v - mean) ** 2.0))

                let apply p = Perturbation.apply 11UL 0 (fun _ -> 330.0) p graph
                let energy = apply { Perturbation.none with Energy = 0.05 }
                Expect.isLessThan (abs (deviation (column 3 energy) / 0.5 - 1.0)) 0.1 "energies spread by 5 %"
                Expect.isLessThan (abs (Array.average (column 3 energy) - 10.0)) 0.05 "about the same mean"
                Expect.equal (column 0 energy) (column 0 graph) "and x stays"

                let position =
                    apply
                        { Perturbation.none with
                            Position = 0.3
                        }

                Expect.isLessThan (abs (deviation (column 0 position) / 0.3 - 1.0)) 0.1 "x"
                Expect.isLessThan (abs (deviation (column 1 position) / 0.3 - 1.0)) 0.1 "y"
                // r = 330 / sinh 2 = 91 cm: 0.3 cm across is 3.3 mrad of phi.
                Expect.isLessThan
                    (abs (deviation (column 6 position) / (0.3 * sinh 2.0 / 330.0) - 1.0))
                    0.1
                    "phi follows"

                Expect.isLessThan (abs (Array.average (column 5 position) - 2.0)) 0.001 "eta stays about"
                let time = apply { Perturbation.none with Time = 0.25 }
                let dropped = column 4 time |> Array.filter ((=) 0.0) |> Array.length
                Expect.isLessThan (abs (float dropped / float nodes - 0.25)) 0.03 "times"
                Expect.equal (column 3 time) (column 3 graph) "and energies stay"
                Expect.equal (apply { Perturbation.none with Time = 0.25 }).Features time.Features "again"
            }
        ]

[<Tests>]
let tests =
    testList "evaluation" [ laws; tracksters; axis; histograms; bootstrap; workingPoints; baselines; perturbations ]
