/// Damaged baskets, and limits.
module Pruning.Tests.Data.RootBasketTests

open System
open Expecto
open Pruning.Root.Files
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

let private damaged (branch: Branch) (marker: byte array) (skip: int) (replacement: byte array) =
    let content = write (file [ tree [ branch ] ])
    let found = content.AsSpan().IndexOf(marker.AsSpan())
    Array.blit replacement 0 content (found + skip) replacement.Length
    refusal content

let private basketTests =
    let plain codec =
        branch
            "x"
            { leaf "TLeafI" "x[16]" with
                Length = 16
            }
            [
                { basket NoTable [ int32s (List.replicate 16 7) ] with
                    Codec = codec
                }
            ]

    let vectors =
        vector "x" "vector<int>" [ basket Offsets [ vectorEntry 2 (int32s [ 1; 2 ]); vectorEntry 0 [||] ] ]

    [
        for name, branch, marker, skip, replacement, wanted in
            [
                "an unknown codec",
                plain Zlib,
                "ZL\x08"B,
                0,
                "QQ\x01"B,
                "wanted a compressed block (ZL, XZ, L4, ZS or CS) but found the bytes 51510"
                "a block larger than its record",
                plain Zlib,
                "ZL\x08"B,
                3,
                [| 255uy; 255uy; 0uy |],
                "a zlib block of 65535 bytes does not fit the "
                "a block that promises too much",
                plain Zlib,
                "ZL\x08"B,
                6,
                [| 65uy; 0uy; 0uy |],
                "a zlib block promises 65 bytes but 64 bytes of the object are missing"
                "a damaged zlib block", plain Zlib, "ZL\x08"B, 9, [| 0uy; 0uy |], "a zlib block cannot be decompressed"
                "a damaged deflate block",
                plain Deflate,
                "CS\x08"B,
                9,
                [| 7uy; 7uy |],
                "a deflate block cannot be decompressed"
                "a damaged zstd block",
                plain Zstd,
                "ZS\x01"B,
                9,
                [| 0uy; 0uy |],
                "a zstd block cannot be decompressed ("
                "a damaged lz4 block", plain Lz4, "L4\x01"B, 18, [| 0x55uy |], "an lz4 block has the checksum "
                "a record of another class",
                plain Raw,
                "\007TBasket\001x\001t"B,
                1,
                "TBusket"B,
                "wanted a TBasket but found a TBusket"
                "a basket of an unknown version",
                plain Raw,
                "\007TBasket\001x\001t"B,
                12,
                [| 0uy; 9uy |],
                "TBasket version 9 is not known, only 2 and 3"
                "a basket of another number of entries",
                plain Raw,
                "\007TBasket\001x\001t"B,
                22,
                int32s [ 2 ],
                "wanted the entries 0 to 1 but the basket holds 2 entries"
                "data behind the end of the basket",
                plain Raw,
                "\007TBasket\001x\001t"B,
                26,
                int32s [ 100000 ],
                "a basket of 1 entries that end at byte 100000, with a key of 65 and an object of 64 bytes, is impossible"
                "an offset table of another length",
                vectors,
                int32s [ 3; 65 ],
                0,
                int32s [ 4 ],
                "the offset table of 2 entries says that it has 4"
                "offsets that go backwards",
                vectors,
                int32s [ 3; 65 ],
                8,
                int32s [ 20 ],
                "entry 1 of the basket begins at byte -45 of 28, but the entry before it at 0"
                "a first offset that is not the first byte",
                vectors,
                int32s [ 3; 65 ],
                4,
                int32s [ 66 ],
                "the first entry of the basket begins at byte 1 instead of 0"
                "a vector with another byte count",
                vectors,
                vectorEntry 2 (int32s [ 1; 2 ]),
                3,
                [| 13uy |],
                "a collection of 18 bytes begins with the byte count 13"
                "a vector with another number of values",
                vectors,
                vectorEntry 2 (int32s [ 1; 2 ]),
                9,
                [| 3uy |],
                "a collection claims 3 values but has bytes for 2"
                "a vector stored member by member",
                vectors,
                vectorEntry 2 (int32s [ 1; 2 ]),
                4,
                [| 0x40uy |],
                "a collection of numbers is marked as stored member by member"
            ] do
            test $"{name} is refused" { Expect.stringStarts (damaged branch marker skip replacement) wanted "message" }

        test "a basket of another branch is refused, one of a branch that is called otherwise now is read" {
            let content =
                write (
                    file
                        [
                            tree
                                [
                                    branch "x" (leaf "TLeafI" "x") [ basket NoTable [ int32s [ 1 ] ] ]
                                    branch "y" (leaf "TLeafI" "y") [ basket NoTable [ int32s [ 2 ] ] ]
                                ]
                        ]
                )

            let name = content.AsSpan().IndexOf("\007TBasket\001x\001t"B.AsSpan()) + 9
            content[name] <- byte 'y'
            Expect.stringStarts (refusal content) "wanted a basket of this branch but found one of 'y'" "another's"
            content[name] <- byte 'z'
            opened content (fun root -> Expect.equal (root.Tree("t").Read<int>("x").Values) [| 1 |] "renamed")
        }

        test "a basket outside of the file is missing" {
            let content =
                write (file [ tree [ branch "x" (leaf "TLeafI" "x") [ basket NoTable [ int32s [ 1 ] ] ] ] ])

            let seek = content.AsSpan().IndexOf("\007TBasket\001x\001t"B.AsSpan()) - 34

            let place =
                bytes (fun b ->
                    b.U8 1
                    b.I64(int64 seek)
                    b.I64 0L)

            let found = content.AsSpan().LastIndexOf(place.AsSpan())
            Array.blit (bytes (fun b -> b.I64 1000000000000L)) 0 content (found + 1) 8
            Expect.stringStarts (refusal content) "the entries 0 to 1 should be in " "message"
        }

        test "baskets and results above the limits are refused before memory is taken" {
            let content =
                write (
                    file
                        [
                            tree
                                [
                                    branch
                                        "x"
                                        { leaf "TLeafI" "x[64]" with
                                            Length = 64
                                        }
                                        [
                                            { basket NoTable [ int32s (List.replicate 64 7) ] with
                                                Codec = Zstd
                                            }
                                        ]
                                ]
                        ]
                )

            let read options =
                snd (problem (fun () -> openWith options content (fun root -> root.Tree("t").Read<int>("x") |> ignore)))

            Expect.stringStarts
                (read (RootReadOptions(MaxReadBytes = 255L)))
                "the values would take 256 bytes but MaxReadBytes is 255. Read fewer entries at once, or raise MaxReadBytes."
                "result"

            Expect.stringStarts (read (RootReadOptions(MaxRecordBytes = 100L))) "the record has " "record"
        }

        test "a table of two billion baskets does not take memory" {
            let content =
                write (file [ tree [ branch "x" (leaf "TLeafI" "x") [ basket NoTable [ int32s [ 1 ] ] ] ] ])
            // fMaxBaskets stands before fSplitLevel, fEntries (1), fFirstEntry (0) and the two byte sums.
            let marker =
                bytes (fun b ->
                    b.I32 0
                    b.I64 1L
                    b.I64 0L
                    b.I64 1000L)

            let found = content.AsSpan().IndexOf(marker.AsSpan())
            Array.blit (int32s [ Int32.MaxValue ]) 0 content (found - 4) 4
            Expect.stringStarts (refusal content) "a table of 2147483647 baskets does not fit the " "message"
        }
    ]

[<Tests>]
let tests = testList "ROOT baskets" basketTests
