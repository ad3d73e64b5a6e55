/// samples/tracksters.root against what another reader (jsroot) finds in it.
module Pruning.Tests.Data.RootSampleTests

open System
open System.IO
open System.IO.Hashing
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Reading

// CRC-32 of the values as little-endian bytes.
let private wanted =
    [
        "Tracksters", "nid", 1000L, 0x82f64196u
        "Tracksters", "id", 31680L, 0x9f973b31u
        "Tracksters", "npos_x", 1000L, 0x82f64196u
        "Tracksters", "pos_x", 31680L, 0xd9756cb7u
        "Tracksters", "npos_y", 1000L, 0x82f64196u
        "Tracksters", "pos_y", 31680L, 0xe9d7bd15u
        "Tracksters", "npos_z", 1000L, 0x82f64196u
        "Tracksters", "pos_z", 31680L, 0x748e19dbu
        "Tracksters", "nenergy", 1000L, 0x82f64196u
        "Tracksters", "energy", 31680L, 0x542620cdu
        "Tracksters", "ntime", 1000L, 0x82f64196u
        "Tracksters", "time", 31680L, 0xb1527886u
        "Tracksters", "neta", 1000L, 0x82f64196u
        "Tracksters", "eta", 31680L, 0xb46e35efu
        "Tracksters", "nphi", 1000L, 0x82f64196u
        "Tracksters", "phi", 31680L, 0xf9ec62c9u
        "Tracksters", "nisSeedCLUE3DHigh", 1000L, 0x82f64196u
        "Tracksters", "isSeedCLUE3DHigh", 31680L, 0xdee50ec6u
        "Tracksters", "nisSeedCLUE3DLow", 1000L, 0x82f64196u
        "Tracksters", "isSeedCLUE3DLow", 31680L, 0x517d29b6u
        "Tracksters", "nlabel", 1000L, 0x82f64196u
        "Tracksters", "label", 31680L, 0x1fc1eb05u
        "Edges", "norigin", 1000L, 0x90f041aeu
        "Edges", "origin", 30680L, 0xf36973c3u
        "Edges", "ntarget", 1000L, 0x90f041aeu
        "Edges", "target", 30680L, 0x2ce38128u
    ]

[<Tests>]
let tests =
    testList
        "ROOT sample"
        [
            test "every branch of the sample has the values that jsroot reads" {
                use root = RootFile.Open Pruning.Tests.Fixture.sample

                let found =
                    [
                        for name in [ "Tracksters"; "Edges;1" ] do
                            let tree = root.Tree name
                            let columns = tree.Read [| for branch in tree.Branches -> branch.Name |]

                            for column in columns.Columns do
                                tree.Name, column.Branch, column.ValueCount, Crc32.HashToUInt32 column.ValueBytes
                    ]

                Expect.equal found wanted "tree, branch, values, checksum"
            }

            test "counters and offsets of the sample agree" {
                use root = RootFile.Open Pruning.Tests.Fixture.sample
                let tree = root.Tree "Tracksters"
                let counts = tree.Read<int>("nid").Values
                let offsets = tree.Read<int>("id").Offsets
                Expect.equal (Array.pairwise offsets |> Array.map (fun (a, b) -> int (b - a))) counts "counts"
                Expect.equal tree.EntryCount 1000L "entries"
                Expect.equal (tree.Branch("energy").TypeName) "float[nenergy]" "type"
                Expect.equal (tree.Branch("energy").ElementType) (Nullable RootElementType.Float32) "element"
                Expect.stringStarts (tree.Branch("energy").Compression) "zstd" "codec"
            }

            test "one file is read by many threads at once" {
                use root = RootFile.Open Pruning.Tests.Fixture.sample
                let tree = root.Tree "Tracksters"
                let whole = tree.Read<float32>("energy").Values

                let parts =
                    Array.Parallel.init 64 (fun i ->
                        tree.ReadAs<float32>("energy", int64 (i * 15), Nullable(int64 ((i + 1) * 15))).Values)

                Expect.equal (Array.concat parts) whole[.. int (tree.Read<int>("id").Offsets[960]) - 1] "values"
            }
        ]
