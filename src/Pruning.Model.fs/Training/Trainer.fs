namespace Pruning.Model.Training

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Prediction
open Pruning.Model.Distributed

/// What one optimiser step did.
type StepResult =
    {
        /// Loss of the batch that was minimised, over all ranks.
        Loss: float
        /// 2-norm of all gradients, before clipping.
        GradientNorm: float
        /// Counts of this rank's graphs as the network saw them in training: with dropout, before the step.
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
        /// With whom the steps are shared.
        Ranks: Communicator
        /// How their gradients travel.
        Route: ExchangeRoute
        Optimiser: Adam
        /// Networks of the other threads: copies whose weights are brought up to date at each step.
        Replicas: Pruner list
        /// The moving average of the weights, if there is one.
        Average: Pruner option
    }

    interface IDisposable with
        member this.Dispose() =
            (this.Optimiser :> IDisposable).Dispose()

            match this.Route with
            // Nothing is queued after a step; after a lost rank nothing may be waited for.
            | ExchangeRoute.Nccl ranks -> ranks.Abandon()
            | ExchangeRoute.Host _ -> ()

[<RequireQualifiedAccess>]
module Trainer =

    /// Batch statistics are updated graph after graph, which several networks cannot do together.
    let private replicaCount (device: torch.Device) (config: TrainingConfig) (network: PrunerConfig) : int =
        match network.Normalisation, network.RoundNormalisation with
        | Normalisation.GraphBatch, _
        | _, Normalisation.GraphBatch -> 0
        | _ -> Workers.count device config.Threads - 1

    /// The running statistics of several ranks can be put one after the other where each layer is used once a step.
    let private requireJoinable (ranks: Communicator) (config: TrainingConfig) (network: PrunerConfig) : unit =
        let refuse what =
            raise (
                TrainingException
                    $"Wanted a network that {ranks.Size} ranks can train as one, found {what}, whose running statistics depend on the \
                     order of all graphs; use the normalisation layer, or one rank."
            )

        if ranks.Size > 1 then
            match network.Normalisation, network.RoundNormalisation with
            | _, Normalisation.GraphBatch -> refuse "the normalisation graph-batch in the rounds"
            | Normalisation.GraphBatch, _ when config.Accumulate > 1 ->
                refuse "the normalisation graph-batch with several batches a step"
            | _ -> ()

    /// A trainer whose steps are shared with other ranks. Each has the same network with the same weights, and keeps them.
    let createAmong
        (ranks: Communicator)
        (device: torch.Device)
        (config: TrainingConfig)
        (model: TrainedModel)
        : Trainer =
        requireJoinable ranks config model.Pruner.Config

        let another () = Pruner.toDevice device model.Pruner

        {
            Model = model
            Config = config
            Device = device
            Ranks = ranks
            Route = NcclExchange.choose ranks (NcclExchange.needsOf device)
            Optimiser = new Adam(model.Pruner.Network.Weights.Parameters, config.WeightDecay)
            Replicas = List.init (replicaCount device config model.Pruner.Config) (fun _ -> another ())
            Average = config.Ema |> Option.map (fun _ -> another ())
        }

    let create (device: torch.Device) (config: TrainingConfig) (model: TrainedModel) : Trainer =
        createAmong Communicator.alone device config model

    /// The network that counts: the average of the weights where there is one.
    let evaluated (trainer: Trainer) : TrainedModel =
        match trainer.Average with
        | Some average -> { trainer.Model with Pruner = average }
        | None -> trainer.Model

    /// The generator of a batch's dropout masks depends on seed, epoch, batch and a place in it alone, so that a run can be
    /// repeated from any step on.
    let private random (trainer: Trainer) (epoch: int) (batch: int) (place: int) : torch.Generator =
        let ofBatch = StableHash.Mix(StableHash.Mix(uint64 trainer.Config.Seed, uint64 epoch), uint64 batch)
        new torch.Generator(if place = 0 then ofBatch else StableHash.Mix(ofBatch, uint64 place))

    /// The place of a thread among those of all ranks.
    let private placeOfThread (trainer: Trainer) (thread: int) : int =
        trainer.Ranks.Rank * (trainer.Replicas.Length + 1) + thread

    /// How much of the training is done in an epoch, counted from 1: 0 in the first, 1 in the last.
    let private share (config: TrainingConfig) (epoch: int) : float =
        float (epoch - 1) / float (max 1 (config.Epochs - 1))

    let private refuse (epoch: int) (batch: int) (what: string) =
        raise (
            TrainingException
                $"Wanted finite numbers, found NaN or infinity in {what} (epoch {epoch}, batch {batch}); a smaller --learning_rate or \
                 --clip-norm helps, and `stats` shows features out of range."
        )

    let private parametersOf (pruner: Pruner) : Parameter list = pruner.Network.Weights.Parameters |> List.map snd

    let private forget (parameter: Parameter) : unit =
        use gradient = parameter.grad

        if not (isNull gradient) then
            parameter.grad <- null

    let private bringUpToDate (source: Pruner) (replica: Pruner) : unit =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()
        let pairs = List.zip (Weights.tensors source.Network.Weights) (Weights.tensors replica.Network.Weights)

        for (_, newest), (_, copy) in pairs do
            copy.copy_ newest |> ignore

        parametersOf replica |> List.iter forget

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

    let private networkOf (trainer: Trainer) (thread: int) : Pruner =
        if thread = 0 then trainer.Model.Pruner else trainer.Replicas[thread - 1]

    /// Forward, loss and backward of some graphs by one thread: their part of the loss, and their counts. `place` decides their
    /// dropout masks.
    let private learnPart
        (trainer: Trainer)
        epoch
        number
        (weights: float array)
        thread
        place
        (part: GraphBatch, graphs: int array)
        =
        use _scope = torch.NewDisposeScope()
        use random = random trainer epoch number place
        let pruner = networkOf trainer thread

        let weights = graphs |> Array.map (fun graph -> weights[graph])
        let check predictions = Evaluation.tryFindBroken part predictions |> Option.iter (refuse epoch number)

        let predictions =
            BatchTensors.create trainer.Device (Pruner.dtype pruner) part
            |> Pruner.learn
                (Pruner.during (share trainer.Config epoch) pruner)
                trainer.Config.Backpropagation
                random
                trainer.Model.Criterion
                weights
                check

        let loss = Loss.weighted weights predictions.GraphLoss.Value
        loss.``to``(torch.float64).item<float>(), Evaluation.count part predictions

    /// Adds the gradients of the weighted losses of a batch to those of the network; its part of the loss, and its counts.
    /// Threads share the graphs; their gradients are added in a fixed order.
    let private addBatch (trainer: Trainer) epoch number (weights: float array) (batch: GraphBatch) =
        let pruner = trainer.Model.Pruner
        let parts = Workers.divide pruner.Config.Strategy (trainer.Replicas.Length + 1) batch
        let replicas = List.truncate (parts.Length - 1) trainer.Replicas
        List.iter (bringUpToDate pruner) replicas

        let learned =
            parts
            |> Workers.map (fun thread -> learnPart trainer epoch number weights thread (placeOfThread trainer thread))

        List.iter (addGradients pruner) replicas
        Array.sumBy fst learned, learned |> Seq.map snd |> MetricState.sum

    /// Adds the gradients of the weighted losses of a batch to `sums`, part after part: what is added, and the dropout masks,
    /// depend on the parts alone, whichever rank and thread has them.
    let private addParts (trainer: Trainer) (sums: WideGradients) epoch number (share: RankShare) (batch: GraphBatch) =
        let slices =
            Array.indexed share.Parts
            |> Array.groupBy snd
            |> Array.map (fun (part, graphs) ->
                let graphs = graphs |> Array.map fst
                part, (BatchSlices.Of(batch, graphs), graphs))

        let learned =
            [|
                for wave in Array.chunkBySize (trainer.Replicas.Length + 1) slices do
                    yield!
                        wave
                        |> Workers.map (fun thread (part, slice) ->
                            learnPart trainer epoch number share.Weights thread part slice)

                    for thread in 0 .. wave.Length - 1 do
                        let parameters = parametersOf (networkOf trainer thread)
                        sums.Add parameters
                        parameters |> List.iter forget
            |]

        Array.sumBy fst learned, learned |> Seq.map snd |> MetricState.sum

    /// All graphs of some batches, with what the loss of each counts in that of the batches together, as if they were one.
    let wholeShares (trainer: Trainer) (batches: GraphBatch array) : RankShare array =
        let sizes (batch: GraphBatch) =
            Array.init batch.GraphCount (fun graph -> batch.NodeOffsets[graph + 1] - batch.NodeOffsets[graph])

        let criterion, strategy = trainer.Model.Criterion, trainer.Model.Pruner.Config.Strategy
        let joined = batches |> Array.collect sizes |> Loss.graphWeights criterion.Loss strategy
        let starts = batches |> Array.scan (fun start batch -> start + batch.GraphCount) 0

        batches
        |> Array.mapi (fun i batch ->
            let places = [| 0 .. batch.GraphCount - 1 |]

            {
                Graphs = places
                Weights = Array.sub joined starts[i] batch.GraphCount
                Parts = RankShare.partsOf trainer.Config.MicroBatch places
            })

    /// Forward, loss and backward of this rank's graphs of all batches: leaves the gradients of their weighted losses in the
    /// network or, divided in parts, in `sums`, and nothing of earlier steps. Gives the loss and the counts.
    let private gradients
        (trainer: Trainer)
        (place: StepPlace)
        (sums: WideGradients option)
        (shares: RankShare array)
        (batches: GraphBatch array)
        : float * MetricState =
        trainer.Optimiser.ZeroGradients()

        if sums.IsSome then
            trainer.Replicas |> List.iter (bringUpToDate trainer.Model.Pruner)

        let learned =
            Array.zip shares batches
            |> Array.indexed
            // A rank may have no graph of a batch.
            |> Array.filter (fun (_, (_, batch)) -> batch.GraphCount > 0)
            |> Array.map (fun (i, (share, batch)) ->
                match sums with
                | Some sums -> addParts trainer sums place.Epoch (place.Batch + i) share batch
                | None -> addBatch trainer place.Epoch (place.Batch + i) share.Weights batch)

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

    /// One step of all ranks together: each brings its graphs of the batches, with their weights in the loss of the whole
    /// (RankShare). All end with the same weights, those of one rank with all the graphs.
    let learnShare
        (trainer: Trainer)
        (place: StepPlace)
        (shares: RankShare array)
        (batches: GraphBatch array)
        : StepResult =
        use _scope = torch.NewDisposeScope()
        let parameters = parametersOf trainer.Model.Pruner
        let wide = trainer.Config.MicroBatch |> Option.map (fun _ -> new WideGradients(parameters))

        use _wide =
            { new IDisposable with
                member _.Dispose() = wide |> Option.iter (fun sums -> (sums :> IDisposable).Dispose())
            }

        let statistics = RunningStatistics.before trainer.Ranks trainer.Model.Pruner.Network.Weights

        // A rank whose numbers break tells the others before they wait for its gradients.
        let loss, metrics =
            Communicator.together trainer.Ranks (fun () -> gradients trainer place wide shares batches)

        match wide with
        | None -> GradientExchange.sum trainer.Route trainer.Ranks parameters
        | Some sums ->
            GradientExchange.sumWide trainer.Route trainer.Ranks sums
            sums.Store()

        RunningStatistics.join trainer.Ranks statistics
        let losses = [| loss |]
        trainer.Ranks.Sum losses

        let origin =
            batches
            |> Array.tryPick (fun batch -> Array.tryHead batch.Origins)
            |> Option.map string
            |> Option.defaultValue "graphs of other ranks"

        let norm = apply trainer place origin

        {
            Loss = losses[0]
            GradientNorm = norm
            Metrics = metrics
        }

    /// Forward, loss, backward, clip, Adam: one step over one batch or several, which count as one. Nothing is changed when a
    /// loss or a gradient is not finite: that is a `TrainingException` which names the epoch, the batch and the graph.
    let learn (trainer: Trainer) (place: StepPlace) (batches: GraphBatch array) : StepResult =
        learnShare trainer place (wholeShares trainer batches) batches

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
