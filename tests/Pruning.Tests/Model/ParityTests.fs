/// The network against numbers that the original research code made (tests/Fixtures/README.md).
module Pruning.Tests.Model.ParityTests

open System.IO
open System.Text.Json
open Expecto
open TorchSharp
open Pruning.Model
open Pruning.Model.Decisions
open Pruning.Tests

/// One of the original's model variants with its reference numbers.
type private Case = { Name: string; Config: PrunerConfig; LearningRate: float; Weights: ClassWeights; Numbers: Fixture.Tensors }

let private weightsOf (json: JsonElement) =
    let pair = [| for w in json.EnumerateArray() -> w.GetDouble() |]
    { Keep = pair[0]; Prune = pair[1] }

let private load (name: string) : Case =
    use manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixture.directory, "cases", $"{name}.json")))
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
            Features = number "in_feats"
            Hidden = number "hidden_dim"
            Rounds = number "num_gnn_steps"
            Strategy = strategy
            DecisionCell = cell (text "aggregator")
            MemoryCell = (match text "memory" with "none" -> None | kind -> Some(cell kind))
            Dropout = 0.0
        }

    {
        Name = name
        Config = PrunerConfig.parity config
        LearningRate = manifest.RootElement.GetProperty("lr").GetDouble()
        Weights = weightsOf (manifest.RootElement.GetProperty "class_weight")
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
    let pruner = Pruner.create random case.Config
    Weights.load (Fixture.under "param." case.Numbers |> translate) pruner.Network.Weights
    pruner

let private tensors graphs = Fixture.batch graphs |> BatchTensors.create torch.CPU torch.float32

/// 2e-5, or five times what float32 itself costs the original here.
let private tolerance (case: Case) (name: string) (in64: string) =
    match Map.tryFind in64 case.Numbers with
    | Some exact -> max 2e-5 (5.0 * Near.distance case.Numbers[name] exact)
    | None -> 2e-5

let private batchLoss case sizes perGraph = Loss.ofBatch LossKind.Original case.Config.Strategy sizes perGraph

/// Logits, order and loss of each graph of a batch against eval.g{i}.*.
let private checkGraphs (case: Case) (graphs: int list) (verdict: Verdict) =
    let batch = tensors graphs
    let autoregressive = case.Config.Strategy = DecisionStrategy.Autoregressive

    for place, g in List.indexed graphs do
        let first = int64 batch.Source.NodeOffsets[place]
        let count = int64 batch.GraphSizes[place]
        let rows (x: torch.Tensor) = x.narrow (0L, first, count)
        let logits = $"eval.g{g}.logits"
        Near.close (tolerance case logits $"eval64.g{g}.logits") (rows verdict.Logits) case.Numbers[logits] $"logits of g{g}"

        if autoregressive then
            let stepOf = Fixture.longs ((rows verdict.StepOfNode).contiguous ())
            let order = Array.init stepOf.Length int64 |> Array.sortBy (fun node -> stepOf[int node])
            Expect.equal order (Fixture.longs case.Numbers[$"eval.g{g}.order"]) $"order of choices of g{g}"

        let loss = verdict.GraphLoss.Value.narrow(0L, int64 place, 1L).squeeze 0L
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
                    let verdict = Pruner.run (pruner case) Inference (Teach case.Weights) batch
                    checkGraphs case graphs verdict

                    if graphs.Length > 1 then
                        let wanted = $"eval.loss_batch_{label}"
                        let loss = batchLoss case batch.GraphSizes verdict.GraphLoss.Value
                        Near.close (tolerance case wanted $"eval64.loss_batch_{label}") loss case.Numbers[wanted] "loss of the batch"
                }
        ]

/// One training step on g1, g2, g3 without dropout.
let private trained (case: Case) (check: Pruner -> Verdict -> torch.Tensor -> unit) =
    use _scope = torch.NewDisposeScope()
    use random = new torch.Generator(1UL)
    let pruner = pruner case
    let batch = tensors [ 1; 2; 3 ]
    let verdict = Pruner.run pruner (Training random) (Teach case.Weights) batch
    let loss = batchLoss case batch.GraphSizes verdict.GraphLoss.Value
    loss.backward ()
    check pruner verdict loss

let private training (case: Lazy<Case>) =
    testList
        "training step"
        [
            test "loss and logits" {
                let case = case.Value

                trained case (fun _ verdict loss ->
                    Near.close (tolerance case "train.loss" "train64.loss") loss case.Numbers["train.loss"] "loss"

                    for g in 1..3 do
                        let offsets = (Fixture.batch [ 1; 2; 3 ]).NodeOffsets
                        let rows = verdict.Logits.narrow (0L, int64 offsets[g - 1], int64 (offsets[g] - offsets[g - 1]))
                        let name = $"train.g{g}.logits"
                        Near.close (tolerance case name $"train64.g{g}.logits") rows case.Numbers[name] $"logits of g{g}")
            }

            test "gradients, and none where the original has none" {
                let case = case.Value

                trained case (fun pruner _ _ ->
                    let wanted = Fixture.under "train.grad." case.Numbers |> translate |> Map.ofList
                    let exact = Fixture.under "train64.grad." case.Numbers |> translate |> Map.ofList

                    for name, parameter in pruner.Network.Weights.Parameters do
                        match Map.tryFind name wanted with
                        | None -> Expect.isNull parameter.grad $"{name} takes no part in this loss"
                        | Some gradient ->
                            let own = Near.distance gradient exact[name] / max (Near.largest gradient) 1e-12
                            Near.closeRelative (max 1e-4 (5.0 * own)) (nonNull parameter.grad) gradient $"gradient of {name}")
            }

            test "batch-norm statistics and parameters after one Adam step" {
                let case = case.Value

                trained case (fun pruner _ _ ->
                    let parameters = pruner.Network.Weights.Parameters |> List.map snd
                    use optimiser = torch.optim.Adam (parameters, lr = case.LearningRate)
                    optimiser.step () |> ignore
                    let buffers = Map.ofList pruner.Network.Weights.Buffers
                    let after = Fixture.under "train.after." case.Numbers |> translate
                    Expect.equal after.Length buffers.Count "every running statistic is compared"

                    for name, wanted in after do
                        Near.close 2e-5 buffers[name] wanted name

                    let byName = Map.ofList pruner.Network.Weights.Parameters
                    let gradients = Fixture.under "train.grad." case.Numbers |> translate |> Map.ofList

                    for name, wanted in Fixture.under "train.adam1." case.Numbers |> translate do
                        // The first Adam step is lr * g / (|g| + eps): where |g| is near rounding its sign is noise.
                        let steady =
                            match Map.tryFind name gradients with
                            | Some gradient -> gradient.abs().gt(Scalar.op_Implicit (1e-4 * Near.largest gradient)).``to`` torch.float32
                            | None -> torch.ones_like wanted

                        Near.close 2e-5 (byName[name].mul steady) (wanted.mul steady) $"{name} after Adam"
                        Near.close (2.1 * case.LearningRate) byName[name] wanted $"{name} after Adam, all of it")
            }
        ]

let private names =
    lazy
        (use index = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixture.directory, "index.json")))
         [ for case in index.RootElement.GetProperty("cases").EnumerateArray() -> string (case.GetProperty("name").GetString()) ])

[<Tests>]
let tests =
    testSequenced
    <| testList
        "parity"
        [
            test "there are twelve variants" { Expect.equal names.Value.Length 12 "cases in index.json" }

            for name in names.Value do
                let case = lazy (load name)
                testList name [ evaluation case; training case ]
        ]
