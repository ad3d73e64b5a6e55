// 03-compare-strategies: which decision strategy prunes best after the same training time?
//
// The networks are small and differ in their strategy only. Each trains for the same processor time. An autoregressive training step
// runs the network once for each layer cluster of its largest graph, so an autoregressive network makes fewer steps in that time.
//
// Run:     dotnet fsi scripts/03-compare-strategies.fsx [FILE [SECONDS]]
// Prints:  for each strategy the steps, the graphs, the average precision and the ROC AUC on the validation split.
// Takes:   about half a minute for the default of 2 seconds a strategy.

#load "load.fsx"

open System
open System.Diagnostics
open System.Globalization
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Tensors
open Pruning.Model.Configuration
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

let seconds =
    if arguments.Length > 1 then
        Double.Parse(arguments[1], CultureInfo.InvariantCulture)
    else
        2.0

torch.set_num_threads 1
let dataset = GraphDataset.Open([| path |], TracksterReadOptions())
let split = Split.Create(dataset, SplitOptions())
let batchSize = 16

/// What all of them share.
let shared =
    { PrunerConfig.standard with
        Hidden = 16
        Rounds = 2
        Layer = LayerKind.GatV2 2
        Residual = true
        RoundNormalisation = Normalisation.Layer
        Features = NodeFeature.oriented
    }

/// All candidates read the same of a batch.
let collate (indices: int seq) =
    BatchAssembler.Collate([| for index in indices -> dataset[index] |], Preparation.ofNetwork shared)

let autoregressive =
    { shared with
        Strategy = DecisionStrategy.Autoregressive
    }

let candidates =
    [
        "one pass",
        { shared with
            Strategy = DecisionStrategy.OnePass
        }
        "equilibrium, 3 passes",
        { shared with
            Strategy = DecisionStrategy.Equilibrium 3
        }
        "autoregressive, by confidence", autoregressive
        "autoregressive, by energy",
        { autoregressive with
            Order = DecisionOrder.Energy
        }
    ]

let counts = ClassCounts.Of(dataset, split.Training)
let validation = split.Validation |> Array.chunkBySize 64 |> Array.map collate

let evaluate (model: TrainedModel) : MetricState =
    validation |> Array.map (Evaluation.ofBatch torch.CPU model) |> MetricState.sum

/// Of this process so far: what other programs do does not count.
let processorTime () = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds

/// Steps until the time is over; at least one.
let train (model: TrainedModel) : int =
    use trainer =
        Trainer.create
            torch.CPU
            { TrainingConfig.standard with
                LearningRate = 3e-3
            }
            model

    let start = processorTime ()
    let mutable steps = 0
    let mutable waiting: int list = []

    while steps = 0 || processorTime () - start < seconds do
        if List.length waiting < batchSize then
            waiting <- waiting @ List.ofArray (EpochOrder.Shuffled(split.Training, 42L, steps + 1))

        let indices, rest = List.splitAt (min batchSize waiting.Length) waiting
        steps <- steps + 1
        waiting <- rest
        Trainer.step trainer 1 steps (collate indices) |> ignore

    steps

let number (value: float option) =
    match value with
    | Some value -> value.ToString("0.000", CultureInfo.InvariantCulture)
    | None -> "-"

printfn
    "%d graphs to train on, %d for validation, %.1f s of training each"
    split.Training.Length
    split.Validation.Length
    seconds

printfn "%-30s %6s %10s %18s %8s" "strategy" "steps" "graphs" "average precision" "ROC AUC"

for name, config in candidates do
    use random = new torch.Generator(42UL)
    let pruner = Pruner.create (Init.standard random) config
    Standardisation.fit dataset split.Training pruner

    let model =
        {
            Pruner = pruner
            Criterion = ClassWeights.ofCounts 100.0 counts.Kept counts.Pruned |> Criterion.ofWeights
            Notes = Map.empty
        }

    let steps = train model
    let scores = (evaluate model).Scores

    printfn
        "%-30s %6d %10d %18s %8s"
        name
        steps
        (steps * batchSize)
        (number (ScoreHistogram.averagePrecision scores))
        (number (ScoreHistogram.rocAuc scores))

let pruned = validation |> Array.sumBy (fun batch -> Array.sum batch.Labels)
let share = float pruned / float (validation |> Array.sumBy _.NodeCount)
printfn "%-30s %6s %10s %18s %8s" "chance" "" "" (number (Some share)) "0.500"
(dataset :> IDisposable).Dispose()
