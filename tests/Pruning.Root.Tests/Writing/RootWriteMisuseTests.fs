/// Wrong use, full disks, and names that are taken: one clear error, and nothing left behind.
module Pruning.Tests.Data.RootWriteMisuseTests

open System
open System.IO
open Expecto
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Root.Writing.Trees
open Pruning.Tests.Data.WrittenTrees

let private message<'E when 'E :> exn> (act: unit -> unit) =
    try
        act ()
        "nothing happened"
    with :? 'E as e ->
        e.Message

let private ints (values: int array) = ReadOnlyMemory values
let private longs (values: int64 array) = ReadOnlyMemory values

let private withFile (use': RootFileWriter -> unit) =
    withDirectory (fun directory ->
        do
            use file = RootFileWriter.Create(Path.Combine(directory, "f.root"))
            use' file

        Expect.isEmpty (Directory.GetFileSystemEntries directory) "nothing is left behind")

[<Tests>]
let tests =
    testList
        "writing trees: wrong use"
        [
            test "without Close nothing stays" { withFile (fun file -> (file.CreateTree "t").Flat<int>("i").Set 1) }

            test "the name shows up at Close, complete, and replaces what was there" {
                withDirectory (fun directory ->
                    let path = Path.Combine(directory, "f.root")
                    File.WriteAllText(path, "old")
                    use file = RootFileWriter.Create path
                    Expect.equal (File.ReadAllText path) "old" "before"
                    file.CreateTree "t" |> ignore
                    file.Close()
                    use read = RootFile.Open path
                    Expect.equal (read.Tree("t").EntryCount) 0L "after"
                    Expect.equal (Directory.GetFiles directory) [| path |] "nothing else")
            }

            test "counts of a group that differ are refused, and the entry can be put right" {
                withFile (fun file ->
                    let tree = file.CreateTree "t"
                    let group = tree.Counter "n"
                    let x = group.Jagged<int> "x"
                    let y = group.Jagged<float> "y"
                    x.Set(ReadOnlySpan [| 1; 2 |])
                    y.Set(ReadOnlySpan [| 1.0 |])

                    Expect.equal
                        (message<InvalidOperationException> tree.Fill)
                        "Cannot fill entry 0 of tree 't': branch 'x' has 2 elements but branch 'y', with the same counter 'n', has 1. \
                         Give both the same number."
                        "message"

                    Expect.equal tree.EntryCount 0L "no entry"
                    y.Set(ReadOnlySpan [| 1.0; 2.0 |])
                    tree.Fill()
                    Expect.equal tree.EntryCount 1L "one entry")
            }

            test "a branch without values is named" {
                withFile (fun file ->
                    let tree = file.CreateTree "t"
                    let a = tree.Flat<int> "a"
                    tree.Flat<int> "b" |> ignore
                    a.Set 1

                    Expect.equal
                        (message<InvalidOperationException> tree.Fill)
                        "Cannot fill entry 0 of tree 't': branch 'b' has no values. Call its Set before Fill."
                        "message")
            }

            test "values of an entry that was not filled do not leak into the next" {
                for between in [ "Append"; "Checkpoint" ] do
                    withFile (fun file ->
                        let tree = file.CreateTree "t"
                        let a = tree.Flat<int> "a"
                        a.Set 1
                        tree.Fill()
                        a.Set 2

                        if between = "Append" then
                            tree.Append [ a.Values(ints [| 3; 4 |]) ]
                        else
                            file.Checkpoint()

                        Expect.stringContains
                            (message<InvalidOperationException> tree.Fill)
                            "branch 'a' has no values."
                            between)
            }

            test "branches come before entries, once each, with possible names and types" {
                withFile (fun file ->
                    let tree = file.CreateTree "t"
                    let a = tree.Flat<int> "a"
                    let argument name = message<ArgumentException>(fun () -> tree.Flat<int> name |> ignore)

                    Expect.equal
                        (argument "a")
                        "Cannot add branch 'a' to tree 't': the tree has a branch of that name already. Choose another name."
                        "twice"

                    Expect.stringStarts (argument "x[3]") "Cannot name a branch 'x[3]': " "brackets"
                    Expect.stringStarts (argument "") "Cannot name a branch '': " "empty"

                    Expect.stringStarts
                        (message<ArgumentException>(fun () -> tree.Flat<DateTime> "when" |> ignore))
                        "Cannot add branch 'when': ROOT has no values of type DateTime."
                        "type"

                    Expect.stringStarts
                        (message<ArgumentException>(fun () -> tree.Fixed<int>("p", 0) |> ignore))
                        "Cannot add branch 'p' with the dimensions [0]: "
                        "dimension"

                    a.Set 1
                    tree.Fill()

                    Expect.equal
                        (message<InvalidOperationException>(fun () -> tree.Flat<int> "late" |> ignore))
                        "Cannot add branch 'late' to tree 't': the tree has 1 entries already. Add all branches before the first entry."
                        "late")
            }

            test "bulk data has to be whole" {
                withFile (fun file ->
                    let tree = file.CreateTree "t"
                    let a = tree.Flat<int> "a"
                    let group = tree.Counter "n"
                    let x = group.Jagged<int> "x"
                    let refused (data: BranchData list) = message<ArgumentException>(fun () -> tree.Append data)
                    let counts = group.Lists(longs [| 0L; 1L; 1L |])

                    Expect.equal
                        (refused [ a.Values(ints [| 1 |]) ])
                        "Cannot append to tree 't': branch 'n' is given no data."
                        "missing"

                    Expect.equal
                        (refused [ a.Values(ints [| 1 |]); a.Values(ints [| 1 |]) ])
                        "Cannot append to tree 't': branch 'a' is given twice."
                        "twice"

                    Expect.equal
                        (refused [ a.Values(ints [| 1 |]); counts; x.Values(ints [| 5 |]) ])
                        "Cannot append to tree 't': branch 'n' is given 2 entries but branch 'a' 1."
                        "unequal"

                    Expect.equal
                        (refused [ a.Values(ints [| 1; 2 |]); counts; x.Values(ints [||]) ])
                        "Cannot write branch 'x': the offsets 0 to 1 are outside of its 0 values."
                        "too few values"

                    Expect.stringStarts
                        (message<ArgumentException>(fun () -> group.Lists(longs [| 0L; 2L; 1L |]) |> ignore))
                        "Cannot write branch 'n': its offsets decrease after entry 1, from 2 to 1."
                        "backwards"

                    Expect.equal tree.EntryCount 0L "nothing was written"
                    tree.Append [ a.Values(ints [| 1; 2 |]); counts; x.Values(ints [| 5 |]) ]
                    Expect.equal tree.EntryCount 2L "now it was")
            }

            test "after Close nothing can be added" {
                withDirectory (fun directory ->
                    use file = RootFileWriter.Create(Path.Combine(directory, "f.root"))
                    let tree = file.CreateTree "t"
                    let a = tree.Flat<int> "a"
                    file.Close()

                    for act in
                        [
                            fun () -> a.Set 1
                            tree.Fill
                            fun () -> file.CreateTree "u" |> ignore
                            file.Close
                        ] do
                        Expect.stringContains (message<ObjectDisposedException> act) "the file is closed." "message")
            }

            test "trees and directories do not share names" {
                withFile (fun file ->
                    file.CreateTree "a/t" |> ignore
                    let refused name = message<ArgumentException>(fun () -> file.CreateTree name |> ignore)

                    let taken name =
                        $"Cannot add '{name}' to {file.Path}: the file has a tree, RNTuple or directory of that name already. Choose \
                         another name."

                    Expect.equal (refused "a") (taken "a") "a directory's"
                    Expect.equal (refused "a/t") (taken "a/t") "a tree's"

                    Expect.equal
                        (refused "a/t/u")
                        $"Cannot add 'a/t/u' to {file.Path}: 't' is a tree already and cannot be a directory too. Choose another name."
                        "a tree as directory"

                    Expect.stringStarts (refused "a//b") "Cannot name a tree or directory '': " "empty")
            }

            test "paths that cannot be written" {
                withDirectory (fun directory ->
                    let refused path = message<RootWriteException>(fun () -> RootFileWriter.Create(path).Dispose())

                    Expect.equal
                        (refused directory)
                        $"Cannot write {directory}: it is a directory. Name a file in it."
                        "a directory"

                    Expect.stringEnds
                        (refused (Path.Combine(directory, "no", "f.root")))
                        ": there is no such directory. Create it first."
                        "no directory"

                    Expect.equal
                        (refused "")
                        "Cannot write a file: the path is empty. Give the path of a file."
                        "no path"

                    Expect.isEmpty (Directory.GetFileSystemEntries directory) "nothing is left behind")
            }

            let fillTree (file: RootFileWriter) =
                let tree = file.CreateTree "t"
                let branch = tree.Flat<int> "i"

                for i in 0..20000 do
                    branch.Set(i * 77777)
                    tree.Fill()

            let fillNtuple (file: RootFileWriter) =
                let ntuple = file.CreateNtuple "n"
                let field = ntuple.Field<int> "i"

                for i in 0..20 do
                    ntuple.Append [| field.Values(ints (Array.init 1000 (fun k -> (i + k) * 77777))) |]

            for (what, fill), after in
                List.allPairs [ "a tree", fillTree; "an RNTuple", fillNtuple ] [ 0L; 100L; 2000L; 20000L ] do
                test $"{what} on a disk that is full after {after} bytes" {
                    withDirectory (fun directory ->
                        let path = Path.Combine(directory, "f.root")
                        File.WriteAllText(path, "old")

                        let options =
                            RootWriteOptions(
                                BasketBytes = 1000,
                                ClusterBytes = 8000L,
                                BeforeWrite =
                                    fun length ->
                                        if length >= after then
                                            raise (IOException("No space left on device", 28))
                            )

                        let text =
                            message<RootWriteException>(fun () ->
                                use file = RootFileWriter.Create(path, options)
                                fill file
                                file.Close())

                        Expect.equal
                            text
                            $"Cannot write {path}: the disk is full. Free some space, or write elsewhere."
                            "message"

                        Expect.equal (Directory.GetFiles directory) [| path |] "no temporary file"
                        Expect.equal (File.ReadAllText path) "old" "the old file is as it was")
                }
        ]
