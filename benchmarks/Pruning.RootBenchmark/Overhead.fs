/// What files cost besides their values: branches that nobody asks for, and baskets.
module Pruning.RootBenchmark.Overhead

open System
open System.IO
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Root.Writing.Trees
open Pruning.RootBenchmark.Clock

/// The jagged branch `x` of the sample, its counter, and so many branches of one number beside it.
let private writeWide (path: string) (others: int) (entries: int) =
    use file =
        RootFileWriter.Create(path, RootWriteOptions(Compression = RootCompressionSetting.Zstd 5, Reproducible = true))

    let sample = Sample.Sample.create entries
    let values = snd sample.Floats.Head
    let tree = file.CreateTree "Events"
    let group = tree.Counter "n"
    let x = group.Jagged<float32> "x"
    let flat = [ for i in 1..others -> tree.Flat<float32> $"b{i}" ]
    let ramp = Array.init entries (fun entry -> float32 (entry % 1000))

    tree.Append(
        [
            group.Lists(ReadOnlyMemory sample.Offsets)
            x.Values values
            for branch in flat do
                branch.Values ramp
        ]
        : BranchData list
    )

    file.Close()

let private readOne (path: string) () =
    use file = RootFile.Open(path, RootReadOptions(Workers = 1))
    (file.Tree "Events").Read<float32> "x" |> ignore

let private openOnly (path: string) () =
    use file = RootFile.Open(path, RootReadOptions(Workers = 1))
    file.Tree "Events" |> ignore

/// Opens a file of 1,000 branches and one of two, and reads the same branch of both.
let wide (directory: string) : unit =
    let path (others: int) = Path.Combine(directory, $"root-benchmark-{others}-others.root")

    printfn "| entries | MB of values | alone, us | of 1,000, us | ratio | opening alone, us | opening 1,000, us |"
    printfn "| --- | --- | --- | --- | --- | --- | --- |"

    let cost action =
        let many () =
            for _ in 1..50 do
                action ()

        (best 5 many).Wall / 50.0 * 1e6

    for entries in [ 5000; 20000; 100000 ] do
        let costs (others: int) =
            writeWide (path others) others entries
            cost (readOne (path others)), cost (openOnly (path others))

        let (one, opening), (thousand, openingThousand) = costs 0, costs 998
        let size = float (Sample.Sample.create entries).Offsets[entries] * 4e-6

        printfn
            $"| {entries} | %.1f{size} | %.0f{one} | %.0f{thousand} | %.2f{thousand / one} | %.0f{opening} | %.0f{openingThousand} |"

    for others in [ 0; 998 ] do
        File.Delete(path others)

let private allocated (action: unit -> unit) =
    action ()

    List.init 3 (fun _ ->
        let before = GC.GetAllocatedBytesForCurrentThread()
        action ()
        GC.GetAllocatedBytesForCurrentThread() - before)
    |> List.min

/// Bytes that are allocated for each basket besides the result: the same values in 1,000 baskets and in 10.
let baskets (directory: string) : unit =
    let sample = Sample.Sample.create 20000
    let path = Path.Combine(directory, "root-benchmark-baskets.root")
    printfn "| codec | one branch | eleven branches together |\n| --- | --- | --- |"

    for setting in
        [
            RootCompressionSetting.None
            RootCompressionSetting.Lz4()
            RootCompressionSetting.Zlib()
            RootCompressionSetting.Zstd 5
        ] do
        let cost (baskets: int) (names: string list) =
            let options =
                RootWriteOptions(
                    Compression = setting,
                    BasketBytes = (8 <<< 20),
                    ClusterEntries = int64 (20000 / baskets),
                    Reproducible = true
                )

            Sample.Sample.write path options 20000 sample

            allocated (fun () ->
                use file = RootFile.Open(path, RootReadOptions(Workers = 1))
                (file.Tree "Events").Read names |> ignore)

        let each (names: string list) = float (cost 1000 names - cost 10 names) / 990.0 / float names.Length

        let one, eleven = each [ "x" ], each (Sample.Sample.names sample)
        printfn $"| {setting} | %.0f{one} | %.0f{eleven} |"

    File.Delete path
