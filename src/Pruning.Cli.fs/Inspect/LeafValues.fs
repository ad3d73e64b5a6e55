namespace Pruning.Cli.Inspect

open System
open System.Globalization
open System.Text.Encodings.Web
open System.Text.Json
open Pruning.Cli.Framework
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Model.Persistence

/// A leaf read to its last value, or why it was not.
type LeafReading =
    | Read of ColumnSummary
    /// A type that this reader does not decode.
    | Unsupported of branch: string * field: string * reason: string
    /// Bytes that contradict themselves.
    | Damaged of branch: string * reason: string

/// What every leaf of a file holds: counts, sums and checksums, for comparison with other readers.
[<RequireQualifiedAccess>]
module LeafValues =

    /// Values of one read call: what the memory holds at a time.
    let private chunkBytes = 64L <<< 20

    /// [first, end) of each read call; one without entries for a branch without entries, which gives the columns' types.
    let private ranges (branch: IRootBranch) : (int64 * int64) list =
        let entries = branch.EntryCount
        let parts = max 1L (min entries (branch.UncompressedBytes / chunkBytes + 1L))

        let cut part =
            int64 (
                Int128.op_Implicit entries * Int128.op_Implicit (part: int64)
                / Int128.op_Implicit parts
            )

        [ for part in 0L .. parts - 1L -> cut part, cut (part + 1L) ]

    let private summarise (table: IRootTable) (branch: IRootBranch) : ColumnSummary list =
        let add (summaries: ColumnSummary list) (first: int64, last: int64) =
            let columns = Overview.readColumns table branch first last

            let summaries =
                if summaries.IsEmpty then
                    columns |> List.map (fun _ -> ColumnSummary())
                else
                    summaries

            List.iter2 (fun (summary: ColumnSummary) column -> summary.Add column) summaries columns
            summaries

        ranges branch |> List.fold add []

    /// Every leaf of a branch.
    let ofBranch (table: IRootTable) (branch: IRootBranch) : LeafReading list =
        [
            if branch.IsSupported then
                try
                    yield! summarise table branch |> List.map Read
                with :? RootFormatException as error ->
                    match error.Kind with
                    // What only a later entry shows: a class of a version that the file does not describe.
                    | RootErrorKind.UnsupportedVersion
                    | RootErrorKind.UnsupportedBranch -> Unsupported(branch.Name, "", error.Problem)
                    | _ -> Damaged(branch.Name, error.Message)

            for member' in branch.UnsupportedMembers do
                Unsupported(branch.Name, member'.Key, member'.Value)
        ]

    let private options = JsonSerializerOptions(Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    /// One line of JSON.
    let toJson (object': string) (reading: LeafReading) : string =
        let refused branch field status (reason: string) =
            Json.record
                [
                    "object", Json.text object'
                    "branch", Json.text branch
                    "field", Json.text field
                    "status", Json.text status
                    "reason", Json.text reason
                ]

        let record =
            match reading with
            | Unsupported(branch, field, reason) -> refused branch field "unsupported" reason
            | Damaged(branch, reason) -> refused branch "" "damaged" reason
            | Read summary ->
                Json.record
                    [
                        "object", Json.text object'
                        "branch", Json.text summary.Branch
                        "field", Json.text summary.Field
                        "kind", Json.text summary.Kind
                        "entries", Json.integer summary.EntryCount
                        "nvalues", Json.integer summary.ValueCount
                        "level_counts", Json.list [ for count in summary.LevelCounts -> Json.integer count ]
                        match Option.ofNullable summary.CharacterCount with
                        | Some characters -> "total_chars", Json.integer characters
                        | None ->
                            "sum", Json.number summary.Sum
                            "nonfinite", Json.integer summary.NonFiniteCount

                            match Option.ofNullable summary.IntegerSum with
                            | Some sum -> "isum", Json.text (sum.ToString CultureInfo.InvariantCulture)
                            | None -> ()
                        "crc32_le", Json.integer (int64 summary.Checksum)
                    ]

        record.ToJsonString options

    let private cells (reading: LeafReading) : string list =
        let name branch field = if field = "" then branch else $"{branch} {field}"

        match reading with
        | Unsupported(branch, field, reason) -> [ name branch field; ""; ""; ""; ""; ""; "not readable: " + reason ]
        | Damaged(branch, reason) -> [ branch; ""; ""; ""; ""; ""; "damaged: " + reason ]
        | Read summary ->
            let sum =
                match Option.ofNullable summary.IntegerSum, Option.ofNullable summary.CharacterCount with
                | Some sum, _ -> sum.ToString CultureInfo.InvariantCulture
                | None, Some characters -> $"{characters} characters"
                | None, None -> summary.Sum.ToString("R", CultureInfo.InvariantCulture)

            [
                name summary.Branch summary.Field
                summary.Kind
                summary.LevelCounts |> Seq.map Say.count |> String.concat " > "
                Say.count summary.ValueCount
                sum
                summary.Checksum.ToString("x8", CultureInfo.InvariantCulture)
                ""
            ]

    /// The leaves of one tree or RNTuple as a table.
    let show (terminal: Terminal) (object': string) (readings: LeafReading list) : unit =
        Terminal.print terminal ""
        Terminal.print terminal object'

        let remarks =
            readings
            |> List.exists (function
                | Read _ -> false
                | Unsupported _
                | Damaged _ -> true)

        let shown cells = if remarks then cells else List.take (List.length cells - 1) cells

        Terminal.table
            terminal
            (shown
                [
                    "leaf", false
                    "kind", false
                    "entries > lists", true
                    "values", true
                    "sum", true
                    "crc-32", false
                    "remark", false
                ])
            [ for reading in readings -> shown (cells reading) ]
