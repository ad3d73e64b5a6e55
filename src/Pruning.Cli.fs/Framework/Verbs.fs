namespace Pruning.Cli.Framework

open System
open System.Text

/// The list of verbs: what finds one by name, and what `graph-pruning --help` prints about all.
[<RequireQualifiedAccess>]
module Verbs =

    /// The verb of this name; an unknown one is a usage error that names the nearest.
    let find (verbs: Command list) (name: string) : Command =
        match verbs |> List.tryFind (fun verb -> verb.Name = name.ToLowerInvariant()) with
        | Some verb -> verb
        | None ->
            let names = verbs |> List.map _.Name

            match Value.nearest names name with
            | Some near -> raise (UsageException $"unknown verb '{name}'; did you mean {near}?")
            | None ->
                let list = String.Join(", ", names)
                raise (UsageException $"unknown verb '{name}'; the verbs are {list}.")

    /// What `graph-pruning --help` prints. It does not load Argu, so that it answers at once.
    let overview (verbs: Command list) : string =
        let text = StringBuilder()
        let line (words: string) = text.Append(words).Append('\n') |> ignore

        line
            "Prunes the layer clusters of HGCAL tracksters that do not belong to the shower, with recurrent graph networks."

        line ""
        line $"Usage: {Arguments.program} VERB ...        {Arguments.program} VERB --help tells how"
        line ""

        for verb in verbs do
            line $"  {verb.Name.PadRight 12}{verb.Summary}"

        line ""

        line
            "Data goes to stdout, talk to stderr. Exit codes: 0 ok, 1 failed run, 2 usage, 4 data, 5 device or library,"

        line "6 another rank lost, 7 checkpoint, 85 stopped by a signal and saved, 130 interrupted."

        string text
