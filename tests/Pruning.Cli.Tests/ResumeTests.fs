/// Runs that are stopped, killed or damaged, and go on.
module Pruning.Tests.Cli.ResumeTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json
open System.Text.RegularExpressions
open System.Threading
open Expecto
open Pruning.Model.ModelFiles
open Pruning.Model.Logging
open Pruning.Tests
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.InspectTests

/// Three epochs of ten steps, a checkpoint after each fifth step.
let private options =
    [
        "--hidden=8"
        "--rounds=1"
        "--passes=2"
        "--neighbour-aggregator=mean"
        "--sampling-fraction=0.1"
        "--batch-size=8"
        "--epochs=3"
        "--threads=1"
        "--workers=1"
        "--checkpoint-every=5"
        "--ema=0.9"
        "--quiet"
    ]

let private runIn (runs: string) = Directory.GetDirectories runs |> Array.exactlyOne

let private jsonOf (path: string) = JsonDocument.Parse(File.ReadAllText path).RootElement

let private bytesOf (run: string) =
    [
        for name in [ "best/model.safetensors"; "last/model.safetensors"; "last/training.safetensors" ] ->
            File.ReadAllBytes(Path.Combine(run, "checkpoints", name))
    ]

/// metrics.jsonl without what tells the time.
let private metricsOf (run: string) =
    Regex.Replace(
        File.ReadAllText(Path.Combine(run, "metrics.jsonl")),
        "\"(time|seconds|graphs_per_second|resident_bytes)\":(\"[^\"]*\"|[^,}]*),?",
        ""
    )

/// Tag, step and value of every number in the event files, without rates.
let private scalarsOf (run: string) =
    [
        for path in Directory.GetFiles(run, "events.out.tfevents.*") do
            for event in EventFile.read path do
                if not (isNull event.Summary) then
                    for value in event.Summary.Value do
                        if
                            // What a session says of itself is said again by each one.
                            not (value.Tag.StartsWith "_hparams_")
                            // Those of the last step are gone in a run that was cut between it and the validation.
                            && not (value.Tag.StartsWith "gradients/")
                            && value.Tag <> "config"
                            && not (Regex.IsMatch(value.Tag, "seconds|graphs_per_second|resident_bytes"))
                        then
                            value.Tag, event.Step, value.SimpleValue
    ]
    |> List.sort

let private whole =
    lazy
        (inTemporaryDirectoryOf (fun runs ->
            cli ([ "train"; sample; "--runs"; runs ] @ options) |> expecting 0 |> ignore
            let run = runIn runs
            bytesOf run, metricsOf run, scalarsOf run))

let private expectWhole (run: string) =
    let bytes, metrics, scalars = whole.Value
    Expect.equal (bytesOf run) bytes "weights"
    Expect.equal (metricsOf run) metrics "metrics.jsonl"
    let found = scalarsOf run
    let counted = List.countBy id >> List.sort
    let found, wanted = counted (scalarsOf run), counted scalars
    Expect.equal (List.except found wanted) [] "missing in TensorBoard"
    Expect.equal (List.except wanted found) [] "too much in TensorBoard"
    Expect.equal ((jsonOf (Path.Combine(run, "run.json"))).GetProperty("exit").GetInt32()) 0 "exit in run.json"
    Expect.isEmpty (Directory.GetFileSystemEntries(run, "*writing*", SearchOption.AllDirectories)) "half-written"

/// Waits for a checkpoint, with a generous limit: how long that takes decides nothing.
let private whenSaved (runs: string) (action: Process -> unit) (running: Process) =
    let limit = DateTime.UtcNow.AddSeconds 90.0

    let saved () =
        Directory.Exists runs
        && Directory.GetDirectories runs
           |> Array.exists (fun run ->
               let store = Path.Combine(run, "checkpoints")
               Directory.Exists store && Directory.GetDirectories(store, "epoch-*").Length > 0)

    while not (saved ()) && not running.HasExited && DateTime.UtcNow < limit do
        Thread.Sleep 5

    action running

let private train runs more = cli ([ "train"; sample; "--runs"; runs ] @ options @ more)

let private resume runs more = cli ([ "train"; "--resume"; "auto"; "--runs"; runs; "--quiet" ] @ more)

/// A checkpoint after each step, for those that are stopped.
let private often = [ "--checkpoint-every=1" ]

let private signals =
    [
        for name, code in [ "TERM", 85; "USR1", 85; "INT", 130 ] do
            test $"SIG{name} saves and exits {code}, and the run goes on to the same numbers" {
                inTemporaryDirectory (fun runs ->
                    // Without an end of its own before the signal.
                    let outcome = train runs often |> whenStarted (whenSaved runs (signal name)) |> run

                    // A machine that was too busy to signal in time has finished the run: that is no failure of it.
                    if outcome.ExitCode <> 0 then
                        Expect.equal outcome.ExitCode code (string outcome)
                        let run = runIn runs

                        Expect.equal
                            ((jsonOf (Path.Combine(run, "run.json"))).GetProperty("exit").GetInt32())
                            code
                            "run.json"

                        resume runs [] |> expecting 0 |> ignore

                    expectWhole (runIn runs))
            }

        test "a run that was killed goes on, again and again, to the same numbers" {
            inTemporaryDirectory (fun runs ->
                let kill (running: Process) = running.Kill()
                train runs often |> whenStarted (whenSaved runs kill) |> run |> ignore

                for _ in 1..2 do
                    let later (running: Process) =
                        running.WaitForExit 1500 |> ignore
                        running.Kill()

                    resume runs [] |> whenStarted later |> run |> ignore

                resume runs [] |> expecting 0 |> ignore
                expectWhole (runIn runs))
        }
    ]

let private goingOn =
    [
        test "a damaged newest checkpoint is reported and the one before it used" {
            inTemporaryDirectory (fun runs ->
                train runs [ "--epochs=2" ] |> expecting 0 |> ignore
                let run = runIn runs
                let last = Path.Combine(run, "checkpoints", "last", "training.safetensors")
                File.WriteAllBytes(last, File.ReadAllBytes last |> Array.take 1000)
                let outcome = resume runs [ "--epochs=3" ] |> expecting 0
                Expect.stringContains outcome.Error "training.safetensors" "which file"
                Expect.stringContains outcome.Error "checkpoint before it" "what is done"
                expectWhole run)
        }

        test "what would change the mathematics is refused by name, and nothing is touched" {
            inTemporaryDirectory (fun runs ->
                train runs [ "--epochs=1"; "--schedule=cosine" ] |> expecting 0 |> ignore
                let run = runIn runs
                let before = File.ReadAllText(Path.Combine(run, "run.json"))

                for option, name in
                    [
                        "--learning-rate=0.5", "training.learning_rate"
                        "--batch-size=9", "training.batch_size"
                        "--hidden=16", "model.hidden"
                        "--seed=1", "training.seed"
                        "--mode=one-pass", "model.strategy"
                        "--ema=0.5", "training.ema"
                        "--epochs=2", "training.epochs"
                        "--like=x", "--like"
                    ] do
                    resume runs [ option ] |> Run.run |> expectSentence 2 [ name ]


                Expect.equal (File.ReadAllText(Path.Combine(run, "run.json"))) before "run.json")
        }

        test "no run to go on with is a checkpoint error" {
            inTemporaryDirectory (fun runs ->
                resume runs [] |> Run.run |> expectSentence 7 [ "--resume auto"; runs ]
                runCli [ "train"; "--resume"; runs ] |> expectSentence 7 [ "config.json"; runs ])
        }

        test "a job repeats one command: the first start begins a run, later ones continue it" {
            inTemporaryDirectory (fun runs ->
                let start = train runs [ "--preset"; "fast"; "--resume"; "auto" ]
                let first = start |> Run.run
                Expect.equal first.ExitCode 0 (string first)
                let run = runIn runs
                let before = File.ReadAllText(Path.Combine(run, "metrics.csv"))

                start |> expecting 0 |> ignore
                Expect.equal (runIn runs) run "the same run, which runIn expects to be alone"
                Expect.equal (File.ReadAllText(Path.Combine(run, "metrics.csv"))) before "nothing was left to do"

                train runs [ "--preset"; "fast"; "--resume"; "auto"; "--hidden-dim"; "6" ]
                |> Run.run
                |> expectSentence 2 [ "hidden" ])
        }

        test "--like repeats a run, but for what is said otherwise" {
            inTemporaryDirectory (fun runs ->
                train runs [] |> expecting 0 |> ignore
                let first = runIn runs
                let again = Path.Combine(runs, "again")

                cli [ "train"; "--like"; first; "--runs"; again; "--quiet" ]
                |> expecting 0
                |> ignore

                expectWhole (runIn again)
                let same = runCli [ "compare"; "--config"; first; runIn again ]
                Expect.stringContains same.Out "chose the same" "no difference"
                let other = Path.Combine(runs, "other")

                cli [ "train"; "--like"; first; "--runs"; other; "--quiet"; "--memory=gru"; "--epochs=1" ]
                |> expecting 0
                |> ignore

                let lines = (runCli [ "compare"; "--config"; first; runIn other; "--json" ]).Out
                let names = [ for field in JsonDocument.Parse(lines).RootElement.EnumerateObject() -> field.Name ]
                Expect.equal names [ "model.memory_cell"; "training.epochs" ] "what differs")
        }

        test "a directory that cannot be written is one sentence, and what was there stays" {
            inTemporaryDirectory (fun runs ->
                train runs [ "--epochs=1" ] |> expecting 0 |> ignore
                let run = runIn runs
                let store = Path.Combine(run, "checkpoints")
                let bytes = bytesOf run
                // A file where the next checkpoint's directory has to be made stops root too.
                File.WriteAllText(Path.Combine(store, "epoch-0002-step-00000015"), "")

                resume runs [ "--epochs=2" ]
                |> Run.run
                |> expectSentence 7 [ "epoch-0002-step-00000015" ]

                Expect.equal (bytesOf run) bytes "the old checkpoint"
                File.Delete(Path.Combine(store, "epoch-0002-step-00000015"))
                resume runs [ "--epochs=3" ] |> expecting 0 |> ignore
                expectWhole run)
        }
    ]

/// Tags of the event files.
let private tagsOf (run: string) =
    [
        for path in Directory.GetFiles(run, "events.out.tfevents.*") do
            for event in EventFile.read path do
                if not (isNull event.Summary) then
                    for value in event.Summary.Value do
                        value.Tag
    ]

let private keptOptions =
    [
        test "what no step depends on is taken up again too, unless it is said otherwise" {
            inTemporaryDirectory (fun folder ->
                let runs, copy = Path.Combine(folder, "runs"), Path.Combine(folder, "copy.safetensors")

                train
                    runs
                    [
                        "--epochs=1"
                        "--no-histograms"
                        "--checkpoint-every=3"
                        "--keep=2"
                        "--replicas=2"
                        "--rank-timeout=90s"
                        "--workers=2"
                        "--prefetch-factor=5"
                        "--max-time=1d"
                        "--patience=7"
                        "--output-file"
                        copy
                    ]
                |> expecting 0
                |> ignore

                let run = runIn runs
                let config = Path.Combine(run, "config.json")
                let before = File.ReadAllText config
                let first = File.ReadAllBytes copy
                let section (name: string) = (jsonOf config).GetProperty name
                Expect.isFalse ((section "output").GetProperty("histograms").GetBoolean()) "histograms"
                Expect.equal ((section "output").GetProperty("file").GetString()) copy "file"
                Expect.equal ((section "machine").GetProperty("replicas").GetInt32()) 2 "replicas"
                Expect.equal ((section "machine").GetProperty("rank_timeout_seconds").GetDouble()) 90.0 "rank timeout"
                resume runs [ "--epochs=2" ] |> expecting 0 |> ignore
                let wanted = before.Replace("\"epochs\": 1,", "\"epochs\": 2,")
                Expect.equal (File.ReadAllText config) wanted "config.json, but for the epochs"
                Expect.notEqual (File.ReadAllBytes copy) first "the copy is the new best model"
                let isDistribution (tag: string) = tag.StartsWith "weights/" || tag.StartsWith "gradients/"
                Expect.isEmpty (tagsOf run |> List.filter isDistribution) "no distributions"
                let resumed = (jsonOf (Path.Combine(run, "run.json"))).GetProperty("resumed")[0]
                Expect.equal (resumed.GetProperty("world").GetInt32()) 2 "two ranks again"

                // One option of the ranks replaces them all.
                resume runs [ "--epochs=3"; "--devices=cpu"; "--rank-timeout=60s" ]
                |> expecting 0
                |> ignore

                Expect.equal ((section "machine").GetProperty("replicas").GetInt32()) 1 "replicas, now devices"

                Expect.equal
                    ((section "machine").GetProperty("rank_timeout_seconds").GetDouble())
                    60.0
                    "rank timeout, now"

                // A run like it writes to no file that is another's.
                let last = File.ReadAllBytes copy
                let again = Path.Combine(folder, "again")

                cli [ "train"; "--like"; run; "--runs"; again; "--quiet"; "--epochs=1" ]
                |> expecting 0
                |> ignore

                Expect.equal (File.ReadAllBytes copy) last "left alone"
                Expect.isEmpty (tagsOf (runIn again) |> List.filter isDistribution) "like it")
        }

        test "configurations of before these options are read" {
            inTemporaryDirectory (fun runs ->
                train runs [ "--epochs=1" ] |> expecting 0 |> ignore
                let run = runIn runs
                let config = Path.Combine(run, "config.json")
                let old = Nodes.JsonNode.Parse(File.ReadAllText config) |> nonNull
                old.AsObject().Remove "output" |> ignore

                for name in [ "replicas"; "devices"; "rank_timeout_seconds" ] do
                    (nonNull old["machine"]).AsObject().Remove name |> ignore

                let now = File.ReadAllText config
                File.WriteAllText(config, old.ToJsonString())
                resume runs [] |> expecting 0 |> ignore
                Expect.equal (File.ReadAllText config) now "written in full")
        }
    ]

/// What a user may write is asked of the system: root passes over it, unless it lets go of that right first.
let private mindingPermissions: Lazy<Setup -> Setup> =
    lazy
        (if Environment.UserName <> "root" then
             id
         else
             let rights = "-dac_override,-dac_read_search"

             let without (setup: Setup) =
                 { setup with
                     Program = "setpriv"
                     Arguments =
                         [ $"--bounding-set={rights}"; $"--inh-caps={rights}"; setup.Program ]
                         @ setup.Arguments
                 }

             let isStopped =
                 try
                     inTemporaryDirectoryOf (fun directory ->
                         File.SetUnixFileMode(directory, UnixFileMode.UserRead ||| UnixFileMode.UserExecute)
                         let outcome = program "/bin/sh" [ "-c"; $": > '{directory}/x'" ] |> without |> run
                         outcome.ExitCode <> 0 && outcome.Error.Contains "ermission denied")
                 with :? ComponentModel.Win32Exception ->
                     false

             if isStopped then
                 without
             else
                 fun _ -> skiptest "wanted a user who minds permissions: this is root, and setpriv does not help")

let private readable = UnixFileMode.UserRead ||| UnixFileMode.UserExecute
let private writable = readable ||| UnixFileMode.UserWrite

/// With directories that nobody may write in.
let private withReadOnly (directories: string list) (work: unit -> 'T) : 'T =
    for directory in directories do
        File.SetUnixFileMode(directory, readable)

    try
        work ()
    finally
        for directory in directories do
            File.SetUnixFileMode(directory, writable)

let private permissions =
    [
        for what, names in [ "the directory of the run", [ "." ]; "that of the checkpoints", [ "checkpoints" ] ] do
            test $"{what} may not be written: exit code 1, a sentence, and what was there stays" {
                inTemporaryDirectory (fun runs ->
                    train runs [ "--epochs=1" ] |> expecting 0 |> ignore
                    let run = runIn runs
                    let bytes = bytesOf run
                    let places = names |> List.map (fun name -> Path.GetFullPath(Path.Combine(run, name)))

                    withReadOnly places (fun () ->
                        resume runs [ "--epochs=3" ]
                        |> mindingPermissions.Value
                        |> Run.run
                        |> expectSentence 1 [ "permissions"; List.last places ])

                    Expect.equal (bytesOf run) bytes "the old checkpoint"

                    Expect.isEmpty
                        (Directory.GetFileSystemEntries(run, "*writing*", SearchOption.AllDirectories))
                        "half"

                    resume runs [ "--epochs=3" ] |> expecting 0 |> ignore
                    expectWhole run)
            }

        test "a full disk: exit code 1, and what to do" {
            let error =
                try
                    File.WriteAllText("/dev/full", "of which Linux says that it is full")
                    failtest "wanted no space, found some"
                with :? IOException as error ->
                    error

            let code, sentence = Pruning.Cli.Framework.Failures.describe error
            Expect.equal code 1 "exit code"
            Expect.stringContains sentence "make room" "what to do"
        }

        test "where no run may be begun: exit code 1, and a sentence" {
            inTemporaryDirectory (fun runs ->
                withReadOnly [ runs ] (fun () ->
                    train runs []
                    |> mindingPermissions.Value
                    |> Run.run
                    |> expectSentence 1 [ "permissions"; runs ])

                Expect.isEmpty (Directory.GetFileSystemEntries runs) "nothing there")
        }

        test "a directory of checkpoints that is closed while the training runs ends it, and what was there stays" {
            inTemporaryDirectory (fun runs ->
                let close (_: Process) = File.SetUnixFileMode(Path.Combine(runIn runs, "checkpoints"), readable)

                try
                    train runs [ "--epochs=1000" ]
                    |> mindingPermissions.Value
                    |> whenStarted (whenSaved runs close)
                    |> Run.run
                    |> expectSentence 1 [ "permissions"; "checkpoints" ]
                finally
                    File.SetUnixFileMode(Path.Combine(runIn runs, "checkpoints"), writable)

                let run = runIn runs
                Expect.equal ((jsonOf (Path.Combine(run, "run.json"))).GetProperty("exit").GetInt32()) 1 "run.json"
                resume runs [ "--max-time=0.000001s" ] |> expecting 0 |> ignore)
        }
    ]

let private imports =
    [
        for variant, words in
            [
                "eqfinding_gru_lstm", [ "--num-iterations=3" ]
                "autoregressive_lstm_none", [ "--autoregressive" ]
            ] do
            test $"{variant}: the original's weights come in and decide" {
                inTemporaryDirectory (fun directory ->
                    TorchSharp.torch.set_num_threads 1
                    let numbers = Fixture.read (Path.Combine(Fixture.own, "cases", $"{variant}.safetensors"))
                    let file = Path.Combine(directory, "argnn.safetensors")

                    SafeTensors.write
                        file
                        Map.empty
                        (Fixture.under "param." numbers |> List.map (fun (n, t) -> "model." + n, t))

                    let outcome = cli ([ "import"; file ] @ words) |> expecting 0
                    let model = outcome.OutLines |> List.exactlyOne

                    // One layer cluster a step takes its time over a thousand graphs.
                    if not (List.contains "--autoregressive" words) then
                        cli [ "evaluate"; model; sample; "--json" ] |> expecting 0 |> ignore


                    SafeTensors.write
                        file
                        Map.empty
                        [ "model.in_read.lin1.weight", TorchSharp.torch.zeros [| 8L; 9L |] ]

                    runCli [ "import"; file ] |> expectSentence 7 [ "encoder.linear3.weight"; file ])
            }
    ]

[<Tests>]
let tests =
    testList
        "Resume"
        [
            testList "going on" goingOn
            testList "kept options" keptOptions
            testList "permissions" permissions
            testList "import" imports
        ]

[<SlowTests>]
let slow = testSequencedGroup "processes" (testList "Resume" [ testList "signals" signals ])
