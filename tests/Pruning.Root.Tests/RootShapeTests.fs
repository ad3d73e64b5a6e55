/// Everything that is more than one list of numbers for each entry is read.
module Pruning.Tests.Data.RootShapeTests

open System
open Expecto
open FsCheck
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootShapes
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

let private readingTests =
    [
        for name, b, typeName, wanted in cases do
            test $"{name} is read" {
                withBranch b (fun t ->
                    let branch = t.Branch "x"
                    Expect.equal (Option.ofObj branch.Unsupported) None "supported"
                    Expect.equal branch.TypeName typeName "type"
                    let columns = t.ReadColumns "x"
                    Expect.equal [ for c in columns -> describe c ] wanted "columns"

                    for c in columns do
                        for offsets in c.Levels do
                            Expect.equal offsets[0] 0L "offsets begin with 0"

                            Expect.isTrue
                                (Array.pairwise offsets |> Array.forall (fun (a, b) -> a <= b))
                                "offsets rise")
            }

        test "a split collection is a counter and the columns of its members" {
            let hits =
                element "hits.key" "Pair" 0 41 3 [ basket Offsets [ int32s [ 1; 2 ]; int32s []; int32s [ 3 ] ] ]

            let counter =
                { element "hits" "vector<Pair>" -1 4 -1 [ basket NoTable [ int32s [ 2 ]; int32s [ 0 ]; int32s [ 1 ] ] ] with
                    Children = [ hits ]
                }

            let node =
                { element "event" "Event" -2 0 -1 [] with
                    Children = [ counter ]
                }

            withBranch node (fun t ->
                Expect.equal [ for b in t.Branches -> b.Name ] [ "event/hits"; "event/hits/hits.key" ] "names"
                Expect.equal (t.Read<int>("hits").Values) [| 2; 0; 1 |] "counts, by the branch's own name"
                Expect.equal (entriesOf (t.Read<int> "event/hits/hits.key")) [ [ 1; 2 ]; []; [ 3 ] ] "members"
                Expect.isFalse (fst (t.TryBranch "event")) "a node carries no values")
        }

        test "constant dimensions are levels, and ReadNested and ReadText give the one column" {
            let matrix =
                { leaf "TLeafI" "x[2][3]" with
                    Length = 6
                }

            withBranch (branch "x" matrix [ basket NoTable [ int32s [ 1..6 ]; int32s [ 7..12 ] ] ]) (fun t ->
                Expect.equal (List.ofSeq (t.Read<int>("x").LevelCounts)) [ 2L; 4L; 12L ] "levels of a plain column"
                Expect.equal (t.ReadNested<int>("x").Levels[1]) [| 0L; 3L; 6L; 9L; 12L |] "rows"

                Expect.equal
                    (fst (problem (fun () -> t.ReadText "x" |> ignore)))
                    RootErrorKind.WrongElementType
                    "no text"

                Expect.stringStarts
                    (snd (problem (fun () -> t.ReadNested<float> "x" |> ignore)))
                    "wanted lists of double but the branch is int[2][3]"
                    "other numbers")
        }

        test "records and texts are not given as one list of numbers" {
            let _, points, _, _ = cases |> List.find (fun (name, _, _, _) -> name = "a leaf list")

            withBranch points (fun t ->
                Expect.equal (t.Branch("x").ElementType) (Nullable()) "no one element"

                Expect.stringStarts
                    (snd (problem (fun () -> t.Read<float> "x" |> ignore)))
                    "the branch is struct {double d, int pair[2], char c}, not one list of numbers for each entry"
                    "error")
        }
    ]

let private nestedFile (lists: int list list list) (size: int) (table: Table) =
    let chunks =
        lists
        |> List.map (fun inner -> entry (framed 9 (list (fun b v -> ints v b) inner)))
        |> List.chunkBySize size
        |> List.map (basket table)

    write (file [ tree [ element "x" "vector<vector<int> >" -1 0 -1 chunks ] ])

let private lawTests =
    [
        testProperty "nested lists come back whatever the cut into baskets, the range, the table and the threads"
        <| fun (lists: int list list list) (cut: PositiveInt) (a: NonNegativeInt) (b: NonNegativeInt) (sized: bool) ->
            let count = List.length lists
            let first, last = (let x, y = a.Get % (count + 1), b.Get % (count + 1) in min x y, max x y)
            let wanted = if first = last then [] else lists[first .. last - 1]

            for workers in [ 1; 3 ] do
                openWith
                    (RootReadOptions(Workers = workers))
                    (nestedFile lists (1 + cut.Get % 5) (if sized then Sizes else Offsets))
                    (fun root ->
                        let column = root.Tree("t").ReadNested<int>("x", int64 first, Nullable(int64 last))
                        let outer, inner = column.Levels[0], column.Levels[1]

                        let found =
                            [
                                for e in 0 .. last - first - 1 ->
                                    [
                                        for i in outer[e] .. outer[e + 1] - 1L ->
                                            List.ofArray column.Values[int inner[int i] .. int inner[int i + 1] - 1]
                                    ]
                            ]

                        Expect.equal found wanted "lists")

        testProperty "entries of a leaf list without a table are found from the first on"
        <| fun (values: (int * float) list) (a: NonNegativeInt) ->
            let values = values |> List.map (fun (n, x) -> n, (if Double.IsNaN x then 0.0 else x))
            let first = a.Get % (values.Length + 1)

            let b =
                { branch
                      "x"
                      (leaf "TLeafI" "x")
                      [
                          basket
                              NoTable
                              [
                                  for n, x in values ->
                                      entry (fun b ->
                                          b.I32 n
                                          b.F64 x)
                              ]
                      ] with
                    Leaves = [ leaf "TLeafI" "n"; leaf "TLeafD" "x" ]
                }

            oneBranch b (fun t ->
                let columns = t.ReadColumns("x", int64 first)
                let wanted = values |> List.skip first
                Expect.equal ((columns[0] :?> NestedColumn<int>).Values) (wanted |> List.map fst |> Array.ofList) "n"
                Expect.equal ((columns[1] :?> NestedColumn<float>).Values) (wanted |> List.map snd |> Array.ofList) "x")
    ]

[<Tests>]
let tests = testList "ROOT shapes" (readingTests @ lawTests)
