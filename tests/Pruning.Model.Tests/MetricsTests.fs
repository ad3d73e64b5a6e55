module Pruning.Tests.Model.MetricsTests

open System
open System.IO
open Expecto
open FsCheck
open FsCheck.FSharp
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Model.Training
open Pruning.Tests

/// Nodes as an evaluation sees them. Margins come in eighths from a small range, so that ties are many, and far out.
type ScoredNode =
    {
        Prune: bool
        Margin: float32
        Energy: float32
    }

type Arbitraries =

    static member ScoredNode() : Arbitrary<ScoredNode> =
        let margin =
            Gen.frequency
                [
                    6, Gen.choose (-24, 24) |> Gen.map (fun n -> float32 n / 8f)
                    3, Gen.choose (-1000000, 1000000) |> Gen.map (fun n -> float32 n / 65536f)
                    1, Gen.elements [ -0f; 0f; 1e-30f; -1e-30f; 1e30f; -1e30f; infinityf; -infinityf ]
                ]

        Gen.map3
            (fun prune margin energy ->
                {
                    Prune = prune
                    Margin = margin
                    Energy = energy
                })
            (ArbMap.defaults |> ArbMap.generate<bool>)
            margin
            (Gen.choose (0, 1 <<< 24) |> Gen.map (fun n -> float32 n / 100000f))
        |> Arb.fromGen

let private config =
    { FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
    }

let private property name check = testPropertyWithConfig config name check

let private labelsOf (nodes: ScoredNode list) = [| for n in nodes -> if n.Prune then 1L else 0L |]

let private marginsOf (nodes: ScoredNode list) = [| for n in nodes -> n.Margin |]
let private energiesOf (nodes: ScoredNode list) = [| for n in nodes -> n.Energy |]

/// The state of some nodes as one graph with a loss.
let private stateOf (nodes: ScoredNode list) : MetricState =
    MetricState.ofNodes (labelsOf nodes) (marginsOf nodes) (energiesOf nodes)
    |> MetricState.withLoss 1 (float nodes.Length / 3.0)

let private valueOf (name: string) (state: MetricState) : float =
    MetricState.report state |> List.find (fun (other, _) -> other = name) |> snd

/// Chance that a node to prune scores above a node to keep, from mid-ranks of the sorted scores.
let private exactRocAuc (labels: int64[]) (scores: float[]) : float option =
    let order = Array.init scores.Length id |> Array.sortBy (fun i -> scores[i])
    let prune = labels |> Array.filter (fun l -> l = 1L) |> Array.length |> float
    let keep = float labels.Length - prune
    let mutable rankSum = 0.0
    let mutable first = 0

    while first < order.Length do
        let mutable last = first

        while last + 1 < order.Length && scores[order[last + 1]] = scores[order[first]] do
            last <- last + 1

        let midRank = float (first + last) / 2.0 + 1.0

        for k in first..last do
            if labels[order[k]] = 1L then
                rankSum <- rankSum + midRank

        first <- last + 1

    if prune = 0.0 || keep = 0.0 then
        None
    else
        Some((rankSum - prune * (prune + 1.0) / 2.0) / (prune * keep))

/// Sum of (R_n - R_(n-1)) P_n over the distinct scores from the top, each threshold counted anew.
let private exactAveragePrecision (labels: int64[]) (scores: float[]) : float option =
    let prune = labels |> Array.filter (fun l -> l = 1L) |> Array.length |> float

    if prune = 0.0 then
        None
    else
        let rows = Array.zip scores labels |> Array.groupBy fst |> Array.sortByDescending fst

        let mutable right, taken, recall, area = 0.0, 0.0, 0.0, 0.0

        for _, tied in rows do
            right <- right + float (tied |> Array.filter (fun (_, l) -> l = 1L) |> Array.length)
            taken <- taken + float tied.Length
            area <- area + (right / prune - recall) * (right / taken)
            recall <- right / prune

        Some area

let private closeOption (tolerance: float) (actual: float option) (wanted: float option) (message: string) =
    match actual, wanted with
    | None, None -> ()
    | Some a, Some w -> Expect.isLessThanOrEqual (abs (a - w)) tolerance $"{message}: {a} against {w}"
    | _ -> failtest $"{message}: {actual} against {wanted}"

/// Scores like those of a trained network: two overlapping bells, prune above keep, 1 in `oneIn` to prune.
let private bells (seed: int) (count: int) (oneIn: int) (centre: float) (width: float) =
    let random = Random seed

    let normal () =
        sqrt (-2.0 * log (1.0 - random.NextDouble()))
        * cos (2.0 * Math.PI * random.NextDouble())

    let labels = Array.init count (fun _ -> if random.Next oneIn = 0 then 1L else 0L)

    let margins =
        labels
        |> Array.map (fun l -> float32 (centre + width * (normal () + (if l = 1L then 1.5 else 0.0))))

    labels, margins

[<Tests>]
let tests =
    testList
        "Metrics"
        [
            property "states add in any order" (fun a b -> stateOf a + stateOf b = stateOf b + stateOf a)

            property "states add in any grouping" (fun a b c ->
                (stateOf a + stateOf b) + stateOf c = stateOf a + (stateOf b + stateOf c))

            property "adding nothing changes nothing" (fun a ->
                let state = stateOf a

                MetricState.add MetricState.zero state = state
                && MetricState.add state MetricState.zero = state)

            property
                "nodes split over any shards give the state of all of them, to the bit"
                (fun (shards: ScoredNode list list) ->
                    let whole = stateOf (List.concat shards)

                    let parts =
                        shards
                        |> List.map (fun shard ->
                            MetricState.ofNodes (labelsOf shard) (marginsOf shard) (energiesOf shard))

                    let folded = parts |> List.fold MetricState.add MetricState.zero

                    let without =
                        { whole with
                            Graphs = 0L
                            LossSum = ExactSum.zero
                        }

                    folded = without && MetricState.sum parts = without)

            property "the order of the nodes does not matter" (fun (nodes: ScoredNode list) (seed: int) ->
                let shuffled = List.toArray nodes
                Random(seed).Shuffle shuffled
                stateOf nodes = stateOf (List.ofArray shuffled))

            property "losses add to the same bits in any order" (fun (losses: NormalFloat list) ->
                let state (loss: NormalFloat) = MetricState.zero |> MetricState.withLoss 1 (loss.Get % 1000.0)
                MetricState.sum (List.map state losses) = MetricState.sum (List.map state (List.rev losses)))

            property "ROC AUC and average precision are exact for the binned scores" (fun (nodes: ScoredNode list) ->
                let labels, margins = labelsOf nodes, marginsOf nodes
                let binned = margins |> Array.map (fun m -> float (ScoreHistogram.binOf m))
                let histogram = ScoreHistogram.ofNodes labels margins
                closeOption 1e-12 (ScoreHistogram.rocAuc histogram) (exactRocAuc labels binned) "ROC AUC"

                closeOption
                    1e-12
                    (ScoreHistogram.averagePrecision histogram)
                    (exactAveragePrecision labels binned)
                    "average precision")

            property "bins are as ordered as their margins" (fun (a: ScoredNode) (b: ScoredNode) ->
                let x, y = a.Margin, b.Margin
                let binX, binY = ScoreHistogram.binOf x, ScoreHistogram.binOf y

                (x > y || binX <= binY)
                && (x <> y || binX = binY)
                && (abs (x - y) <= max (abs x) (abs y) / 16384f || binX <> binY))

            test "scores of a trained network lose less than 1e-4 to the bins" {
                for seed in 1..8 do
                    for centre, width in [ -3.0, 1.0; 0.0, 2.0; 4.0, 0.5; -0.01, 0.01; -900.0, 300.0 ] do
                        let labels, margins = bells seed 20000 (2 + seed * 3) centre width
                        let histogram = ScoreHistogram.ofNodes labels margins
                        let scores = Array.map float margins

                        closeOption 1e-4 (ScoreHistogram.rocAuc histogram) (exactRocAuc labels scores) "ROC AUC"

                        closeOption
                            1e-4
                            (ScoreHistogram.averagePrecision histogram)
                            (exactAveragePrecision labels scores)
                            "average precision"
            }

            test "a case worked out by hand" {
                // Margins 3, 2, 2, -1, -1, -4 with labels 1, 0, 1, 1, 0, 0 and energies 1 .. 32 GeV.
                let state =
                    MetricState.ofNodes
                        [| 1L; 0L; 1L; 1L; 0L; 0L |]
                        [| 3f; 2f; 2f; -1f; -1f; -4f |]
                        [| 1f; 2f; 4f; 8f; 16f; 32f |]
                    |> MetricState.withLoss 2 1.5

                Expect.equal
                    state.Decisions
                    {
                        PrunedRightly = 2L
                        PrunedWrongly = 1L
                        KeptWrongly = 1L
                        KeptRightly = 2L
                    }
                    "counts"

                let close name wanted = Expect.floatClose Accuracy.veryHigh (valueOf name state) wanted name

                close "loss" 0.75
                close "accuracy" (4.0 / 6.0)
                close "precision" (2.0 / 3.0)
                close "recall" (2.0 / 3.0)
                close "f1" (2.0 / 3.0)
                // Pairs of (prune, keep): 3 beats all 3; 2 ties one and beats 2; -1 ties one and beats one.
                close "roc_auc" ((3.0 + 2.5 + 1.5) / 9.0)
                // Thresholds 3, 2, -1: (1/3) 1 + (1/3) (2/3) + (1/3) (3/5).
                close "average_precision" ((1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 3.0)
                close "energy_efficiency" (48.0 / 50.0)
                close "energy_purity" (48.0 / 56.0)
            }

            test "every metric has a key and a title of its own, and stands in the reference" {
                let pages =
                    [ "metrics.md"; "trackster-metrics.md" ]
                    |> List.map (fun name ->
                        File.ReadAllText(Path.Combine(Fixture.repository, "docs", "reference", name)))
                    |> String.concat "\n"

                // Names that differ in their last word share a line: `angle_raw`, `_pruned`.
                let isDescribed (key: string) =
                    let last = key.LastIndexOf '_'

                    pages.Contains $"`{key}`"
                    || last > 0
                       && pages.Contains $"`{key.Substring(0, last)}_"
                       && pages.Contains $"`{key.Substring last}`"
                    || key.StartsWith "energy_" && pages.Contains $"`{key.Substring 7}`"

                for metrics in [ MetricState.metrics; [ for one in EvaluationResult.measurements -> one.Metric ] ] do
                    Expect.equal (List.distinctBy _.Key metrics) metrics "keys"
                    Expect.equal (List.distinctBy _.Title metrics) metrics "titles"
                    Expect.all metrics (fun metric -> isDescribed metric.Key) "described"
            }

            test "a loss and what follows it are better when lower, and monitors follow that" {
                let lower =
                    [
                        for one in Monitor.all do
                            if one.Metric.Direction = Direction.LowerIsBetter then
                                one.Metric.Key
                    ]

                Expect.equal lower [ "loss" ] "monitored"
            }

            test "a report has every name in a fixed order, and nothing seen is undefined everywhere" {
                let report = MetricState.report MetricState.zero

                Expect.equal
                    (List.map fst report)
                    [
                        "loss"
                        "accuracy"
                        "precision"
                        "recall"
                        "f1"
                        "roc_auc"
                        "average_precision"
                        "energy_efficiency"
                        "energy_purity"
                    ]
                    "names"

                Expect.all report (fun (_, value) -> Double.IsNaN value) "values"
            }

            test "no pruned node means no precision, and one label alone no ROC" {
                let keepers = MetricState.ofNodes [| 0L; 0L |] [| -1f; -2f |] [| 1f; 1f |]
                Expect.equal (Confusion.precision keepers.Decisions) None "0/0"
                Expect.equal (Confusion.recall keepers.Decisions) None "0/0"
                Expect.equal (Confusion.f1 keepers.Decisions) None "0/0"
                Expect.equal (ScoreHistogram.rocAuc keepers.Scores) None "no node to prune"
                Expect.equal (ScoreHistogram.averagePrecision keepers.Scores) None "no node to prune"
                Expect.equal (ShowerMetrics.efficiency keepers.Energy) (Some 1.0) "all kept"
            }

            property
                "constant scores have the prevalence as average precision and one half as ROC AUC"
                (fun (prune: PositiveInt) (keep: PositiveInt) ->
                    let labels = Array.append (Array.replicate prune.Get 1L) (Array.replicate keep.Get 0L)

                    let histogram = ScoreHistogram.ofNodes labels (Array.replicate labels.Length -7f)
                    let prevalence = float prune.Get / float labels.Length
                    closeOption 1e-12 (ScoreHistogram.averagePrecision histogram) (Some prevalence) "prevalence"
                    closeOption 1e-12 (ScoreHistogram.rocAuc histogram) (Some 0.5) "one half")

            test "a margin of zero keeps the node" {
                Expect.isFalse (Confusion.isPruned 0f) "tie"
                Expect.isTrue (Confusion.isPruned Single.Epsilon) "above"
            }

            test "a score that is no number is an error, not a count" {
                Expect.throwsT<TrainingException>
                    (fun () -> MetricState.ofNodes [| 0L |] [| nanf |] [| 1f |] |> ignore)
                    "margin"

                Expect.throwsT<TrainingException>
                    (fun () -> MetricState.zero |> MetricState.withLoss 1 nan |> ignore)
                    "loss"

                Expect.throwsT<ArgumentException> (fun () -> MetricState.ofNodes [| 0L |] [||] [||] |> ignore) "lengths"
            }

            test "energies add without rounding where floats would lose some" {
                // 1,024 terms of 2^-20 after one of 2^40: a float sum in this order drops every small one.
                let big = ExactSum.ofFloat "x" (Math.ScaleB(1.0, 40))
                let small = ExactSum.ofFloat "x" (Math.ScaleB(1.0, -20))
                let mutable sum = big

                for _ in 1..1024 do
                    sum <- sum + small

                Expect.equal (ExactSum.toFloat sum) (Math.ScaleB(1.0, 40) + Math.ScaleB(1.0, -10)) "sum"
            }
        ]
