namespace Pruning.Cli.Framework

open System
open System.Globalization
open System.IO
open System.Text
open Tomlyn
open Tomlyn.Model

/// TOML files that hold options (--config FILE): keys are names of options without dashes, on their own or in tables.
[<RequireQualifiedAccess>]
module ConfigFile =

    /// The option that names such a file.
    let option = "--config"

    /// The key of the words that are no options.
    let private filesKey = "files"

    let private refuse (path: string) (reason: string) : 'a =
        raise (UsageException $"Cannot read the options in {path}: {reason}.")

    let private invariant = CultureInfo.InvariantCulture

    /// A value as it would be typed; None for what no option takes.
    let private tryText (value: obj | null) : string option =
        match value with
        | :? string as text -> Some text
        | :? bool as on -> Some(if on then "true" else "false")
        | :? int64 as n -> Some(n.ToString invariant)
        | :? float as x -> Some(Kind.number x)
        | _ -> None

    let private textOf (path: string) (key: string) (value: obj | null) : string =
        match tryText value with
        | Some text -> text
        | None -> refuse path $"'{key}' holds a value that is no text, number, true or false"

    let private textsOf (path: string) (key: string) (value: obj | null) : string list =
        match value with
        | :? TomlArray as items -> [ for item in items -> textOf path key item ]
        | value -> [ textOf path key value ]

    /// The words that one key stands for. A list means several occurrences of an option that may be repeated, else one value
    /// with commas.
    let private wordsOf (path: string) (option: OptionInfo) (key: string) (value: obj | null) : Word list =
        let texts = textsOf path key value

        let texts = if option.Repeats then texts else [ String.concat "," texts ]

        if
            option.Meta.IsNone
            && not (texts |> List.forall (fun text -> text = "true" || text = "false"))
        then
            refuse path $"'{key}' is a flag, which is true or false"

        [
            for text in texts ->
                {
                    Name = option.Name
                    Text = text
                    File = Some path
                }
        ]

    let private unknown (path: string) (known: Map<string, OptionInfo>) (key: string) : 'a =
        match Value.nearest (Map.keys known) ("--" + key) with
        | Some near ->
            let meant = near.TrimStart '-'
            refuse path $"unknown option '{key}'; did you mean '{meant}'?"
        | None -> refuse path $"unknown option '{key}'"

    let rec private entries (table: TomlTable) : (string * (obj | null)) list =
        [
            for pair in table do
                match pair.Value with
                | :? TomlTable as inner -> yield! entries inner
                | value -> pair.Key, value
        ]

    /// The options of a TOML text, and the files that it names.
    let parse (path: string) (options: OptionInfo list) (text: string) : Word list * string list =
        let known = Arguments.byName options

        let table =
            try
                nonNull (TomlSerializer.Deserialize<TomlTable>(text, (null: TomlSerializerOptions | null)))
            with :? TomlException as error ->
                let first = error.Message.Split '\n' |> Array.head
                refuse path (first.Trim().TrimEnd '.')

        let found =
            [
                for key, value in entries table do
                    if key = filesKey then
                        Choice2Of2(textsOf path key value)
                    else
                        match Map.tryFind (Arguments.canonical ("--" + key)) known with
                        | Some info when info.Name = option -> refuse path "a file cannot name another file"
                        | Some info -> Choice1Of2(wordsOf path info key value)
                        | None -> unknown path known key
            ]

        found
        |> List.collect (function
            | Choice1Of2 words -> words
            | Choice2Of2 _ -> []),
        found
        |> List.collect (function
            | Choice2Of2 files -> files
            | Choice1Of2 _ -> [])

    /// The line with the options of the file that it names, if it names one, before its own.
    let expand (options: OptionInfo list) (line: Line) : Line =
        match Line.last option line with
        | None -> line
        | Some path ->
            if not (File.Exists path) then
                refuse path "no such file. Check the path that follows --config"

            let words, files = parse path options (File.ReadAllText path)

            { line with
                Words = words @ line.Words
                InFile = files
            }

    /// A TOML string: double quotes, with what must be escaped.
    let private quoted (text: string) : string =
        let builder = StringBuilder("\"")

        for letter in text do
            match letter with
            | '"' -> builder.Append "\\\"" |> ignore
            | '\\' -> builder.Append @"\\" |> ignore
            | letter when Char.IsControl letter -> builder.Append($"\\u{int letter:X4}") |> ignore
            | letter -> builder.Append letter |> ignore

        builder.Append('"').ToString()

    let private literal (form: TomlForm) (text: string) : string =
        match form with
        | TomlForm.Text -> quoted text
        | TomlForm.Number
        | TomlForm.Flag -> text

    /// A TOML file with every option that these settings have a text for, in a table for each heading of help.
    let write (options: Opt<'S> list) (files: string list) (settings: 'S) : string =
        let text = StringBuilder()
        let line (words: string) = text.Append(words).Append('\n') |> ignore

        if not files.IsEmpty then
            let names = files |> List.map quoted |> String.concat ", "
            line $"{filesKey} = [{names}]"

        for title, options in options |> List.groupBy _.Info.Section do
            let said =
                options
                |> List.choose (fun option -> option.Text settings |> Option.map (fun text -> option.Info, text))

            if not said.IsEmpty then
                line ""
                line $"[{title.ToLowerInvariant().Replace(' ', '-')}]"

                for info, text in said do
                    line $"{info.Name.TrimStart '-'} = {literal info.Form text}"

        text.ToString()
