namespace Pruning.Cli.Framework

/// A verb in action.
[<NoEquality; NoComparison>]
type Command =
    {
        Name: string
        /// One line for the overview.
        Summary: string
        /// The verb's full help. Touches Argu, but no file and no libtorch.
        Help: unit -> string
        /// From the words after the verb to an exit code.
        Run: Terminal -> string list -> int
    }

[<RequireQualifiedAccess>]
module Command =

    /// A verb whose words are the cases of the Argu union 'T.
    let create<'T when 'T :> Argu.IArgParserTemplate> (help: VerbHelp) (run: Terminal -> 'T list -> int) : Command =
        {
            Name = help.Verb
            Summary = help.Summary
            Help = fun () -> Arguments.help<'T> help
            Run = fun terminal words -> run terminal (Arguments.parse<'T> words)
        }
