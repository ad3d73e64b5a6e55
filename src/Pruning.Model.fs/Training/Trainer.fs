namespace Pruning.Model.Training

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model
open Pruning.Model.Decisions

/// What one optimiser step did.
type StepResult =
    {
        /// Loss of the batch that was minimised.
        Loss: float
        /// 2-norm of all gradients, before clipping.
        GradientNorm: float
        /// Counts of the batch as the network saw it in training: with dropout, before the step.
        Metrics: MetricState
    }

/// A network with its optimiser. Dispose it to free the optimiser's state; the network lives on.
[<NoComparison; NoEquality>]
type Trainer =
    {
        Model: TrainedModel
        Config: TrainingConfig
        Device: torch.Device
        Optimiser: Adam
        /// Networks of the other threads: copies whose weights are brought up to date at each step.
        Replicas: Pruner list
    }

    interface IDisposable with
        member this.Dispose() = (this.Optimiser :> IDisposable).Dispose()

[<RequireQualifiedAccess>]
module Trainer =

    /// Batch statistics are updated graph after graph, which several networks cannot do together.
    let private replicaCount (device: torch.Device) (config: TrainingConfig) (network: PrunerConfig) : int =
        match network.Normalisation with
        | Normalisation.GraphBatch -> 0
        | Normalisation.Layer
        | Normalisation.Identity -> Workers.count device config.Threads - 1

    let create (device: torch.Device) (config: TrainingConfig) (model: TrainedModel) : Trainer =
        let parameters = model.Pruner.Network.Weights.Parameters |> List.map snd

        let replica _ =
            use random = new torch.Generator(0UL)
            Pruner.createOn device random model.Pruner.Config

        {
            Model = model
            Config = config
            Device = device
            Optimiser = new Adam(parameters, config.LearningRate)
            Replicas = List.init (replicaCount device config model.Pruner.Config) replica
        }

    /// The generator of a step's dropout masks depends on seed, epoch, step and place of the thread alone, so that a run can be
    /// repeated from any step on.
    let private random (config: TrainingConfig) (epoch: int) (step: int) (thread: int) : torch.Generator =
        let ofStep = StableHash.Mix(StableHash.Mix(uint64 config.Seed, uint64 epoch), uint64 step)
        new torch.Generator(if thread = 0 then ofStep else StableHash.Mix(ofStep, uint64 thread))

    /// How much of the training is done in an epoch, counted from 1: 0 in the first, 1 in the last.
    let private share (config: TrainingConfig) (epoch: int) : float =
        float (epoch - 1) / float (max 1 (config.Epochs - 1))

    let private refuse (epoch: int) (step: int) (what: string) =
        raise (
            TrainingException
                $"Wanted finite numbers, found NaN or infinity in {what} (epoch {epoch}, batch {step}); a smaller --learning_rate or --clip-norm helps, and `stats` shows features out of range."
        )

    let private parametersOf (pruner: Pruner) : Parameter list = pruner.Network.Weights.Parameters |> List.map snd

    let private bringUpToDate (source: Pruner) (replica: Pruner) : unit =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()
        let pairs = List.zip (Weights.tensors source.Network.Weights) (Weights.tensors replica.Network.Weights)

        for (_, newest), (_, copy) in pairs do
            copy.copy_ newest |> ignore

        for parameter in parametersOf replica do
            if not (isNull parameter.grad) then
                parameter.grad <- null

    /// Adds the gradients of a replica to those of the network. Called for one replica after the other: sums of floating point
    /// numbers depend on their order, and the order must not depend on which thread was first.
    let private addGradients (target: Pruner) (replica: Pruner) : unit =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()

        for parameter, copy in List.zip (parametersOf target) (parametersOf replica) do
            match parameter.grad, copy.grad with
            | _, null -> ()
            | null, gradient -> parameter.grad <- gradient.clone().DetachFromDisposeScope()
            | sum, gradient -> sum.add_ (gradient, scalar 1.0) |> ignore

    /// Forward, loss and backward of the graphs of one thread: their part of the loss, and their counts.
    let private learnPart
        (trainer: Trainer)
        epoch
        step
        (weights: float array)
        thread
        (part: GraphBatch, graphs: int array)
        =
        use _scope = torch.NewDisposeScope()
        use random = random trainer.Config epoch step thread

        let pruner = if thread = 0 then trainer.Model.Pruner else trainer.Replicas[thread - 1]

        let weights = graphs |> Array.map (fun graph -> weights[graph])
        let check verdict = Evaluation.tryFindBroken part verdict |> Option.iter (refuse epoch step)

        let verdict =
            BatchTensors.create trainer.Device (Pruner.dtype pruner) part
            |> Pruner.learn
                (Pruner.during (share trainer.Config epoch) pruner)
                trainer.Config.Backpropagation
                random
                trainer.Model.Criterion
                weights
                check

        let loss = Loss.weighted weights verdict.GraphLoss.Value
        loss.``to``(torch.float64).item<float>(), Evaluation.count part verdict

    /// Forward, loss, backward, clip, Adam. Nothing is changed when the loss or a gradient is not finite: that is a
    /// `TrainingException` which names the epoch, the batch and the graph. Threads share the graphs; their gradients are
    /// added in a fixed order.
    let step (trainer: Trainer) (epoch: int) (step: int) (batch: GraphBatch) : StepResult =
        use _scope = torch.NewDisposeScope()
        let pruner = trainer.Model.Pruner
        trainer.Optimiser.ZeroGradients()
        let sizes = Array.init batch.GraphCount (fun g -> batch.NodeOffsets[g + 1] - batch.NodeOffsets[g])
        let weights = Loss.graphWeights trainer.Model.Criterion.Loss pruner.Config.Strategy sizes
        let parts = Workers.divide pruner.Config.Strategy (trainer.Replicas.Length + 1) batch
        let replicas = List.truncate (parts.Length - 1) trainer.Replicas
        List.iter (bringUpToDate pruner) replicas
        let learned = parts |> Workers.map (learnPart trainer epoch step weights)
        List.iter (addGradients pruner) replicas

        // Without a limit the norm is still measured: an infinite limit changes nothing.
        let limit = defaultArg trainer.Config.ClipNorm infinity
        let norm = torch.nn.utils.clip_grad_norm_ (parametersOf pruner, limit)

        if not (Double.IsFinite norm) then
            refuse epoch step $"the gradients of a batch that starts with {batch.Origins[0]}"

        trainer.Optimiser.Step()

        {
            Loss = learned |> Array.sumBy fst
            GradientNorm = norm
            Metrics = learned |> Seq.map snd |> MetricState.sum
        }
