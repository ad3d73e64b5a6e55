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
    }

    interface IDisposable with
        member this.Dispose() = (this.Optimiser :> IDisposable).Dispose()

[<RequireQualifiedAccess>]
module Trainer =

    let create (device: torch.Device) (config: TrainingConfig) (model: TrainedModel) : Trainer =
        let parameters = model.Pruner.Network.Weights.Parameters |> List.map snd

        {
            Model = model
            Config = config
            Device = device
            Optimiser = new Adam(parameters, config.LearningRate)
        }

    /// The generator of a step's dropout masks depends on seed, epoch and step alone, so that a run can be repeated from
    /// any step on.
    let private random (config: TrainingConfig) (epoch: int) (step: int) : torch.Generator =
        new torch.Generator(StableHash.Mix(StableHash.Mix(uint64 config.Seed, uint64 epoch), uint64 step))

    /// How much of the training is done in an epoch, counted from 1: 0 in the first, 1 in the last.
    let private share (config: TrainingConfig) (epoch: int) : float =
        float (epoch - 1) / float (max 1 (config.Epochs - 1))

    let private refuse (epoch: int) (step: int) (what: string) =
        raise (
            TrainingException
                $"Wanted finite numbers, found NaN or infinity in {what} (epoch {epoch}, batch {step}); a smaller --learning_rate or --clip-norm helps, and `stats` shows features out of range."
        )

    /// Forward, loss, backward, clip, Adam. Nothing is changed when the loss or a gradient is not finite: that is a
    /// `TrainingException` which names the epoch, the batch and the graph.
    let step (trainer: Trainer) (epoch: int) (step: int) (batch: GraphBatch) : StepResult =
        use _scope = torch.NewDisposeScope()
        use random = random trainer.Config epoch step
        let pruner = trainer.Model.Pruner
        let parameters = pruner.Network.Weights.Parameters |> List.map snd
        trainer.Optimiser.ZeroGradients()

        let verdict =
            BatchTensors.create trainer.Device (Pruner.dtype pruner) batch
            |> Pruner.run
                (Pruner.during (share trainer.Config epoch) pruner)
                (Training random)
                (Teach trainer.Model.Criterion)

        Evaluation.tryFindBroken batch verdict |> Option.iter (refuse epoch step)
        let sizes = Array.init batch.GraphCount (fun g -> batch.NodeOffsets[g + 1] - batch.NodeOffsets[g])

        let loss =
            Loss.ofBatch trainer.Model.Criterion.Loss pruner.Config.Strategy sizes verdict.GraphLoss.Value

        loss.backward ()

        // Without a limit the norm is still measured: an infinite limit changes nothing.
        let limit = defaultArg trainer.Config.ClipNorm infinity
        let norm = torch.nn.utils.clip_grad_norm_ (parameters, limit)

        if not (Double.IsFinite norm) then
            refuse epoch step $"the gradients of a batch that starts with {batch.Origins[0]}"

        trainer.Optimiser.Step()

        {
            Loss = loss.``to``(torch.float64).item<float>()
            GradientNorm = norm
            Metrics = Evaluation.count batch verdict
        }
