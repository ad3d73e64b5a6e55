/// Values of RNTuples that contradict themselves, and fields that are newer than the reader.
module Pruning.Tests.Data.NtupleRefusalTests

open System
open Expecto
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleModel
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootExpect

let private splitInt = encoding "SplitInt32"
let private one = numbers splitInt [ [ [ 1L; 2L ]; [ 3L ] ] ]

/// Kind and problem with which reading `x` ends.
let private refusal (n: Ntuple) : RootErrorKind * string =
    problem (fun () -> reading n (fun n -> n.ReadColumns "x" |> ignore))

let private edited (part: Part) (edit: byte array -> byte array) (n: Ntuple) : Ntuple =
    { n with
        Edit = fun p bytes -> if p = part then edit bytes else bytes
    }

/// Bytes with some of them replaced.
let private patch (at: int) (by: byte array) (bytes: byte array) : byte array =
    let copy = Array.copy bytes
    Array.blit by 0 copy at by.Length
    copy

let private refusedTests =
    [
        test "ends of lists that decrease or leave their column are refused" {
            let lists ends values =
                ntuple
                    {
                        Fields =
                            [
                                { field 0 "x" "std::vector<std::int32_t>" with
                                    Role = 1
                                }
                                { field 1 "_0" "std::int32_t" with
                                    Parent = 0
                                }
                            ]
                        Columns = [ column 0 0x0F 64; columnOf 1 splitInt ]
                        Aliases = []
                    }
                    [ cluster 3 [ Pages [ endsPage Index64 ends ]; Pages [ pageOf splitInt values ] ] ]

            Expect.equal
                (refusal (lists [ 2L; 1L; 3L ] [ 1L; 2L; 3L ]))
                (RootErrorKind.CorruptNtuple, "list 1 of the cluster ends at element 1, the one before it at 2")
                "decreasing"

            Expect.equal
                (refusal (lists [ -1L; 1L; 3L ] [ 1L; 2L; 3L ]))
                (RootErrorKind.CorruptNtuple, "list 0 of the cluster ends at element -1, the one before it at 0")
                "negative"

            Expect.equal
                (refusal (lists [ 1L; 2L; 4L ] [ 1L; 2L; 3L ]))
                (RootErrorKind.CorruptNtuple, "the cluster's elements 0 to 4 are wanted but its pages have 3")
                "beyond the values"

            Expect.equal
                (refusal (lists [ 1L; 2L; 2L ] [ 1L; 2L; 3L ]))
                (RootErrorKind.CorruptNtuple, "the cluster's lists end at element 2 but its pages have 3")
                "values that no list has"

            let absurd = lists [ 1L; 2L; Int64.MaxValue ] [ 1L; 2L; 3L ]

            for n in
                [
                    absurd
                    { absurd with
                        Groups = [ absurd.Groups.Head; absurd.Groups.Head; absurd.Groups.Head ]
                    }
                ] do
                Expect.equal (fst (refusal n)) RootErrorKind.MemoryLimit "absurd"
        }

        test "variants whose elements do not follow each other are refused" {
            let n = store [ "x", Variant [ Number splitInt ] ] [ [ [ V(1, N 1L) ]; [ V(1, N 2L) ] ] ] 9

            let scattered =
                n
                |> edited StoredPage (fun bytes -> if bytes.Length = 24 then patch 12 (i64 7L) bytes else bytes)

            Expect.equal
                (refusal scattered)
                (RootErrorKind.CorruptNtuple,
                 "variant 1 of the cluster holds element 7 of its alternative where 1 comes next")
                "scattered"
        }

        test "what a page promises is bounded before memory is taken" {
            let bomb =
                { numbers (encoding "UInt8") [ [ List.replicate 100000 0L ] ] with
                    Codec = Zstd
                }

            let content = fileOf [ bomb ]
            Expect.isLessThan content.Length 3000 "a small file"

            let read (options: RootReadOptions) =
                problem (fun () ->
                    RootWriter.openWith options content (fun root -> root.Ntuple("n").Read<byte>("x") |> ignore))

            Expect.equal
                (read (RootReadOptions(MaxRecordBytes = 50000L)))
                (RootErrorKind.MemoryLimit,
                 "the page has 100000 bytes but MaxRecordBytes is 50000. Raise MaxRecordBytes.")
                "one page"

            Expect.equal
                (read (RootReadOptions(MaxReadBytes = 50000L)))
                (RootErrorKind.MemoryLimit,
                 "the values would take more than the limit MaxReadBytes of 50000 bytes. Read fewer entries at once, or raise \
                  MaxReadBytes.")
                "the result"
        }

        test "unknown columns, flags, roles and streamed classes cost their field, not the RNTuple" {
            let late (add: Schema) = { one with Late = add }

            let with' f c =
                late
                    {
                        Fields = f
                        Columns = c
                        Aliases = []
                    }

            let cases =
                [
                    with' [ field 1 "y" "float" ] [ column 1 0x2F 32 ], "its column type 0x2f is unknown"
                    with' [ field 1 "y" "float" ] [ column 1 0x18 16 ],
                    "a SplitReal32 column cannot have 16 bits an element"
                    with' [ field 1 "y" "float" ] [ column 1 0x1C 9 ],
                    "a Real32Trunc column cannot have 9 bits an element"
                    with' [ field 1 "y" "float" ] [ column 1 0x1D 8 ], "its quantised column has no range"
                    with'
                        [ field 1 "y" "float" ]
                        [
                            { column 1 0x1D 8 with
                                Range = Some(1.0, 1.0)
                            }
                        ],
                    "its quantised column has the range 1 to 1"
                    with' [ { field 1 "y" "float" with Flags = 8 } ] [ columnOf 1 splitInt ],
                    "it has a flag that this reader does not know (8)"
                    with' [ { field 1 "y" "float" with Role = 9 } ] [], "its structural role 9 is unknown"
                    with' [ { field 1 "y" "TObject" with Role = 4 } ] [ column 1 0x0F 64; column 1 0x01 8 ],
                    "it is stored through its class's streamer, as bytes without columns"
                    with' [ field 1 "y" "Mystery" ] [], "values of the type Mystery in no column are unknown"
                    with' [ field 1 "y" "Mystery" ] [ column 1 0x0F 64 ],
                    "values of the type Mystery in Index64 are unknown"
                    with'
                        [
                            { field 1 "y" "std::vector<int>" with
                                Role = 1
                            }
                        ]
                        [],
                    "a collection needs one index column, it has 0 columns"
                    with'
                        [
                            { field 1 "y" "std::array<float,9>" with
                                Repeats = Some Int64.MaxValue
                            }
                        ]
                        [ columnOf 1 splitInt ],
                    $"arrays of {Int64.MaxValue} elements are too long"
                    with' [ { field 1 "y" "Empty" with Role = 2 } ] [], "it has no values"
                ]

            for n, reason in cases do
                reading n (fun n ->
                    Expect.equal (n.Read<int>("x").Values) [| 1; 2; 3 |] "the good field"
                    Expect.equal (Option.ofObj (n.Field("y").Unsupported)) (Some reason) "the reason"

                    Expect.equal
                        (fst (problem (fun () -> n.Read<int>("y") |> ignore)))
                        RootErrorKind.UnsupportedBranch
                        "when it is read"

                    Expect.equal
                        (fst (problem (fun () -> n.ReadColumns("y") |> ignore)))
                        RootErrorKind.UnsupportedBranch
                        "at any depth")
        }

        test "an unreadable member leaves the others of its record" {
            let n =
                ntuple
                    {
                        Fields =
                            [
                                { field 0 "r" "Record" with Role = 2 }
                                { field 1 "good" "std::int32_t" with
                                    Parent = 0
                                }
                                { field 2 "bad" "float" with
                                    Parent = 0
                                }
                            ]
                        Columns = [ columnOf 1 splitInt; column 2 0x7F 32 ]
                        Aliases = []
                    }
                    [
                        cluster
                            1
                            [
                                Pages [ pageOf splitInt [ 5L ] ]
                                Pages
                                    [
                                        {
                                            Elements = 1
                                            Data = [| 0uy; 0uy; 0uy; 0uy |]
                                        }
                                    ]
                            ]
                    ]

            reading n (fun n ->
                Expect.equal [ for c in n.ReadColumns "r" -> c.Field ] [ "good" ] "columns"

                Expect.equal
                    (Option.ofObj (n.Field("r").UnsupportedMember "bad"))
                    (Some "its column type 0x7f is unknown")
                    "reason"

                Expect.isTrue (n.Field("r").IsSupported) "supported in part")
        }

        test "fields that are nested too deep are refused" {
            let depth = 70

            let fields =
                [
                    for id in 0..depth ->
                        { field id $"f{id}" "R" with
                            Parent = max 0 (id - 1)
                            Role = 2
                        }
                ]

            Expect.equal
                (refusal
                    { one with
                        Schema = { one.Schema with Fields = fields }
                    })
                (RootErrorKind.UnsupportedNtuple, "fields are nested deeper than 64")
                "depth"
        }
    ]

[<Tests>]
let tests = testList "RNTuple refusals" refusedTests
