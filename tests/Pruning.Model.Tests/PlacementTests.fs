/// Networks are values: two that differ in engine, precision and type compute at the same time, and copies are independent.
module Pruning.Tests.Model.PlacementTests

open System.Threading
open Expecto
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Native.Kernels
open Pruning.Tests

let private configs =
    let small =
        { PrunerConfig.standard with
            Hidden = 16
            Rounds = 2
            Dropout = 0.0
        }

    [
        { small with
            Strategy = DecisionStrategy.Equilibrium 2
            MemoryCell = Some CellKind.Gru
        }
        { small with
            Strategy = DecisionStrategy.Autoregressive
            // In the order of confidence float32 and float64 could decide nearly equal nodes in turn.
            Order = DecisionOrder.Energy
            DecisionCell = CellKind.Gru
            Layer = LayerKind.GravNet
        }
        { small with
            Strategy = DecisionStrategy.Tree
            Normalisation = Normalisation.GraphBatch
            RoundNormalisation = Normalisation.Layer
            Residual = true
        }
    ]

/// Asked inside of a test, because tests are found before libtorch is loaded.
let private placements () =
    let standard = Placement.standard ()

    [
        { standard with
            Arithmetic = Arithmetic.ofEngine Engine.Portable
        }
        { standard with
            Arithmetic = Arithmetic.ofEngine Engine.Fused
        }
        { standard with Type = torch.float64 }
        { standard with
            Arithmetic =
                { Arithmetic.standard with
                    Registers = SimdLevel.Scalar
                }
        }
        if isNull Bfloat16Support.WhyNot then
            { standard with
                Arithmetic =
                    { Arithmetic.standard with
                        Precision = ProductPrecision.Bfloat16
                    }
            }
    ]

let private built (placement: Placement) (config: PrunerConfig) : Pruner =
    use random = new torch.Generator(5UL)
    Pruner.create (Init.create placement random) config

let private tensors (network: Network) = Weights.tensors network.Weights

let private numbers (tensor: torch.Tensor) : float array = tensor.detach().``to``(torch.float64).data<float>().ToArray()

let private values (network: Network) : (string * float array) list =
    [ for name, tensor in tensors network -> name, numbers tensor ]

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

/// Back-propagates the loss of some graphs; the answer's logits.
let private learn (pruner: Pruner) : float array =
    use _scope = torch.NewDisposeScope()
    use random = new torch.Generator(9UL)
    let prepared = (Pruner.preparation pruner).Apply(Fixture.batch [ 0; 1; 2 ])
    let batch = BatchTensors.create torch.CPU (Pruner.dtype pruner) prepared
    let memory = Backpropagation.Full
    let predictions = Pruner.learn pruner memory random criterion [| 0.2; 0.3; 0.5 |] ignore batch
    numbers predictions.Logits

let private gradients (pruner: Pruner) : (string * float array) list =
    [
        for name, parameter in pruner.Network.Weights.Parameters do
            match parameter.grad with
            | null -> ()
            | gradient -> name, numbers gradient
    ]

/// Logits and gradients of a network that is built and used on one thread.
let private outcome (config: PrunerConfig) (placement: Placement) =
    let pruner = built placement config
    let logits = learn pruner
    logits, gradients pruner

/// Each job on a thread of its own, all started together.
let private together (jobs: (unit -> 'T) list) : 'T list =
    use start = new Barrier(jobs.Length)
    let answers = Array.zeroCreate<Result<'T, exn>> jobs.Length

    let threads =
        jobs
        |> List.mapi (fun i job ->
            Thread(fun () ->
                start.SignalAndWait()

                answers[i] <-
                    try
                        Ok(job ())
                    with error ->
                        Error error))

    for thread in threads do
        thread.Start()

    for thread in threads do
        thread.Join()

    [
        for answer in answers do
            match answer with
            | Ok answer -> answer
            | Error error -> raise error
    ]

let private concurrent (config: PrunerConfig) =
    test $"{config.Strategy}: networks of every placement at the same time compute what they compute alone" {
        let placements = placements ()
        let alone = placements |> List.map (outcome config)
        Expect.notEqual alone[0] alone[2] "float64 has other digits"

        for _ in 1..3 do
            let found =
                placements
                |> List.map (fun placement () -> outcome config placement)
                |> together

            Expect.equal found alone "logits and gradients"
    }

let private copies (config: PrunerConfig) =
    testList
        $"{config.Strategy}"
        [
            test "mapped by the identity, a network is itself" {
                use _scope = torch.NewDisposeScope()
                let pruner = built (Placement.standard ()) config
                let mapped = Network.map id pruner.Network
                Expect.equal (values mapped) (values pruner.Network) "names, order and values"
                Expect.equal (learn (Pruner.withNetwork mapped pruner)) (learn pruner) "logits"
            }

            test "to float64 and back keeps every float32, and float64 computes nearly the same" {
                use _scope = torch.NewDisposeScope()
                let pruner = built (Placement.standard ()) config
                let wide = Network.toType torch.float64 pruner.Network
                Expect.equal (values wide) (values pruner.Network) "float64"
                Expect.equal (values (Network.toType torch.float32 wide)) (values pruner.Network) "back"

                for (name, before), (_, after) in List.zip (tensors pruner.Network) (tensors wide) do
                    let wanted = if before.is_floating_point () then torch.float64 else before.dtype
                    Expect.equal after.dtype wanted name

                let near = Seq.zip (learn (Pruner.withNetwork wide pruner)) (learn pruner)
                Expect.all near (fun (a, b) -> abs (a - b) < 1e-4 * (1.0 + abs b)) "logits"
            }

            for name, change in
                [
                    // Functions, because tests are found before libtorch is loaded.
                    "copy", (fun network -> Network.copy network)
                    "copy to the same device", (fun network -> Network.toDevice torch.CPU network)
                    "copy to the same type", (fun network -> Network.toType torch.float32 network)
                ] do
                test $"a {name} shares neither gradients nor values" {
                    use _scope = torch.NewDisposeScope()
                    let original = built (Placement.standard ()) config
                    learn original |> ignore
                    let copy = original |> Pruner.withNetwork (change original.Network)
                    Expect.isEmpty (gradients copy) "a copy starts without gradients"
                    let before, gradient = values original.Network, gradients original
                    learn copy |> ignore
                    Expect.equal (gradients copy) gradient "its gradients"

                    do
                        use _guard = torch.no_grad ()

                        for _, tensor in tensors copy.Network do
                            tensor.zero_ () |> ignore

                    for _, parameter in copy.Network.Weights.Parameters do
                        Expect.isTrue parameter.requires_grad "it learns"
                        Expect.isTrue parameter.is_leaf "and owns what it learns"

                    Expect.equal (values original.Network) before "values of the original"
                    Expect.equal (gradients original) gradient "gradients of the original"
                }
        ]

[<Tests>]
let tests =
    testList
        "placement"
        [ testList "concurrent" (List.map concurrent configs); testList "copies" (List.map copies configs) ]
