namespace Pruning.Cli.Evaluate

open System.Threading
open TorchSharp
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs

/// A part of the input, as a run divides it.
[<RequireQualifiedAccess>]
type Part =
    | Training
    | Validation
    | Test
    | All

[<RequireQualifiedAccess>]
module Part =

    let words =
        [ "validation", Part.Validation; "test", Part.Test; "training", Part.Training; "all", Part.All ]

    let name (part: Part) : string = words |> List.find (snd >> (=) part) |> fst

    let indices (data: SplitData) (part: Part) : int array =
        match part with
        | Part.Training -> data.Split.Training
        | Part.Validation -> data.Split.Validation
        | Part.Test -> data.Split.Test
        | Part.All -> [| 0 .. data.Dataset.Count - 1 |]

/// How a network is evaluated.
[<NoComparison; NoEquality>]
type EvaluationPlan =
    {
        Device: torch.Device
        /// Threads that share the graphs of a batch.
        Threads: int
        Model: TrainedModel
        Data: SplitData
        /// The data is divided as the run did, so that its training split may teach rules and its validation split choose.
        Divided: bool
        BatchSize: int
        Workers: int
        Resampling: Resampling
        WithBaselines: bool
        /// Where the network begins to prune.
        Threshold: Threshold
    }

/// A network and the rules beside it on parts of its data.
[<RequireQualifiedAccess>]
module Evaluator =

    let private margins (plan: EvaluationPlan) (seen: string -> int -> unit) (stop: CancellationToken) (part: Part) =
        Scoring.run
            plan.Device
            plan.Threads
            plan.Model
            plan.BatchSize
            plan.Workers
            (fun graphs ->
                // Counts cannot be half a split: stopping means no answer.
                stop.ThrowIfCancellationRequested()
                seen (Part.name part) graphs)
            stop
            plan.Data.Dataset
            (Part.indices plan.Data part)

    let private sampleOf (plan: EvaluationPlan) (part: Part) : EvaluationSample =
        Part.indices plan.Data part
        |> Array.Parallel.map (EvaluatedGraph.ofDataset plan.Data.Dataset)
        |> EvaluationSample.create

    /// The margin above which the network prunes, chosen on a part of the data.
    let threshold (terminal: Terminal) (plan: EvaluationPlan) (stop: CancellationToken) (part: Part) : float32 =
        let total = int64 (Part.indices plan.Data part).Length

        let network =
            Progress.run terminal total (fun progress ->
                let mutable ready = 0L

                margins
                    plan
                    (fun _ graphs ->
                        ready <- ready + int64 graphs

                        progress.Step
                            {
                                Stage = "choosing the threshold"
                                Done = ready
                                Loss = nan
                            })
                    stop
                    part)

        WorkingPoint.choose plan.Threshold (EvaluationResult.ofMargins 0f (sampleOf plan part) network.Margins).Nodes

    /// Judges the network on each part. A threshold other than a probability is chosen on the validation split, which is run
    /// for that when it is not among the parts.
    let run
        (terminal: Terminal)
        (plan: EvaluationPlan)
        (stop: CancellationToken)
        (parts: Part list)
        : EvaluatedSplit list =
        let choosing =
            match plan.Threshold with
            | Threshold.Probability _ -> []
            | _ when List.contains Part.Validation parts -> []
            | _ -> [ Part.Validation ]

        let all = choosing @ parts
        let total = all |> List.sumBy (fun part -> int64 (Part.indices plan.Data part).Length)

        let networks =
            Progress.run terminal total (fun progress ->
                let mutable ready = 0L

                let seen stage graphs =
                    ready <- ready + int64 graphs

                    progress.Step
                        {
                            Stage = stage
                            Done = ready
                            Loss = nan
                        }

                [ for part in all -> part, margins plan seen stop part ])

        let samples = Map [ for part in all -> part, sampleOf plan part ]

        let threshold =
            match plan.Threshold with
            | Threshold.Probability probability -> WorkingPoint.marginOf probability
            | threshold ->
                let _, network = networks |> List.find (fst >> (=) Part.Validation)

                WorkingPoint.choose
                    threshold
                    (EvaluationResult.ofMargins 0f samples[Part.Validation] network.Margins).Nodes

        let rules =
            if not plan.WithBaselines then
                []
            elif plan.Divided then
                Baselines.trained (Terminal.warn terminal) plan.Data.Dataset plan.Data.Split.Training
            else
                Baselines.untrained

        // A working point is the same passMode to the network and to the rules beside it, answered on the same graphs.
        let rules =
            [
                for name, margins in rules ->
                    match plan.Threshold with
                    | Threshold.Probability _ -> name, margins, 0f
                    | threshold -> name, margins, Baselines.thresholdOn samples[Part.Validation] threshold name margins
            ]

        [
            for part, network in networks do
                if List.contains part parts then
                    let sample = samples[part]

                    {
                        Name = Part.name part
                        Sample = sample
                        State = network.State
                        Network = Competitor.create plan.Resampling sample threshold "network" network.Margins
                        Baselines = Baselines.evaluate plan.Resampling sample rules
                        Times = network.Times
                    }
        ]

    /// The network's margins on a part whose inputs were disturbed.
    let disturbed
        (plan: EvaluationPlan)
        (perturbation: Perturbation)
        (stop: CancellationToken)
        (part: Part)
        : NetworkMargins =
        let indices = Part.indices plan.Data part
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
