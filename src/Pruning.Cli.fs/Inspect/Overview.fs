namespace Pruning.Cli.Inspect

open System
open System.IO.Enumeration
open Pruning.Cli.Framework
open Pruning.Data.Errors
open Pruning.Root.Columns
open Pruning.Root.Trees

/// A branch as it is shown.
type BranchView =
    {
        name: string
        ``type``: string
        entries: int64
        /// Baskets of a tree's branch, pages of an RNTuple's field.
        baskets: int64
        stored_bytes: int64
        uncompressed_bytes: int64
        compression: string
        /// Why its values cannot be read, if they cannot.
        unsupported: string option
    }

/// A tree or an RNTuple as it is shown.
type TableView =
    {
        path: string
        cycle: int
        /// "tree" or "RNTuple".
        kind: string
        title: string
        entries: int64
        stored_bytes: int64
        uncompressed_bytes: int64
        branches: BranchView list
    }

/// Names and descriptions: what `inspect` shows without reading values.
[<RequireQualifiedAccess>]
module Overview =

    /// Branches whose full name matches a pattern with * and ?; all without one.
    let matching (pattern: string option) (table: IRootTable) : IRootBranch list =
        let matches (branch: IRootBranch) =
            match pattern with
            | None -> true
            | Some pattern -> FileSystemName.MatchesSimpleExpression(pattern, branch.Name, ignoreCase = false)

        table.Branches |> Seq.filter matches |> List.ofSeq

    /// The columns of this very branch: a tree may have two of one name.
    let readColumns (table: IRootTable) (branch: IRootBranch) (first: int64) (last: int64) : RootColumn list =
        match table, branch with
        | (:? RootTree as tree), (:? RootBranch as own) -> List.ofSeq (tree.ReadColumns(own, first, last))
        | _ -> List.ofSeq (table.ReadColumns(branch.Name, first, last))

    let private branchView (branch: IRootBranch) : BranchView =
        // A damaged basket must not hide the other branches: those are what the user came to see.
        let tryRead otherwise read =
            try
                read (), None
            with error when DataException.Covers error ->
                otherwise, Some error.Message

        let compression, damage = tryRead "unknown" (fun () -> branch.Compression)
        let stored, _ = tryRead 0L (fun () -> branch.StoredBytes)
        let uncompressed, _ = tryRead 0L (fun () -> branch.UncompressedBytes)
        let pieces, _ = tryRead 0L (fun () -> branch.PieceCount)

        let refused =
            if branch.IsSupported then
                // A record can be read but for some members.
                [ for member' in branch.UnsupportedMembers -> $"{member'.Key}: {member'.Value}" ]
                |> String.concat "; "
            else
                string branch.Unsupported

        {
            name = branch.Name
            ``type`` = branch.TypeName
            entries = branch.EntryCount
            baskets = pieces
            stored_bytes = stored
            uncompressed_bytes = uncompressed
            compression = compression
            unsupported = damage |> Option.orElse (if refused = "" then None else Some refused)
        }

    /// The view of a table with the branches that match.
    let ofTable (pattern: string option) (table: IRootTable) : TableView =
        let all = table.Branches |> Seq.map branchView |> List.ofSeq
        let shown = matching pattern table |> List.map _.Name |> Set.ofList

        {
            path = table.Path
            cycle = table.Cycle
            kind = table.Kind
            title = table.Title
            entries = table.EntryCount
            stored_bytes = all |> List.sumBy _.stored_bytes
            uncompressed_bytes = all |> List.sumBy _.uncompressed_bytes
            branches = all |> List.filter (fun branch -> shown.Contains branch.name)
        }

    let private ratio (uncompressed: int64) (stored: int64) =
        if stored > 0L then
            (float uncompressed / float stored).ToString("0.00", Globalization.CultureInfo.InvariantCulture)
        else
            "-"

    /// A heading and a table of branches, as data.
    let show (terminal: Terminal) (table: TableView) : unit =
        let title =
            if table.title = "" || table.title = table.path then
                ""
            else
                $" \"{table.title}\""

        let kind = if table.kind = "tree" then "" else $" ({table.kind})"
        Terminal.print terminal ""

        Terminal.print
            terminal
            $"{table.path};{table.cycle}{kind}{title}: {Say.count table.entries} entries, {Say.bytes table.stored_bytes} stored, \
             {Say.bytes table.uncompressed_bytes} decompressed (x {ratio table.uncompressed_bytes table.stored_bytes})"

        // The column of remarks only where there is something to remark.
        let remarks = table.branches |> List.exists _.unsupported.IsSome

        if not table.branches.IsEmpty then
            Terminal.table
                terminal
                [
                    (if table.kind = "tree" then "branch" else "field"), false
                    "type", false
                    "entries", true
                    (if table.kind = "tree" then "baskets" else "pages"), true
                    "stored", true
                    "decompressed", true
                    "ratio", true
                    "compression", false
                    if remarks then
                        "remark", false
                ]
                [
                    for branch in table.branches ->
                        [
                            branch.name
                            branch.``type``
                            Say.count branch.entries
                            Say.count branch.baskets
                            Say.bytes branch.stored_bytes
                            Say.bytes branch.uncompressed_bytes
                            ratio branch.uncompressed_bytes branch.stored_bytes
                            branch.compression
                            if remarks then
                                match branch.unsupported with
                                | Some reason -> "not readable: " + reason
                                | None -> ""
                        ]
                ]
