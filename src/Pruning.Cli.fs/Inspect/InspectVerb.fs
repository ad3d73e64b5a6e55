module Pruning.Cli.Inspect.InspectVerb

open System.IO
open Argu
open Pruning.Cli.Framework
open Pruning.Data.Errors
open Pruning.Root.Checking
open Pruning.Root.Columns
open Pruning.Root.Files
open Pruning.Root.Reading

type InspectArgument =
    | [<MainCommand>] Input of file: string list
    | [<Section "What to look at">] Tree of name: string
    | Branches of pattern: string
    | [<Section "What to do with it">] Head of n: string
    | Values
    | Check
    | Recover
    | [<Section "Output">] Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "ROOT file"
            | Tree _ -> "only this tree or RNTuple, with or without ;cycle, as in directory/Tracksters;1"
            | Branches _ -> "only branches whose full name matches; * and ? are wildcards (quote them)"
            | Head _ -> "show the values of the first N entries"
            | Values ->
                "read every leaf to its end: counts, sums and CRC-32 of its values (with --json one line a leaf)"
            | Check -> "verify every record, basket, page, checksum, offset and count; exit code 4 if anything is wrong"
            | Recover -> "read a file that was not closed or is cut short, as far as its writer had saved it"
            | Json -> "JSON on stdout"

/// What is shown of the file.
[<RequireQualifiedAccess>]
type InspectMode =
    | Overview
    | FirstEntries of count: int64
    | Values
    | Check

type InspectSettings =
    {
        File: string
        /// Only this tree.
        Tree: string option
        /// Only branches that match.
        Branches: string option
        InspectMode: InspectMode
        /// Read what is left of a file that was not closed.
        Recover: bool
        Json: bool
    }

/// Pure, so that tests can ask it.
let settingsOf (arguments: InspectArgument list) : InspectSettings =
    let files =
        arguments
        |> List.collect (function
            | Input files -> files
            | _ -> [])

    let modes =
        arguments
        |> List.choose (function
            | Head text -> Some("--head", InspectMode.FirstEntries(Value.wholeLong "--head" (1L, 1_000_000L) text))
            | Values -> Some("--values", InspectMode.Values)
            | Check -> Some("--check", InspectMode.Check)
            | _ -> None)

    let mode =
        match modes with
        | [] -> InspectMode.Overview
        | [ _, one ] -> one
        | (first, _) :: (second, _) :: _ -> raise (UsageException $"{first} and {second} cannot be combined.")

    let start =
        match files with
        | [ file ] ->
            {
                File = file
                Tree = None
                Branches = None
                InspectMode = mode
                Recover = false
                Json = false
            }
        | [] -> raise (UsageException "no file: give one ROOT file.")
        | _ :: extra :: _ -> raise (UsageException $"inspect takes one file at a time; found also '{extra}'.")

    let apply settings argument =
        match argument with
        | Input _
        | Head _
        | Values
        | Check -> settings
        | Tree name -> { settings with Tree = Some name }
        | Branches pattern ->
            { settings with
                Branches = Some pattern
            }
        | Recover -> { settings with Recover = true }
        | Json -> { settings with Json = true }

    let settings = List.fold apply start arguments

    if
        settings.InspectMode = InspectMode.Check
        && (settings.Tree.IsSome || settings.Branches.IsSome)
    then
        raise (UsageException "--check looks at the whole file: leave --tree and --branches out.")

    settings

/// 62400 is ROOT 6.24/00; a million more means 64-bit offsets.
let private rootVersion (version: int) =
    let version = version % 1_000_000
    $"ROOT {version / 10_000}.{version / 100 % 100:D2}/{version % 100:D2}"

let private showKeys (terminal: Terminal) (entries: RootEntry list) =
    Terminal.table
        terminal
        [ "key", false; "class", false; "title", false; "stored", true; "decompressed", true ]
        [
            for entry in entries ->
                [
                    $"{entry.Path};{entry.Cycle}"
                    entry.ClassName
                    entry.Title
                    Say.bytes entry.StoredBytes
                    Say.bytes entry.ObjectBytes
                ]
        ]

/// The trees and RNTuples that were asked for. One that cannot be opened is reported and does not hide the others,
/// unless it was asked for by name.
let private tables (terminal: Terminal) (settings: InspectSettings) (file: RootFile) : IRootTable list =
    let found =
        match settings.Tree with
        | Some name -> [ file.Table name ]
        | None ->
            [
                for entry in file.List() do
                    if entry.IsTree || entry.IsNtuple then
                        try
                            file.Table $"{entry.Path};{entry.Cycle}"
                        with error when DataException.Covers error ->
                            Terminal.warn terminal error.Message
            ]

    if
        settings.Branches.IsSome
        && found |> List.forall (Overview.matching settings.Branches >> List.isEmpty)
    then
        Terminal.warn terminal $"no branch matches '{settings.Branches.Value}'."

    found

let private overview (terminal: Terminal) (settings: InspectSettings) (file: RootFile) : int =
    let entries = List.ofSeq (file.List())

    let views = tables terminal settings file |> List.map (Overview.ofTable settings.Branches)

    if settings.Json then
        Terminal.json
            terminal
            {|
                file = file.Path
                bytes = file.Length
                root_version = file.Version
                keys =
                    [
                        for entry in entries ->
                            {|
                                path = entry.Path
                                cycle = entry.Cycle
                                ``class`` = entry.ClassName
                                title = entry.Title
                                object_bytes = entry.ObjectBytes
                                stored_bytes = entry.StoredBytes
                            |}
                    ]
                trees = views
            |}
    else
        if settings.Tree.IsNone then
            Terminal.print
                terminal
                $"{Path.GetFileName file.Path}: {Say.bytes file.Length}, written by {rootVersion file.Version}"

            showKeys terminal entries

        views |> List.iter (Overview.show terminal)

    ExitCode.ok

let private firstEntries (terminal: Terminal) (settings: InspectSettings) (count: int64) (file: RootFile) : int =
    for table in tables terminal settings file do
        if settings.Json then
            Terminal.json
                terminal
                {|
                    tree = $"{table.Path};{table.Cycle}"
                    entries = FirstEntries.toJson settings.Branches count table
                |}
        else
            FirstEntries.show terminal settings.Branches count table

    ExitCode.ok

let private isDamaged reading =
    match reading with
    | Damaged _ -> true
    | Read _
    | Unsupported _ -> false

let private values (terminal: Terminal) (settings: InspectSettings) (file: RootFile) : int =
    let damaged =
        [
            for table in tables terminal settings file do
                let name = $"{table.Path};{table.Cycle}"

                let readings =
                    Overview.matching settings.Branches table
                    |> Seq.collect (LeafValues.ofBranch table)
                    |> Seq.map (fun reading ->
                        // A line as soon as its leaf is read: a large file shows that it is at work.
                        if settings.Json then
                            Terminal.print terminal (LeafValues.toJson name reading)

                        reading)
                    |> List.ofSeq

                if not settings.Json then
                    LeafValues.show terminal name readings

                List.exists isDamaged readings
        ]

    if List.contains true damaged then ExitCode.data else ExitCode.ok

let private check (terminal: Terminal) (settings: InspectSettings) (file: RootFile) : int =
    let findings = List.ofSeq (file.Check())

    if settings.Json then
        Terminal.json
            terminal
            {|
                file = file.Path
                findings =
                    [
                        for finding in findings ->
                            {|
                                kind = string finding.Kind
                                problem = finding.Problem
                                tree = finding.Location.Tree
                                branch = finding.Location.Branch
                                basket = finding.Location.Basket
                                entry = finding.Location.Entry
                                ``byte`` = finding.Location.Byte
                            |}
                    ]
            |}
    else
        for finding in findings do
            Terminal.print terminal $"{finding}"

        Terminal.say
            terminal
            (match findings.Length with
             | 0 -> $"{Path.GetFileName file.Path}: nothing wrong was found."
             | 1 -> $"{Path.GetFileName file.Path}: 1 finding."
             | count -> $"{Path.GetFileName file.Path}: {count} findings.")

    if findings.IsEmpty then ExitCode.ok else ExitCode.data

let private run (terminal: Terminal) (arguments: InspectArgument list) : int =
    let settings = settingsOf arguments
    use file = RootFile.Open(settings.File, RootReadOptions(Recover = settings.Recover))

    match file.Recovery with
    | null -> ()
    | recovery -> Terminal.warn terminal $"{recovery.Reason}; {Say.count recovery.EntryCount} entries can be read."

    match settings.InspectMode with
    | InspectMode.Overview -> overview terminal settings file
    | InspectMode.FirstEntries count -> firstEntries terminal settings count file
    | InspectMode.Values -> values terminal settings file
    | InspectMode.Check -> check terminal settings file

let command: Command =
    ArguVerb.command<InspectArgument>
        {
            Verb = "inspect"
            Summary = "what is in a ROOT file: keys, trees, RNTuples, types, sizes, values; damage"
            Synopsis = "FILE [--tree NAME] [--branches PATTERN] [--head N | --values | --check]"
            Explanation =
                "Lists the objects of a ROOT file and, for every tree and RNTuple, its branches with C++ type, entries, baskets, size on \
                 disk, compression ratio and codec. That reads nothing but the descriptions and the first bytes of some baskets, so it is \
                 quick on files of any size. --head shows values, --values reads all of them and prints sums and checksums to compare with \
                 another program, --check looks for damage."
            Examples =
                [
                    "inspect samples/tracksters.root", "everything"
                    "inspect data.root --tree Tracksters --branches 'pos_*'", "the position branches of one tree"
                    "inspect data.root --tree Tracksters --head 3", "the first three tracksters"
                    "inspect data.root --check && echo intact", "is the copy whole?"
                    "inspect data.root --values --json | jq .crc32_le", "checksums, one line a leaf"
                    "inspect data.root --json | jq '.trees[].entries'", "for scripts"
                ]
        }
        run
