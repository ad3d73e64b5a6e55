/// simulate: files, their bytes, and what it refuses.
module Pruning.Tests.Cli.SimulateTests

open System
open System.IO
open System.Text.Json
open System.Threading
open Expecto
open Pruning.Cli.Framework
open Pruning.Root.Reading
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests

let private simulate (directory: string) (words: string list) = cli (InProcess.below directory ("simulate" :: words))

/// In the directory, as a process: a file that no word names is written there.
let private simulateInside (directory: string) (words: string list) = cli ("simulate" :: words) |> inDirectory directory

let private bytes (parts: string list) = File.ReadAllBytes(Path.Combine(List.toArray parts))

let private metadata (path: string) (key: string) =
    use file = RootFile.Open path
    file.Tree("Metadata").ReadText(key)[0L]

let private files =
    testList
        "files"
        [
            test "the same seed gives the same bytes with one thread and with two, ntuple included" {
                inTemporaryDirectory (fun directory ->
                    for name, threads, seed in [ "a", "1", "7"; "b", "2", "7"; "c", "2", "8" ] do
                        let inside = Path.Combine(directory, name)
                        Directory.CreateDirectory inside |> ignore

                        simulate
                            inside
                            [
                                "--events=100"
                                $"--seed={seed}"
                                $"--threads={threads}"
                                "x.root"
                                "--ntuple=n.root"
                                "--quiet"
                            ]
                        |> expecting 0
                        |> ignore

                    for name in [ "x.root"; "n.root" ] do
                        let one = bytes [ directory; "a"; name ]
                        Expect.isTrue (one = bytes [ directory; "b"; name ]) $"{name} of two threads"
                        Expect.isFalse (one = bytes [ directory; "c"; name ]) $"{name} of another seed"

                    let x = Path.Combine(directory, "a", "x.root")
                    Expect.equal (metadata x "kind") "toy simulation, not CMS" "what it is"
                    use file = RootFile.Open x

                    Expect.all
                        (file.Tree("Graphs").Read<float32>("pileUp").Values)
                        ((=) 10f)
                        "pile-up of each trackster"

                    Expect.stringContains (metadata x "parameters") "\nPileUp=10\n" "parameters"
                    Expect.stringStarts (metadata x "program") "graph-pruning " "version"
                    Expect.equal (metadata x "events") "0 to 99" "events")
            }

            test "RNTuples hold what trees hold, the same bytes with one thread and with two" {
                inTemporaryDirectory (fun directory ->
                    for name, words in
                        [
                            "tree", []
                            "one", [ "--format=rntuple"; "--threads=1" ]
                            "two", [ "--format=rntuple"; "--threads=2" ]
                        ] do
                        let inside = Path.Combine(directory, name)
                        Directory.CreateDirectory inside |> ignore

                        simulate inside ([ "--events=40"; "x.root"; "--quiet" ] @ words)
                        |> expecting 0
                        |> ignore

                    Expect.isTrue
                        (bytes [ directory; "one"; "x.root" ] = bytes [ directory; "two"; "x.root" ])
                        "threads"

                    let x name = Path.Combine(directory, name, "x.root")
                    use trees = RootFile.Open(x "tree")
                    use ntuples = RootFile.Open(x "one")
                    let names (file: RootFile) = file.List() |> Seq.map _.Path |> List.ofSeq
                    Expect.equal (names ntuples) (names trees) "tables"
                    Expect.all (ntuples.List()) _.IsNtuple "RNTuples"

                    for name in names trees do
                        let tree, ntuple = trees.Table name, ntuples.Table name
                        Expect.equal ntuple.EntryCount tree.EntryCount "entries"

                        for field in ntuple.Branches do
                            let wanted = tree.ReadColumns field.Name |> Seq.exactlyOne
                            let found = ntuple.ReadColumns field.Name |> Seq.exactlyOne
                            Expect.equal (List.ofSeq found.Levels) (List.ofSeq wanted.Levels) $"{name}.{field.Name}"
                            Expect.isTrue (found.ValueBytes.SequenceEqual wanted.ValueBytes) $"{name}.{field.Name}"

                    let says path = Pruning.Data.Tracksters.PreparedMetadata.Read path |> nonNull |> List.ofSeq
                    Expect.equal (says (x "one")) (says (x "tree")) "metadata")
            }

            test "shards are the parts of the whole, and the summary counts them" {
                inTemporaryDirectory (fun directory ->
                    let graphs words =
                        let outcome =
                            simulate directory ([ "--events=50"; "--json"; "--quiet" ] @ words)
                            |> expecting 0

                        Expect.equal outcome.Error "" "nothing is said"
                        JsonDocument.Parse(outcome.Out).RootElement.GetProperty("graphs").GetInt32()

                    let whole = graphs [ "all.root" ]
                    let parts = graphs [ "1.root"; "--shard=1/2" ], graphs [ "2.root"; "--shard=2/2" ]
                    Expect.equal (fst parts + snd parts) whole "graphs"

                    let event name =
                        use file = RootFile.Open(Path.Combine(directory, name))
                        file.Tree("Graphs").Read<int64>("event").Values

                    Expect.equal (Array.append (event "1.root") (event "2.root")) (event "all.root") "events")
            }

            test "labels, presets and parameters reach the simulation" {
                inTemporaryDirectory (fun directory ->
                    simulateInside
                        directory
                        [
                            "--preset=research"
                            "--label=cut=0.3"
                            "--events=20"
                            "--set=Primaries.Photons=1"
                            "--set"
                            "Primaries.Electrons=0"
                            "--set=Primaries.ChargedPions=0"
                            "--set=Primaries.NeutralHadrons=0"
                            "--set=Low=none"
                            "--compression=lz4"
                        ]
                    |> expecting 0
                    |> ignore

                    let toy = Path.Combine(directory, "toy.root")
                    use file = RootFile.Open toy
                    Expect.equal (Array.distinct (file.Tree("Graphs").Read<int>("pdgId").Values)) [| 22 |] "photons"

                    Expect.allEqual
                        (file.Tree("Tracksters").ReadAs<int>("isSeedCLUE3DLow").Values)
                        0
                        "there is no second pass"

                    Expect.equal file.CompressionSetting 401 "compression"
                    Expect.equal (metadata toy "labels") "cut=0.3" "labels"
                    Expect.stringStarts (metadata toy "time") "global" "time"
                    Expect.stringContains (metadata toy "parameters") "\nLow=none" "parameters")
            }

            test "train takes what simulate wrote, and splits it by event" {
                inTemporaryDirectory (fun directory ->
                    simulate directory [ "--events=40"; "toy.root"; "--quiet" ]
                    |> expecting 0
                    |> ignore

                    let outcome =
                        [
                            "train"
                            "toy.root"
                            "--runs=runs"
                            "--epochs=1"
                            "--hidden-dim=8"
                            "--num-gnn-steps=1"
                            "--num-iterations=2"
                            "--threads=1"
                        ]
                        |> InProcess.below directory
                        |> cli
                        |> expecting 0

                    Expect.stringContains outcome.Error "by event" "split"
                    Expect.stringContains outcome.Out "validation" "metrics")
            }
        ]

let private refusals =
    testList
        "refusals"
        [
            test "a file that is there stays, unless --overwrite says otherwise" {
                inTemporaryDirectory (fun directory ->
                    let path = Path.Combine(directory, "x.root")
                    File.WriteAllText(path, "mine")
                    let words = [ "--events=2"; "x.root"; "--quiet" ]

                    run (simulate directory words)
                    |> expectSentence 2 [ "x.root is there already"; "--overwrite" ]

                    Expect.equal (File.ReadAllText path) "mine" "as it was"
                    simulate directory ("--overwrite" :: words) |> expecting 0 |> ignore
                    Expect.equal (metadata path "events") "0 to 1" "replaced")
            }

            test "options that cannot be are usage errors, each in a sentence" {
                for words, parts in
                    [
                        [ "--events=0" ], [ "--events"; "'0'" ]
                        [ "--preset=cms" ], [ "'cms'"; "default, research, hllhc" ]
                        [ "--label=some" ], [ "--label"; "'some'" ]
                        [ "--pile-up=-1" ], [ "PileUp"; "-1" ]
                        [ "--set=Pileup" ], [ "--set"; "NAME=VALUE" ]
                        [ "--set=PileUpp=1" ], [ "Did you mean 'PileUp'" ]
                        [ "--min-energy=50"; "--max-energy=40" ], [ "MaxEnergy"; "40" ]
                        [ "a.root"; "b.root" ], [ "one file"; "2" ]
                        [ "a.root"; "--ntuple=./a.root" ], [ "same name" ]
                        [ "--schema=2024" ], [ "--schema"; "2024-v4" ]
                    ] do
                    let sentence =
                        try
                            Pruning.Cli.Simulate.SimulateVerb.settingsOf words |> ignore
                            "it was taken"
                        with :? UsageException as error ->
                            error.Message

                    for part in parts do
                        Expect.stringContains sentence part "what it says"
            }

            test "a parameter out of its range ends the process with 2, and nothing is written" {
                inTemporaryDirectory (fun directory ->
                    run (simulateInside directory [ "--pile-up=2000" ])
                    |> expectSentence 2 [ "PileUp must lie between 0 and 1000"; "simulate --help" ]

                    Expect.isEmpty (Directory.GetFileSystemEntries directory) "nothing is there")
            }

            test "a directory that is not there is a data error" {
                inTemporaryDirectory (fun directory ->
                    run (simulate directory [ "no/such/x.root"; "--events=1" ])
                    |> expectSentence 4 [ "no/such/x.root" ])
            }

            test "Ctrl-C ends it with 130 and leaves no file" {
                inTemporaryDirectory (fun directory ->
                    let interrupt running =
                        let waited = Diagnostics.Stopwatch.StartNew()

                        while Directory.GetFiles(directory, "*.tmp").Length < 2
                              && waited.Elapsed.TotalSeconds < 60.0 do
                            Thread.Sleep 20

                        signal "INT" running

                    let outcome =
                        simulateInside directory [ "x.root"; "--ntuple=n.root"; "--events=100000000" ]
                        |> whenStarted interrupt
                        |> expecting 130

                    Expect.equal outcome.Out "" "no summary"
                    Expect.stringContains outcome.Error "interrupted" "says so"
                    Expect.isEmpty (Directory.GetFileSystemEntries directory) "nothing is left")
            }

            test "--parameters prints what --set takes" {
                let outcome = runCli [ "simulate"; "--preset=hllhc"; "--seed=5"; "--parameters" ]
                Expect.equal (outcome.ExitCode, outcome.Error) (0, "") "code and stderr"
                Expect.contains outcome.OutLines "PileUp=200" "of the preset"
                Expect.contains outcome.OutLines "Seed=5" "of the option"
            }
        ]

[<Tests>]
let tests = testList "simulate" [ files; refusals ]
