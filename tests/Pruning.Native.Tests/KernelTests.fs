/// The arithmetic under the fused kernels, at every register width that this processor has.
module Pruning.Tests.Native.KernelTests

#nowarn "9" // addresses are what is tested

open System
open Expecto
open FSharp.NativeInterop
open FsCheck
open Pruning.Native.Kernels

let private levels =
    [ SimdLevel.Scalar; SimdLevel.Vector256; SimdLevel.Vector512 ]
    |> List.filter (fun level -> level <= Simd.Best)

/// Sigmoid and tanh of a number, in all lanes at once.
let private evaluate (level: SimdLevel) (x: float32) : float32 * float32 =
    let input, sigmoid, tanh = Array.create 16 x, Array.zeroCreate<float32> 16, Array.zeroCreate<float32> 16
    use from = fixed input
    use first = fixed sigmoid
    use second = fixed tanh

    match level with
    | SimdLevel.Vector512 ->
        VectorMath.Sigmoid(Lanes16.Load from).Store first
        VectorMath.Tanh(Lanes16.Load from).Store second
    | SimdLevel.Vector256 ->
        VectorMath.Sigmoid(Lanes8.Load from).Store first
        VectorMath.Tanh(Lanes8.Load from).Store second
    | _ ->
        VectorMath.Sigmoid(Lanes1.Load from).Store first
        VectorMath.Tanh(Lanes1.Load from).Store second

    sigmoid[0], tanh[0]

let private inputs =
    [
        for exponent in -30 .. 6 do
            for mantissa in 0..63 do
                let value = (1.0 + float mantissa / 64.0) * 2.0 ** float exponent
                value
                -value
        0.0
        88.0
        -88.0
        1e30
        -1e30
    ]

/// a b over plain loops in double precision.
let private product (rows: int) (columns: int) (inner: int) (a: int -> int -> float32) (b: int -> int -> float32) =
    Array2D.init rows columns (fun i j -> Seq.init inner (fun p -> float (a i p) * float (b p j)) |> Seq.sum)

let private multiplied level (transposed: bool) rows columns inner (seed: int) =
    let random = Random seed
    let a = Array.init (rows * inner) (fun _ -> random.NextSingle() - 0.5f)
    let b = Array.init (inner * columns) (fun _ -> random.NextSingle() - 0.5f)
    let c = Array.create (rows * columns) 1f
    use pa = fixed a
    use pb = fixed b
    use pc = fixed c
    let aRow, aInner = if transposed then 1n, nativeint rows else nativeint inner, 1n

    Gemm.Multiply(
        level,
        rows,
        columns,
        inner,
        pa,
        aRow,
        aInner,
        pb,
        nativeint columns,
        nativeint Gemm.Panel,
        pc,
        nativeint columns,
        true
    )

    let element i p = if transposed then a[p * rows + i] else a[i * inner + p]
    let wanted = product rows columns inner element (fun p j -> b[p * columns + j])

    [
        for i in 0 .. rows - 1 do
            for j in 0 .. columns - 1 -> abs (wanted[i, j] + 1.0 - float c[i * columns + j])
    ]
    |> List.max

[<Tests>]
let tests =
    testList
        "fused kernels"
        [
            for level in levels do
                test $"{level}: sigmoid and tanh keep their error bounds" {
                    for x in inputs do
                        let sigmoid, tanh = evaluate level (float32 x)
                        let exact = float (float32 x)

                        Expect.isLessThanOrEqual
                            (abs (float sigmoid - 1.0 / (1.0 + exp -exact)))
                            2e-7
                            $"sigmoid {exact}"

                        Expect.isLessThanOrEqual
                            (abs (float tanh - Math.Tanh exact))
                            (5e-7 * abs (Math.Tanh exact))
                            $"tanh {exact}"
                }

                test $"{level}: NaN stays NaN, and infinity is no trouble" {
                    let sigmoid, tanh = evaluate level nanf
                    Expect.isTrue (Single.IsNaN sigmoid && Single.IsNaN tanh) "NaN"
                    let sigmoid, tanh = evaluate level infinityf
                    Expect.isLessThan (abs (sigmoid - 1f) + abs (tanh - 1f)) 2e-7f "infinity"
                    let sigmoid, tanh = evaluate level -infinityf
                    Expect.isLessThan sigmoid 1e-30f "- infinity"
                    Expect.isLessThan (abs (tanh + 1f)) 1e-7f "- infinity"
                }

                testProperty
                    $"{level}: a product of any number of rows is that of plain loops"
                    (fun (PositiveInt rows) (PositiveInt inner) (seed: int) ->
                        let rows, inner = rows % 150 + 1, inner % 60 + 1

                        for transposed in [ false; true ] do
                            Expect.isLessThan (multiplied level transposed rows 64 inner seed) 1e-5 $"{rows} x {inner}")

            testProperty "blocks hold every node once, by falling degree" (fun (degrees: NonNegativeInt list) ->
                let degrees = [| for NonNegativeInt degree in degrees -> int64 (degree % 40) |]
                let edges = int (Array.sum degrees)
                let source = Array.init edges (fun e -> int64 (e % degrees.Length))
                let lists = NeighbourLists.Of(ReadOnlySpan source, ReadOnlySpan degrees)
                Expect.equal (Array.sort lists.NodeOfPlace) [| 0 .. degrees.Length - 1 |] "nodes"

                for first, next in Array.pairwise lists.FirstPlace do
                    Expect.isTrue (next > first && next - first <= NeighbourLists.BlockNodes) "size"
                    let inBlock = [ for place in first .. next - 1 -> lists.DegreeAt place ]
                    Expect.equal inBlock (List.sortDescending inBlock) "degrees")

            test "lists refuse degrees and sources that do not fit" {
                let refuse source degrees =
                    Expect.throwsT<ArgumentException>
                        (fun () ->
                            NeighbourLists.Of(ReadOnlySpan(source: int64 array), ReadOnlySpan(degrees: int64 array))
                            |> ignore)
                        $"{source} {degrees}"

                refuse [| 0L |] [| 2L |]
                refuse [| 0L |] [| 0L |]
                refuse [| 1L |] [| 1L |]
                refuse [| -1L |] [| 1L |]
                refuse [||] [| Int64.MaxValue |]
                refuse [| 0L |] [| -1L; 2L |]
            }

            test "memory that was given back is handed out again" {
                let before = FloatPool.Bytes

                for _ in 1..20 do
                    use arena = new FloatArena()
                    let piece = arena.TakeZeros 1000L
                    Expect.equal (NativePtr.get piece 999) 0f "zero"
                    Expect.equal (NativePtr.toNativeInt (arena.Take 3L) % 64n) 0n "aligned"
                    arena.Take(3L * int64 FloatPool.SlabFloats) |> ignore

                // Other tests may hold slabs at the same time; a leak here would be 60 large pieces and 20 slabs.
                Expect.isLessThan (FloatPool.Bytes - before) (5L * 4L * int64 FloatPool.SlabFloats) "bytes"
            }
        ]
