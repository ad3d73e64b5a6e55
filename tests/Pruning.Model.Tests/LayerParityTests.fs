/// Single layers against the original's: values, gradients of the inputs, gradients of the weights.
module Pruning.Tests.Model.LayerParityTests

open System.IO
open Expecto
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Layers
open Pruning.Model.Cells
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Tests

let private fixture (name: string) = Fixture.read (Path.Combine(Fixture.layers, "layers", $"{name}.safetensors"))

/// Names of a fixture's weights as ours. `original` and `ours` are what the layer is called inside the whole model.
let private named (original: string) (ours: string) (tensors: (string * torch.Tensor) list) =
    [
        for name, value in tensors do
            match OriginalNames.tryTranslate (original + name) with
            | Some translated when translated.StartsWith(ours, System.StringComparison.Ordinal) ->
                translated.Substring ours.Length, value
            | _ -> failtestf "no name for %s%s" original name
    ]

let private random () = new torch.Generator(1UL)
let private leaf (x: torch.Tensor) = x.detach().clone().requires_grad_()

/// Back-propagates sum of y * dy over all outputs.
let private backward (outputs: (torch.Tensor * torch.Tensor) list) =
    let terms = outputs |> List.map (fun (y, dy) -> y.mul(dy).sum())
    (terms |> List.reduce (fun a b -> a.add b)).backward()

let private checkGradients (weights: Weights) (wanted: (string * torch.Tensor) list) =
    let byName = Map.ofList weights.Parameters

    for name, gradient in wanted do
        match byName[name].grad with
        | null -> Expect.equal (Near.largest gradient) 0.0 $"{name} took no part, so its gradient is zero"
        | grad -> Near.closeRelative 1e-4 grad gradient $"gradient of {name}"

let private plan (nodes: int) (source: torch.Tensor) (target: torch.Tensor) =
    BatchAssembler.Plan(nodes, Fixture.longs source, Fixture.longs target)
    |> PlanTensors.create torch.CPU torch.float32

let private sage (name: string) (inputs: int) =
    testList
        name
        [
            for graph in [ "g0"; "g1"; "g2"; "g3"; "raw2"; "multi"; "empty" ] do
                test graph {
                    use _scope = torch.NewDisposeScope()
                    let numbers = fixture name
                    let part key = numbers[$"{graph}.{key}"]
                    use generator = random ()
                    let layer = SageConv.create (Laws.init generator) Aggregator.Lstm inputs 16
                    Weights.load (Fixture.under "param." numbers |> named "gnn.convBlock.0." "rounds.0.") layer.Weights
                    let x = leaf (part "x0")
                    let y = layer.Forward Inference (plan (int (x.size 0)) (part "src") (part "dst")) x
                    Near.close 2e-6 y (part "y0") "output"
                    backward [ y, part "dy0" ]
                    Near.closeRelative 1e-4 (nonNull x.grad) (part "dx0") "gradient of the input"

                    Fixture.under $"{graph}.grad." numbers
                    |> named "gnn.convBlock.0." "rounds.0."
                    |> checkGradients layer.Weights
                }
        ]

let private cell (name: string) (create: torch.Generator -> Cell) = test name {
    use _scope = torch.NewDisposeScope()
    let numbers = fixture name
    use generator = random ()
    let cell = create generator
    Weights.load (Fixture.under "param." numbers |> named "aggregator." "decision.") cell.Weights
    let x, h = leaf numbers["x0"], leaf numbers["x1"]

    match Map.tryFind "x2" numbers with
    | Some carry ->
        let c = leaf carry

        match cell.Next x (LstmState(h, c)) with
        | LstmState(h', c') ->
            Near.close 2e-6 h' numbers["y0"] "hidden state"
            Near.close 2e-6 c' numbers["y1"] "carry"
            backward [ h', numbers["dy0"]; c', numbers["dy1"] ]
            Near.closeRelative 1e-4 (nonNull c.grad) numbers["dx2"] "gradient of the carry"
        | GruState _ -> failtest "an LSTM made a GRU state"
    | None ->
        let next = CellState.hidden (cell.Next x (GruState h))
        Near.close 2e-6 next numbers["y0"] "hidden state"
        backward [ next, numbers["dy0"] ]

    Near.closeRelative 1e-4 (nonNull x.grad) numbers["dx0"] "gradient of the input"
    Near.closeRelative 1e-4 (nonNull h.grad) numbers["dx1"] "gradient of the hidden state"

    Fixture.under "grad." numbers
    |> named "aggregator." "decision."
    |> checkGradients cell.Weights
}

let private encoder (mode: string) = test $"encoder, {mode}" {
    use _scope = torch.NewDisposeScope()
    let numbers = fixture "initializer"
    use generator = random ()

    let config =
        PrunerConfig.parity
            { PrunerConfig.standard with
                Hidden = 16
            }

    let encoder = Encoder.create (Laws.init generator) config
    Weights.load (Fixture.under "param." numbers |> named "in_read." "encoder.") encoder.Weights
    let x = leaf numbers[$"{mode}.x0"]
    let nodes = x.size 0

    let rows =
        {
            GraphOfNode = torch.zeros ([| nodes |], dtype = torch.int64)
            GraphSizes = [| int nodes |]
        }

    let y = encoder.Forward (if mode = "train" then Training generator else Inference) rows x
    Near.close 1e-5 y numbers[$"{mode}.y0"] "output"
    backward [ y, numbers[$"{mode}.dy0"] ]
    Near.closeRelative 1e-4 (nonNull x.grad) numbers[$"{mode}.dx0"] "gradient of the input"

    Fixture.under $"{mode}.grad." numbers
    |> named "in_read." "encoder."
    |> checkGradients encoder.Weights

    let buffers = Map.ofList encoder.Weights.Buffers

    for name, wanted in Fixture.under $"{mode}.after." numbers |> named "in_read." "encoder." do
        Near.close 1e-6 buffers[name] wanted name
}

[<Tests>]
let tests =
    Laws.withBothEngines
        "layer parity"
        [
            sage "sage_16_16" 16
            sage "sage_9_16" 9
            cell "lstm_cell_2" (fun random -> LstmCell.create (Laws.init random) 2 16)
            cell "lstm_cell_16" (fun random -> LstmCell.create (Laws.init random) 16 16)
            cell "gru_cell_2" (fun random -> GruCell.create (Laws.init random) 2 16)
            cell "gru_cell_16" (fun random -> GruCell.create (Laws.init random) 16 16)
            encoder "eval"
            encoder "train"

            test "the neighbour LSTM ends where PyTorch's ends on the same sequences" {
                use _scope = torch.NewDisposeScope()
                let numbers = fixture "torch_lstm"
                let sequences, length = numbers["x0"].size 0, numbers["x0"].size 1
                use generator = random ()
                let layer = Aggregators.lstm (Laws.init generator) 16

                let weights =
                    Fixture.under "param." numbers
                    |> List.map (fun (name, value) -> name.Replace("_l0", ""), value)

                Weights.load weights layer.Weights

                // A star per sequence: its items are the neighbours of one more node, in their order.
                let source = [| for k in 0L .. sequences * length - 1L -> k |]
                let target = [| for k in source -> sequences * length + k / length |]
                let nodes = int (sequences * length + sequences)

                let plan =
                    BatchAssembler.Plan(nodes, source, target)
                    |> PlanTensors.create torch.CPU torch.float32

                let x =
                    torch.cat (
                        [| numbers["x0"].reshape(-1L, 16L); torch.zeros ([| sequences; 16L |], dtype = Laws.dtype ()) |],
                        0L
                    )

                let last = (layer.Forward plan x).narrow(0L, sequences * length, sequences)
                Near.close 2e-6 last (numbers["y1"].reshape(sequences, 16L)) "last hidden state"
            }

            test "message passing with both heads" {
                use _scope = torch.NewDisposeScope()
                let numbers = fixture "gnn_cell"
                let g2 = BatchAssembler.Collate [| (Fixture.graphsOf Fixture.layers)[2] |]
                use generator = random ()

                let config =
                    PrunerConfig.parity
                        { PrunerConfig.standard with
                            Hidden = 16
                            Rounds = 2
                            Dropout = 0.0
                        }

                let rounds =
                    GraphLayer.sequence [ for _ in 1..2 -> SageConv.create (Laws.init generator) Aggregator.Lstm 16 16 ]

                let prune, confidence =
                    Head.create (Laws.init generator) config.Dropout 16 2,
                    Head.create (Laws.init generator) config.Dropout 16 1

                let visit (visitor: WeightVisitor) (rounds, prune, confidence) =
                    Layer.visit (visitor.Under "rounds") rounds,
                    Layer.visit (visitor.Under "prune") prune,
                    Layer.visit (visitor.Under "confidence") confidence

                let weights = Weights.collect visit (rounds, prune, confidence)
                Weights.load (Fixture.under "param." numbers |> named "gnn." "") weights
                let x = leaf numbers["g2.x0"]
                let plan = PlanTensors.create torch.CPU torch.float32 g2.Plan
                let h = rounds.Forward Inference plan x
                let logits, sure = prune.Forward Inference h, confidence.Forward Inference h
                Near.close 2e-5 logits numbers["g2.y0"] "logits"
                Near.close 1e-5 h numbers["g2.y1"] "states"
                Near.close 2e-5 sure numbers["g2.y2"] "confidence"
                backward [ logits, numbers["g2.dy0"]; h, numbers["g2.dy1"]; sure, numbers["g2.dy2"] ]
                Near.closeRelative 1e-4 (nonNull x.grad) numbers["g2.dx0"] "gradient of the input"
                Fixture.under "g2.grad." numbers |> named "gnn." "" |> checkGradients weights
            }

            test "weighted cross entropy, and the autoregressive step's cost" {
                use _scope = torch.NewDisposeScope()
                let numbers = fixture "losses"
                let pair = Fixture.floats numbers["weight"]

                let weights: ClassWeights =
                    {
                        Keep = float pair[0]
                        Prune = float pair[1]
                    }

                let criterion: Criterion =
                    {
                        Weights = weights
                        Loss = LossKind.Original
                    }

                let logits = leaf numbers["logits"]
                let labels = numbers["labels"].``to`` torch.int64
                let nodes = int (labels.size 0)

                let graph =
                    Fixture.graph
                        "losses"
                        (torch.zeros ([| int64 nodes; 9L |], dtype = Laws.dtype ()))
                        [||]
                        [||]
                        (Fixture.floats numbers["labels"] |> Array.map byte)

                let batch =
                    BatchAssembler.Collate [| graph |]
                    |> BatchTensors.create torch.CPU torch.float32

                let loss = (Loss.crossEntropy criterion batch logits).squeeze 0L
                Near.close 2e-6 loss numbers["loss"] "loss"
                loss.backward ()
                Near.closeRelative 1e-4 (nonNull logits.grad) numbers["dlogits"] "gradient of the logits"

                let logits, confidence = leaf numbers["logits"], leaf numbers["conf"]
                let scores = confidence.squeeze(1L).softmax 0L
                Near.close 1e-6 scores numbers["scores"] "scores"
                let cost = (Loss.perNode weights logits labels).mul(scores).mean()
                Near.close 2e-6 cost numbers["ar_loss"] "cost of the step"
                cost.backward ()
                Near.closeRelative 1e-4 (nonNull logits.grad) numbers["ar_dlogits"] "gradient of the logits"
                Near.closeRelative 1e-4 (nonNull confidence.grad) numbers["ar_dconf"] "gradient of the confidences"
            }
        ]
