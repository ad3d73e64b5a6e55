/// tune as a process, on the sample of the repository, and what its command line is understood as.
module Pruning.Tests.Cli.TuneTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json
open System.Threading
open Expecto
open Pruning.Cli.Runs
open Pruning.Cli.Tune
open Pruning.Tests
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.InspectTests
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.ValuesTests

let private tiny =
    [
        sample
        "--hidden-dim"
        "8"
        "--num-gnn-steps=1"
        "--num-iterations=1"
        "--epochs"
        "1"
        "--sampling-fraction"
        "0.1"
    ]

let private planOf words =
    match (TuneSettings.ofWords words).Plan with
    | Some plan -> plan
    | None -> failtest "wanted a plan"

let private settings =
    testList
        "settings"
        [
            test "options of train go to every training, files and all" {
                let words =
                    tiny
                    @ [
                        "--grid"
                        "aggregator=lstm,gru"
                        "--memory"
                        "gru"
                        "--grid=normalisation=layer,identity"
                        "--workers"
                        "2"
                    ]

                let plan = planOf words
                Expect.equal plan.Method SearchMethod.Grid "grid where all have values"
                Expect.equal plan.Trials 4 "combinations"
                Expect.equal plan.Epochs 1 "epochs"
                Expect.isFalse (List.contains "--epochs" plan.TrainArguments) "which a study says for each job"
                Expect.equal (planOf (words @ [ "--threads=3" ])).Threads 3 "threads as given"
                Expect.equal (List.head plan.TrainArguments) (Path.GetFullPath sample) "files by full path"
                Expect.containsAll plan.TrainArguments [ "--memory"; "gru"; "--hidden-dim"; "8" ] "others as they are"
                Expect.isFalse (List.contains "--workers" plan.TrainArguments) "workers are tune's own"

                let settings =
                    TrainSettings.ofWords (StudyPlan.trainArguments TuneSettings.isFlag plan { Trial = 2; Rung = 0 })

                Expect.equal settings.Model.DecisionCell Pruning.Model.Configuration.CellKind.Gru "trial 2"
            }

            test "ranges are searched at random, and asha has rungs" {
                let range = [ "--log-uniform"; "learning-rate=1e-4:1e-2" ]
                Expect.equal (planOf (tiny @ range)).Method SearchMethod.Random "method"
                Expect.equal (planOf (tiny @ range)).Trials 20 "trials"

                let plan =
                    planOf (
                        tiny
                        @ range
                        @ [ "--method"; "asha"; "--eta"; "2"; "--epochs"; "8"; "--trials"; "5" ]
                    )

                Expect.equal (StudyPlan.rungs plan) [ 1; 2; 4; 8 ] "rungs"
            }

            for parts, words in
                [
                    [ "found none"; "--grid" ], []
                    [ "unknown option --lerning-rate"; "--learning-rate" ], [ "--grid"; "lerning-rate=1,2" ]
                    [ "trial 1 is no training"; "--memory-cell wants none" ], [ "--grid"; "memory=gru,grue" ]
                    [ "trial"; "is no training"; "--dropout" ], [ "--uniform"; "dropout=1:5" ]
                    [ "--method grid"; "--dropout" ], [ "--uniform"; "dropout=0:0.5"; "--method"; "grid" ]
                    [ "--trials belongs" ], [ "--grid"; "memory=gru,lstm"; "--trials"; "3" ]
                    [ "--eta belong" ], [ "--uniform"; "dropout=0:0.5"; "--eta"; "3" ]
                    [ "more than once" ], [ "--grid"; "memory=gru"; "--grid"; "memory=lstm" ]
                    [ "a study sets it" ], [ "--grid"; "memory=gru"; "--name"; "x" ]
                    [ "a study sets it" ], [ "--grid"; "runs=a,b" ]
                    [ "rungs are epochs" ], [ "--integer"; "epochs=1:5"; "--method"; "asha" ]
                    [ "--metric wants" ], [ "--grid"; "memory=gru"; "--metric"; "beauty" ]
                    [ "unknown option --wrokers" ], [ "--grid"; "memory=gru"; "--wrokers"; "3" ]
                ] do
                let line = String.Join(" ", words)

                test $"refused: '{line}'" {
                    let sentence = refusal (fun () -> TuneSettings.ofWords (tiny @ words) |> ignore)

                    for part in parts do
                        Expect.stringContains sentence part "sentence"
                }
        ]

/// Two trials of three epochs, ten steps each, saved after every step.
let private interruptible =
    [
        "tune"
        sample
        "--hidden-dim=8"
        "--num-gnn-steps=1"
        "--num-iterations=2"
        "--neighbour-aggregator=mean"
        "--epochs=3"
        "--batch-size=8"
        "--sampling-fraction=0.1"
        "--checkpoint-every=1"
        "--no-histograms"
        "--grid"
        "memory=none,gru"
        "--workers=1"
        "--threads=1"
        "--json"
    ]

let private trialRuns (study: string) = Directory.GetDirectories(Path.Combine(study, "trials")) |> List.ofArray

/// Waits until a training of the study has saved itself, with a generous limit.
let private whenSaved (study: string) (action: Process -> unit) (running: Process) : unit =
    let limit = DateTime.UtcNow.AddSeconds 90.0

    let saved () =
        Directory.Exists(Path.Combine(study, "trials"))
        && trialRuns study
           |> List.exists (fun run ->
               let store = Path.Combine(run, "checkpoints")
               Directory.Exists store && Directory.GetDirectories(store, "epoch-*").Length > 0)

    while not (saved ()) && not running.HasExited && DateTime.UtcNow < limit do
        Thread.Sleep 5

    action running

/// What the trials came to: by number their values, and the validation lines of their runs.
let private answersOf (study: string) (outcome: Outcome) =
    let found = JsonDocument.Parse(outcome.Out).RootElement

    [
        for trial in found.GetProperty("trials").EnumerateArray() ->
            let run = Path.Combine(study, "trials", string (trial.GetProperty("run").GetString()))

            trial.GetProperty("trial").GetInt32(),
            trial.GetProperty("average_precision").GetDouble(),
            [
                for line in Pruning.Model.Logging.RunLog.ReadMetrics(Path.Combine(run, "metrics.jsonl")) do
                    if line.Split = "val" then
                        // As text: nan differs from itself.
                        line.Epoch, [ for name, value in line.Values -> name, string value ]
            ]
    ]
    |> List.sort

let private whole =
    lazy
        (inTemporaryDirectoryOf (fun study ->
            cli (interruptible @ [ "--study"; study ]) |> expecting 0 |> answersOf study))

/// Kills a study; its training stands still, so that it cannot come to its end before another study finds it.
let private killAlone (study: string) (running: Process) : unit =
    let trainings =
        EventLog.parse (File.ReadAllText(Path.Combine(study, EventLog.fileName)))
        |> List.choose (function
            | StudyEvent.Started(_, _, training) -> Some(Owner.pidOf training)
            | _ -> None)

    for training in trainings do
        use training = Process.GetProcessById training
        signal "STOP" training

    running.Kill()

let private interruptions =
    testList
        "interruptions"
        [
            for what, code, stop in
                [
                    "stopped", Some 85, (fun _ -> signal "TERM")
                    "killed, its training left alone", None, killAlone
                    "killed, its training too",
                    None,
                    (fun _ (running: Process) -> running.Kill(entireProcessTree = true))
                ] do
                test $"a study that is {what} goes on inside its trial: none is lost, none is done twice" {
                    inTemporaryDirectory (fun study ->
                        let words = interruptible @ [ "--study"; study ]
                        let outcome = cli words |> whenStarted (whenSaved study (stop study)) |> run

                        match code with
                        | Some code -> Expect.equal outcome.ExitCode code (string outcome)
                        | None -> Expect.notEqual outcome.ExitCode 0 (string outcome)

                        let begun = trialRuns study
                        Expect.hasLength begun 1 "one trial had begun"
                        let answers = cli words |> expecting 0 |> answersOf study
                        Expect.equal answers whole.Value "the numbers of a study that nobody disturbed"

                        let record = File.ReadAllText(Path.Combine(begun.Head, "run.json"))
                        let record = JsonDocument.Parse(record).RootElement
                        Expect.equal (record.GetProperty("resumed").GetArrayLength()) 1 "taken up again, once"
                        Expect.equal (record.GetProperty("exit").GetInt32()) 0 "to its end"
                        Expect.hasLength (trialRuns study) 2 "a run for each trial"

                        let finished =
                            EventLog.parse (File.ReadAllText(Path.Combine(study, EventLog.fileName)))
                            |> List.choose (function
                                | StudyEvent.Finish(job, _, JobOutcome.Done _, _, _) -> Some job.Trial
                                | _ -> None)

                        Expect.equal (List.sort finished) [ 0; 1 ] "each trial done once")
                }
        ]

let private process' =
    testList
        "process"
        [
            test "three trials by two workers, then nothing is done again" {
                inTemporaryDirectory (fun directory ->
                    let study = Path.Combine(directory, "my study")

                    let words =
                        "tune" :: tiny
                        @ [ "--grid"; "memory=none,gru,lstm"; "--workers"; "2"; "--study"; study; "--json" ]

                    let outcome = cli words |> expecting 0
                    let found = JsonDocument.Parse(outcome.Out).RootElement
                    let trials = found.GetProperty("trials").EnumerateArray() |> List.ofSeq
                    let value (trial: JsonElement) = trial.GetProperty("average_precision").GetDouble()

                    Expect.equal
                        (trials |> List.map value)
                        (trials |> List.map value |> List.sortDescending)
                        "best first"

                    let best = List.head trials
                    Expect.equal (found.GetProperty("best").GetInt32()) (best.GetProperty("trial").GetInt32()) "best"
                    let memory = string (best.GetProperty("values").GetProperty("memory").GetString())

                    Expect.stringContains
                        (string (found.GetProperty("command").GetString()))
                        $"--memory={memory}"
                        "command"

                    for trial in trials do
                        Expect.equal (trial.GetProperty("status").GetString()) "done" "status"
                        let run = Path.Combine(study, "trials", string (trial.GetProperty("run").GetString()))
                        let metrics = Pruning.Model.Logging.RunLog.ReadMetrics(Path.Combine(run, "metrics.jsonl"))
                        let line = metrics |> List.find (fun line -> line.Split = "val")

                        Expect.equal
                            (value trial)
                            (line.Values |> List.find (fst >> (=) "average_precision") |> snd)
                            "its run's"

                    Expect.hasLength (Directory.GetDirectories(Path.Combine(study, "trials"))) 3 "runs"
                    Expect.isTrue (File.Exists(Path.Combine(study, "report.html"))) "page"
                    Expect.hasLength (File.ReadAllLines(Path.Combine(study, "trials.csv"))) 4 "table"

                    // Again: by the study alone, and by the same words.
                    let log () = EventLog.parse (File.ReadAllText(Path.Combine(study, EventLog.fileName)))
                    let before = log ()

                    let again = cli [ "tune"; "--study"; study; "--json" ] |> expecting 0
                    Expect.equal again.Out outcome.Out "the same answer"
                    cli words |> expecting 0 |> ignore
                    Expect.equal (log ()) before "and no more work"

                    runCli (words @ [ "--seed"; "7" ])
                    |> expectSentence 2 [ "is the study of another" ])
            }

            test "what fails every training stops the study with the exit code of the training" {
                inTemporaryDirectory (fun directory ->
                    let missing = Path.Combine(directory, "missing.root")
                    let study = Path.Combine(directory, "s")

                    runCli
                        [ "tune"; missing; "--grid"; "memory=none,gru"; "--workers"; "1"; "--study"; study; "--quiet" ]
                    |> expectSentence 4 [ "trial-0000 cannot be trained"; "missing.root" ])
            }
        ]

[<Tests>]
let tests = testList "tune" [ settings; testList "runs" [ process' ] ]

[<SlowTests>]
let slow = testSequencedGroup "processes" (testList "tune" [ testList "runs" [ interruptions ] ])
