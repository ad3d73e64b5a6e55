/// ROOT files made by hand, byte by byte, from the format's description: what the reader is tested against must not be
/// written by the code under test.
module Pruning.Tests.Data.RootWriter

open System
open System.Collections.Generic
open System.IO
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootBaskets
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data

let private treePayload (tree: Tree) (keyLength: int) (places: Dictionary<string, (int64 * int) list>) =
    let leaves = Dictionary<string, int>()

    bytes (fun b ->
        let leaf (branch: Branch) (leaf: Leaf) =
            // Leaves of a list have names of their own.
            let name = if branch.Leaves.Length > 1 then leaf.Title.Split('[')[0] else branch.Name

            leaves[name] <-
                b.Slot(
                    leaf.Class,
                    fun () ->
                        b.Frame(
                            1,
                            fun () ->
                                b.Frame(
                                    2,
                                    fun () ->
                                        b.Named(name, leaf.Title)
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

        let rec branchBody (branch: Branch) : unit =
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
                    b.Array(branch.Children.Length, fun () -> branch.Children |> List.iter branchSlot)
                    b.Array(branch.Leaves.Length, fun () -> branch.Leaves |> List.iter (leaf branch))

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

        and branchSlot (branch: Branch) : unit =
            match branch.Element with
            | None -> b.Slot("TBranch", fun () -> branchBody branch) |> ignore
            | Some element ->
                b.Slot(
                    "TBranchElement",
                    fun () ->
                        b.Frame(
                            (if branch.Version > 13 then 11 else 10),
                            fun () ->
                                branchBody branch
                                b.Text element.ClassName
                                b.Text ""
                                b.Text ""
                                b.I32 classChecksum
                                b.I16 classVersion
                                b.I32 element.Id
                                b.I32 element.Type
                                b.I32 element.StreamerType
                                b.I32 0
                                b.I32 0
                                b.I32 0
                        )
                )
                |> ignore

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
                        b.I32 tree.Clusters.Length

                    for _ in 1..4 do
                        b.I64 0L

                    if tree.Version >= 18 then
                        b.I64 tree.AutoFlush

                    b.I64 0L

                    if tree.Version >= 19 then
                        b.U8 1
                        tree.Clusters |> List.iter (fst >> b.I64)
                        b.U8 1
                        tree.Clusters |> List.iter (snd >> b.I64)

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
                                branchSlot branch
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

    let rec writeBaskets (branch: Branch) : unit =
        places[branch.Name] <-
            [
                for basket in branch.Baskets do
                    if basket.Embedded then
                        0L, 0
                    else
                        basketRecord file branch.Name tree.Name basket
            ]

        branch.Children |> List.iter writeBaskets

    tree.Branches |> List.iter writeBaskets

    let seek = file.Place
    let length = keyBytes wide tree.Class tree.Name "made by hand"

    let payload =
        if tree.Version < 16 then
            RootOldTrees.payload tree (fun name -> places[name])
        else
            treePayload tree length places

    let image =
        bytes (fun b -> key b wide tree.Class tree.Name "made by hand" 0 payload.Length payload.Length tree.Cycle seek)

    file.Raw image
    file.Raw payload
    image

let private directoryFields (b: Bytes) (wide: bool) (keyList: int64 * int) (seek: int64) =
    b.I16(if wide then 1005 else 5)
    b.I32 0
    b.I32 0
    b.I32(snd keyList)
    b.I32 50
    b.Seek(wide, seek)
    b.Seek(wide, 100L)
    b.Seek(wide, fst keyList)
    b.I16 1
    b.Raw(Array.zeroCreate 16)

    if not wide then
        b.Raw(Array.zeroCreate 12)

let private keyList (b: Bytes) (wide: bool) (images: byte array list) =
    let seek = b.Place
    let length = 4 + (images |> List.sumBy Array.length)
    key b wide "TFile" "test.root" "" 0 length length 1 seek
    b.I32 images.Length
    images |> List.iter b.Raw
    seek, int (b.Place - seek)

/// Where the top directory ends and the gap of a file begins.
let topEnd (wide: bool) = 100 + keyBytes wide "TFile" "test.root" "" + 11 + 68

/// The bytes of a whole file, without its gap.
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
    let infoAt = b.Position
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
    b.Gap <- file.Gap

    let objects =
        (file.Trees |> List.map (treeRecord b wide))
        @ (file.Objects |> List.map (fun write -> write b))

    let top =
        match file.Directory with
        | None -> objects
        | Some name ->
            let inner = keyList b wide objects
            let seek = b.Place
            let image = bytes (fun k -> key k wide "TDirectory" name "" 0 fieldBytes fieldBytes 1 seek)
            b.Raw image
            directoryFields b wide inner seek
            b.Raw(Array.zeroCreate 8)
            [ image ]

    let list = keyList b wide top

    if not file.Classes.IsEmpty then
        let seek = b.Place
        let payload = RootClasses.payload file.Classes
        key b wide "TList" "StreamerInfo" "" 0 payload.Length payload.Length 1 seek
        b.Raw payload
        b.PatchSeek(wide, infoAt, seek)
        b.Patch(infoAt + (if wide then 8 else 4), int (b.Place - seek))

    b.PatchSeek(wide, endAt, b.Place)
    let result = b.ToArray()
    let fields = bytes (fun d -> directoryFields d wide list 100L)
    Array.blit fields 0 result fieldsAt fields.Length
    result

/// Opens bytes as a file for the time of a function.
let openWith
    (options: Pruning.Root.Files.RootReadOptions)
    (content: byte array)
    (use': Pruning.Root.Reading.RootFile -> 'a)
    : 'a =
    let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")
    File.WriteAllBytes(path, content)

    try
        use root = Pruning.Root.Reading.RootFile.Open(path, options)
        use' root
    finally
        File.Delete path

let opened (content: byte array) (use': Pruning.Root.Reading.RootFile -> 'a) : 'a =
    openWith Pruning.Root.Files.RootReadOptions.Default content use'
