/// Calls everything that reads a ROOT file. Each call may fail, but only with a RootFormatException, and takes bounded
/// memory.
module Pruning.Tests.Data.FuzzReading

open System
open System.Collections.Generic
open Pruning.Data.Errors
open Pruning.Root.Checking
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Root.Ntuples
open Pruning.Root.Reading
open Pruning.Root.Trees
open Pruning.Data.Tracksters

/// Largest record and largest result of a call.
let private recordBytes = 4L <<< 20

let private readBytes = 8L <<< 20

let options (recover: bool) =
    RootReadOptions(Workers = 1, MaxRecordBytes = recordBytes, MaxReadBytes = readBytes, Recover = recover)

/// What one call may allocate in all, garbage included: its result may be made in parts that are copied when they grow
/// (three times), and a few records are held beside it: stored, decompressed, and the branch's counter.
let allowedBytes = 3L * readBytes + 4L * recordBytes

/// What came out of one file.
type Outcome =
    {
        /// Calls that an untouched file answers and this one refused.
        Refused: int
        /// What Check found, but for branches of unequal numbers of entries: two of the files have them on purpose.
        Findings: int
        /// Bytes that the most expensive call allocated, and which one it was.
        Most: int64
        Call: string
    }

/// Looks at every list and every value's place, as one who uses the column would.
let private consume (column: RootColumn) =
    column.LevelCounts |> Seq.sum |> ignore
    ColumnSummary().Add column

    match column with
    | :? TextColumn as texts ->
        for i in 0L .. min 100L texts.ValueCount - 1L do
            texts[i].Length |> ignore
    | :? JaggedColumn<int> as numbers ->
        for entry in 0L .. min 100L numbers.EntryCount - 1L do
            numbers[entry].Length |> ignore
    | _ -> ()

let private askBranch (branch: IRootBranch) =
    branch.TypeName |> ignore
    branch.Unsupported |> ignore
    branch.UnsupportedMembers |> ignore
    branch.ElementType |> ignore
    branch.FixedLength |> ignore
    branch.PieceCount |> ignore
    branch.StoredBytes |> ignore
    branch.UncompressedBytes |> ignore

    match branch with
    | :? RootBranch as own ->
        own.InnerLength |> ignore
        own.BasketStarts |> ignore
        own.CompressionRatio |> ignore
    | :? RootField as own ->
        own.Encodings |> ignore

        for m in own.Members do
            own.ElementTypeOf m |> ignore
    | _ -> ()

/// Asks a file for everything.
let ask (recover: bool) (path: string) : Outcome =
    let refused = ref 0
    let findings = ref 0
    let most = ref 0L
    let call = ref ""

    let metered name (act: unit -> unit) =
        let before = GC.GetAllocatedBytesForCurrentThread()

        try
            act ()
        finally
            let taken = GC.GetAllocatedBytesForCurrentThread() - before

            if taken > most.Value then
                most.Value <- taken
                call.Value <- name

    let must name act =
        metered name (fun () ->
            try
                act ()
            with :? RootFormatException ->
                refused.Value <- refused.Value + 1)

    // What an untouched file may refuse, too: the branch is of another type.
    let may name act =
        metered name (fun () ->
            try
                act ()
            with :? RootFormatException ->
                ())

    let askTable (table: IRootTable) =
        let plain = List<string>()

        for branch in table.Branches do
            let name = branch.Name
            must "branch" (fun () -> askBranch branch)
            must "Compression" (fun () -> branch.Compression |> ignore)
            may "Branch" (fun () -> table.Branch name |> ignore)
            let readable = ref false
            may "TryBranch" (fun () -> readable.Value <- fst (table.TryBranch name) && branch.IsSupported)

            if readable.Value then
                must "ReadColumns" (fun () -> table.ReadColumns name |> Seq.iter consume)

                may "ElementType" (fun () ->
                    if branch.ElementType.HasValue then
                        plain.Add name)

                may "Read" (fun () -> table.Read([ ColumnRequest.As<float> name ]) |> ignore)

        may "a range" (fun () ->
            match Seq.tryHead plain with
            | Some name ->
                let count = table.Branch(name).EntryCount

                if count > 1L then
                    table.ReadColumns(name, 1L, Nullable(min count 3L)) |> Seq.iter consume
            | None -> ())

        may "Read of many" (fun () -> table.Read(plain |> Seq.map ColumnRequest.Of |> Array.ofSeq) |> ignore)

        match table with
        | :? RootTree as tree ->
            for name in plain |> Seq.truncate 4 do
                may "Read of one type" (fun () -> tree.Read<int> name |> ignore)

            for branch in tree.Branches |> Seq.filter (fun branch -> not (plain.Contains branch.Name)) do
                may "ReadText" (fun () -> tree.ReadText branch.Name |> ignore)
                may "ReadNested" (fun () -> tree.ReadNested<int> branch.Name |> ignore)

            may "ReadClusters" (fun () ->
                for chunk in tree.ReadClusters(plain.ToArray()) do
                    chunk.Columns |> Seq.iter consume)
        | :? RootNtuple as ntuple ->
            must "Clusters" (fun () -> ntuple.Clusters |> ignore)
            may "Writer" (fun () -> (ntuple.Name + ntuple.Description + ntuple.Writer).Length |> ignore)

            for field in ntuple.Fields |> Seq.truncate 4 do
                may "Read of one type" (fun () -> ntuple.Read<int> field.Name |> ignore)
                may "ReadText" (fun () -> ntuple.ReadText field.Name |> ignore)
        | _ -> ()

    let askFile (file: RootFile) =
        for entry in file.List() do
            let name = $"{entry.Path};{entry.Cycle}"

            if entry.IsTree || entry.IsNtuple then
                let table = ref ValueNone
                must "Table" (fun () -> table.Value <- ValueSome(file.Table name))
                table.Value |> ValueOption.iter askTable
            else
                may "Tree" (fun () -> file.Tree name |> ignore)

        may "a name that is not there" (fun () -> file.Table "nothing of this name" |> ignore)

        must "Check" (fun () ->
            findings.Value <-
                file.Check()
                |> Seq.filter (fun finding -> finding.Kind <> RootErrorKind.InconsistentCounts)
                |> Seq.length)

    let opened = ref ValueNone
    must "Open" (fun () -> opened.Value <- ValueSome(RootFile.Open(path, options recover)))

    match opened.Value with
    | ValueNone -> ()
    | ValueSome file ->
        use file = file
        askFile file

        if
            file.List()
            |> Seq.exists (fun entry -> entry.Path = TracksterSchema.TracksterTree)
        then
            try
                TracksterReader.Read(path, TracksterReadOptions(Workers = 1, MaxReadBytes = readBytes))
                |> ignore
            with error when DataException.Covers error -> // what the columns say of each other is no matter of the format
                refused.Value <- refused.Value + 1

    {
        Refused = refused.Value
        Findings = findings.Value
        Most = most.Value
        Call = call.Value
    }
