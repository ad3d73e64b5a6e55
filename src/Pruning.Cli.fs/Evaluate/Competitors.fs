namespace Pruning.Cli.Evaluate

open System
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Model.Baselines
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs

/// A network or a baseline, evaluated on a sample.
[<NoComparison; NoEquality>]
type Competitor =
    {
        Name: string
        /// [graphs][nodes]
        Margins: float32[][]
        /// Margins above it are pruned.
        Threshold: float32
        /// Made when bins, intervals or single tracksters are asked for: about 130 bytes a layer cluster.
        ScoredSample: Lazy<ScoredSample>
        EvaluationResult: EvaluationResult
        /// Its report in every bootstrap replicate; none without a bootstrap.
        Resampled: float[][]
    }

[<RequireQualifiedAccess>]
module Competitor =

    /// Evaluates margins. Two competitors with one sample and one resampling can be compared replicate by replicate.
    let create
        (resampling: Resampling)
        (sample: EvaluationSample)
        (threshold: float32)
        (name: string)
        margins
        : Competitor =
        let scored = lazy (ScoredSample.create threshold sample margins)

        {
            Name = name
            Margins = margins
            Threshold = threshold
            ScoredSample = scored
            EvaluationResult = EvaluationResult.ofMargins threshold sample margins
            Resampled =
                if resampling.Replicates = 0 then
                    [||]
                else
                    Bootstrap.reports resampling.Seed resampling.Replicates sample scored.Value
        }

    /// Values and intervals by name.
    let report (competitor: Competitor) : (string * Uncertain) list =
        Bootstrap.uncertain competitor.EvaluationResult competitor.Resampled

    /// One value by name.
    let value (name: string) (competitor: Competitor) : Uncertain =
        report competitor |> List.find (fst >> (=) name) |> snd

    /// Differences to another competitor on the same sample, by name.
    let minus (other: Competitor) (competitor: Competitor) : (string * Uncertain) list =
        Bootstrap.difference
            (other.EvaluationResult, other.Resampled)
            (competitor.EvaluationResult, competitor.Resampled)

/// The baselines that a network has to beat. Their thresholds come from a training split and never from the graphs that they
/// are evaluated on.
[<RequireQualifiedAccess>]
module Baselines =

    /// Baselines that need no training.
    let untrained: (string * (ShowerGraph -> float32[])) list =
        [ "keep all", Baselines.keepAll; "oracle", Baselines.oracle ]

    /// All baselines. Where the training graphs hold one label only, those that cannot be fitted are left out, and `warn` hears
    /// why.
    let trained
        (warn: string -> unit)
        (dataset: GraphDataset)
        (training: int[])
        : (string * (ShowerGraph -> float32[])) list =
        let graphs = training |> Seq.map (fun index -> dataset[index])

        let logistic =
            try
                [
                    "logistic regression", LogisticRegression.margins (Baselines.logisticRegression graphs)
                    "extended regression", LogisticRegression.margins (Baselines.extendedRegression graphs)
                ]
            with :? TrainingException as error ->
                warn $"no logistic regression: {error.Message}"
                []

        [
            "keep all", Baselines.keepAll
            "energy cut", Baselines.energyCut graphs
            "distance cut", Baselines.distanceCut graphs
            yield! logistic
            "oracle", Baselines.oracle
        ]

    let private marginsOn (sample: EvaluationSample) (margins: ShowerGraph -> float32[]) =
        sample.Graphs |> Array.map (fun graph -> margins graph.Graph)

    /// The threshold of a baseline that scores nodes, chosen on a sample. The one that keeps all and the oracle have no choice.
    let thresholdOn
        (sample: EvaluationSample)
        (threshold: Threshold)
        (name: string)
        (margins: ShowerGraph -> float32[])
        =
        if List.exists (fun (untrained, _) -> untrained = name) untrained then
            0f
        else
            WorkingPoint.choose threshold (EvaluationResult.ofMargins 0f sample (marginsOn sample margins)).Nodes

    /// Baselines on a sample, each with its threshold.
    let evaluate
        (resampling: Resampling)
        (sample: EvaluationSample)
        (baselines: (string * (ShowerGraph -> float32[]) * float32) list)
        =
        [
            for name, margins, threshold in baselines ->
                marginsOn sample margins |> Competitor.create resampling sample threshold name
        ]

/// A split of a dataset with a network's predictions on it.
[<NoComparison; NoEquality>]
type EvaluatedSplit =
    {
        /// training, validation, test or all.
        Name: string
        Sample: EvaluationSample
        /// The counts that training reports, to the digit.
        State: MetricState
        Network: Competitor
        Baselines: Competitor list
        /// [batches] Nodes, and seconds that the network took.
        Times: (int * float)[]
    }

[<RequireQualifiedAccess>]
module EvaluatedSplit =

    /// All competitors, the network first.
    let competitors (split: EvaluatedSplit) : Competitor list = split.Network :: split.Baselines

    /// Which bins cannot be made, in words.
    let missing (split: EvaluatedSplit) : string list =
        [
            yield!
                Dimension.all
                |> List.choose (fun dimension -> Dimension.missing dimension split.Sample)
            if not (split.Sample.Graphs |> Array.exists _.HasFraction) then
                "no shared energy: no file has a branch fraction, so a layer cluster counts as wholly of the shower or not, as its label \
                 does"
        ]

    /// The dimensions that a sample can be divided by.
    let dimensions (split: EvaluatedSplit) : Dimension list =
        Dimension.all
        |> List.filter (fun dimension -> (Dimension.missing dimension split.Sample).IsNone)

    /// A competitor's reports in the bins of a dimension.
    let binned
        (resampling: Resampling)
        (split: EvaluatedSplit)
        (dimension: Dimension)
        (competitor: Competitor)
        : (Bin * EvaluationResult * (string * Uncertain) list) list =
        [
            for bin, scored in (Binned.create split.Sample dimension competitor.ScoredSample.Value).Bins ->
                let evaluation = EvaluationResult.ofScored scored
                let resampled = Bootstrap.reports resampling.Seed resampling.Replicates split.Sample scored
                bin, evaluation, Bootstrap.uncertain evaluation resampled
        ]

    /// The thresholds of a scan, chosen on one split and used on another.
    let scan (chosenOn: EvaluatedSplit) (split: EvaluatedSplit) : (Threshold * WorkingPoint) list =
        [
            for threshold in WorkingPoint.standard ->
                let margin = WorkingPoint.choose threshold chosenOn.Network.EvaluationResult.Nodes
                threshold, WorkingPoint.at margin split.Network.EvaluationResult.Nodes
        ]

    /// Share of the nodes that two sets of margins of the same graphs decide differently; nan without nodes.
    let flipped (threshold: float32) (a: float32[][]) (b: float32[][]) : float =
        let pairs = Seq.zip (Seq.concat a) (Seq.concat b)
        let nodes = a |> Array.sumBy Array.length

        let differ =
            pairs
            |> Seq.filter (fun (x, y) -> (x > threshold) <> (y > threshold))
            |> Seq.length

        if nodes = 0 then nan else float differ / float nodes

    /// A value with its interval: "0.2189 (0.2012 to 0.2301)".
    let text (value: Uncertain) : string =
        if Double.IsNaN value.Low then
            Say.number value.Value
        else
            $"{Say.number value.Value} ({Say.number value.Low} to {Say.number value.High})"
