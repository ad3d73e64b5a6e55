/// Protobuf messages field by field, read from the description of the encoding alone.
module Pruning.Tests.Model.Protobuf

open System
open System.Text

type Field =
    | Varint of uint64
    | Fixed64 of uint64
    | Fixed32 of uint32
    | Bytes of byte[]

/// The fields of a protobuf message by number, in order.
let fields (message: byte[]) : (int * Field) list =
    let mutable at = 0

    let varint () =
        let mutable value = 0UL
        let mutable shift = 0
        let mutable more = true

        while more do
            let b = message[at]
            at <- at + 1
            value <- value ||| (uint64 (b &&& 0x7Fuy) <<< shift)
            shift <- shift + 7
            more <- b >= 0x80uy

        value

    [
        while at < message.Length do
            let key = varint ()

            let field =
                match int (key &&& 7UL) with
                | 0 -> Varint(varint ())
                | 1 ->
                    at <- at + 8
                    Fixed64(BitConverter.ToUInt64(message, at - 8))
                | 2 ->
                    let length = int (varint ())
                    at <- at + length
                    Bytes(message[at - length .. at - 1])
                | 5 ->
                    at <- at + 4
                    Fixed32(BitConverter.ToUInt32(message, at - 4))
                | other -> failwith $"wire type {other}"

            int (key >>> 3), field
    ]

let message (number: int) (all: (int * Field) list) : (int * Field) list =
    all
    |> List.pick (function
        | n, Bytes bytes when n = number -> Some(fields bytes)
        | _ -> None)

let text (number: int) (all: (int * Field) list) : string =
    all
    |> List.tryPick (function
        | n, Bytes bytes when n = number -> Some(Encoding.UTF8.GetString bytes)
        | _ -> None)
    |> Option.defaultValue ""
