/// Public ROOT files of many versions and writers, against what uproot reads from them.
module Pruning.Tests.Data.RootCorpusTests

open System
open System.Collections.Generic
open System.IO
open System.IO.Compression
open System.IO.Hashing
open System.Text.Json
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Root.Reading

let corpus =
    match Environment.GetEnvironmentVariable "PRUNING_ROOT_CORPUS" with
    | null
    | "" -> Path.GetFullPath(Path.Combine(Pruning.Tests.Fixture.repository, "..", "shared", "data", "root-corpus"))
    | directory -> directory

/// One column that uproot reads.
type private Leaf =
    {
        File: string
        Object: string
        Branch: string
        Field: string
        Kind: string
        /// Numbers, texts and lists of them; not what belongs to classes of users, nor maps.
        IsCore: bool
        Levels: int64 list
        Values: int64
        Crc: uint32
        Chars: int64
    }

/// Every leaf of a tree.
let private expected () : Leaf list =
    [
        use lines =
            new StreamReader(
                new GZipStream(File.OpenRead(Path.Combine(corpus, "expected.jsonl.gz")), CompressionMode.Decompress)
            )

        while not lines.EndOfStream do
            use document = JsonDocument.Parse(nonNull (lines.ReadLine()))
            let root = document.RootElement

            let text (name: string) =
                match root.TryGetProperty name with
                | true, value when value.ValueKind = JsonValueKind.String -> nonNull (value.GetString())
                | _ -> ""

            let number (name: string) =
                match root.TryGetProperty name with
                | true, value when value.ValueKind = JsonValueKind.Number -> value.GetInt64()
                | _ -> 0L

            if
                text "status" = "ok"
                && text "class" <> "ROOT::RNTuple"
                && text "kind" <> ""
                && text "kind" <> "empty"
            then
                {
                    File = text "file"
                    Object = text "object"
                    Branch = text "branch"
                    Field = text "field"
                    Kind = text "kind"
                    IsCore = not ((text "interp").Contains "Model_" || (text "interp").Contains "AsMap")
                    Levels = [ for count in root.GetProperty("level_counts").EnumerateArray() -> count.GetInt64() ]
                    Values = number "nvalues"
                    Crc = uint32 (number "crc32_le")
                    Chars = number "total_chars"
                }
    ]

// uproot forgets to turn around the bytes of these two numbers: 0x5d18f51b, a second of June 2019, becomes one of 1984.
let private isTurnedInReference (leaf: Leaf) =
    leaf.File = "uproot-issue433-splitlevel2.root"
    && leaf.Branch.EndsWith "/timeslice_start"

let private turned (bytes: byte array) = bytes |> Array.chunkBySize 4 |> Array.collect Array.rev

let private characters (texts: TextColumn) =
    Seq.sum (
        seq {
            for i in 0L .. texts.ValueCount - 1L do
                for _ in texts[i].EnumerateRunes() do
                    1L
        }
    )

let private agrees (leaf: Leaf) (column: RootColumn) =
    let values =
        match column with
        | :? TextColumn as texts -> leaf.Kind = "string" && characters texts = leaf.Chars
        | _ ->
            let bytes = column.ValueBytes.ToArray()
            let bytes = if isTurnedInReference leaf then turned bytes else bytes

            leaf.Kind <> "string"
            && (leaf.Values = 0L || Crc32.HashToUInt32 bytes = leaf.Crc)

    column.ValueCount = leaf.Values
    && List.ofSeq column.LevelCounts = leaf.Levels
    && values

/// What became of a leaf: read right, not read for a reason, or wrong.
type private Outcome =
    | Agrees
    | Unsupported of string
    | Wrong of string

let private outcomes (root: RootFile) (leaves: Leaf list) : Outcome list =
    try
        let tree = root.Tree leaves.Head.Object
        let branch = tree.Branch leaves.Head.Branch

        match branch.Unsupported with
        | null ->
            let columns = tree.ReadColumns branch.Name

            [
                for leaf in leaves ->
                    match columns |> Seq.tryFind (fun column -> column.Field = leaf.Field) with
                    | Some column when agrees leaf column -> Agrees
                    | Some column -> Wrong $"{List.ofSeq column.LevelCounts} for {leaf.Levels}, or other values"
                    | None -> Wrong $"no field '{leaf.Field}'"
            ]
        | reason -> [ for _ in leaves -> Unsupported reason ]
    with :? RootFormatException as e ->
        [ for _ in leaves -> Wrong e.Message ]

[<Tests>]
let tests =
    testList
        "ROOT corpus"
        [
            test "every branch that is read has the levels, values and checksum that uproot finds" {
                if not (Directory.Exists corpus) then
                    skiptest $"there is no corpus at {corpus}; set PRUNING_ROOT_CORPUS to its directory"

                let wrong = List<string>()
                let mutable core, agreeing, others = 0, 0, 0

                for name, leaves in expected () |> List.groupBy _.File do
                    use root = RootFile.Open(Path.Combine(corpus, name))

                    for (object', branch), fields in leaves |> List.groupBy (fun leaf -> leaf.Object, leaf.Branch) do
                        for leaf, outcome in List.zip fields (outcomes root fields) do
                            match outcome with
                            | Wrong problem -> wrong.Add $"{name} {object'} {branch} {leaf.Field}: {problem}"
                            | Agrees when leaf.IsCore -> agreeing <- agreeing + 1
                            | Agrees -> others <- others + 1
                            | Unsupported _ -> ()

                            if leaf.IsCore then
                                core <- core + 1

                Expect.isEmpty wrong "leaves that disagree"
                // All but two, lists of a class that their file does not describe.
                Expect.equal (core, agreeing) (11103, 11101) "core leaves, and those that agree"
                Expect.equal others 496 "leaves of classes and maps that agree"
            }
        ]
