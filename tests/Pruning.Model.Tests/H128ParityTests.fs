/// Two models of the original's own size on the 64 graphs it was timed on. The weights are 6 MB and not part of the
/// repository: the tests look in `h128/` of PRUNING_FIXTURES, else in `../shared/fixtures/h128` beside the repository.
module Pruning.Tests.Model.H128ParityTests

open System.IO
open Expecto
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Tests

let private directories =
    [
        Path.Combine(Fixture.directory, "h128")
        Path.Combine(Fixture.repository, "..", "shared", "fixtures", "h128")
    ]

let private check (name: string) (cell: CellKind) (memory: CellKind option) = test name {
    match directories |> List.tryFind Directory.Exists with
    | None ->
        skiptestf "wanted the directory h128 of reference models, found none at %s" (String.concat " or " directories)
    | Some directory ->
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()
        let numbers = Fixture.read (Path.Combine(directory, $"{name}.safetensors"))

        let config =
            PrunerConfig.parity
                { PrunerConfig.standard with
                    DecisionCell = cell
                    MemoryCell = memory
                }

        use random = new torch.Generator(1UL)
        let pruner = Pruner.create (Laws.init random) config
        let translate (name: string, value) = (OriginalNames.tryTranslate name).Value, value
        Weights.load (Fixture.under "param." numbers |> List.map translate) pruner.Network.Weights

        let graphs = Fixture.benchGraphs.Value

        let batch =
            Pruning.Data.Batching.BatchAssembler.Collate graphs
            |> BatchTensors.create torch.CPU torch.float32

        let predictions =
            Pruner.run
                pruner
                Inference
                (PassMode.Evaluate
                    {
                        Weights = { Keep = 1.0; Prune = 20.0 }
                        Loss = LossKind.Original
                    })
                batch

        let scale = max 1.0 (Near.largest numbers["eval.logits"])
        Near.close (2e-5 * scale) predictions.Logits numbers["eval.logits"] "logits of all 64 graphs"
        Near.close (2e-5 * scale) predictions.GraphLoss.Value numbers["eval.loss_per_graph"] "losses"
}

[<Tests>]
let tests =
    Laws.withBothEngines
        "parity at hidden 128"
        [
            check "eqfinding_lstm_none" CellKind.Lstm None
            check "eqfinding_gru_gru" CellKind.Gru (Some CellKind.Gru)
        ]
