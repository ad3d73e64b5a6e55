namespace Pruning.Cli.Framework

open System
open System.Globalization
open System.IO
open Pruning.Model.Persistence

/// Files that are the answer of a verb.
[<RequireQualifiedAccess>]
module Output =

    /// Writes bytes, with the directories above them. The file appears whole or not at all.
    let writeBytes (path: string) (bytes: byte[]) : unit =
        AtomicFile.write (Path.GetFullPath path) (fun stream -> stream.Write(ReadOnlySpan bytes))

    /// The same with a text as UTF-8.
    let writeText (path: string) (text: string) : unit = AtomicFile.writeText (Path.GetFullPath path) text

/// Tables for spreadsheets and pandas (RFC 4180): a header, commas, every digit.
[<RequireQualifiedAccess>]
module Csv =

    /// A number with every digit; what is undefined is an empty cell.
    let number (x: float) : string = if Double.IsNaN x then "" else x.ToString("R", CultureInfo.InvariantCulture)

    /// Quotes where a comma, a quote or a line break would end the cell. A spreadsheet takes a cell that begins with = or @
    /// for a formula: file names that do get an apostrophe before them.
    let cell (text: string) : string =
        let safe =
            match Seq.tryHead text with
            | Some('=' | '@' | '\t') -> "'" + text
            | _ -> text

        if safe.IndexOfAny [| ','; '"'; '\n'; '\r' |] >= 0 then
            "\"" + safe.Replace("\"", "\"\"") + "\""
        else
            safe

    /// Writes a table; the file appears whole or not at all.
    let write (path: string) (header: string list) (rows: string list seq) : unit =
        use text = new StringWriter(NewLine = "\n")
        let line (cells: string list) = text.WriteLine(String.Join(",", cells |> List.map cell))
        line header
        rows |> Seq.iter line
        Output.writeText path (string text)
