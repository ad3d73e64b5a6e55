/// Public ROOT files of many versions and writers, against what uproot reads from them.
module Pruning.Tests.Data.RootCorpusTests

open System
open System.Collections.Generic
open System.IO
open System.IO.Compression
open System.IO.Hashing
open System.Text.Json
open Expecto
open Pruning.Data.Root

let corpus =
    match Environment.GetEnvironmentVariable "PRUNING_ROOT_CORPUS" with
    | null
    | "" -> Path.GetFullPath(Path.Combine(Pruning.Tests.Fixture.repository, "..", "shared", "data", "root-corpus"))
    | directory -> directory

/// Leaves that are numbers, in trees: file, tree, branch, entries, values, checksum.
let private expected () =
    [
        use lines =
            new StreamReader(
                new GZipStream(File.OpenRead(Path.Combine(corpus, "expected.jsonl.gz")), CompressionMode.Decompress)
            )

        while not lines.EndOfStream do
            use document = JsonDocument.Parse(nonNull (lines.ReadLine()))
            let root = document.RootElement
            let text (name: string) = nonNull (root.GetProperty(name).GetString())

            if
                text "status" = "ok"
                && text "class" <> "ROOT::RNTuple"
                && text "kind" <> "string"
                && text "field" = ""
            then
                let crc =
                    match root.TryGetProperty "crc32_le" with
                    | true, value -> value.GetUInt32()
                    | _ -> 0u

                text "file",
                text "object",
                text "branch",
                root.GetProperty("entries").GetInt64(),
                root.GetProperty("nvalues").GetInt64(),
                crc
    ]

[<Tests>]
let tests =
    testList
        "ROOT corpus"
        [
            test "every branch that is read has the entries, values and checksum that uproot finds" {
                if not (Directory.Exists corpus) then
                    skiptest $"there is no corpus at {corpus}; set PRUNING_ROOT_CORPUS to its directory"

                let wrong = List<string>()
                let mutable agree = 0

                for name, leaves in expected () |> List.groupBy (fun (f, _, _, _, _, _) -> f) do
                    use root = RootFile.Open(Path.Combine(corpus, name))

                    for _, object', branch, entries, values, crc in leaves do
                        try
                            let tree = root.Tree object'

                            if tree.Branch(branch).IsSupported then
                                let column = tree.Read([| branch |]).Columns[0]

                                let found =
                                    column.EntryCount,
                                    column.ValueCount,
                                    (if values = 0L then crc else Crc32.HashToUInt32 column.ValueBytes)

                                if found = (entries, values, crc) then
                                    agree <- agree + 1
                                else
                                    wrong.Add $"{name} {object'} {branch}: {found}"
                        with :? RootFormatException as e ->
                            if e.Kind <> RootErrorKind.UnsupportedVersion then
                                wrong.Add $"{name} {object'} {branch}: {e.Message}"

                Expect.isEmpty wrong "branches that disagree"
                Expect.isGreaterThanOrEqual agree 10385 "branches that agree"
            }
        ]
