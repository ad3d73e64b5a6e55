namespace Pruning.Cli.Framework

open System
open System.Text

/// Help texts, made from what is known about the options.
[<RequireQualifiedAccess>]
module Help =

    let private width = 100

    /// Breaks a text into lines that fit behind an indent.
    let private wrap (indent: int) (text: string) : string =
        let lines = StringBuilder()
        let mutable column = 0

        for word in text.Split([| ' '; '\n' |], StringSplitOptions.RemoveEmptyEntries) do
            if column > 0 && indent + column + 1 + word.Length > width then
                lines.Append('\n').Append(' ', indent) |> ignore
                column <- 0

            if column > 0 then
                lines.Append ' ' |> ignore
                column <- column + 1

            lines.Append word |> ignore
            column <- column + word.Length

        string lines

    /// "a, b or c"
    let anyOf (words: string list) : string =
        match List.rev words with
        | [] -> ""
        | [ only ] -> only
        | last :: others -> String.Join(", ", List.rev others) + " or " + last

    /// The values of an option as a sentence, unless its help has named them all.
    let values (option: OptionInfo) : string option =
        let words = option.Choices()

        if option.Meta.IsNone || words.IsEmpty || words |> List.forall option.Help.Contains then
            None
        else
            Some $"Values: {anyOf words}."

    /// "Default: 32."
    let standard (option: OptionInfo) : string option =
        match option.Meta, option.Unset, option.Default with
        | None, _, _ -> None
        | Some _, Some words, _ -> Some $"Default: {words}."
        | Some _, None, Some text -> Some $"Default: {text}."
        | Some _, None, None -> None

    /// Other names, the original's marked as such.
    let others (option: OptionInfo) : string option =
        match option.Aliases, option.Originals with
        | [], [] -> None
        | aliases, originals ->
            let also = if aliases.IsEmpty then [] else [ "Also: " + String.Join(", ", aliases) + "." ]

            let original =
                if originals.IsEmpty then
                    []
                else
                    [ "Original name: " + String.Join(", ", originals) + "." ]

            Some(String.Join(" ", also @ original))

    /// Everything about an option in sentences.
    let describe (option: OptionInfo) : string =
        [
            Some option.Help
            values option
            (if option.Repeats then Some "May be repeated." else None)
            standard option
            others option
        ]
        |> List.choose id
        |> String.concat " "

    /// "--epochs N"
    let usage (option: OptionInfo) : string =
        match option.Meta with
        | Some meta -> $"{option.Name} {meta}"
        | None -> option.Name

    /// Options by their headings, in the order in which these first appear.
    let sections (options: OptionInfo list) : (string * OptionInfo list) list = options |> List.groupBy _.Section

    /// The help of one verb, as `graph-pruning VERB --help` prints it.
    let ofVerb (help: VerbHelp) (options: OptionInfo list) : string =
        let text = StringBuilder()
        let line (words: string) = text.Append(words).Append('\n') |> ignore
        line $"{Arguments.program} {help.Verb}: {help.Summary}"
        line ""
        line $"Usage: {Arguments.program} {help.Verb} {help.Synopsis}"
        line ""
        line (wrap 0 help.Explanation)
        let column = 30

        for title, options in sections options do
            line ""
            line $"{title}:"

            for option in options do
                let left = "  " + usage option

                let gap =
                    if left.Length + 2 > column then
                        "\n" + String(' ', column)
                    else
                        String(' ', column - left.Length)

                line (left + gap + wrap column (describe option))

        line ""
        line "Any verb:"
        line "  --help                      Print this text."
        line "  --verbose, --quiet          Say more, stack traces included; say nothing but errors."

        if not help.Examples.IsEmpty then
            line ""
            line "Examples:"

            for command, what in help.Examples do
                line $"  {Arguments.program} {command}"
                line $"      {what}"

        string text
