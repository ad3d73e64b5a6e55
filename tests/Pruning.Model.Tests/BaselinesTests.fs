module Pruning.Tests.Model.BaselinesTests

open System
open Expecto
open FsCheck
open Pruning.Data.Graphs
open Pruning.Model.Persistence
open Pruning.Model.Configuration
open Pruning.Model.Metrics
open Pruning.Model.Baselines

let private graph (entry: int) (rows: float32[] list) (labels: byte list) : ShowerGraph =
    let nodes = [| 0 .. labels.Length - 1 |]
    ShowerGraph(GraphOrigin("in memory", int64 entry, Nullable()), Array.concat rows, nodes, nodes, Array.ofList labels)

let private normal (random: Random) : float =
    sqrt (-2.0 * log (1.0 - random.NextDouble()))
    * cos (2.0 * Math.PI * random.NextDouble())

/// Graphs whose labels follow a logistic law in features 0, 3 and 7, one node to prune in a few; feature 8 is constant.
let private lawful (seed: int) (graphs: int) (nodes: int) : ShowerGraph[] =
    let random = Random seed

    Array.init graphs (fun entry ->
        let rows =
            List.init nodes (fun _ ->
                Array.init 9 (fun j ->
                    match j with
                    | 7 -> float32 (random.Next 2)
                    | 8 -> 3f
                    | _ -> float32 (10.0 * normal random + 100.0)))

        let labels =
            rows
            |> List.map (fun x ->
                let margin =
                    -2.0 + (float x[0] - 100.0) / 10.0 - 0.5 * (float x[3] - 100.0) / 10.0
                    + float x[7]

                if random.NextDouble() < 1.0 / (1.0 + exp -margin) then 1uy else 0uy)

        graph entry rows labels)

/// The fit's objective, from its definition, for weights of the standardised features and a bias.
let private objective (ridge: float) (graphs: ShowerGraph[]) (model: LogisticRegression) : float =
    let losses =
        [|
            for g in graphs do
                for node in 0 .. g.NodeCount - 1 do
                    let mutable margin = model.Bias

                    for j in 0..8 do
                        if model.Deviation[j] > 0.0 then
                            let x = float g.Features[node * 9 + j]
                            margin <- margin + model.Weights[j] * (x - model.Mean[j]) / model.Deviation[j]

                    let label = g.Labels[node]
                    label, log (1.0 + exp (if label = 1uy then -margin else margin))
        |]

    let mean label = losses |> Array.filter (fun (l, _) -> l = label) |> Array.averageBy snd

    (mean 0uy + mean 1uy) / 2.0
    + ridge / 2.0 * Array.sumBy (fun w -> w * w) model.Weights

let private marginsOf (model: LogisticRegression) (graphs: ShowerGraph[]) : float32[] =
    graphs |> Array.collect (LogisticRegression.margins model)

let private near (tolerance: float) (actual: float32[]) (wanted: float32[]) (what: string) =
    Expect.equal actual.Length wanted.Length what

    for a, w in Array.zip actual wanted do
        Expect.isLessThanOrEqual (abs (float a - float w)) tolerance $"{what}: {a} against {w}"

[<Tests>]
let tests =
    testList
        "Baselines"
        [
            testProperty "Cholesky solves systems of any size" (fun (seed: int) (PositiveInt size) ->
                let n = 1 + size % 12
                let random = Random seed
                let m = Array2D.init n n (fun _ _ -> normal random)

                let a =
                    Array2D.init n n (fun i j ->
                        (if i = j then 0.5 else 0.0)
                        + Seq.sum (seq { for k in 0 .. n - 1 -> m[i, k] * m[j, k] }))

                let wanted = Array.init n (fun _ -> normal random)
                let b = Array.init n (fun i -> Seq.sum (seq { for j in 0 .. n - 1 -> a[i, j] * wanted[j] }))

                Expect.isTrue (LogisticRegression.solve (Array2D.copy a) b) "positive definite"

                for i in 0 .. n - 1 do
                    Expect.isLessThanOrEqual (abs (b[i] - wanted[i])) 1e-8 "solution")

            test "a matrix that is not positive definite is refused" {
                Expect.isFalse
                    (LogisticRegression.solve (array2D [ [ 1.0; 2.0 ]; [ 2.0; 1.0 ] ]) [| 1.0; 1.0 |])
                    "indefinite"

                Expect.isFalse (LogisticRegression.solve (array2D [ [ 0.0 ] ]) [| 1.0 |]) "zero"
            }

            test "one flag as the only feature gives the log odds of its two groups" {
                // Balanced odds of pruning: (3/4) / (2/6) with the flag, (1/4) / (4/6) without.
                let row flag = Array.init 9 (fun j -> if j = 7 then flag else 1f)

                let graphs =
                    [|
                        graph 0 (List.replicate 5 (row 1f)) [ 1uy; 1uy; 1uy; 0uy; 0uy ]
                        graph 1 (List.replicate 5 (row 0f)) [ 1uy; 0uy; 0uy; 0uy; 0uy ]
                    |]

                let model = LogisticRegression.fit NodeFeature.original 1e-10 graphs
                let set, unset = log ((3.0 / 4.0) / (2.0 / 6.0)), log ((1.0 / 4.0) / (4.0 / 6.0))
                near 1e-6 (LogisticRegression.margins model graphs[0]) (Array.create 5 (float32 set)) "with the flag"
                near 1e-6 (LogisticRegression.margins model graphs[1]) (Array.create 5 (float32 unset)) "without"
                Expect.equal model.Weights[0] 0.0 "a constant feature has no weight"
            }

            test "no small change of the weights lowers the objective" {
                for seed in 1..3 do
                    let graphs = lawful seed 20 30
                    let ridge = 1e-3
                    let model = LogisticRegression.fit NodeFeature.original ridge graphs
                    let best = objective ridge graphs model
                    Expect.isLessThan model.Iterations 15 "Newton's method converges in few steps"

                    for step in [ 1e-3; -1e-3 ] do
                        for j in 0..9 do
                            let changed =
                                if j = 9 then
                                    { model with Bias = model.Bias + step }
                                else
                                    { model with
                                        Weights = model.Weights |> Array.mapi (fun k w -> if k = j then w + step else w)
                                    }

                            // Constant features have weight 0 and only cost ridge.
                            Expect.isGreaterThan (objective ridge graphs changed) best $"seed {seed}, weight {j}"
            }

            test "the weights of the law that made the labels are found" {
                let model = Baselines.logisticRegression (lawful 5 400 50)
                let perUnit j = model.Weights[j] / model.Deviation[j]
                Expect.isLessThan (abs (perUnit 0 - 0.1)) 0.01 "feature 0"
                Expect.isLessThan (abs (perUnit 3 + 0.05)) 0.01 "feature 3"
                Expect.isLessThan (abs (perUnit 7 - 1.0)) 0.1 "feature 7"
                Expect.isLessThan (abs (perUnit 1)) 0.01 "feature 1 says nothing"
            }

            test "a regression on more features is at least as good, and reads each graph as it reads many" {
                let graphs = lawful 7 300 12
                let few, more = Baselines.logisticRegression graphs, Baselines.extendedRegression graphs
                Expect.equal more.Weights.Length NodeFeature.extended.Length "a weight for each feature"

                // Of the same ridge, the optimum over more weights cannot lie higher.
                let lossOf model =
                    let labels = graphs |> Array.collect _.Labels

                    let losses =
                        Array.zip labels (marginsOf model graphs)
                        |> Array.map (fun (label, margin) ->
                            label, Double.LogP1(exp (if label = 1uy then -(float margin) else float margin)))

                    let mean label = losses |> Array.filter (fst >> (=) label) |> Array.averageBy snd

                    (mean 0uy + mean 1uy) / 2.0
                    + 0.5e-4 * Array.sumBy (fun w -> w * w) model.Weights

                Expect.isLessThanOrEqual (lossOf more) (lossOf few + 1e-6) "loss"

                // 300 graphs are two chunks of the fit; the same graphs in one row of nodes see other seeds, so only the
                // features of the node itself may be compared.
                let empty = graph 0 [] []
                Expect.isEmpty (LogisticRegression.margins more empty) "an empty graph"

                let withEmpty = Baselines.extendedRegression (Array.append [| empty |] graphs)
                near 1e-6 (marginsOf withEmpty graphs) (marginsOf more graphs) "an empty graph changes nothing"
            }

            test "neither the order of nodes and graphs nor the unit of a feature matters" {
                let graphs = lawful 11 12 25
                let wanted = marginsOf (Baselines.logisticRegression graphs) graphs
                near 1e-6 (marginsOf (Baselines.logisticRegression (Array.rev graphs)) graphs) wanted "graphs reversed"

                let regrouped =
                    [|
                        for g in graphs do
                            for node in g.NodeCount - 1 .. -1 .. 0 do
                                graph 0 [ g.Features[node * 9 .. node * 9 + 8] ] [ g.Labels[node] ]
                    |]

                near 1e-6 (marginsOf (Baselines.logisticRegression regrouped) graphs) wanted "a graph a node"

                let rescaled =
                    graphs
                    |> Array.map (fun g ->
                        let features = g.Features |> Array.mapi (fun i v -> if i % 9 = 3 then v * 1024f else v)
                        ShowerGraph(g.Origin, features, g.Source, g.Target, g.Labels))

                near 1e-6 (marginsOf (Baselines.logisticRegression rescaled) rescaled) wanted "energy in other units"
            }

            test "labels that a plane separates give finite weights that separate them" {
                let rows =
                    [
                        for i in 0..39 ->
                            Array.init 9 (fun j -> if j = 0 then float32 i else float32 ((i * (j + 3)) % 7))
                    ]

                let graphs = [| graph 0 rows [ for i in 0..39 -> if i >= 30 then 1uy else 0uy ] |]

                for ridge in [ 1e-1; 1e-4; 1e-8 ] do
                    let model = LogisticRegression.fit NodeFeature.original ridge graphs
                    let margins = LogisticRegression.margins model graphs[0]
                    Expect.all margins Single.IsFinite "finite"

                    // A strong ridge may give up a node near the plane; a slight one may not.
                    if ridge < 1e-6 then
                        for i in 0..39 do
                            Expect.equal (margins[i] > 0f) (i >= 30) $"node {i}"
            }

            test "a training split with one label is refused in one sentence" {
                for labels in [ [ 0uy; 0uy ]; [ 1uy; 1uy ] ] do
                    Expect.throwsC
                        (fun () ->
                            Baselines.logisticRegression [ graph 0 (List.replicate 2 (Array.zeroCreate 9)) labels ]
                            |> ignore)
                        (fun error ->
                            Expect.isTrue (error :? TrainingException) "type"
                            Expect.stringContains error.Message "wanted nodes of both labels" "message")

                Expect.throwsT<TrainingException> (fun () -> Baselines.logisticRegression [] |> ignore) "no graph"

                Expect.throwsT<ArgumentException>
                    (fun () -> LogisticRegression.fit NodeFeature.original 0.0 [] |> ignore)
                    "no ridge"
            }

            test "the regression beats keeping everything, whose average precision is the share of nodes to prune" {
                let graphs = lawful 3 100 40
                let keep = Baselines.evaluate Baselines.keepAll graphs
                let model = Baselines.logisticRegression graphs[..49]
                let held = graphs[50..]
                let regression = Baselines.evaluate (LogisticRegression.margins model) held
                let labels = graphs |> Array.collect _.Labels
                let prevalence = labels |> Array.averageBy float

                let value name state = MetricState.report state |> List.find (fun (n, _) -> n = name) |> snd

                Expect.floatClose Accuracy.veryHigh (value "average_precision" keep) prevalence "prevalence"
                Expect.equal (value "roc_auc" keep) 0.5 "no order"
                Expect.equal (value "recall" keep) 0.0 "nothing pruned"
                Expect.equal (value "energy_efficiency" keep) 1.0 "all kept"
                Expect.isTrue (Double.IsNaN(value "loss" keep)) "no loss"
                Expect.isGreaterThan (value "roc_auc" regression) 0.7 "ROC AUC"
                Expect.isGreaterThan (value "average_precision" regression) (1.5 * prevalence) "average precision"

                let labelsHeld = held |> Array.collect (fun g -> Array.map int64 g.Labels)
                let energies = held |> Array.collect (fun g -> Array.init g.NodeCount g.Energy)
                Expect.equal regression (MetricState.ofNodes labelsHeld (marginsOf model held) energies) "graphs add"
            }
        ]
