/// What the fields of an RNTuple mean: base classes, projections, representations, late additions.
module Pruning.Tests.Data.NtupleSchemaTests

open System
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleModel
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.RootExpect

let private int32Of = Number(encoding "SplitInt32")

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
                    "the field has several members. Name one, for example 'm.0', or read all with ReadColumns."
                    "all"

                Expect.equal
                    (problem (fun () -> n.Read<int>("m.2") |> ignore))
                    (RootErrorKind.BranchNotFound, "there is no member '2'. Did you mean '0' or '1'?")
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

[<Tests>]
let tests = testList "RNTuple schema" schemaTests
