/// Laws of aggregators and layers that hold for any graph.
module Pruning.Tests.Model.LayerLawTests

open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Layers
open Pruning.Tests

let private width = 6

let private all = List.map snd Choices.aggregators

let private orderFree = [ Aggregator.Mean; Aggregator.Max; Aggregator.Sum; Aggregator.MeanMax ]

let private layer (aggregator: Aggregator) =
    use random = new torch.Generator(7UL)
    SageConv.create (Laws.init random) aggregator width width

let private states (seed: int) (nodes: int) =
    use random = new torch.Generator(uint64 (seed + 1000))
    torch.randn ([| int64 nodes; int64 width |], dtype = Laws.dtype (), generator = random)

let private forward (layer: GraphLayer) (graph: Pruning.Data.Graphs.ShowerGraph) (x: torch.Tensor) =
    use _guard = torch.no_grad ()
    layer.Forward Inference (Laws.tensors [ graph ]).Plan x

let private graphs = Generators.rawTrackster |> Gen.map Generators.graphOf |> Arb.fromGen

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 40
        }
        name
        check

let private perAggregator (aggregator: Aggregator) =
    testList
        $"{aggregator}"
        [
            property "renumbering the nodes renumbers the outputs" (fun (seed: int) ->
                Prop.forAll graphs (fun graph ->
                    Laws.inFloat64 (fun () ->
                        let layer, x = layer aggregator, states seed graph.NodeCount
                        let rowOf = Laws.shuffle seed graph.NodeCount
                        let y = forward layer graph x

                        let moved =
                            Laws.rows (Array.init rowOf.Length (fun row -> System.Array.IndexOf(rowOf, row))) x

                        let permuted = forward layer (Laws.permute rowOf graph) moved
                        Near.close 1e-10 (Laws.rows rowOf permuted) y "outputs")))

            property "two graphs side by side do not see each other" (fun (seed: int) ->
                Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                    Laws.inFloat64 (fun () ->
                        use _guard = torch.no_grad ()
                        let layer = layer aggregator
                        let x, y = states seed a.NodeCount, states (seed + 1) b.NodeCount
                        let both = layer.Forward Inference (Laws.tensors [ a; b ]).Plan (torch.cat ([| x; y |], 0L))
                        let apart = torch.cat ([| forward layer a x; forward layer b y |], 0L)
                        Near.close 1e-10 both apart "outputs")))

            test "nodes without neighbours: only their own state counts" {
                use _scope = torch.NewDisposeScope()
                use _guard = torch.no_grad ()
                let layer = layer aggregator
                let plan = Laws.plan 3 [||] [||]
                let parameters = Map.ofList layer.Weights.Parameters
                let x = states 1 3
                let own = torch.nn.functional.linear (x, parameters["self.weight"], parameters["self.bias"])
                Near.close 1e-6 (layer.Forward Inference plan x) (own.relu ()) "outputs"
            }

            test "one node with a self loop" {
                use _scope = torch.NewDisposeScope()
                use _guard = torch.no_grad ()
                let plan = Laws.plan 1 [| 0L |] [| 0L |]
                let y = (layer aggregator).Forward Inference plan (states 1 1)
                Expect.equal y.shape [| 1L; int64 width |] "shape"
                Expect.isTrue (y.isfinite().all().item<bool>()) "finite"
            }

            test "gradients agree with finite differences" {
                Laws.inFloat64 (fun () ->
                    use random = new torch.Generator(3UL)
                    let layer = SageConv.create (Laws.init random) aggregator 3 3
                    let graph = (Fixture.batch [ 1 ]).Plan |> PlanTensors.create torch.CPU torch.float64
                    let x = torch.randn([| 5L; 3L |], dtype = Laws.dtype (), generator = random).requires_grad_()
                    let dy = torch.randn ([| 5L; 3L |], dtype = Laws.dtype (), generator = random)
                    let value (x: torch.Tensor) : torch.Tensor = (layer.Forward Inference graph x).mul(dy).sum()
                    (value x).backward()
                    let step = 1e-6

                    for row in 0L .. 4L do
                        for column in 0L .. 2L do
                            use _guard = torch.no_grad ()
                            let nudge = torch.zeros_like x
                            nudge[row, column] <- torch.tensor step
                            let above, below = value (x.add nudge), value (x.sub nudge)
                            let slope = above.sub(below).item<float>() / (2.0 * step)
                            let gradient = (nonNull x.grad).[row, column].item<float>()

                            Expect.isLessThan
                                (abs (slope - gradient))
                                1e-7
                                $"d/dx[{row}, {column}]: {slope} and {gradient}")
            }
        ]

[<Tests>]
let tests =
    testList
        "graph layers"
        [
            yield! List.map perAggregator all

            for aggregator in orderFree do
                property $"{aggregator} does not care about the order of edges" (fun (seed: int) ->
                    Prop.forAll graphs (fun graph ->
                        Laws.inFloat64 (fun () ->
                            let layer, x = layer aggregator, states seed graph.NodeCount

                            Near.close
                                1e-10
                                (forward layer (Laws.reorderEdges seed graph) x)
                                (forward layer graph x)
                                "outputs")))

            test "the mean of equal neighbours is that neighbour, the sum counts them" {
                use _scope = torch.NewDisposeScope()
                let plan = Laws.plan 2 [| 0L; 0L; 0L |] [| 1L; 1L; 1L |]
                let arithmetic = (Laws.placement ()).Arithmetic
                let x = states 5 2
                let row (y: torch.Tensor) k = y.narrow (0L, k, 1L)
                Near.close 1e-6 (row ((Aggregators.mean arithmetic).Forward plan x) 1L) (row x 0L) "mean"

                Near.close
                    1e-6
                    (row ((Aggregators.sum arithmetic).Forward plan x) 1L)
                    ((row x 0L).mul(scalar 3.0))
                    "sum"

                Near.close 0.0 (row ((Aggregators.max arithmetic).Forward plan x) 1L) (row x 0L) "max"

                Near.close
                    0.0
                    (row ((Aggregators.max arithmetic).Forward plan x) 0L)
                    (torch.zeros ([| 1L; int64 width |], dtype = Laws.dtype ()))
                    "no neighbours"
            }

            test "a residual layer adds its input" {
                use _scope = torch.NewDisposeScope()
                let layer = layer Aggregator.Mean
                let graph = Fixture.graphs.Value[2]
                let x = states 2 graph.NodeCount
                Near.close 1e-6 (forward (GraphLayer.residual layer) graph x) (x.add (forward layer graph x)) "outputs"
            }
        ]
