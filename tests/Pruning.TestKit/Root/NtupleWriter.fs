/// RNTuples made by hand, byte by byte: the reader must not be tested against code of its own.
module Pruning.Tests.Data.NtupleWriter

open System
open System.Buffers.Binary
open System.Collections.Generic
open System.Text
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootCodecs

/// What does not shrink is stored as it is: readers tell the two apart by the sizes alone.
let private pack (codec: Codec) (data: byte array) : byte array =
    if codec = Raw || data.Length = 0 then
        data
    else
        let packed = blocks codec 0xFFFFFF data
        if packed.Length < data.Length then packed else data

/// Bytes behind a key of their own; gives where they begin.
let private run (file: Bytes) (data: byte array) : int64 =
    RootBaskets.key file true "RBlob" "" "" 0 data.Length data.Length 1 file.Place
    let at = file.Place
    file.Raw data
    at

/// A blob: in one run, or in pieces of which the first lists the places of the others at its end.
let private blob (file: Bytes) (maxKey: int64) (data: byte array) : int64 =
    if maxKey = 0L || int64 data.Length <= maxKey then
        run file data
    else
        let size = int maxKey
        let pieces = (data.Length + size - 1) / size
        let spare = if data.Length % size > 0 then size - data.Length % size else 0
        let pieces = if (pieces - 1) * 8 > spare then pieces + 1 else pieces
        let first = size - (pieces - 1) * 8
        let places = data[first..] |> Array.chunkBySize size |> Array.map (run file)
        // A last piece that the table alone made necessary may hold nothing.
        let table = Array.append places (Array.replicate (pieces - 1 - places.Length) 0L)
        run file (Array.append data[.. first - 1] (table |> Array.collect i64))

let private fieldRecord (f: Field) =
    let flags =
        f.Flags
        ||| (if f.Repeats.IsSome then 1 else 0)
        ||| (if f.Source.IsSome then 2 else 0)

    record
        [
            u32 0
            u32 0
            u32 f.Parent
            u16 f.Role
            u16 flags
            text f.Name
            text f.Type
            text ""
            text $"{f.Name} of a test"
            f.Repeats |> Option.map i64 |> Option.defaultValue [||]
            f.Source |> Option.map u32 |> Option.defaultValue [||]
        ]

let private columnRecord (c: Column) =
    record
        [
            u16 c.Code
            u16 c.Bits
            u32 c.Field
            u16 ((if c.First.IsSome then 1 else 0) ||| (if c.Range.IsSome then 2 else 0))
            u16 c.Representation
            c.First |> Option.map i64 |> Option.defaultValue [||]
            c.Range
            |> Option.map (fun (low, high) -> Array.append (f64 low) (f64 high))
            |> Option.defaultValue [||]
        ]

let private schemaLists (schema: Schema) =
    Array.concat
        [
            listOf (schema.Fields |> List.map fieldRecord)
            listOf (schema.Columns |> List.map columnRecord)
            listOf (
                schema.Aliases
                |> List.map (fun (column, field) -> record [ u32 column; u32 field ])
            )
            listOf []
        ]

/// The pages of a cluster's column: their records, for the page list.
let private storePages (file: Bytes) (n: Ntuple) (known: Dictionary<string, int64 * int>) (pages: Page list) =
    let setting = if n.Codec = Raw then 0 else 505

    let records =
        [
            for page in pages ->
                let store () =
                    let stored = pack n.Codec page.Data |> n.Edit StoredPage
                    let whole = if n.Checksums then Array.append stored (checksum stored) else stored
                    blob file n.MaxKey whole, stored.Length

                let place, size =
                    if not n.Deduplicated then
                        store ()
                    else
                        let content = Convert.ToHexString page.Data

                        if not (known.ContainsKey content) then
                            known[content] <- store ()

                        known[content]

                Array.append
                    (u32 (if n.Checksums then -page.Elements else page.Elements))
                    (if n.LargeLocators then largeLocator (int64 size) place else locator size place)
        ]

    listWith records (Array.append (i64 0L) (u32 setting))

let private pageList (file: Bytes) (n: Ntuple) known (header: byte array) (firstEntry: int64) (clusters: Cluster list) =
    let starts = clusters |> List.map (fun c -> int64 c.Entries) |> List.scan (+) firstEntry

    let summaries =
        List.zip clusters (List.take clusters.Length starts)
        |> List.map (fun (c, start) -> record [ i64 start; i64 (int64 c.Entries ||| (int64 c.Flags <<< 56)) ])

    let pages =
        clusters
        |> List.map (fun c ->
            c.Columns
            |> List.map (fun pages ->
                match pages with
                | Pages list -> storePages file n known list
                | Suppressed -> listWith [] (i64 -1L))
            |> listOf)

    Array.concat [ header[header.Length - 8 ..]; listOf summaries; listOf pages ]

/// An envelope, stored; gives its link.
let private store (file: Bytes) (n: Ntuple) (bytes: byte array) : int64 * int * int =
    let stored = pack n.Codec bytes
    blob file n.MaxKey stored, stored.Length, bytes.Length

let private anchor (n: Ntuple) (header: int64 * int * int) (footer: int64 * int * int) : byte array =
    let link (place, stored: int, whole: int) = [ place; int64 stored; int64 whole ]

    let members =
        bytes (fun b ->
            [ n.Epoch; 0; 1; 0 ] |> List.iter b.I16
            link header @ link footer @ [ n.MaxKey ] |> List.iter b.I64)
        |> n.Edit Anchor

    let hash: byte array = Array.zeroCreate 8
    BinaryPrimitives.WriteUInt64BigEndian(hash, IO.Hashing.XxHash3.HashToUInt64 members)

    bytes (fun b ->
        b.I32(0x40000000 ||| (members.Length + 2))
        b.I16 2
        b.Raw members
        b.Raw hash)

/// Writes everything and gives the key that a directory lists.
let write (n: Ntuple) (file: Bytes) : byte array =
    let known = Dictionary<string, int64 * int>()

    let header =
        Array.concat [ i64 0L; text n.Name; text "made by hand"; text "test"; schemaLists n.Schema ]
        |> n.Edit Header
        |> envelope 1

    let headerLink = store file n header
    let sizes = n.Groups |> List.map (List.sumBy (fun c -> int64 c.Entries))
    let starts = sizes |> List.scan (+) 0L

    let groups =
        [
            for clusters, start, size in List.zip3 n.Groups (List.take sizes.Length starts) sizes ->
                let list = pageList file n known header start clusters |> n.Edit PageList |> envelope 3
                let place, stored, whole = store file n list
                record [ i64 start; i64 size; u32 clusters.Length; i64 (int64 whole); locator stored place ]
        ]

    let footer =
        Array.concat
            [
                i64 0L
                header[header.Length - 8 ..]
                record [ schemaLists n.Late ]
                listOf groups
                listOf [] // what newer versions append
            ]
        |> n.Edit Footer
        |> envelope 2

    let payload = anchor n headerLink (store file n footer)
    let seek = file.Place

    let image =
        bytes (fun b -> RootBaskets.key b true "ROOT::RNTuple" n.Name "" 0 payload.Length payload.Length n.Cycle seek)

    file.Raw image
    file.Raw payload
    image

/// The bytes of a file with RNTuples.
let fileOf (ntuples: Ntuple list) : byte array =
    RootWriter.write
        { RootSpec.file [] with
            Objects = ntuples |> List.map write
        }

/// Opens an RNTuple for the time of a function.
let reading (n: Ntuple) (use': Pruning.Root.Ntuples.RootNtuple -> 'a) : 'a =
    RootWriter.opened (fileOf [ n ]) (fun root -> use' (root.Ntuple n.Name))
