namespace Pruning.Cli.Framework

open System
open Argu

/// Starts a new heading of the help text at this option.
[<AttributeUsage(AttributeTargets.Property)>]
type SectionAttribute(title: string) =
    inherit Attribute()
    member _.Title = title

/// Argu's parser of a union, made once: it walks all cases by reflection.
type private ParserOf<'T when 'T :> IArgParserTemplate> private () =

    // The structure check walks every case again at each start; a test does it instead.
    static member val Parser: ArgumentParser<'T> =
        ArgumentParser.Create<'T>(
            programName = Arguments.program,
            errorHandler = ExceptionExiter(),
            checkStructure = false
        )

/// Verbs all of whose options are their own: the cases of a union, which Argu parses. Spelling variants, unknown names and
/// missing values are settled before Argu looks, so that every verb complains in the same words.
[<RequireQualifiedAccess>]
module ArguVerb =

    let private cases<'T when 'T :> IArgParserTemplate> () =
        ParserOf<'T>.Parser.GetArgumentCases()
        |> List.filter (fun case -> not case.IsHidden.Value)

    let private infoOf (section: string) (case: ArgumentCaseInfo) : OptionInfo =
        let fields = case.UnionCaseInfo.GetFields() |> List.ofArray
        let names = case.CommandLineNames.Value

        {
            Name = List.head names
            Aliases = List.tail names
            Originals = []
            Meta =
                fields
                |> List.tryHead
                |> Option.map (fun field -> field.Name.ToUpperInvariant())
            Choices = fun () -> []
            IsPath =
                fields
                |> List.exists (fun field -> List.contains field.Name [ "file"; "path"; "directory" ])
            Form = if fields.IsEmpty then TomlForm.Flag else TomlForm.Text
            Section = section
            Help = case.Description.Value
            Default = None
            Unset = None
            Repeats = false
            Key = None
            JsonType = ""
            Resume = Resume.Fixed
        }

    let private titleOf (case: ArgumentCaseInfo) =
        case.UnionCaseInfo.GetCustomAttributes typeof<SectionAttribute>
        |> Array.tryHead
        |> Option.map (fun found -> (found :?> SectionAttribute).Title)

    /// What is known about the options of the union.
    let options<'T when 'T :> IArgParserTemplate> () : OptionInfo list =
        cases<'T>()
        |> List.filter (fun case -> not case.IsMainCommand)
        |> List.mapFold
            (fun section case ->
                let section = titleOf case |> Option.defaultValue section
                infoOf section case, section)
            "Options"
        |> fst

    /// The cases of the union in the order in which they were typed (positional ones first).
    let parse<'T when 'T :> IArgParserTemplate> (words: string list) : 'T list =
        let takesWords = cases<'T>() |> List.exists _.IsMainCommand
        let options = options<'T>()
        let line = Arguments.read takesWords options words
        let flags = set [ for option in options |> List.filter _.Meta.IsNone -> option.Name ]

        let inputs =
            line.Positional
            @ [
                for word in line.Words do
                    word.Name

                    if not (flags.Contains word.Name) then
                        word.Text
            ]

        try
            ParserOf<'T>.Parser.Parse(inputs = List.toArray inputs, raiseOnUsage = false).GetAllResults()
        with :? ArguParseException as refusal ->
            // Argu appends its own usage text after the first line.
            let sentence = refusal.Message.Split('\n')[0]
            raise (UsageException(sentence.Replace("ERROR: ", "").Trim() + "."))

    /// A verb whose words are the cases of the union.
    let command<'T when 'T :> IArgParserTemplate> (about: VerbHelp) (run: Terminal -> 'T list -> int) : Command =
        {
            About = about
            Options = options<'T>
            Run = fun terminal words -> run terminal (parse<'T> words)
        }
