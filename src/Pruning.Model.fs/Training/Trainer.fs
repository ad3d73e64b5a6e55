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

/// Where in the training a step is.
type StepPlace =
    {
        /// Counts from 1.
        Epoch: int
        /// The first of its batches; counts from 1 in every epoch.
        Batch: int
        /// Steps of the whole run that were done before.
        StepsBefore: int64
        LearningRate: float
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
        /// The moving average of the weights, if there is one.
        Average: Pruner option
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

    /// A network of the same kind with weights of its own.
    let private another (pruner: Pruner) : Pruner =
        use random = new torch.Generator(0UL)
        Pruner.create random pruner.Config

    let create (device: torch.Device) (config: TrainingConfig) (model: TrainedModel) : Trainer =
        let average () =
            let average = another model.Pruner
            Weights.load (Weights.tensors model.Pruner.Network.Weights) average.Network.Weights
            average

        {
            Model = model
            Config = config
            Device = device
            Optimiser = new Adam(model.Pruner.Network.Weights.Parameters, config.WeightDecay)
            Replicas = List.init (replicaCount device config model.Pruner.Config) (fun _ -> another model.Pruner)
            Average = config.Ema |> Option.map (fun _ -> average ())
        }

    /// The network that counts: the average of the weights where there is one.
    let evaluated (trainer: Trainer) : TrainedModel =
        match trainer.Average with
        | Some average -> { trainer.Model with Pruner = average }
        | None -> trainer.Model

    /// The generator of a batch's dropout masks depends on seed, epoch, batch and place of the thread alone, so that a run can
    /// be repeated from any step on.
    let private random (config: TrainingConfig) (epoch: int) (batch: int) (thread: int) : torch.Generator =
        let ofBatch = StableHash.Mix(StableHash.Mix(uint64 config.Seed, uint64 epoch), uint64 batch)
        new torch.Generator(if thread = 0 then ofBatch else StableHash.Mix(ofBatch, uint64 thread))

    /// How much of the training is done in an epoch, counted from 1: 0 in the first, 1 in the last.
    let private share (config: TrainingConfig) (epoch: int) : float =
        float (epoch - 1) / float (max 1 (config.Epochs - 1))

    let private refuse (epoch: int) (batch: int) (what: string) =
        raise (
            TrainingException
                $"Wanted finite numbers, found NaN or infinity in {what} (epoch {epoch}, batch {batch}); a smaller --learning_rate or --clip-norm helps, and `stats` shows features out of range."
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
        number
        (weights: float array)
        thread
        (part: GraphBatch, graphs: int array)
        =
        use _scope = torch.NewDisposeScope()
        use random = random trainer.Config epoch number thread

        let pruner = if thread = 0 then trainer.Model.Pruner else trainer.Replicas[thread - 1]

        let weights = graphs |> Array.map (fun graph -> weights[graph])
        let check verdict = Evaluation.tryFindBroken part verdict |> Option.iter (refuse epoch number)

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

    /// What the loss of each graph counts in that of all batches together, as if they were one: by batch and graph.
    let graphWeights (trainer: Trainer) (batches: GraphBatch array) : float array array =
        let sizes (batch: GraphBatch) =
            Array.init batch.GraphCount (fun graph -> batch.NodeOffsets[graph + 1] - batch.NodeOffsets[graph])

        let criterion, strategy = trainer.Model.Criterion, trainer.Model.Pruner.Config.Strategy
        let joined = batches |> Array.collect sizes |> Loss.graphWeights criterion.Loss strategy
        let starts = batches |> Array.scan (fun start batch -> start + batch.GraphCount) 0

        batches
        |> Array.mapi (fun i batch -> Array.sub joined starts[i] batch.GraphCount)

    /// Adds the gradients of the weighted losses of a batch to those of the network; its part of the loss, and its counts.
    /// Threads share the graphs; their gradients are added in a fixed order.
    let private addBatch (trainer: Trainer) epoch number (weights: float array) (batch: GraphBatch) =
        let pruner = trainer.Model.Pruner
        let parts = Workers.divide pruner.Config.Strategy (trainer.Replicas.Length + 1) batch
        let replicas = List.truncate (parts.Length - 1) trainer.Replicas
        List.iter (bringUpToDate pruner) replicas
        let learned = parts |> Workers.map (learnPart trainer epoch number weights)
        List.iter (addGradients pruner) replicas
        Array.sumBy fst learned, learned |> Seq.map snd |> MetricState.sum

    /// Forward, loss and backward: leaves the gradients of the weighted losses of all batches in the network, and nothing of
    /// earlier steps. Gives the loss and the counts.
    let gradients
        (trainer: Trainer)
        (place: StepPlace)
        (weights: float array array)
        (batches: GraphBatch array)
        : float * MetricState =
        trainer.Optimiser.ZeroGradients()

        let learned =
            Array.mapi2
                (fun i weights batch -> addBatch trainer place.Epoch (place.Batch + i) weights batch)
                weights
                batches

        Array.sumBy fst learned, learned |> Seq.map snd |> MetricState.sum

    /// Clips the gradients that the network holds, takes a step along them, moves the average; their norm before clipping.
    /// Gradients that are not finite are refused before anything is changed. `origin` names the data in that case.
    let apply (trainer: Trainer) (place: StepPlace) (origin: string) : float =
        // Without a limit the norm is still measured: an infinite limit changes nothing.
        let limit = defaultArg trainer.Config.ClipNorm infinity
        let norm = torch.nn.utils.clip_grad_norm_ (parametersOf trainer.Model.Pruner, limit)

        if not (Double.IsFinite norm) then
            refuse place.Epoch place.Batch $"the gradients of a batch that starts with {origin}"

        trainer.Optimiser.Step place.LearningRate

        match trainer.Average, trainer.Config.Ema with
        | Some average, Some longest ->
            Averaging.update
                (Averaging.decay longest place.StepsBefore)
                trainer.Model.Pruner.Network.Weights
                average.Network.Weights
        | _ -> ()

        norm

    /// Forward, loss, backward, clip, Adam: one step over one batch or several, which count as one. Nothing is changed when a
    /// loss or a gradient is not finite: that is a `TrainingException` which names the epoch, the batch and the graph.
    let learn (trainer: Trainer) (place: StepPlace) (batches: GraphBatch array) : StepResult =
        use _scope = torch.NewDisposeScope()
        let loss, metrics = gradients trainer place (graphWeights trainer batches) batches
        let norm = apply trainer place $"{batches[0].Origins[0]}"

        {
            Loss = loss
            GradientNorm = norm
            Metrics = metrics
        }

    /// One step over one batch at the configuration's learning rate, for programs with a loop of their own.
    let step (trainer: Trainer) (epoch: int) (step: int) (batch: GraphBatch) : StepResult =
        let place =
            {
                Epoch = epoch
                Batch = step
                StepsBefore = int64 (step - 1)
                LearningRate = trainer.Config.LearningRate
            }

        learn trainer place [| batch |]
