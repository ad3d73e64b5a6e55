/// train, evaluate and demo as processes, on the sample of the repository.
module Pruning.Tests.Cli.TrainTests

open System
open System.IO
open System.Text.Json
open System.Threading
open Expecto
open Pruning.Cli.Framework
open Pruning.Cli.Evaluate
open Pruning.Cli.Benchmark
open Pruning.Tests
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.InspectTests
open Pruning.Tests.Cli.ValuesTests

/// A network and a share of the sample that train in a second.
let private tiny =
    [
        sample
        "Tracksters;1"
        "Edges;1"
        "--workers"
        "2"
        "--hidden_dim"
        "8"
        "--num_gnn_steps=1"
        "--num_iterations=2"
        "--sampling_fraction"
        "0.1"
        "--threads=1"
    ]

let private parse (text: string) = JsonDocument.Parse(text).RootElement

let private read (splits: string list) = parse (File.ReadAllText(Path.Combine(List.toArray splits)))

/// The only run under a directory.
let private runIn (runs: string) = Directory.GetDirectories runs |> Array.exactlyOne

/// Metrics of a JSON object as their literal digits.
let private digits (element: JsonElement) =
    [
        for field in element.EnumerateObject() do
            match field.Name with
            | "time"
            | "epoch"
            | "step"
            | "split"
            | "graphs" -> ()
            | name -> name, field.Value.GetRawText()
    ]

let private metricsLine (run: string) (epoch: int) (split: string) =
    File.ReadAllLines(Path.Combine(run, "metrics.jsonl"))
    |> Array.map parse
    |> Array.find (fun line ->
        line.GetProperty("epoch").GetInt32() = epoch
        && line.GetProperty("split").GetString() = split)

/// Tags of everything that the only event file of a run holds.
let private tagsOf (run: string) : string list =
    let path = Directory.GetFiles(run, "events.out.tfevents.*") |> Array.exactlyOne

    [
        for event in Pruning.Model.Logging.EventFile.read path do
            match event.Summary with
            | null -> ()
            | summary ->
                for value in summary.Value do
                    value.Tag
    ]
    |> List.distinct

let private trains =
    testList
        "train"
        [
            for strategy, flags in [ "equilibrium", []; "autoregressive", [ "--autoregressive" ] ] do
                test
                    $"an {strategy} run leaves its configuration, metrics, events and checkpoints, and evaluate repeats its digits" {
                    inTemporaryDirectory (fun directory ->
                        let runs = Path.Combine(directory, "my runs")
                        let model = Path.Combine(directory, "argnn.pt")
                        let words = [ "--runs"; runs; "--epochs"; "2"; "--output_file"; model; "--json" ] @ flags
                        let outcome = cli ("train" :: tiny @ words) |> expecting 0
                        let summary = parse outcome.Out
                        let run = runIn runs
                        Expect.equal (string (summary.GetProperty("run").GetString())) run "run directory"
                        Expect.stringEnds run $"-{strategy}-lstm-none" "its name"
                        let record = read [ run; "run.json" ]
                        Expect.equal (record.GetProperty("exit").GetInt32()) 0 "exit in run.json"

                        let input = record.GetProperty("inputs").EnumerateArray() |> Seq.exactlyOne

                        Expect.equal
                            (input.GetProperty("bytes").GetInt64())
                            (FileInfo(sample).Length)
                            "input in run.json"

                        let config = read [ run; "config.json" ]

                        Expect.equal
                            (config.GetProperty("model").GetProperty("strategy").GetString())
                            strategy
                            "strategy"

                        Expect.equal
                            (config.GetProperty("input").GetProperty("trackster_tree").GetString())
                            "Tracksters;1"
                            "tree"

                        let tags = tagsOf run

                        for tag in
                            [
                                "weights/encoder.linear1.weight"
                                "gradients/encoder.linear1.weight"
                                "val/pr_curves"
                                "test/pr_curves"
                                "val/confusion"
                                "tracksters/best"
                                "tracksters/worst"
                                "system/resident_bytes"
                                "best/average_precision"
                                "_hparams_/session_start_info"
                                "_hparams_/session_end_info"
                            ] do
                            Expect.contains tags tag "TensorBoard"

                        Expect.equal
                            (File.ReadAllLines(Path.Combine(run, "metrics.csv")).Length)
                            (File.ReadAllLines(Path.Combine(run, "metrics.jsonl")).Length + 1)
                            "table"

                        for checkpoint in [ "best"; "last" ] do
                            Expect.isTrue
                                (File.Exists(Path.Combine(run, "checkpoints", checkpoint, "model.safetensors")))
                                checkpoint

                        let best = summary.GetProperty("best_epoch").GetInt32()

                        let validation, test =
                            digits (metricsLine run best "val"), digits (metricsLine run best "test")

                        Expect.equal (digits (summary.GetProperty "validation")) validation "validation in the summary"

                        // Without files, with the same files, and with other words for the same trees.
                        for words in [ []; [ sample; "Tracksters"; "Edges" ] ] do
                            let again = parse (cli ([ "evaluate"; run; "--json" ] @ words) |> expecting 0).Out

                            Expect.equal
                                (digits (again.GetProperty("splits").GetProperty "validation"))
                                validation
                                "validation again"

                            Expect.equal (digits (again.GetProperty("splits").GetProperty "test")) test "test again"

                        // The copy is the same model; alone it does not know a split.
                        let copy = model.Replace(".pt", ".safetensors")
                        let all = parse (cli [ "evaluate"; copy; sample; "--json" ] |> expecting 0).Out

                        Expect.equal
                            (all.GetProperty("splits").GetProperty("all").GetProperty("graphs").GetInt32())
                            1000
                            "all graphs"

                        runCli [ "evaluate"; copy; sample; "--split"; "test" ]
                        |> expectSentence 2 [ "--split wants a run directory" ])
                }

            test "the learning rate is what was given where numbers have commas" {
                inTemporaryDirectory (fun directory ->
                    let words =
                        [
                            "--runs"
                            directory
                            "--epochs"
                            "1"
                            "--learning_rate"
                            "2.5e-3"
                            "--name"
                            "de"
                            "--no-histograms"
                        ]

                    cli ("train" :: tiny @ words)
                    |> withVariable "LC_ALL" "de_DE.UTF-8"
                    |> withVariable "LANG" "de_DE.UTF-8"
                    |> expecting 0
                    |> ignore

                    let config = read [ runIn directory; "config.json" ]

                    Expect.equal
                        (config.GetProperty("training").GetProperty("learning_rate").GetDouble())
                        0.0025
                        "rate"

                    let tags = tagsOf (runIn directory)
                    Expect.contains tags "val/loss" "metrics"
                    Expect.isFalse (tags |> List.exists _.StartsWith("weights/")) "--no-histograms")
            }

            test "a GPU that is not there is one sentence and exit code 5" {
                if Directory.Exists "/proc/driver/nvidia/gpus" then
                    skiptest "this machine has an NVIDIA driver"

                inTemporaryDirectory (fun directory ->
                    runCli [ "train"; sample; "--gpus"; "1"; "--runs"; directory ]
                    |> expectSentence 5 [ "--gpus 1"; "CPU" ]

                    Expect.isEmpty (Directory.GetDirectories directory) "no run was begun")
            }

            test "missing and unreadable input is one sentence and exit code 4" {
                for word, split in [ "/nowhere/x.root", "/nowhere/x.root"; "/nowhere/*.root", "/nowhere/*.root" ] do
                    let outcome = runCli [ "train"; word; "--runs"; "/nowhere" ]
                    expectSentence 4 [ split ] outcome

                withFile "notes.root" "not a ROOT file\n"B (fun path ->
                    runCli [ "train"; path ] |> expectSentence 4 [ path ])
            }

            test "Ctrl-C saves the last weights, exits 130 and says so in run.json" {
                inTemporaryDirectory (fun directory ->
                    let hasSteps () =
                        Directory.GetDirectories directory
                        |> Array.exists (fun run ->
                            let metrics = Path.Combine(run, "metrics.jsonl")
                            File.Exists metrics && FileInfo(metrics).Length > 0L)

                    let interrupt running =
                        let limit = DateTime.UtcNow.AddSeconds 60.0

                        while not (hasSteps ()) && DateTime.UtcNow < limit do
                            Thread.Sleep 50

                        signal "INT" running

                    let outcome =
                        cli ("train" :: tiny @ [ "--runs"; directory; "--epochs"; "100000" ])
                        |> whenStarted interrupt
                        |> expecting 130

                    let run = runIn directory
                    Expect.stringContains outcome.Error "Stopping" "what happens"
                    Expect.isFalse (outcome.Error.Contains "   at ") "no stack trace"
                    Expect.equal ((read [ run; "run.json" ]).GetProperty("exit").GetInt32()) 130 "exit in run.json"
                    cli [ "evaluate"; run; "--checkpoint"; "last" ] |> expecting 0 |> ignore)
            }
        ]

let private evaluates =
    testList
        "evaluate"
        [
            test "what is no run and no model is a checkpoint error" {
                runCli [ "evaluate"; "/nowhere" ] |> expectSentence 7 [ "/nowhere" ]

                withFile "m.safetensors" "{}"B (fun path ->
                    runCli [ "evaluate"; path; sample ] |> expectSentence 7 [ path ])
            }

            test "no model and no file are usage errors" {
                Expect.stringContains
                    (refusal (fun () -> EvaluateSettings.ofWords []))
                    "give a run directory or a model file"
                    "no model"

                withFile "m.safetensors" "{}"B (fun path ->
                    runCli [ "evaluate"; path ] |> expectSentence 2 [ "no input" ])
            }

            test "options are read like those of train" {
                let settings =
                    EvaluateSettings.ofWords
                        [ "run"; "a.root"; "--split=TEST"; "--batch_size"; "8"; "--checkpoint"; "last" ]

                Expect.equal (settings.Model, settings.Input.Words) ("run", [ "a.root" ]) "words"

                Expect.equal
                    (settings.Split, settings.Network.BatchSize, settings.Network.Checkpoint)
                    (Some SplitName.Test, Some 8, "last")
                    "options"

                let wrong () = EvaluateSettings.ofWords [ "run"; "--split"; "train" ]

                Expect.stringContains (refusal wrong) "validation, test, training or all" "choices"
            }
        ]

let private demonstrates =
    testList
        "demo"
        [
            test "both networks beat keeping everything by average precision" {
                inTemporaryDirectory (fun directory ->
                    let outcome =
                        cli [ "demo"; "--runs"; directory; "--json" ]
                        |> within (TimeSpan.FromMinutes 8.0)
                        |> expecting 0

                    let test = (parse outcome.Out).GetProperty "test"
                    let precision (name: string) = test.GetProperty(name).GetProperty("average_precision").GetDouble()

                    for network in [ "equilibrium network"; "autoregressive network" ] do
                        Expect.isGreaterThan (precision network) (precision "keep all") network

                    let runs = Directory.GetDirectories directory
                    Expect.hasLength runs 2 "two runs"
                    let equilibrium = runs |> Array.find (fun run -> run.EndsWith "demo-equilibrium")

                    for name in [ "scores.root"; "report.html" ] do
                        Expect.isTrue (File.Exists(Path.Combine(equilibrium, name))) name

                    Expect.isTrue (File.Exists(Path.Combine(directory, "demo.root"))) "its sample"
                    Expect.stringContains outcome.Error directory "where the runs are")
            }
        ]

let private benchmarks =
    testList
        "benchmark"
        [
            test "every thing is timed, and no tensor is left behind by a step" {
                let outcome =
                    cli [ "benchmark"; "--hidden-dim"; "8"; "--repeats"; "1"; "--json" ]
                    |> expecting 0

                let result = parse outcome.Out
                let timings = result.GetProperty("timings").EnumerateArray() |> List.ofSeq
                Expect.hasLength timings 3 "loading, training, inference"

                for timing in timings do
                    Expect.isGreaterThan (timing.GetProperty("wall_ms_per_graph").GetDouble()) 0.0 "a time"

                let live (step: int) = result.GetProperty($"live_tensors_step_{step}").GetInt64()
                Expect.equal (live 200) (live 10) "live tensors"
            }

            test "one network is timed beside the machine's matrix product" {
                let small =
                    [ "--hidden"; "8"; "--limit"; "3"; "--batch"; "2"; "--repeats"; "1"; "--threads"; "2"; "--json" ]

                for words in
                    [
                        [ "train"; "--mode"; "autoregressive"; "--memory-budget"; "0.001" ]
                        [ "infer"; "--memory"; "gru" ]
                    ] do
                    let outcome = cli ("benchmark" :: words @ small) |> expecting 0
                    let result = parse outcome.Out

                    for key in
                        [
                            "ms_per_graph_min"
                            "ms_per_graph_median"
                            "gflop_per_graph"
                            "gflops"
                            "gemm_gflops"
                            "gemm_share"
                            "peak_memory_mb"
                        ] do
                        Expect.isGreaterThan (result.GetProperty(key).GetDouble()) 0.0 key
            }

            test "the operations of a network are those that its formula gives" {
                // Two nodes; edges 0 -> 1, 1 -> 0 and a loop at each: 4 edges, both nodes reached.
                let graph =
                    Pruning.Tests.Fixture.graph
                        "two"
                        (TorchSharp.torch.zeros [| 2L; 9L |])
                        [| 0; 1; 0; 1 |]
                        [| 1; 0; 0; 1 |]
                        [| 0uy; 1uy |]

                let config: Pruning.Model.Configuration.PrunerConfig =
                    { Pruning.Model.Configuration.PrunerConfig.standard with
                        Hidden = 2
                        Rounds = 1
                        Strategy = Pruning.Model.Configuration.DecisionStrategy.Equilibrium 1
                    }

                // Encoder 2 x 2 (9 x 1 + 1 x 2 + 2 x 2) = 60; gates 4 x 8 (2 + 4 - 2) = 128 and 2 x 8 x 2 = 32 beside them;
                // decision 4 (8 + 8) 2 = 128; one head 5 x 8 x 2 = 80.
                let forward = 60.0 + 128.0 + 32.0 + 128.0 + 80.0
                let gflop task = 1e9 * BenchmarkNetwork.gflopOf task config graph
                Expect.floatClose Accuracy.high (gflop BenchmarkNetwork.Task.Infer) forward "forward"
                Expect.floatClose Accuracy.high (gflop BenchmarkNetwork.Task.Train) (3.0 * forward) "with backward"
            }

            test "an odd width and two files are usage errors" {
                let read words () = BenchmarkArguments.settingsOf words

                Expect.stringContains (refusal (read [ "--hidden-dim"; "9" ])) "an even number" "width"
                Expect.stringContains (refusal (read [ "a.root"; "b.root" ])) "one ROOT file" "files"
            }
        ]

[<Tests>]
let tests = testList "Runs" [ trains; evaluates; benchmarks ]

[<SlowTests>]
let slow = testList "Runs" [ demonstrates ]
