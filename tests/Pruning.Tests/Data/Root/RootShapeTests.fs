/// Everything that is more than one list of numbers for each entry: texts, nested lists, maps, leaf lists, classes.
module Pruning.Tests.Data.RootShapeTests

open System
open Expecto
open FsCheck
open Pruning.Data.Root
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

/// Field, counts of the levels, and the values as text.
let private describe (column: RootColumn) =
    let values =
        match column with
        | :? TextColumn as texts -> [ for i in 0L .. texts.ValueCount - 1L -> texts[i] ]
        | :? NestedColumn<int> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<int16> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<sbyte> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<bool> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<float32> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<float> as c -> [ for v in c.Values -> string v ]
        | :? JaggedColumn<int> as c -> [ for v in c.Values -> string v ]
        | other -> [ other.GetType().Name ]

    column.Field, List.ofSeq column.LevelCounts, values

let private framed (version: int) (body: Bytes -> unit) (b: Bytes) = b.Frame(version, (fun () -> body b))
let private entry (body: Bytes -> unit) = bytes body
let private texts (values: string list) (b: Bytes) = values |> List.iter b.Text

let private list (item: Bytes -> 'a -> unit) (items: 'a list) (b: Bytes) =
    b.I32 items.Length
    items |> List.iter (item b)

let private ints (items: int list) (b: Bytes) = list (fun b v -> b.I32 v) items b
let private memberWise = 0x4009

/// class Point { int id; double position[2][2]; int n; float* weights (n of them); std::string name; TString alias;
///   vector<short> hits; TObject* other } deriving from TObject and Base { int base }
let private classes =
    [
        classOf "Base" [ memberOf 3 "int" "base" ]
        classOf
            "Point"
            [
                memberOf 66 "BASE" "TObject"
                { memberOf 0 "BASE" "Base" with
                    BaseVersion = classVersion
                }
                memberOf 3 "int" "id"
                { memberOf 28 "double" "position" with
                    Dimensions = [ 2; 2 ]
                }
                memberOf 6 "int" "n"
                { memberOf 45 "float*" "weights" with
                    CountName = "n"
                }
                memberOf 500 "string" "name"
                memberOf 65 "TString" "alias"
                memberOf 500 "vector<short>" "hits"
                memberOf 64 "TObject*" "other"
            ]
        classOf "Pair" [ memberOf 3 "int" "key"; memberOf 61 "Base" "inner" ]
        classOf "Node" [ memberOf 3 "int" "id"; memberOf 500 "vector<Node>" "children" ]
        classOf "Holder" [ memberOf 61 "Unknown" "secret" ]
    ]

let private point (id: int) (weights: float32 list) (name: string) (hits: int list) (b: Bytes) =
    b.Object()
    framed classVersion (fun b -> b.I32(id * 10)) b
    b.I32 id
    List.iter b.F64 [ 1.0; 2.0; 3.0; float id ]
    b.I32 weights.Length
    b.U8(if weights.IsEmpty then 0 else 1)
    weights |> List.iter (BitConverter.SingleToInt32Bits >> b.I32)
    framed 9 (fun b -> b.Text name) b
    b.Text(name + "!")
    framed 9 (list (fun b v -> b.I16 v) hits) b
    b.Slot("TObject", fun () -> b.Object()) |> ignore

let private points = [ 1, [ 0.5f; 1.5f ], "one", [ 7 ]; 2, [], "", []; 3, [ 2.5f ], "three", [ 8; 9 ] ]

/// The columns of those points, below so many lists.
let private pointColumns (levels: int64 list) =
    let all f = points |> List.map f
    let below (extra: int64 list) = levels @ extra

    [
        "base", below [], all (fun (id, _, _, _) -> string (id * 10))
        "id", below [], all (fun (id, _, _, _) -> string id)
        "position", below [ 6L; 12L ], points |> List.collect (fun (id, _, _, _) -> [ "1"; "2"; "3"; string id ])
        "n", below [], all (fun (_, w, _, _) -> string w.Length)
        "weights", below [ 3L ], [ "0.5"; "1.5"; "2.5" ]
        "name", below [], all (fun (_, _, name, _) -> name)
        "alias", below [], all (fun (_, _, name, _) -> name + "!")
        "hits", below [ 3L ], [ "7"; "8"; "9" ]
    ]

let private whole name className entries = element name className -1 0 -1 [ basket Offsets entries ]

let private cases: (string * Branch * string * (string * int64 list * string list) list) list =
    [
        "text of a leaf",
        branch "x" (leaf "TLeafC" "x") [ basket Offsets [ entry (texts [ "uno" ]); [||]; entry (texts [ String('a', 300) ]) ] ],
        "char*",
        [ "", [ 3L ], [ "uno"; ""; String('a', 300) ] ]

        "std::string as a branch",
        element "x" "string" -1 -1 -1 [ basket Offsets [ entry (texts [ "één" ]); entry (texts [ "" ]) ] ],
        "string",
        [ "", [ 2L ], [ "één"; "" ] ]

        "vector<string>",
        whole "x" "vector<string>" [ entry (framed 9 (list (fun b (v: string) -> b.Text v) [ "a"; "bc" ])); entry (framed 9 (ints [])) ],
        "vector<string>",
        [ "", [ 2L; 2L ], [ "a"; "bc" ] ]

        "vector<vector<int>>",
        whole
            "x"
            "std::vector<std::vector<Int_t> >"
            [
                entry (framed 9 (list (fun b v -> ints v b) [ [ 1; 2 ]; []; [ 3 ] ]))
                entry (framed 9 (ints []))
            ],
        "vector<std::vector<Int_t> >",
        [ "", [ 2L; 3L; 3L ], [ "1"; "2"; "3" ] ]

        "vector<set<string>>",
        whole
            "x"
            "vector<set<string> >"
            [ entry (framed 9 (list (fun b v -> list (fun b (t: string) -> b.Text t) v b) [ [ "a" ]; [ "b"; "c" ] ])) ],
        "vector<set<string> >",
        [ "", [ 1L; 2L; 3L ], [ "a"; "b"; "c" ] ]

        "bitset",
        whole
            "x"
            "bitset<3>"
            [
                entry (
                    framed 9 (fun b ->
                        b.I32 3
                        b.Raw [| 1uy; 0uy; 1uy |])
                )
            ],
        "bitset<3>",
        [ "", [ 1L; 3L ], [ "True"; "False"; "True" ] ]

        "a map stored member by member: keys, then values in one envelope",
        whole
            "x"
            "map<int,vector<short> >"
            [
                entry (
                    framed memberWise (fun b ->
                        b.I16 0
                        b.I32 0x1234
                        b.I32 2
                        b.I32 5
                        b.I32 6

                        framed
                            9
                            (fun b ->
                                list (fun b v -> b.I16 v) [ 1; 2 ] b
                                list (fun b v -> b.I16 v) [ 3 ] b)
                            b)
                )
            ],
        "map<int,vector<short> >",
        [ "0", [ 1L; 2L ], [ "5"; "6" ]; "1", [ 1L; 2L; 3L ], [ "1"; "2"; "3" ] ]

        "a map stored pair by pair",
        whole
            "x"
            "map<int,vector<short> >"
            [
                entry (
                    framed
                        9
                        (list
                            (fun b (key, values) ->
                                b.I32 key
                                list (fun b v -> b.I16 v) values b)
                            [ 5, [ 1; 2 ]; 6, [ 3 ] ])
                )
            ],
        "map<int,vector<short> >",
        [ "0", [ 1L; 2L ], [ "5"; "6" ]; "1", [ 1L; 2L; 3L ], [ "1"; "2"; "3" ] ]

        "a leaf list",
        { branch
              "x"
              (leaf "TLeafI" "x")
              [
                  basket
                      NoTable
                      [
                          entry (fun b ->
                              b.F64 1.5
                              b.I32 1
                              b.I32 2
                              b.U8 97)
                          entry (fun b ->
                              b.F64 2.5
                              b.I32 3
                              b.I32 4
                              b.U8 98)
                      ]
              ] with
            Leaves =
                [
                    leaf "TLeafD" "d"
                    { leaf "TLeafI" "pair[2]" with
                        Length = 2
                    }
                    leaf "TLeafB" "c"
                ]
        },
        "struct {double d, int pair[2], char c}",
        [ "d", [ 2L ], [ "1.5"; "2.5" ]; "pair", [ 2L; 4L ], [ "1"; "2"; "3"; "4" ]; "c", [ 2L ], [ "97"; "98" ] ]

        "a counted array within a leaf list",
        { branch
              "x"
              (leaf "TLeafI" "x")
              [ basket Offsets [ int32s [ 2; 7; 8 ]; int32s [ 0 ]; int32s [ 1; 9 ] ] ] with
            Leaves =
                [
                    leaf "TLeafI" "n"
                    { leaf "TLeafI" "a[n]" with
                        Counter = Some "n"
                    }
                ]
        },
        "struct {int n, int a[n]}",
        [ "n", [ 3L ], [ "2"; "0"; "1" ]; "a", [ 3L; 3L ], [ "7"; "8"; "9" ] ]

        "objects that are branches: no envelope of their own",
        whole "x" "Point" [ for id, w, n, h in points -> entry (point id w n h) ],
        "Point",
        pointColumns [ 3L ]

        "a class with a streamer of its own: an envelope",
        element "x" "Base" -1 -1 -1 [ basket NoTable [ entry (framed classVersion (fun b -> b.I32 4)) ] ],
        "Base",
        [ "base", [ 1L ], [ "4" ] ]

        "vector of objects, each in its envelope",
        whole
            "x"
            "vector<Point>"
            [ entry (framed 9 (list (fun b (id, w, n, h) -> framed classVersion (point id w n h) b) points)) ],
        "vector<Point>",
        pointColumns [ 1L; 3L ]

        "vector of objects stored member by member",
        whole
            "x"
            "vector<Pair>"
            [
                entry (
                    framed memberWise (fun b ->
                        b.I16 classVersion
                        b.I32 2
                        b.I32 1
                        b.I32 2
                        framed classVersion (fun b -> b.I32 3) b
                        framed classVersion (fun b -> b.I32 4) b)
                )
            ],
        "vector<Pair>",
        [ "key", [ 1L; 2L ], [ "1"; "2" ]; "inner.base", [ 1L; 2L ], [ "3"; "4" ] ]

        "a string member in its envelope",
        element "x" "Point" 6 0 500 [ basket Offsets [ entry (framed 9 (texts [ "a" ])); entry (framed 9 (texts [ "" ])) ] ],
        "string",
        [ "", [ 2L ], [ "a"; "" ] ]

        "a TString member",
        element "x" "Point" 7 0 65 [ basket Offsets [ entry (texts [ "a" ]) ] ],
        "TString",
        [ "", [ 1L ], [ "a" ] ]

        "a member of a class",
        element "x" "Pair" 1 0 61 [ basket NoTable [ entry (framed classVersion (fun b -> b.I32 8)) ] ],
        "Base",
        [ "base", [ 1L ], [ "8" ] ]

        "the strings of a split collection: one envelope for the column",
        element "x" "Point" 6 41 500 [ basket Offsets [ entry (framed 9 (texts [ "a"; "b" ])); [||]; entry (framed 9 (texts [ "c" ])) ] ],
        "string[]",
        [ "", [ 3L; 3L ], [ "a"; "b"; "c" ] ]

        "the lists of a split collection",
        element
            "x"
            "Point"
            8
            31
            500
            [
                basket
                    Offsets
                    [
                        entry (
                            framed 9 (fun b ->
                                list (fun b v -> b.I16 v) [ 1 ] b
                                list (fun b v -> b.I16 v) [ 2; 3 ] b)
                        )
                    ]
            ],
        "vector<short>[]",
        [ "", [ 1L; 2L; 3L ], [ "1"; "2"; "3" ] ]

        "the objects of a split collection, each in its envelope",
        element
            "x"
            "Pair"
            1
            41
            61
            [
                basket
                    Offsets
                    [
                        entry (fun b ->
                            framed classVersion (fun b -> b.I32 1) b
                            framed classVersion (fun b -> b.I32 2) b)
                        [||]
                    ]
            ],
        "Base[]",
        [ "base", [ 2L; 2L ], [ "1"; "2" ] ]
    ]

let private withBranch (b: Branch) (use': RootTree -> 'a) =
    opened
        (write
            { file [ tree [ b ] ] with
                Classes = classes
            })
        (fun root -> use' (root.Tree "t"))

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
                            Expect.isTrue (Array.pairwise offsets |> Array.forall (fun (a, b) -> a <= b)) "offsets rise")
            }

        test "a split collection is a counter and the columns of its members" {
            let hits = element "hits.key" "Pair" 0 41 3 [ basket Offsets [ int32s [ 1; 2 ]; int32s []; int32s [ 3 ] ] ]

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
                Expect.equal (fst (problem (fun () -> t.ReadText "x" |> ignore))) RootErrorKind.WrongElementType "no text"

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

let private refuse name className entries (kind: RootErrorKind) (wanted: string) =
    test $"{name} is refused" {
        withBranch (whole "x" className entries) (fun t ->
            let found, text = problem (fun () -> t.ReadColumns "x" |> ignore)
            Expect.equal found kind "kind"
            Expect.stringStarts text wanted "problem")
    }

let private hostileTests =
    [
        refuse
            "a list that claims more items than there are bytes"
            "vector<vector<int> >"
            [ entry (framed 9 (fun b -> b.I32 0x7fffffff)) ]
            RootErrorKind.CorruptEntry
            "a list claims 2147483647 items of at least 4 bytes but only 0 bytes remain"

        refuse
            "a negative count"
            "vector<string>"
            [ entry (framed 9 (fun b -> b.I32 -1)) ]
            RootErrorKind.CorruptEntry
            "a list claims -1 items"

        refuse
            "a text longer than its entry"
            "vector<string>"
            [
                entry (
                    framed 9 (fun b ->
                        b.I32 1
                        b.U8 9)
                )
            ]
            RootErrorKind.CorruptEntry
            "needed 9 bytes but only 0 remain"

        refuse
            "an entry with bytes that nobody reads"
            "Base"
            [ int32s [ 1; 2 ] ]
            RootErrorKind.CorruptEntry
            "4 bytes are left of an entry of 8"

        refuse
            "an object that is shorter than its byte count"
            "Pair"
            [
                entry (fun b ->
                    b.I32 1

                    framed
                        classVersion
                        (fun b ->
                            b.I32 1
                            b.I32 2)
                        b)
            ]
            RootErrorKind.CorruptEntry
            "an object of class Base ends 4 bytes before its byte count"

        refuse
            "an object of another version"
            "Pair"
            [
                entry (fun b ->
                    b.I32 1
                    framed 7 (fun b -> b.I32 1) b)
            ]
            RootErrorKind.UnsupportedVersion
            "wanted class Base of version 6 but found version 7"

        test "the entry and its byte are named" {
            withBranch (whole "x" "Base" [ int32s [ 1 ]; int32s [ 1; 2 ] ]) (fun t ->
                try
                    t.ReadColumns "x" |> ignore
                    failtest "nothing was refused"
                with :? RootFormatException as e ->
                    Expect.equal
                        (e.Location.Branch, e.Location.Entry, e.Location.PayloadByte)
                        ("x", Nullable 1L, Nullable 8L)
                        "location")
        }

        test "values beyond the limit are refused while they grow" {
            let many = entry (framed 9 (list (fun b v -> ints v b) [ for i in 1..500 -> [ i; i; i ] ]))
            let content = write (file [ tree [ whole "x" "vector<vector<int> >" [ for _ in 1..50 -> many ] ] ])

            openWith (RootReadOptions(MaxReadBytes = 100_000L)) content (fun root ->
                let kind, text = problem (fun () -> root.Tree("t").ReadColumns "x" |> ignore)
                Expect.equal kind RootErrorKind.MemoryLimit "kind"
                Expect.stringStarts text "the values would take more than MaxReadBytes, which is 100000" "problem")

            openWith (RootReadOptions(MaxReadBytes = 4_000_000L)) content (fun root ->
                Expect.equal (root.Tree("t").ReadNested<int>("x").ValueCount) 75_000L "within the limit")
        }

        for name, className, id, wanted in
            [
                "a class that contains itself", "Node", -1, "class Node contains itself"
                "a member of a class that the file does not describe", "Holder", -1, "class Unknown is not described in the file"
                "a class that the file does not describe", "Nobody", -1, "class Nobody of version 6 is not described in the file"
                "a pointer", "Point", 9, "type TObject* has no members with values"
            ] do
            test $"{name} costs its branch" {
                let odd = element "x" className id 0 (if id < 0 then -1 else 64) [ basket Offsets [ int32s [ 0 ] ] ]

                opened
                    (write
                        { file [ tree [ odd; branch "good" (leaf "TLeafI" "good") [ basket NoTable [ int32s [ 5 ] ] ] ] ] with
                            Classes = classes
                        })
                    (fun root ->
                        let t = root.Tree "t"
                        Expect.equal (Option.ofObj (t.Branch("x").Unsupported)) (Some wanted) "reason"
                        Expect.equal (t.Read<int>("good").Values) [| 5 |] "the other branch")
            }

        test "types nested without end are refused, not followed" {
            let deep = String.replicate 100 "vector<" + "int" + String.replicate 100 " >"

            withBranch (whole "x" deep [ [||] ]) (fun t ->
                Expect.stringContains (nonNull (t.Branch("x").Unsupported)) "is nested deeper than 32" "reason")

            // Each class has two members of the next: 2^40 members in all.
            let doubling =
                [
                    for i in 0..40 ->
                        classOf
                            $"C{i}"
                            [
                                for name in [ "a"; "b" ] ->
                                    if i = 40 then memberOf 3 "int" name else memberOf 61 $"C{i + 1}" name
                            ]
                ]

            opened
                (write
                    { file [ tree [ whole "x" "C10" [ [||] ] ] ] with
                        Classes = doubling
                    })
                (fun root -> Expect.isNotNull (root.Tree("t").Branch("x").Unsupported) "reason")
        }
    ]

[<Tests>]
let tests = testList "ROOT shapes" (readingTests @ lawTests @ hostileTests)
