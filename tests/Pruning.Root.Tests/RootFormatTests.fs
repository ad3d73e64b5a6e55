/// The pieces of the format, one by one: cursor and names. Errors are compared to the letter.
module Pruning.Tests.Data.RootFormatTests

open System
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Compression
open Pruning.Root.Errors
open Pruning.Root.Sources
open Pruning.Root.Streamers
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootExpect

let private at = RootLocation "f.root"

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
                "Cannot read f.root, byte 0: needed 4 bytes but only 1 remain. The file is damaged. Copy it again, or write it again."
                "a string behind the end",
                [| 5uy; 65uy |],
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in r.ReadString() |> ignore),
                "Cannot read f.root, byte 1: needed 5 bytes but only 1 remain. The file is damaged. Copy it again, or write it again."
                "a string of negative length",
                [| 255uy; 255uy; 255uy; 255uy; 255uy |],
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in r.ReadString() |> ignore),
                "Cannot read f.root, byte 5: a length of -1 bytes is impossible. The file is damaged. Copy it again, or write it again."
                "a class name without end",
                "TLeaf"B,
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in r.ReadTerminatedString() |> ignore),
                "Cannot read f.root, byte 0: a class name has no end. The file is damaged. Copy it again, or write it again."
                "a frame behind the end",
                [| 0x40uy; 0uy; 1uy; 0uy; 0uy; 1uy |],
                (fun b -> let mutable r = RootBuffer.OfFile(b, at) in Frame.Open(&r, "TNamed") |> ignore),
                "Cannot read f.root, byte 0: TNamed claims 256 bytes but only 2 remain. The file is damaged. Copy it again, or write it \
                 again."
                "a place inside a decompressed record",
                [| 1uy |],
                (fun b ->
                    let loc = RootLocation("f.root", Tree = "t", Byte = Nullable 500L) in
                    let mutable r = RootBuffer.OfPayload(b, loc, 40) in
                    r.ReadInt64() |> ignore),
                "Cannot read f.root, tree 't', byte 0 of the record at byte 500: needed 8 bytes but only 1 remain. The file is damaged. \
                 Copy it again, or write it again."
            ] do
            test $"{name} is named by its byte" { Expect.equal (message (fun () -> read content)) wanted "message" }
    ]

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
let tests = testList "ROOT format" [ testList "cursor" cursorTests; testList "names" nameTests ]
