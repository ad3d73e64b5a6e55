/// RNTuples in their files: names, clusters, pieces of blobs, shared pages.
module Pruning.Tests.Data.NtupleFileTests

open System
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.RootExpect

let private splitInt = encoding "SplitInt32"

let private fileTests =
    [
        test "reading a range touches only the clusters that it needs" {
            let n = numbers splitInt [ [ [ 1L; 2L ] ]; [ [ 3L ]; [ 4L ] ]; [ [ 5L ] ] ]
            let content = fileOf [ n ]
            // Pages are raw: the one with 4 has eight as its first byte, and a checksum.
            let at = content.AsSpan().IndexOf(ReadOnlySpan [| 8uy; 0uy; 0uy; 0uy |])
            content[at] <- 9uy

            RootWriter.opened content (fun root ->
                let n = root.Ntuple "n"
                Expect.equal (n.Read<int>("x", 0L, Nullable 3L).Values) [| 1; 2; 3 |] "before the damage"
                Expect.equal (n.Read<int>("x", 4L, Nullable 5L).Values) [| 5 |] "behind it"
                let text = message (fun () -> n.Read<int>("x") |> ignore)
                Expect.stringContains text "a page has the checksum" "damage"
                Expect.stringContains text "RNTuple 'n', field 'x', cluster 1, page 1, byte" "place"

                Expect.equal
                    [ for c in n.Clusters -> c.FirstEntry, c.EndEntry, c.PageCount, c.StoredBytes ]
                    [ 0L, 2L, 1L, 8L; 2L, 4L, 2L, 8L; 4L, 5L, 1L, 4L ]
                    "clusters")
        }

        test "blobs that are larger than a key may be are read from their pieces" {
            let values = List.init 500 int64

            for maxKey in [ 200L; 1000L; 2007L; 2008L; 2009L ] do
                let n =
                    { numbers (encoding "Int32") [ [ values ] ] with
                        MaxKey = maxKey
                    }

                reading n (fun n -> Expect.equal (n.Read<int>("x").Values) [| 0..499 |] $"pieces of {maxKey}")
        }

        test "pages that several columns share are stored once" {
            let one = numbers splitInt [ [ [ 1L; 1L ]; [ 1L; 1L ] ]; [ [ 1L; 1L ] ] ]
            let shared = { one with Deduplicated = true }
            Expect.isLessThan (fileOf [ shared ]).Length (fileOf [ one ]).Length "smaller"
            reading shared (fun n -> Expect.equal (n.Read<int>("x").Values) (Array.replicate 6 1) "values")
        }

        test "RNTuples are found by name, cycle and directory, beside trees" {
            let named name cycle value =
                { numbers splitInt [ [ [ value ] ] ] with
                    Name = name
                    Cycle = cycle
                }

            let tree =
                RootSpec.tree
                    [
                        RootSpec.branch
                            "y"
                            (RootSpec.leaf "TLeafI" "y")
                            [ RootSpec.basket RootSpec.NoTable [ RootSpec.int32s [ 9 ] ] ]
                    ]

            let content =
                RootWriter.write
                    { RootSpec.file [ tree ] with
                        Directory = Some "deep"
                        Objects = [ named "n" 2 20L; named "n" 1 10L; named "other" 1 1L ] |> List.map write
                    }

            RootWriter.opened content (fun root ->
                let value name = root.Ntuple(name).Read<int>("x").Values[0]
                Expect.equal (value "deep/n", value "deep/n;1", value "deep/n;2") (20, 10, 20) "cycles"

                Expect.equal
                    (root.Table("deep/n").Read([| ColumnRequest.As<int64> "x" |]).Column<int64>("x").Values)
                    [| 20L |]
                    "table"

                Expect.equal (root.Table("deep/t").Kind, root.Table("deep/n").Kind) ("tree", "RNTuple") "kinds"
                Expect.isFalse (fst (root.TryNtuple "deep/none")) "none"
                Expect.isFalse (fst (root.TryTable "deep/none")) "none of either kind"
                let refuses act = problem (fun () -> act () |> ignore)

                Expect.equal
                    (refuses (fun () -> root.Ntuple "deep/oter"))
                    (RootErrorKind.ObjectNotFound, "there is no RNTuple 'deep/oter'. Did you mean 'deep/other'?")
                    "a name that is near"

                Expect.equal
                    (refuses (fun () -> root.Ntuple "deep/n;7"))
                    (RootErrorKind.ObjectNotFound, "there is no RNTuple 'deep/n;7'. Its cycles are 2, 1.")
                    "a cycle"

                Expect.equal
                    (refuses (fun () -> root.Tree "deep/n"))
                    (RootErrorKind.WrongClass,
                     "wanted a tree but 'deep/n' is an RNTuple. Open it with RootFile.Ntuple, or with Table, which opens trees as well.")
                    "not a tree"

                Expect.equal
                    (refuses (fun () -> root.Ntuple "deep/t"))
                    (RootErrorKind.WrongClass,
                     "wanted an RNTuple but 'deep/t' is a tree. Open it with RootFile.Tree, or with Table, which opens RNTuples as well.")
                    "not an RNTuple"

                Expect.equal
                    (refuses (fun () -> root.Table "deep"))
                    (RootErrorKind.WrongClass,
                     "wanted a tree or an RNTuple but 'deep' is a TDirectory. Did you mean 'deep/n' or 'deep/t' or 'deep/other'?")
                    "neither"

                Expect.equal
                    (refuses (fun () -> root.Ntuple("deep/other").Read<int> "z"))
                    (RootErrorKind.BranchNotFound, "there is no field 'z'. Did you mean 'x'?")
                    "a field")
        }

        test "entries that are not there are the caller's mistake" {
            reading (numbers splitInt [ [ [ 1L ] ] ]) (fun n ->
                for first, last in [ -1L, 1L; 0L, 2L; 1L, 0L ] do
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> n.Read<int>("x", first, Nullable last) |> ignore)
                        $"{first} to {last}")
        }
    ]

[<Tests>]
let tests = testList "RNTuple files" fileTests
