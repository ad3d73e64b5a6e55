/// Branches of everything that is more than one list of numbers for each entry, and what they hold: texts, nested lists,
/// maps, leaf lists, classes.
module Pruning.Tests.Data.RootShapes

open System
open Pruning.Root.Columns
open Pruning.Root.Trees
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter

/// Field, counts of the levels, and the values as text.
let describe (column: RootColumn) =
    let values =
        match column with
        | :? TextColumn as texts -> [ for i in 0L .. texts.ValueCount - 1L -> texts[i] ]
        | :? NestedColumn<int> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<int16> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<sbyte> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<bool> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<float32> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<float> as c -> [ for v in c.Values -> string v ]
        | :? NestedColumn<uint32> as c -> [ for v in c.Values -> string v ]
        | :? JaggedColumn<int> as c -> [ for v in c.Values -> string v ]
        | other -> [ other.GetType().Name ]

    column.Field, List.ofSeq column.LevelCounts, values

/// A body in an envelope.
let framed (version: int) (body: Bytes -> unit) (b: Bytes) = b.Frame(version, (fun () -> body b))
/// The bytes of one entry.
let entry (body: Bytes -> unit) = bytes body
/// Texts back to back.
let texts (values: string list) (b: Bytes) = values |> List.iter b.Text

/// A count and items.
let list (item: Bytes -> 'a -> unit) (items: 'a list) (b: Bytes) =
    b.I32 items.Length
    items |> List.iter (item b)

let ints (items: int list) (b: Bytes) = list (fun b v -> b.I32 v) items b
let private memberWise = 0x4009

/// class Point { int id; double position[2][2]; int n; float* weights (n of them); std::string name; TString alias;
///   vector<short> hits; TObject* other } deriving from TObject and Base { int base }
let classes =
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
        classOf
            "Sided"
            [
                { memberOf 0 "BASE" "Base" with
                    BaseVersion = classVersion
                }
                memberOf 3 "int" "side"
            ]
        classOf
            "Link"
            [
                { memberOf 0 "BASE" "Base" with
                    BaseVersion = -1
                }
            ]
        classOf
            "ByFlag"
            [
                memberOf 18 "bool" "n"
                { memberOf 45 "float*" "weights" with
                    CountName = "n"
                }
            ]
        classOf "Maps" [ memberOf 500 "map<string,int>" "a"; memberOf 500 "map<int,short>" "b" ]
        classOf "Box" [ memberOf 500 "vector<Pair>" "pairs" ]
        classOf "TMatrixTBase<double>" [ memberOf 3 "int" "fNrows"; memberOf 8 "double" "fTol" ]
        classOf "Flag" [ memberOf 18 "bool" "on" ]
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

/// A branch of an unsplit object or collection.
let whole name className entries = element name className -1 0 -1 [ basket Offsets entries ]

/// Name, branch `x`, its type, and the columns it gives.
let cases: (string * Branch * string * (string * int64 list * string list) list) list =
    [
        "text of a leaf",
        branch
            "x"
            (leaf "TLeafC" "x")
            [ basket Offsets [ entry (texts [ "uno" ]); [||]; entry (texts [ String('a', 300) ]) ] ],
        "char*",
        [ "", [ 3L ], [ "uno"; ""; String('a', 300) ] ]

        "std::string as a branch",
        element "x" "string" -1 -1 -1 [ basket Offsets [ entry (texts [ "één" ]); entry (texts [ "" ]) ] ],
        "string",
        [ "", [ 2L ], [ "één"; "" ] ]

        "vector<string>",
        whole
            "x"
            "vector<string>"
            [
                entry (framed 9 (list (fun b (v: string) -> b.Text v) [ "a"; "bc" ]))
                entry (framed 9 (ints []))
            ],
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
            [
                entry (framed 9 (list (fun b v -> list (fun b (t: string) -> b.Text t) v b) [ [ "a" ]; [ "b"; "c" ] ]))
            ],
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
        [
            "d", [ 2L ], [ "1.5"; "2.5" ]
            "pair", [ 2L; 4L ], [ "1"; "2"; "3"; "4" ]
            "c", [ 2L ], [ "97"; "98" ]
        ]

        "a counted array within a leaf list",
        { branch "x" (leaf "TLeafI" "x") [ basket Offsets [ int32s [ 2; 7; 8 ]; int32s [ 0 ]; int32s [ 1; 9 ] ] ] with
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

        "objects with a base class stored member by member: its members are columns without an envelope",
        whole
            "x"
            "vector<Sided>"
            [
                entry (
                    framed memberWise (fun b ->
                        b.I16 classVersion
                        b.I32 2
                        List.iter b.I32 [ 1; 2; 3; 4 ])
                )
            ],
        "vector<Sided>",
        [ "base", [ 1L; 2L ], [ "1"; "2" ]; "side", [ 1L; 2L ], [ "3"; "4" ] ]

        "objects that are nothing but a base class without a version, member by member",
        whole
            "x"
            "vector<Link>"
            [
                entry (
                    framed memberWise (fun b ->
                        b.I16 0
                        b.I32 classChecksum
                        b.I32 3
                        List.iter b.I32 [ 7; 8; 9 ])
                )
            ],
        "vector<Link>",
        [ "base", [ 1L; 3L ], [ "7"; "8"; "9" ] ]

        "empty maps stored member by member: no envelopes of keys and values, though there are bytes behind",
        whole
            "x"
            "vector<Maps>"
            [
                let map (keys: Bytes -> unit) count (b: Bytes) =
                    framed
                        memberWise
                        (fun b ->
                            b.I16 0
                            b.I32 classChecksum
                            b.I32 count
                            keys b)
                        b

                entry (
                    framed
                        9
                        (list
                            (fun b empty ->
                                framed
                                    classVersion
                                    (fun b ->
                                        if empty then
                                            map ignore 0 b
                                        else
                                            map
                                                (fun b ->
                                                    framed 9 (texts [ "k" ]) b
                                                    b.I32 5)
                                                1
                                                b

                                        map
                                            (fun b ->
                                                b.I32 7
                                                b.I16 8)
                                            1
                                            b)
                                    b)
                            [ true; false ])
                )
            ],
        "vector<Maps>",
        [
            "a.0", [ 1L; 2L; 1L ], [ "k" ]
            "a.1", [ 1L; 2L; 1L ], [ "5" ]
            "b.0", [ 1L; 2L; 2L ], [ "7"; "7" ]
            "b.1", [ 1L; 2L; 2L ], [ "8"; "8" ]
        ]

        "the lists of objects of a split collection, stored member by member in one envelope",
        element
            "x"
            "Box"
            0
            41
            500
            [
                basket
                    Offsets
                    [
                        entry (
                            framed memberWise (fun b ->
                                b.I16 classVersion

                                for keys in [ [ 1; 2 ]; []; [ 3 ] ] do
                                    b.I32 keys.Length
                                    List.iter b.I32 keys

                                    for key in keys do
                                        framed classVersion (fun b -> b.I32(10 * key)) b)
                        )
                        [||]
                    ]
            ],
        "vector<Pair>[]",
        [ "key", [ 2L; 3L; 3L ], [ "1"; "2"; "3" ]; "inner.base", [ 2L; 3L; 3L ], [ "10"; "20"; "30" ] ]

        "small objects stored member by member: less than an envelope each",
        whole
            "x"
            "vector<Flag>"
            [
                entry (
                    framed memberWise (fun b ->
                        b.I16 0
                        b.I32 classChecksum
                        b.I32 3
                        b.Raw [| 1uy; 0uy; 1uy |])
                )
            ],
        "vector<Flag>",
        [ "on", [ 1L; 3L ], [ "True"; "False"; "True" ] ]

        "symmetric matrices: half of their elements, behind the envelope of their base class",
        whole
            "x"
            "vector<TMatrixTSym<double> >"
            [
                entry (
                    framed
                        9
                        (list
                            (fun b rows ->
                                framed
                                    classVersion
                                    (fun b ->
                                        b.I32 rows
                                        b.F64 0.5)
                                    b

                                for i in 1 .. rows * (rows + 1) / 2 do
                                    b.F64(float i))
                            [ 2; 0; 1 ])
                )
            ],
        "vector<TMatrixTSym<double> >",
        [
            "fNrows", [ 1L; 3L ], [ "2"; "0"; "1" ]
            "fTol", [ 1L; 3L ], [ "0.5"; "0.5"; "0.5" ]
            "fElements", [ 1L; 3L; 4L ], [ "1"; "2"; "3"; "1" ]
        ]

        "a string member in its envelope",
        element
            "x"
            "Point"
            6
            0
            500
            [ basket Offsets [ entry (framed 9 (texts [ "a" ])); entry (framed 9 (texts [ "" ])) ] ],
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
        element
            "x"
            "Point"
            6
            41
            500
            [ basket Offsets [ entry (framed 9 (texts [ "a"; "b" ])); [||]; entry (framed 9 (texts [ "c" ])) ] ],
        "string[]",
        [ "", [ 3L; 3L ], [ "a"; "b"; "c" ] ]

        "the bits of objects in a split collection: two bytes more where others refer to the object",
        element
            "x"
            "TObject"
            1
            41
            15
            [
                basket
                    Offsets
                    [
                        entry (fun b ->
                            b.I32 0x03000000
                            b.I32 0x03000010
                            b.I16 1
                            b.I32 0x03000008)
                        [||]
                        entry (fun b ->
                            b.I32 0x10
                            b.I16 0)
                    ]
            ],
        "unsigned int[]",
        [ "", [ 3L; 4L ], [ string 0x03000000; string 0x03000010; string 0x03000008; "16" ] ]

        "the bits of an object",
        element
            "x"
            "TObject"
            1
            0
            15
            [
                basket
                    Offsets
                    [
                        entry (fun b -> b.I32 7)
                        entry (fun b ->
                            b.I32 0x11
                            b.I16 1)
                    ]
            ],
        "unsigned int",
        [ "", [ 2L ], [ "7"; "17" ] ]

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

/// A file of one branch that describes those classes.
let withBranch (b: Branch) (use': RootTree -> 'a) =
    opened
        (write
            { file [ tree [ b ] ] with
                Classes = classes
            })
        (fun root -> use' (root.Tree "t"))
