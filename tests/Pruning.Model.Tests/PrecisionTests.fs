/// Products in bfloat16: exact where the numbers fit, near float32 elsewhere, and refused with a reason where there are none.
module Pruning.Tests.Model.PrecisionTests

#nowarn "9" // addresses are what is tested

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
open Pruning.Native.Errors
open Pruning.Native.Kernels
open Pruning.Tests

let private bfloat16 =
    { Arithmetic.standard with
        Precision = ProductPrecision.Bfloat16
    }

/// On a machine with bfloat16 products; asked inside of a test, because tests are found before libtorch is loaded.
let private whereMultiplied (work: unit -> unit) =
    match Bfloat16Support.WhyNot with
    | null -> work ()
    | reason -> skiptest $"found {reason}"

/// Whole numbers up to 16: bfloat16 holds them, and float32 their sums of products.
let private whole (random: Random) (count: int) : float32 array =
    Array.init count (fun _ -> float32 (random.Next(-16, 17)))

/// A W^T, A W and A^T X by the products and by plain loops. W: [gates * hidden, inner]
let private productsAreExact rows gates hidden inner seed =
    let random = Random(seed: int)
    let padded, width = Gemm.Padded hidden, Gemm.Padded inner
    let columns = gates * padded
    let w = whole random (gates * hidden * inner)
    let weight g u p = w[(g * hidden + u) * inner + p]
    let a, d, x = whole random (rows * inner), whole random (rows * columns), whole random (rows * width)

    let forward, backward, outer =
        Array.create (rows * columns) 1f, Array.create (rows * width) 1f, Array.zeroCreate<float32>(columns * width)

    let gradient = Array.zeroCreate<float32>(gates * hidden * inner)
    use arena = new FloatArena()
    use pw = fixed w
    use pa = fixed a
    use pd = fixed d
    use px = fixed x
    use pForward = fixed forward
    use pBackward = fixed backward
    use pOuter = fixed outer
    use pGradient = fixed gradient
    let level = SimdLevel.Vector512
    let room = Bfloat16Products.Room(arena, max columns inner, width)
    let left = Bfloat16Products.Left(rows, inner, pa, nativeint inner, room)
    let packed = Bfloat16Products.PackTransposed(arena, pw, gates, hidden, inner)

    for column in 0 .. Gemm.Panel .. columns - 1 do
        let target = NativeInterop.NativePtr.add pForward column
        Bfloat16Products.MultiplyPanel(level, rows, inner, left, packed, column, target, nativeint columns)

    let packed = Bfloat16Products.Pack(arena, pw, gates, hidden, inner)
    Bfloat16Products.AddOuter(level, rows, columns, width, pd, nativeint columns, px, pOuter, room)
    Bfloat16Products.Unpad(pOuter, gates, hidden, inner, pGradient)
    let left = Bfloat16Products.Left(rows, columns, pd, nativeint columns, room)
    Bfloat16Products.Multiply(level, rows, width, columns, left, packed, pBackward, nativeint width, true)
    Bfloat16Products.End()

    // Whole numbers: float32 sums them exactly in any order. A million of them are too many for a list or a message each.
    let inline sum count (term: int -> float32) =
        let mutable total = 0f

        for k in 0 .. count - 1 do
            total <- total + term k

        total

    let check what (found: float32) (wanted: float32) =
        if found <> wanted then
            Expect.equal found wanted what

    for g in 0 .. gates - 1 do
        for u in 0 .. hidden - 1 do
            for r in 0 .. rows - 1 do
                sum inner (fun p -> a[r * inner + p] * weight g u p) + 1f
                |> check "A W^T" forward[r * columns + g * padded + u]

            for p in 0 .. inner - 1 do
                sum rows (fun r -> d[r * columns + g * padded + u] * x[r * width + p])
                |> check "d^T x" gradient[(g * hidden + u) * inner + p]

    for r in 0 .. rows - 1 do
        for p in 0 .. inner - 1 do
            sum (gates * hidden) (fun k ->
                let g, u = k / hidden, k % hidden
                d[r * columns + g * padded + u] * weight g u p)
            + 1f
            |> check "d W" backward[r * width + p]

let private normal (seed: int) (rows: int) (columns: int) =
    use random = new torch.Generator(uint64 (seed &&& 0xffff))
    torch.randn ([| int64 rows; int64 columns |], generator = random)

/// Values, and gradients of an input and of the weights, of a layer that is built with an arithmetic.
let private evaluate arithmetic (build: Init -> Weights * (torch.Tensor -> torch.Tensor)) (x: torch.Tensor) =
    use random = new torch.Generator(7UL)
    let weights, forward = build (Init.create (Placement.on torch.CPU arithmetic) random)
    let leaf = x.detach().clone().requires_grad_()

    for _, parameter in weights.Parameters do
        parameter.grad <- null

    let y = forward leaf
    Gradients.backward (y.mul(normal 77 (int (y.size 0)) (int (y.size 1))).sum())

    [
        "values", y.detach ()
        for name, tensor in
            ("input", leaf)
            :: [ for name, p in weights.Parameters -> name, (p :> torch.Tensor) ] do
            match tensor.grad with
            | null -> ()
            | gradient -> $"gradient of {name}", gradient.clone ()
    ]

let private near build x =
    let wanted, found = evaluate Arithmetic.standard build x, evaluate bfloat16 build x

    for (name, wanted), (_, found) in List.zip wanted found do
        Near.close (2e-2 * max 1e-3 (Near.largest wanted)) found wanted name

let private config =
    { PrunerConfig.standard with
        Hidden = 32
        Rounds = 2
        Dropout = 0.0
        Standardise = false
    }

let private modelOf () : TrainedModel =
    use random = new torch.Generator(5UL)

    {
        Pruner = Pruner.create (Laws.init random) config
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 2.0 }
        Notes = Map.empty
    }

let private batch = lazy (BatchAssembler.Collate Fixture.benchGraphs.Value[..7])

/// Mean loss of steps 41 to 60 of a training on 64 graphs in batches of 16.
let private trained arithmetic : float =
    Laws.withArithmetic arithmetic (fun () ->
        use trainer =
            Trainer.create
                torch.CPU
                { TrainingConfig.standard with
                    LearningRate = 1e-3
                }
                (modelOf ())

        let batches =
            Fixture.benchGraphs.Value
            |> Array.chunkBySize 16
            |> Array.map BatchAssembler.Collate

        let losses = [ for step in 1..60 -> (Trainer.step trainer 1 step batches[step % batches.Length]).Loss ]
        losses |> List.skip 40 |> List.average)

let private here =
    [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with
                maxTest = 10
            }
            "numbers that bfloat16 holds are multiplied exactly"
            (fun (seed: int) ->
                whereMultiplied
                <| fun () ->
                    let random = Random seed
                    let rows, inner = random.Next(1, 65), random.Next(1, 12)
                    productsAreExact rows (random.Next(3, 5)) (random.Next(1, 40)) inner seed)

        for aggregator in [ Aggregator.Lstm; Aggregator.Gru ] do
            test $"{aggregator} over the bench graphs, hidden 128 and 33: within 2e-2 of float32" {
                whereMultiplied
                <| fun () ->
                    for width in [ 128; 33 ] do
                        use _scope = torch.NewDisposeScope()
                        let plan = PlanTensors.create torch.CPU torch.float32 batch.Value.Plan

                        let build init =
                            let layer = Aggregators.create init aggregator width
                            layer.Weights, layer.Forward plan

                        near build (normal 1 plan.NodeCount width)
            }

        for cell in [ CellKind.Lstm; CellKind.Gru ] do
            test $"{cell} cell: within 2e-2 of float32" {
                whereMultiplied
                <| fun () ->
                    for inputs, nodes in [ 2, 65; 40, 131; 3, 1; 2, 0 ] do
                        use _scope = torch.NewDisposeScope()
                        let h = normal 2 nodes 40

                        let build init =
                            let cell = Cells.create init cell inputs 40
                            cell.Weights, (fun x -> CellState.hidden (cell.Next x (cell.Start h)))

                        near build (normal 1 nodes inputs)
            }

        test "a batch is its graphs, within 2e-2" {
            whereMultiplied
            <| fun () ->
                Laws.withArithmetic bfloat16 (fun () ->
                    use _scope = torch.NewDisposeScope()
                    let pruner = (modelOf ()).Pruner
                    let graphs = Fixture.benchGraphs.Value[..7]
                    let decide graphs = Pruner.decide torch.CPU pruner (BatchAssembler.Collate graphs)
                    let both = torch.tensor (decide graphs)
                    let each = torch.tensor (graphs |> Array.collect (fun graph -> decide [| graph |]))
                    Near.close (2e-2 * Near.largest each) both each "margins")
        }

        test "the same answer every time, on another thread too" {
            whereMultiplied
            <| fun () ->
                Laws.withArithmetic bfloat16 (fun () ->
                    let pruner = (modelOf ()).Pruner
                    let decide () = Pruner.decide torch.CPU pruner batch.Value
                    let first = decide ()
                    Expect.equal (decide ()) first "again"
                    Expect.equal (Threading.Tasks.Task.Run(decide).Result) first "another thread")
        }
    ]

let private missing = test "bfloat16 is refused with the reason where there are no such products, and only there" {
    let refuse () = FusedAggregator.RefuseMissing ProductPrecision.Bfloat16

    match Bfloat16Support.WhyNot with
    | null -> refuse ()
    | reason ->
        Expect.throwsC refuse (fun error ->
            Expect.isTrue (error :? DeviceException) "exit code 5"
            Expect.stringContains error.Message reason "why"
            Expect.stringContains error.Message "--precision float32" "what to do")
}

[<Tests>]
let tests =
    testList
        "precision"
        [
            yield! here
            missing

            test "the portable engine, and float64, refuse bfloat16 with a way out" {
                use _scope = torch.NewDisposeScope()

                for engine, dtype in [ Engine.Portable, torch.float32; Engine.Auto, torch.float64 ] do
                    Expect.throwsC
                        (fun () ->
                            torch.zeros ([| 1L |], dtype = dtype)
                            |> Arithmetic.isFused { bfloat16 with Engine = engine }
                            |> ignore)
                        (fun error ->
                            Expect.isTrue (error :? DeviceException) "exit code 5"
                            Expect.stringContains error.Message "--precision float32" "what to do")
            }
        ]

[<SlowTests>]
let slow =
    testList
        "precision"
        [
            test "training reaches the loss of float32 within 5 %" {
                whereMultiplied
                <| fun () ->
                    let wanted, found = trained Arithmetic.standard, trained bfloat16
                    Expect.isLessThan (abs (found - wanted)) (0.05 * wanted) $"float32 {wanted}, bfloat16 {found}"
            }
        ]
