/// The network against numbers that the original research code made (tests/Fixtures/README.md).
module Pruning.Tests.Model.ParityTests

open System.IO
open System.Text.Json
open Expecto
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Tests

/// One of the original's model variants with its reference numbers.
type private Case =
    {
        Name: string
        Config: PrunerConfig
        LearningRate: float
        Criterion: Criterion
        Numbers: Fixture.Tensors
    }

let private weightsOf (json: JsonElement) =
    let pair = [| for w in json.EnumerateArray() -> w.GetDouble() |]
    { Keep = pair[0]; Prune = pair[1] }

let private load (name: string) : Case =
    use manifest =
        JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixture.directory, "cases", $"{name}.json")))

    let text (key: string) = manifest.RootElement.GetProperty(key).GetString() |> string
    let number (key: string) = manifest.RootElement.GetProperty(key).GetInt32()
    let cell kind = if kind = "lstm" then CellKind.Lstm else CellKind.Gru

    let strategy =
        if text "mode" = "autoregressive" then
            DecisionStrategy.Autoregressive
        else
            DecisionStrategy.Equilibrium(number "num_iterations")

    let config =
        { PrunerConfig.standard with
            Features = NodeFeature.original
            Hidden = number "hidden_dim"
            Rounds = number "num_gnn_steps"
            Strategy = strategy
            DecisionCell = cell (text "aggregator")
            MemoryCell =
                (match text "memory" with
                 | "none" -> None
                 | kind -> Some(cell kind))
            Dropout = 0.0
        }

    {
        Name = name
        Config = PrunerConfig.parity config
        LearningRate = manifest.RootElement.GetProperty("lr").GetDouble()
        Criterion =
            {
                Weights = weightsOf (manifest.RootElement.GetProperty "class_weight")
                Loss = LossKind.Original
            }
        Numbers = Fixture.read (Path.Combine(Fixture.directory, "cases", $"{name}.safetensors"))
    }

let private translate (named: (string * torch.Tensor) list) =
    [
        for name, value in named do
            match OriginalNames.tryTranslate name with
            | Some ours -> ours, value
            | None -> failtestf "the original's '%s' has no name of ours" name
    ]

let private pruner (case: Case) : Pruner =
    use random = new torch.Generator(1UL)
    let pruner = Pruner.create (Laws.init random) case.Config
    Weights.load (Fixture.under "param." case.Numbers |> translate) pruner.Network.Weights
    pruner

let private graphs = lazy (Fixture.graphsOf Fixture.directory)

let private batch (numbers: int list) = BatchAssembler.Collate [| for g in numbers -> graphs.Value[g] |]

let private tensors numbers = batch numbers |> BatchTensors.create torch.CPU (Laws.dtype ())

/// 2e-5, or five times what float32 itself costs the original here.
let private tolerance (case: Case) (name: string) (in64: string) =
    match Map.tryFind in64 case.Numbers with
    | Some exact -> max 2e-5 (5.0 * Near.distance case.Numbers[name] exact)
    | None -> 2e-5

let private batchLoss case sizes perGraph = Loss.ofBatch LossKind.Original case.Config.Strategy sizes perGraph

/// Logits, order and loss of each graph of a batch against eval.g{i}.*.
let private checkGraphs (case: Case) (graphs: int list) (predictions: NodePredictions) =
    let batch = tensors graphs
    let autoregressive = case.Config.Strategy = DecisionStrategy.Autoregressive

    for place, g in List.indexed graphs do
        let first = int64 batch.Source.NodeOffsets[place]
        let count = int64 batch.GraphSizes[place]
        let rows (x: torch.Tensor) = x.narrow (0L, first, count)
        let logits = $"eval.g{g}.logits"

        Near.close
            (tolerance case logits $"eval64.g{g}.logits")
            (rows predictions.Logits)
            case.Numbers[logits]
            $"logits of g{g}"

        if autoregressive then
            let stepOf = Fixture.longs ((rows predictions.StepOfNode).contiguous())
            let order = Array.init stepOf.Length int64 |> Array.sortBy (fun node -> stepOf[int node])
            Expect.equal order (Fixture.longs case.Numbers[$"eval.g{g}.order"]) $"order of choices of g{g}"

        let loss = predictions.GraphLoss.Value.narrow(0L, int64 place, 1L).squeeze 0L
        let wanted = $"eval.g{g}.loss"
        Near.close (tolerance case wanted $"eval64.g{g}.loss") loss case.Numbers[wanted] $"loss of g{g}"

let private evaluation (case: Lazy<Case>) =
    testList
        "evaluation"
        [
            for graphs in [ [ 0 ]; [ 1 ]; [ 2 ]; [ 3 ]; [ 0; 1; 2; 3 ]; [ 3; 2; 1; 0 ]; [ 1; 2; 3 ] ] do
                let label = graphs |> List.map string |> String.concat ""

                test $"graphs {label}: logits, order and losses" {
                    let case = case.Value
                    use _scope = torch.NewDisposeScope()
                    use _guard = torch.no_grad ()
                    let batch = tensors graphs
                    let predictions = Pruner.run (pruner case) Inference (PassMode.Train case.Criterion) batch
                    checkGraphs case graphs predictions

                    if graphs.Length > 1 then
                        let wanted = $"eval.loss_batch_{label}"
                        let loss = batchLoss case batch.GraphSizes predictions.GraphLoss.Value

                        Near.close
                            (tolerance case wanted $"eval64.loss_batch_{label}")
                            loss
                            case.Numbers[wanted]
                            "loss of the batch"
                }

            test "float64: logits of all graphs" {
                let case = case.Value
                use _scope = torch.NewDisposeScope()
                use _guard = torch.no_grad ()

                Laws.inFloat64 (fun () ->
                    let batch = tensors [ 0; 1; 2; 3 ]
                    let predictions = Pruner.run (pruner case) Inference (PassMode.Train case.Criterion) batch

                    let wanted = torch.cat ([| for g in 0..3 -> case.Numbers[$"eval64.g{g}.logits"] |], 0L)
                    Near.close 1e-9 predictions.Logits wanted "logits")
            }
        ]

/// One training step on g1, g2, g3 without dropout.
let private trained (case: Case) (pruner: Pruner) (check: NodePredictions -> torch.Tensor -> unit) =
    use _scope = torch.NewDisposeScope()
    use random = new torch.Generator(1UL)
    let batch = tensors [ 1; 2; 3 ]
    let predictions = Pruner.run pruner (Training random) (PassMode.Train case.Criterion) batch
    let loss = batchLoss case batch.GraphSizes predictions.GraphLoss.Value
    loss.backward ()
    check predictions loss

let private gradients (case: Case) (prefix: string) = Fixture.under prefix case.Numbers |> translate |> Map.ofList

/// The loss does not change when all confidences shift, so this gradient is 0 and what is seen of it is rounding.
let private shiftInvariant = set [ "confidence.5.bias" ]

/// How much rounding can move the gradients of a case, relative to the largest entry of each: the change under random
/// relative changes of the weights by 4e-6, in float64. A ReLU whose input is as near to zero as float32 resolves makes
/// this large; then two right float32 programs may stand on its two sides.
let private sensitivity (case: Case) : Map<string, float> =
    Laws.inFloat64 (fun () ->
        let exact = gradients case "train64.grad."

        [
            for seed in 1UL .. 16UL do
                use random = new torch.Generator(seed)
                let pruner = pruner case

                let shake (p: Parameter) =
                    use _guard = torch.no_grad ()
                    use noise = torch.rand (p.shape, dtype = Laws.dtype (), generator = random)
                    p.mul_ (noise.sub(scalar 0.5).mul(scalar 8e-6).add(scalar 1.0)) |> ignore

                pruner.Network.Weights.Parameters |> List.iter (snd >> shake)

                trained case pruner (fun _ _ -> ())

                for name, parameter in pruner.Network.Weights.Parameters do
                    match Map.tryFind name exact with
                    | Some gradient ->
                        name,
                        Near.distance (nonNull parameter.grad) gradient
                        / max (Near.largest gradient) 1e-12
                    | None -> ()
        ]
        |> List.groupBy fst
        |> List.map (fun (name, changes) -> name, changes |> List.map snd |> List.max)
        |> Map.ofList)

let private training (case: Lazy<Case>) =
    let sensitivity = lazy (sensitivity case.Value)

    /// 1e-4, five times what float32 costs the original, or what rounding can do where that is more.
    let relativeTolerance name (gradient: torch.Tensor) (exact: torch.Tensor) (distance: float) =
        let usual = max 1e-4 (5.0 * Near.distance gradient exact / max (Near.largest gradient) 1e-12)
        if distance <= usual then usual else max usual (2.0 * sensitivity.Value[name])

    testList
        "training step"
        [
            test "loss and logits" {
                let case = case.Value

                trained case (pruner case) (fun predictions loss ->
                    Near.close (tolerance case "train.loss" "train64.loss") loss case.Numbers["train.loss"] "loss"
                    let offsets = (batch [ 1; 2; 3 ]).NodeOffsets

                    for g in 1..3 do
                        let rows =
                            predictions.Logits.narrow (0L, int64 offsets[g - 1], int64 (offsets[g] - offsets[g - 1]))

                        let name = $"train.g{g}.logits"

                        Near.close
                            (tolerance case name $"train64.g{g}.logits")
                            rows
                            case.Numbers[name]
                            $"logits of g{g}")
            }

            test "loss and gradients in float64" {
                let case = case.Value

                Laws.inFloat64 (fun () ->
                    let pruner = pruner case

                    trained case pruner (fun _ loss ->
                        Near.close 1e-10 loss case.Numbers["train64.loss"] "loss"
                        let exact = gradients case "train64.grad."

                        for name, parameter in pruner.Network.Weights.Parameters do
                            match Map.tryFind name exact with
                            | None -> Expect.isNull parameter.grad $"{name} takes no part in this loss"
                            | Some gradient when shiftInvariant.Contains name ->
                                Near.close 1e-12 (nonNull parameter.grad) gradient name
                            | Some gradient -> Near.closeRelative 1e-8 (nonNull parameter.grad) gradient name))
            }

            test "gradients, and none where the original has none" {
                let case = case.Value
                let pruner = pruner case

                trained case pruner (fun _ _ ->
                    let wanted, exact = gradients case "train.grad.", gradients case "train64.grad."
                    let scale = wanted |> Map.toSeq |> Seq.map (snd >> Near.largest) |> Seq.max

                    for name, parameter in pruner.Network.Weights.Parameters do
                        match Map.tryFind name wanted with
                        | None -> Expect.isNull parameter.grad $"{name} takes no part in this loss"
                        | Some gradient when shiftInvariant.Contains name ->
                            Near.close (1e-6 * scale) (nonNull parameter.grad) gradient name
                        | Some gradient ->
                            let grad = nonNull parameter.grad
                            let distance = Near.distance grad gradient / max (Near.largest gradient) 1e-12

                            Near.closeRelative
                                (relativeTolerance name gradient exact[name] distance)
                                grad
                                gradient
                                name)
            }

            test "batch-norm statistics and parameters after one Adam step" {
                let case = case.Value
                let pruner = pruner case

                trained case pruner (fun _ _ ->
                    let buffers = Map.ofList pruner.Network.Weights.Buffers
                    let after = Fixture.under "train.after." case.Numbers |> translate
                    Expect.equal after.Length buffers.Count "every running statistic is compared"

                    for name, wanted in after do
                        Near.close 2e-5 buffers[name] wanted name

                    let wanted, exact = gradients case "train.grad.", gradients case "train64.grad."
                    let byName = Map.ofList pruner.Network.Weights.Parameters

                    // The first Adam step is lr g / (|g| + eps): where |g| is as small as its error, the sign is noise.
                    let steady =
                        wanted
                        |> Map.map (fun name gradient ->
                            let distance =
                                Near.distance (nonNull byName[name].grad) gradient
                                / max (Near.largest gradient) 1e-12

                            let floor =
                                2.0
                                * relativeTolerance name gradient exact[name] distance
                                * Near.largest gradient

                            gradient.abs().gt(scalar floor).``to`` torch.float32)

                    use optimiser = new Pruning.Model.Training.Adam(pruner.Network.Weights.Parameters, 0.0)
                    optimiser.Step case.LearningRate

                    for name, value in Fixture.under "train.adam1." case.Numbers |> translate do
                        match Map.tryFind name steady with
                        | Some _ when shiftInvariant.Contains name -> ()
                        | Some mask -> Near.close 2e-5 (byName[name].mul mask) (value.mul mask) $"{name} after Adam"
                        | None -> Near.close 0.0 byName[name] value $"{name}, which Adam has no gradient for,"

                        Near.close (2.1 * case.LearningRate) byName[name] value $"{name} after Adam, all of it")
            }
        ]

let private names =
    lazy
        (use index = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixture.directory, "index.json")))

         [
             for case in index.RootElement.GetProperty("cases").EnumerateArray() ->
                 string (case.GetProperty("name").GetString())
         ])

[<Tests>]
let tests =
    testList
        "parity"
        [
            test "all twelve variants are there" {
                let variants =
                    [
                        for name in names.Value ->
                            let config = (load name).Config
                            config.Strategy.IsAutoregressive, config.DecisionCell, config.MemoryCell
                    ]

                Expect.equal (List.distinct variants).Length 12 "variants in index.json"
            }

            for name in names.Value do
                let case = lazy (load name)
                Laws.withBothEngines name [ evaluation case; training case ]
        ]
