/// Copies without what is pruned, and files of scores, against filters written by hand.
module Pruning.Tests.Data.PrunedCopyTests

open System.Collections.Generic
open System.IO
open Expecto
open Parquet
open Pruning.Data.Errors
open Pruning.Data.Pruned
open Pruning.Root.Writing
open Pruning.Data.Tracksters
open Pruning.Tests.Data.PrunedFiles

let private trees =
    [
        for mark in 0..8 ->
            {
                Parents = [ for node in 0 .. 2 + mark -> if node = 0 then -1 else (node - 1) / 2 ]
                Mark = mark
            }
    ]

let private memory (values: 'T array) = System.ReadOnlyMemory values

let private says = dict [ "prune_model_sha256", "abc" ] |> Dictionary

/// Blocks of a few entries, each with margins by its marks and positions.
let private blocks (file: TracksterFile) (margin: int -> int -> float32) =
    [
        for struct (first, last) in file.Blocks 700L do
            let table = file.Read(first, last)
            let evaluated = [| for entry in 0L .. table.EntryCount - 1L -> not (isNull (table.TryBuild entry)) |]

            let margins =
                [|
                    for entry in 0 .. evaluated.Length - 1 do
                        for node in 0 .. table.IdsOf(int64 entry).Length - 1 -> margin (int first + entry) node
                |]

            PrunedBlock(table, margins, evaluated, 0f)
    ]

let private copy (source: string) (path: string) margin =
    use file = opened source
    use copy = PrunedCopy.Create(path, file, says)
    let parts = blocks file margin
    Expect.isGreaterThan parts.Length 2 "several blocks"
    parts |> List.iter (copy.Select >> copy.Append)
    copy.Close()
    List.ofSeq copy.LeftOut, copy.EntryCount

let private styles = [ usual; { usual with Vectors = true } ]

[<Tests>]
let tests =
    testList
        "pruned files"
        [
            for style in styles do
                let name = if style.Vectors then "vectors" else "counted lists"

                test $"a copy without anything pruned is the input, branch by branch ({name})" {
                    inDirectory (fun directory ->
                        let source, path = Path.Combine(directory, "a.root"), Path.Combine(directory, "b.root")
                        write source style trees
                        let leftOut, entries = copy source path (fun _ _ -> -1f)
                        Expect.equal (leftOut, entries) ([], 9L) "everything"

                        for tree in [ "Tracksters"; "Edges"; "Graphs"; "other/Runs" ] do
                            Expect.equal (Set(names path tree)) (Set(names source tree)) tree

                            for name in names source tree do
                                Expect.equal (branch path tree name) (branch source tree name) $"{tree}/{name}"

                        Expect.equal
                            (PreparedMetadata.Read path |> nonNull |> Seq.map (|KeyValue|) |> Map.ofSeq)
                            (Map [ "kind", "a test"; "prune_model_sha256", "abc" ])
                            "metadata of both")
                }

                test $"what is pruned is gone from every branch, and links go on over it ({name})" {
                    inDirectory (fun directory ->
                        let source, path = Path.Combine(directory, "a.root"), Path.Combine(directory, "b.root")
                        write source style trees
                        // Every node at an odd position, and all of entry 3.
                        let pruned entry node = entry = 3 || node % 2 = 1

                        copy source path (fun entry node -> if pruned entry node then 1f else -1f)
                        |> ignore

                        let kept = trees |> List.filter (fun tree -> tree.Mark <> 3)
                        let positions tree = [ for node in 0..2 .. tree.Parents.Length - 1 -> node ]

                        let values name =
                            let _, _, values = branch path "Tracksters" name
                            values

                        let nodes (value: Tree -> int -> float) =
                            [
                                for tree in kept do
                                    for node in positions tree -> string (value tree node)
                            ]

                        Expect.equal (values "id") (nodes (fun _ node -> float (100 + node))) "ids stay"

                        Expect.equal
                            (values "quality")
                            (nodes (fun tree node -> float (100 * tree.Mark + node)))
                            "double"

                        Expect.equal (values "mark") [ for tree in kept -> string tree.Mark ] "of tracksters"
                        Expect.equal (values "comment") [ for tree in kept -> $"trackster {tree.Mark}" ] "texts"
                        Expect.equal (values "corner").Length (4 * kept.Length) "constant dimensions"

                        Expect.equal
                            (values "other").Length
                            (kept |> List.sumBy (fun tree -> 1 + tree.Mark % 3))
                            "lists"

                        let _, _, events = branch path "Graphs" "event"
                        Expect.equal events [ for tree in kept -> string (tree.Mark / 2) ] "the tree of tracksters"

                        // A node's parent is (node - 1) / 2; up to an even one.
                        let rec up node = if node % 2 = 0 then node else up ((node - 1) / 2)

                        let links =
                            [
                                for tree in kept do
                                    for node in positions tree do
                                        if node > 0 then
                                            tree, up ((node - 1) / 2), node
                            ]

                        let ends name =
                            let _, _, values = branch path "Edges" name
                            values

                        Expect.equal (ends "origin") [ for _, parent, _ in links -> string (100 + parent) ] "parents"
                        Expect.equal (ends "target") [ for _, _, node in links -> string (100 + node) ] "followers"

                        Expect.equal
                            (ends "weight")
                            [ for tree, _, node in links -> string (float32 (1000 * tree.Mark + node)) ]
                            "of links"

                        // And it is a prepared file again.
                        use again = opened path
                        let table = again.Read(0L, again.EntryCount)

                        for entry in 0L .. table.EntryCount - 1L do
                            Expect.isNull (table.ProblemOf entry) "a graph")
                }

            test "a column that stops going with the layer clusters is refused by name and entry" {
                inDirectory (fun directory ->
                    let path = Path.Combine(directory, "a.root")

                    do
                        use file = RootFileWriter.Create path
                        let tree = file.CreateTree "Tracksters"
                        let offsets = Array.init 2001 (fun i -> 2L * int64 i)
                        let floats = Array.create 4000 1f
                        let wrong = offsets |> Array.mapi (fun i at -> if i > 1500 then at - 1L else at)

                        tree.Append
                            [|
                                tree.Vector<int64>("id").Lists(memory offsets, memory (Array.init 4000 int64))
                                for name in Seq.truncate 7 TracksterSchema.Features do
                                    tree.Vector<float32>(name).Lists(memory offsets, memory (floats))
                                for name in Seq.skip 7 TracksterSchema.Features do
                                    tree.Vector<bool>(name).Lists(memory offsets, memory (Array.create 4000 false))
                                tree.Vector<float32>("extra").Lists(memory wrong, memory floats)
                            |]

                        let edges = file.CreateTree "Edges"

                        edges.Append
                            [|
                                for name in [ "origin"; "target" ] do
                                    edges.Vector<int64>(name).Lists(memory (Array.zeroCreate 2001), memory [||])
                            |]

                        file.Close()

                    let message =
                        try
                            copy path (Path.Combine(directory, "b.root")) (fun _ _ -> -1f) |> ignore
                            "it was taken"
                        with error when DataException.Covers error ->
                            error.Message

                    for part in [ "'extra'"; "entry 1500"; "found 1" ] do
                        Expect.stringContains message part "message"

                    Expect.hasLength (Directory.GetFileSystemEntries directory) 1 "nothing is left")
            }

            test "blocks of any size are the file" {
                inDirectory (fun directory ->
                    let path = Path.Combine(directory, "a.root")
                    write path usual trees
                    use file = opened path
                    let whole = file.Read(0L, file.EntryCount)

                    for bytes in [ 1L; 300L; 1000L; 1L <<< 40 ] do
                        let parts = [ for struct (first, last) in file.Blocks bytes -> file.Read(first, last) ]
                        Expect.equal (parts |> List.sumBy _.EntryCount) 9L "entries"

                        for part in parts do
                            for entry in 0L .. part.EntryCount - 1L do
                                let one, other = part.Build entry, whole.Build(part.FirstEntry + entry)
                                Expect.equal one.Origin other.Origin "origin"

                                Expect.equal
                                    (one.Features, one.Source, one.Labels)
                                    (other.Features, other.Source, other.Labels)
                                    "graph"

                                Expect.equal (part.TracksterOf entry) (whole.TracksterOf other.Origin.Entry) "number")
            }

            test "scores as a ROOT file and as Parquet: entry by entry what the network said" {
                inDirectory (fun directory ->
                    let source = Path.Combine(directory, "a.root")
                    write source { usual with Broken = Some 4 } trees
                    use file = opened source
                    let margin entry node = float32 entry - float32 node
                    let parts = blocks file margin
                    let root, parquet = Path.Combine(directory, "s.root"), Path.Combine(directory, "s.parquet")

                    do
                        use scores = ScoreFile.Create(root, file, says)
                        use rows = ScoreParquet.Create(parquet, file, says)

                        for part in parts do
                            scores.Append part
                            rows.Append part

                        scores.Close()
                        rows.Close()

                    let values name =
                        let _, _, values = branch root "Scores" name
                        values

                    Expect.equal (values "entry") [ for entry in 0..8 -> string entry ] "entries"
                    Expect.equal (values "judged") [ for entry in 0..8 -> string (entry <> 4) ] "judged"
                    Expect.equal (values "event") [ for entry in 0..8 -> string (entry / 2) ] "events"
                    Expect.equal (values "trackster") [ for entry in 0..8 -> string (entry % 2) ] "numbers"

                    let nodes =
                        [
                            for tree in trees do
                                for node in 0 .. tree.Parents.Length - 1 -> tree.Mark, node
                        ]

                    Expect.equal (values "id") [ for _, node in nodes -> string (100 + node) ] "ids"
                    let pruned entry node = entry <> 4 && margin entry node > 0f

                    Expect.equal
                        (values "pruned")
                        [ for entry, node in nodes -> string (pruned entry node) ]
                        "decisions"

                    for score, (entry, node) in Seq.zip (values "score") nodes do
                        let wanted = if entry = 4 then nan else 1.0 / (1.0 + exp (-float(margin entry node)))
                        Expect.equal score (string (float32 wanted)) "score"

                    use stream = File.OpenRead parquet
                    let reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult()
                    Expect.equal reader.RowGroupCount parts.Length "a row group a block"
                    Expect.equal reader.CustomMetadata["prune_model_sha256"] "abc" "metadata"

                    Expect.equal
                        [ for field in reader.Schema.DataFields -> field.Name ]
                        [ "entry"; "event"; "trackster"; "id"; "score"; "pruned" ]
                        "columns"

                    let rows = Seq.sum [ for group in reader.RowGroups -> group.RowCount ]
                    Expect.equal rows (int64 nodes.Length) "a row a layer cluster"
                    reader.DisposeAsync().AsTask().GetAwaiter().GetResult())
            }

            test "files that are given up leave nothing" {
                inDirectory (fun directory ->
                    let source = Path.Combine(directory, "a.root")
                    write source usual trees
                    use file = opened source
                    let parts = blocks file (fun _ _ -> 0f)
                    let path name = Path.Combine(directory, name)

                    do
                        use scores = ScoreFile.Create(path "s.root", file, says)
                        use rows = ScoreParquet.Create(path "s.parquet", file, says)
                        use copy = PrunedCopy.Create(path "c.root", file, says)
                        scores.Append parts.Head
                        rows.Append parts.Head
                        copy.Append(copy.Select parts.Head)

                    Expect.equal (Directory.GetFileSystemEntries directory) [| source |] "nothing is left")
            }
        ]
