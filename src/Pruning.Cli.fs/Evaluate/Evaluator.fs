namespace Pruning.Cli.Evaluate

open System.Threading
open TorchSharp
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs

/// A split of the input, as a run divides it.
[<RequireQualifiedAccess>]
type SplitName =
    | Training
    | Validation
    | Test
    | All

[<RequireQualifiedAccess>]
module SplitName =

    let words =
        [
            "validation", SplitName.Validation
            "test", SplitName.Test
            "training", SplitName.Training
            "all", SplitName.All
        ]

    let name (split: SplitName) : string = words |> List.find (snd >> (=) split) |> fst

    let indices (data: SplitData) (split: SplitName) : int array =
        match split with
        | SplitName.Training -> data.Split.Training
        | SplitName.Validation -> data.Split.Validation
        | SplitName.Test -> data.Split.Test
        | SplitName.All -> [| 0 .. data.Dataset.Count - 1 |]

/// How a network is evaluated.
[<NoComparison; NoEquality>]
type EvaluationPlan =
    {
        Device: torch.Device
        /// Threads that share the graphs of a batch.
        Threads: int
        Model: TrainedModel
        Data: SplitData
        /// The data is divided as the run did, so baselines are fitted on its training split and thresholds chosen on its
        /// validation split.
        Divided: bool
        BatchSize: int
        Workers: int
        Resampling: Resampling
        WithBaselines: bool
        /// Where the network begins to prune.
        Threshold: Threshold
    }

/// A network and the baselines beside it on splits of its data.
[<RequireQualifiedAccess>]
module Evaluator =

    let private margins
        (plan: EvaluationPlan)
        (seen: string -> int -> unit)
        (stop: CancellationToken)
        (split: SplitName)
        =
        Scoring.run
            plan.Device
            plan.Threads
            plan.Model
            plan.BatchSize
            plan.Workers
            (fun graphs ->
                // Counts cannot be half a split: stopping means no answer.
                stop.ThrowIfCancellationRequested()
                seen (SplitName.name split) graphs)
            stop
            plan.Data.Dataset
            (SplitName.indices plan.Data split)

    let private sampleOf (plan: EvaluationPlan) (split: SplitName) : EvaluationSample =
        SplitName.indices plan.Data split
        |> Array.Parallel.map (EvaluatedGraph.ofDataset plan.Data.Dataset)
        |> EvaluationSample.create

    /// The margin above which the network prunes, chosen on a split of the data.
    let threshold (terminal: Terminal) (plan: EvaluationPlan) (stop: CancellationToken) (split: SplitName) : float32 =
        let total = int64 (SplitName.indices plan.Data split).Length

        let network =
            Progress.run terminal total (fun progress ->
                let mutable ready = 0L

                margins
                    plan
                    (fun _ graphs ->
                        ready <- ready + int64 graphs

                        progress.Report
                            {
                                Stage = "choosing the threshold"
                                Done = ready
                                Loss = nan
                            })
                    stop
                    split)

        WorkingPoint.choose plan.Threshold (EvaluationResult.ofMargins 0f (sampleOf plan split) network.Margins).Nodes

    /// Evaluates the network on each split. A threshold other than a probability is chosen on the validation split, which is run
    /// for that when it is not among the splits.
    let run
        (terminal: Terminal)
        (plan: EvaluationPlan)
        (stop: CancellationToken)
        (splits: SplitName list)
        : EvaluatedSplit list =
        let choosing =
            match plan.Threshold with
            | Threshold.Probability _ -> []
            | _ when List.contains SplitName.Validation splits -> []
            | _ -> [ SplitName.Validation ]

        let all = choosing @ splits

        let total =
            all
            |> List.sumBy (fun split -> int64 (SplitName.indices plan.Data split).Length)

        let networks =
            Progress.run terminal total (fun progress ->
                let mutable ready = 0L

                let seen stage graphs =
                    ready <- ready + int64 graphs

                    progress.Report
                        {
                            Stage = stage
                            Done = ready
                            Loss = nan
                        }

                [ for split in all -> split, margins plan seen stop split ])

        let samples = Map [ for split in all -> split, sampleOf plan split ]

        let threshold =
            match plan.Threshold with
            | Threshold.Probability probability -> WorkingPoint.marginOf probability
            | threshold ->
                let _, network = networks |> List.find (fst >> (=) SplitName.Validation)

                WorkingPoint.choose
                    threshold
                    (EvaluationResult.ofMargins 0f samples[SplitName.Validation] network.Margins).Nodes

        let baselines =
            if not plan.WithBaselines then
                []
            elif plan.Divided then
                Baselines.trained (Terminal.warn terminal) plan.Data.Dataset plan.Data.Split.Training
            else
                Baselines.untrained

        // Thresholds of the baselines follow the same criterion as that of the network, on the same graphs.
        let baselines =
            [
                for name, margins in baselines ->
                    match plan.Threshold with
                    | Threshold.Probability _ -> name, margins, 0f
                    | threshold ->
                        name, margins, Baselines.thresholdOn samples[SplitName.Validation] threshold name margins
            ]

        [
            for split, network in networks do
                if List.contains split splits then
                    let sample = samples[split]

                    {
                        Name = SplitName.name split
                        Sample = sample
                        State = network.State
                        Network = Competitor.create plan.Resampling sample threshold "network" network.Margins
                        Baselines = Baselines.evaluate plan.Resampling sample baselines
                        Times = network.Times
                    }
        ]

    /// The network's margins on a split whose inputs were disturbed.
    let disturbed
        (plan: EvaluationPlan)
        (perturbation: Perturbation)
        (stop: CancellationToken)
        (split: SplitName)
        : NetworkMargins =
        let indices = SplitName.indices plan.Data split
        use dataset = Perturbation.ofDataset plan.Resampling.Seed perturbation plan.Data.Dataset indices

        Scoring.run
            plan.Device
            plan.Threads
            plan.Model
            plan.BatchSize
            plan.Workers
            (fun _ -> stop.ThrowIfCancellationRequested())
            stop
            dataset
            [| 0 .. indices.Length - 1 |]
