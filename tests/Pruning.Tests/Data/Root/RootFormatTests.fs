/// The pieces of the format, one by one: cursor, header, keys, blocks, names. Errors are compared to the letter.
module Pruning.Tests.Data.RootFormatTests

open System
open System.IO
open System.Text
open Expecto
open Pruning.Data.Root
open Pruning.Tests.Data.RootBytes

let private at = RootLocation "f.root"

let private message (act: unit -> unit) : string =
    try
        act ()
        failtest "nothing was refused"
    with :? RootFormatException as e ->
        e.Message

let private cursorTests =
    [
        test "the cursor reads big-endian numbers and counted strings" {
            let content =
                bytes (fun b ->
                    b.U8 200
                    b.I16 -2
                    b.I32 0x01020304
                    b.I64 Int64.MinValue
                    b.F64 -1.5
                    b.Text "énergie"
                    b.Text(String('x', 300))
                    b.Raw [| 2uy; 0xe9uy; 0x41uy |] // Latin-1
                    b.Raw "TLeafF\000"B)

            let mutable buffer = RootBuffer.OfFile(content, at)
            Expect.equal (buffer.ReadByte()) 200uy "byte"
            Expect.equal (buffer.ReadInt16()) -2s "short"
            Expect.equal (buffer.ReadInt32()) 0x01020304 "int"
            Expect.equal (buffer.ReadInt64()) Int64.MinValue "long"
            Expect.equal (buffer.ReadDouble()) -1.5 "double"
            Expect.equal (buffer.ReadString()) "énergie" "UTF-8"
            Expect.equal (buffer.ReadString()) (String('x', 300)) "long string"
            Expect.equal (buffer.ReadString()) "éA" "Latin-1"
            Expect.equal (buffer.ReadTerminatedString()) "TLeafF" "terminated string"
            Expect.equal buffer.Remaining 0 "nothing is left"
        }

        for name, content, read, wanted in
            [
                "a number behind the end",
                [| 1uy |],
                (fun (b: byte array) -> let mutable r = RootBuffer.OfFile(b, at) in r.ReadInt32() |> ignore),
                "needed 4 bytes but only 1 remain (in f.root, byte 0)"
                "a string behind the end",
                [| 5uy; 65uy |],
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in r.ReadString() |> ignore),
                "needed 5 bytes but only 1 remain (in f.root, byte 1)"
                "a string of negative length",
                [| 255uy; 255uy; 255uy; 255uy; 255uy |],
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in r.ReadString() |> ignore),
                "a length of -1 bytes is impossible (in f.root, byte 5)"
                "a class name without end",
                "TLeaf"B,
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in r.ReadTerminatedString() |> ignore),
                "a class name has no end (in f.root, byte 0)"
                "a frame behind the end",
                [| 0x40uy; 0uy; 1uy; 0uy; 0uy; 1uy |],
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in Frame.Open(&r, "TNamed") |> ignore),
                "TNamed claims 256 bytes but only 2 remain (in f.root, byte 0)"
                "a place inside a decompressed record",
                [| 1uy |],
                (fun b ->
                    let loc = RootLocation("f.root", Tree = "t", Byte = Nullable 500L) in
                    let mutable r = RootBuffer.OfPayload(b, loc, 40) in
                    r.ReadInt64() |> ignore),
                "needed 8 bytes but only 1 remain (in f.root, tree 't', byte 0 of the record at byte 500)"
            ] do
            test $"{name} is named by its byte" { Expect.equal (message (fun () -> read content)) wanted "message" }
    ]

// A good file and what one change makes of it.
let private good =
    lazy (write (file [ tree [ branch "x" (leaf "TLeafI" "x") [ basket NoTable [ int32s [ 1 ]; int32s [ 2 ] ] ] ] ]))

let private changed (offset: int) (replacement: byte array) =
    let copy = Array.copy good.Value
    Array.blit replacement 0 copy offset replacement.Length
    copy

let private refused (content: byte array) : string =
    let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")
    File.WriteAllBytes(path, content)

    try
        message (fun () ->
            use root = RootFile.Open path
            root.Tree("t").Read<int>("x") |> ignore)
        |> fun text -> text.Replace(path, "f.root")
    finally
        File.Delete path

let private fileTests =
    let size = good.Value.Length

    [
        for name, content, wanted in
            [
                "an empty file", [||], "wanted a ROOT file but found an empty file (in f.root)"
                "a text file", "energy eta phi\n1 2 3\n"B, "wanted a ROOT file but found a text file (in f.root)"
                "an HTML page",
                "<!DOCTYPE html><html>sign in</html>"B,
                "wanted a ROOT file but found an HTML page; the download gave an error or login page instead of the file (in f.root)"
                "an HDF5 file",
                Array.append [| 0x89uy |] "HDF\r\n\x1a\n"B,
                "wanted a ROOT file but found an HDF5 file (in f.root)"
                "a Parquet file", "PAR1\x15\x04"B, "wanted a ROOT file but found a Parquet file (in f.root)"
                "a gzip file",
                [| 0x1fuy; 0x8buy; 8uy; 0uy |],
                "wanted a ROOT file but found a gzip file; unpack it first (in f.root)"
                "zeros",
                Array.zeroCreate 200,
                "wanted a ROOT file but found zeros where ROOT's magic bytes belong; the copy was interrupted (in f.root)"
                "other bytes",
                [| 1uy; 2uy; 3uy; 4uy; 5uy |],
                "wanted a ROOT file but found the bytes 01020304 where 726f6f74 (\"root\") belongs (in f.root)"
                "a header cut short",
                good.Value[..30],
                "the file has 31 bytes but ROOT's header alone needs 63; copy it again (in f.root)"
                "a file cut short",
                good.Value[.. size - 11],
                $"the file ends at byte {size - 10} but its header says {size}: 10 bytes are missing; copy it again (in f.root, byte 12)"
                "a first record at byte 99",
                changed 8 (int32s [ 99 ]),
                "the first record should begin at byte 100, the header says 99 (in f.root, byte 8)"
                "a directory name of 100,000 bytes",
                changed 28 (int32s [ 100000 ]),
                "the top directory's name cannot have 100000 bytes (in f.root, byte 28)"
            ] do
            test $"{name} is refused in one sentence" { Expect.equal (refused content) wanted "message" }

        test "a file that is not there is refused in one sentence" {
            Expect.equal
                (message (fun () -> RootFile.Open "/nowhere/at/all.root" |> ignore))
                "there is no such file; check the path (in /nowhere/at/all.root)"
                "missing"

            let directory = Path.GetTempPath().TrimEnd('/')

            Expect.equal
                (message (fun () -> RootFile.Open directory |> ignore))
                $"wanted a ROOT file but found a directory (in {directory})"
                "directory"
        }

        test "a file without a key list says that it was not closed" {
            let top = 100 + keyBytes false "TFile" "test.root" "" + 11

            Expect.equal
                (refused (changed (top + 26) (int32s [ 0 ])))
                $"the file has no list of keys: its writer did not close it; write it again (in f.root, byte {top})"
                "message"
        }

        test "header and list of objects are told" {
            opened good.Value (fun root ->
                Expect.equal root.Version 62400 "version"
                Expect.equal root.Length (int64 size) "length"
                let entry = Seq.exactlyOne (root.List())

                Expect.equal
                    (entry.Path, entry.ClassName, entry.Title, entry.Cycle, entry.IsTree)
                    ("t", "TTree", "made by hand", 1, true)
                    "the tree")
        }

        test "a directory that contains itself is refused" {
            let nested =
                write
                    { file [ tree [] ] with
                        Directory = Some "deep"
                    }
            // The list of the sub-directory becomes the list of the top directory.
            let top = 100 + keyBytes false "TFile" "test.root" "" + 11 + 26
            let name = Encoding.ASCII.GetBytes "TDirectory\004deep"
            let inner = nested.AsSpan().IndexOf(name.AsSpan()) + name.Length + 1 + 26
            Array.blit nested top nested inner 4
            Array.blit nested (top - 16) nested (inner - 16) 4

            Expect.stringStarts
                (refused nested)
                "directory 'deep' contains itself, or is nested deeper than 64"
                "message"
        }
    ]

// ---------------------------------------------------------------------------------------------------- baskets

let private two = [ int32s [ 7; 7; 7; 7; 7; 7; 7; 7 ]; int32s [ 7 ] ]

/// A file with one jagged branch, changed after the n-th occurrence of a marker.
let private damaged (branch: Branch) (marker: byte array) (skip: int) (replacement: byte array) =
    let content = write (file [ tree [ branch ] ])
    let found = content.AsSpan().IndexOf(marker.AsSpan())
    Array.blit replacement 0 content (found + skip) replacement.Length
    refused content |> fun text -> text[.. text.LastIndexOf " (in " - 1]

let private packed codec =
    { counted
          "x"
          "TLeafI"
          "n"
          [
              { basket Offsets two with
                  Codec = codec
              }
          ] with
        Leaves = [ leaf "TLeafI" "x[n]" |> fun l -> { l with Counter = Some "x" } ]
    }

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
                "a damaged zlib block",
                plain Zlib,
                "ZL\x08"B,
                9,
                [| 0uy; 0uy |],
                "a zlib block cannot be decompressed; the file is damaged"
                "a damaged deflate block",
                plain Deflate,
                "CS\x08"B,
                9,
                [| 7uy; 7uy |],
                "a deflate block cannot be decompressed; the file is damaged"
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
                "a basket of another branch",
                plain Raw,
                "\007TBasket\001x\001t"B,
                9,
                "y"B,
                "wanted a basket of this branch but found one of 'y'"
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
                "entry 1 of the basket begins at byte -45 of its 28, after one that begins at 0"
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
            Expect.stringStarts (refused content) "the entries 0 to 1 should be in " "message"
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
                message (fun () -> openWith options content (fun root -> root.Tree("t").Read<int>("x") |> ignore))

            Expect.stringStarts
                (read (RootReadOptions(MaxReadBytes = 255L)))
                "the values would take 256 bytes but MaxReadBytes is 255; read fewer entries at once or raise the limit"
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
            Expect.stringStarts (refused content) "a table of 2147483647 baskets does not fit the " "message"
        }
    ]

// ---------------------------------------------------------------------------------------------------- names

let private nameTests =
    [
        for name, wanted in
            [
                "vector<float>", Some "vector<float>"
                "std::vector<Float_t>", Some "vector<float>"
                "vector<float,ROOT::Detail::VecOps::RAdoptAllocator<float> >", Some "vector<float>"
                "vector< unsigned long long >", Some "vector<unsigned long>"
                "ROOT::VecOps::RVec<Double32_t>", Some "ROOT::VecOps::RVec<Double32_t>"
                "set<int,less<int>,allocator<int> >", Some "set<int>"
                "vector<Bool_t>", Some "vector<bool>"
                "vector<std::int16_t>", Some "vector<short>"
                "vector<vector<float> >", None
                "vector<string>", None
                "map<int,float>", None
                "vector<>", None
                "vector", None
                "float", None
                "TLorentzVector", None
                "my::vector<float>", None
            ] do
            let meaning =
                match wanted with
                | Some text -> $"the numbers {text}"
                | None -> "no collection of numbers"

            test $"'{name}' is {meaning}" {
                let found = ClassNames.NumberCollection name

                Expect.equal
                    (if found.HasValue then
                         Some(let struct (_, text) = found.Value in text)
                     else
                         None)
                    wanted
                    "collection"
            }

        for code, name, wanted in
            [
                RootCompression.Zstd, 505, "zstd 505"
                RootCompression.Zlib, 1, "zlib 101"
                RootCompression.Zlib, 505, "zlib"
                RootCompression.None, 505, "none"
                RootCompression.Lz4, 404, "lz4 404"
                RootCompression.Xz, 207, "xz 207"
            ] do
            test $"{code} with the setting {name} is called '{wanted}'" {
                Expect.equal (CompressionNames.Describe(code, name)) wanted "name"
            }

        for title, wanted in
            [
                "x[-2.71,10,30]", Some(4, -2.71)
                "x[0,0,10]", Some(3, 0.0)
                "x[-pi,pi]", Some(4, -Math.PI)
                "x[3]", None
                "x", None
                "x[3][0,1,16]", Some(4, 0.0)
            ] do
            test $"the packing of '{title}' is understood" {
                let found =
                    FloatPacking.Parse title
                    |> Option.ofObj
                    |> Option.map (fun p -> p.DiskBytes, p.Minimum)

                Expect.equal found wanted "packing"
            }
    ]

[<Tests>]
let tests =
    testList
        "ROOT format"
        [
            testList "cursor" cursorTests
            testList "files" fileTests
            testList "baskets" basketTests
            testList "names" nameTests
        ]
