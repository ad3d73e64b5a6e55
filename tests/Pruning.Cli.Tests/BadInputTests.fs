/// What users meet when their files are not what they think: one sentence that says what was wanted, what was found and
/// where, the right exit code, nothing on stdout, no stack trace.
module Pruning.Tests.Cli.BadInputTests

open System
open System.IO
open System.Text.Json
open Expecto
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.InProcess
open Pruning.Tests.Generators
open Pruning.Tests.Prepared
open Pruning.Tests.Data.Tracksters.TableOf

/// The program, deaf to the variables that the tests run under.
let private quietly (words: string list) = graphPruning words |> withoutVariable "GRAPH_PRUNING_VERBOSE"

/// Refused with this exit code, in one sentence with these parts.
let private refuses (code: int) (parts: string list) (words: string list) : unit =
    let outcome = quietly words |> expecting code
    Expect.equal outcome.Out "" $"nothing on stdout: {outcome}"
    let lines = outcome.ErrorLines
    Expect.hasLength lines 1 $"one line: {outcome}"
    let sentence = lines.Head
    Expect.stringStarts sentence "graph-pruning: " "who speaks"

    for part in parts do
        Expect.stringContains sentence part "what it says"

    Expect.isMatch sentence @"[^.].$" "it ends once"

    for never in [ "Exception"; "   at "; "defect of the program"; ".." ] do
        Expect.isFalse (sentence.Contains(never, StringComparison.Ordinal)) $"no '{never}' in: {sentence}"

let private good = [ for i in 1..12 -> chain (2 + i % 5) (float32 i) ]

/// The good tracksters with one of them changed.
let private spoilt (entry: int) (change: RawTrackster -> RawTrackster) : RawTrackster list =
    good |> List.mapi (fun i raw -> if i = entry then change raw else raw)

let private changeNode (index: int) (change: RawNode -> RawNode) (raw: RawTrackster) : RawTrackster =
    { raw with
        Nodes = raw.Nodes |> List.mapi (fun i node -> if i = index then change node else node)
    }

let private prepared = Prepared.ofTracksters usual

let private labels (change: float32 list list -> float32 list list) =
    Prepared.editValues "label" (function
        | Floats lists -> Floats(change lists)
        | other -> failwith $"labels are {other}")

let private setLabel (entry: int) (index: int) (value: float32) =
    labels (List.mapi (fun e list -> if e = entry then List.updateAt index value list else list))

/// A name, a file that is wrong in one way, and what the sentence has to say about it besides the file.
let private badGraphs: (string * Prepared * string list) list =
    [
        "an edge whose id is not in its trackster",
        prepared (
            spoilt 3 (fun raw ->
                { raw with
                    Links = raw.Links @ [ 10L, 999L ]
                })
        ),
        [ "id 999"; "tree 'Edges'"; "branch 'target'"; "entry 3" ]
        "a NaN feature",
        prepared (spoilt 4 (changeNode 1 (fun node -> { node with Eta = nanf }))),
        [ "wanted a finite number, found NaN"; "tree 'Tracksters'"; "branch 'eta'"; "entry 4" ]
        "an infinite energy",
        prepared (spoilt 5 (changeNode 0 (fun node -> { node with Energy = infinityf }))),
        [ "wanted a finite number, found Infinity"; "branch 'energy'"; "entry 5" ]
        "an energy that no layer cluster can have",
        prepared (spoilt 11 (changeNode 0 (fun node -> { node with Energy = 3e38f }))),
        [ "wanted a number of at most 1E+15 in size, found 3E+38"; "branch 'energy'"; "entry 11" ]
        "a label 2", prepared good |> setLabel 6 1 2f, [ "wanted 0 or 1, found 2"; "branch 'label'"; "entry 6" ]
        "an id that comes twice",
        prepared (spoilt 7 (changeNode 1 (fun node -> { node with Id = 10L }))),
        [ "wanted every id once, found 10 again"; "branch 'id'"; "entry 7" ]
        "an empty trackster",
        prepared (spoilt 8 (fun _ -> { Nodes = []; Links = [] })),
        [ "empty trackster"; "tree 'Tracksters'"; "entry 8" ]
        "arrays of unequal length",
        prepared good |> Prepared.editValues "energy" (Prepared.cutEntry 9),
        [ "one value for each of the 2 layer clusters"; "found 1"; "branch 'energy'"; "entry 9" ]
        "edge ends that are not as many as edge starts",
        prepared good |> Prepared.editValues "target" (Prepared.cutEntry 10),
        [ "tree 'Edges'"; "branch 'target'"; "entry 10" ]
    ]

let private renamed (was: string) (is: string) (table: Table) =
    Some(if table.Name = was then { table with Name = is } else table)

let private without (name: string) (table: Table) = if table.Name = name then None else Some table

let private badFiles: (string * Prepared * string list) list =
    [
        "a missing tree, with the near name offered",
        prepared good |> Prepared.editTables (renamed "Tracksters" "Trackster"),
        [ "no tree or RNTuple 'Tracksters'"; "Did you mean 'Trackster'" ]
        "a missing edge tree", prepared good |> Prepared.editTables (without "Edges"), [ "no tree or RNTuple 'Edges'" ]
        "a missing branch, with the near name offered",
        prepared good
        |> Prepared.editColumn "label" (fun column -> Some { column with Name = "labels" }),
        [ "no branch 'label'"; "Did you mean 'labels'"; "tree 'Tracksters'" ]
        "trees of different length",
        prepared good
        |> Prepared.editValues "origin" (Prepared.takeEntries 11)
        |> Prepared.editValues "target" (Prepared.takeEntries 11),
        [ "12 entries in tree 'Tracksters'"; "11 in tree 'Edges'" ]
        "a branch shorter than its tree",
        prepared good |> Prepared.editValues "phi" (Prepared.takeEntries 7),
        [ "12 entries"; "found 7"; "tree 'Tracksters'"; "branch 'phi'" ]
        "a file without any trackster", prepared [], [ "wanted at least one trackster" ]
        "a branch of a type that cannot be read",
        prepared good |> Prepared.editValues "energy" (fun _ -> Objects 12),
        [ "branch 'energy'"; "vector<TLorentzVector>"; "tree 'Tracksters'" ]
        "a number per entry instead of a list",
        prepared good
        |> Prepared.editValues "energy" (fun _ -> Plain [ for i in 1L .. 12L -> i ]),
        [ "wanted a list per entry"; "branch 'energy'"; "tree 'Tracksters'" ]
        "an energy that is too large for single precision",
        Prepared.ofTracksters { usual with Real = Double } good
        |> Prepared.editValues "energy" (function
            | Doubles lists -> Doubles(lists |> List.mapi (fun i list -> if i = 2 then 1e300 :: list.Tail else list))
            | other -> other),
        [ "1E+300"; "branch 'energy'"; "entry 2" ]
        "event numbers for fewer tracksters than there are",
        prepared good |> Prepared.withEvents [ 1L .. 5L ],
        [ "one event number for each of the 12"; "found 5"; "tree 'Graphs'"; "branch 'event'" ]
    ]

/// Not even ROOT files.
let private foreignFiles: (string * byte array * string list) list =
    let whole = Prepared.toBytes (prepared good)

    [
        "an empty file", [||], [ "empty" ]
        "a text file", "id,pos_x,pos_y\n1,2,3\n"B, [ "text file" ]
        "an HDF5 file", Array.concat [ [| 0x89uy |]; "HDF\r\n\x1a\n"B; Array.zeroCreate 200 ], [ "HDF5" ]
        for share in [ 1; 25; 60; 99 ] do
            $"the first {share} %% of a ROOT file", whole[.. whole.Length * share / 100], [ "bytes" ]
    ]

let private each cases (write: string -> 'a -> unit) =
    [
        for name: string, content: 'a, parts: string list in cases do
            test $"{name} is refused in one sentence" {
                inTemporaryDirectory (fun directory ->
                    let path = Path.Combine(directory, "input.root")
                    write path content
                    refuses 4 (path :: parts) [ "stats"; path ])
            }
    ]

let private save path file = Prepared.save path file |> ignore

let private places =
    [
        test "a missing file is refused in one sentence" {
            inTemporaryDirectory (fun directory ->
                let path = Path.Combine(directory, "none.root")
                refuses 4 [ path; "no such file" ] [ "stats"; path ])
        }

        test "a directory instead of a file is refused in one sentence" {
            inTemporaryDirectory (fun directory -> refuses 4 [ directory; "directory" ] [ "stats"; directory ])
        }

        test "a pattern that matches nothing is refused in one sentence" {
            inTemporaryDirectory (fun directory ->
                let pattern = Path.Combine(directory, "*.root")
                refuses 4 [ pattern ] [ "stats"; pattern ])
        }

        test "an empty name is refused in one sentence" { refuses 4 [ "wanted the path of a file" ] [ "stats"; "" ] }

        test "no file at all is a mistake of the command line" { refuses 2 [ "no input" ] [ "stats" ] }

        test "--verbose adds where it happened, after the same sentence" {
            inTemporaryDirectory (fun directory ->
                let path = Path.Combine(directory, "none.root")
                let lines = (quietly [ "stats"; path; "--verbose" ] |> expecting 4).ErrorLines
                Expect.stringContains lines.Head path "the sentence"
                Expect.exists lines (fun line -> line.StartsWith("   at ", StringComparison.Ordinal)) "the trace")
        }
    ]

/// Every bad file and the good one in a directory; paths of the bad ones with what is to be said of them.
let private writeAll (directory: string) : (string * string list) list =
    [
        for i, (_, bytes, parts) in List.indexed foreignFiles do
            let path = Path.Combine(directory, $"foreign{i}.root")
            File.WriteAllBytes(path, bytes)
            path, parts
        for i, (_, file, parts) in List.indexed badFiles do
            if parts <> [ "wanted at least one trackster" ] then
                Prepared.save (Path.Combine(directory, $"bad{i}.root")) file, parts
    ]

let private json (outcome: Outcome) = JsonDocument.Parse(outcome.Out).RootElement

let private skipping =
    [
        test "--bad-files skip goes on with the good files and lists the others with their reasons" {
            inTemporaryDirectory (fun directory ->
                let bad = writeAll directory
                let fine = Prepared.save (Path.Combine(directory, "fine.root")) (prepared good)
                let missing = Path.Combine(directory, "missing.root"), [ "no such file" ]
                let bad = missing :: bad

                let outcome =
                    quietly ([ "stats"; "--json"; "--bad-files"; "skip"; fine ] @ List.map fst bad)
                    |> expecting 0

                let skipped = (json outcome).GetProperty "skipped"
                Expect.equal ((json outcome).GetProperty("graphs").GetInt64()) 12L "graphs of the good file"
                Expect.equal (skipped.GetArrayLength()) bad.Length "skipped"

                for entry, (path, parts) in Seq.zip (skipped.EnumerateArray()) bad do
                    Expect.equal (entry.GetProperty("file").GetString()) path "in order"
                    let reason = entry.GetProperty("reason").GetString() |> nonNull

                    for part in path :: parts do
                        Expect.stringContains reason part "reason"

                // The first ten on stderr, each in a line, and how many more.
                Expect.hasLength outcome.ErrorLines 11 $"warnings: {outcome}"
                Expect.all outcome.ErrorLines _.StartsWith("warning: skipped") $"warnings: {outcome}"
                Expect.stringContains outcome.Error $"{bad.Length - 10} more" "how many more")
        }

        test "--bad-graphs skip goes on with the good graphs and lists the others with their reasons" {
            inTemporaryDirectory (fun directory ->
                let files =
                    [
                        for i, (_, file, parts) in List.indexed badGraphs ->
                            Prepared.save (Path.Combine(directory, $"{i}.root")) file, parts
                    ]

                let outcome =
                    quietly ([ "stats"; "--json"; "--bad-graphs"; "skip" ] @ List.map fst files)
                    |> expecting 0

                let graphs = (json outcome).GetProperty("graphs").GetInt64()
                Expect.equal graphs (int64 (files.Length * (good.Length - 1))) "each file without one graph"
                let lines = outcome.ErrorLines
                Expect.hasLength lines files.Length $"a line for each: {outcome}"

                for line, (path, parts) in List.zip lines files do
                    for part in "warning: skipped" :: path :: parts do
                        Expect.stringContains line part "the reason")
        }

        test "nothing left after skipping is refused in one sentence" {
            inTemporaryDirectory (fun directory ->
                let path = Path.Combine(directory, "none.root")
                refuses 4 [ "at least one readable file"; path ] [ "stats"; path; "--bad-files"; "skip" ]

                let empty =
                    Prepared.save
                        (Path.Combine(directory, "nan.root"))
                        (prepared [ changeNode 0 (fun n -> { n with PosX = nanf }) good.Head ])

                refuses
                    4
                    [ "at least one trackster"; "1 skipped"; "found NaN"; empty ]
                    [ "stats"; empty; "--bad-graphs"; "skip" ])
        }
    ]

/// Trains one epoch of a tiny network in the directory; its standard output is JSON.
let private training (directory: string) (words: string list) : string list =
    [ "train" ]
    @ words
    @ [
        "--epochs"
        "1"
        "--hidden_dim"
        "4"
        "--threads"
        "1"
        "--json"
        "--runs"
        Path.Combine(directory, "runs")
    ]

let private odd: (string * RawTrackster list * string list) list =
    let node (i: int) = { chain 1 (float32 i) with Links = [] }

    let labelled (prune: bool) =
        good
        |> List.map (fun raw ->
            { raw with
                Nodes = raw.Nodes |> List.map (fun n -> { n with Prune = prune })
            })

    [
        "single nodes", List.map node [ 1..12 ], []
        "single nodes, deciding one by one", List.map node [ 1..12 ], [ "--autoregressive" ]
        "tracksters without an edge among others", spoilt 2 (fun raw -> { raw with Links = [] }), [ "--autoregressive" ]
        "two graphs", List.take 2 good, []
        "one graph", List.take 1 good, []
        "nothing to prune", labelled false, []
        "nothing to prune, deciding one by one", labelled false, [ "--autoregressive" ]
        "nothing to keep", labelled true, []
    ]

let private trainings =
    [
        for name, raws, options in odd do
            test $"training works with {name}" {
                inTemporaryDirectory (fun directory ->
                    let path = Prepared.save (Path.Combine(directory, "odd.root")) (prepared raws)
                    let outcome = quietly (training directory (path :: options)) |> expecting 0
                    let result = json outcome
                    Expect.equal (result.GetProperty("epochs").GetInt32()) 1 "epochs"
                    let run = result.GetProperty("run").GetString() |> nonNull
                    // What was trained can be used.
                    let outcome = quietly [ "evaluate"; run; "--split"; "all"; "--json" ] |> expecting 0
                    let graphs = (json outcome).GetProperty("splits").GetProperty("all").GetProperty("graphs")
                    Expect.equal (graphs.GetInt32()) raws.Length "all graphs")
            }

        test "train and evaluate refuse bad input as stats does, and leave no run behind" {
            inTemporaryDirectory (fun directory ->
                let fine = Prepared.save (Path.Combine(directory, "fine.root")) (prepared good)
                let outcome = quietly (training directory [ fine ]) |> expecting 0
                let run = (json outcome).GetProperty("run").GetString() |> nonNull
                let elsewhere = Path.Combine(directory, "elsewhere")
                let missing = Path.Combine(directory, "none.root")
                refuses 4 [ missing; "no such file" ] (training elsewhere [ missing ])
                refuses 4 [ missing; "no such file" ] [ "evaluate"; run; missing ]

                for name in [ "an edge whose id is not in its trackster"; "a NaN feature" ] do
                    let _, file, parts = badGraphs |> List.find (fun (n, _, _) -> n = name)
                    let path = Prepared.save (Path.Combine(directory, "bad.root")) file
                    refuses 4 (path :: parts) (training elsewhere [ path ])
                    refuses 4 (path :: parts) [ "evaluate"; run; path ]

                Expect.isFalse (Directory.Exists elsewhere) "no run directory")
        }

        test "train without a graph to train on is refused in one sentence" {
            inTemporaryDirectory (fun directory ->
                let path = Prepared.save (Path.Combine(directory, "one.root")) (prepared (List.take 1 good))

                let runs = Path.Combine(directory, "runs")

                refuses
                    4
                    [ "found none in the training split"; "--training-fraction" ]
                    (training runs [ path; "--training_fraction"; "0.2"; "--quiet" ])

                Expect.isFalse (Directory.Exists runs) "no run directory")
        }
    ]

[<Tests>]
let tests =
    testList
        "bad input"
        [
            testList "places" places
            testList "graphs" (each badGraphs save)
            testList "files" (each badFiles save)
            testList "foreign files" (each foreignFiles (fun path bytes -> File.WriteAllBytes(path, bytes)))
            testList "skipping" skipping
            testList "training" trainings
        ]
