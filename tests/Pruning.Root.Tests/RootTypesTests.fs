/// Every number type in every shape of branch.
module Pruning.Tests.Data.RootTypesTests

open System
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Trees
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter

let private doubles = [ 1.5; -2.25; 0.0; 1e300 ]

// Compared as text: NaN equals itself there.
let private show (values: 'T array) = $"%A{values}"

// Type of leaf, unsigned, vector's class, four values as they stand in the file, and as .NET values.
let private types: (string * bool * string * string * (Bytes -> unit) * (RootTree -> string -> string) * string) list =
    let column (read: RootTree -> string -> JaggedColumn<'T>) (tree: RootTree) name = show (read tree name).Values

    [
        "TLeafO",
        false,
        "vector<bool>",
        "bool",
        (fun b ->
            for v in [ 1; 0; 7; 0 ] do
                b.U8 v),
        column (fun t n -> t.Read<bool> n),
        show [| true; false; true; false |]
        "TLeafB",
        false,
        "vector<Char_t>",
        "char",
        (fun b ->
            for v in [ 1; 255; 128; 127 ] do
                b.U8 v),
        column (fun t n -> t.Read<sbyte> n),
        show [| 1y; -1y; -128y; 127y |]
        "TLeafB",
        true,
        "vector<unsigned char>",
        "unsigned char",
        (fun b ->
            for v in [ 1; 255; 128; 0 ] do
                b.U8 v),
        column (fun t n -> t.Read<byte> n),
        show [| 1uy; 255uy; 128uy; 0uy |]
        "TLeafS",
        false,
        "vector<short>",
        "short",
        (fun b ->
            for v in [ 1; -2; 32767; -32768 ] do
                b.I16 v),
        column (fun t n -> t.Read<int16> n),
        show [| 1s; -2s; 32767s; -32768s |]
        "TLeafS",
        true,
        "std::vector<UShort_t>",
        "unsigned short",
        (fun b ->
            for v in [ 1; -2; 0; 9 ] do
                b.I16 v),
        column (fun t n -> t.Read<uint16> n),
        show [| 1us; 65534us; 0us; 9us |]
        "TLeafI",
        false,
        "vector<int, std::allocator<int> >",
        "int",
        (fun b ->
            for v in [ 1; -2; 3; Int32.MinValue ] do
                b.I32 v),
        column (fun t n -> t.Read<int> n),
        show [| 1; -2; 3; Int32.MinValue |]
        "TLeafI",
        true,
        "vector<unsigned int>",
        "unsigned int",
        (fun b ->
            for v in [ 1; -2; 3; 0 ] do
                b.I32 v),
        column (fun t n -> t.Read<uint32> n),
        show [| 1u; 4294967294u; 3u; 0u |]
        "TLeafL",
        false,
        "vector<long>",
        "long",
        (fun b ->
            for v in [ 1L; -2L; Int64.MaxValue; 0L ] do
                b.I64 v),
        column (fun t n -> t.Read<int64> n),
        show [| 1L; -2L; Int64.MaxValue; 0L |]
        "TLeafL",
        true,
        "vector<ULong64_t>",
        "unsigned long",
        (fun b ->
            for v in [ 1L; -2L; 3L; 0L ] do
                b.I64 v),
        column (fun t n -> t.Read<uint64> n),
        show [| 1UL; UInt64.MaxValue - 1UL; 3UL; 0UL |]
        "TLeafG",
        false,
        "ROOT::VecOps::RVec<long long>",
        "long",
        (fun b ->
            for v in [ 1L; -2L; 3L; 0L ] do
                b.I64 v),
        column (fun t n -> t.Read<int64> n),
        show [| 1L; -2L; 3L; 0L |]
        "TLeafF",
        false,
        "vector<float,ROOT::Detail::VecOps::RAdoptAllocator<float> >",
        "float",
        (fun b ->
            for v in [ 1.5f; -2.25f; nanf; 0.0f ] do
                b.I32(BitConverter.SingleToInt32Bits v)),
        column (fun t n -> t.Read<float32> n),
        show [| 1.5f; -2.25f; nanf; 0.0f |]
        "TLeafD",
        false,
        "vector<Double_t>",
        "double",
        (fun b -> List.iter b.F64 doubles),
        column (fun t n -> t.Read<float> n),
        show (Array.ofList doubles)
    ]

let private typeTests =
    [
        for leafClass, isUnsigned, className, cpp, encode, read, wanted in types do
            test $"{leafClass} reads {cpp} as a number, a fixed array, a counted array and a vector" {
                let all = bytes encode
                let each = all |> Array.chunkBySize (all.Length / 4) |> List.ofArray

                let plain title length =
                    { leaf leafClass title with
                        Unsigned = isUnsigned
                        Length = length
                    }

                let content =
                    [
                        branch "scalar" (plain "scalar" 1) [ basket NoTable each ]
                        branch "n" (leaf "TLeafI" "n") [ basket NoTable [ int32s [ 3 ]; int32s [ 1 ] ] ]
                        branch "fixed" (plain "fixed[2][2]" 4) [ basket NoTable [ all ] ]
                        { counted "counted" leafClass "n" [ basket Offsets [ Array.concat each[..2]; each[3] ] ] with
                            Leaves =
                                [
                                    { plain "counted[n]" 1 with
                                        Counter = Some "n"
                                    }
                                ]
                        }
                        vector
                            "vector"
                            className
                            [
                                basket
                                    Offsets
                                    [
                                        vectorEntry 1 each[0]
                                        vectorEntry 0 [||]
                                        vectorEntry 3 (Array.concat each[1..])
                                    ]
                            ]
                    ]

                opened (write (file [ tree content ])) (fun root ->
                    let t = root.Tree "t"

                    for name in [ "scalar"; "fixed"; "counted"; "vector" ] do
                        Expect.equal (read t name) wanted name

                    Expect.equal (t.Branch("scalar").TypeName) cpp "scalar's type"
                    Expect.equal (t.Branch("fixed").TypeName) $"{cpp}[2][2]" "fixed array's type"
                    Expect.equal (t.Branch("counted").TypeName) $"{cpp}[n]" "counted array's type"
                    Expect.stringEnds (t.Branch("vector").TypeName) $"<{cpp}>" "vector's type"
                    Expect.equal (t.Branch("fixed").FixedLength) (Nullable 4) "values of an entry"
                    Expect.equal (t.Branch("counted").FixedLength) (Nullable()) "a jagged branch has no fixed length")
            }
    ]

[<Tests>]
let tests = testList "ROOT types" typeTests
