// 04-your-own-layer: what does it take to try a layer and a strategy of your own?
//
// The layer learns a gate for each edge. The strategy decides from the seed outwards. A few training steps show that both learn. They do
// not show which network is better: that takes epochs.
//
// Run:     dotnet fsi scripts/04-your-own-layer.fsx [FILE [STEPS]]
// Prints:  weights and average precision before and after training, beside a network of the same size from the library.
// Takes:   about ten seconds for the default of 80 steps.

#load "load.fsx"

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Layers
open Pruning.Model.Cells
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Prediction
open Pruning.Model.Training

let arguments = fsi.CommandLineArgs |> Array.skip 1

let path =
    if arguments.Length > 0 then
        arguments[0]
    else
        Load.inRepository "samples/tracksters.root"

let steps = if arguments.Length > 1 then int arguments[1] else 80
torch.set_num_threads 1

// ------------------------------------------------------------------------------------------------------------ A layer
//
// A layer is a record of weights and a function of it. This one gives each neighbour u of v a gate, g_uv = sigmoid(a . h_u + b . h_v), as in
// gated graph networks (Bresson & Laurent 2017, arXiv:1711.07553):
//
//     h'_v = ReLU(W_self h_v + c + sum over u -> v of g_uv W h_u)
//
// `Neighbourhood` goes from nodes to edges and back; gradients come by themselves.

type Gated =
    {
        Own: Linear
        Sent: Linear
        OfSource: Linear
        OfTarget: Linear
    }

/// The names of the weights. Model files, copies for other threads and moves to other devices come from this walk.
let visit (visitor: WeightVisitor) (weights: Gated) : Gated =
    {
        Own = Linear.visit (visitor.Under "own") weights.Own
        Sent = Linear.visit (visitor.Under "sent") weights.Sent
        OfSource = Linear.visit (visitor.Under "gate.source") weights.OfSource
        OfTarget = Linear.visit (visitor.Under "gate.target") weights.OfTarget
    }

let forward (weights: Gated) (_: Mode) (plan: PlanTensors) (x: Tensor) : Tensor =
    use _scope = torch.NewDisposeScope()
    let from = Linear.forward weights.OfSource x |> Neighbourhood.ofSource plan // [edges, 1]
    let into = Linear.forward weights.OfTarget x |> Neighbourhood.ofTarget plan // [edges, 1]
    let gate = (plus from into).sigmoid() // [edges, 1]
    let messages = (Linear.forward weights.Sent x |> Neighbourhood.ofSource plan).mul gate // [edges, hidden]

    (plus (Linear.forward weights.Own x) (Neighbourhood.sum plan messages)).relu().MoveToOuterDisposeScope()

let gated (init: Init) (hidden: int) : GraphLayer =
    Layer.create
        visit
        forward
        {
            Own = Linear.createForRelu init hidden hidden
            Sent = Linear.create init hidden hidden
            OfSource = Linear.create init hidden 1
            OfTarget = Linear.create init hidden 1
        }

// --------------------------------------------------------------------------------------------------------- A strategy
//
// A strategy is a function from a network, a pass mode and a batch to predictions. This one takes three passes, and each pass
// decides for good what is within the next distance of the seed; what lies farther out reads those decisions. The seed's
// neighbourhood is easy; the rim, where showers overlap, sees what was decided further in.

let limits = [ 3.0; 10.0; infinity ] // cm from the seed

/// [nodes] distance of each node to the seed of its graph in cm.
let distance (batch: BatchTensors) : Tensor = (FeatureTable.compute [ NodeFeature.DistanceToSeed ] batch).squeeze 1L

let outwards: Strategy =
    Strategy.steady "outwards" (fun network mode passMode batch ->
        use scope = torch.NewDisposeScope()
        let distance = distance batch
        let none = torch.zeros ([| int64 batch.NodeCount; 2L |], dtype = batch.X.dtype)

        // What is decided so far: logits, decisions as the decision cell reads them, and the pass of each node.
        let pass (state: NodeState, logits: Tensor, decisions: Tensor, passOf: Tensor) (number: int, limit: float) =
            let next = network.Pass mode batch.Plan decisions state
            let fresh = network.PruneLogits mode (NodeState.embedding next) // [nodes, 2]
            let isNow = passOf.eq(scalar -1.0).logical_and(withScalar limit distance.le) // [nodes]
            let chosen = isNow.unsqueeze 1L
            let logits = torch.where (chosen, fresh, logits)
            let decisions = torch.where (chosen, fresh.softmax 1L, decisions)
            next, logits, decisions, passOf.masked_fill (isNow, scalar (float number))

        let start =
            network.Start(network.Encode mode batch), none, none, torch.full_like (batch.Labels, scalar -1.0)

        let _, logits, _, passOf = List.indexed limits |> List.fold pass start

        {
            Logits = scope.MoveToOuter logits
            StepOfNode = scope.MoveToOuter passOf
            GraphLoss =
                match passMode with
                | PassMode.Predict -> None
                | PassMode.Evaluate criterion
                | PassMode.Train criterion -> Some(scope.MoveToOuter(Loss.crossEntropy criterion batch logits))
        })

// ------------------------------------------------------------------------------------------------------------ Training

let dataset = GraphDataset.Open([| path |], TracksterReadOptions())
let split = Split.Create(dataset, SplitOptions())

let counts = ClassCounts.Of(dataset, split.Training)

/// The sizes of both networks; the features are those of the shower's own frame.
let config =
    { PrunerConfig.standard with
        Hidden = 24
        Rounds = 2
        Features = NodeFeature.oriented
        Aggregator = Aggregator.Mean
        Strategy = DecisionStrategy.Equilibrium limits.Length
    }

/// Graphs of the data as a batch, with what the features need.
let collate (indices: int seq) =
    BatchAssembler.Collate([| for index in indices -> dataset[index] |], Preparation.ofNetwork config)

let validation = collate split.Validation

let mine (init: Init) : Pruner =
    let hidden = config.Hidden

    let round () =
        gated init hidden
        |> GraphLayer.normalised (Normalisation.layerNorm init hidden)
        |> GraphLayer.residual

    Network.compose
        init
        (Encoder.create init config)
        (GruCell.create init 2 hidden)
        None
        (GraphLayer.sequence [ for _ in 1 .. config.Rounds -> round () ])
        (Head.create init config.Dropout hidden 2)
        (Head.create init config.Dropout hidden 1)
    |> Pruner.ofNetwork config
    |> Pruner.withStrategy outwards

let train (name: string) (create: Init -> Pruner) : unit =
    use random = new torch.Generator(42UL)
    let pruner = create (Init.standard random)
    Standardisation.fit dataset split.Training pruner

    let model =
        {
            Pruner = pruner
            Criterion = ClassWeights.ofCounts 100.0 counts.Kept counts.Pruned |> Criterion.ofWeights
            Notes = Map.empty
        }

    let precision () =
        let state = Evaluation.ofBatch torch.CPU model validation
        ScoreHistogram.averagePrecision state.Scores |> Option.defaultValue nan

    let before = precision ()

    use trainer =
        Trainer.create
            torch.CPU
            { TrainingConfig.standard with
                LearningRate = 3e-3
            }
            model

    let order = EpochOrder.Shuffled(split.Training, 42L, 1)

    for step in 1..steps do
        let indices = Seq.init 32 (fun i -> order[((step - 1) * 32 + i) % order.Length])
        Trainer.step trainer 1 step (collate indices) |> ignore

    printfn
        "%-28s %6d weights   average precision %.3f -> %.3f after %d steps"
        name
        (Weights.count pruner.Network.Weights)
        before
        (precision ())
        steps

printfn "%d graphs to train on, %d for validation" split.Training.Length split.Validation.Length
train "gated layer, outwards" mine
train "GraphSAGE mean, equilibrium" (fun init -> Pruner.create init config)
(dataset :> IDisposable).Dispose()
