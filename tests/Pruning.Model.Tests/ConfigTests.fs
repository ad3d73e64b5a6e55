/// Configurations of every kind: to JSON and back, to a model file and back, and what is refused.
module Pruning.Tests.Model.ConfigTests

open System
open System.IO
open System.Text.Json.Nodes
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Tests

let private configs: Arbitrary<PrunerConfig> =
    let probability = Gen.elements [ 0.0; 0.125; 0.3; 0.75 ]

    gen {
        let! features =
            Gen.oneof
                [
                    Gen.elements (List.map snd FeatureTable.sets)
                    FeatureTable.all
                    |> Gen.subListOf
                    |> Gen.map (fun some -> if Seq.isEmpty some then [ NodeFeature.Layer ] else List.ofSeq some)
                ]

        let! layer =
            Gen.elements (
                LayerKind.GatV2 1
                :: LayerKind.GatV2 2
                :: LayerKind.GatV2 8
                :: List.map snd Choices.layers
            )

        let! neighbours = Gen.elements [ 0; 0; 3 ]
        let! rounds = Gen.choose (1, 2)
        let! passes = Gen.choose (1, 3)

        let! strategy =
            Gen.elements
                [
                    DecisionStrategy.OnePass
                    DecisionStrategy.Equilibrium passes
                    DecisionStrategy.Autoregressive
                    DecisionStrategy.Tree
                ]

        let! decision = Gen.elements (List.map snd Choices.cells)
        let! memory = Gen.elements (List.map snd Choices.memories)
        let! aggregator = Gen.elements (List.map snd Choices.aggregators)
        let! residual = Gen.elements [ false; true ]
        let! roundNormalisation = Gen.elements (List.map snd Choices.normalisations)
        let! normalisation = Gen.elements (List.map snd Choices.normalisations)
        let! roundDropout = probability
        let! dropout = probability
        let! seed = ArbMap.defaults |> ArbMap.generate<int64>
        let! order = Gen.elements (Choices.orders seed |> List.map snd)
        let! last = probability
        let! truth = Gen.elements (Choices.schedules last |> List.map snd)
        let! standardise = Gen.elements [ false; true ]

        return
            {
                Features = features
                Neighbours = neighbours
                Hidden = 8
                Rounds = rounds
                Strategy = strategy
                DecisionCell = decision
                MemoryCell = memory
                Layer = layer
                Aggregator = aggregator
                Residual = residual
                RoundNormalisation = roundNormalisation
                RoundDropout = roundDropout
                Order = order
                TeacherForcing = truth
                Normalisation = normalisation
                Standardise = standardise
                Dropout = dropout
            }
    }
    |> Arb.fromGen

let private property count name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = count
        }
        name
        check

let private inFile (check: string -> unit) =
    let directory = Directory.CreateTempSubdirectory "pruning model "

    try
        check (Path.Combine(directory.FullName, "model.safetensors"))
    finally
        directory.Delete true

let private modelOf (config: PrunerConfig) : TrainedModel =
    use random = new torch.Generator(11UL)

    {
        Pruner = Pruner.create (Laws.init random) config
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 3.0 }
        Notes = Map.empty
    }

/// The same weights to the bit, and the same margins but for sums whose order depends on where arrays begin in memory. Nodes
/// that look equally sure may then change places, so a network that decides by confidence is not asked.
let private same (a: TrainedModel) (b: TrainedModel) =
    let weights (model: TrainedModel) = Weights.tensors model.Pruner.Network.Weights

    let margins (model: TrainedModel) =
        [ for g in 0..2 -> Fixture.graphs.Value[g] ]
        |> Pruner.collate model.Pruner
        |> Pruner.decide torch.CPU model.Pruner
        |> torch.tensor

    for (name, one), (other, two) in List.zip (weights a) (weights b) do
        Expect.equal name other "names of weights"
        Near.close 0.0 one two name

    let config = a.Pruner.Config

    if
        config.Strategy <> DecisionStrategy.Autoregressive
        || config.Order <> DecisionOrder.Confidence
    then
        Near.closeRelative 1e-4 (margins a) (margins b) "margins"

/// What the first version wrote.
let private old =
    """{"features":9,"hidden":16,"rounds":2,"strategy":"equilibrium","passes":4,"decision_cell":"gru","memory_cell":"lstm","neighbour_aggregator":"mean","normalisation":"graph-batch","standardise":false,"dropout":0.25}"""

let private parse (text: string) = nonNull (JsonNode.Parse text) :?> JsonObject

let private refused (change: JsonObject -> unit) (parts: string list) =
    let json =
        ConfigJson.ofPruner
            { PrunerConfig.standard with
                Layer = LayerKind.GatV2 4
            }

    change json

    let text = json.ToJsonString()

    Expect.throwsC (fun () -> ConfigJson.toPruner (parse text) |> ignore) (fun error ->
        Expect.isTrue (error :? CheckpointException) $"wanted a CheckpointException, found {error}"

        for part in parts do
            Expect.stringContains error.Message part "the message")

let private set (key: string) (value: JsonNode | null) (json: JsonObject) = json[key] <- value

[<Tests>]
let tests =
    testList
        "configurations"
        [
            property
                200
                "come back from JSON as they were"
                (Prop.forAll configs (fun config ->
                    let text = (ConfigJson.ofPruner config).ToJsonString()
                    Expect.equal (ConfigJson.toPruner (parse text)) config text))

            property
                25
                "a model file gives the same network"
                (Prop.forAll configs (fun config ->
                    use _scope = torch.NewDisposeScope()

                    inFile (fun path ->
                        let model = modelOf config
                        ModelFile.save path model
                        let loaded = ModelFile.load (Placement.standard ()) path
                        Expect.equal loaded.Pruner.Config config "configuration"
                        Expect.equal loaded.Pruner.Strategy.Name model.Pruner.Strategy.Name "strategy"
                        same loaded model)))

            test "what the first version wrote is still read" {
                Expect.equal
                    (ConfigJson.toPruner (parse old))
                    { PrunerConfig.standard with
                        Hidden = 16
                        Rounds = 2
                        Strategy = DecisionStrategy.Equilibrium 4
                        DecisionCell = CellKind.Gru
                        MemoryCell = Some CellKind.Lstm
                        Aggregator = Aggregator.Mean
                        Normalisation = Normalisation.GraphBatch
                        Standardise = false
                        Dropout = 0.25
                    }
                    "configuration"
            }

            test "a model file of the first version is still read" {
                use _scope = torch.NewDisposeScope()

                inFile (fun path ->
                    let model = modelOf (ConfigJson.toPruner (parse old))

                    let metadata =
                        Map
                            [
                                "format", "graph-pruning model 1"
                                "config", old
                                "criterion", (ConfigJson.ofCriterion model.Criterion).ToJsonString()
                                "features", "pos_x,pos_y,pos_z,energy,time,eta,phi,isSeedCLUE3DHigh,isSeedCLUE3DLow"
                            ]

                    SafeTensors.write path metadata (Weights.tensors model.Pruner.Network.Weights)
                    same (ModelFile.load (Placement.standard ()) path) model)
            }

            test "columns that differ from the configuration's are refused" {
                use _scope = torch.NewDisposeScope()

                inFile (fun path ->
                    let model =
                        modelOf
                            { PrunerConfig.standard with
                                Hidden = 8
                            }

                    let metadata =
                        Map
                            [
                                "format", "graph-pruning model 1"
                                "config", (ConfigJson.ofPruner model.Pruner.Config).ToJsonString()
                                "criterion", (ConfigJson.ofCriterion model.Criterion).ToJsonString()
                                "features", "energy"
                            ]

                    SafeTensors.write path metadata (Weights.tensors model.Pruner.Network.Weights)

                    Expect.throwsT<CheckpointException>
                        (fun () -> ModelFile.load (Placement.standard ()) path |> ignore)
                        "other columns")
            }

            test "unknown words are refused with those that are known" {
                refused (set "layer" (Json.text "gat")) [ "'layer'"; "'gat'"; "sage, gcn, gin, gatv2, edgeconv" ]
                refused (set "order" (Json.text "size")) [ "'order'"; "'size'"; "confidence, energy, layer, random" ]
                refused (set "strategy" (Json.text "all")) [ "'all'"; "one-pass, equilibrium, autoregressive" ]
                refused (set "scheduled_sampling" (Json.text "cosine")) [ "'cosine'"; "none, linear, exponential" ]
                refused (set "round_normalisation" (Json.text "batch")) [ "'batch'"; "layer, graph-batch, identity" ]
                refused (set "features" (Json.list [ Json.text "charge" ])) [ "'features'"; "charge"; "log_energy" ]
                refused (set "features" (Json.list [ Json.text "energy"; Json.text "energy" ])) [ "different names" ]
                refused (set "features" (Json.list [])) [ "'features'"; "[]" ]
                refused (set "features" (Json.list [ Json.integer 3L ])) [ "'features'"; "found 3" ]
                refused (set "features" (Json.integer 8L)) [ "'features'"; "found 8" ]
                refused (fun json -> json.Remove "features" |> ignore) [ "'features'"; "nothing" ]
            }

            test "numbers out of range are refused" {
                refused (set "heads" (Json.integer 3L)) [ "'heads'"; "a divisor of 128"; "3" ]
                refused (set "heads" (Json.integer 0L)) [ "'heads'" ]
                refused (set "round_dropout" (Json.number 1.0)) [ "'round_dropout'"; "[0, 1)" ]

                refused
                    (fun json ->
                        set "scheduled_sampling" (Json.text "linear") json
                        set "scheduled_sampling_last" (Json.number 1.5) json)
                    [ "'scheduled_sampling_last'"; "[0, 1]" ]

                refused
                    (fun json ->
                        set "order" (Json.text "random") json
                        set "order_seed" (Json.text "x") json)
                    [ "'order_seed'" ]
            }
        ]
