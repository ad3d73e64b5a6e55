namespace Pruning.Cli.Framework

/// A verb in action.
[<NoEquality; NoComparison>]
type Command =
    {
        About: VerbHelp
        /// Every option. A function, so that listing the verbs makes none of them.
        Options: unit -> OptionInfo list
        /// From the words after the verb to an exit code.
        Run: Terminal -> string list -> int
    }

    member command.Name: string = command.About.Verb

    /// One line for the overview.
    member command.Summary: string = command.About.Summary

    /// The verb's full help. Touches no file and no libtorch.
    member command.Help() : string = Help.ofVerb command.About (command.Options())

[<RequireQualifiedAccess>]
module Command =

    /// A verb with options of its own; `options` describes them.
    let create (options: unit -> OptionInfo list) (about: VerbHelp) (run: Terminal -> string list -> int) : Command =
        {
            About = about
            Options = options
            Run = run
        }
