/// prune: the numbers of evaluate, threads, working points, interrupted and repeated jobs, files of any kind.
module Pruning.Tests.Cli.PruneTests

open System
open System.IO
open System.Text.Json
open Expecto
open Pruning.Cli.Options
open Pruning.Root.Reading
open Pruning.Model.Metrics
open Pruning.Model.Prediction
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Data

let private parse (text: string) = JsonDocument.Parse(text).RootElement

/// A directory with a simulated sample, `toy.root`, and a small run on it; removed with the process.
let private prepared =
    lazy
        let directory = Directory.CreateTempSubdirectory "graph-pruning-prune-"
        AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> directory.Delete true)

        let inside words = cli (InProcess.below directory.FullName words) |> expecting 0
        inside [ "simulate"; "toy.root"; "--events=300"; "--quiet" ] |> ignore

        let words =
            [
                "--epochs=2"
                "--learning-rate=0.005"
                "--class-weight=1,15"
                "--hidden_dim=16"
                "--num_gnn_steps=1"
                "--num_iterations=2"
                "--json"
            ]

        let outcome = inside ([ "train"; "toy.root"; "--runs=runs"; "--neighbour-aggregator=mean" ] @ words)

        directory.FullName, string ((parse outcome.Out).GetProperty("run").GetString())

let private prune (directory: string) (words: string list) =
    cli (InProcess.below directory ([ "prune"; snd prepared.Value ] @ words @ [ "--quiet" ]))

/// Outputs are named as the user named them: below the directory that the process runs in.
let private pruneInside (directory: string) (words: string list) =
    cli ([ "prune"; snd prepared.Value ] @ words @ [ "--quiet" ])
    |> inDirectory directory

let private values<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>
    (path: string)
    (tree: string)
    (branch: string)
    : 'T array =
    use file = RootFile.Open path
    file.Tree(tree).Read<'T>(branch).Values

let private bytes (path: string) = File.ReadAllBytes path

/// The same in both verbs. Few epochs leave a network that prunes all or nothing at one half.
let private point = "--working-point=efficiency=0.9"

let private numbers =
    testList
        "numbers"
        [
            test "decisions are those that evaluate counts, whatever the threads" {
                inTemporaryDirectory (fun directory ->
                    let home, run = prepared.Value
                    let toy = Path.Combine(home, "toy.root")
                    let one, two = Path.Combine(directory, "one.root"), Path.Combine(directory, "two.root")

                    prune directory (point :: [ toy; "--output=one.root"; "--threads=1" ])
                    |> expecting 0
                    |> ignore

                    let outcome =
                        prune directory (point :: [ toy; "--output=two.root"; "--threads=3"; "--json" ])
                        |> expecting 0

                    for branch in [ "id"; "pruned"; "judged"; "entry"; "event"; "trackster" ] do
                        Expect.equal
                            (PrunedFiles.branch two "Scores" branch)
                            (PrunedFiles.branch one "Scores" branch)
                            branch

                    Expect.equal
                        (values<float32> two "Scores" "score")
                        (values<float32> one "Scores" "score")
                        "scores, to the bit"

                    let counted =
                        (parse (cli [ "evaluate"; run; toy; "--split=all"; "--json"; point ] |> expecting 0).Out)
                            .GetProperty("judgements")
                            .GetProperty("all")
                            .GetProperty("models")
                            .GetProperty("network")

                    let labels, pruned = values<bool> toy "Tracksters" "label", values<bool> one "Scores" "pruned"

                    let both =
                        Seq.zip labels pruned
                        |> Seq.filter (fun (label, pruned) -> label && pruned)
                        |> Seq.length

                    let number (name: string) = counted.GetProperty(name).GetProperty("value").GetDouble()
                    let sum flags = flags |> Array.filter id |> Array.length |> float
                    Expect.isGreaterThan both 0 "something is pruned"
                    Expect.contains pruned false "and something kept"
                    Expect.floatClose Accuracy.veryHigh (float both / sum pruned) (number "precision") "precision"
                    Expect.floatClose Accuracy.veryHigh (float both / sum labels) (number "recall") "recall"
                    let said = parse outcome.Out
                    Expect.equal (said.GetProperty("nodes_pruned").GetInt64()) (int64 (sum pruned)) "the summary"
                    Expect.equal (said.GetProperty("nodes").GetInt64()) (labels.LongLength) "the summary")
            }

            test "a working point is chosen on labels, and said in the metadata" {
                inTemporaryDirectory (fun directory ->
                    let home, _ = prepared.Value
                    let toy = Path.Combine(home, "toy.root")
                    let chosen = [ "--working-point=efficiency=0.99" ]

                    prune home ([ toy; "--output=own" ] @ chosen) |> expecting 0 |> ignore

                    prune directory ([ toy; $"--output={directory}/named"; $"--choose-on={toy}" ] @ chosen)
                    |> expecting 0
                    |> ignore

                    let says name = Production.metadataOf (Path.Combine(directory, name)) |> Option.get
                    let own = Path.Combine(home, "own")
                    let ownSays = (Production.metadataOf own).Value

                    Expect.equal
                        ownSays["prune_working_point"]
                        "energy efficiency 0.99 on the validation split of the model's run"
                        "own"

                    let named = (says "named")["prune_working_point"]
                    Expect.stringContains named "energy efficiency 0.99 on toy.root " "named"

                    // On the sample that it was chosen on, the share of the showers' energy that is kept is what was asked for.
                    let energy = values<float32> toy "Tracksters" "energy" |> Array.map float
                    let fraction = values<float32> toy "Tracksters" "fraction" |> Array.map float
                    let pruned = values<bool> (Path.Combine(directory, "named")) "Scores" "pruned"
                    let shower = Array.map2 (*) energy fraction
                    let kept = Array.map2 (fun amount pruned -> if pruned then 0.0 else amount) shower pruned
                    let efficiency = Array.sum kept / Array.sum shower
                    Expect.isGreaterThanOrEqual efficiency 0.99 "efficiency"
                    Expect.isLessThan efficiency 0.999 "as low as that"

                    // Scores above the threshold, and no others, are pruned.
                    let margin =
                        Single.Parse(
                            (says "named")["prune_threshold_logit"],
                            Globalization.CultureInfo.InvariantCulture
                        )

                    let cut = Calibration.probability margin
                    let scores = values<float32> (Path.Combine(directory, "named")) "Scores" "score"

                    for score, pruned in Array.zip scores pruned do
                        if abs (float score - cut) > 1e-6 then
                            Expect.equal pruned (float score > cut) "by the score"

                    File.Delete own)
            }

            test "a copy has what is kept, can be evaluated, and pruning it at 1 keeps it" {
                inTemporaryDirectory (fun directory ->
                    let home, run = prepared.Value
                    let toy = Path.Combine(home, "toy.root")

                    let copied =
                        prune directory [ toy; "--output=copy.root"; "--write=copy"; "--json"; point ]
                        |> expecting 0

                    let said = parse copied.Out
                    let number (name: string) = said.GetProperty(name).GetInt64()
                    let copy = Path.Combine(directory, "copy.root")
                    let ids = values<int64> copy "Tracksters" "id"
                    Expect.equal ids.LongLength (number "nodes" - number "nodes_pruned") "layer clusters"

                    Expect.equal
                        (values<int64> copy "Graphs" "event").LongLength
                        (number "graphs_written")
                        "tracksters"

                    let outcome = cli [ "evaluate"; run; copy; "--json" ] |> expecting 0

                    let graphs =
                        (parse outcome.Out).GetProperty("splits").GetProperty("all").GetProperty("graphs").GetInt64()

                    Expect.equal graphs (number "graphs_written") "a prepared file"

                    prune directory [ copy; "--output=again.root"; "--write=copy"; "--working-point=probability=1" ]
                    |> expecting 0
                    |> ignore

                    for name in PrunedFiles.names copy "Tracksters" do
                        Expect.equal
                            (PrunedFiles.branch (Path.Combine(directory, "again.root")) "Tracksters" name)
                            (PrunedFiles.branch copy "Tracksters" name)
                            name)
            }
        ]

let private some count : PrunedFiles.Tree list =
    [
        for mark in 1..count ->
            {
                Parents = [ -1; 0; 1; 0 ]
                Mark = mark
            }
    ]

let private jobs =
    testList
        "jobs"
        [
            test "many files: --resume makes what is missing, says so, and refuses files of other runs" {
                inTemporaryDirectory (fun directory ->
                    let path name = Path.Combine(directory, name)

                    for name, count in [ "a.root", 3; "b.root", 40; "c.root", 5 ] do
                        PrunedFiles.write (path name) PrunedFiles.usual (some count)

                    let each = [ "?.root"; "--output-dir=out"; "--write=parquet" ]
                    pruneInside directory each |> expecting 0 |> ignore
                    let before = bytes (path "out/b.parquet")
                    let kept = File.GetLastWriteTimeUtc(path "out/a.parquet")
                    File.Delete(path "out/b.parquet")

                    run (pruneInside directory each)
                    |> expectSentence 2 [ "out/a.parquet"; "--overwrite" ]

                    let again = pruneInside directory ("--resume" :: each) |> expecting 0
                    Expect.stringContains again.Out "complete already: out/a.parquet" "said"
                    Expect.stringContains again.Out "written: out/b.parquet" "said"
                    Expect.isTrue (bytes (path "out/b.parquet") = before) "the same bytes again"
                    Expect.equal (File.GetLastWriteTimeUtc(path "out/a.parquet")) kept "left alone"
                    let all = pruneInside directory ("--resume" :: "--json" :: each) |> expecting 0
                    Expect.equal ((parse all.Out).GetProperty("kept").GetArrayLength()) 3 "all complete"

                    run (pruneInside directory ("--resume" :: "--working-point=probability=0.7" :: each))
                    |> expectSentence 2 [ "out/a.parquet"; "prune_working_point" ]

                    // Another input under the same name.
                    PrunedFiles.write (path "a.root") PrunedFiles.usual (some 4)

                    run (pruneInside directory ("--resume" :: each))
                    |> expectSentence 2 [ "out/a.parquet"; "prune_input_sha256" ])
            }

            test "shards divide the files" {
                inTemporaryDirectory (fun directory ->
                    for name in [ "a.root"; "b.root"; "c.root" ] do
                        PrunedFiles.write (Path.Combine(directory, name)) PrunedFiles.usual (some 2)

                    let outputs shard =
                        let out = Path.Combine(directory, $"out{shard}")

                        prune directory [ "?.root"; $"--output-dir={out}"; $"--shard={shard}/2" ]
                        |> expecting 0
                        |> ignore

                        [ for file in Directory.GetFiles out -> Path.GetFileName file |> nonNull ]
                        |> List.sort

                    Expect.equal (outputs 1 @ outputs 2) [ "a.root"; "b.root"; "c.root" ] "each once")
            }

            test "a graph that contradicts itself stops before its file is there, or is left alone" {
                inTemporaryDirectory (fun directory ->
                    let path name = Path.Combine(directory, name)
                    PrunedFiles.write (path "a.root") PrunedFiles.usual (some 4)

                    PrunedFiles.write
                        (path "b.root")
                        { PrunedFiles.usual with
                            Broken = Some 2
                        }
                        (some 4)

                    let each = [ "?.root"; "--output-dir=out" ]

                    run (prune directory each)
                    |> expectSentence 4 [ "b.root"; "pos_x"; "NaN"; "entry 2" ]

                    Expect.equal
                        (Directory.GetFileSystemEntries(path "out"))
                        [| path "out/a.root" |]
                        "the first is complete, of the second nothing"

                    let outcome = prune directory ("--resume" :: "--bad-graphs=skip" :: "--json" :: each)
                    run outcome |> expectSentence 2 [ "prune_bad_graphs" ]

                    let outcome =
                        prune directory ("--overwrite" :: "--bad-graphs=skip" :: "--json" :: each)
                        |> expecting 0

                    Expect.equal ((parse outcome.Out).GetProperty("graphs_skipped").GetInt64()) 1L "counted"

                    Expect.equal
                        (values<bool> (path "out/b.root") "Scores" "judged")
                        [| true; true; false; true |]
                        "judged"

                    let scores = values<float32> (path "out/b.root") "Scores" "score"
                    Expect.equal (scores |> Array.map Single.IsNaN) (Array.init 16 (fun node -> node / 4 = 2)) "NaN"

                    prune directory [ "b.root"; "--output=c.root"; "--write=copy"; "--bad-graphs=skip" ]
                    |> expecting 0
                    |> ignore

                    Expect.isFalse
                        (values<uint16> (path "c.root") "Tracksters" "mark" |> Array.contains 3us)
                        "not in the copy")
            }

            test "files without labels, without tracksters, and no ROOT files" {
                inTemporaryDirectory (fun directory ->
                    let path name = Path.Combine(directory, name)
                    PrunedFiles.write (path "labelled.root") PrunedFiles.usual (some 6)

                    PrunedFiles.write
                        (path "plain.root")
                        { PrunedFiles.usual with
                            Labels = false
                        }
                        (some 6)

                    PrunedFiles.write (path "empty.root") PrunedFiles.usual []
                    File.WriteAllText(path "no.root", "no")

                    for write in [ "scores"; "parquet"; "copy" ] do
                        let words =
                            [
                                "plain.root"
                                "labelled.root"
                                "empty.root"
                                $"--output-dir={write}"
                                $"--write={write}"
                            ]

                        prune directory words |> expecting 0 |> ignore
                        Expect.hasLength (Directory.GetFiles(path write)) 3 write

                    Expect.equal
                        (values<float32> (path "scores/plain.root") "Scores" "score")
                        (values<float32> (path "scores/labelled.root") "Scores" "score")
                        "labels are not looked at"

                    Expect.isFalse
                        (List.contains "label" (PrunedFiles.names (path "copy/plain.root") "Tracksters"))
                        "none is made up"

                    Expect.isEmpty (values<float32> (path "scores/empty.root") "Scores" "score") "empty"

                    run (prune directory [ "*.root"; "--output-dir=x" ])
                    |> expectSentence 4 [ "no.root" ]

                    let outcome =
                        prune directory [ "*.root"; "--output-dir=x"; "--bad-files=skip" ]
                        |> expecting 0

                    Expect.stringContains outcome.Error "no.root" "said"
                    Expect.hasLength (Directory.GetFiles(path "x")) 3 "the others")
            }

            test "what cannot be is refused before anything is read or written" {
                inTemporaryDirectory (fun directory ->
                    let model = Path.Combine(snd prepared.Value, "checkpoints", "best", "model.safetensors")

                    for name in [ "a.root"; "b.root" ] do
                        PrunedFiles.write (Path.Combine(directory, name)) PrunedFiles.usual (some 2)

                    for words, parts in
                        [
                            [ "a.root" ], [ "--output FILE"; "--output-dir DIR" ]
                            [ "a.root"; "b.root"; "--output=x" ], [ "2"; "--output-dir" ]
                            [ "a.root"; "--output=a.root"; "--overwrite" ], [ "a.root"; "write elsewhere" ]
                            [ "a.root"; "--output=x"; "--choose-on=b.root" ], [ "--choose-on"; "--working-point" ]
                            [ "a.root"; "--output=x"; "--write=csv" ], [ "scores, parquet or copy" ]
                            [ "a.root"; "--output=x"; "--working-point=0.5" ], [ "probability=P" ]
                        ] do
                        run (prune directory words) |> expectSentence 2 parts

                    cli (
                        InProcess.below directory [ "prune"; model; "a.root"; "--output=x"; "--working-point=best-f1" ]
                    )
                    |> run
                    |> expectSentence 2 [ "--choose-on" ]

                    Expect.hasLength (Directory.GetFileSystemEntries directory) 2 "nothing was written")
            }
        ]

let private batches = test "batches are cut by graphs and by layer clusters, and hold every graph once" {
    Expect.equal (Applying.cuts 3 100 [||]) [| 0 |] "nothing"
    Expect.equal (Applying.cuts 3 100 (Array.create 7 10)) [| 0; 3; 6; 7 |] "graphs"
    Expect.equal (Applying.cuts 10 25 [| 10; 10; 10; 500; 1; 24; 1 |]) [| 0; 2; 3; 4; 6; 7 |] "layer clusters"
}

[<Tests>]
let tests = testList "prune verb" [ numbers; jobs; batches ]
