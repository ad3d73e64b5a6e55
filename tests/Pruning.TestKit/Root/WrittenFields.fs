/// Fields of an RNTuple to be written by the code under test, with what a reader must find.
module Pruning.Tests.Data.WrittenFields

open System
open System.IO.Hashing
open System.Runtime.InteropServices
open System.Text
open Expecto
open Pruning.Root.Ntuples
open Pruning.Root.Writing.Ntuples

type Field =
    {
        Name: string
        /// Adds the field; the answer gives the data of the entries [first, end).
        Bind: NtupleWriter -> (int -> int -> NtupleData)
        /// Offsets of each list from the outside in, for all entries.
        Levels: int64 array list
        /// The values of all entries as little-endian bytes, or UTF-8.
        Bytes: byte array
        Values: int64
    }

/// Entries [first, end) of the outermost list point into the same arrays.
let private part (levels: int64 array list) (first: int) (end': int) : ReadOnlyMemory<int64> array =
    match levels with
    | [] -> [||]
    | outer :: inner ->
        [|
            ReadOnlyMemory(outer, first, end' - first + 1)
            for level in inner do
                ReadOnlyMemory level
        |]

let numbers<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    (name: string)
    (levels: int64 array list)
    (values: 'T array)
    : Field =
    {
        Name = name
        Bind =
            fun ntuple ->
                let field = ntuple.Field<'T>(name, levels.Length)

                fun first end' ->
                    if levels.IsEmpty then
                        field.Values(ReadOnlyMemory(values, first, end' - first))
                    else
                        field.Nested(part levels first end', ReadOnlyMemory values)
        Levels = levels
        Bytes = MemoryMarshal.AsBytes(ReadOnlySpan values).ToArray()
        Values = values.LongLength
    }

let texts (name: string) (levels: int64 array list) (values: string array) : Field =
    {
        Name = name
        Bind =
            fun ntuple ->
                let field = ntuple.Text(name, levels.Length)

                fun first end' ->
                    if levels.IsEmpty then
                        field.Values values[first .. end' - 1]
                    else
                        field.Nested(part levels first end', values)
        Levels = levels
        Bytes = Encoding.UTF8.GetBytes(String.Concat values)
        Values = values.LongLength
    }

/// Adds the fields and then the entries in pieces, whose sizes are taken in turns.
let fill (pieces: int list) (entries: int) (ntuple: NtupleWriter) (fields: Field list) =
    let data = fields |> List.map (fun field -> field.Bind ntuple)
    let mutable next = 0
    let mutable turn = 0

    while next < entries do
        let end' = min entries (next + pieces[turn % pieces.Length])

        ntuple.Append
            [|
                for one in data do
                    one next end'
            |]

        next <- end'
        turn <- turn + 1

let checksum (field: Field) : uint32 = Crc32.HashToUInt32 field.Bytes

/// Compares all entries with what the reader gives.
let check (ntuple: RootNtuple) (entries: int) (fields: Field list) =
    Expect.equal ntuple.EntryCount (int64 entries) "entries"

    for field in fields do
        let column = ntuple.ReadColumns field.Name |> Seq.exactlyOne
        Expect.equal (List.ofSeq column.Levels) field.Levels $"{field.Name}: lists"
        Expect.equal column.ValueCount field.Values $"{field.Name}: number of values"
        Expect.isTrue (column.ValueBytes.SequenceEqual field.Bytes) $"{field.Name}: values"

/// Offsets of so many lists within each other, and the number of values in them.
let lists (random: Random) (depth: int) (entries: int) : int64 array list * int =
    let length _ =
        match random.Next 40 with
        | 0 -> int64 (20 + random.Next 60)
        | n when n < 12 -> 0L
        | _ -> int64 (random.Next 4)

    let level (items: int) = Array.init items length |> Array.scan (+) 0L

    let levels =
        List.unfold
            (fun (left, items) ->
                if left = 0 then
                    None
                else
                    let offsets = level items
                    Some(offsets, (left - 1, int (Array.last offsets))))
            (depth, entries)

    levels, (if depth = 0 then entries else int (Array.last (List.last levels)))
