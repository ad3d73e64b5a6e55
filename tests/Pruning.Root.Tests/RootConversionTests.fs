/// Numbers of one type read as another.
module Pruning.Tests.Data.RootConversionTests

open System
open Expecto
open Pruning.Root.Errors
open Pruning.Root.Trees
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootExpect

let private float64s (values: float list) = values |> List.map (fun v -> bytes (fun b -> b.F64 v))

let private misfit (values: string) (type': string) =
    RootErrorKind.ValueOutOfRange, $"the value {values} does not fit the type {type'} without loss"

let private conversionTests =
    [
        test "numbers are converted where nothing is lost" {
            oneBranch (scalars "TLeafD" (float64s [ 0.0; 1.0; 200.0 ])) (fun t ->
                Expect.equal (t.ReadAs<float32>("x").Values) [| 0f; 1f; 200f |] "float"
                Expect.equal (t.ReadAs<int>("x").Values) [| 0; 1; 200 |] "int"
                Expect.equal (t.ReadAs<byte>("x").Values) [| 0uy; 1uy; 200uy |] "byte"
                Expect.equal (t.ReadAs<uint64>("x").Values) [| 0UL; 1UL; 200UL |] "unsigned long"
                Expect.equal (t.ReadAs<bool>("x", 0L, Nullable 2L).Values) [| false; true |] "bool")

            oneBranch (scalars "TLeafO" [ [| 0uy |]; [| 5uy |] ]) (fun t ->
                Expect.equal (t.ReadAs<float32>("x").Values) [| 0f; 1f |] "bool to float"
                Expect.equal (t.ReadAs<int64>("x").Values) [| 0L; 1L |] "bool to long")
        }

        for name, values, read, wanted in
            [
                "a fraction as int",
                [ 1.0; 1.5 ],
                (fun (t: RootTree) -> t.ReadAs<int> "x" |> ignore),
                misfit "1.5" "int"
                "NaN as int", [ 1.0; nan ], (fun t -> t.ReadAs<int> "x" |> ignore), misfit "NaN" "int"
                "2^31 as int", [ 1.0; 2147483648.0 ], (fun t -> t.ReadAs<int> "x" |> ignore), misfit "2147483648" "int"
                "2^63 as long",
                [ 1.0; 9223372036854775808.0 ],
                (fun t -> t.ReadAs<int64> "x" |> ignore),
                misfit "9.223372036854776E+18" "long"
                "2^64 as unsigned long",
                [ 1.0; 18446744073709551616.0 ],
                (fun t -> t.ReadAs<uint64> "x" |> ignore),
                misfit "1.8446744073709552E+19" "unsigned long"
                "256 as byte", [ 1.0; 256.0 ], (fun t -> t.ReadAs<byte> "x" |> ignore), misfit "256" "unsigned char"
                "-1 as byte", [ 1.0; -1.0 ], (fun t -> t.ReadAs<byte> "x" |> ignore), misfit "-1" "unsigned char"
                "2 as bool", [ 1.0; 2.0 ], (fun t -> t.ReadAs<bool> "x" |> ignore), misfit "2" "bool"
                "1e300 as float", [ 1.0; 1e300 ], (fun t -> t.ReadAs<float32> "x" |> ignore), misfit "1E+300" "float"
            ] do
            test $"{name} is refused, and the entry named" {
                oneBranch (scalars "TLeafD" (float64s values)) (fun t ->
                    Expect.equal (problem (fun () -> read t)) wanted "the error"

                    let entry =
                        try
                            (read t
                             -1L)
                        with :? RootFormatException as e ->
                            e.Location.Entry.Value

                    Expect.equal entry 1L "the entry")
            }

        test "2^63 fits an unsigned long" {
            oneBranch (scalars "TLeafD" (float64s [ 9223372036854775808.0 ])) (fun t ->
                Expect.equal (t.ReadAs<uint64>("x").Values) [| 9223372036854775808UL |] "value")
        }

        test "integers that do not fit are refused" {
            oneBranch (scalars "TLeafL" [ for v in [ 1L; -1L ] -> bytes (fun b -> b.I64 v) ]) (fun t ->
                Expect.equal (t.ReadAs<float>("x").Values) [| 1.0; -1.0 |] "to double"
                Expect.equal (problem (fun () -> t.ReadAs<uint64> "x" |> ignore)) (misfit "-1" "unsigned long") "sign"

                Expect.equal
                    (problem (fun () -> t.ReadAs<uint32> "x" |> ignore))
                    (misfit "-1" "unsigned int")
                    "sign, narrower")
        }

        test "a wrong type is named with the right one" {
            oneBranch (scalars "TLeafD" (float64s [ 1.0 ])) (fun t ->
                Expect.equal
                    (problem (fun () -> t.Read<float32> "x" |> ignore))
                    (RootErrorKind.WrongElementType,
                     "wanted float but the branch is double. Read it as double, or convert it with ReadAs.")
                    "error"

                Expect.equal
                    (problem (fun () -> t.ReadAs<char> "x" |> ignore) |> fst)
                    RootErrorKind.WrongElementType
                    "not a number type")
        }

        test "packed floats are unpacked" {
            let stored = [ 0; 0x80; 0x1ff; 0x3ff ]

            oneBranch
                (branch "x" (leaf "TLeafD32" "x[-2,6,10]") [ basket NoTable [ for v in stored -> int32s [ v ] ] ])
                (fun t ->
                    Expect.equal
                        (t.Read<float>("x").Values)
                        [| for v in stored -> -2.0 + float v * (8.0 / 1024.0) |]
                        "Double32_t with a range")

            oneBranch
                (branch "x" (leaf "TLeafD32" "x") [ basket NoTable [ int32s [ BitConverter.SingleToInt32Bits 1.5f ] ] ])
                (fun t -> Expect.equal (t.Read<float>("x").Values) [| 1.5 |] "Double32_t without")

            oneBranch
                (branch
                    "x"
                    (leaf "TLeafF16" "x")
                    [ basket NoTable [ [| 127uy; 0x08uy; 0uy |]; [| 128uy; 0x24uy; 0uy |] ] ])
                (fun t -> Expect.equal (t.Read<float32>("x").Values) [| 1.5f; -2.5f |] "Float16_t without")
        }
    ]

[<Tests>]
let tests = testList "ROOT conversions" conversionTests
