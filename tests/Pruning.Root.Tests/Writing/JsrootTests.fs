/// jsroot, an independent reader, finds in our files what we put in. Needs Node and jsroot; CONTRIBUTING.md says how.
module Pruning.Tests.Data.JsrootTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json
open Expecto
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Tests.Data.WrittenTrees
open Pruning.Tests.Data.WrittenColumns

let private modules =
    match Environment.GetEnvironmentVariable "PRUNING_JSROOT" with
    | null
    | "" -> Path.Combine(Pruning.Tests.Fixture.repository, "node_modules")
    | directory -> directory

let private script = Path.Combine(Pruning.Tests.Fixture.repository, "tests", "jsroot", "read.mjs")

/// Branch, entries, values, checksum of every branch; skips the test where jsroot cannot be run.
let private read (file: string) (tree: string) : (string * int64 * int64 * uint32) list =
    if not (Directory.Exists(Path.Combine(modules, "jsroot"))) then
        skiptest $"there is no jsroot in {modules}; set PRUNING_JSROOT to a folder node_modules that has it"

    let start =
        ProcessStartInfo("node", [ script; file; tree ], RedirectStandardOutput = true, RedirectStandardError = true)

    start.Environment["NODE_MODULES"] <- modules

    use run =
        try
            nonNull (Process.Start start)
        with :? ComponentModel.Win32Exception ->
            skiptest "there is no Node (node) on the path"

    let errors = run.StandardError.ReadToEndAsync()
    let output = run.StandardOutput.ReadToEnd()
    run.WaitForExit()

    if run.ExitCode <> 0 then
        failtest $"jsroot failed: {errors.Result} {output}"

    [
        for line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries) do
            use document = JsonDocument.Parse line
            let root = document.RootElement

            nonNull (root.GetProperty("branch").GetString()),
            root.GetProperty("entries").GetInt64(),
            root.GetProperty("values").GetInt64(),
            root.GetProperty("crc").GetUInt32()
    ]

let private agreesOnNtuple
    (options: RootWriteOptions)
    (name: string)
    (entries: int)
    (fields: WrittenFields.Field list)
    =
    withDirectory (fun directory ->
        let path = Path.Combine(directory, "f.root")
        File.WriteAllBytes(path, NtupleWriteTests.writeNtuple options name [ 777 ] entries fields)

        Expect.equal
            (read path name)
            [
                for field in fields do
                    field.Name, int64 entries, field.Values, WrittenFields.checksum field
            ]
            "fields, entries, values and checksums")

/// jsroot 7.11 forgets to begin the ends of inner lists (a text is a list, too) anew with each cluster.
let private isReadOverClusters (field: WrittenFields.Field) =
    field.Levels.Length + (if field.Name.StartsWith 't' then 1 else 0) < 2

let private agrees (options: RootWriteOptions) (way: Way) (tree: string) (entries: int) =
    let columns = allKinds entries
    let content = write options way tree entries columns

    withDirectory (fun directory ->
        let path = Path.Combine(directory, "f.root")
        File.WriteAllBytes(path, content)

        Expect.equal
            (read path tree)
            [
                for column in columns do
                    for name, values, checksum in column.Sums() do
                        name, int64 entries, values, checksum
            ]
            "branches, entries, values and checksums")

[<Tests>]
let tests =
    testList
        "jsroot"
        [
            for setting in
                [
                    RootCompressionSetting.None
                    RootCompressionSetting.Zlib()
                    RootCompressionSetting.Lz4()
                    RootCompressionSetting.Zstd()
                    RootCompressionSetting.Xz()
                ] do
                test $"reads every kind of branch, 10,000 entries in many baskets, {setting}" {
                    agrees (RootWriteOptions(Compression = setting, BasketBytes = 8000)) (InBulk [ 777 ]) "t" 10000
                }

                test $"reads every type of field of an RNTuple, 10,000 entries in many pages, {setting}" {
                    NtupleWriteTests.allFields 10000
                    |> agreesOnNtuple (RootWriteOptions(Compression = setting, BasketBytes = 8000)) "n" 10000
                }

                test $"reads an RNTuple of many clusters, {setting}" {
                    let options =
                        RootWriteOptions(
                            Compression = setting,
                            BasketBytes = 1000,
                            ClusterEntries = 300L,
                            CheckpointEvery = 1000000L
                        )

                    NtupleWriteTests.allFields 5000
                    |> List.filter isReadOverClusters
                    |> agreesOnNtuple options "a/n" 5000
                }

            test "reads an RNTuple in a file with offsets of 8 bytes" {
                NtupleWriteTests.allFields 100
                |> agreesOnNtuple (RootWriteOptions(BasketBytes = 500, LargeFileBytes = 0L)) "n" 100
            }

            test "reads trees in directories" {
                agrees (RootWriteOptions(BasketBytes = 500, ClusterEntries = 30L)) ByEntry "a/b/t" 100
            }

            test "reads files with offsets of 8 bytes" {
                agrees (RootWriteOptions(BasketBytes = 500, LargeFileBytes = 0L)) ByEntry "a/t" 100
            }

            test "reads a tree without entries" { agrees RootWriteOptions.Default ByEntry "t" 0 }
        ]
