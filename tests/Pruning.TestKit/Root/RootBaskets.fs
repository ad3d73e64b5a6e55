/// Records made by hand: keys, and baskets on disk or inside a tree's description.
module Pruning.Tests.Data.RootBaskets

open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootSpec

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
let basketRecord (file: Bytes) (branch: string) (tree: string) (basket: Basket) =
    let seek = file.Place
    let extra = extraOf basket
    let length = keyBytes true "TBasket" branch tree + extra
    let whole = payload basket length
    let data = basket.Entries |> List.sumBy Array.length

    let packed =
        if basket.Codec = Raw then
            whole
        else
            blocks basket.Codec basket.BlockBytes whole

    // What does not shrink is stored as it is: readers tell the two apart by the sizes alone.
    let stored = if packed.Length < whole.Length then packed else whole

    key file true "TBasket" branch tree extra stored.Length whole.Length 1 seek
    basketHeader file basket length data (if basket.Table = Generated then 80 else 0)
    file.Raw stored
    seek, int (file.Place - seek)

/// A basket in its slot of the tree's description.
let embeddedBasket (b: Bytes) (branch: string) (tree: string) (basket: Basket) =
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
