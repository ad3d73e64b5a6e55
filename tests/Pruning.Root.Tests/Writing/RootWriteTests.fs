/// What is written is read back, bit by bit, whichever way it was given and however many threads compressed it.
module Pruning.Tests.Data.RootWriteTests

open System
open System.IO
open Expecto
open FsCheck
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Tests.Data.WrittenColumns
open Pruning.Tests.Data.WrittenTrees

[<Tests>]
let tests =
    testList
        "writing trees"
        [
            testPropertyWithConfig
                { FsCheckConfig.defaultConfig with
                    maxTest = 40
                }
                "what is written is read back, the same bytes for every way and number of threads"
            <| fun (seed: int) ->
                let random = Random seed
                let entries = if random.Next 8 = 0 then random.Next 3 else random.Next 300
                let columns = RandomColumns.columns random entries
                let options = randomOptions random
                let pieces = List.init 3 (fun _ -> 1 + random.Next 120)
                let name = if random.Next 2 = 0 then "t" else "a/b/t"
                let one = write options ByEntry name entries columns
                let two = write (withWorkers 2 options) (InBulk pieces) name entries columns
                let four = write (withWorkers 4 options) (InBulk [ max 1 entries ]) name entries columns
                Expect.isTrue (one = two) "by entry with one thread, in pieces with two"
                Expect.isTrue (one = four) "by entry with one thread, at once with four"
                check one name entries columns

            for entries in [ 0; 1; 2; 1000 ] do
                test $"every kind of branch with {entries} entries" {
                    let columns = allKinds entries
                    let content = write (RootWriteOptions(BasketBytes = 1000)) ByEntry "t" entries columns
                    check content "t" entries columns
                }

            test "records follow each other without a gap to the end that the header says" {
                let content = write (RootWriteOptions(BasketBytes = 500)) ByEntry "d/t" 100 (allKinds 100)
                let records = RawEntries.records content
                Expect.equal (snd (List.head records)) [ "TFile"; "f.root"; "" ] "the top directory comes first"
                Expect.equal (snd (List.last records)) [ "TFile"; "f.root"; "" ] "the list of free places comes last"
                Expect.isTrue (records |> List.exists (fun (_, names) -> names[1] = "StreamerInfo")) "descriptions"
            }

            test "an entry larger than a block of compression" {
                let values = [| Array.init 5000000 (fun i -> i / 7); [||]; [| 3 |] |]

                for setting in
                    [ RootCompressionSetting.None; RootCompressionSetting.Zstd(); RootCompressionSetting.Lz4() ] do
                    let columns = [ vector "v" values ]
                    check (write (RootWriteOptions(Compression = setting)) ByEntry "t" 3 columns) "t" 3 columns
            }

            test "several trees and directories, filled in turns" {
                withDirectory (fun directory ->
                    let path = Path.Combine(directory, "f.root")
                    let names = [ "a"; "x/a"; "x/x/a"; "x/y/b"; "z" ]

                    do
                        use file =
                            RootFileWriter.Create(path, RootWriteOptions(BasketBytes = 100, ClusterBytes = 900L))

                        let trees =
                            names
                            |> List.mapi (fun i name ->
                                let tree = file.CreateTree(name, $"tree {i}")
                                tree, tree.Flat<int> "i")

                        for entry in 0..499 do
                            for k, (tree, branch) in List.indexed trees do
                                for _ in 0 .. k - 1 do
                                    branch.Set(entry * k)
                                    tree.Fill()

                        file.Close()

                    use file = RootFile.Open path

                    for k, name in List.indexed names do
                        let tree = file.Tree $"{name};1"
                        Expect.equal tree.Title $"tree {k}" "title"

                        Expect.equal
                            (tree.Read<int>("i").Values)
                            [|
                                for entry in 0..499 do
                                    yield! Array.replicate k (entry * k)
                            |]
                            name)
            }

            test "clusters are even, and known to readers" {
                let columns = [ flat "i" (Array.init 1000 id); flat "b" (Array.init 1000 byte) ]

                let content = write (RootWriteOptions(BasketBytes = 100, ClusterEntries = 64L)) ByEntry "t" 1000 columns

                RootWriter.opened content (fun file ->
                    let starts = Set.ofSeq (file.Tree("t").Branch("b").BasketStarts)
                    let all = Set.ofSeq (file.Tree("t").Branch("i").BasketStarts)

                    for cluster in 0L..64L..999L do
                        Expect.isTrue (starts.Contains cluster && all.Contains cluster) $"a basket begins at {cluster}")
            }

            test "random bytes are stored as they are, and regular ones shrink" {
                let random = Random 1
                let noise = Array.init 20000 (fun _ -> random.Next())
                let regular = Array.init 20000 (fun i -> i / 50)

                for setting in
                    [
                        RootCompressionSetting.Zlib()
                        RootCompressionSetting.Lz4()
                        RootCompressionSetting.Zstd()
                        RootCompressionSetting.Xz()
                    ] do
                    let options = RootWriteOptions(Compression = setting)
                    let size values = (write options ByEntry "t" 20000 [ flat "i" values ]).Length
                    Expect.isLessThan (size noise) 90000 "no more than the values and what every file has"
                    Expect.isLessThan (size regular) 30000 "less than the values"
                    let columns = [ flat "i" regular ]
                    let content = write options ByEntry "t" 20000 columns

                    RootWriter.opened content (fun file ->
                        Expect.equal (file.Tree("t").Branch("i").Compression) (string setting) "codec")
            }
        ]
