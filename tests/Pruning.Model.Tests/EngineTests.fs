/// The fused kernels against libtorch's operations: values to 1e-6 and gradients to 1e-5 of their scale, for every layer,
/// register width and variant.
module Pruning.Tests.Model.EngineTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Layers
open Pruning.Model.Cells
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Training
open Pruning.Native.Kernels
open Pruning.Tests

let private levels =
    [ SimdLevel.Scalar; SimdLevel.Vector256; SimdLevel.Vector512 ]
    |> List.filter (fun level -> level <= Simd.Best)

let private normal (seed: int) (rows: int) (columns: int) =
    use random = new torch.Generator(uint64 (seed &&& 0xffff))
    torch.randn ([| int64 rows; int64 columns |], dtype = Laws.dtype (), generator = random)

/// A layer that is built with an arithmetic: its weights, and its answers to some inputs.
type private Built = Weights * (torch.Tensor list -> torch.Tensor list)

/// Outputs and gradients of some inputs and weights. The gradients are those of sum(outputs * seeds).
let private evaluate (weights: Weights, forward: torch.Tensor list -> torch.Tensor list) (inputs: torch.Tensor list) =
    let leaves = inputs |> List.map (fun x -> x.detach().clone().requires_grad_())

    for _, parameter in weights.Parameters do
        parameter.grad <- null

    let outputs = forward leaves

    let terms =
        outputs
        |> List.mapi (fun i y -> y.mul(normal (i + 77) (int (y.size 0)) (int (y.size 1))).sum())

    let total = List.reduce plus terms

    // Without an edge nothing depends on anything; a weight that no edge uses has no gradient, which is one of zero.
    if total.requires_grad then
        Gradients.backward total

    let gradient (tensor: torch.Tensor) =
        match tensor.grad with
        | null -> torch.zeros_like (tensor.detach ())
        | gradient -> gradient.clone ()

    outputs |> List.map _.detach(),
    [
        for i, leaf in List.indexed leaves -> $"input {i}", gradient leaf
        for name, parameter in weights.Parameters -> name, gradient parameter
    ]

/// The layer is built twice, with the same weights.
let private agree (level: SimdLevel) (build: Init -> Built) (inputs: torch.Tensor list) =
    let built arithmetic =
        use random = new torch.Generator(7UL)
        build (Init.create (Placement.on torch.CPU arithmetic) random)

    let fused =
        built
            { Arithmetic.ofEngine Engine.Fused with
                Registers = level
            }

    let values, gradients = evaluate (built (Arithmetic.ofEngine Engine.Portable)) inputs
    let fusedValues, fusedGradients = evaluate fused inputs

    for wanted, found in List.zip values fusedValues do
        Near.close (1e-6 * max 1.0 (Near.largest wanted)) found wanted "values"

    for (name, wanted), (_, found) in List.zip gradients fusedGradients do
        Near.close (1e-5 * max 1.0 (Near.largest wanted)) found wanted $"gradient of {name}"

    use _guard = torch.no_grad ()

    for wanted, found in List.zip values (snd fused inputs) do
        Near.close (1e-6 * max 1.0 (Near.largest wanted)) found wanted "values without gradients"

let private layersAgree (level: SimdLevel) (aggregator: Aggregator) (width: int) (plan: PlanTensors) (seed: int) =
    use _scope = torch.NewDisposeScope()

    let build init : Built =
        let layer = Aggregators.create init aggregator width
        layer.Weights, (fun x -> [ layer.Forward plan x.Head ])

    agree level build [ normal seed plan.NodeCount width ]

let private all = List.map snd Choices.aggregators

let private cells = [ CellKind.Lstm; CellKind.Gru ]

/// Graphs in which edges repeat, some nodes have none and one may have most.
let private edges =
    gen {
        let! nodes = Gen.choose (1, 90)
        let! count = Gen.choose (0, 300)
        let! hub = Gen.elements [ 0; 0; 3 ]
        let node = Gen.choose (0, nodes - 1) |> Gen.map int64
        let! source = Gen.arrayOfLength count node

        let! target =
            Gen.arrayOfLength count (if hub = 0 then node else Gen.frequency [ hub, Gen.constant 0L; 1, node ])

        return nodes, source, target
    }
    |> Arb.fromGen

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 25
        }
        name
        check

let private perLevel (level: SimdLevel) =
    testList
        $"{level}"
        [
            for aggregator in all do
                property $"{aggregator} over any graph" (fun (seed: int) ->
                    Prop.forAll edges (fun (nodes, source, target) ->
                        let width = [| 1; 6; 16; 33; 64 |][(seed &&& 0xffff) % 5]
                        layersAgree level aggregator width (Laws.plan nodes source target) seed))

            for cell in cells do
                for inputs in [ 2; 16; 40 ] do
                    test $"{cell} cell with {inputs} inputs, alone and as the last step" {
                        for nodes in [ 0; 1; 7; 64; 65; 131 ] do
                            use _scope = torch.NewDisposeScope()

                            let build init : Built =
                                let cell = Cells.create init cell inputs 40

                                let forward (x: torch.Tensor list) =
                                    let once = cell.Next x[0] (cell.Start x[1])
                                    let twice = cell.Next x[0] once
                                    // The cell state of the last step gets no gradient.
                                    [ CellState.hidden once; CellState.hidden twice ]

                                cell.Weights, forward

                            agree level build [ normal 1 nodes inputs; normal 2 nodes 40 ]
                    }
        ]

let private variants =
    [
        for strategy in [ DecisionStrategy.Equilibrium 3; DecisionStrategy.Autoregressive ] do
            for cell in cells do
                for memory in [ None; Some CellKind.Gru; Some CellKind.Lstm ] do
                    { PrunerConfig.standard with
                        Hidden = 32
                        Rounds = 2
                        Strategy = strategy
                        DecisionCell = cell
                        MemoryCell = memory
                        Dropout = 0.0
                        Standardise = false
                    }
    ]

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

let private learned (config: PrunerConfig) (engine: Engine) =
    Laws.withEngine engine (fun () ->
        use random = new torch.Generator(5UL)
        let pruner = Pruner.create (Laws.init random) config
        let batch = Laws.tensors (List.ofArray Fixture.graphs.Value)
        let predictions = Pruner.run pruner (Training random) (PassMode.Train criterion) batch
        let loss = Loss.ofBatch criterion.Loss config.Strategy batch.GraphSizes predictions.GraphLoss.Value
        Gradients.backward loss
        predictions, pruner.Network.Weights.Parameters)

[<Tests>]
let tests =
    testList
        "engines"
        [
            yield! List.map perLevel levels

            for aggregator in all do
                test $"{aggregator} at hidden 128 on the bench graphs, and at a node that every other one feeds" {
                    use _scope = torch.NewDisposeScope()
                    let graphs = BatchAssembler.Collate Fixture.benchGraphs.Value
                    layersAgree Simd.Best aggregator 128 (PlanTensors.create torch.CPU torch.float32 graphs.Plan) 1
                    let star = Array.init 3000 (fun k -> int64 (k % 999))
                    layersAgree Simd.Best aggregator 32 (Laws.plan 1000 star (Array.create 3000 999L)) 2
                }

            for config in variants do
                let memory = config.MemoryCell |> Option.map string |> Option.defaultValue "none"

                test $"{config.Strategy}, {config.DecisionCell}, memory {memory}: the same answers and gradients" {
                    use _scope = torch.NewDisposeScope()
                    let portable, wanted = learned config Engine.Portable
                    let fused, found = learned config Engine.Fused
                    Expect.equal (Fixture.longs fused.StepOfNode) (Fixture.longs portable.StepOfNode) "order"
                    Near.close (1e-6 * max 1.0 (Near.largest portable.Logits)) fused.Logits portable.Logits "logits"
                    Near.closeRelative 1e-6 fused.GraphLoss.Value portable.GraphLoss.Value "losses"
                    let gradient (parameter: Parameter) = parameter.grad |> Option.ofObj
                    let scale = wanted |> List.choose (snd >> gradient) |> List.map Near.largest |> List.max

                    for (name, wanted), (_, found) in List.zip wanted found do
                        match gradient wanted, gradient found with
                        | Some wanted, Some found -> Near.close (1e-5 * scale) found wanted name
                        | None, None -> ()
                        | _ -> failtestf "%s has a gradient with one engine only" name
                }

            test "float64 goes the portable way, and is refused when fused kernels are wanted" {
                Laws.inFloat64 (fun () ->
                    let x = torch.zeros ([| 1L; 1L |], dtype = Laws.dtype ())
                    Expect.isFalse (Arithmetic.isFused Arithmetic.standard x) "auto"

                    Expect.throwsT<Pruning.Native.Errors.DeviceException>
                        (fun () -> Arithmetic.isFused (Arithmetic.ofEngine Engine.Fused) x |> ignore)
                        "fused")
            }

            test "what a backward pass throws arrives as an exception, and the next pass works" {
                use _scope = torch.NewDisposeScope()
                use random = new torch.Generator(1UL)
                let layer = Aggregators.lstm (Laws.init random) 8
                let plan = Laws.plan 2 [| 0L; 1L |] [| 1L; 1L |]
                let x = (normal 1 2 8).requires_grad_()
                let loss = (layer.Forward plan x).sum()
                loss.backward (retain_graph = true)
                // The kernels keep what a backward pass needs for one pass only.
                Expect.throwsT<InvalidOperationException> (fun () -> Gradients.backward loss) "second pass"
                Gradients.backward ((layer.Forward plan x).sum())
            }

            test "kernels refuse tensors that do not fit" {
                use _scope = torch.NewDisposeScope()
                let lists = (Laws.plan 2 [| 0L |] [| 1L |]).Lists.Value

                for x in
                    [
                        torch.zeros ([| 3L; 4L |], dtype = Laws.dtype ())
                        torch.zeros ([| 2L; 4L |], dtype = torch.float64)
                        torch.zeros([| 4L; 2L |]).t()
                    ] do
                    Expect.throwsT<ArgumentException>
                        (fun () ->
                            FusedReduction.Forward(
                                ReductionKind.Sum,
                                lists,
                                x,
                                torch.zeros ([| 2L; 4L |], dtype = Laws.dtype ())
                            ))
                        $"{x}"
            }

            test "tensors and pooled memory are the same after 10 and after 60 steps" {
                for strategy in [ DecisionStrategy.Equilibrium 2; DecisionStrategy.Autoregressive ] do
                    use random = new torch.Generator(1UL)

                    let model: TrainedModel =
                        {
                            Pruner =
                                Pruner.create
                                    (Laws.init random)
                                    { PrunerConfig.standard with
                                        Hidden = 8
                                        Strategy = strategy
                                        MemoryCell = Some CellKind.Lstm
                                    }
                            Criterion = criterion
                            Notes = Map.empty
                        }

                    use trainer = Trainer.create torch.CPU TrainingConfig.standard model
                    let batch = Fixture.batch [ 0; 1; 2 ]

                    let live () =
                        GC.Collect()
                        GC.WaitForPendingFinalizers()
                        torch.Tensor.TotalCount, FloatPool.Bytes

                    let after steps =
                        for step in steps do
                            Trainer.step trainer 1 step batch |> ignore

                        live ()

                    let tensors, bytes = after [ 1..10 ]
                    let tensorsLater, bytesLater = after [ 11..60 ]
                    Expect.equal tensorsLater tensors $"live tensors, {strategy}"
                    Expect.isLessThanOrEqual bytesLater bytes $"pooled bytes, {strategy}"
            }
            // It counts the tensors of the whole process.
            |> testSequenced
        ]
