/// The same numbers in every layout of files, trees and baskets.
module Pruning.Tests.Data.RootLayoutTests

open System
open System.IO
open Expecto
open FsCheck
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

let private numbers = [ [ 1; 2; 3 ]; []; [ -4 ]; [ 5; 6 ]; []; [ 7; 8; 9; 10 ] ]

/// The same jagged integers as a counter, a counted array and a vector, cut into baskets of three entries.
let private jagged (shape: Basket -> Basket) =
    let cut table encode =
        numbers
        |> List.chunkBySize 3
        |> List.map (List.map encode >> basket table >> shape)

    [
        branch "n" (leaf "TLeafI" "n") (cut NoTable (fun values -> int32s [ values.Length ]))
        counted "x" "TLeafI" "n" (cut Offsets int32s)
        vector "v" "vector<int>" (cut Offsets (fun values -> vectorEntry values.Length (int32s values)))
    ]

let private expectNumbers (root: RootFile) (name: string) =
    let t = root.Tree name
    Expect.equal t.EntryCount 6L "entries"
    Expect.equal (entriesOf (t.Read<int>("x"))) numbers "the counted array"
    Expect.equal (entriesOf (t.Read<int>("v"))) numbers "the vector"
    Expect.equal (t.Read<int>("n").Values) [| 3; 0; 1; 2; 0; 4 |] "the counter"

let private layoutTests =
    [
        for codec in [ Raw; Zlib; Deflate; Lz4; Zstd ] do
            for blockBytes in [ 0xFFFFFF; 200 ] do
                test $"baskets stored as {codec} in blocks of {blockBytes} bytes give the same values" {
                    // Enough repetition that every codec makes the basket smaller, as writers only then compress.
                    let values = List.init 300 (fun i -> List.init (i % 4) (fun _ -> 7))

                    let packed =
                        { basket Offsets (values |> List.map int32s) with
                            Codec = codec
                            BlockBytes = blockBytes
                        }

                    let content =
                        [
                            branch
                                "n"
                                (leaf "TLeafI" "n")
                                [ basket NoTable (values |> List.map (fun v -> int32s [ v.Length ])) ]
                            counted "x" "TLeafI" "n" [ packed ]
                        ]

                    opened (write (file [ tree content ])) (fun root ->
                        let t = root.Tree "t"
                        Expect.equal (entriesOf (t.Read<int> "x")) values "values"

                        let name =
                            match codec with
                            | Raw -> "none"
                            | Zstd -> "zstd 505"
                            | other -> (string other).ToLowerInvariant()

                        Expect.equal (t.Branch("x").Compression) name "the codec that was seen")
                }

        test "a basket beyond 16 MB, in several blocks, is read on one thread and on several" {
            let values = Array.init 20_000_000 (fun i -> byte (i >>> 12))

            let content =
                write (
                    file
                        [
                            tree
                                [
                                    branch
                                        "x"
                                        { leaf "TLeafB" "x[20000000]" with
                                            Unsigned = true
                                            Length = 20_000_000
                                        }
                                        [
                                            { basket NoTable [ values ] with
                                                Codec = Zstd
                                            }
                                        ]
                                ]
                        ]
                )

            for workers in [ 1; 3 ] do
                openWith (RootReadOptions(Workers = workers)) content (fun root ->
                    Expect.isTrue (root.Tree("t").Read<byte>("x").Values.AsSpan().SequenceEqual values) "values")
        }

        test "an xz block gives the bytes that liblzma packed" {
            let packed =
                { basket NoTable (ramp |> Array.chunkBySize 1 |> List.ofArray) with
                    Codec = Xz
                }

            opened
                (write (
                    file
                        [
                            tree
                                [
                                    branch
                                        "x"
                                        { leaf "TLeafB" "x" with
                                            Unsigned = true
                                        }
                                        [ packed ]
                                ]
                        ]
                ))
                (fun root ->
                    Expect.equal (root.Tree("t").Read<byte>("x").Values) ramp "values"
                    Expect.equal (root.Tree("t").Branch("x").Compression) "xz" "codec")
        }

        for wide in [ false; true ] do
            for directory in [ None; Some "deep" ] do
                let where = if directory.IsSome then "in a sub-directory" else "at the top"

                test $"a file with {(if wide then 64 else 32)}-bit places, tree {where}, is read" {
                    let content =
                        write
                            { file [ tree (jagged id) ] with
                                Wide = wide
                                Directory = directory
                            }

                    let name =
                        match directory with
                        | Some d -> $"{d}/t"
                        | None -> "t"

                    opened content (fun root ->
                        expectNumbers root name
                        expectNumbers root $"{name};1"
                        expectNumbers root $"/{name}")
                }

        for treeVersion in 16..20 do
            for branchVersion in 10..13 do
                test $"TTree version {treeVersion} with TBranch version {branchVersion} is read" {
                    let branches =
                        jagged id
                        |> List.map (fun b ->
                            { b with
                                Branch.Version = branchVersion
                            })

                    opened
                        (write (
                            file
                                [
                                    { tree branches with
                                        Version = treeVersion
                                    }
                                ]
                        ))
                        (fun root -> expectNumbers root "t")
                }

        test "a TNtuple is a tree in an envelope" {
            opened
                (write (
                    file
                        [
                            { tree (jagged id) with
                                Class = "TNtuple"
                            }
                        ]
                ))
                (fun root -> expectNumbers root "t")
        }

        test "baskets that stand inside the tree's description are read" {
            opened (write (file [ tree (jagged (fun b -> { b with Embedded = true })) ])) (fun root ->
                expectNumbers root "t")
        }

        test "a last basket inside the tree's description follows those on disk" {
            let mutable i = 0

            let lastOnly (b: Basket) =
                i <- i + 1
                { b with Embedded = i % 2 = 0 }

            opened (write (file [ tree (jagged lastOnly) ])) (fun root -> expectNumbers root "t")
        }

        for table in [ Sizes; Generated ] do
            test $"a counted branch whose offsets are stored as {table} is read" {
                let branches =
                    jagged id
                    |> List.map (fun b ->
                        if b.Name = "x" then
                            { b with
                                Baskets = b.Baskets |> List.map (fun k -> { k with Table = table })
                            }
                        else
                            b)

                opened (write (file [ tree branches ])) (fun root ->
                    expectNumbers root "t"

                    Expect.equal
                        (entriesOf (root.Tree("t").Read<int>("x", 2L, Nullable 5L)))
                        numbers[2..4]
                        "a range across baskets")
            }

        test "the newest cycle is read unless another is named" {
            let cycle number (value: int) =
                { tree [ branch "x" (leaf "TLeafI" "x") [ basket NoTable [ int32s [ value ] ] ] ] with
                    Cycle = number
                }

            opened (write (file [ cycle 1 10; cycle 3 30; cycle 2 20 ])) (fun root ->
                let value name = (root.Tree name).Read<int>("x").Values[0]

                Expect.equal
                    [ value "t"; value "t;1"; value "t;2"; value "t;3" ]
                    [ 30; 10; 20; 30 ]
                    "values of the cycles"

                Expect.equal
                    (problem (fun () -> root.Tree "t;7" |> ignore))
                    (RootErrorKind.ObjectNotFound, "there is no tree 't;7'. Its cycles are 1, 3, 2.")
                    "a cycle that is not there")
        }

        test "places beyond 4 GB are found" {
            let whole =
                { file [ tree (jagged id) ] with
                    Wide = true
                    Directory = Some "deep"
                    Gap = 5_000_000_000L
                }

            let content = write whole
            let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")

            try
                // A sparse file: the gap takes no disk.
                do
                    use target = File.Create path
                    target.Write(content, 0, topEnd true)
                    target.Position <- int64 (topEnd true) + whole.Gap
                    target.Write(content, topEnd true, content.Length - topEnd true)

                use root = RootFile.Open path
                Expect.isGreaterThan root.Length 5_000_000_000L "length"
                expectNumbers root "deep/t"
            finally
                File.Delete path
        }

        test "an empty branch and an empty tree have no values" {
            opened
                (write (file [ tree [ branch "x" (leaf "TLeafF" "x") []; vector "v" "vector<float>" [] ] ]))
                (fun root ->
                    let t = root.Tree "t"

                    Expect.equal
                        (t.EntryCount, t.Read<float32>("x").ValueCount, t.Read<float32>("v").Offsets)
                        (0L, 0L, [| 0L |])
                        "nothing")
        }

        testProperty "any range of entries, any cut into baskets and any number of threads give the same values"
        <| fun (lists: int list list) (cut: PositiveInt) (a: NonNegativeInt) (b: NonNegativeInt) ->
            let count = List.length lists
            let first, last = (let x, y = a.Get % (count + 1), b.Get % (count + 1) in min x y, max x y)
            let size = 1 + cut.Get % 7
            let chunks table encode = lists |> List.chunkBySize size |> List.map (List.map encode >> basket table)

            let content =
                write (
                    file
                        [
                            tree
                                [
                                    branch "n" (leaf "TLeafI" "n") (chunks NoTable (fun v -> int32s [ v.Length ]))
                                    counted "x" "TLeafI" "n" (chunks Offsets int32s)
                                    vector "v" "vector<int>" (chunks Offsets (fun v -> vectorEntry v.Length (int32s v)))
                                ]
                        ]
                )

            let wanted = if first = last then [] else lists[first .. last - 1]

            for workers in [ 1; 3 ] do
                openWith (RootReadOptions(Workers = workers)) content (fun root ->
                    let t = root.Tree "t"
                    let together = t.Read([| "x"; "v"; "n" |], int64 first, Nullable(int64 last))
                    Expect.equal (entriesOf (together.Column<int> "x")) wanted "counted"
                    Expect.equal (entriesOf (together.Column<int> "v")) wanted "vector"

                    Expect.equal
                        (List.ofArray (together.Column<int>("n").Values))
                        (wanted |> List.map List.length)
                        "counter"

                    Expect.equal
                        (t.ReadAs<float>("v", int64 first, Nullable(int64 last)).Offsets)
                        (together.Column<int>("x").Offsets)
                        "offsets")

        test "columns that share a counter share their offsets" {
            let column name = counted name "TLeafI" "n" [ basket Offsets (numbers |> List.map int32s) ]

            let counter = numbers |> List.map (fun values -> int32s [ values.Length ])

            let content =
                write (
                    file [ tree [ branch "n" (leaf "TLeafI" "n") [ basket NoTable counter ]; column "x"; column "y" ] ]
                )

            opened content (fun root ->
                let together = root.Tree("t").Read([| "x"; "y" |])
                let x, y = together.Column<int> "x", together.Column<int> "y"
                Expect.equal (entriesOf x, entriesOf y) (numbers, numbers) "values"
                Expect.isTrue (obj.ReferenceEquals(x.Offsets, y.Offsets)) "one array")
        }

        // The counter says what x has; y has as many values in each basket but cut elsewhere, or another number.
        testProperty "a counter that is wrong about a column changes nothing"
        <| fun (lengths: (byte * byte) list) (NonNegativeInt chunk) (sameTotals: bool) ->
            let size = 1 + chunk % 4
            let ofX, ofY = lengths |> List.map (fun (x, y) -> int x % 5, int y % 5) |> List.unzip

            let ofY =
                if sameTotals then
                    ofX |> List.chunkBySize size |> List.collect List.rev
                else
                    ofY

            let xs = ofX |> List.map (fun length -> List.init length id)
            let ys = ofY |> List.map (fun length -> List.init length ((+) 100))
            let chunks table encode = List.chunkBySize size >> List.map (List.map encode >> basket table)

            let content =
                write (
                    file
                        [
                            tree
                                [
                                    branch
                                        "n"
                                        (leaf "TLeafI" "n")
                                        (xs |> chunks NoTable (fun v -> int32s [ List.length v ]))
                                    counted "x" "TLeafI" "n" (xs |> chunks Offsets int32s)
                                    counted "y" "TLeafI" "n" (ys |> chunks Offsets int32s)
                                ]
                        ]
                )

            for workers in [ 1; 3 ] do
                openWith (RootReadOptions(Workers = workers)) content (fun root ->
                    let together = root.Tree("t").Read([| "x"; "y" |])
                    Expect.equal (entriesOf (together.Column<int> "x")) xs "x"
                    Expect.equal (entriesOf (together.Column<int> "y")) ys "y")
    ]

[<Tests>]
let tests = testList "ROOT layouts" layoutTests
