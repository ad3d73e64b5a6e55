/// Public RNTuples of several ROOT versions, against what uproot reads from them.
module Pruning.Tests.Data.NtupleCorpusTests

open System
open System.Collections.Generic
open System.IO
open System.IO.Compression
open System.IO.Hashing
open System.Text.Json
open Expecto
open Pruning.Root.Reading

/// What uproot says of one leaf.
type private Leaf =
    {
        File: string
        Object: string
        Field: string
        Member: string
        Kind: string
        LevelCounts: int64 list
        Values: int64
        /// CRC-32 of the values; of texts, their bytes.
        Content: int64
    }

let private expected () : Leaf list =
    [
        use lines =
            new StreamReader(
                new GZipStream(
                    File.OpenRead(Path.Combine(RootCorpusTests.corpus, "expected.jsonl.gz")),
                    CompressionMode.Decompress
                )
            )

        while not lines.EndOfStream do
            use document = JsonDocument.Parse(nonNull (lines.ReadLine()))
            let root = document.RootElement

            let text (name: string) =
                match root.TryGetProperty name with
                | true, value -> value.ToString()
                | _ -> ""

            if text "class" = "ROOT::RNTuple" && text "status" = "ok" then
                {
                    File = text "file"
                    Object = text "object"
                    Field = text "branch"
                    Member = text "field"
                    Kind = text "kind"
                    LevelCounts = [ for count in root.GetProperty("level_counts").EnumerateArray() -> count.GetInt64() ]
                    Values = root.GetProperty("nvalues").GetInt64()
                    Content = root.GetProperty(if text "kind" = "string" then "total_chars" else "crc32_le").GetInt64()
                }
    ]

[<Tests>]
let tests =
    testList
        "RNTuple corpus"
        [
            test "every leaf has the levels, values and checksum that uproot finds" {
                if not (Directory.Exists RootCorpusTests.corpus) then
                    skiptest $"there is no corpus at {RootCorpusTests.corpus}; set PRUNING_ROOT_CORPUS to its directory"

                let wrong = List<string>()
                let mutable agree = 0

                for file, ofFile in expected () |> List.groupBy _.File do
                    use root = RootFile.Open(Path.Combine(RootCorpusTests.corpus, file))

                    for (object', field), leaves in ofFile |> List.groupBy (fun leaf -> leaf.Object, leaf.Field) do
                        let columns = root.Ntuple(object').ReadColumns field

                        for leaf in leaves do
                            match columns |> Seq.tryFind (fun column -> column.Field = leaf.Member) with
                            | None -> wrong.Add $"{file} {field} {leaf.Member}: not there"
                            | Some column ->
                                let content =
                                    if leaf.Kind = "string" then
                                        int64 column.ValueBytes.Length
                                    else
                                        int64 (Crc32.HashToUInt32 column.ValueBytes)

                                if
                                    (List.ofSeq column.LevelCounts, column.ValueCount, content) =
                                        (leaf.LevelCounts, leaf.Values, leaf.Content)
                                then
                                    agree <- agree + 1
                                else
                                    wrong.Add $"{file} {field} {leaf.Member}: {column.LevelCounts}, {content}"

                Expect.isEmpty wrong "leaves that disagree"
                Expect.isGreaterThanOrEqual agree 1394 "leaves that agree"
            }
        ]
