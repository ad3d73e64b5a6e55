// 02-train-small: does a network that is composed in a script train?
//
// The network is an equilibrium pruner with mean aggregation and a residual message-passing step of the script's own.
//
// Run:     dotnet fsi scripts/02-train-small.fsx [FILE [EPOCHS]]
// Prints:  loss and average precision of each epoch, and the average precision of the baseline that keeps everything.
// Takes:   about ten seconds for the default of 3 epochs, on an idle core.

#load "load.fsx"

open System
open System.IO
open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Layers
open Pruning.Model.Cells
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Distributed
open Pruning.Model.Baselines
open Pruning.Model.Training

let arguments = fsi.CommandLineArgs |> Array.skip 1

let path =
    if arguments.Length > 0 then
        arguments[0]
    else
        Load.inRepository "samples/tracksters.root"

let epochs = if arguments.Length > 1 then int arguments[1] else 3
torch.set_num_threads 1

// Data: the same split as the command line takes with this seed.
let seed = 42L
let dataset = GraphDataset.Open([| path |], TracksterReadOptions())
let split = Split.Create(dataset, SplitOptions(Seed = seed))
printfn "%d graphs: %d to train on, %d for validation" dataset.Count split.Training.Length split.Validation.Length

// Model: parts are values. `config` says what a model file needs to know; the network below uses the same sizes.
let config =
    { PrunerConfig.standard with
        Hidden = 24
        Rounds = 2
        Strategy = DecisionStrategy.Equilibrium 2
        Aggregator = Aggregator.Mean
        Dropout = 0.1
    }

let network =
    use random = new torch.Generator(uint64 seed)
    // Fresh weights in float32 on the CPU; `Init.create` takes another device, type or engine.
    let init = Init.standard random
    let hidden = config.Hidden

    let rounds =
        [
            for _ in 1 .. config.Rounds -> SageConv.create init Aggregator.Mean hidden hidden |> GraphLayer.residual
        ]
        |> GraphLayer.sequence

    Network.compose
        init
        (Encoder.create init config)
        (GruCell.create init 2 hidden)
        None
        rounds
        (Head.create init config.Dropout hidden 2)
        (Head.create init config.Dropout hidden 1)

let pruner = Pruner.ofNetwork config network
let moments = FeatureMoments.Of(dataset, split.Training)
let counts = ClassCounts.Of(dataset, split.Training)
Pruner.standardise moments.Mean moments.Std pruner

let model =
    {
        Pruner = pruner
        Criterion = ClassWeights.ofCounts 100.0 counts.Kept counts.Pruned |> Criterion.ofWeights
        Notes = Map.empty
    }

printfn
    "%d weights; a pruned node counts %.1f times a kept one"
    (Weights.count network.Weights)
    model.Criterion.Weights.Prune

// Training.
let checkpoints = Directory.CreateTempSubdirectory "graph-pruning-script-"

let plan =
    {
        Config =
            { TrainingConfig.standard with
                Epochs = epochs
                LearningRate = 3e-3
                Seed = seed
            }
        Device = torch.CPU
        Ranks = Communicator.alone
        Dataset = dataset
        Split = split
        Model = model
        Checkpoints = checkpoints.FullName
    }

let precision (state: MetricState) = ScoreHistogram.averagePrecision state.Scores |> Option.defaultValue nan

let listener =
    { TrainingListener.silent with
        OnEpoch =
            fun report ->
                let loss = MetricState.loss report.Validation |> Option.defaultValue nan

                printfn
                    "epoch %d: validation loss %.4f, average precision %.3f, %.0f graphs/s"
                    report.Epoch
                    loss
                    (precision report.Validation)
                    report.GraphsPerSecond
    }

let outcome = Loop.run plan listener CancellationToken.None
let validation = [ for index in split.Validation -> dataset[index] ]
let keepAll = Baselines.evaluate Baselines.keepAll validation

match outcome.Best with
| Some best ->
    printfn
        "best epoch %d: average precision %.3f; keeping everything: %.3f"
        best.Epoch
        (precision best.Validation)
        (precision keepAll)
| None -> printfn "no epoch was finished"

checkpoints.Delete true
(dataset :> IDisposable).Dispose()
