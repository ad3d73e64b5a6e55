/// Damage to a file as values: what a failing test prints is what was done to the bytes. Where a file has its records,
/// headers, lengths, offsets and counts is found by walking over it, so that most damage hits a field that means something.
module Pruning.Tests.Data.RootMutator

open System
open System.Buffers.Binary

type Order =
    | Big
    | Little

type Mutation =
    /// The lowest bytes of a number over a field.
    | Overwrite of at: int * width: int * order: Order * value: int64
    | Flip of at: int * bit: int
    | Zero of at: int * length: int
    /// Random bytes from a seed.
    | Noise of at: int * length: int * seed: int
    /// Copies a stretch over another one.
    | Move of source: int * target: int * length: int
    /// Exchanges two stretches, each given by its first byte and its length; what is between them moves.
    | Swap of first: (int * int) * second: (int * int)
    | Truncate of length: int

/// A number that the file consists of.
type Field = { At: int; Width: int; Order: Order }

let private read (bytes: byte array) (field: Field) : int64 =
    let mutable value = 0L

    for i in 0 .. field.Width - 1 do
        let at =
            match field.Order with
            | Big -> field.At + i
            | Little -> field.At + field.Width - 1 - i

        value <- (value <<< 8) ||| int64 bytes[at]

    value

/// Does it to a copy; what lies beyond the end of the bytes is left out, so mutations go one after the other.
let apply (bytes: byte array) (mutation: Mutation) : byte array =
    let inside at length = max 0 (min length (bytes.Length - at))

    let changed (change: byte array -> unit) =
        let copy = Array.copy bytes
        change copy
        copy

    match mutation with
    | Overwrite(at, width, order, value) ->
        changed (fun copy ->
            for i in 0 .. width - 1 do
                let place =
                    match order with
                    | Big -> at + width - 1 - i
                    | Little -> at + i

                if place < copy.Length then
                    copy[place] <- byte (value >>> (8 * i)))
    | Flip(at, bit) ->
        changed (fun copy ->
            if at < copy.Length then
                copy[at] <- copy[at] ^^^ byte (1 <<< bit))
    | Zero(at, length) -> changed (fun copy -> Array.fill copy (min at copy.Length) (inside at length) 0uy)
    | Noise(at, length, seed) ->
        changed (fun copy -> Random(seed).NextBytes(Span(copy, min at copy.Length, inside at length)))
    | Move(source, target, length) ->
        let length = min (inside source length) (inside target length)

        changed (fun copy ->
            if length > 0 then
                Array.Copy(bytes, source, copy, target, length))
    | Swap(first, second) ->
        let (a, aLength), (b, bLength) = min first second, max first second

        if a + aLength > b || b + bLength > bytes.Length then
            bytes
        else
            Array.concat
                [
                    bytes[.. a - 1]
                    bytes[b .. b + bLength - 1]
                    bytes[a + aLength .. b - 1]
                    bytes[a .. a + aLength - 1]
                    bytes[b + bLength ..]
                ]
    | Truncate length -> bytes[.. (min length bytes.Length) - 1]

let applyAll (mutations: Mutation list) (bytes: byte array) : byte array = List.fold apply bytes mutations

let private isFile (bytes: byte array) = bytes.AsSpan().StartsWith(ReadOnlySpan "root"B)
let private int32At (bytes: byte array) at = BinaryPrimitives.ReadInt32BigEndian(ReadOnlySpan(bytes, at, 4))
let private int16At (bytes: byte array) at = int (BinaryPrimitives.ReadInt16BigEndian(ReadOnlySpan(bytes, at, 2)))

/// First byte and length of every record of a whole file; nothing for other bytes.
let records (bytes: byte array) : (int * int) list =
    let next at =
        if at + 18 > bytes.Length then
            None
        else
            match int32At bytes at with
            | size when size > 0 && size <= bytes.Length - at -> Some((at, size), at + size)
            | _ -> None

    if isFile bytes then List.unfold next 100 else []

let private fieldsFrom (start: int) (widths: int list) =
    let places = widths |> List.scan (+) start |> List.take widths.Length

    List.zip places widths
    |> List.map (fun (at, width) -> { At = at; Width = width; Order = Big })

let private headerFields (bytes: byte array) =
    let seek = if int32At bytes 4 >= 1_000_000 then 8 else 4
    // version, begin, end, free list (place, size, count), name, units, compression, descriptions (place, size), identity
    fieldsFrom 4 [ 4; 4; seek; seek; 4; 4; 4; 1; 4; seek; 4; 2 ]

/// The fields of a record's key, what a basket adds to it, and the first numbers behind it.
let private keyFields (bytes: byte array) (at: int, size: int) =
    let seek = if int16At bytes (at + 4) > 1000 then 8 else 4
    let fixedPart = fieldsFrom at [ 4; 2; 4; 4; 2; 2; seek; seek; 1 ]
    let keyBytes = int16At bytes (at + 14)

    let basket =
        if keyBytes > 19 && keyBytes <= size then
            // version, buffer, bytes an entry, entries, last, flag
            fieldsFrom (at + keyBytes - 19) [ 2; 4; 4; 4; 4; 1 ]
        else
            []

    let behind =
        if keyBytes + 28 <= size then
            fieldsFrom (at + keyBytes) [ 4; 2; 4; 4; 4; 4; 4; 2 ]
        else
            []

    // The table of offsets of a basket stands at its end.
    let table = if size > 12 then fieldsFrom (at + size - 12) [ 4; 4; 4 ] else []

    fixedPart @ basket @ behind @ table

/// Words, at any place, that may well be a length, an offset, a count or a byte count of these bytes.
let private likelyFields (order: Order) (bytes: byte array) =
    let likely width (value: int64) =
        let plain = if width = 4 then value &&& ~~~0x40000000L else value

        (value <> 0L && plain >= 0L && plain <= int64 bytes.Length)
        || (width = 4 && value = 0xFFFFFFFFL)

    [
        for width in [ 4; 8 ] do
            for at in 0 .. bytes.Length - width do
                let field =
                    {
                        At = at
                        Width = width
                        Order = order
                    }

                if likely width (read bytes field) then
                    field
    ]

/// Bytes that are searched for likely fields; of larger files the keys and the header count alone.
let private smallBytes = 100_000

let fields (bytes: byte array) : Field list =
    if isFile bytes then
        headerFields bytes
        @ (records bytes |> List.collect (keyFields bytes))
        @ (if bytes.Length > smallBytes then [] else likelyFields Big bytes)
    else
        likelyFields Little bytes @ likelyFields Big bytes
    |> List.distinct
    |> List.filter (fun field -> field.At + field.Width <= bytes.Length)

/// Values that break what is not checked: ends of ranges, neighbours, signs, the mask of byte counts, the file's length.
let private boundaries (bytes: byte array) (field: Field) : int64 list =
    let value = read bytes field
    let length = int64 bytes.Length
    let bits = 8 * field.Width

    [
        0L
        1L
        -1L
        (1L <<< (bits - 1)) - 1L
        1L <<< (bits - 1)
        value + 1L
        value - 1L
        value * 2L
        value ^^^ 0x40000000L
        -value
        length
        length - 1L
        length - int64 field.At
        0x40000000L
        0x3FFFFFFFL
        0x7FFFFFF0L
        0x80000000L
        0x100000000L
        255L
        65535L
    ]
    |> List.map (fun wanted -> if bits = 64 then wanted else wanted &&& ((1L <<< bits) - 1L))
    |> List.distinct
    |> List.filter (fun wanted -> wanted <> value)

/// Cuts around the beginning of every record, behind its key, and in its middle.
let truncations (bytes: byte array) : Mutation list =
    [
        yield! [ 0; 1; bytes.Length / 2; bytes.Length - 1 ]

        for at, size in records bytes do
            let keyBytes = int16At bytes (at + 14)

            yield! [ at; at + 1; at + 17; at + keyBytes; at + size / 2 ]
    ]
    |> List.filter (fun length -> length >= 0 && length < bytes.Length)
    |> List.distinct
    |> List.map Truncate

/// Every boundary value in every field, every cut at a record, neighbouring records exchanged, records wiped.
let systematic (bytes: byte array) : Mutation array =
    let all = records bytes

    [|
        for field in fields bytes do
            for value in boundaries bytes field do
                yield Overwrite(field.At, field.Width, field.Order, value)

        yield! truncations bytes
        yield! List.pairwise all |> List.map Swap
        yield! all |> List.map Zero
    |]

/// One mutation of any kind.
let random (random: Random) (bytes: byte array) : Mutation =
    let length = max 1 bytes.Length
    let at () = random.Next length
    let some limit = 1 + random.Next(min limit length)

    match random.Next 12 with
    | 0
    | 1 -> Flip(at (), random.Next 8)
    | 2 -> Zero(at (), some 64)
    | 3 -> Noise(at (), some 4, random.Next())
    | 4 -> Noise(at (), some 200, random.Next())
    | 5 -> Move(at (), at (), some 16)
    | 6 -> Move(at (), at (), some 300)
    | 7 ->
        match records bytes with
        | [] -> Truncate(at ())
        | all ->
            let record () = all[random.Next all.Length]
            Swap(record (), record ())
    | 8 -> Truncate(at ())
    | _ ->
        let field =
            {
                At = at ()
                Width = 1 <<< random.Next 4
                Order = (if random.Next 4 = 0 then Little else Big)
            }

        if field.At + field.Width > bytes.Length then
            Flip(field.At, random.Next 8)
        else
            let values = boundaries bytes field

            let value =
                if random.Next 4 = 0 then
                    random.NextInt64()
                else
                    values[random.Next values.Length]

            Overwrite(field.At, field.Width, field.Order, value)
