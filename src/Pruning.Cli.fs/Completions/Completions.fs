namespace Pruning.Cli.Completions

open System
open Pruning.Cli.Framework

/// Scripts that teach a shell the verbs and their options.
[<RequireQualifiedAccess>]
module Completions =

    let private program = Arguments.program

    /// Every name but those of the original: a shell completes with dashes.
    let private namesOf (verb: Command) : string list =
        [
            for option in verb.Options() do
                option.Name
                yield! option.Aliases
            "--help"
            "--verbose"
            "--quiet"
        ]

    /// The values of the options that have few, by every name of the option.
    let private valuesOf (verb: Command) : (string list * string list) list =
        [
            for option in verb.Options() do
                match option.Choices() with
                | [] -> ()
                | words when option.Meta.IsSome -> option.Names, words
                | _ -> ()
        ]

    let private spaced (words: string list) = String.Join(" ", words)

    let bash (verbs: Command list) : string =
        let lines =
            [
                $"# bash: source <({program} completions bash)"
                "_graph_pruning() {"
                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}"
                "    COMPREPLY=()"
                "    if [ \"$COMP_CWORD\" -eq 1 ]; then"
                $"        COMPREPLY=($(compgen -W \"{spaced (verbs |> List.map _.Name)}\" -- \"$word\"))"
                "        return"
                "    fi"
                "    case \"$verb $before\" in"
                for verb in verbs do
                    for names, words in valuesOf verb do
                        let patterns = String.Join(" | ", [ for name in names -> $"\"{verb.Name} {name}\"" ])
                        $"        {patterns}) COMPREPLY=($(compgen -W \"{spaced words}\" -- \"$word\")); return ;;"
                "    esac"
                "    case \"$word\" in"
                "        -*) ;;"
                "        *) COMPREPLY=($(compgen -f -- \"$word\")); return ;;"
                "    esac"
                "    case \"$verb\" in"
                for verb in verbs do
                    $"        {verb.Name}) COMPREPLY=($(compgen -W \"{spaced (namesOf verb)}\" -- \"$word\")) ;;"
                "    esac"
                "}"
                $"complete -o filenames -F _graph_pruning {program}"
            ]

        String.Join("\n", lines) + "\n"

    /// zsh runs the functions of bash.
    let zsh (verbs: Command list) : string =
        $"# zsh: source <({program} completions zsh)\n"
        + "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
        + bash verbs

    let private quoted (text: string) = "'" + text.Replace("\\", "\\\\").Replace("'", "\\'") + "'"

    /// The first sentence of a help text.
    let private short (help: string) : string =
        match help.IndexOf ". " with
        | -1 -> help
        | at -> help.Substring(0, at + 1)

    let fish (verbs: Command list) : string =
        let lines =
            [
                $"# fish: {program} completions fish | source"
                for verb in verbs do
                    $"complete -c {program} -n __fish_use_subcommand -f -a {verb.Name} -d {quoted verb.Summary}"

                    for option in verb.Options() do
                        let condition = $"-n '__fish_seen_subcommand_from {verb.Name}'"
                        let name = option.Name.TrimStart '-'
                        let about = quoted (short option.Help)

                        let value =
                            match option.Meta, option.Choices() with
                            | None, _ -> ""
                            | Some _, [] -> if option.IsPath then " -r" else " -x"
                            | Some _, words -> $" -x -a {quoted (spaced words)}"

                        $"complete -c {program} {condition} -l {name}{value} -d {about}"
            ]

        String.Join("\n", lines) + "\n"

    let shells: (string * (Command list -> string)) list = [ "bash", bash; "zsh", zsh; "fish", fish ]

    /// `graph-pruning completions SHELL`, for the verbs of a list that is made later.
    let command (verbs: unit -> Command list) : Command =
        let run (terminal: Terminal) (words: string list) =
            match (Arguments.read true [] words).Positional with
            | [ shell ] ->
                let write = Value.choice "completions" shells shell
                terminal.Data.Write(write (verbs ()))
                ExitCode.ok
            | _ -> raise (UsageException "completions wants the name of a shell: bash, zsh or fish.")

        Command.create
            (fun () -> [])
            {
                Verb = "completions"
                Summary = "print a script that lets a shell complete verbs and options"
                Synopsis = "bash | zsh | fish"
                Explanation = "Prints the script to stdout. Source it in the start-up file of the shell."
                Examples =
                    [
                        "completions bash > ~/.graph-pruning.bash", "then source that file in ~/.bashrc"
                        "completions fish | source", "for this session of fish"
                    ]
            }
            run
