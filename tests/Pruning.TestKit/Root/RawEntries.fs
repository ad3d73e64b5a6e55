/// The entries of a branch as the bytes in its baskets, found by going from record to record: it shares nothing with the
/// tree reader but the codecs.
module Pruning.Tests.Data.RawEntries

open System
open System.Buffers.Binary
open System.IO
open Pruning.Root.Compression.Blocks
open Pruning.Root.Errors

let private int32At (bytes: byte array) at = BinaryPrimitives.ReadInt32BigEndian(ReadOnlySpan(bytes, at, 4))
let private int16At (bytes: byte array) at = int (BinaryPrimitives.ReadInt16BigEndian(ReadOnlySpan(bytes, at, 2)))

/// Class, name and title of a record, behind the sizes and places.
let private strings (file: byte array) (at: int) =
    let mutable next = at + (if int16At file (at + 4) > 1000 then 34 else 26)

    List.init 3 (fun _ ->
        let short = int file[next]
        let length, begin' = if short = 255 then int32At file (next + 1), next + 5 else short, next + 1
        next <- begin' + length
        Text.Encoding.UTF8.GetString(file, begin', length))

/// Place, class, name and title of every record.
let records (file: byte array) =
    100
    |> List.unfold (fun at ->
        if at >= file.Length then
            None
        else
            Some((at, strings file at), at + int32At file at))

let private payload (file: byte array) (at: int) =
    let keyBytes = int16At file (at + 14)
    let objectBytes = int32At file (at + 6)
    let stored = file[at + keyBytes .. at + int32At file at - 1]

    if stored.Length >= objectBytes then
        stored
    else
        let output: byte array = Array.zeroCreate objectBytes
        use decoder = new BlockDecoder()
        RootBlocks.Decompress(ReadOnlySpan stored, Span output, decoder, RootLocation "raw entries")
        output

/// The entries of a branch, in the order of its baskets.
let ofBranch (file: byte array) (tree: string) (branch: string) : byte array array =
    [|
        for at, names in records file do
            if names = [ "TBasket"; branch; tree ] then
                let keyBytes = int16At file (at + 14)
                let header = at + keyBytes - 19
                let count = int32At file (header + 10)
                let dataBytes = int32At file (header + 14) - keyBytes
                let bytes = payload file at

                let bounds =
                    if bytes.Length = dataBytes then
                        Array.init (count + 1) (fun i -> i * (dataBytes / count))
                    else
                        Array.init (count + 1) (fun i ->
                            if i = count then
                                dataBytes
                            else
                                int32At bytes (dataBytes + 4 + 4 * i) - keyBytes)

                for i in 0 .. count - 1 do
                    bytes[bounds[i] .. bounds[i + 1] - 1]
    |]
