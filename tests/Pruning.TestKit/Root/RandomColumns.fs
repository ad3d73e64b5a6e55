/// Random schemas and values, from a seed.
module Pruning.Tests.Data.RandomColumns

open System
open System.Runtime.InteropServices
open Pruning.Tests.Data.WrittenColumns

/// Any bits are a value: NaNs with a payload and the smallest numbers among them.
let values<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    (random: Random)
    (count: int)
    : 'T array =
    let result: 'T array = Array.zeroCreate count
    let bytes = MemoryMarshal.AsBytes(Span result)
    random.NextBytes bytes

    if typeof<'T> = typeof<bool> then
        for i in 0 .. bytes.Length - 1 do
            bytes[i] <- bytes[i] &&& 1uy
    elif random.Next 2 = 0 then
        // Something to compress.
        for i in 0 .. bytes.Length - 1 do
            if i % sizeof<'T> > 0 then
                bytes[i] <- 0uy

    result

/// Mostly short, now and then empty or long.
let private length (random: Random) =
    match random.Next 60 with
    | 0 -> 300 + random.Next 700
    | n when n < 15 -> 0
    | _ -> random.Next 6

let word (random: Random) =
    match random.Next 30 with
    | 0 -> String('x', 250 + random.Next 10) // around the length that needs four more bytes
    | n when n < 6 -> ""
    | _ -> String(Array.init (random.Next 12) (fun _ -> "abc zäλ\n"[random.Next 8]))

let private one<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    (random: Random)
    (name: string)
    (entries: int)
    : Column =
    let lists _ = values<'T> random (length random)

    match random.Next 5 with
    | 0 -> flat name (values<'T> random entries)
    | 1 ->
        let dimensions = Array.init (1 + random.Next 2) (fun _ -> 1 + random.Next 4)
        fixed' name dimensions (Array.init entries (fun _ -> values<'T> random (Array.reduce (*) dimensions)))
    | 2 -> vector name (Array.init entries lists)
    | 3 -> nested name (Array.init entries (fun _ -> Array.init (random.Next 4) lists))
    | _ ->
        let counts = Array.init entries (fun _ -> length random)

        let member' i =
            let inner = if random.Next 4 = 0 then [| 2; 3 |] else [||]
            let size = Array.fold (*) 1 inner
            jagged $"{name}_{i}" inner (counts |> Array.map (fun count -> values<'T> random (count * size)))

        group $"n{name}" counts (List.init (1 + random.Next 3) member')

let private any (random: Random) (name: string) (entries: int) : Column =
    match random.Next 14 with
    | 0 -> one<bool> random name entries
    | 1 -> one<sbyte> random name entries
    | 2 -> one<byte> random name entries
    | 3 -> one<int16> random name entries
    | 4 -> one<uint16> random name entries
    | 5 -> one<int> random name entries
    | 6 -> one<uint32> random name entries
    | 7 -> one<int64> random name entries
    | 8 -> one<uint64> random name entries
    | 9 -> one<float32> random name entries
    | 10 -> one<float> random name entries
    | 11 -> one<float32> random name entries
    | 12 -> text name (Array.init entries (fun _ -> word random))
    | _ -> texts name (Array.init entries (fun _ -> Array.init (random.Next 4) (fun _ -> word random)))

/// Some columns of as many entries.
let columns (random: Random) (entries: int) : Column list =
    List.init (1 + random.Next 6) (fun i -> any random $"b{i}" entries)
