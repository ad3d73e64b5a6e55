/// Everything lies where the network was built. The meta device has shapes but no numbers: whatever reads a number on the way, or
/// mixes devices, throws there, so a pass on it shows what would wait for a GPU.
module Pruning.Tests.Model.DevicePlacementTests

open Expecto
open TorchSharp
open Pruning.Model
open Pruning.Model.Decisions
open Pruning.Tests

let private meta = torch.device "meta"

let private small =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 2
    }

let private configs =
    [
        for strategy in [ DecisionStrategy.OnePass; DecisionStrategy.Equilibrium 3; DecisionStrategy.Autoregressive ] do
            for memory in [ None; Some CellKind.Lstm ] do
                { small with
                    Strategy = strategy
                    MemoryCell = memory
                }
        for layer in [ LayerKind.Gcn; LayerKind.Gin; LayerKind.GatV2 2; LayerKind.EdgeConv; LayerKind.Interaction ] do
            { small with Layer = layer }
        for aggregator in [ Aggregator.Gru; Aggregator.Mean; Aggregator.Max; Aggregator.Sum ] do
            { small with Aggregator = aggregator }
        for normalisation in [ Normalisation.GraphBatch; Normalisation.Identity ] do
            { small with
                Normalisation = normalisation
                RoundNormalisation = normalisation
                Residual = true
            }
        { small with
            Strategy = DecisionStrategy.Autoregressive
            Order = DecisionOrder.Energy
            Truth = TruthSchedule.Linear 0.2
        }
    ]

let private built config =
    use random = new torch.Generator(1UL)
    Pruner.createOn meta random config

let private isMeta (tensor: torch.Tensor) = tensor.device_type = DeviceType.META

let private name (config: PrunerConfig) =
    $"{config.Strategy}, {config.Layer} {config.Aggregator}, memory {config.MemoryCell}, {config.Normalisation}, order {config.Order}"

let private criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }

[<Tests>]
let tests =
    testSequenced
    <| testList
        "device placement"
        [
            for config in configs do
                test $"{name config}: weights, inputs, a pass and its gradients" {
                    use _scope = torch.NewDisposeScope()
                    let pruner = built config

                    for name, tensor in Weights.tensors pruner.Network.Weights do
                        Expect.isTrue (isMeta tensor) name

                    let batch = BatchTensors.create meta torch.float32 (Fixture.batch [ 0; 1; 2 ])
                    Expect.isTrue (List.forall isMeta [ batch.X; batch.Labels; batch.Plan.StepSource ]) "inputs"
                    use random = new torch.Generator(2UL)
                    let verdict = Pruner.run pruner (Training random) (Teach criterion) batch
                    Expect.equal (verdict.Logits.shape) [| int64 batch.NodeCount; 2L |] "logits"
                    Expect.isTrue (List.forall isMeta [ verdict.Logits; verdict.GraphLoss.Value ]) "verdict"
                    Gradients.backward (verdict.GraphLoss.Value.sum ())

                    for name, parameter in pruner.Network.Weights.Parameters do
                        match parameter.grad with
                        | null -> ()
                        | gradient -> Expect.isTrue (isMeta gradient) $"gradient of {name}"
                }

            for decoding in [ Decoding.Greedy; Decoding.Choices 3; Decoding.Beam 3 ] do
                test $"{decoding} reads nothing back on its way" {
                    use _scope = torch.NewDisposeScope()
                    use _guard = torch.no_grad ()

                    let pruner =
                        built
                            { small with
                                Strategy = DecisionStrategy.Autoregressive
                            }
                        |> Pruner.withDecoding decoding

                    let batch = BatchTensors.create meta torch.float32 (Fixture.batch [ 0; 1; 2 ])
                    let verdict = Pruner.run pruner Inference (Judge criterion) batch
                    Expect.isTrue (isMeta verdict.Logits) "logits"
                }

            test "a network that is built without a device lies on the CPU, after one that was built elsewhere too" {
                built small |> ignore
                use random = new torch.Generator(1UL)
                let pruner = Pruner.create random small

                for name, tensor in Weights.tensors pruner.Network.Weights do
                    Expect.equal tensor.device_type DeviceType.CPU name
            }
        ]
