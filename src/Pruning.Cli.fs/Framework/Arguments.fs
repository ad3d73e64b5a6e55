namespace Pruning.Cli.Framework

open System
open System.Text
open Argu

/// Starts a new heading of the help text at this option.
[<AttributeUsage(AttributeTargets.Property)>]
type SectionAttribute(title: string) =
    inherit Attribute()
    member _.Title = title

/// What a verb says about itself.
type VerbHelp =
    {
        /// The verb as it is typed.
        Verb: string
        /// One line: what it does.
        Summary: string
        /// How its positional arguments go, after the verb.
        Synopsis: string
        /// A few lines for a physicist who has not seen the program before.
        Explanation: string
        /// Command line (without the program's name) and what it is good for.
        Examples: (string * string) list
    }

/// Argu's parser of a union, made once: it walks all cases by reflection.
type private ParserOf<'T when 'T :> IArgParserTemplate> private () =

    // The structure check walks every case again at each start; a test does it instead.
    static member val Parser: ArgumentParser<'T> =
        ArgumentParser.Create<'T>(
            programName = "graph-pruning",
            errorHandler = ExceptionExiter(),
            checkStructure = false
        )

/// From a verb's words to the cases of its Argu union. Argu finds the options; spelling variants, unknown names and
/// missing values are settled before it looks, so that every complaint names the option and says what to do.
[<RequireQualifiedAccess>]
module Arguments =

    /// The name under which users know the program.
    let program = "graph-pruning"

    let private width = 100

    type private Option =
        {
            /// Canonical name first.
            Names: string list
            /// Names of the values that follow; none for a flag.
            Values: string list
            Positional: bool
            Section: string option
            Description: string
        }

    let private optionOf (case: ArgumentCaseInfo) =
        let attribute = case.UnionCaseInfo.GetCustomAttributes typeof<SectionAttribute> |> Array.tryHead

        {
            Names = if case.IsMainCommand then [] else case.CommandLineNames.Value
            Values = [ for field in case.UnionCaseInfo.GetFields() -> field.Name ]
            Positional = case.IsMainCommand
            Section = attribute |> Option.map (fun found -> (found :?> SectionAttribute).Title)
            Description = case.Description.Value
        }

    let private parserOf<'T when 'T :> IArgParserTemplate> () : ArgumentParser<'T> = ParserOf<'T>.Parser

    let private optionsOf (parser: ArgumentParser<'T>) =
        parser.GetArgumentCases()
        |> List.filter (fun case -> not case.IsHidden.Value)
        |> List.map optionOf

    /// `--Batch_size` and `--batch-size` are one option.
    let private canonical (name: string) = name.Replace('_', '-').ToLowerInvariant()

    /// An option begins with a dash and a letter: `-1` and `-` are values.
    let private isOption (word: string) =
        word.StartsWith "--" && word.Length > 2
        || word.Length = 2 && word[0] = '-' && Char.IsLetter word[1]

    /// Splits `--name=value`, writes names as Argu knows them, and refuses names that nobody knows, values that a
    /// flag does not take, and options whose value is missing. Everything after `--` is positional.
    let private normalise (options: Option list) (words: string list) : string list =
        let known =
            options
            |> List.collect (fun option -> option.Names |> List.map (fun name -> name, option))
            |> Map.ofList

        let unknown (word: string) =
            let names =
                known
                |> Map.toSeq
                |> Seq.map fst
                |> Seq.filter (fun name -> name.StartsWith "--")

            match Value.nearest names (canonical word) with
            | Some near -> raise (UsageException $"unknown option {word}; did you mean {near}?")
            | None -> raise (UsageException $"unknown option {word}.")

        let rec go words positional normal =
            match words with
            | [] -> List.rev positional, List.rev normal
            | "--" :: rest -> List.rev positional @ rest, List.rev normal
            | word: string :: rest when isOption word ->
                let name, attached =
                    match word.IndexOf '=' with
                    | -1 -> word, None
                    | at -> word.Substring(0, at), Some(word.Substring(at + 1))

                match Map.tryFind (if name.StartsWith "--" then canonical name else name) known with
                | None -> unknown name
                | Some option ->
                    let head = List.head option.Names

                    match option.Values, attached, rest with
                    | [], None, _ -> go rest positional (head :: normal)
                    | [], Some value, _ -> raise (UsageException $"{head} takes no value; found '{value}'.")
                    | _, Some value, _ -> go rest positional (value :: head :: normal)
                    | _, None, value :: rest when not (isOption value) -> go rest positional (value :: head :: normal)
                    | value :: _, None, found ->
                        let found =
                            match found with
                            | next :: _ -> $"the option {next}"
                            | [] -> "nothing"

                        raise (
                            UsageException $"{head} wants a value ({value.ToUpperInvariant()}); found {found} after it."
                        )
            | word :: rest -> go rest (word :: positional) normal

        let positional, normal = go words [] []

        match positional with
        | extra :: _ when options |> List.forall (fun option -> not option.Positional) ->
            raise (UsageException $"there is nothing to do with '{extra}': this verb takes options only.")
        | _ -> positional @ normal

    /// The options of a verb by every name they have, dashes included, and whether they take a value.
    let takesValue<'T when 'T :> IArgParserTemplate> () : Map<string, bool> =
        Map
            [
                for option in optionsOf (parserOf<'T>()) do
                    for name in option.Names -> name, not option.Values.IsEmpty
            ]

    /// Parts words between a verb's own options and those of another verb, which its words may hold as they are. What is no
    /// option belongs to the other one.
    let divide (own: Map<string, bool>) (other: Map<string, bool>) (words: string list) : string list * string list =
        let rec go words mine others =
            match words with
            | [] -> List.rev mine, List.rev others
            | word: string :: rest when isOption word ->
                let name = canonical (word.Split('=')[0])

                let takes, isMine =
                    match Map.tryFind name own, Map.tryFind name other with
                    | Some takes, _ -> takes, true
                    | None, Some takes -> takes, false
                    | None, None -> false, false

                let chosen, rest =
                    match rest with
                    | value :: rest when takes && not (word.Contains '=') && not (isOption value) ->
                        [ value; word ], rest
                    | _ -> [ word ], rest

                if isMine then
                    go rest (chosen @ mine) others
                else
                    go rest mine (chosen @ others)
            | word :: rest -> go rest mine (word :: others)

        go words [] []

    /// The cases of the union in the order in which they were typed (positional ones first).
    let parse<'T when 'T :> IArgParserTemplate> (words: string list) : 'T list =
        let parser = parserOf<'T>()

        try
            parser
                .Parse(inputs = List.toArray (normalise (optionsOf parser) words), raiseOnUsage = false)
                .GetAllResults()
        with :? ArguParseException as refusal ->
            // Argu appends its own usage text after the first line.
            let sentence = refusal.Message.Split('\n')[0]
            raise (UsageException(sentence.Replace("ERROR: ", "").Trim() + "."))

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

    /// The help of one verb, as `graph-pruning VERB --help` prints it.
    let help<'T when 'T :> IArgParserTemplate> (help: VerbHelp) : string =
        let options = optionsOf (parserOf<'T>())
        let text = StringBuilder()
        let line (words: string) = text.Append(words).Append('\n') |> ignore
        line $"{program} {help.Verb}: {help.Summary}"
        line ""
        line $"Usage: {program} {help.Verb} {help.Synopsis}"
        line ""
        line (wrap 0 help.Explanation)
        let column = 30

        let shown = options |> List.filter (fun option -> not option.Positional)

        for index, option in List.indexed shown do
            match option.Section with
            | Some title ->
                line ""
                line $"{title}:"
            | None when index = 0 ->
                line ""
                line "Options:"
            | None -> ()

            let values = option.Values |> List.map (fun value -> " " + value.ToUpperInvariant())
            let left = "  " + String.Join(", ", option.Names) + String.Join("", values)

            let gap =
                if left.Length + 2 > column then
                    "\n" + String(' ', column)
                else
                    String(' ', column - left.Length)

            line (left + gap + wrap column option.Description)

        line ""
        line "Any verb:"
        line "  --help                      this text"
        line "  --verbose, --quiet          say more (stack traces too); say nothing but errors"

        if not help.Examples.IsEmpty then
            line ""
            line "Examples:"

            for command, what in help.Examples do
                line $"  {program} {command}"
                line $"      {what}"

        string text
