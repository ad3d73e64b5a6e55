/// ROOT files made by hand, byte by byte, from the format's description: what the reader is tested against must not be
/// written by the code under test.
module Pruning.Tests.Data.RootBytes

open System
open System.Buffers.Binary
open System.Collections.Generic
open System.IO
open System.IO.Compression
open System.IO.Hashing
open System.Text
open K4os.Compression.LZ4

/// A growing big-endian buffer.
type Bytes() =
    let stream = new MemoryStream()
    member _.Position = int stream.Position
    member _.ToArray() = stream.ToArray()
    member _.Raw(bytes: byte array) = stream.Write(bytes, 0, bytes.Length)
    member _.U8(value: int) = stream.WriteByte(byte value)

    member b.I16(value: int) =
        let bytes: byte array = Array.zeroCreate 2
        BinaryPrimitives.WriteInt16BigEndian(bytes, int16 value)
        b.Raw bytes

    member b.I32(value: int) =
        let bytes: byte array = Array.zeroCreate 4
        BinaryPrimitives.WriteInt32BigEndian(bytes, value)
        b.Raw bytes

    member b.I64(value: int64) =
        let bytes: byte array = Array.zeroCreate 8
        BinaryPrimitives.WriteInt64BigEndian(bytes, value)
        b.Raw bytes

    member b.F64(value: float) = b.I64(BitConverter.DoubleToInt64Bits value)
    member b.Seek(wide: bool, value: int64) = if wide then b.I64 value else b.I32(int value)

    member b.Text(text: string) =
        let bytes = Encoding.UTF8.GetBytes text

        if bytes.Length < 255 then
            b.U8 bytes.Length
        else
            b.U8 255
            b.I32 bytes.Length

        b.Raw bytes

    /// Overwrites four bytes.
    member b.Patch(at: int, value: int) =
        let here = stream.Position
        stream.Position <- int64 at
        b.I32 value
        stream.Position <- here

    /// Overwrites four or eight bytes.
    member b.PatchSeek(wide: bool, at: int, value: int64) =
        let here = stream.Position
        stream.Position <- int64 at
        b.Seek(wide, value)
        stream.Position <- here

    /// Byte count, class version, body.
    member b.Frame(version: int, body: unit -> unit) =
        let at = b.Position
        b.I32 0
        b.I16 version
        body ()
        b.Patch(at, (b.Position - at - 4) ||| 0x40000000)

    /// Byte count, class name, body; gives the position that references are counted from.
    member b.Slot(className: string, body: unit -> unit) =
        let at = b.Position
        b.I32 0
        b.I32 -1
        b.Raw(Encoding.ASCII.GetBytes className)
        b.U8 0
        body ()
        b.Patch(at, (b.Position - at - 4) ||| 0x40000000)
        at

    member b.Object() =
        b.I16 1
        b.I32 0
        b.I32 0x03000000

    member b.Named(name: string, title: string) =
        b.Frame(
            1,
            fun () ->
                b.Object()
                b.Text name
                b.Text title
        )

    member b.Array(count: int, body: unit -> unit) =
        b.Frame(
            3,
            fun () ->
                b.Object()
                b.Text ""
                b.I32 count
                b.I32 0
                body ()
        )

let bytes (write: Bytes -> unit) : byte array =
    let b = Bytes()
    write b
    b.ToArray()

// ---------------------------------------------------------------------------------------------------- codecs

/// The xz container (CRC32 check) of the bytes 0..255 four times, made with liblzma.
let xzOfRamp =
    Convert.FromBase64String(
        "/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AP/APFdAAAAUlAKhPmbsoAhqWnWJ+A+BlpfBI1T1AS6OVcFCcFVJN6duHFZMWChn/lvSXPyyOqMuhqLKWkhgP4zg2avRm3snomK"
        + "C4PwPA6Jjj/tX+eekNkc/zL0suA5UbLSFBW0xXG62wbjeZqfuzjBsACskwuqBhkDEggVW5vISPAyLv4toIfI8KTg0lHrjWdWkrJNhMXxhjHfamJbwnkt2fc8c7p0dAfYPKlW"
        + "IiShZvhahF8wZ9L2S0kufyDr2/gQDpR4d8c/a++0zZXib/ZEbgbPC4Iay9t68FeNmP+QwD7mwRJBde4DKJbrE/unKMyvLNA8AAAAAAAAJkwLtwABiQKACAAALiVgYz4wDYsC"
        + "AAAAAAFZWg=="
    )

let ramp = Array.init 1024 byte

type Codec =
    | Raw
    | Zlib
    | Deflate
    | Lz4
    | Zstd
    | Xz

let private through (codec: Stream -> Stream) (data: byte array) =
    use target = new MemoryStream()

    do
        use packer = codec target
        packer.Write(data, 0, data.Length)

    target.ToArray()

/// One block: nine bytes of header and the compressed data.
let block (codec: Codec) (data: byte array) : byte array =
    let tag, packed =
        match codec with
        | Raw -> failwith "raw payloads have no blocks"
        | Zlib -> "ZL\x08", data |> through (fun s -> new ZLibStream(s, CompressionLevel.Optimal, true))
        | Deflate -> "CS\x08", data |> through (fun s -> new DeflateStream(s, CompressionLevel.Optimal, true))
        | Lz4 ->
            let target = Array.zeroCreate (LZ4Codec.MaximumOutputSize data.Length)
            let size = LZ4Codec.Encode(data, 0, data.Length, target, 0, target.Length)
            let hash: byte array = Array.zeroCreate 8
            BinaryPrimitives.WriteUInt64BigEndian(hash, XxHash64.HashToUInt64(ReadOnlySpan(target, 0, size)))
            "L4\x01", Array.append hash target[.. size - 1]
        | Zstd ->
            use compressor = new ZstdSharp.Compressor(5)
            "ZS\x01", compressor.Wrap(data).ToArray()
        | Xz ->
            if data <> ramp then
                failwith "the only xz sample is the ramp"

            "XZ\x00", xzOfRamp

    let size24 n = [| byte n; byte (n >>> 8); byte (n >>> 16) |]
    Array.concat [ Encoding.Latin1.GetBytes tag; size24 packed.Length; size24 data.Length; packed ]

/// A payload cut into blocks.
let blocks (codec: Codec) (size: int) (data: byte array) : byte array =
    data |> Array.chunkBySize size |> Array.collect (block codec)

// ---------------------------------------------------------------------------------------------------- what is written

type Leaf =
    {
        Class: string
        Title: string
        Length: int
        Unsigned: bool
        /// Name of the branch whose leaf counts.
        Counter: string option
    }

type Element =
    {
        ClassName: string
        Id: int
        Type: int
        StreamerType: int
    }

/// How a basket says where its entries begin.
type Table =
    | NoTable
    | Offsets
    | Sizes
    | Generated

type Basket =
    {
        Entries: byte array list
        Table: Table
        Codec: Codec
        BlockBytes: int
        Embedded: bool
    }

type Branch =
    {
        Name: string
        Leaves: Leaf list
        Element: Element option
        Version: int
        Baskets: Basket list
    }

type Tree =
    {
        Name: string
        Cycle: int
        Class: string
        Version: int
        Branches: Branch list
    }

type File =
    {
        Wide: bool
        /// Sub-directory that holds the trees.
        Directory: string option
        Trees: Tree list
    }

// ---------------------------------------------------------------------------------------------------- writing

let keyBytes (wide: bool) (className: string) (name: string) (title: string) =
    (if wide then 34 else 26) + 3 + className.Length + name.Length + title.Length

let key (b: Bytes) wide className name title (extra: int) (stored: int) (objectBytes: int) (cycle: int) (seek: int64) =
    let length = keyBytes wide className name title + extra
    b.I32(length + stored)
    b.I16(if wide then 1004 else 4)
    b.I32 objectBytes
    b.I32 0
    b.I16 length
    b.I16 cycle
    b.Seek(wide, seek)
    b.Seek(wide, 100L)
    b.Text className
    b.Text name
    b.Text title

let private basketHeader (b: Bytes) (basket: Basket) (keyLength: int) (dataBytes: int) (flag: int) =
    let entryBytes =
        if basket.Table = NoTable && not basket.Entries.IsEmpty then
            basket.Entries.Head.Length
        else
            1000

    let bits = basket.Table = Sizes || basket.Table = Generated
    b.I16 3
    b.I32 32000
    b.I32(if bits then -entryBytes else entryBytes)

    if bits then
        b.U8 1

    b.I32 basket.Entries.Length
    b.I32(keyLength + dataBytes)
    b.U8 flag

let private extraOf (basket: Basket) = if basket.Table = Sizes || basket.Table = Generated then 20 else 19

let private payload (basket: Basket) (keyLength: int) =
    let data = Array.concat basket.Entries
    let sizes = basket.Entries |> List.map Array.length

    match basket.Table with
    | NoTable
    | Generated -> data
    | Offsets ->
        let starts = sizes |> List.scan (+) keyLength |> List.take sizes.Length

        Array.append
            data
            (bytes (fun b ->
                b.I32(sizes.Length + 1)
                starts |> List.iter b.I32
                b.I32 0))
    | Sizes ->
        Array.append
            data
            (bytes (fun b ->
                b.I32(sizes.Length + 1)
                b.I32 0
                sizes |> List.iter b.I32))

/// Writes a basket's record and gives its place and size.
let private basketRecord (file: Bytes) (branch: string) (tree: string) (basket: Basket) =
    let seek = file.Position
    let extra = extraOf basket
    let length = keyBytes true "TBasket" branch tree + extra
    let whole = payload basket length
    let data = basket.Entries |> List.sumBy Array.length

    // Writers keep what does not get smaller as it is; the sizes of a record tell readers which.
    let stored =
        if basket.Codec = Raw then
            whole
        else
            let packed = blocks basket.Codec basket.BlockBytes whole
            if packed.Length < whole.Length then packed else whole

    key file true "TBasket" branch tree extra stored.Length whole.Length 1 (int64 seek)
    basketHeader file basket length data (if basket.Table = Generated then 80 else 0)
    file.Raw stored
    int64 seek, file.Position - seek

let private embeddedBasket (b: Bytes) (branch: string) (tree: string) (basket: Basket) =
    b.Slot(
        "TBasket",
        fun () ->
            let length = keyBytes true "TBasket" branch tree + extraOf basket
            let data = Array.concat basket.Entries
            // The key of a basket that has no record: no size, no place.
            b.I32 0
            b.I16 1004
            b.I32 data.Length
            b.I32 0
            b.I16 length
            b.I16 0
            b.I64 0L
            b.I64 0L
            b.Text "TBasket"
            b.Text branch
            b.Text tree
            basketHeader b basket length data.Length (if basket.Table = NoTable then 12 else 11)

            if basket.Table <> NoTable then
                b.I32 basket.Entries.Length

                basket.Entries
                |> List.map Array.length
                |> List.scan (+) length
                |> List.take basket.Entries.Length
                |> List.iter b.I32

            b.Raw(Array.zeroCreate length)
            b.Raw data
    )
    |> ignore

let private treePayload (tree: Tree) (keyLength: int) (places: Dictionary<string, (int64 * int) list>) =
    let leaves = Dictionary<string, int>()

    bytes (fun b ->
        let leaf (branch: string) (leaf: Leaf) =
            leaves[branch] <-
                b.Slot(
                    leaf.Class,
                    fun () ->
                        b.Frame(
                            1,
                            fun () ->
                                b.Frame(
                                    2,
                                    fun () ->
                                        b.Named(branch, leaf.Title)
                                        b.I32 leaf.Length
                                        b.I32 4
                                        b.I32 0
                                        b.U8 0
                                        b.U8(if leaf.Unsigned then 1 else 0)

                                        match leaf.Counter with
                                        | Some counter -> b.I32(leaves[counter] + keyLength + 2)
                                        | None -> b.I32 0
                                )

                                b.I64 0L // minimum and maximum, of some width
                        )
                )

        let branchBody (branch: Branch) =
            b.Frame(
                branch.Version,
                fun () ->
                    // The last basket counts as written once it is on disk.
                    let last = if branch.Baskets |> List.exists _.Embedded then 1 else 0
                    let counts = branch.Baskets |> List.map (fun basket -> basket.Entries.Length)
                    let starts = counts |> List.scan (+) 0
                    let total = List.sum counts
                    let places = places[branch.Name]
                    let slots = branch.Baskets.Length + 1
                    let varies = branch.Baskets |> List.exists (fun basket -> basket.Table <> NoTable)
                    b.Named(branch.Name, $"{branch.Name} of a test")
                    b.Frame(2, fun () -> b.I32 0)
                    b.I32 505
                    b.I32 32000
                    b.I32(if varies then 1000 else 0)
                    b.I32(branch.Baskets.Length - last)
                    b.I64 total

                    if branch.Version >= 13 then
                        b.Frame(
                            0,
                            fun () ->
                                b.I32 0x1aa12f10
                                b.U8 0
                        )

                    b.I32 0
                    b.I32 slots
                    b.I32 0
                    b.I64 total

                    if branch.Version >= 11 then
                        b.I64 0L

                    b.I64 1000L
                    b.I64 500L
                    b.Array(0, ignore)
                    b.Array(branch.Leaves.Length, fun () -> branch.Leaves |> List.iter (leaf branch.Name))

                    b.Array(
                        branch.Baskets.Length,
                        fun () ->
                            for basket in branch.Baskets do
                                if basket.Embedded then
                                    embeddedBasket b branch.Name tree.Name basket
                                else
                                    b.I32 0
                    )

                    b.U8 1
                    places |> List.iter (snd >> b.I32)
                    b.I32 0
                    b.U8 1
                    starts |> List.iter (int64 >> b.I64)
                    b.U8 1
                    places |> List.iter (fst >> b.I64)
                    b.I64 0L
                    b.Text ""
            )

        let body () =
            b.Frame(
                tree.Version,
                fun () ->
                    b.Named(tree.Name, "made by hand")
                    b.Frame(2, fun () -> b.I32 0)
                    b.Frame(2, fun () -> b.I32 0)
                    b.Frame(2, fun () -> b.I32 0)
                    b.I64 0L // fEntries: the branches know better

                    for _ in 1..3 do
                        b.I64 0L

                    if tree.Version >= 18 then
                        b.I64 0L

                    b.F64 1.0

                    for _ in 1..3 do
                        b.I32 0

                    if tree.Version >= 17 then
                        b.I32 1000

                    if tree.Version >= 19 then
                        b.I32 2

                    for _ in 1..4 do
                        b.I64 0L

                    if tree.Version >= 18 then
                        b.I64 0L

                    b.I64 0L

                    if tree.Version >= 19 then
                        b.U8 1
                        b.I64 10L
                        b.I64 20L
                        b.U8 0

                    if tree.Version >= 20 then
                        b.Frame(
                            0,
                            fun () ->
                                b.I32 0x1aa12f10
                                b.U8 0
                        )

                    b.Array(
                        tree.Branches.Length,
                        fun () ->
                            for branch in tree.Branches do
                                match branch.Element with
                                | None -> b.Slot("TBranch", fun () -> branchBody branch) |> ignore
                                | Some element ->
                                    b.Slot(
                                        "TBranchElement",
                                        fun () ->
                                            b.Frame(
                                                10,
                                                fun () ->
                                                    branchBody branch
                                                    b.Text element.ClassName
                                                    b.Text ""
                                                    b.Text ""
                                                    b.I32 0x055a169b
                                                    b.I16 6
                                                    b.I32 element.Id
                                                    b.I32 element.Type
                                                    b.I32 element.StreamerType
                                                    b.I32 0
                                                    b.I32 0
                                                    b.I32 0
                                            )
                                    )
                                    |> ignore
                    )
            // fLeaves and what follows is left out: a reader stops at the branches.
            )

        if tree.Class = "TTree" then
            body ()
        else
            b.Frame(
                2,
                fun () ->
                    body ()
                    b.I32 tree.Branches.Length
            ))

/// Writes the baskets and the record of a tree; gives the key that a directory lists.
let private treeRecord (file: Bytes) (wide: bool) (tree: Tree) : byte array =
    let places = Dictionary<string, (int64 * int) list>()

    for branch in tree.Branches do
        places[branch.Name] <-
            [
                for basket in branch.Baskets do
                    if basket.Embedded then
                        0L, 0
                    else
                        basketRecord file branch.Name tree.Name basket
            ]

    let seek = file.Position
    let length = keyBytes wide tree.Class tree.Name "made by hand"
    let payload = treePayload tree length places

    let image =
        bytes (fun b ->
            key b wide tree.Class tree.Name "made by hand" 0 payload.Length payload.Length tree.Cycle (int64 seek))

    file.Raw image
    file.Raw payload
    image

let private directoryFields (b: Bytes) (wide: bool) (keyList: int * int) (seek: int) =
    b.I16(if wide then 1005 else 5)
    b.I32 0
    b.I32 0
    b.I32(snd keyList)
    b.I32 50
    b.Seek(wide, int64 seek)
    b.Seek(wide, 100L)
    b.Seek(wide, int64 (fst keyList))
    b.I16 1
    b.Raw(Array.zeroCreate 16)

    if not wide then
        b.Raw(Array.zeroCreate 12)

let private keyList (b: Bytes) (wide: bool) (images: byte array list) =
    let seek = b.Position
    let length = 4 + (images |> List.sumBy Array.length)
    key b wide "TFile" "test.root" "" 0 length length 1 (int64 seek)
    b.I32 images.Length
    images |> List.iter b.Raw
    seek, b.Position - seek

/// The bytes of a whole file.
let write (file: File) : byte array =
    let wide = file.Wide
    let b = Bytes()
    b.Raw "root"B
    b.I32(if wide then 1062400 else 62400)
    b.I32 100
    let endAt = b.Position
    b.Seek(wide, 0L)
    b.Seek(wide, 0L)
    b.I32 0
    b.I32 1
    let nameBytes = keyBytes wide "TFile" "test.root" "" + 11
    b.I32 nameBytes
    b.U8 4 // wrong for wide files on purpose: readers must not look
    b.I32 505
    b.Seek(wide, 0L)
    b.I32 0
    b.I16 1
    b.Raw(Array.zeroCreate (100 - b.Position))
    let fieldBytes = 60 + 8
    key b wide "TFile" "test.root" "" 0 (11 + fieldBytes) (11 + fieldBytes) 1 100L
    b.Text "test.root"
    b.Text ""
    let fieldsAt = b.Position
    b.Raw(Array.zeroCreate fieldBytes)
    let trees = file.Trees |> List.map (treeRecord b wide)

    let top =
        match file.Directory with
        | None -> trees
        | Some name ->
            let inner = keyList b wide trees
            let seek = b.Position
            let image = bytes (fun k -> key k wide "TDirectory" name "" 0 fieldBytes fieldBytes 1 (int64 seek))
            b.Raw image
            directoryFields b wide inner seek
            b.Raw(Array.zeroCreate 8)
            [ image ]

    let list = keyList b wide top
    b.PatchSeek(wide, endAt, int64 b.Position)
    let result = b.ToArray()
    let fields = bytes (fun d -> directoryFields d wide list 100)
    Array.blit fields 0 result fieldsAt fields.Length
    result

// ---------------------------------------------------------------------------------------------------- shorthand

let basket (table: Table) (entries: byte array list) : Basket =
    {
        Entries = entries
        Table = table
        Codec = Raw
        BlockBytes = 0xFFFFFF
        Embedded = false
    }

let leaf (className: string) (title: string) : Leaf =
    {
        Class = className
        Title = title
        Length = 1
        Unsigned = false
        Counter = None
    }

let branch (name: string) (leaf: Leaf) (baskets: Basket list) : Branch =
    {
        Name = name
        Leaves = [ leaf ]
        Element = None
        Version = 13
        Baskets = baskets
    }

/// A branch `vector<...>`.
let vector (name: string) (className: string) (baskets: Basket list) : Branch =
    { branch name (leaf "TLeafElement" name) baskets with
        Element =
            Some
                {
                    ClassName = className
                    Id = -1
                    Type = 0
                    StreamerType = -1
                }
    }

/// A counted branch `name[counter]`.
let counted (name: string) (className: string) (counter: string) (baskets: Basket list) : Branch =
    branch
        name
        { leaf className $"{name}[{counter}]" with
            Counter = Some counter
        }
        baskets

let tree (branches: Branch list) : Tree =
    {
        Name = "t"
        Cycle = 1
        Class = "TTree"
        Version = 20
        Branches = branches
    }

let file (trees: Tree list) : File =
    {
        Wide = false
        Directory = None
        Trees = trees
    }

let int32s (values: int list) : byte array = bytes (fun b -> values |> List.iter b.I32)

/// An entry of a `vector<T>`: header and elements.
let vectorEntry (count: int) (elements: byte array) : byte array =
    bytes (fun b ->
        b.I32((elements.Length + 6) ||| 0x40000000)
        b.I16 9
        b.I32 count
        b.Raw elements)

/// Opens bytes as a file for the time of a function.
let openWith
    (options: Pruning.Data.Root.RootReadOptions)
    (content: byte array)
    (use': Pruning.Data.Root.RootFile -> 'a)
    : 'a =
    let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")
    File.WriteAllBytes(path, content)

    try
        use root = Pruning.Data.Root.RootFile.Open(path, options)
        use' root
    finally
        File.Delete path

let opened (content: byte array) (use': Pruning.Data.Root.RootFile -> 'a) : 'a =
    openWith Pruning.Data.Root.RootReadOptions.Default content use'
