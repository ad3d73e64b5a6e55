/// The pieces that RNTuple metadata and pages are made of, byte by byte from the format's description.
module Pruning.Tests.Data.NtupleBytes

open System
open System.IO.Hashing
open System.Text

let u16 (value: int) : byte array = BitConverter.GetBytes(uint16 value)
let u32 (value: int) : byte array = BitConverter.GetBytes value
let i64 (value: int64) : byte array = BitConverter.GetBytes value
let f64 (value: float) : byte array = BitConverter.GetBytes value

let text (value: string) : byte array =
    let bytes = Encoding.UTF8.GetBytes value
    Array.append (u32 bytes.Length) bytes

/// A record frame: its size and its members.
let record (members: byte array list) : byte array =
    let body = Array.concat members
    Array.append (i64 (int64 body.Length + 8L)) body

/// A list frame with something behind its elements: negative size, count, elements.
let listWith (elements: byte array list) (behind: byte array) : byte array =
    let body = Array.append (Array.concat elements) behind
    Array.concat [ i64 -(int64 body.Length + 12L); u32 elements.Length; body ]

let listOf (elements: byte array list) : byte array = listWith elements [||]

let checksum (bytes: byte array) : byte array = BitConverter.GetBytes(XxHash3.HashToUInt64 bytes)

/// Type, length, contents, checksum.
let envelope (kind: int) (contents: byte array) : byte array =
    let head = int64 kind ||| (int64 (contents.Length + 16) <<< 16)
    let bytes = Array.append (i64 head) contents
    Array.append bytes (checksum bytes)

/// Size and place of stored bytes.
let locator (size: int) (offset: int64) : byte array = Array.append (u32 size) (i64 offset)

/// The form for sizes that 31 bits do not hold: a negated head of type and own size, then size and offset.
let largeLocator (size: int64) (offset: int64) : byte array =
    Array.concat [ u32 -(0x01000000 ||| 20); i64 size; i64 offset ]

/// The lowest bytes of a number.
let private low (width: int) (value: int64) : byte array = (i64 value)[.. width - 1]

let private signed (width: int) (value: int64) : int64 = (value <<< (64 - 8 * width)) >>> (64 - 8 * width)

/// How the elements of a column become a page, and what the reader has to give for each.
type Encoding =
    {
        Name: string
        /// C++ type of a field with such a column.
        Type: string
        Code: int
        Bits: int
        Range: (float * float) option
        Page: int64 array -> byte array
        /// The value of an element as little-endian bytes.
        Value: int64 -> byte array
    }

let plain (width: int) (elements: int64 array) : byte array = elements |> Array.collect (low width)

let split (width: int) (elements: int64 array) : byte array =
    [|
        for plane in 0 .. width - 1 do
            for element in elements -> byte (element >>> (8 * plane))
    |]

let zigzag (width: int) (elements: int64 array) : byte array =
    elements
    |> Array.map (fun element ->
        let value = signed width element
        (value <<< 1) ^^^ (value >>> 63))
    |> split width

let delta (width: int) (elements: int64 array) : byte array =
    Array.append [| 0L |] elements
    |> Array.pairwise
    |> Array.map (fun (before, element) -> element - before)
    |> split width

/// Elements of any width, the lowest bit first.
let bitStream (bits: int) (elements: int64 array) : byte array =
    let bytes: byte array = Array.zeroCreate ((elements.Length * bits + 7) / 8)

    for i in 0 .. elements.Length - 1 do
        for bit in 0 .. bits - 1 do
            let at = i * bits + bit

            if (elements[i] >>> bit) &&& 1L = 1L then
                bytes[at / 8] <- bytes[at / 8] ||| byte (1 <<< (at % 8))

    bytes

let private whole name (cpp: string) code width page =
    {
        Name = name
        Type = cpp
        Code = code
        Bits = 8 * width
        Range = None
        Page = page width
        Value = low width
    }

let private halfValue (element: int64) = BitConverter.GetBytes(float32 (BitConverter.UInt16BitsToHalf(uint16 element)))

let private half name code page =
    { whole name "float" code 2 page with
        Value = halfValue
    }

let truncated (bits: int) : Encoding =
    {
        Name = $"Real32Trunc{bits}"
        Type = "float"
        Code = 0x1C
        Bits = bits
        Range = None
        Page =
            Array.map (fun element -> int64 (uint32 element >>> (32 - bits)))
            >> bitStream bits
        Value = fun element -> BitConverter.GetBytes((uint32 element >>> (32 - bits)) <<< (32 - bits))
    }

let quantised (bits: int) (lowest: float, highest: float) : Encoding =
    let mask = (1L <<< bits) - 1L

    {
        Name = $"Real32Quant{bits}"
        Type = "float"
        Code = 0x1D
        Bits = bits
        Range = Some(lowest, highest)
        Page = bitStream bits
        Value =
            fun element ->
                BitConverter.GetBytes(float32 (lowest + float (element &&& mask) * ((highest - lowest) / float mask)))
    }

let encodings: Encoding list =
    [
        { whole "Bit" "bool" 0x00 1 plain with
            Bits = 1
            Page = bitStream 1
            Value = fun element -> [| byte (element &&& 1L) |]
        }
        whole "Byte" "std::byte" 0x01 1 plain
        whole "Char" "char" 0x02 1 plain
        whole "Int8" "std::int8_t" 0x03 1 plain
        whole "UInt8" "std::uint8_t" 0x04 1 plain
        whole "Int16" "std::int16_t" 0x05 2 plain
        whole "UInt16" "std::uint16_t" 0x06 2 plain
        whole "Int32" "std::int32_t" 0x07 4 plain
        whole "UInt32" "std::uint32_t" 0x08 4 plain
        whole "Int64" "std::int64_t" 0x09 8 plain
        whole "UInt64" "std::uint64_t" 0x0A 8 plain
        half "Real16" 0x0B plain
        whole "Real32" "float" 0x0C 4 plain
        whole "Real64" "double" 0x0D 8 plain
        whole "SplitInt16" "std::int16_t" 0x11 2 zigzag
        whole "SplitUInt16" "std::uint16_t" 0x12 2 split
        whole "SplitInt32" "std::int32_t" 0x13 4 zigzag
        whole "SplitUInt32" "std::uint32_t" 0x14 4 split
        whole "SplitInt64" "std::int64_t" 0x15 8 zigzag
        whole "SplitUInt64" "std::uint64_t" 0x16 8 split
        half "SplitReal16" 0x17 split
        whole "SplitReal32" "float" 0x18 4 split
        whole "SplitReal64" "double" 0x19 8 split
        truncated 10
        truncated 17
        truncated 31
        quantised 1 (0.0, 1.0)
        quantised 13 (-5.0, 7.5)
        quantised 32 (-1.0, 1.0)
    ]

let encoding (name: string) : Encoding = encodings |> List.find (fun e -> e.Name = name)

/// The ways to store where lists end.
type Ends =
    | Index32
    | Index64
    | SplitIndex32
    | SplitIndex64

let endsEncoding (ends: Ends) : int * int * (int64 array -> byte array) =
    match ends with
    | Index32 -> 0x0E, 32, plain 4
    | Index64 -> 0x0F, 64, plain 8
    | SplitIndex32 -> 0x1A, 32, delta 4
    | SplitIndex64 -> 0x1B, 64, delta 8
