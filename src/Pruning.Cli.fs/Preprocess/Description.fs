/// preprocess --describe: what files are, what can be made of them, what is missing.
module Pruning.Cli.Preprocess.Description

open Pruning.Cli.Framework
open Pruning.Data.Ticl
open Pruning.Data.Tracksters

let private sentences (terminal: Terminal) (heading: string) (lines: string seq) =
    if not (Seq.isEmpty lines) then
        Terminal.print terminal $"  {heading}"

        for line in lines do
            Terminal.print terminal $"    {line}"

let private print (terminal: Terminal) (one: TiclDescription) =
    Terminal.print terminal $"{one.File}: {one.Title} ({one.Format})"

    if one.Entries.HasValue then
        Terminal.print terminal $"  entries: {Say.count one.Entries.Value}"

    match one.Fingerprint with
    | null -> ()
    | fingerprint -> Terminal.print terminal $"  fingerprint: {fingerprint}"

    sentences terminal "can be made of it:" one.Makes
    sentences terminal "missing:" one.Missing
    sentences terminal "known to be wrong:" one.Warnings

/// Describes every file, in order.
let run (terminal: Terminal) (json: bool) (files: string list) : unit =
    let found =
        InputFiles.Expand(List.toArray files)
        |> Seq.map TiclDescription.Of
        |> List.ofSeq

    if json then
        Terminal.json
            terminal
            [
                for one in found ->
                    {|
                        file = one.File
                        format = one.Format
                        title = one.Title
                        fingerprint = one.Fingerprint
                        entries = one.Entries
                        collections = one.Collections
                        makes = one.Makes
                        missing = one.Missing
                        known_wrong = one.Warnings
                    |}
            ]
    else
        for one in found do
            print terminal one
