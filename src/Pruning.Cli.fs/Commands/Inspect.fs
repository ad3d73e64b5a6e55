module Pruning.Cli.Commands.Inspect

open System
open System.IO
open System.IO.Enumeration
open Argu
open Pruning.Cli
open Pruning.Data
open Pruning.Data.Root

type InspectArgument =
    | [<MainCommand>] Input of file: string list
    | [<Section "What to show">] Tree of name: string
    | Branches of pattern: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "ROOT file"
            | Tree _ -> "only this tree, with or without ;cycle, as in directory/Tracksters;1"
            | Branches _ -> "only branches whose full name matches; * and ? are wildcards (quote them)"
            | Json -> "one JSON document on stdout"

type InspectSettings =
    {
        File: string
        /// Only this tree.
        Tree: string option
        /// Only branches that match.
        Branches: string option
        Json: bool
    }

/// Pure, so that tests can ask it.
let settingsOf (arguments: InspectArgument list) : InspectSettings =
    let files =
        arguments
        |> List.collect (function
            | Input files -> files
            | _ -> [])

    let start =
        match files with
        | [ file ] ->
            {
                File = file
                Tree = None
                Branches = None
                Json = false
            }
        | [] -> raise (UsageException "no file: give one ROOT file.")
        | _ :: extra :: _ -> raise (UsageException $"inspect takes one file at a time; found also '{extra}'.")

    let apply settings argument =
        match argument with
        | Input _ -> settings
        | Tree name -> { settings with Tree = Some name }
        | Branches pattern ->
            { settings with
                Branches = Some pattern
            }
        | Json -> { settings with Json = true }

    List.fold apply start arguments

/// A branch as it is shown.
type BranchView =
    {
        name: string
        ``type``: string
        entries: int64
        baskets: int64
        stored_bytes: int64
        uncompressed_bytes: int64
        compression: string
        /// Why its values cannot be read, if they cannot.
        unsupported: string option
    }

type TreeView =
    {
        path: string
        cycle: int
        title: string
        entries: int64
        stored_bytes: int64
        uncompressed_bytes: int64
        branches: BranchView list
    }

let private branchView (branch: RootBranch) : BranchView =
    // A damaged basket must not hide the other branches: those are what the user came to see.
    let compression, damage =
        try
            branch.Compression, None
        with :? DataException as error ->
            "unknown", Some error.Message

    {
        name = branch.Name
        ``type`` = branch.TypeName
        entries = branch.EntryCount
        baskets = branch.BasketCount
        stored_bytes = branch.StoredBytes
        uncompressed_bytes = branch.UncompressedBytes
        compression = compression
        unsupported = damage |> Option.orElse (Option.ofObj branch.Unsupported)
    }

let private treeView (pattern: string option) (path: string) (tree: RootTree) : TreeView =
    let matches (branch: RootBranch) =
        match pattern with
        | None -> true
        | Some pattern -> FileSystemName.MatchesSimpleExpression(pattern, branch.Name, ignoreCase = false)

    {
        path = path
        cycle = tree.Cycle
        title = tree.Title
        entries = tree.EntryCount
        stored_bytes = tree.Branches |> Seq.sumBy _.StoredBytes
        uncompressed_bytes = tree.Branches |> Seq.sumBy _.UncompressedBytes
        branches = tree.Branches |> Seq.filter matches |> Seq.map branchView |> List.ofSeq
    }

/// 62400 is ROOT 6.24/00; a million more means 64-bit offsets.
let private rootVersion (version: int) =
    let version = version % 1_000_000
    $"ROOT {version / 10_000}.{version / 100 % 100:D2}/{version % 100:D2}"

let private ratio (uncompressed: int64) (stored: int64) =
    if stored > 0L then
        (float uncompressed / float stored).ToString("0.00", Globalization.CultureInfo.InvariantCulture)
    else
        "-"

let private showTree (terminal: Terminal) (tree: TreeView) =
    let title = if tree.title = "" || tree.title = tree.path then "" else $" \"{tree.title}\""
    Terminal.print terminal ""

    Terminal.print
        terminal
        $"{tree.path};{tree.cycle}{title}: {Say.count tree.entries} entries, {Say.bytes tree.stored_bytes} stored, {Say.bytes tree.uncompressed_bytes} decompressed (x {ratio tree.uncompressed_bytes tree.stored_bytes})"

    // The column of remarks only where there is something to remark.
    let remarks = tree.branches |> List.exists _.unsupported.IsSome

    if not tree.branches.IsEmpty then
        Terminal.table
            terminal
            [
                "branch", false
                "type", false
                "entries", true
                "baskets", true
                "stored", true
                "ratio", true
                "compression", false
                if remarks then
                    "remark", false
            ]
            [
                for branch in tree.branches ->
                    [
                        branch.name
                        branch.``type``
                        Say.count branch.entries
                        Say.count branch.baskets
                        Say.bytes branch.stored_bytes
                        ratio branch.uncompressed_bytes branch.stored_bytes
                        branch.compression
                        if remarks then
                            match branch.unsupported with
                            | Some reason -> "not readable: " + reason
                            | None -> ""
                    ]
            ]

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

let private run (terminal: Terminal) (arguments: InspectArgument list) : int =
    let settings = settingsOf arguments
    use file = RootFile.Open settings.File
    let entries = List.ofSeq (file.List())

    let trees =
        match settings.Tree with
        | Some name ->
            let tree = file.Tree name
            [ treeView settings.Branches tree.Path tree ]
        | None ->
            [
                for entry in entries do
                    if entry.IsTree then
                        try
                            treeView settings.Branches entry.Path (file.Tree $"{entry.Path};{entry.Cycle}")
                        with :? DataException as error ->
                            Terminal.warn terminal error.Message
            ]

    if settings.Branches.IsSome && trees |> List.forall _.branches.IsEmpty then
        Terminal.warn terminal $"no branch matches '{settings.Branches.Value}'."

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
                trees = trees
            |}
    else
        if settings.Tree.IsNone then
            Terminal.print
                terminal
                $"{Path.GetFileName file.Path}: {Say.bytes file.Length}, written by {rootVersion file.Version}"

            showKeys terminal entries

        trees |> List.iter (showTree terminal)

    ExitCode.ok

let command: Command =
    Command.create<InspectArgument>
        {
            Verb = "inspect"
            Summary = "what is in a ROOT file: keys, trees, branches, types, sizes, compression"
            Synopsis = "FILE [--tree NAME] [--branches PATTERN] [--json]"
            Explanation =
                "Lists the objects of a ROOT file and, for every tree, its branches with C++ type, entries, baskets, size on disk, compression ratio and codec. Nothing but the descriptions and the first bytes of some baskets is read, so it is quick on files of any size."
            Examples =
                [
                    "inspect samples/tracksters.root", "everything"
                    "inspect data.root --tree Tracksters --branches 'pos_*'", "the position branches of one tree"
                    "inspect data.root --json | jq '.trees[].entries'", "for scripts"
                ]
        }
        run
