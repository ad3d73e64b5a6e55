namespace Pruning.Cli.Inspect

open System
open System.Globalization
open System.Text
open System.Text.Json.Nodes
open Pruning.Cli.Framework
open Pruning.Root.Columns
open Pruning.Model.Persistence

/// The values of the first entries, entry after entry.
[<RequireQualifiedAccess>]
module FirstEntries =

    /// Values of an entry that are shown before the rest is counted.
    let private most = 12

    // JSON has no NaN; a reader of data wants to see which it is.
    let private real (text: string) (isFinite: bool) (value: JsonNode | null) =
        if isFinite then value else Json.text text

    let private scalar (value: objnull) : JsonNode | null =
        match value with
        | :? string as text -> Json.text text
        | :? bool as flag -> Json.flag flag
        | :? float32 as x -> real (x.ToString CultureInfo.InvariantCulture) (Single.IsFinite x) (JsonValue.Create x)
        | :? float as x -> real (x.ToString CultureInfo.InvariantCulture) (Double.IsFinite x) (JsonValue.Create x)
        | :? uint64 as n -> JsonValue.Create n
        | other -> Json.integer (Convert.ToInt64(other, CultureInfo.InvariantCulture))

    /// A column's values of one entry, as nested JSON.
    let private valueOf (column: RootColumn) (entry: int64) : JsonNode | null =
        let levels = column.Levels

        let rec item level index : JsonNode | null =
            if level = levels.Count then
                scalar (column.ValueAt index)
            else
                let offsets = levels[level]
                Json.list [ for inner in offsets[int index] .. offsets[int index + 1] - 1L -> item (level + 1) inner ]

        item 0 entry

    let rec private write (text: StringBuilder) (node: JsonNode | null) : unit =
        match node with
        | :? JsonArray as items ->
            text.Append '[' |> ignore

            for index in 0 .. min most items.Count - 1 do
                if index > 0 then
                    text.Append ", " |> ignore

                write text items[index]

            if items.Count > most then
                text.Append $", ... {items.Count} values" |> ignore

            text.Append ']' |> ignore
        | null -> text.Append "null" |> ignore
        | node -> text.Append(node.ToJsonString()) |> ignore

    let private shortened (node: JsonNode | null) : string =
        let text = StringBuilder()
        write text node
        string text

    let private nameOf (column: RootColumn) =
        if column.Field = "" then column.Branch else $"{column.Branch} {column.Field}"

    /// Columns of the first entries of the branches that match; what cannot be read is left out.
    let private columns (pattern: string option) (count: int64) (table: IRootTable) : RootColumn list =
        [
            for branch in Overview.matching pattern table do
                if branch.IsSupported then
                    yield! Overview.readColumns table branch 0L (min count branch.EntryCount)
        ]

    /// Entry after entry with a line a leaf, long lists cut short.
    let show (terminal: Terminal) (pattern: string option) (count: int64) (table: IRootTable) : unit =
        let columns = columns pattern count table
        let width = columns |> List.fold (fun width column -> max width (nameOf column).Length) 0

        for entry in 0L .. min count table.EntryCount - 1L do
            Terminal.print terminal ""
            Terminal.print terminal $"{table.Path};{table.Cycle}, entry {entry}"

            for column in columns do
                if entry < column.EntryCount then
                    Terminal.print terminal $"  {(nameOf column).PadRight width}  {shortened (valueOf column entry)}"

    /// The same as JSON, whole: one object an entry.
    let toJson (pattern: string option) (count: int64) (table: IRootTable) : JsonNode | null =
        let columns = columns pattern count table

        Json.list
            [
                for entry in 0L .. min count table.EntryCount - 1L ->
                    Json.record
                        [
                            for column in columns do
                                if entry < column.EntryCount then
                                    nameOf column, valueOf column entry
                        ]
            ]
