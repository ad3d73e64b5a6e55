namespace Pruning.Cli.Framework

open System

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

/// An option as it was given, by its canonical name.
type Word =
    {
        Name: string
        /// "true" for a flag.
        Text: string
        /// The file that says it (--config); None for the command line.
        File: string option
    }

/// The words after a verb.
type Line =
    {
        /// Those of a --config file first, then those of the command line, in the order in which they were given.
        Words: Word list
        /// Words that are no options and no values of them.
        Positional: string list
        /// The same from a --config file. The command line wins.
        InFile: string list
    }

[<RequireQualifiedAccess>]
module Line =

    /// The last text of an option, wherever it was given.
    let last (name: string) (line: Line) : string option =
        line.Words
        |> List.tryFindBack (fun word -> word.Name = name)
        |> Option.map _.Text

    /// Whether an option was given; a flag that a file sets to false was not.
    let has (name: string) (line: Line) : bool = (last name line |> Option.defaultValue "false") <> "false"

    /// The last text of an option that the user typed.
    let typed (name: string) (line: Line) : string option =
        line.Words
        |> List.tryFindBack (fun word -> word.Name = name && word.File.IsNone)
        |> Option.map _.Text

    /// The files that a verb works on.
    let files (line: Line) : string list = if line.Positional.IsEmpty then line.InFile else line.Positional

/// From the words after a verb to its options. Names may be spelt with dashes or underscores, values may stand after a
/// space or '='. Every complaint names the option and says what to do.
[<RequireQualifiedAccess>]
module Arguments =

    /// The name under which users know the program.
    let program = "graph-pruning"

    /// `--Batch_size` and `--batch-size` are one option.
    let canonical (name: string) : string = name.Replace('_', '-').ToLowerInvariant()

    /// An option begins with a dash and a letter: `-1` and `-` are values.
    let private isOption (word: string) =
        word.StartsWith "--" && word.Length > 2
        || word.Length = 2 && word[0] = '-' && Char.IsLetter word[1]

    /// Options by every name that they have.
    let byName (options: OptionInfo list) : Map<string, OptionInfo> =
        Map
            [
                for option in options do
                    for name in option.Names -> name, option
            ]

    let private unknown (known: Map<string, OptionInfo>) (word: string) : 'a =
        match Value.nearest (Map.keys known) (canonical word) with
        | Some near -> raise (UsageException $"unknown option {word}; did you mean {near}?")
        | None -> raise (UsageException $"unknown option {word}.")

    let private valueMissing (option: OptionInfo) (rest: string list) : 'a =
        let found =
            match rest with
            | next :: _ -> $"the option {next}"
            | [] -> "nothing"

        let meta = defaultArg option.Meta ""
        raise (UsageException $"{option.Name} wants a value ({meta}); found {found} after it.")

    /// Finds the options among the words: their canonical names and texts, and what is left. Everything after `--` is left.
    let private find (options: OptionInfo list) (words: string list) : Word list * string list =
        let known = byName options

        let rec go words found positional =
            match words with
            | [] -> List.rev found, List.rev positional
            | "--" :: rest -> List.rev found, List.rev positional @ rest
            | word: string :: rest when isOption word ->
                let name, attached =
                    match word.IndexOf '=' with
                    | -1 -> word, None
                    | at -> word.Substring(0, at), Some(word.Substring(at + 1))

                match Map.tryFind (canonical name) known with
                | None -> unknown known name
                | Some option ->
                    let add text =
                        {
                            Name = option.Name
                            Text = text
                            File = None
                        }
                        :: found

                    match option.Meta, attached, rest with
                    | None, None, _ -> go rest (add "true") positional
                    | None, Some value, _ -> raise (UsageException $"{option.Name} takes no value; found '{value}'.")
                    | Some _, Some value, _ -> go rest (add value) positional
                    | Some _, None, value :: rest when not (isOption value) -> go rest (add value) positional
                    | Some _, None, rest -> valueMissing option rest
            | word :: rest -> go rest found (word :: positional)

        go words [] []

    /// The options and the other words of a verb. `takesWords`: whether the verb takes words that are no options.
    let read (takesWords: bool) (options: OptionInfo list) (words: string list) : Line =
        let found, positional = find options words

        match positional with
        | extra :: _ when not takesWords ->
            raise (UsageException $"there is nothing to do with '{extra}': this verb takes options only.")
        | _ -> ()

        {
            Words = found
            Positional = positional
            InFile = []
        }

    /// The settings with everything that the options say: of several words on one option the last one counts. Options that
    /// read others are applied last.
    let apply (options: Opt<'S> list) (line: Line) (start: 'S) : 'S =
        let known = Map [ for option in options -> option.Info.Name, option ]

        line.Words
        |> List.choose (fun word -> Map.tryFind word.Name known |> Option.map (fun option -> option, word.Text))
        |> List.sortBy (fun (option, _) -> option.Rank) // stable: words of one rank keep their order
        |> List.fold (fun settings (option, text) -> option.Set text settings) start

    /// Parts words between a verb's own options and those of another verb, which its words may hold as they are. What is no
    /// option belongs to the other one.
    let divide (own: OptionInfo list) (other: OptionInfo list) (words: string list) : string list * string list =
        let own, other = byName own, byName other

        let rec go words mine others =
            match words with
            | [] -> List.rev mine, List.rev others
            | word: string :: rest when isOption word ->
                let name = canonical (word.Split('=')[0])

                let takes, isMine =
                    match Map.tryFind name own, Map.tryFind name other with
                    | Some option, _ -> option.Meta.IsSome, true
                    | None, Some option -> option.Meta.IsSome, false
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
