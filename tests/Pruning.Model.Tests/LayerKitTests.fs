/// Laws of the message-passing layers beside GraphSAGE, and of what is put around layers.
module Pruning.Tests.Model.LayerKitTests

open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Layers
open Pruning.Tests
open Pruning.Tests.Model

let private width = 6

/// Operators with their equations.
let private subjects: (LayerKind * LayerEquations.Equation) list =
    [
        LayerKind.Gcn, LayerEquations.gcn
        LayerKind.Gin, LayerEquations.gin
        LayerKind.GatV2 1, LayerEquations.gatv2 1
        LayerKind.GatV2 3, LayerEquations.gatv2 3
        LayerKind.EdgeConv, LayerEquations.edgeConv
        LayerKind.Interaction, LayerEquations.interaction
        LayerKind.GravNet, LayerEquations.gravNet
    ]

let private create (kind: LayerKind) (inputs: int) (outputs: int) : GraphLayer =
    use random = new torch.Generator(7UL)

    let layer =
        Rounds.layer
            (Laws.init random)
            { PrunerConfig.standard with
                Layer = kind
            }
            inputs
            outputs

    use _guard = torch.no_grad ()

    // Biases start at 0 and hide mistakes; numbers like those of a trained layer do not.
    for _, parameter in layer.Weights.Parameters do
        use noise = torch.randn (parameter.shape, dtype = Laws.dtype (), generator = random)
        parameter.add_ (noise, scalar 0.1) |> ignore

    layer

let private states (seed: int) (nodes: int) (columns: int) =
    use random = new torch.Generator(uint64 (seed + 1000))
    torch.randn ([| int64 nodes; int64 columns |], dtype = Laws.dtype (), generator = random)

let private forward (layer: GraphLayer) (graph: ShowerGraph) (x: torch.Tensor) =
    use _guard = torch.no_grad ()
    layer.Forward Inference (Laws.tensors [ graph ]).Plan x

let private graphs = Generators.rawTrackster |> Gen.map Generators.graphOf |> Arb.fromGen

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 20
            endSize = 30
        }
        name
        check

/// What the equation makes of every node. x: [nodes, inputs]
let private byHand (equation: LayerEquations.Equation) (layer: GraphLayer) nodes (edges: (int * int) list) x =
    let weights = LayerEquations.numbers layer
    let rows: LayerEquations.Vector array = LayerEquations.rowsOf x
    let sources node = edges |> List.filter (fun (_, target) -> target = node) |> List.map fst
    let all = Array.init nodes (equation weights (fun node -> rows[node]) sources)
    torch.tensor (array2D all)

let private planOf nodes (edges: (int * int) list) =
    let ends pick = edges |> List.map (pick >> int64) |> List.toArray
    Laws.plan nodes (ends fst) (ends snd)

let private perLayer (kind: LayerKind, equation: LayerEquations.Equation) =
    let create = create kind

    testList
        $"{kind}"
        [
            property "every node gets what the paper's equation says" (fun (seed: int) ->
                Prop.forAll graphs (fun graph ->
                    Laws.inFloat64 (fun () ->
                        let layer, x = create width 9, states seed graph.NodeCount width
                        let edges = Seq.zip graph.Source graph.Target |> List.ofSeq

                        Near.close
                            1e-9
                            (forward layer graph x)
                            (byHand equation layer graph.NodeCount edges x)
                            "states")))

            property "renumbering the nodes renumbers the outputs" (fun (seed: int) ->
                Prop.forAll graphs (fun graph ->
                    Laws.inFloat64 (fun () ->
                        let layer, x = create width width, states seed graph.NodeCount width
                        let rowOf = Laws.shuffle seed graph.NodeCount
                        let nodeAt = Array.init rowOf.Length (fun row -> System.Array.IndexOf(rowOf, row))
                        let moved = forward layer (Laws.permute rowOf graph) (Laws.rows nodeAt x)
                        Near.close 1e-10 (Laws.rows rowOf moved) (forward layer graph x) "outputs")))

            property "two graphs side by side do not see each other" (fun (seed: int) ->
                Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                    Laws.inFloat64 (fun () ->
                        use _guard = torch.no_grad ()
                        let layer = create width width
                        let x, y = states seed a.NodeCount width, states (seed + 1) b.NodeCount width
                        let both = layer.Forward Inference (Laws.tensors [ a; b ]).Plan (torch.cat ([| x; y |], 0L))
                        let apart = torch.cat ([| forward layer a x; forward layer b y |], 0L)
                        Near.close 1e-10 both apart "outputs")))

            property "the order of edges does not matter" (fun (seed: int) ->
                Prop.forAll graphs (fun graph ->
                    Laws.inFloat64 (fun () ->
                        let layer, x = create width width, states seed graph.NodeCount width

                        Near.close
                            1e-10
                            (forward layer (Laws.reorderEdges seed graph) x)
                            (forward layer graph x)
                            "outputs")))

            for name, nodes, edges in
                [
                    "no node", 0, []
                    "one node without an edge", 1, []
                    "one node with a self loop", 1, [ 0, 0 ]
                    "nodes without edges", 3, []
                    "edges in one direction, one of them three times", 3, [ 0, 1; 0, 1; 0, 1; 1, 2 ]
                    "two hundred in-edges at one node", 201, [ for source in 1..200 -> source, 0 ]
                ] do
                test $"{name}" {
                    Laws.inFloat64 (fun () ->
                        use _guard = torch.no_grad ()
                        let layer = create width width
                        let x = states 3 nodes width
                        let y = layer.Forward Inference (planOf nodes edges) x
                        Expect.equal y.shape [| int64 nodes; int64 width |] "shape"

                        if nodes > 0 then
                            Near.close 1e-9 y (byHand equation layer nodes edges x) "states")
                }

            test "gradients agree with finite differences" {
                Laws.inFloat64 (fun () ->
                    let layer = create 4 6
                    let plan = (Fixture.batch [ 1; 2 ]).Plan |> PlanTensors.create torch.CPU torch.float64
                    let x = (states 5 plan.NodeCount 4).requires_grad_()
                    let dy = states 6 plan.NodeCount 6

                    let parameters =
                        [ for name, parameter in layer.Weights.Parameters -> name, (parameter :> torch.Tensor) ]

                    Slopes.check
                        8
                        1e-6
                        (fun () -> (layer.Forward Inference plan x).mul(dy).sum())
                        (("x", x) :: parameters))
            }

            test "what is not the answer is freed" {
                use scope = torch.NewDisposeScope()
                let layer = create width width
                let plan = (Fixture.batch [ 1; 2 ]).Plan |> PlanTensors.create torch.CPU torch.float32
                let x = states 5 plan.NodeCount width
                let before = scope.DisposablesCount
                layer.Forward Inference plan x |> ignore
                Expect.equal (scope.DisposablesCount - before) 1 "tensors left behind"
            }
        ]

/// What is put around a layer: functions from layer to layer.
let private combinators =
    let graph = lazy Fixture.graphs.Value[2]
    let inner () = create LayerKind.Gin width width

    testList
        "around a layer"
        [
            test "a residual layer adds its input, and has no more weights" {
                use _scope = torch.NewDisposeScope()
                let layer, x = inner (), states 2 graph.Value.NodeCount width
                let residual = GraphLayer.residual layer

                Near.close 1e-6 (forward residual graph.Value x) (x.add (forward layer graph.Value x)) "outputs"

                Expect.equal
                    (Weights.tensors residual.Weights |> List.map fst)
                    (Weights.tensors layer.Weights |> List.map fst)
                    "names"
            }

            test "a normalised layer has answers of mean 0 and variance 1 at each node" {
                Laws.inFloat64 (fun () ->
                    let layer =
                        inner ()
                        |> GraphLayer.normalised (Normalisation.layerNorm (Laws.init (new torch.Generator(1UL))) width)

                    let y = forward layer graph.Value (states 2 graph.Value.NodeCount width)
                    let nodes = int64 graph.Value.NodeCount
                    Near.close 1e-9 (y.mean [| 1L |]) (torch.zeros ([| nodes |], dtype = Laws.dtype ())) "means"

                    Near.close
                        1e-3
                        (y.mul(y).mean [| 1L |])
                        (torch.ones ([| nodes |], dtype = Laws.dtype ()))
                        "variances"

                    Expect.contains (layer.Weights.Parameters |> List.map fst) "norm.weight" "weights")
            }

            property "graph by graph normalisation in training looks at each graph alone" (fun (seed: int) ->
                Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                    Laws.inFloat64 (fun () ->
                        use _guard = torch.no_grad ()
                        use random = new torch.Generator(1UL)

                        let layer =
                            inner ()
                            |> GraphLayer.normalised (
                                Normalisation.graphBatchNorm (Laws.init (new torch.Generator(1UL))) width
                            )

                        let x, y = states seed a.NodeCount width, states (seed + 1) b.NodeCount width
                        let train graphs x = layer.Forward (Training random) (Laws.tensors graphs).Plan x
                        let both = train [ a; b ] (torch.cat ([| x; y |], 0L))
                        Near.close 1e-9 both (torch.cat ([| train [ a ] x; train [ b ] y |], 0L)) "outputs")))

            test "dropout drops in training only, and what it keeps it scales" {
                use _scope = torch.NewDisposeScope()
                let layer = inner ()
                let x = states 2 graph.Value.NodeCount width
                let dropping = GraphLayer.dropout 0.5 layer
                let plain = forward layer graph.Value x
                Near.close 0.0 (forward dropping graph.Value x) plain "in use"

                let train (seed: uint64) =
                    use random = new torch.Generator(seed)
                    (dropping.Forward (Training random) (Laws.tensors [ graph.Value ]).Plan x).detach()

                let dropped = train 1UL
                Near.close 0.0 (train 1UL) dropped "the same generator"
                let zero = dropped.eq (scalar 0.0)
                let wanted = plain.mul(scalar 2.0).masked_fill(zero, scalar 0.0)
                Near.close 1e-6 dropped wanted "kept or dropped"
                Expect.isGreaterThan (Near.distance dropped (plain.mul (scalar 2.0))) 1e-3 "something was dropped"
            }

            test "rounds that a configuration asks for are named, and a plain one is what it always was" {
                use _scope = torch.NewDisposeScope()

                let names config =
                    use random = new torch.Generator(1UL)
                    (Rounds.create (Laws.init random) config).Weights.Parameters |> List.map fst

                let small =
                    { PrunerConfig.standard with
                        Hidden = 8
                        Rounds = 1
                    }

                Expect.equal
                    (names small)
                    [
                        for name in [ "weight_ih"; "weight_hh"; "bias_ih"; "bias_hh" ] do
                            $"0.aggregator.{name}"
                        "0.self.weight"
                        "0.self.bias"
                        "0.neighbour.weight"
                    ]
                    "plain"

                let rich =
                    { small with
                        Layer = LayerKind.Gcn
                        Residual = true
                        RoundNormalisation = Normalisation.Layer
                        RoundDropout = 0.1
                    }

                Expect.equal (names rich) [ "0.weight"; "0.bias"; "0.norm.weight"; "0.norm.bias" ] "rich"
            }

            test "heads that do not divide the width are refused" {
                Expect.throwsT<System.ArgumentException>
                    (fun () -> create (LayerKind.GatV2 4) width width |> ignore)
                    "4 of 6"
            }
        ]

[<Tests>]
let tests = testList "layers of the kit" [ yield! List.map perLayer subjects; combinators ]
