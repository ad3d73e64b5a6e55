/// Weights, buffers and inputs lie where they were asked for. The meta device stands for one that is not here: it has shapes and no
/// numbers. libtorch has no ReLU for it, so a whole pass cannot be run there.
module Pruning.Tests.Model.DevicePlacementTests

open Expecto
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Decoding
open Pruning.Tests

/// A function: tests are found before libtorch is loaded.
let private meta () = torch.device "meta"

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
            TeacherForcing = TeacherForcingSchedule.Linear 0.2
        }
    ]

let private built config =
    use random = new torch.Generator(1UL)
    Pruner.create (Init.create (Placement.on (meta ()) Arithmetic.standard) random) config

let private isMeta (tensor: torch.Tensor) = tensor.device_type = DeviceType.META

let private name (config: PrunerConfig) =
    $"{config.Strategy}, {config.Layer} {config.Aggregator}, memory {config.MemoryCell}, {config.Normalisation}, order {config.Order}"

[<Tests>]
let tests =
    testList
        "device placement"
        [
            for config in configs do
                test $"{name config}: weights and inputs" {
                    use _scope = torch.NewDisposeScope()
                    let pruner = built config

                    for name, tensor in Weights.tensors pruner.Network.Weights do
                        Expect.isTrue (isMeta tensor) name

                    let batch = BatchTensors.create (meta ()) torch.float32 (Fixture.batch [ 0; 1; 2 ])

                    for tensor in
                        [
                            batch.X
                            batch.Labels
                            batch.GraphOfNode
                            batch.Plan.StepSource
                            batch.Plan.RankOfNode
                            batch.Plan.SegmentSource
                            batch.Plan.SegmentTarget
                            batch.Plan.InDegree
                        ] do
                        Expect.isTrue (isMeta tensor) "an input"

                }

            test "a network that is built without a device lies on the CPU, after one that was built elsewhere too" {
                built small |> ignore
                use random = new torch.Generator(1UL)
                let pruner = Pruner.create (Laws.init random) small

                for name, tensor in Weights.tensors pruner.Network.Weights do
                    Expect.equal tensor.device_type DeviceType.CPU name
            }
        ]
