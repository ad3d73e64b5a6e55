/// Every encoding of an RNTuple's columns, against bytes written out and against the model.
module Pruning.Tests.Data.NtupleEncodingTests

open System
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Root.Ntuples
open Pruning.Root.Ntuples.Encoding
open Pruning.Tests.Generators
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootExpect

/// Pages given byte by byte: encoding, its bytes, the values as text.
let private literal: (string * byte array * string) list =
    [
        "Bit", [| 0b1010_0110uy; 0b0000_0001uy |], "[False; True; True; False; False; True; False; True; True]"
        "Byte", [| 0uy; 200uy |], "[0; 200]"
        "Char", [| 65uy; 255uy |], "[65; -1]"
        "Int8", [| 1uy; 254uy |], "[1; -2]"
        "UInt8", [| 1uy; 254uy |], "[1; 254]"
        "Int16", [| 1uy; 0uy; 0xFEuy; 0xFFuy |], "[1; -2]"
        "UInt16", [| 1uy; 2uy |], "[513]"
        "Int32", [| 1uy; 0uy; 0uy; 0x80uy |], "[-2147483647]"
        "UInt32", [| 1uy; 0uy; 0uy; 0x80uy |], "[2147483649]"
        "Int64", [| 0xFFuy; 0xFFuy; 0xFFuy; 0xFFuy; 0xFFuy; 0xFFuy; 0xFFuy; 0x7Fuy |], "[9223372036854775807]"
        "UInt64", [| 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0x80uy |], "[9223372036854775808]"
        "Real16", [| 0x00uy; 0x3Cuy; 0x00uy; 0xC1uy |], "[1; -2.5]"
        "Real32", [| 0uy; 0uy; 0xC0uy; 0x3Fuy |], "[1.5]"
        "Real64", [| 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0xF8uy; 0x3Fuy |], "[1.5]"
        // 1 and -2 are 2 and 3 with their sign in the lowest bit.
        "SplitInt16", [| 2uy; 3uy; 0uy; 0uy |], "[1; -2]"
        "SplitUInt16", [| 1uy; 3uy; 2uy; 4uy |], "[513; 1027]"
        "SplitInt32", [| 2uy; 3uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy |], "[1; -2]"
        "SplitUInt32", [| 1uy; 5uy; 2uy; 6uy; 3uy; 7uy; 4uy; 8uy |], "[67305985; 134678021]"
        "SplitInt64", [| 1uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy |], "[-1]"
        "SplitUInt64", Array.append [| 1uy; 2uy |] (Array.zeroCreate 14), "[1; 2]"
        "SplitReal16", [| 0x00uy; 0x00uy; 0x3Cuy; 0xC1uy |], "[1; -2.5]"
        "SplitReal32", [| 0uy; 0uy; 0uy; 0uy; 0xC0uy; 0x00uy; 0x3Fuy; 0x40uy |], "[1.5; 2]"
        "SplitReal64", Array.append (Array.zeroCreate 12) [| 0xF8uy; 0x00uy; 0x3Fuy; 0x40uy |], "[1.5; 2]"
        // The upper ten bits of 1 and of -2 are 0x0FE and 0x300: 20 bits from the lowest on.
        "Real32Trunc10", [| 0xFEuy; 0x00uy; 0x0Cuy |], "[1; -2]"
        "Real32Quant1", [| 0b101uy |], "[1; 0; 1]"
    ]

let private elementCount (e: Encoding) (bytes: byte array) expected =
    if e.Bits % 8 = 0 then
        bytes.Length * 8 / e.Bits
    else
        (expected: string).Split(';').Length

/// Values of the only field in its own type.
let private show (n: RootNtuple) (first: int64) (last: int64) : string =
    let values (column: JaggedColumn<'T>) =
        column.Values
        |> Array.map (fun value -> String.Format(Globalization.CultureInfo.InvariantCulture, "{0}", value))
        |> String.concat "; "
        |> sprintf "[%s]"

    match n.Read([| "x" |], first, Nullable last).Columns[0] with
    | :? JaggedColumn<bool> as c -> values c
    | :? JaggedColumn<sbyte> as c -> values c
    | :? JaggedColumn<byte> as c -> values c
    | :? JaggedColumn<int16> as c -> values c
    | :? JaggedColumn<uint16> as c -> values c
    | :? JaggedColumn<int> as c -> values c
    | :? JaggedColumn<uint32> as c -> values c
    | :? JaggedColumn<int64> as c -> values c
    | :? JaggedColumn<uint64> as c -> values c
    | :? JaggedColumn<float32> as c -> values c
    | :? JaggedColumn<float> as c -> values c
    | other -> failtest $"a column of {other.ElementType}"

let private literalTests =
    [
        for name, bytes, expected in literal ->
            test $"{name}: bytes to values" {
                let e = encoding name
                let count = elementCount e bytes expected
                let page = { Elements = count; Data = bytes }

                let n =
                    { numbers e [] with
                        Groups = [ [ cluster count [ Pages [ page ] ] ] ]
                    }

                reading n (fun ntuple -> Expect.equal (show ntuple 0L (int64 count)) expected "values")
            }
    ]

/// Elements that reach every byte, enough for vectors and a rest.
let private elements seed count =
    let random = Random seed
    List.init count (fun _ -> random.NextInt64(Int64.MinValue, Int64.MaxValue))

let private roundTrips =
    [
        for e in encodings ->
            test $"{e.Name}: pages, clusters and ranges of 1000 elements" {
                let all = elements 7 1000
                let clusters = [ [ all[..299]; all[300..300] ]; [ all[301..998] ]; [ all[999..] ] ]
                let bytes (part: int64 list) = part |> List.collect (e.Value >> List.ofArray)

                for codec in [ Raw; Zlib; Lz4; Zstd ] do
                    let n =
                        { numbers e clusters with
                            Codec = codec
                            LargeLocators = codec = Lz4
                            Checksums = codec <> Zlib
                        }

                    reading n (fun ntuple ->
                        for first, last in [ 0, 1000; 0, 1; 17, 299; 299, 302; 303, 303; 650, 1000; 999, 1000 ] do
                            let column = ntuple.ReadColumns("x", int64 first, Nullable(int64 last))[0]

                            Expect.equal
                                (List.ofArray (column.ValueBytes.ToArray()))
                                (bytes all[first .. last - 1])
                                $"{codec}, entries {first} to {last}")
            }
    ]
    @ [
        property "joining split bytes is the inverse of splitting them, from every element on" (fun (seed: int) ->
            let random = Random seed

            [ 2; 4; 8 ]
            |> List.forall (fun width ->
                let count = random.Next 100
                let all = elements seed count |> Array.ofList
                let first = random.Next(count + 1)
                let into: byte array = Array.zeroCreate ((count - first) * width)
                ByteSplit.Join(ReadOnlySpan(split width all), count, first, width, Span into)
                into = plain width all[first..]))
    ]

let private conversions =
    [
        test "numbers are given as any type that holds them" {
            reading (numbers (encoding "SplitInt32") [ [ [ 1L; -2L; 300L ] ] ]) (fun n ->
                Expect.equal (n.ReadAs<float32>("x").Values) [| 1f; -2f; 300f |] "float"
                Expect.equal (n.ReadAs<int64>("x").Values) [| 1L; -2L; 300L |] "long"
                Expect.equal (n.ReadAs<int16>("x", 1L).Values) [| -2s; 300s |] "short"

                Expect.equal
                    (problem (fun () -> n.ReadAs<sbyte>("x") |> ignore))
                    (RootErrorKind.ValueOutOfRange, "the value 300 does not fit the type char without loss")
                    "char"

                Expect.equal
                    (problem (fun () -> n.Read<float>("x") |> ignore))
                    (RootErrorKind.WrongElementType,
                     "wanted double but the field is std::int32_t. Read it as int, or convert it with ReadAs.")
                    "double"

                Expect.equal
                    (problem (fun () -> n.ReadAs<Guid>("x") |> ignore))
                    (RootErrorKind.WrongElementType, "values cannot be given as Guid, only as numbers and bool")
                    "no number")
        }

        test "bits are numbers and numbers are bits where they are 0 and 1" {
            reading (numbers (encoding "Bit") [ [ [ 1L; 0L; 1L ] ] ]) (fun n ->
                Expect.equal (n.ReadAs<int>("x").Values) [| 1; 0; 1 |] "int"
                Expect.equal (n.ReadAs<float32>("x").Values) [| 1f; 0f; 1f |] "float"
                Expect.equal (n.Read<bool>("x").Values) [| true; false; true |] "bool")

            reading (numbers (encoding "UInt8") [ [ [ 1L; 0L ] ] ]) (fun n ->
                Expect.equal (n.ReadAs<bool>("x").Values) [| true; false |] "bool")

            reading (numbers (encoding "Int16") [ [ [ 0L; 2L ] ] ]) (fun n ->
                Expect.equal
                    (problem (fun () -> n.ReadAs<bool>("x") |> ignore) |> snd)
                    "the value 2 does not fit the type bool without loss"
                    "2")
        }

        test "the declared type decides where a column is narrower" {
            let n = numbers (encoding "SplitReal32") [ [ [ int64 (BitConverter.SingleToInt32Bits 1.5f) ] ] ]

            let wide =
                { n with
                    Schema =
                        { n.Schema with
                            Fields = [ field 0 "x" "double" ]
                        }
                }

            reading wide (fun ntuple -> Expect.equal (ntuple.Read<float>("x").Values) [| 1.5 |] "double")
        }
    ]

[<Tests>]
let tests = testList "RNTuple encodings" (literalTests @ roundTrips @ conversions)
