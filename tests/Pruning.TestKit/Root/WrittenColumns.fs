/// Columns to be written by the code under test, with the bytes that each entry must have in the file.
module Pruning.Tests.Data.WrittenColumns

open System
open System.IO.Hashing
open System.Runtime.InteropServices
open System.Text
open Pruning.Root.Trees
open Pruning.Root.Writing.Trees
open Pruning.Tests.Data.RootBytes

/// A column that stands in a tree which is being written.
type Bound =
    {
        /// Gives the values of an entry.
        Set: int -> unit
        /// The entries [first, end).
        Data: int -> int -> BranchData list
    }

type Column =
    {
        Bind: TreeWriter -> Bound
        /// Name of each branch, and the bytes of its entries.
        Branches: (string * byte array array) list
        /// Name of each branch, number of its values, their CRC-32 as little-endian bytes or UTF-8.
        Sums: (unit -> (string * int64 * uint32) list)
        /// Compares with what the reader gives for a tree that has the first entries.
        Read: RootTree -> int -> unit
    }

let private bigEndian (values: 'T array) : byte array =
    let size = Marshal.SizeOf<'T>()
    let size = if typeof<'T> = typeof<bool> then 1 else size

    MemoryMarshal.AsBytes(ReadOnlySpan values).ToArray()
    |> Array.chunkBySize size
    |> Array.collect Array.rev

let private same (tree: RootTree) (name: string) (wanted: 'T array array) (entries: int) =
    let column = tree.Read<'T>(name)

    if column.EntryCount <> int64 entries then
        failwith $"{name}: {column.EntryCount} entries instead of {entries}"

    for entry in 0 .. entries - 1 do
        let found = MemoryMarshal.AsBytes column[int64 entry]
        let values = wanted[entry]
        let expected = MemoryMarshal.AsBytes(ReadOnlySpan values)

        if not (found.SequenceEqual expected) then
            failwith $"{name}: entry {entry} differs"

let private offsetsOf (lists: 'T array array) = lists |> Array.scan (fun sum list -> sum + int64 list.Length) 0L

let private sum name (values: 'T array) =
    name, int64 values.Length, Crc32.HashToUInt32(MemoryMarshal.AsBytes(ReadOnlySpan values))

let private sumTexts name (texts: string array) =
    name, int64 texts.Length, Crc32.HashToUInt32(Encoding.UTF8.GetBytes(String.Concat texts))

let private part (first: int) (end': int) (values: 'T array) = ReadOnlyMemory(values, first, end' - first)

let flat<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)> name (values: 'T array) =
    {
        Bind =
            fun tree ->
                let branch = tree.Flat<'T> name

                {
                    Set = fun entry -> branch.Set values[entry]
                    Data = fun first end' -> [ branch.Values(part first end' values) ]
                }
        Branches = [ name, values |> Array.map (fun value -> bigEndian [| value |]) ]
        Sums = fun () -> [ sum name values ]
        Read = fun tree entries -> same tree name (values |> Array.map Array.singleton) entries
    }

/// Every entry has the product of the dimensions.
let fixed'<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    name
    (dimensions: int array)
    (entries: 'T array array)
    =
    let values = Array.concat entries
    let length = Array.reduce (*) dimensions

    {
        Bind =
            fun tree ->
                let branch = tree.Fixed<'T>(name, dimensions)

                {
                    Set = fun entry -> branch.Set(ReadOnlySpan entries[entry])
                    Data = fun first end' -> [ branch.Values(part (first * length) (end' * length) values) ]
                }
        Branches = [ name, entries |> Array.map bigEndian ]
        Sums = fun () -> [ sum name values ]
        Read = fun tree count -> same tree name entries count
    }

let vector<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    name
    (lists: 'T array array)
    =
    let values = Array.concat lists
    let offsets = offsetsOf lists

    {
        Bind =
            fun tree ->
                let branch = tree.Vector<'T> name

                {
                    Set = fun entry -> branch.Set(ReadOnlySpan lists[entry])
                    Data = fun first end' -> [ branch.Lists(part first (end' + 1) offsets, values) ]
                }
        Branches =
            [
                name,
                lists
                |> Array.map (fun list -> RootSpec.vectorEntry list.Length (bigEndian list))
            ]
        Sums = fun () -> [ sum name values ]
        Read = fun tree entries -> same tree name lists entries
    }

let nested<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    name
    (entries: 'T array array array)
    =
    let lists = Array.concat entries
    let values = Array.concat lists
    let outer = offsetsOf entries
    let inner = offsetsOf lists

    let encode (entry: 'T array array) =
        entry
        |> Array.collect (fun list ->
            Array.append (bytes (fun b -> b.I32 list.Length)) (if list.Length = 0 then [||] else bigEndian list))
        |> RootSpec.vectorEntry entry.Length

    {
        Bind =
            fun tree ->
                let branch = tree.NestedVector<'T> name

                {
                    Set =
                        fun entry ->
                            let own = offsetsOf entries[entry]
                            branch.Set(ReadOnlySpan own, ReadOnlySpan(Array.concat entries[entry]))
                    Data = fun first end' -> [ branch.Lists(part first (end' + 1) outer, inner, values) ]
                }
        Branches = [ name, entries |> Array.map encode ]
        Sums = fun () -> [ sum name values ]
        Read = fun _ _ -> ()
    }

let private textBytes (text: string) = bytes (fun b -> b.Text text)

let text name (texts: string array) =
    {
        Bind =
            fun tree ->
                let branch = tree.Text name

                {
                    Set = fun entry -> branch.Set texts[entry]
                    Data = fun first end' -> [ branch.Values(texts[first .. end' - 1]) ]
                }
        Branches = [ name, texts |> Array.map textBytes ]
        Sums = fun () -> [ sumTexts name texts ]
        Read = fun _ _ -> ()
    }

let texts name (entries: string array array) =
    let all = Array.concat entries
    let offsets = offsetsOf entries

    {
        Bind =
            fun tree ->
                let branch = tree.TextVector name

                {
                    Set = fun entry -> branch.Set entries[entry]
                    Data = fun first end' -> [ branch.Lists(part first (end' + 1) offsets, all) ]
                }
        Branches =
            [
                name,
                entries
                |> Array.map (fun entry -> RootSpec.vectorEntry entry.Length (Array.collect textBytes entry))
            ]
        Sums = fun () -> [ sumTexts name all ]
        Read = fun _ _ -> ()
    }

/// A jagged branch of a group: its own part of the group's data, given the counts of the entries.
type Jagged =
    {
        Make: CounterGroup -> Bound
        Own: string * byte array array
        Sum: unit -> string * int64 * uint32
        Check: RootTree -> int -> unit
    }

let jagged<'T when 'T: unmanaged and 'T: struct and 'T :> ValueType and 'T: (new: unit -> 'T)>
    name
    (inner: int array)
    (lists: 'T array array)
    : Jagged =
    let values = Array.concat lists

    {
        Make =
            fun group ->
                let branch = group.Jagged<'T>(name, inner)

                {
                    Set = fun entry -> branch.Set(ReadOnlySpan lists[entry])
                    Data = fun _ _ -> [ branch.Values values ]
                }
        Own =
            name,
            lists
            |> Array.map (fun list -> if list.Length = 0 then [||] else bigEndian list)
        Sum = fun () -> sum name values
        Check = fun tree entries -> same tree name lists entries
    }

/// Branches that share a counter.
let group name (counts: int array) (branches: Jagged list) =
    let offsets = counts |> Array.scan (fun sum count -> sum + int64 count) 0L

    {
        Bind =
            fun tree ->
                let group = tree.Counter name
                let bound = branches |> List.map (fun branch -> branch.Make group)

                {
                    Set = fun entry -> bound |> List.iter (fun branch -> branch.Set entry)
                    Data =
                        fun first end' ->
                            group.Lists(part first (end' + 1) offsets)
                            :: (bound |> List.collect (fun branch -> branch.Data first end'))
                }
        Branches =
            (name, counts |> Array.map (fun count -> bigEndian [| count |]))
            :: (branches |> List.map _.Own)
        Sums = fun () -> sum name counts :: (branches |> List.map (fun branch -> branch.Sum()))
        Read =
            fun tree entries ->
                same tree name (counts |> Array.map Array.singleton) entries
                branches |> List.iter (fun branch -> branch.Check tree entries)
    }

/// How entries reach the file.
type Way =
    /// One after the other.
    | ByEntry
    /// In pieces of so many, one after the other and from the start again.
    | InBulk of pieces: int list

/// Writes entries [0, entries) of the columns into a tree.
let fill (way: Way) (entries: int) (tree: TreeWriter) (columns: Column list) =
    let bound = columns |> List.map (fun column -> column.Bind tree)

    match way with
    | ByEntry ->
        for entry in 0 .. entries - 1 do
            bound |> List.iter (fun column -> column.Set entry)
            tree.Fill()
    | InBulk pieces ->
        let mutable first = 0
        let mutable turn = 0

        while first < entries do
            let end' = min entries (first + pieces[turn % pieces.Length])
            tree.Append(bound |> List.collect (fun column -> column.Data first end'))
            first <- end'
            turn <- turn + 1
