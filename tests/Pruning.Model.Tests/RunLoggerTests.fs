/// What the loggers keep of a run: distributions, curves, hyperparameters and pictures in TensorBoard's files, and tables.
module Pruning.Tests.Model.RunLoggerTests

open System
open System.IO
open System.Text.Json
open Expecto
open FsCheck
open Google.Protobuf
open Google.Protobuf.WellKnownTypes
open Pruning.Model.Persistence
open Pruning.Model.Metrics
open Pruning.Model.Logging
open Pruning.Tests.Cli
open Pruning.Tests.Model.Protobuf

let private limits = ValueDistribution.limits

let private distributions =
    testList
        "distributions"
        [
            testProperty "a number is in the bucket that its limits say" (fun (NormalFloat x) ->
                let bucket = ValueDistribution.bucketOf x
                let low = if bucket = 0 then -infinity else limits[bucket - 1]
                low <= x && (x < limits[bucket] || bucket = limits.Length - 1))

            test "so are the limits themselves and what is beside them" {
                for place in 0 .. limits.Length - 2 do
                    Expect.equal (ValueDistribution.bucketOf (limits[place])) (place + 1) $"limit {place}"
                    Expect.equal (ValueDistribution.bucketOf (Math.BitDecrement(limits[place]))) place $"below {place}"
            }

            testProperty "nothing is lost, and what is no number is left out" (fun (values: float32 list) ->
                let finite = values |> List.filter Single.IsFinite |> List.map float
                let counted = ValueDistribution.ofValues (ReadOnlySpan(List.toArray values))
                let proto = ValueDistribution.toProto counted
                Expect.equal (Seq.sum proto.Bucket) (float finite.Length) "buckets"
                Expect.equal proto.Num (float finite.Length) "count"
                Expect.equal proto.BucketLimit.Count proto.Bucket.Count "one limit a bucket"

                if not finite.IsEmpty then
                    Expect.equal (proto.Min, proto.Max) (List.min finite, List.max finite) "ends"

                // Each number is found below its limit and not below the one before, though empty buckets are left out.
                let limits = Seq.toArray proto.BucketLimit

                for bucket, group in
                    finite
                    |> List.groupBy (fun x -> limits |> Array.findIndex (fun limit -> x < limit)) do
                    Expect.equal (proto.Bucket[bucket]) (float group.Length) $"bucket {bucket}")
        ]

let private scored (nodes: (bool * int) list) =
    // Multiples of 1/8 that are never zero: at zero the decision and the threshold 0.5 differ by definition.
    let labels = [| for prune, _ in nodes -> if prune then 1L else 0L |]
    let margins = [| for _, m in nodes -> (float32 (m % 200) + 0.5f) / 8.0f |]
    labels, margins

let private curves =
    testList
        "curves"
        [
            testProperty
                "counts at every threshold are those of the scores themselves"
                (fun (nodes: (bool * int) list) ->
                    let labels, margins = scored nodes

                    let table =
                        ScoreHistogram.ofNodes labels margins
                        |> PrecisionRecallTable.ofScores PrecisionRecallTable.standardThresholds

                    for threshold in 0..5..200 do
                        let above =
                            [
                                for label, margin in Array.zip labels margins do
                                    // A bin of the histogram is as wide as 3e-5 of the margin, the thresholds are 0.005 apart.
                                    if 1.0 / (1.0 + exp -(float margin)) >= float threshold / 200.0 then
                                        label
                            ]

                        let count label = above |> List.filter ((=) label) |> List.length |> int64
                        let total label = labels |> Array.filter ((=) label) |> Array.length |> int64
                        Expect.equal (table.TruePositives[threshold]) (count 1L) $"true positives at {threshold}"
                        Expect.equal (table.FalsePositives[threshold]) (count 0L) $"false positives at {threshold}"

                        Expect.equal
                            table.FalseNegatives[threshold]
                            (total 1L - count 1L)
                            $"false negatives at {threshold}"

                        Expect.equal
                            table.TrueNegatives[threshold]
                            (total 0L - count 0L)
                            $"true negatives at {threshold}"

                    let decisions = Confusion.ofNodes labels margins
                    Expect.equal (table.TruePositives[100]) decisions.PrunedRightly "at one half: the decisions"
                    Expect.equal (table.FalsePositives[100]) decisions.PrunedWrongly "at one half: the decisions")

            test "rows are counts, then precision and recall, and zero where nothing is counted" {
                let rows =
                    ScoreHistogram.ofNodes [| 1L; 0L; 1L |] [| 1.0f; 1.0f; -1.0f |]
                    |> PrecisionRecallTable.ofScores 3
                    |> PrecisionRecallTable.rows

                Expect.equal
                    rows
                    [|
                        [| 2.0; 1.0; 0.0 |]
                        [| 1.0; 1.0; 0.0 |]
                        [| 0.0; 0.0; 1.0 |]
                        [| 0.0; 1.0; 2.0 |]
                        [| 2.0 / 3.0; 0.5; 0.0 |]
                        [| 1.0; 0.5; 0.0 |]
                    |]
                    "rows"

                Expect.throwsT<ArgumentException>
                    (fun () -> PrecisionRecallTable.ofScores 1 ScoreHistogram.zero |> ignore)
                    "one threshold"
            }
        ]

let private config () =
    Json.record
        [
            "model",
            Json.record [ "hidden", Json.integer 128L; "memory_cell", Json.text "gru"; "standardise", Json.flag true ]
            "training", Json.record [ "learning_rate", Json.number 1e-3; "clip_norm", null ]
            "input", Json.record [ "files", Json.list [ Json.text "a.root"; Json.text "b.root" ] ]
        ]

/// Map entries of SessionStartInfo.hparams.
let private hparamsOf (session: (int * Field) list) : (string * Value) list =
    [
        for number, field in session do
            match number, field with
            | 1, Bytes entry ->
                let entry = fields entry

                let value =
                    entry
                    |> List.pick (function
                        | 2, Bytes bytes -> Some(Value.Parser.ParseFrom bytes)
                        | _ -> None)

                text 1 entry, value
            | _ -> ()
    ]

let private number (field: int) (all: (int * Field) list) =
    all
    |> List.tryPick (function
        | n, Varint value when n = field -> Some(int value)
        | _ -> None)

let private hparams =
    testList
        "HParams"
        [
            test "a session holds the configuration by dotted names, each value of its kind" {
                let content = HParams.sessionStart (HParams.ofConfig (config ())) 12.5
                let session = content |> fields |> message 3
                Expect.contains session (5, Fixed64(BitConverter.DoubleToUInt64Bits 12.5)) "start time"

                Expect.equal
                    (hparamsOf session)
                    [
                        "model.hidden", Value.ForNumber 128.0
                        "model.memory_cell", Value.ForString "gru"
                        "model.standardise", Value.ForBool true
                        "training.learning_rate", Value.ForNumber 1e-3
                        "training.clip_norm", Value.ForString "none"
                        "input.files", Value.ForString """["a.root","b.root"]"""
                    ]
                    "values"
            }

            test "an experiment names hyperparameters with their types, and metrics" {
                let content = HParams.experiment (HParams.ofConfig (config ())) [ "val/loss", "validation loss" ]
                let experiment = content |> fields |> message 2

                let infos =
                    [
                        for n, field in experiment do
                            match n, field with
                            | 4, Bytes info -> text 1 (fields info), number 4 (fields info)
                            | _ -> ()
                    ]

                Expect.equal
                    infos
                    [
                        "model.hidden", Some 3
                        "model.memory_cell", Some 1
                        "model.standardise", Some 2
                        "training.learning_rate", Some 3
                        "training.clip_norm", Some 1
                        "input.files", Some 1
                    ]
                    "hyperparameters"

                let metric = experiment |> message 5
                Expect.equal (metric |> message 1 |> text 2) "val/loss" "tag"
                Expect.equal (text 3 metric) "validation loss" "name"
            }

            test "a session ends with its status" {
                for status, code in [ SessionStatus.Success, 1; SessionStatus.Failure, 2; SessionStatus.Running, 3 ] do
                    let ended = HParams.sessionEnd status 99.0 |> fields |> message 4
                    Expect.equal (number 1 ended) (Some code) "status"
                    Expect.contains ended (2, Fixed64(BitConverter.DoubleToUInt64Bits 99.0)) "end time"
            }
        ]

let private state =
    MetricState.ofNodes [| 1L; 0L; 1L; 0L |] [| 2.0f; -1.0f; -0.5f; 0.25f |] [| 1.0f; 2.0f; 3.0f; 4.0f |]
    |> MetricState.withLoss 2 0.5

let private line epoch split values : MetricLine =
    {
        Epoch = epoch
        Step = 10L * int64 epoch
        Split = split
        Values = values
    }

let private description = RunDescription.ofCommand [ "test" ]

/// Everything that a run of two epochs says, into a run directory; its path.
let private recordRun (runs: string) : string =
    use log = RunLog.Create(runs, "two", config (), description)
    use board = TensorBoard.Create log.Directory
    let logger = RunLogger.all [ RunLogger.runLog log; RunLogger.csv log; RunLogger.tensorBoard board ]
    logger (RunRecord.Began(config (), 0L))

    for epoch in 1..2 do
        let report = MetricState.report state
        let training = report @ [ for name in MetricsCsv.ofTraining -> name, 0.5 ]
        logger (RunRecord.Metrics(line epoch "train" training, state))
        logger (RunRecord.Metrics(line epoch "val" report, state))
        let step = 10L * int64 epoch
        logger (RunRecord.Scalars(step, [ "best/average_precision", 0.25 * float epoch; "undefined", nan ]))
        let weights = ValueDistribution.ofValues (ReadOnlySpan [| -1.0f; 0.0f; 2.0f; 2.05f |])
        logger (RunRecord.Distribution(step, "weights/a", weights))

    logger (RunRecord.Ended(0, None))
    log.Directory

let private eventsOf (run: string) =
    Directory.GetFiles(run, "events.out.tfevents.*")
    |> Array.exactlyOne
    |> EventFile.read

let private plugin (value: Tensorboard.Summary.Types.Value) =
    match value.Metadata with
    | null -> ""
    | metadata -> metadata.PluginData.PluginName

/// TensorBoard's own reader, where Python has it: prints what it found as one JSON document.
let private reader =
    """
import json, sys
from tensorboard.backend.event_processing import event_accumulator as ea
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.pr_curve import metadata as pr
from tensorboard.util import tensor_util
run = ea.EventAccumulator(sys.argv[1], size_guidance={k: 0 for k in ("scalars", "histograms", "images", "tensors")})
run.Reload()
tags = run.Tags()
content = lambda tag: run.SummaryMetadata(tag).plugin_data.content
start = metadata.parse_session_start_info_plugin_data(content(metadata.SESSION_START_INFO_TAG))
end = metadata.parse_session_end_info_plugin_data(content(metadata.SESSION_END_INFO_TAG))
experiment = metadata.parse_experiment_plugin_data(content(metadata.EXPERIMENT_TAG))
curve = tensor_util.make_ndarray(run.Tensors("val/pr_curves")[-1].tensor_proto)
histogram = run.Histograms("weights/a")[-1].histogram_value
print(json.dumps({
    "scalars": sorted(tags["scalars"]), "images": sorted(tags["images"]),
    "best": [[e.step, e.value] for e in run.Scalars("best/average_precision")],
    "hidden": start.hparams["model.hidden"].number_value, "status": end.status,
    "metric": experiment.metric_infos[0].name.tag,
    "thresholds": pr.parse_plugin_metadata(content("val/pr_curves")).num_thresholds, "curve": list(curve.shape),
    "histogram": [sum(histogram.bucket), histogram.min, histogram.max],
    "image": [run.Images("val/confusion")[-1].width, run.Images("val/confusion")[-1].height]}))
"""

let private python =
    match Environment.GetEnvironmentVariable "PRUNING_PYTHON" with
    | null
    | "" -> "python3"
    | path -> path

let private hasTensorBoard () =
    try
        let probe = "import tensorboard.backend.event_processing.event_accumulator"
        (Run.run (Run.program python [ "-c"; probe ])).ExitCode = 0
    with :? ComponentModel.Win32Exception ->
        false

let private loggers =
    testList
        "loggers"
        [
            test "TensorBoard's file holds each record for the plug-in that shows it" {
                Run.inTemporaryDirectory (fun runs ->
                    let events = eventsOf (recordRun runs)

                    let values =
                        [
                            for event in events do
                                if not (isNull event.Summary) then
                                    for value in event.Summary.Value -> event.Step, value
                        ]

                    let tags chosen =
                        values
                        |> List.filter (fun (_, value) -> plugin value = chosen)
                        |> List.map (fun (step, value) -> step, value.Tag)

                    Expect.equal
                        (tags "hparams")
                        [
                            0L, "_hparams_/experiment"
                            0L, "_hparams_/session_start_info"
                            21L, "_hparams_/session_end_info"
                        ]
                        "HParams"

                    Expect.equal (tags "pr_curves") [ 10L, "val/pr_curves"; 20L, "val/pr_curves" ] "curves"

                    let _, curve = values |> List.find (fun (_, value) -> value.Tag = "val/pr_curves")
                    Expect.equal [ for dim in curve.Tensor.TensorShape.Dim -> dim.Size ] [ 6L; 201L ] "shape"
                    Expect.equal curve.Tensor.FloatVal.Count (6 * 201) "numbers"
                    let content = curve.Metadata.PluginData.Content.ToByteArray()
                    Expect.equal (fields content) [ 2, Varint 201UL ] "thresholds"

                    let scalars =
                        values
                        |> List.filter (fun (_, value) ->
                            value.ValueCase = Tensorboard.Summary.Types.Value.ValueOneofCase.SimpleValue)
                        |> List.map (fun (_, value) -> value.Tag)

                    Expect.contains scalars "train/loss" "metric"
                    Expect.isFalse (List.contains "train/seconds" scalars) "what is no metric stands under system/"
                    Expect.isFalse (List.contains "undefined" scalars) "nan is left out"

                    let _, picture = values |> List.find (fun (_, value) -> value.Tag = "val/confusion")
                    Expect.equal (picture.Image.Width, picture.Image.Height) (420, 300) "picture"

                    let _, histogram = values |> List.find (fun (_, value) -> value.Tag = "weights/a")
                    Expect.equal histogram.Histo.Num 4.0 "histogram")
            }

            test "the table holds what metrics.jsonl holds" {
                Run.inTemporaryDirectory (fun runs ->
                    let run = recordRun runs
                    let rows = File.ReadAllLines(Path.Combine(run, "metrics.csv")) |> Array.map _.Split(',')
                    let lines = RunLog.ReadMetrics(Path.Combine(run, "metrics.jsonl"))
                    Expect.equal rows.Length (lines.Length + 1) "rows"

                    for row, line in Seq.zip (Seq.tail rows) lines do
                        let cells = Map.ofSeq (Seq.zip rows[0] row)
                        Expect.equal (cells["epoch"], cells["split"]) (string line.Epoch, line.Split) "which"
                        Expect.equal row.Length rows[0].Length "cells"

                        for name, value in line.Values do
                            Expect.equal (float cells[name]) value name

                    Expect.throwsT<ArgumentException>
                        (fun () -> MetricsCsv.line (line 1 "val" [ "unknown", 1.0 ]) |> ignore)
                        "no column")
            }

            test "a run taken up again writes the table anew and tells TensorBoard which steps count no more" {
                Run.inTemporaryDirectory (fun runs ->
                    let run = recordRun runs
                    let csv = Path.Combine(run, "metrics.csv")
                    let before = File.ReadAllText csv
                    File.AppendAllText(csv, "3,30,val,0.")
                    use log = RunLog.Resume run
                    use board = TensorBoard.Create run
                    let logger = RunLogger.all [ RunLogger.csv log; RunLogger.tensorBoard board ]
                    logger (RunRecord.Began(config (), 20L))
                    Expect.equal (File.ReadAllText csv) before "table"

                    let restart =
                        EventFile.read board.Path
                        |> List.find (fun event -> event.WhatCase = Tensorboard.Event.WhatOneofCase.SessionLog)

                    Expect.equal restart.Step 21L "the first step that counts no more")
            }

            test "TensorBoard's own reader finds all of it" {
                if not (hasTensorBoard ()) then
                    skiptest "wanted Python with TensorBoard, found none; PRUNING_PYTHON names one"

                Run.inTemporaryDirectory (fun runs ->
                    let run = recordRun runs
                    let outcome = Run.program python [ "-c"; reader; run ] |> Run.expecting 0
                    let found = JsonDocument.Parse(outcome.Out).RootElement
                    let raw (name: string) = found.GetProperty(name).GetRawText().Replace(" ", "")
                    Expect.equal (raw "best") "[[10,0.25],[20,0.5]]" "scalars"
                    Expect.equal (raw "hidden") "128.0" "hyperparameter"
                    Expect.equal (raw "status") "1" "status"
                    Expect.equal (raw "metric") "\"best/average_precision\"" "metric"
                    Expect.equal (raw "thresholds") "201" "thresholds"
                    Expect.equal (raw "curve") "[6,201]" "curve"
                    Expect.equal (raw "histogram") "[4.0,-1.0,2.049999952316284]" "histogram"
                    Expect.equal (raw "image") "[420,300]" "picture"
                    Expect.equal (raw "images") "[\"val/confusion\"]" "pictures")
            }
        ]

[<Tests>]
let tests = testList "RunLogger" [ distributions; curves; hparams; loggers ]
