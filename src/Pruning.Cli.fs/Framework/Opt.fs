namespace Pruning.Cli.Framework

open System
open System.Text.Json.Nodes
open Pruning.Model.Persistence

/// Whether a run that goes on (--resume) may have another value.
[<RequireQualifiedAccess>]
type Resume =
    /// The mathematics depends on it.
    | Fixed
    /// No step depends on it.
    | MayChange
    /// The results agree up to rounding.
    | MayRound

/// What help, completions, the reference pages and the parser need to know about an option.
type OptionInfo =
    {
        /// As in --learning-rate.
        Name: string
        /// Other spellings.
        Aliases: string list
        /// Spellings of the original program.
        Originals: string list
        /// Stands for the value in help; None for a flag.
        Meta: string option
        /// Every value, where there are few.
        Choices: unit -> string list
        IsPath: bool
        Form: TomlForm
        /// Heading under which help shows the option.
        Section: string
        /// What the option does: sentences.
        Help: string
        /// What holds where nobody gives the option, as text.
        Default: string option
        /// The default in words, where no text stands for it.
        Unset: string option
        /// May be given more than once; each time adds a value.
        Repeats: bool
        /// Section and key in config.json; None where a run does not keep the value.
        Key: (string * string) option
        JsonType: string
        Resume: Resume
    }

    /// The canonical name, then the others.
    member info.Names: string list = info.Name :: info.Aliases @ info.Originals

/// An option of settings of type 'S, declared once: everything that is known about it.
[<NoEquality; NoComparison>]
type Opt<'S> =
    {
        Info: OptionInfo
        /// Options of a higher rank are applied after those of a lower one, because they read what those have set.
        Rank: int
        /// config.json is always asked for the value; without this mark a file of an older program may lack it.
        Required: bool
        /// The settings with the value of a text. Refuses what does not fit with a UsageException.
        Set: string -> 'S -> 'S
        /// The text that `Set` turns back into the value; None where no text does.
        Text: 'S -> string option
        /// False where a run does not keep the value.
        Kept: bool
        /// Fields of config.json under the option's key.
        ToJson: string -> 'S -> (string * (JsonNode | null)) list
        OfJson: string -> JsonFields -> 'S -> 'S
    }

/// How options are declared.
[<RequireQualifiedAccess>]
module Opt =

    let private keyOf (name: string) = name.TrimStart('-').Replace('-', '_')

    /// An option of any kind: its name, what it does, how the value is read from the settings and put into them.
    let ofKind (kind: Kind<'T>) (name: string) (help: string) (get: 'S -> 'T) (set: 'T -> 'S -> 'S) : Opt<'S> =
        {
            Info =
                {
                    Name = name
                    Aliases = []
                    Originals = []
                    Meta = kind.Meta
                    Choices = kind.Choices
                    IsPath = kind.IsPath
                    Form = kind.Form
                    Section = "Options"
                    Help = help
                    Default = None
                    Unset = None
                    Repeats = false
                    Key = None
                    JsonType = kind.JsonType
                    Resume = Resume.Fixed
                }
            Rank = 0
            Required = false
            Set = fun text settings -> set (kind.Parse name text) settings
            Text = get >> kind.Text
            Kept = true
            ToJson = fun key settings -> kind.ToJson key (get settings)
            OfJson = fun key fields settings -> set (kind.OfJson key fields) settings
        }

    /// Off unless it is given.
    let flag name help (get: 'S -> bool) set = ofKind Kind.flag name help get set

    /// A whole number, low and high included.
    let whole name range help (get: 'S -> int) set = ofKind (Kind.whole range) name help get set

    /// A finite number in an interval.
    let real name interval help (get: 'S -> float) set = ofKind (Kind.real interval) name help get set

    /// One of a few words.
    let choice name words help (get: 'S -> 'T) set = ofKind (Kind.choice words) name help get set

    /// A path that may be missing.
    let path name meta help (get: 'S -> string option) set = ofKind (Kind.optional (Kind.path meta)) name help get set

    /// An option that its verb reads itself, before the others: the settings say nothing about it.
    let ofVerb (kind: Kind<'T>) (name: string) (help: string) : Opt<'S> =
        { ofKind kind name help (fun _ -> invalidOp name) (fun _ settings -> settings) with
            Text = fun _ -> None
        }

    let private inform (change: OptionInfo -> OptionInfo) (option: Opt<'S>) : Opt<'S> =
        { option with
            Info = change option.Info
        }

    /// Another spelling.
    let alias (name: string) : Opt<'S> -> Opt<'S> =
        inform (fun info ->
            { info with
                Aliases = info.Aliases @ [ name ]
            })

    /// The spelling of the original program.
    let original (name: string) : Opt<'S> -> Opt<'S> =
        inform (fun info ->
            { info with
                Originals = info.Originals @ [ name ]
            })

    /// What stands for the value in help.
    let meta (word: string) : Opt<'S> -> Opt<'S> = inform (fun info -> { info with Meta = Some word })

    /// The default in words, where no text stands for it.
    let unset (words: string) : Opt<'S> -> Opt<'S> = inform (fun info -> { info with Unset = Some words })

    /// May be given more than once.
    let repeated (option: Opt<'S>) : Opt<'S> = option |> inform (fun info -> { info with Repeats = true })

    let mayChange (option: Opt<'S>) : Opt<'S> = option |> inform (fun info -> { info with Resume = Resume.MayChange })

    let mayRound (option: Opt<'S>) : Opt<'S> = option |> inform (fun info -> { info with Resume = Resume.MayRound })

    /// Applied after the others, because it reads what they have set.
    let late (option: Opt<'S>) : Opt<'S> = { option with Rank = 1 }

    /// config.json is always asked for the value: what a missing key means is the business of the kind.
    let required (option: Opt<'S>) : Opt<'S> = { option with Required = true }

    /// Kept in config.json under a key of another section, or of another name than the option's.
    let kept (section: string) (key: string) : Opt<'S> -> Opt<'S> =
        inform (fun info -> { info with Key = Some(section, key) })
        >> fun option -> { option with Kept = true }

    /// A run does not keep the value.
    let notKept (option: Opt<'S>) : Opt<'S> =
        { option with Kept = false } |> inform (fun info -> { info with Key = None })

    /// Options under a heading of help. config.json keeps their values in a section, under their names.
    let group (title: string) (section: string) (options: Opt<'S> list) : Opt<'S> list =
        [
            for option in options ->
                option
                |> inform (fun info ->
                    { info with
                        Section = title
                        Key =
                            if option.Kept then
                                info.Key |> Option.orElse (Some(section, keyOf info.Name))
                            else
                                None
                    })
        ]

    /// Options under a heading of help, whose values no run keeps.
    let section (title: string) (options: Opt<'S> list) : Opt<'S> list = options |> List.map notKept |> group title ""

    /// Options of a part of the settings as options of the whole.
    let within (get: 'S -> 'Part) (set: 'Part -> 'S -> 'S) (options: Opt<'Part> list) : Opt<'S> list =
        [
            for option in options ->
                {
                    Info = option.Info
                    Rank = option.Rank
                    Required = option.Required
                    Set = fun text settings -> set (option.Set text (get settings)) settings
                    Text = get >> option.Text
                    Kept = option.Kept
                    ToJson = fun key settings -> option.ToJson key (get settings)
                    OfJson = fun key fields settings -> set (option.OfJson key fields (get settings)) settings
                }
        ]

    /// Another help text: a verb may say more precisely what an option means there.
    let help (words: string) : Opt<'S> -> Opt<'S> = inform (fun info -> { info with Help = words })

    /// Some of the options, by name, in this order.
    let pick (names: string list) (options: Opt<'S> list) : Opt<'S> list =
        [ for name in names -> options |> List.find (fun option -> option.Info.Name = name) ]

    /// What is known about the options, with the defaults of these settings.
    let describe (standard: 'S) (options: Opt<'S> list) : OptionInfo list =
        [
            for option in options ->
                match option.Info.Unset with
                | Some _ -> option.Info
                | None ->
                    { option.Info with
                        Default = option.Text standard
                    }
        ]
