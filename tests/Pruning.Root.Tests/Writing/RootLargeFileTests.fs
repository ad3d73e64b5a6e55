/// Beyond 2 GB a file has offsets of 8 bytes, part by part, as it grows over the limit.
module Pruning.Tests.Data.RootLargeFileTests

open System
open System.IO
open Expecto
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Tests.Data.WrittenTrees
open Pruning.Tests.Data.WrittenColumns

let private values = Array.init 2000 (fun i -> i * i)

[<Tests>]
let tests =
    testList
        "writing large files"
        [
            // The limit falls before, between and behind the records of a small file.
            for limit in [ 0L; 150L; 700L; 2000L; 5000L; 9000L; 100000L ] do
                test $"the limit at byte {limit}" {
                    let options =
                        RootWriteOptions(
                            LargeFileBytes = limit,
                            BasketBytes = 1000,
                            CheckpointEvery = 1500L,
                            ClusterEntries = 200L
                        )

                    let columns = [ flat "i" values ]
                    let content = write options ByEntry "a/b/t" 2000 columns
                    check content "a/b/t" 2000 columns
                    Expect.equal (content[32] = 4uy) (int64 content.Length <= limit) "the width that the header says"

                    RootWriter.openWith (RootReadOptions(Recover = true)) content[.. content.Length - 2] (fun file ->
                        Expect.equal (file.Tree("a/b/t").Read<int>("i").Values) values "recovered")
                }

            test "a file with a hole of 2.5 GB before its last entries" {
                withDirectory (fun directory ->
                    let path = Path.Combine(directory, "f.root")

                    do
                        use file = RootFileWriter.Create(path, RootWriteOptions(BasketBytes = 1000))
                        let tree = file.CreateTree "a/t"
                        let branch = tree.Flat<int> "i"

                        for i in 0..999 do
                            branch.Set values[i]
                            tree.Fill()

                        file.Checkpoint()
                        file.LeaveHole 2500000000L

                        for i in 1000..1999 do
                            branch.Set values[i]
                            tree.Fill()

                        let second = file.CreateTree "b/u"
                        second.Text("s").Set "far away"
                        second.Fill()
                        file.Close()

                    use file = RootFile.Open path
                    Expect.isGreaterThan file.Length 2500000000L "length"
                    Expect.equal (file.Tree("a/t").Read<int>("i").Values) values "values"
                    Expect.equal (file.Tree("b/u").EntryCount) 1L "the tree that is there")
            }
        ]
