namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses

/// A pruning network with the configuration that built it. The only place that joins the parts.
[<NoComparison; NoEquality>]
type Pruner =
    {
        Config: PrunerConfig
        Network: Network
        /// How the network comes to decisions.
        Strategy: Strategy
    }

[<RequireQualifiedAccess>]
module Pruner =

    /// A network that was put together elsewhere, with the strategy of the configuration. The other choices of the
    /// configuration are what a model file says about it; nothing checks that they describe the network.
    let ofNetwork (config: PrunerConfig) (network: Network) : Pruner =
        {
            Config = config
            Network = network
            Strategy = Strategy.ofConfig config
        }

    /// Fresh weights, where `init` says.
    let create (init: Init) (config: PrunerConfig) : Pruner = Network.create init config |> ofNetwork config

    /// The same pruner with another network.
    let withNetwork (network: Network) (pruner: Pruner) : Pruner = { pruner with Network = network }

    /// A pruner of the same kind with weights of its own, for another thread.
    let copy (pruner: Pruner) : Pruner = pruner |> withNetwork (Network.copy pruner.Network)

    /// A copy on a device.
    let toDevice (device: torch.Device) (pruner: Pruner) : Pruner =
        pruner |> withNetwork (Network.toDevice device pruner.Network)

    /// The same network with another strategy.
    let withStrategy (strategy: Strategy) (pruner: Pruner) : Pruner = { pruner with Strategy = strategy }

    /// The same network with another way of decoding: see `Strategy.decoded`.
    let withDecoding (decoding: Decoding) (pruner: Pruner) : Pruner =
        withStrategy (Strategy.decoded decoding pruner.Config) pruner

    /// The pruner when a share of the training is done, 0 in the first epoch, 1 in the last.
    let during (share: float) (pruner: Pruner) : Pruner =
        { pruner with
            Strategy = pruner.Strategy.During share
        }

    /// What the network needs of a batch: for the loader, or for `Apply` on a batch made by hand.
    let preparation (pruner: Pruner) : GraphPreparation = Preparation.ofNetwork pruner.Config

    /// Graphs as one batch, prepared for the network.
    let collate (pruner: Pruner) (graphs: ShowerGraph seq) : GraphBatch =
        BatchAssembler.Collate(Seq.toArray graphs, preparation pruner)

    /// Runs the strategy on a batch. A batch that is prepared for another network is an `ArgumentException`.
    let run (pruner: Pruner) (mode: Mode) (passMode: PassMode) (batch: BatchTensors) : NodePredictions =
        Preparation.verify (preparation pruner) batch.Source
        pruner.Strategy.Run pruner.Network mode passMode batch

    /// Back-propagates through all of a run at once.
    let private learnAtOnce
        (strategy: Strategy)
        (context: LossContext)
        (network: Network)
        (batch: BatchTensors)
        : NodePredictions =
        use scope = torch.NewDisposeScope()

        let predictions =
            strategy.Run network (Training context.Random) (PassMode.Train context.Criterion) batch

        context.Check predictions
        Gradients.backward (Loss.weighted context.Weights predictions.GraphLoss.Value)
        let cut (tensor: Tensor) = scope.MoveToOuter(tensor.detach ())

        {
            Logits = cut predictions.Logits
            StepOfNode = cut predictions.StepOfNode
            GraphLoss = predictions.GraphLoss |> Option.map cut
        }

    /// Adds the gradients of the weighted sum of the losses of a batch's graphs to the parameters. `check` sees the predictions
    /// first and may refuse it by an exception. The predictions is cut off from the gradients.
    let learn
        (pruner: Pruner)
        (memory: Backpropagation)
        (random: torch.Generator)
        (criterion: Criterion)
        (weights: float array)
        (check: NodePredictions -> unit)
        (batch: BatchTensors)
        : NodePredictions =
        let context =
            {
                Config = pruner.Config
                Memory = memory
                Random = random
                Criterion = criterion
                Weights = weights
                Check = check
            }

        let learn = pruner.Strategy.Learn |> Option.defaultValue (learnAtOnce pruner.Strategy)

        Preparation.verify (preparation pruner) batch.Source
        learn context pruner.Network batch

    /// The type of the weights.
    let dtype (pruner: Pruner) : torch.ScalarType =
        match pruner.Network.Weights.Parameters with
        | (_, first) :: _ -> first.dtype
        | [] -> torch.float32

    /// Margins of prune over keep for every node of a batch, without labels and without gradients. -> [nodes]
    let decide (device: torch.Device) (pruner: Pruner) (batch: GraphBatch) : float32 array =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        let predictions =
            BatchTensors.create device (dtype pruner) batch
            |> run pruner Inference PassMode.Predict

        (NodePredictions.margin predictions).``to``(torch.float32).cpu().data<float32>().ToArray()

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
