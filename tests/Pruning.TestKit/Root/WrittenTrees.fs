/// Trees that tests write: a file of given columns, with any options, and its comparison with them.
module Pruning.Tests.Data.WrittenTrees

open System
open System.IO
open Expecto
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Tests.Data.WrittenColumns

/// A directory for the time of a function.
let withDirectory (use': string -> 'a) : 'a =
    let path = Directory.CreateTempSubdirectory("pruning-write-").FullName

    try
        use' path
    finally
        Directory.Delete(path, true)

let private codec (random: Random) =
    match random.Next 6 with
    | 0 -> RootCompressionSetting.None
    | 1 -> RootCompressionSetting.Zlib(1 + random.Next 9)
    | 2 -> RootCompressionSetting.Lz4(1 + random.Next 9)
    | 3 -> RootCompressionSetting.Zstd(1 + random.Next 9)
    | _ -> RootCompressionSetting.Xz(1 + random.Next 9)

let randomOptions (random: Random) =
    RootWriteOptions(
        Compression = codec random,
        BasketBytes = 1 + random.Next(if random.Next 4 = 0 then 100 else 20000),
        ClusterBytes = int64 (1 + random.Next 50000),
        ClusterEntries = (if random.Next 3 = 0 then Nullable(int64 (1 + random.Next 100)) else Nullable()),
        CheckpointEvery =
            (if random.Next 3 = 0 then
                 Nullable(int64 (1 + random.Next 20000))
             else
                 Nullable()),
        Reproducible = true,
        Workers = 1
    )

/// Writes columns as one tree and gives the bytes of the file.
let write (options: RootWriteOptions) (way: Way) (name: string) (entries: int) (columns: Column list) : byte array =
    withDirectory (fun directory ->
        let path = Path.Combine(directory, "f.root")

        do
            use file = RootFileWriter.Create(path, options)
            fill way entries (file.CreateTree name) columns
            file.Close()

        Expect.equal (Directory.GetFiles directory) [| path |] "nothing but the file"
        File.ReadAllBytes path)

let withWorkers workers (options: RootWriteOptions) =
    RootWriteOptions(
        Compression = options.Compression,
        BasketBytes = options.BasketBytes,
        ClusterBytes = options.ClusterBytes,
        ClusterEntries = options.ClusterEntries,
        CheckpointEvery = options.CheckpointEvery,
        Reproducible = true,
        Workers = workers
    )

/// Compares the file with the columns: the bytes in the baskets, and what the reader gives.
let check (content: byte array) (name: string) (entries: int) (columns: Column list) =
    let short = name.Substring(name.LastIndexOf '/' + 1)

    for column in columns do
        for branch, wanted in column.Branches do
            let found = RawEntries.ofBranch content short branch
            Expect.equal found.Length entries $"entries of {branch}"
            Expect.isTrue (found = Array.truncate entries wanted) $"bytes of {branch}"

    RootWriter.opened content (fun file ->
        let tree = file.Tree name
        Expect.equal tree.EntryCount (int64 entries) "entries of the tree"

        for column in columns do
            column.Read tree entries

        for branch in tree.Branches do
            Expect.equal branch.EntryCount (int64 entries) "entries of the branch")

/// One branch of every kind and type.
let allKinds entries =
    let random = Random 5
    let noise count = Array.init count (fun _ -> random.NextSingle())
    let lists = Array.init entries (fun i -> noise (i % 4))

    [
        flat "flag" (Array.init entries (fun i -> i % 3 = 0))
        flat "b" (Array.init entries sbyte)
        flat "ub" (Array.init entries byte)
        flat "s" (Array.init entries int16)
        flat "us" (Array.init entries uint16)
        flat "i" (Array.init entries id)
        flat "ui" (Array.init entries uint32)
        flat "l" (Array.init entries (fun i -> int64 i * -1000L))
        flat "ul" (Array.init entries (fun i -> UInt64.MaxValue - uint64 i))
        flat "f" (noise entries)
        flat "d" (Array.init entries float)
        fixed' "p" [| 2; 3 |] (Array.init entries (fun i -> Array.init 6 (fun k -> float (i + k))))
        group
            "nJet"
            (lists |> Array.map _.Length)
            [
                jagged "Jet_pt" [||] lists
                jagged "Jet_id" [||] (lists |> Array.map (Array.map int64))
                jagged "Jet_x" [| 3 |] (lists |> Array.map (Array.collect (fun v -> [| v; v; v |])))
            ]
        vector "v" lists
        nested "vv" (Array.init entries (fun i -> Array.init (i % 3) (fun k -> noise (k + i % 2))))
        text "name" (Array.init entries (fun i -> if i % 5 = 0 then "" else $"entry {i}"))
        texts "names" (Array.init entries (fun i -> Array.init (i % 3) string))
    ]
