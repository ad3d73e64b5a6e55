/// Our xz encoder against our decoder, which reads what liblzma writes.
module Pruning.Tests.Data.XzEncoderTests

open System
open Expecto
open Pruning.Root.Compression.Xz
open Pruning.Root.Errors

let private roundTrip (level: int) (block: byte array) : int =
    let packed: byte array = Array.zeroCreate (block.Length + 4096)
    let bytes = XzEncoder(level).Encode(ReadOnlySpan block, Span packed)
    Expect.isGreaterThan bytes 0 "there was room"
    let output: byte array = Array.zeroCreate block.Length
    let made = XzDecoder().Decode(ReadOnlySpan(packed, 0, bytes), Span output, RootLocation "f.root")
    Expect.equal made block.Length "bytes"
    Expect.isTrue (output = block) "the same bytes"
    bytes

let private noise (random: Random) length =
    let block: byte array = Array.zeroCreate length
    random.NextBytes block
    block

/// Stretches of noise, of one byte, and of what came before.
let private mixed (random: Random) (length: int) : byte array =
    let block = ResizeArray<byte>()

    while block.Count < length do
        let size = 1 + random.Next(1 + random.Next 3000)

        match random.Next 4 with
        | 0 -> block.AddRange(noise random size)
        | 1 -> block.AddRange(Array.create size (byte (random.Next 256)))
        | 2 when block.Count > 0 ->
            let from = random.Next block.Count

            for i in 0 .. size - 1 do
                block.Add block[from + i]
        | _ -> block.AddRange(Array.init size (fun i -> byte (i / 7 % 5)))

    block.ToArray()[.. length - 1]

[<Tests>]
let tests =
    testList
        "xz encoder"
        [
            testPropertyWithConfig
                { FsCheckConfig.defaultConfig with
                    maxTest = 60
                }
                "a block comes back as it was"
            <| fun (seed: int) ->
                let random = Random seed
                let length = 1 + random.Next(if random.Next 10 = 0 then 200000 else 3000)
                roundTrip (1 + random.Next 9) (mixed random length) |> ignore

            for length in [ 1; 2; 3; 4; 5 ] do
                test $"{length} bytes" {
                    roundTrip 5 (Array.init length byte) |> ignore
                    roundTrip 5 (Array.zeroCreate length) |> ignore
                }

            test "chunks that are stored and chunks that are compressed, in turns, beyond 2 MB" {
                let random = Random 7
                let zeros: byte array = Array.zeroCreate 2500000

                let block =
                    Array.concat
                        [
                            noise random 150000
                            zeros
                            noise random 70000
                            Array.init 300000 (fun i -> byte (i / 999))
                            noise random 10
                        ]

                Expect.isLessThan (roundTrip 3 block) 235000 "little more than the noise"
            }

            test "the longest matches and distances" {
                let random = Random 8
                let piece = noise random 500
                let block = Array.concat [ piece; noise random 300000; piece; piece; Array.create 1000 1uy ]
                Expect.isLessThan (roundTrip 9 block) 301500 "the repeated piece costs almost nothing"
            }

            test "where there is no room nothing is promised" {
                let block = Array.init 3000 (fun i -> byte (i * i >>> 5))
                let bytes = roundTrip 5 block
                let packed: byte array = Array.zeroCreate bytes

                for room in 0 .. bytes - 1 do
                    Expect.equal (XzEncoder(5).Encode(ReadOnlySpan block, Span(packed, 0, room))) -1 $"{room} bytes"

                Expect.equal (XzEncoder(5).Encode(ReadOnlySpan block, Span packed)) bytes "exactly enough"
            }
        ]
