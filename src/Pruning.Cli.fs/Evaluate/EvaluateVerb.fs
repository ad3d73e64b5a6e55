module Pruning.Cli.Evaluate.EvaluateVerb

open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction

let private splitsOf (settings: EvaluateSettings) (own: bool) : SplitName list =
    match settings.Split with
    | Some split -> [ split ]
    | None when own -> [ SplitName.Validation; SplitName.Test ]
    | None -> [ SplitName.All ]

/// Whether the input is divided as the run divides: its own files are, and others where a split of them was asked for by name.
let private isDivided (settings: EvaluateSettings) (own: bool) : bool =
    match settings.Split with
    | None
    | Some SplitName.All -> own
    | Some _ -> true

/// What cannot be done without knowing how a run divided its data.
let private require (settings: EvaluateSettings) (source: ModelSource) (own: bool) =
    match settings.Split with
    | Some split when split <> SplitName.All && source.Run.IsNone ->
        raise (
            UsageException "--split wants a run directory: a model file alone does not say how its data was divided."
        )
    | _ -> ()

    match settings.Threshold with
    | Threshold.Probability _ -> ()
    | _ when isDivided settings own -> ()
    | _ ->
        raise (
            UsageException
                "--working-point efficiency=E and best-f1 are chosen on the validation split of a run: give a run directory without other \
                 files, or with --split, or a probability."
        )

/// The network with the decoding of the settings.
let private decoded (decoding: Decoding) (model: TrainedModel) : TrainedModel =
    match decoding, model.Pruner.Config.Strategy with
    | Decoding.Greedy, _
    | _, DecisionStrategy.Autoregressive ->
        { model with
            Pruner = Pruner.withDecoding decoding model.Pruner
        }
    | _, strategy ->
        raise (
            UsageException
                $"--choices and --beam are for networks that decide one layer cluster after the other; found --mode \
                 {NetworkOptions.modeName strategy}."
        )

let private reportOf
    (settings: EvaluateSettings)
    (plan: EvaluationPlan)
    stop
    (splits: EvaluatedSplit list)
    (split: EvaluatedSplit)
    =
    let chosenOn =
        splits
        |> List.tryFind (fun other -> other.Name = SplitName.name SplitName.Validation)
        |> Option.defaultValue split

    let wanted =
        settings.Dimensions
        |> List.filter (fun dimension -> (Dimension.missing dimension split.Sample).IsNone)

    {
        Split = split
        Scan =
            if settings.Scan then
                Some(chosenOn.Name, EvaluatedSplit.scan chosenOn split)
            else
                None
        Stability =
            settings.Perturbation
            |> Option.map (fun perturbation ->
                let which = SplitName.words |> List.find (fst >> (=) split.Name) |> snd
                let disturbed = Evaluator.disturbed plan perturbation stop which
                let threshold = split.Network.Threshold

                perturbation,
                Competitor.create plan.Resampling split.Sample threshold "disturbed" disturbed.Margins,
                EvaluatedSplit.flipped threshold split.Network.Margins disturbed.Margins)
        Binned = [ for dimension in wanted -> dimension, EvaluationReport.binned plan.Resampling split dimension ]
    }

let private showJson
    (terminal: Terminal)
    (source: ModelSource)
    (dataset: GraphDataset)
    (reports: EvaluationReport list)
    =
    Json.record
        [
            "model", Json.text source.Path
            "files", Json.list [ for file in dataset.Files -> Json.text file.Path ]
            "splits",
            Json.record
                [
                    for { Split = split } in reports ->
                        split.Name,
                        Json.record
                            [
                                "graphs", Json.integer (int64 split.Sample.Graphs.Length)
                                for pair in List.ofSeq (MetricTable.toJson split.State) do
                                    pair.Key,
                                    (match pair.Value with
                                     | null -> null
                                     | value -> value.DeepClone())
                            ]
                ]
            "judgements", Json.record [ for report in reports -> report.Split.Name, EvaluationJson.ofReport report ]
        ]
    |> Terminal.json terminal

let private show (terminal: Terminal) (settings: EvaluateSettings) (reports: EvaluationReport list) =
    MetricTable.show
        terminal
        [
            for { Split = split } in reports ->
                $"{split.Name} ({Say.count (int64 split.Sample.Graphs.Length)} graphs)", split.State
        ]

    // One split is enough to look at: the last, which is the one that no training and no choice has seen.
    match List.tryLast reports with
    | Some report ->
        EvaluationTables.show terminal report

        for sentence in EvaluatedSplit.missing report.Split do
            let asked = not settings.Dimensions.IsEmpty
            (if asked then Terminal.say else Terminal.detail) terminal (sentence + ".")
    | None -> ()

let private run (terminal: Terminal) (words: string list) : int =
    let settings = EvaluateSettings.ofWords words
    let source = ModelSource.locate settings.Model settings.Network.Checkpoint
    let input, own = ModelSource.input source settings.Input
    require settings source own

    let chosen given (ofRun: TrainSettings -> int) otherwise =
        given
        |> Option.orElse (source.Run |> Option.map (snd >> ofRun))
        |> Option.defaultValue otherwise

    let options =
        source.Run
        |> Option.map (snd >> TrainSettings.splitOptions)
        |> Option.defaultWith SplitOptions

    let device =
        Session.start
            terminal
            settings.Network.LibTorch
            settings.Network.Arithmetic
            (chosen settings.Network.Gpus _.World.Gpus 0)

    let model =
        ModelFile.load (Placement.on device settings.Network.Arithmetic) source.Path
        |> decoded settings.Decoding

    let data = Session.openData terminal input options
    use _dataset = data.Dataset
    use interruption = new Interruption(terminal)

    let plan =
        {
            Device = device
            Threads = chosen settings.Network.Threads _.Training.Threads 1
            Model = model
            Data = data
            Divided = isDivided settings own
            BatchSize = chosen settings.Network.BatchSize _.Training.BatchSize 32
            Workers = input.Workers
            Resampling = settings.Network.Resampling
            WithBaselines = settings.Baselines
            Threshold = settings.Threshold
        }

    let splits = Evaluator.run terminal plan interruption.Token (splitsOf settings own)
    let reports = splits |> List.map (reportOf settings plan interruption.Token splits)

    settings.Csv
    |> Option.iter (fun directory -> EvaluationCsv.write directory reports)

    if settings.Json then
        showJson terminal source data.Dataset reports
    else
        show terminal settings reports

    ExitCode.ok

let command: Command =
    {
        About =
            {
                Verb = "evaluate"
                Summary = "measure a trained network against the labels of some tracksters"
                Synopsis = "RUN|MODEL [FILE ...] [TRACKSTERS EDGES] [options]"
                Explanation =
                    "Runs a network without its labels (autoregressive networks read their own decisions) and reports accuracy, \
                     precision, recall, F1, ROC AUC and average precision. Efficiency is the share of the energy to keep that is kept; \
                     purity is the share of the kept energy that should be kept. A run directory knows its files and its split: without \
                     FILE, or with the same files, validation and test are reported. Baselines follow: rules that do not look at edges, \
                     with thresholds from the training split, and the oracle, which reads the labels. An undefined number is '-' in the \
                     table and null in JSON."
                Examples =
                    [
                        "evaluate runs/20261123-120000-equilibrium-lstm-none", "validation and test split of a run"
                        "evaluate runs/20261123-120000-equilibrium-lstm-none --bins energy,eta --bootstrap 200",
                        "in bins, with uncertainties"
                        "evaluate runs/20261123-120000-equilibrium-lstm-none --working-point efficiency=0.99",
                        "at 99 % energy efficiency"
                        "evaluate runs/20261123-120000-equilibrium-lstm-none --scan --csv numbers",
                        "other working points, and every number as CSV"
                        "evaluate runs/20261123-120000-equilibrium-lstm-none other.root",
                        "the run's best model on another sample"
                        "evaluate runs/20261123-120000-autoregressive-lstm-none --beam 4",
                        "the likeliest of four sequences of decisions"
                        "evaluate argnn.safetensors data.root \"Tracksters;1\" \"Edges;1\" --json",
                        "a model file, for scripts"
                    ]
            }
        Options = EvaluateSettings.describe
        Run = run
    }
