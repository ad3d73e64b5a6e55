namespace Pruning.Cli.Reference

open System
open System.IO
open System.Text
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Persistence
open Pruning.Cli.Framework
open Pruning.Cli.Runs

/// The pages of docs/reference that the program writes about itself: verbs and options, config.json, features.
[<RequireQualifiedAccess>]
module ReferencePages =

    let private width = 120

    let private note =
        $"<!-- {Arguments.program} reference docs/reference writes this page. Edit the declarations of the options instead. -->"

    /// Lines of at most `width` columns; all but the first behind an indent.
    let private wrap (indent: int) (text: string) : string list =
        let lines = ResizeArray<string>()
        let line = StringBuilder()

        for word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries) do
            if line.Length > 0 && line.Length + 1 + word.Length > width then
                lines.Add(line.ToString())
                line.Clear().Append(' ', indent).Append(word) |> ignore
            else
                (if line.Length > 0 then line.Append ' ' else line).Append word |> ignore

        lines.Add(line.ToString())
        List.ofSeq lines

    let private page (lines: string list) : string = String.Join("\n", lines) + "\n"

    /// What stands in angle brackets or between bars would be markup.
    let private plain (text: string) : string = text.Replace("<", "&lt;").Replace("|", "\\|").Replace("*", "\\*")

    let private optionLines (option: OptionInfo) : string list =
        wrap 2 $"- `{Help.usage option}`: {plain (Help.describe option)}"

    let private capital (text: string) : string = string (Char.ToUpperInvariant text[0]) + text.Substring 1

    let private verbPage (verb: Command) : string =
        page
            [
                $"# {verb.Name}"
                ""
                note
                ""
                capital verb.Summary + "."
                ""
                "```sh"
                $"{Arguments.program} {verb.Name} {verb.About.Synopsis}"
                "```"
                ""
                yield! wrap 0 (plain verb.About.Explanation)
                for title, options in Help.sections (verb.Options()) do
                    ""
                    $"## {title}"
                    ""
                    yield! options |> List.collect optionLines
                if not verb.About.Examples.IsEmpty then
                    ""
                    "## Examples"
                    ""
                    "```sh"

                    for command, what in verb.About.Examples do
                        $"# {what}"
                        $"{Arguments.program} {command}"

                    "```"
            ]

    let private overview (verbs: Command list) : string =
        page
            [
                "# Command line"
                ""
                note
                ""
                "Every verb of the program, with a page of its options. `VERB --help` prints the same text."
                ""
                "Names of options may be spelt with dashes or underscores. Values stand after a space or `=`."
                "Of several values of one option the last one counts. Spellings of the original program stay accepted."
                ""
                "| verb | what it does |"
                "|---|---|"
                for verb in verbs do
                    $"| [{verb.Name}](command-line/{verb.Name}.md) | {plain verb.Summary} |"
                ""
                "Every verb takes `--help`, `--verbose` (say more, stack traces included) and `--quiet` (say nothing but errors)."
                "[Exit codes](exit-codes.md) explains what the program returns."
            ]

    let private resumeText (resume: Resume) : string =
        match resume with
        | Resume.Fixed -> "no"
        | Resume.MayChange -> "yes"
        | Resume.MayRound -> "yes, last digits differ"

    let private configuration () : string =
        let rows =
            [
                for option in TrainSettings.describe () do
                    match option.Key with
                    | None -> ()
                    | Some(section, key) ->
                        let standard =
                            option.Unset
                            |> Option.orElse option.Default
                            |> Option.defaultValue "none"
                            |> plain

                        section,
                        $"| `{key}` | `{option.Name}` | {option.JsonType} | {standard} | {resumeText option.Resume} |"
            ]

        page
            [
                "# Configuration"
                ""
                note
                ""
                $"Every run directory holds a `{RunConfig.fileName}` with all options of `train`. This page lists its keys."
                "The last column says whether a run that continues (`--resume`) may have another value."
                ""
                $"`version` is the version of the layout: {RunConfig.version}. Files without it have version 1 and stay readable."
                "`class_weights` holds the weights that were used, `input.files` the full paths of the files."
                ""
                "A TOML file for `train --config FILE` holds the same options under their names without dashes."
                "`train --print-config` writes one. The command line wins over the file."
                for section, rows in rows |> List.groupBy fst do
                    ""
                    $"## `{section}`"
                    ""
                    "| key | option | type | default | may change |"
                    "|---|---|---|---|---|"
                    yield! rows |> List.map snd
            ]

    let private sets =
        [
            "original", "the nine columns of the original program", NodeFeature.original
            "extended", "the original's, and what physicists look at first", NodeFeature.extended
            "oriented", "turned to phi 0 and mirrored to positive z", NodeFeature.oriented
            "physics", "oriented, and hits, densities, links and branches", NodeFeature.physics
        ]

    let private features () : string =
        let setsOf feature =
            [
                for name, _, features in sets do
                    if List.contains feature features then
                        name
            ]

        page
            [
                "# Features"
                ""
                note
                ""
                "A network reads these numbers of a layer cluster. `train --features` takes a set or names separated by commas."
                ""
                "| set | features | what it is |"
                "|---|---|---|"
                for name, what, features in sets do
                    $"| `{name}` | {features.Length} | {what} |"
                ""
                "Each entry gives the name, the unit, the meaning and the sets that hold it."
                ""
                for column in FeatureTable.all do
                    let unit = if column.Unit = "" then "" else $" ({column.Unit})"
                    let sets = String.Join(", ", setsOf column)
                    yield! wrap 2 $"- `{column.Name}`{unit}: {plain (column.Description.TrimEnd '.')}. Sets: {sets}."
            ]

    /// Every page by its path under docs/reference.
    let all (verbs: Command list) : (string * string) list =
        [
            "command-line.md", overview verbs
            for verb in verbs do
                $"command-line/{verb.Name}.md", verbPage verb
            "configuration.md", configuration ()
            "features.md", features ()
        ]

    /// `graph-pruning reference DIRECTORY`, for those who change the program: it is in no list of verbs.
    let command (verbs: unit -> Command list) : Command =
        let run (terminal: Terminal) (words: string list) =
            match (Arguments.read true [] words).Positional with
            | [ directory ] ->
                for name, text in all (verbs ()) do
                    let path = Path.Combine(directory, name)
                    Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
                    AtomicFile.writeText path text
                    Terminal.print terminal path

                ExitCode.ok
            | _ -> raise (UsageException "reference wants one directory, such as docs/reference.")

        Command.create
            (fun () -> [])
            {
                Verb = "reference"
                Summary = "write the reference pages about verbs, options, configuration and features"
                Synopsis = "DIRECTORY"
                Explanation =
                    "Writes the pages under the directory. A test checks that the pages of the repository are current."
                Examples = [ "reference docs/reference", "after a change of an option" ]
            }
            run
