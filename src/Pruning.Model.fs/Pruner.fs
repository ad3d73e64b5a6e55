namespace Pruning.Model

open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Decisions

/// A pruning network with the configuration that built it. The only place that joins the parts.
[<NoComparison; NoEquality>]
type Pruner =
    {
        Config: PrunerConfig
        Network: Network
    }

[<RequireQualifiedAccess>]
module Pruner =

    /// Fresh weights drawn from the generator.
    let create (random: torch.Generator) (config: PrunerConfig) : Pruner =
        {
            Config = config
            Network = Network.create random config
        }

    /// Runs the strategy of the configuration on a batch.
    let run (pruner: Pruner) (mode: Mode) (question: Question) (batch: BatchTensors) : Verdict =
        match pruner.Config.Strategy with
        | DecisionStrategy.Autoregressive -> Autoregressive.run pruner.Network mode question batch
        | DecisionStrategy.Equilibrium passes -> Equilibrium.run passes pruner.Network mode question batch

    /// Adds the gradients of the weighted sum of the losses of a batch's graphs to the parameters. `check` sees the verdict
    /// first and may refuse it by an exception. The verdict is cut off from the gradients.
    let learn
        (pruner: Pruner)
        (memory: Backpropagation)
        (random: torch.Generator)
        (criterion: Criterion)
        (weights: float array)
        (check: Verdict -> unit)
        (batch: BatchTensors)
        : Verdict =
        match pruner.Config.Strategy with
        | DecisionStrategy.Autoregressive ->
            AutoregressiveLearning.learn pruner.Config pruner.Network memory random criterion weights check batch
        | DecisionStrategy.Equilibrium passes ->
            use scope = torch.NewDisposeScope()
            let verdict = Equilibrium.run passes pruner.Network (Training random) (Teach criterion) batch
            check verdict
            Gradients.backward (Loss.weighted weights verdict.GraphLoss.Value)
            let cut (tensor: Tensor) = scope.MoveToOuter(tensor.detach ())

            {
                Logits = cut verdict.Logits
                StepOfNode = cut verdict.StepOfNode
                GraphLoss = verdict.GraphLoss |> Option.map cut
            }

    /// The type of the weights.
    let dtype (pruner: Pruner) : torch.ScalarType =
        match pruner.Network.Weights.Parameters with
        | (_, first) :: _ -> first.dtype
        | [] -> torch.float32

    /// Margins of prune over keep for every node of a batch, without labels and without gradients. -> [nodes]
    let decide (device: torch.Device) (pruner: Pruner) (batch: GraphBatch) : float32 array =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()
        let verdict = BatchTensors.create device (dtype pruner) batch |> run pruner Inference Decide
        (Verdict.margin verdict).``to``(torch.float32).cpu().data<float32>().ToArray()

    /// Sets the shift and scale of the input features; a network that takes raw features is left alone.
    /// mean, deviation: one value per feature; a deviation of 0 counts as 1.
    let standardise (mean: float array) (deviation: float array) (pruner: Pruner) : unit =
        let buffers = Map.ofList pruner.Network.Weights.Buffers
        use _guard = torch.no_grad ()

        let set name (values: float array) =
            match Map.tryFind name buffers with
            | Some(buffer: Tensor) ->
                use source = torch.tensor values
                buffer.copy_ source |> ignore
            | None -> ()

        set "encoder.features.shift" mean
        set "encoder.features.scale" (deviation |> Array.map (fun d -> if d > 0.0 then 1.0 / d else 1.0))
