/// Reading chunk after chunk.
module Pruning.Tests.Data.RootClusterTests

open System
open System.IO
open Expecto
open FsCheck
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Root.Reading
open Pruning.Root.Trees
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

let private numbered (count: int) (cuts: int list) (name: string) =
    let rec split (entries: byte array list) cuts =
        match cuts with
        | cut :: rest when cut < entries.Length ->
            basket NoTable (List.take cut entries) :: split (List.skip cut entries) rest
        | _ -> [ basket NoTable entries ]

    branch name (leaf "TLeafI" name) (split [ for i in 1..count -> int32s [ i ] ] cuts)

/// First entry and number of entries of each chunk.
let private chunksOf (t: RootTree) (names: string list) (first: int64) (end': Nullable<int64>) =
    [
        for chunk in t.ReadClusters(Array.ofList names, first, end') ->
            chunk.FirstEntry, chunk.EntryCount, List.ofArray (chunk.Columns[0] :?> JaggedColumn<int>).Values
    ]

let private ranges chunks = chunks |> List.map (fun (first, count, _) -> first, count)

let private withTree (t: Tree) use' = opened (write (file [ t ])) (fun root -> use' (root.Tree "t"))

[<Tests>]
let tests =
    testList
        "ROOT clusters"
        [
            test "clusters of one size end where the writer flushed" {
                withTree
                    { tree [ numbered 10 [ 4; 4 ] "x" ] with
                        AutoFlush = 4L
                    }
                    (fun t ->
                        Expect.equal (ranges (chunksOf t [ "x" ] 0L (Nullable()))) [ 0L, 4L; 4L, 4L; 8L, 2L ] "all"
                        Expect.equal (ranges (chunksOf t [ "x" ] 3L (Nullable 6L))) [ 3L, 1L; 4L, 2L ] "a range")
            }

            test "ranges of clusters of other sizes come first" {
                withTree
                    { tree [ numbered 12 [] "x" ] with
                        AutoFlush = 5L
                        Clusters = [ 3L, 2L; 6L, 3L ]
                    }
                    (fun t ->
                        Expect.equal
                            (ranges (chunksOf t [ "x" ] 0L (Nullable())))
                            [ 0L, 2L; 2L, 2L; 4L, 3L; 7L, 5L ]
                            "chunks")
            }

            test "without clusters the branch with the fewest baskets gives the cuts" {
                withTree (tree [ numbered 9 [ 2; 2; 2; 2 ] "x"; numbered 9 [ 6 ] "y" ]) (fun t ->
                    Expect.equal (ranges (chunksOf t [ "x"; "y" ] 0L (Nullable()))) [ 0L, 6L; 6L, 3L ] "chunks")
            }

            test "no entries are no chunks" {
                withTree (tree [ numbered 3 [] "x" ]) (fun t ->
                    Expect.isEmpty (chunksOf t [ "x" ] 2L (Nullable 2L)) "an empty range")
            }

            test "branches that cannot be read are refused at once, damaged baskets with their chunk" {
                let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")
                let content = write (file [ tree [ numbered 4 [ 2 ] "x" ] ])
                // The name of the second basket's class.
                let second = content.AsSpan().LastIndexOf("\007TBasket\001x\001t"B.AsSpan())
                content[second + 1] <- byte 'Q'
                File.WriteAllBytes(path, content)

                try
                    use root = RootFile.Open path
                    let t = root.Tree "t"

                    Expect.equal
                        (fst (problem (fun () -> t.ReadClusters [| "nothing" |] |> ignore)))
                        RootErrorKind.BranchNotFound
                        "at once"

                    use chunks = t.ReadClusters([| "x" |]).GetEnumerator()
                    let next () = chunks.MoveNext() |> ignore
                    // The second chunk is read ahead, but its error waits for its turn.
                    Expect.isTrue (chunks.MoveNext()) "the first chunk"
                    Expect.equal (chunks.Current.Column<int>("x").Values) [| 1; 2 |] "its values"
                    Expect.equal (fst (problem next)) RootErrorKind.WrongBasket "the second"
                finally
                    File.Delete path
            }

            test "whoever stops early may dispose the file" {
                withTree
                    { tree [ numbered 100 [ for _ in 1..20 -> 5 ] "x" ] with
                        AutoFlush = 5L
                    }
                    (fun t ->
                        let chunk = t.ReadClusters [| "x" |] |> Seq.head
                        Expect.equal (chunk.Column<int>("x").Values) [| 1..5 |] "the first chunk")
            }

            testProperty "chunks follow each other and hold every value once"
            <| fun (count: NonNegativeInt) (flush: NonNegativeInt) (cuts: PositiveInt list) ->
                let count = count.Get % 60
                let cuts = cuts |> List.map (fun cut -> 1 + cut.Get % 9)

                withTree
                    { tree [ numbered count cuts "x" ] with
                        AutoFlush = int64 (flush.Get % 12)
                    }
                    (fun t ->
                        let chunks = chunksOf t [ "x" ] 0L (Nullable())
                        Expect.equal (chunks |> List.collect (fun (_, _, values) -> values)) [ 1..count ] "values"

                        Expect.equal
                            (chunks |> List.map (fun (first, _, _) -> first))
                            (chunks
                             |> List.scan (fun next (_, n, _) -> next + n) 0L
                             |> List.take chunks.Length)
                            "first entries")
        ]
