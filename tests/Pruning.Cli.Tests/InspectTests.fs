module Pruning.Tests.Cli.InspectTests

open System
open System.IO
open System.Text.Json
open Expecto
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Inspect
open Pruning.Cli.Stats
open Pruning.Tests
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.ValuesTests

let internal sample = Fixture.sample

/// A file with these bytes, for the time of a test.
let internal withFile (name: string) (bytes: byte array) (action: string -> unit) =
    inTemporaryDirectory (fun directory ->
        let path = Path.Combine(directory, name)
        File.WriteAllBytes(path, bytes)
        action path)

[<Tests>]
let inspectTests =
    testList
        "inspect"
        [
            test "the sample's trees and branches are on stdout, with types and codec" {
                let outcome = runCli [ "inspect"; sample ]
                Expect.equal (outcome.ExitCode, outcome.Error) (0, "") "code and stderr"
                Expect.stringContains outcome.Out "Tracksters;1: 1,000 entries" "tree"
                Expect.isMatch outcome.Out @"pos_x\s+float\[npos_x\]\s+1,000\s.*zstd 505" "branch"
                Expect.stringContains outcome.Out "Edges;1: 1,000 entries" "second tree"
            }

            test "JSON holds the keys and every branch" {
                use json = JsonDocument.Parse((runCli [ "inspect"; sample; "--json" ]).Out)
                let root = json.RootElement
                Expect.equal (root.GetProperty("bytes").GetInt64()) (FileInfo(sample).Length) "bytes"
                Expect.equal (root.GetProperty("keys").GetArrayLength()) 2 "keys"

                let trees =
                    [
                        for tree in root.GetProperty("trees").EnumerateArray() ->
                            tree.GetProperty("path").GetString(), tree.GetProperty("branches").GetArrayLength()
                    ]

                Expect.equal trees [ "Tracksters", 22; "Edges", 4 ] "branches"
            }

            test "--tree and --branches narrow it down" {
                use json =
                    JsonDocument.Parse(
                        (runCli [ "inspect"; sample; "--tree"; "Edges;1"; "--branches=*get"; "--json" ]).Out
                    )

                let names =
                    [
                        for tree in json.RootElement.GetProperty("trees").EnumerateArray() do
                            for branch in tree.GetProperty("branches").EnumerateArray() ->
                                branch.GetProperty("name").GetString()
                    ]

                Expect.equal names [ "ntarget"; "target" ] "names"
            }

            test "--values --json is a line a leaf, with the numbers of the values" {
                let outcome = runCli [ "inspect"; sample; "--values"; "--json" ]
                Expect.equal (outcome.ExitCode, outcome.Error) (0, "") "code and stderr"
                let lines = outcome.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                Expect.equal lines.Length 26 "leaves of both trees"
                use file = Pruning.Root.Reading.RootFile.Open sample
                let energy = file.Tree("Tracksters").Read<float32> "energy"
                let id = file.Tree("Tracksters").ReadAs<int64> "id"

                let line branch =
                    lines
                    |> Array.map (fun line -> JsonDocument.Parse(line).RootElement)
                    |> Array.find (fun leaf -> leaf.GetProperty("branch").GetString() = branch)

                let leaf = line "energy"
                let counts = [ for count in leaf.GetProperty("level_counts").EnumerateArray() -> count.GetInt64() ]
                Expect.equal (leaf.GetProperty("object").GetString()) "Tracksters;1" "object"
                Expect.equal (leaf.GetProperty("kind").GetString()) "float32" "kind"
                Expect.equal counts [ 1000L; energy.ValueCount ] "level counts"
                Expect.equal (leaf.GetProperty("nvalues").GetInt64()) energy.ValueCount "values"

                Expect.floatClose
                    Accuracy.high
                    (leaf.GetProperty("sum").GetDouble())
                    (energy.Values |> Array.sumBy float)
                    "sum"

                Expect.equal
                    (leaf.GetProperty("crc32_le").GetUInt32())
                    (IO.Hashing.Crc32.HashToUInt32(
                        Runtime.InteropServices.MemoryMarshal.AsBytes(ReadOnlySpan energy.Values)
                    ))
                    "checksum"

                Expect.equal ((line "id").GetProperty("isum").GetString()) (string (Array.sum id.Values)) "exact sum"
            }

            test "--head shows whole values as JSON and shortened ones as text" {
                let outcome =
                    runCli [ "inspect"; sample; "--tree"; "Edges"; "--branches"; "*get"; "--head"; "2"; "--json" ]

                use json = JsonDocument.Parse outcome.Out
                let entries = json.RootElement.GetProperty "entries"
                Expect.equal (entries.GetArrayLength()) 2 "entries"
                use file = Pruning.Root.Reading.RootFile.Open sample
                let target = file.Tree("Edges").ReadAs<int64> "target"
                let shown = [ for value in entries[1].GetProperty("target").EnumerateArray() -> value.GetInt64() ]
                Expect.equal shown (List.ofArray (target[1].ToArray())) "values of entry 1"

                let text = runCli [ "inspect"; sample; "--tree"; "Tracksters"; "--head"; "1" ]
                Expect.equal (text.ExitCode, text.Error) (0, "") "code and stderr"
                Expect.stringContains text.Out "Tracksters;1, entry 0" "heading"
                Expect.isMatch text.Out @"pos_x +\[.*, \.\.\. \d+ values\]" "a long list"
            }

            test "--check finds nothing in a whole file and names what is wrong in a damaged one" {
                let whole = runCli [ "inspect"; sample; "--check" ]
                Expect.equal (whole.ExitCode, whole.Out) (0, "") "code and stdout"
                Expect.stringContains whole.Error "nothing wrong" "says so"
                let bytes = File.ReadAllBytes sample
                use file = Pruning.Root.Reading.RootFile.Open sample
                // In the middle of the baskets: compressed bytes, whose checksums tell.
                bytes[bytes.Length / 3] <- bytes[bytes.Length / 3] ^^^ 0x10uy

                withFile "flipped.root" bytes (fun path ->
                    let damaged = runCli [ "inspect"; path; "--check" ]
                    Expect.equal damaged.ExitCode 4 "code"
                    Expect.stringContains damaged.Out "tree 'Tracksters', branch '" "place"
                    Expect.stringContains damaged.Error "1 finding." "count"
                    use json = JsonDocument.Parse((runCli [ "inspect"; path; "--check"; "--json" ]).Out)
                    Expect.equal (json.RootElement.GetProperty("findings").GetArrayLength()) 1 "JSON")
            }

            test "--recover reads what a cut file still has and says so" {
                inTemporaryDirectory (fun directory ->
                    let path = Path.Combine(directory, "unclosed.root")
                    use writer = Pruning.Root.Writing.RootFileWriter.Create path
                    let tree = writer.CreateTree "T"
                    let x = tree.Flat<int> "x"

                    for entry in 1..100 do
                        x.Set entry
                        tree.Fill()

                    writer.Checkpoint()
                    // As a crash would leave it: the temporary file, with half a basket behind the checkpoint.
                    let cut = Path.Combine(directory, "cut.root")
                    File.WriteAllBytes(cut, Array.append (File.ReadAllBytes writer.TemporaryPath) [| 1uy; 2uy; 3uy |])
                    let bytes = File.ReadAllBytes cut
                    File.WriteAllBytes(cut, bytes[.. bytes.Length - 40])
                    runCli [ "inspect"; cut ] |> expectSentence 4 [ "open it with Recover" ]
                    let outcome = runCli [ "inspect"; cut; "--recover"; "--values"; "--json" ]
                    Expect.equal outcome.ExitCode 0 "code"
                    Expect.stringContains outcome.Error "100 entries can be read" "how many"
                    use leaf = JsonDocument.Parse outcome.Out
                    Expect.equal (leaf.RootElement.GetProperty("isum").GetString()) "5050" "values")
            }

            test "two modes at once, and --check of one tree, are usage errors" {
                runCli [ "inspect"; sample; "--values"; "--check" ]
                |> expectSentence 2 [ "--values and --check" ]

                runCli [ "inspect"; sample; "--check"; "--tree"; "Edges" ]
                |> expectSentence 2 [ "the whole file" ]

                runCli [ "inspect"; sample; "--head"; "0" ] |> expectSentence 2 [ "--head" ]
            }

            test "a tree that is not there names what is" {
                runCli [ "inspect"; sample; "--tree"; "Trackster" ]
                |> expectSentence 4 [ "Trackster"; "Did you mean 'Tracksters'" ]
            }

            test "a missing file, a text file, a directory and a cut file are one sentence and exit code 4" {
                runCli [ "inspect"; "/nowhere/x.root" ]
                |> expectSentence 4 [ "/nowhere/x.root" ]

                withFile "notes.root" "not a ROOT file\n"B (fun path ->
                    runCli [ "inspect"; path ] |> expectSentence 4 [ path; "text file" ])

                runCli [ "inspect"; Fixture.repository ] |> expectSentence 4 [ "directory" ]

                runCli [ "inspect"; "" ]
                |> expectSentence 4 [ "the path is empty"; "Give the path of a ROOT file." ]

                let cut = (File.ReadAllBytes sample)[..199_999]
                withFile "cut.root" cut (fun path -> runCli [ "inspect"; path ] |> expectSentence 4 [ path; "200000" ])
            }

            test "no file and two files are usage errors" {
                Expect.stringContains (refusal (fun () -> InspectVerb.settingsOf [])) "give one ROOT file" "none"

                Expect.stringContains
                    (refusal (fun () -> InspectVerb.settingsOf [ InspectVerb.Input [ "a"; "b" ] ]))
                    "found also 'b'"
                    "two"
            }
        ]

[<Tests>]
let statsTests =
    testList
        "stats"
        [
            test "the sample's numbers are the ones of a count by hand" {
                use json = JsonDocument.Parse((runCli [ "stats"; sample; "Tracksters;1"; "Edges;1"; "--json" ]).Out)
                let root = json.RootElement
                let number (name: string) = root.GetProperty(name).GetDouble()
                use file = Pruning.Root.Reading.RootFile.Open sample
                let labels = file.Tree("Tracksters").ReadAs<int64> "label"
                let graphs = [ for entry in 0L .. labels.EntryCount - 1L -> labels[entry].ToArray() ]
                let clean = graphs |> List.filter (Array.forall ((=) 0L)) |> List.length
                let nodes = graphs |> List.sumBy Array.length
                let pruned = graphs |> List.sumBy (Array.sumBy int)
                Expect.equal (number "graphs") 1000.0 "graphs"
                Expect.equal (number "nodes") (float nodes) "nodes"

                Expect.floatClose
                    Accuracy.high
                    (number "graphs_without_pruning_percent")
                    (100.0 * float clean / 1000.0)
                    "first number"

                Expect.floatClose
                    Accuracy.high
                    (number "pruned_nodes_percent")
                    (100.0 * float pruned / float nodes)
                    "second number"

                let counts =
                    root.GetProperty("nodes_per_graph").GetProperty("counts").EnumerateArray()
                    |> Seq.sumBy _.GetInt64()

                Expect.equal counts 1000L "every graph is in the histogram"
            }

            test "the table has the original's two numbers" {
                let outcome = runCli [ "stats"; sample ]
                Expect.equal (outcome.ExitCode, outcome.Error) (0, "") "code and stderr"
                Expect.isMatch outcome.Out @"tracksters that need no pruning, %\s+\d+\.\d\d" "first number"
                Expect.isMatch outcome.Out @"layer clusters to prune, %\s+\d+\.\d\d" "second number"
            }

            test "a missing tree and a missing file are data errors; skipping goes on with the rest" {
                runCli [ "stats"; sample; "Trackster"; "Edges" ]
                |> expectSentence 4 [ "Did you mean 'Tracksters'"; sample ]

                runCli [ "stats"; sample; "/nowhere/b.root" ]
                |> expectSentence 4 [ "/nowhere/b.root" ]

                let outcome = runCli [ "stats"; sample; "/nowhere/b.root"; "--bad-files"; "skip" ]
                Expect.equal outcome.ExitCode 0 "goes on"
                Expect.stringContains outcome.Error "warning: skipped: " "says so"
                Expect.stringContains outcome.Error "/nowhere/b.root" "names it"
            }

            test "options of stats are read like those of train" {
                let settings =
                    StatsVerb.settingsOf
                        (fun _ -> false)
                        [ "a.root"; "T"; "E"; "--bad_graphs=skip"; "--workers"; "0"; "--json" ]

                let input, json = settings.Input, settings.Json

                Expect.equal (input.Files, input.TracksterTree, input.EdgeTree) ([ "a.root" ], "T", "E") "input"

                Expect.equal
                    (input.SkipBadFiles, input.SkipBadGraphs, input.Workers, json)
                    (false, true, 1, true)
                    "options"
            }
        ]
