/// What reading allocates besides its result: a small constant for each basket.
module Pruning.Tests.Data.RootAllocationTests

open System
open System.IO
open Expecto
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Tests.Data.WrittenTrees

let private entries = 20000

/// A file of flat numbers, two lists that share a counter, and vectors, in so many baskets a branch.
let private writeBaskets (path: string) (setting: RootCompressionSetting) (baskets: int) =
    let options =
        RootWriteOptions(
            Compression = setting,
            ClusterEntries = int64 (entries / baskets),
            BasketBytes = (8 <<< 20),
            Reproducible = true,
            Workers = 1
        )

    use file = RootFileWriter.Create(path, options)
    let tree = file.CreateTree "t"
    let group = tree.Counter "n"
    let flat, vector = tree.Flat<double> "flat", tree.Vector<float32> "vector"
    let x, y = group.Jagged<float32> "x", group.Jagged<int> "y"

    for entry in 0 .. entries - 1 do
        let count = entry % 5
        let ramp = Array.init count (fun i -> float32 (entry + i))
        flat.Set(float entry)
        vector.Set(ReadOnlySpan ramp)
        x.Set(ReadOnlySpan ramp)
        y.Set(ReadOnlySpan(Array.map int ramp))
        tree.Fill()

    file.Close()

/// Bytes that this thread allocates to open the file and to read the branches; the least of some tries, since a pool may
/// have been emptied before one of them.
let private allocated (path: string) (branches: string list) : int64 =
    let read () =
        use file = RootFile.Open(path, RootReadOptions(Workers = 1))
        (file.Tree "t").Read(branches: string list) |> ignore

    let cost () =
        let before = GC.GetAllocatedBytesForCurrentThread()
        read ()
        GC.GetAllocatedBytesForCurrentThread() - before

    read ()
    List.init 3 (fun _ -> cost ()) |> List.min

[<Tests>]
let tests =
    testList
        "ROOT allocations"
        [
            for setting in
                [
                    RootCompressionSetting.None
                    RootCompressionSetting.Zlib()
                    RootCompressionSetting.Lz4()
                    RootCompressionSetting.Zstd()
                ] do
                test $"a basket costs at most two kilobytes besides its values: {setting}" {
                    withDirectory (fun directory ->
                        let path (baskets: int) = Path.Combine(directory, $"{baskets}.root")

                        for baskets in [ 10; 100; 1000 ] do
                            writeBaskets (path baskets) setting baskets

                        for branches in [ [ "flat" ]; [ "x" ]; [ "x"; "y" ]; [ "vector" ] ] do
                            let few, some, many =
                                allocated (path 10) branches,
                                allocated (path 100) branches,
                                allocated (path 1000) branches

                            let perBasket more less count = float (more - less) / float count / float branches.Length

                            let among100, among1000 = perBasket some few 90, perBasket many some 900
                            let name = String.concat " and " branches
                            Expect.isLessThan among100 2048.0 $"bytes for each of 100 baskets of {name}"
                            Expect.isLessThan among1000 2048.0 $"bytes for each of 1000 baskets of {name}")
                }
        ]
