/// Fields of an RNTuple: every nested type against the model, and what the model does not make.
module Pruning.Tests.Data.NtupleStructureTests

open System
open Expecto
open Pruning.Data.Root
open Pruning.Tests.Generators
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleModel
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootExpect

let rec private randomKind (random: Random) depth : Kind =
    let ends () = [| Index32; Index64; SplitIndex32; SplitIndex64 |][random.Next 4]
    let inner () = randomKind random (depth - 1)

    match (if depth = 0 then random.Next 3 else random.Next 8) with
    | 0
    | 1 -> Number encodings[random.Next encodings.Length]
    | 2 -> Text(ends ())
    | 3
    | 4 -> Sequence(ends (), inner ())
    | 5 -> Fixed(random.Next 4, inner ())
    | 6 -> Record [ for i in 0 .. random.Next 3 -> $"m{i}", inner () ]
    | _ -> Variant [ for _ in 0 .. random.Next 2 -> inner () ]

let rec private randomValue (random: Random) (kind: Kind) : Value =
    let many count inner = List.init count (fun _ -> randomValue random inner)

    match kind with
    | Number _ -> N(random.NextInt64(Int64.MinValue, Int64.MaxValue))
    | Text _ -> T(String.init (random.Next 4) (fun _ -> [| "a"; "µ"; "ζ" |][random.Next 3]))
    | Sequence(_, inner) -> L(many (random.Next 4) inner)
    | Fixed(length, inner) -> L(many length inner)
    | Record members -> L(members |> List.map (snd >> randomValue random))
    | Variant kinds ->
        match random.Next(kinds.Length + 1) with
        | 0 -> V(0, N 0L)
        | tag -> V(tag, randomValue random kinds[tag - 1])

let private agrees (seed: int) : bool =
    let random = Random seed
    let fields = [ for i in 0 .. random.Next 3 -> $"f{i}", randomKind random 3 ]
    let entry () = fields |> List.map (snd >> randomValue random)
    let clusters = [ for _ in 0 .. random.Next 3 -> List.init (random.Next 12) (fun _ -> entry ()) ]
    let entries = List.concat clusters
    let stored = store fields clusters (1 + random.Next 20)

    let n =
        { stored with
            Codec = [| Raw; Zlib; Lz4; Zstd |][random.Next 4]
            Deduplicated = random.Next 2 = 0
            // Two groups, one of them perhaps empty.
            Groups =
                stored.Groups
                |> List.collect (fun clusters ->
                    clusters |> List.splitAt (random.Next clusters.Length) |> fun (a, b) -> [ a; b ])
        }

    reading n (fun ntuple ->
        let first = random.Next(entries.Length + 1)
        let last = first + random.Next(entries.Length - first + 1)

        List.indexed fields
        |> List.forall (fun (i, (name, kind)) ->
            let expected part = expect kind (part |> List.map (fun (entry: Value list) -> entry[i]))

            let read (first: int) (last: int) =
                ntuple.ReadColumns(name, int64 first, Nullable(int64 last))
                |> Seq.map found
                |> List.ofSeq

            read 0 entries.Length = expected entries
            && read first last = expected (entries |> List.skip first |> List.take (last - first))))

let private int32Of = Number(encoding "SplitInt32")
let private ints values = L(values |> List.map (int64 >> N))

let private modelTests =
    [
        property "fields of any type come back, whole and in any range of entries" agrees

        test "an RNTuple without clusters, and one with empty ones, have columns without entries" {
            for clusters in [ []; [ [] ]; [ []; [] ] ] do
                let fields = [ "v", Sequence(Index64, int32Of); "s", Text Index32; "r", Record [ "a", int32Of ] ]

                reading (store fields clusters 5) (fun n ->
                    Expect.equal n.EntryCount 0L "entries"
                    Expect.equal (n.Read<int>("v").Offsets) [| 0L |] "offsets"
                    Expect.equal (n.ReadText("s").ValueCount) 0L "texts"
                    Expect.equal (n.Read<int>("r.a").Values) [||] "member")
        }

        test "lists are jagged columns, with constant dimensions behind them or alone" {
            let fields =
                [
                    "v", Sequence(SplitIndex64, int32Of)
                    "a", Fixed(2, int32Of)
                    "w", Sequence(Index32, Fixed(2, int32Of))
                    "d", Sequence(Index32, Sequence(Index32, int32Of))
                ]

            let entry v =
                [
                    ints v
                    ints [ v.Length; -1 ]
                    L(v |> List.map (fun i -> ints [ i; i ]))
                    L [ ints v; ints [ 7 ] ]
                ]

            reading (store fields [ [ entry [ 1; 2; 3 ]; entry [] ]; [ entry [ 4 ] ] ] 2) (fun n ->
                let v = n.Read<int> "v"
                Expect.equal (v.Offsets, v.Values) ([| 0L; 3L; 3L; 4L |], [| 1; 2; 3; 4 |]) "list"
                Expect.equal (v[2L].ToArray()) [| 4 |] "an entry"
                let a = n.Read<int> "a"
                Expect.equal (a.FixedLength, a.Values) (Nullable 2, [| 3; -1; 0; -1; 1; -1 |]) "array"
                let w = n.Read<int> "w"

                Expect.equal
                    (w.Offsets, w.InnerLength, w.Values)
                    ([| 0L; 6L; 6L; 8L |], 2, [| 1; 1; 2; 2; 3; 3; 4; 4 |])
                    "list of arrays"

                Expect.equal (List.ofSeq w.LevelCounts) [ 3L; 4L; 8L ] "its levels"

                Expect.equal
                    (problem (fun () -> n.Read<int>("d") |> ignore))
                    (RootErrorKind.WrongElementType,
                     "wanted numbers, or one list of numbers an entry, but the field's type is std::int32_t; ReadColumns reads it at any depth, ReadText reads texts")
                    "list of lists"

                let both = n.Read([| ColumnRequest.As<int64> "v"; ColumnRequest.Of "a" |], 1L, Nullable 3L)

                Expect.equal
                    (both.Column<int64>("v").Values, both.Column<int>("a").Values)
                    ([| 4L |], [| 0; -1; 1; -1 |])
                    "two at once")
        }

        test "texts are given as texts" {
            let fields = [ "s", Text SplitIndex32; "l", Sequence(Index64, Text Index64) ]

            let entries = [ [ T "one"; L [ T "a"; T "" ] ]; [ T ""; L [] ]; [ T "drei µ"; L [ T "b" ] ] ]

            reading (store fields [ entries[..1]; entries[2..] ] 3) (fun n ->
                let s = n.ReadText "s"
                Expect.equal [ for i in 0L .. 2L -> s[i] ] [ "one"; ""; "drei µ" ] "texts"
                let l = n.ReadText("l", 1L)

                Expect.equal
                    ([ for i in 0L .. l.ValueCount - 1L -> l[i] ], List.ofSeq l.LevelCounts)
                    ([ "b" ], [ 2L; 1L ])
                    "lists"

                Expect.equal
                    (problem (fun () -> n.Read<byte>("s") |> ignore) |> fst)
                    RootErrorKind.WrongElementType
                    "no numbers")
        }
    ]

/// An RNTuple of the given fields and columns with one cluster.
let private handMade fields columns aliases entries pages =
    ntuple
        {
            Fields = fields
            Columns = columns
            Aliases = aliases
        }
        [ cluster entries pages ]

let private splitInt = encoding "SplitInt32"
let private intPage values = Pages [ pageOf splitInt values ]

let private schemaTests =
    [
        test "enumerations, atomics and bitsets are the numbers inside" {
            let fields =
                [
                    field 0 "colour" "Colour"
                    { field 1 "_0" "std::int32_t" with
                        Parent = 0
                    }
                    { field 2 "bits" "std::bitset<3>" with
                        Repeats = Some 3L
                    }
                ]

            let columns = [ columnOf 1 splitInt; columnOf 2 (encoding "Bit") ]
            let bits = Pages [ pageOf (encoding "Bit") [ 1L; 0L; 1L; 1L; 1L; 0L ] ]

            reading (handMade fields columns [] 2 [ intPage [ 5L; -6L ]; bits ]) (fun n ->
                Expect.equal (n.Read<int>("colour").Values) [| 5; -6 |] "enumeration"
                let b = n.Read<bool> "bits"
                Expect.equal (b.FixedLength, b[1L].ToArray()) (Nullable 3, [| true; true; false |]) "bitset")
        }

        test "members of base classes are members; names that two bases share carry the base" {
            let inside parent id name typeName role =
                { field id name typeName with
                    Parent = parent
                    Role = role
                }

            let fields =
                [
                    inside 0 0 "x" "Derived" 2
                    inside 0 1 ":_0" "A" 2
                    inside 0 2 ":_1" "B" 2
                    inside 0 3 "own" "std::int32_t" 0
                    inside 1 4 "same" "std::int32_t" 0
                    inside 2 5 "same" "std::int32_t" 0
                    inside 2 6 "other" "std::int32_t" 0
                ]

            let columns = [ for id in 3..6 -> columnOf id splitInt ]

            reading (handMade fields columns [] 1 [ for i in 1L .. 4L -> intPage [ i ] ]) (fun n ->
                Expect.equal
                    [ for c in n.ReadColumns "x" -> c.Field, (c :?> NestedColumn<int>).Values[0] ]
                    [ "own", 1; "A::same", 2; "B::same", 3; "other", 4 ]
                    "members"

                Expect.equal (n.Read<int>("x.B::same").Values) [| 3 |] "one of them")
        }

        test "pairs and tuples have numbers for names, through lists" {
            let fields = [ "m", Sequence(Index64, Record [ "_0", int32Of; "_1", Text Index64 ]) ]

            reading (store fields [ [ [ L [ L [ N 1L; T "a" ]; L [ N 2L; T "b" ] ] ] ] ] 9) (fun n ->
                Expect.equal [ for c in n.ReadColumns "m" -> c.Field, c.ValueCount ] [ "0", 2L; "1", 2L ] "map"
                Expect.equal (n.Read<int>("m.0").Values) [| 1; 2 |] "keys"
                let values = n.ReadText "m.1"
                Expect.equal (values[1L]) "b" "values"

                Expect.equal
                    (problem (fun () -> n.Read<int>("m") |> ignore) |> snd)
                    "the field has several members; name one, for example 'm.0', or read all with ReadColumns"
                    "all"

                Expect.equal
                    (problem (fun () -> n.Read<int>("m.2") |> ignore))
                    (RootErrorKind.BranchNotFound, "field 'm' has no member '2'; did you mean '0' or '1'?")
                    "none")
        }

        test "projected fields and cardinalities show the columns of others" {
            let fields =
                [
                    { field 0 "hits" "std::vector<std::int32_t>" with
                        Role = 1
                    }
                    { field 1 "_0" "std::int32_t" with
                        Parent = 0
                    }
                    { field 2 "again" "ROOT::VecOps::RVec<std::int32_t>" with
                        Role = 1
                        Source = Some 0
                    }
                    { field 3 "_0" "std::int32_t" with
                        Parent = 2
                        Source = Some 1
                    }
                    { field 4 "nhits" "ROOT::RNTupleCardinality<std::uint32_t>" with
                        Source = Some 0
                    }
                ]

            let columns = [ column 0 0x0F 64; columnOf 1 splitInt ]
            let ends values = Pages [ endsPage Index64 values ]
            let one = [ ends [ 2L; 2L; 3L ]; intPage [ 1L; 2L; 3L ] ]
            let n = handMade fields columns [ 0, 2; 1, 3; 0, 4 ] 3 one

            let two =
                { n with
                    Groups = [ n.Groups.Head @ [ cluster 1 [ ends [ 2L ]; intPage [ 4L; 5L ] ] ] ]
                }

            reading two (fun n ->
                Expect.equal (n.Read<int>("again").Values) [| 1; 2; 3; 4; 5 |] "projection"
                Expect.equal (n.Read<int>("again", 1L, Nullable 3L).Values) [| 3 |] "part of it"
                Expect.equal (n.Read<int64>("nhits").Values) [| 2L; 0L; 1L; 2L |] "counts"
                Expect.equal (n.ReadAs<byte>("nhits", 2L).Values) [| 1uy; 2uy |] "counts of a part"
                Expect.equal (n.Field("nhits").FixedLength) (Nullable 1) "one number an entry"

                Expect.equal
                    (n.Field("again").StoredBytes, n.Field("again").IsProjected)
                    (0L, true)
                    "no bytes of its own"

                Expect.equal
                    (n.Field("hits").PageCount, n.Field("hits").UncompressedBytes)
                    (4L, 8L * 4L + 4L * 5L)
                    "those of the source")
        }

        test "a cluster uses one of several representations" {
            let real = encoding "Real32"
            let half = encoding "SplitReal16"
            let float (v: float32) = int64 (BitConverter.SingleToInt32Bits v)
            let fields = [ field 0 "x" "float" ]

            let columns =
                [
                    columnOf 0 real
                    { columnOf 0 half with
                        Representation = 1
                        First = Some -1L
                    }
                ]

            let n = handMade fields columns [] 1 [ Pages [ pageOf real [ float 0.1f ] ]; Suppressed ]

            let n =
                { n with
                    Groups =
                        [
                            n.Groups.Head
                            @ [ cluster 2 [ Suppressed; Pages [ pageOf half [ 0x3C00L; 0xC100L ] ] ] ]
                        ]
                }

            reading n (fun n ->
                Expect.equal (n.Read<float32>("x").Values) [| 0.1f; 1f; -2.5f |] "values"
                Expect.equal (List.ofSeq (n.Field("x").Encodings)) [ "Real32"; "SplitReal16" ] "encodings")

            let none =
                { n with
                    Groups = [ [ cluster 1 [ Suppressed; Suppressed ] ] ]
                }

            Expect.equal
                (problem (fun () -> reading none (fun n -> n.Read<float32>("x") |> ignore)))
                (RootErrorKind.CorruptNtuple, "every representation of the column is suppressed in the cluster")
                "none"
        }

        test "fields that were added late are zero and empty before" {
            let first = numbers splitInt [ [ [ 1L; 2L ] ]; [ [ 3L; 4L; 5L ] ]; [ [ 6L ] ] ]

            let late =
                {
                    Fields =
                        [
                            field 1 "late" "std::int32_t"
                            { field 2 "v" "std::vector<std::int32_t>" with
                                Role = 1
                            }
                            { field 3 "_0" "std::int32_t" with
                                Parent = 2
                            }
                            { field 4 "a" "std::array<std::int32_t,2>" with
                                Repeats = Some 2L
                            }
                            { field 5 "_0" "std::int32_t" with
                                Parent = 4
                            }
                        ]
                    Columns =
                        [
                            // Entry 3 was the first that had them, in the middle of the second cluster.
                            { columnOf 1 splitInt with
                                First = Some 3L
                            }
                            { column 2 0x1B 64 with
                                First = Some 3L
                            }
                            columnOf 3 splitInt
                            { columnOf 5 splitInt with
                                First = Some 6L
                            }
                        ]
                    Aliases = []
                }

            let ends values = Pages [ endsPage SplitIndex64 values ]

            let before = first.Groups.Head

            let extended =
                [ before[0] ]
                @ [
                    { before[1] with
                        Columns =
                            before[1].Columns
                            @ [
                                intPage [ 40L; 50L ]
                                ends [ 2L; 3L ]
                                intPage [ 7L; 8L; 9L ]
                                intPage [ 1L; 2L; 3L; 4L ]
                            ]
                    }
                    { before[2] with
                        Columns =
                            before[2].Columns
                            @ [ intPage [ 60L ]; ends [ 1L ]; intPage [ 10L ]; intPage [ 5L; 6L ] ]
                    }
                ]

            let n =
                { first with
                    Late = late
                    Groups = [ extended ]
                }

            reading n (fun n ->
                Expect.equal (n.Read<int>("late").Values) [| 0; 0; 0; 40; 50; 60 |] "numbers"
                Expect.equal (n.Read<int>("late", 2L, Nullable 4L).Values) [| 0; 40 |] "a part"
                Expect.equal (n.Read<int>("late", 4L, Nullable 6L).Values) [| 50; 60 |] "a part behind"
                let v = n.Read<int> "v"
                Expect.equal (v.Offsets, v.Values) ([| 0L; 0L; 0L; 0L; 2L; 3L; 4L |], [| 7; 8; 9; 10 |]) "lists"
                Expect.equal (n.Read<int>("v", 4L, Nullable 5L).Values) [| 9 |] "one list"
                Expect.equal (n.Read<int>("a").Values) [| 0; 0; 0; 0; 0; 0; 1; 2; 3; 4; 5; 6 |] "arrays")
        }
    ]

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
                    (RootErrorKind.ObjectNotFound, "there is no RNTuple 'deep/oter'; did you mean 'deep/other'?")
                    "a name that is near"

                Expect.equal
                    (refuses (fun () -> root.Ntuple "deep/n;7"))
                    (RootErrorKind.ObjectNotFound, "there is no RNTuple 'deep/n;7'; its cycles are 2, 1")
                    "a cycle"

                Expect.equal
                    (refuses (fun () -> root.Tree "deep/n"))
                    (RootErrorKind.WrongClass,
                     "wanted a tree but 'deep/n' is an RNTuple; open it with RootFile.Ntuple, or as either with Table")
                    "not a tree"

                Expect.equal
                    (refuses (fun () -> root.Ntuple "deep/t"))
                    (RootErrorKind.WrongClass,
                     "wanted an RNTuple but 'deep/t' is a tree; open it with RootFile.Tree, or as either with Table")
                    "not an RNTuple"

                Expect.equal
                    (refuses (fun () -> root.Table "deep"))
                    (RootErrorKind.WrongClass,
                     "wanted a tree or an RNTuple but 'deep' is a TDirectory; did you mean 'deep/n' or 'deep/t' or 'deep/other'?")
                    "neither"

                Expect.equal
                    (refuses (fun () -> root.Ntuple("deep/other").Read<int> "z"))
                    (RootErrorKind.BranchNotFound, "there is no field 'z'; did you mean 'x'?")
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
let tests = testList "RNTuple structure" (modelTests @ schemaTests @ fileTests)
