/// Metadata of RNTuples that is damaged or lies: an error that names what is wrong, never anything else.
module Pruning.Tests.Data.NtupleMetadataTests

open System
open System.Buffers.Binary
open Expecto
open Pruning.Root.Errors
open Pruning.Root.Ntuples.Metadata
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.RootExpect

let private splitInt = encoding "SplitInt32"
let private one = numbers splitInt [ [ [ 1L; 2L ]; [ 3L ] ] ]

let private oneCluster = one.Groups.Head.Head

let private ofOne entries columns =
    { one with
        Groups = [ [ cluster entries columns ] ]
    }

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

/// Replaces the first occurrence.
let private swap (was: byte array) (is: byte array) (bytes: byte array) : byte array =
    let at = bytes.AsSpan().IndexOf(ReadOnlySpan was)

    if at < 0 then
        failtest "the bytes to be replaced are not there"

    patch at is bytes

let private big (value: int64) : byte array =
    let bytes: byte array = Array.zeroCreate 8
    BinaryPrimitives.WriteInt64BigEndian(bytes, value)
    bytes

let private metadata =
    let corrupt problem = RootErrorKind.CorruptNtuple, problem
    let unsupported problem = RootErrorKind.UnsupportedNtuple, problem

    [
        "another epoch",
        { one with Epoch = 2 },
        unsupported
            "the RNTuple has the format epoch 2 but only epoch 1 is supported. Write it again with ROOT 6.34 or newer."
        "a header outside of the file",
        one |> edited Anchor (patch 8 (big 1000000L)),
        corrupt "the RNTuple's header of 185 bytes at byte 1000000 does not fit the file's 1172 bytes"
        "a header of negative length",
        one |> edited Anchor (patch 24 (big -1L)),
        corrupt "an envelope of -1 bytes in 185 bytes at byte 264 is impossible"
        "a header that is the footer",
        one
        |> edited Anchor (fun bytes -> Array.concat [ bytes[..7]; bytes[32..55]; bytes[32..] ]),
        corrupt "wanted the RNTuple's header of 160 bytes but found an envelope of type 2 that claims 160"
        "an unknown feature",
        one |> edited Header (patch 0 (i64 4L)),
        unsupported "the RNTuple needs a feature that this reader does not know (flags 4)"
        "an unknown feature of the footer",
        one |> edited Footer (patch 0 (i64 1L)),
        unsupported "the RNTuple needs a feature that this reader does not know (flags 1)"
        "a footer of another header",
        one |> edited Footer (patch 8 (i64 5L)),
        corrupt "the footer belongs to a header with the checksum 0000000000000005"
        "a page list of another header",
        one |> edited PageList (patch 0 (i64 5L)),
        corrupt "a page list belongs to a header with the checksum 0000000000000005"
        "a sharded cluster",
        { one with
            Groups = [ [ { oneCluster with Flags = 1 } ] ]
        },
        unsupported "a cluster of the entries from 0 on is sharded or has another unknown flag (1)"
        "a field inside of a later one",
        { one with
            Schema =
                { one.Schema with
                    Fields =
                        [
                            { field 0 "x" "std::int32_t" with
                                Parent = 7
                            }
                        ]
                }
        },
        corrupt "field 0 is inside of field 7, which comes after it"
        "a column of a missing field",
        { one with
            Schema =
                { one.Schema with
                    Columns = [ columnOf 3 splitInt ]
                }
        },
        corrupt "column 0 belongs to field 3 of 1"
        "an alias of a missing column",
        { one with
            Schema = { one.Schema with Aliases = [ 5, 0 ] }
        },
        corrupt "an alias joins column 5 of 1 and field 0 of 1"
        "a group with other clusters than announced",
        one
        |> edited Footer (fun bytes ->
            // entries (3) and number of clusters (1) stand one behind the other
            swap (Array.append (i64 3L) (u32 1)) (Array.append (i64 3L) (u32 2)) bytes),
        corrupt "the footer announces 2 clusters, the page list 1"
        "a group with a gap before it",
        one
        |> edited Footer (swap (Array.concat [ i64 0L; i64 3L; u32 1 ]) (Array.concat [ i64 1L; i64 3L; u32 1 ])),
        corrupt "cluster group 0 has 1 clusters from entry 1 on, and 3 entries, where entry 0 comes next"
        "clusters that do not fill their group",
        one
        |> edited Footer (swap (Array.concat [ i64 0L; i64 3L; u32 1 ]) (Array.concat [ i64 0L; i64 9L; u32 1 ])),
        corrupt "the clusters end before entry 3, their group before entry 9"
        "more columns with pages than there are",
        ofOne 3 (oneCluster.Columns @ [ Suppressed ]),
        corrupt "a cluster has pages of 2 columns but there are 1"
        "pages of too few elements",
        ofOne 9 oneCluster.Columns,
        corrupt "the cluster's elements 0 to 9 are wanted but its pages have 3"
        "pages of too many elements", ofOne 2 oneCluster.Columns, corrupt "2 entries of 1 elements have pages of 3"
        "a page that is shorter than its elements",
        ofOne
            3
            [
                Pages
                    [
                        {
                            Elements = 3
                            Data = Array.zeroCreate 11
                        }
                    ]
            ],
        (RootErrorKind.UnknownCompression, "wanted a compressed block")
        "a page of the smallest number of elements",
        one |> edited PageList (swap (u32 -2) (u32 Int32.MinValue)),
        corrupt "a page of -2147483648 elements is impossible"
        "a page outside of the file",
        one
        |> edited PageList (fun bytes -> swap bytes[bytes.Length - 24 .. bytes.Length - 13] (locator 4 4000000L) bytes),
        corrupt "a page of 4 bytes at byte 4000000 does not fit the file's 1172 bytes"
        "a page in another storage",
        one
        |> edited PageList (fun bytes ->
            swap bytes[bytes.Length - 24 .. bytes.Length - 13] (Array.append (u32 -(0x02000000 ||| 12)) (i64 1L)) bytes),
        unsupported "a page is in a storage of type 2, not in this file"
        "a list with more elements than bytes",
        one
        |> edited Header (fun bytes ->
            // the list of fields: its count stands behind its size
            let names = 8 + text("n").Length + text("made by hand").Length + text("test").Length
            patch (names + 8) (u32 1000) bytes),
        corrupt "a list of 1000 fields does not fit its 64 bytes"
        "a record that leaves its list",
        one
        |> edited Header (fun bytes ->
            let names = 8 + text("n").Length + text("made by hand").Length + text("test").Length
            patch (names + 12) (i64 1000L) bytes),
        corrupt "a field of 1000 bytes does not fit the 64 that remain"
        "a list of positive size",
        one
        |> edited Header (fun bytes ->
            let names = 8 + text("n").Length + text("made by hand").Length + text("test").Length
            patch names (i64 85L) bytes),
        corrupt "a list of fields with the size 85 does not fit"
        "a text that leaves its record",
        one |> edited Header (patch 8 (u32 -1)),
        corrupt "needed 4294967295 bytes but only 157 remain"
    ]

let private metadataTests =
    [
        for name, n, (kind, wanted) in metadata ->
            test $"{name} is refused" {
                let foundKind, found = refusal n
                Expect.equal foundKind kind found
                Expect.stringStarts found wanted "the problem"
            }
    ]
    @ [
        test "a broken checksum of anchor, header, footer or page list is refused" {
            let content = fileOf [ one ]

            let breaks (at: int) =
                RootWriter.opened (patch at [| content[at] ^^^ 1uy |] content) (fun root ->
                    root.Ntuple("n").Read<int>("x") |> ignore)

            let find (bytes: byte array) = content.AsSpan().IndexOf(ReadOnlySpan bytes)

            for what, at in
                [
                    "the RNTuple's header has the checksum", find (text "made by hand") + 6
                    "the RNTuple's footer has the checksum", find (Array.append (i64 3L) (u32 1))
                    "a page list has the checksum", find (record [ i64 0L; i64 3L ]) + 8
                    "the RNTuple's anchor has the checksum", find [| 0x40uy; 0uy; 0uy; 66uy |] + 9
                ] do
                Expect.stringContains (message (fun () -> breaks at)) what what
        }
    ]

[<Tests>]
let tests = testList "RNTuple metadata" metadataTests
