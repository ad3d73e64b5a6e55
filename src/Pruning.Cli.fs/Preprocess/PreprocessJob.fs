/// The work of preprocess: which files are made of which ntuples, and the making of one.
module Pruning.Cli.Preprocess.PreprocessJob

open System.Collections.Generic
open System.IO
open System.Threading
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data.Errors
open Pruning.Data.Options
open Pruning.Data.Ticl
open Pruning.Data.Tracksters

/// An ntuple, and the number of its first event in the whole job.
type Source =
    {
        Path: string
        Entries: int64
        FirstEvent: int64
        /// The file says run, luminosity block and event; then FirstEvent is of no account.
        HasEvents: bool
        Fingerprint: string
        /// What is known to be wrong in such files.
        Faults: string list
    }

/// A file to make, from the sources in this order.
type Target = { Path: string; Sources: Source list }

/// What came out; counts add.
type Prepared =
    {
        Counts: PreprocessCounts
        Graphs: int64
        Nodes: int64
        Pruned: int64
        /// Events with the run, luminosity block and number of an earlier one.
        Repeated: int64
    }

/// Nothing yet.
let nothing: Prepared =
    {
        Counts = PreprocessCounts()
        Graphs = 0L
        Nodes = 0L
        Pruned = 0L
        Repeated = 0L
    }

/// Looks into every file before anything is made: a wrong one is known at once, and events get the same numbers in every
/// shard and after every interruption.
/// `skipped` hears of a file that does not fit, where it is to be left out: it counts as one without events.
let sourcesOf (settings: PreprocessSettings) (skipped: string -> unit) : Source list =
    if settings.Files.IsEmpty then
        raise (UsageException "no input: give at least one ntuple of the TICL dumper.")

    InputFiles.Expand(List.toArray settings.Files)
    |> Seq.mapFold
        (fun first path ->
            try
                use ntuple = TiclNtuple.Open(path, settings.Read)

                Some
                    {
                        Path = path
                        Entries = ntuple.EntryCount
                        FirstEvent = first
                        HasEvents = ntuple.HasEvents
                        Fingerprint = ntuple.Fingerprint
                        Faults = List.ofSeq ntuple.Warnings
                    },
                first + ntuple.EntryCount
            with error when DataException.Covers error && settings.SkipBadFiles ->
                skipped error.Message
                None, first)
        0L
    |> fst
    |> Seq.choose id
    |> List.ofSeq

let private nameOf (path: string) = Path.GetFileName path |> nonNull

/// The files to make, those of this shard.
let tasksOf (settings: PreprocessSettings) (destination: Destination) (sources: Source list) : Target list =
    let first, last = Shard.range (int64 sources.Length) settings.Production.Shard
    let mine = sources |> List.skip (int first) |> List.truncate (int (last - first))

    let tasks =
        match destination, mine with
        | _, [] -> []
        | Destination.OneFile path, _ -> [ { Path = path; Sources = mine } ]
        | Destination.Directory directory, _ ->
            [
                for source in mine ->
                    {
                        Path = Path.Combine(directory, nameOf source.Path)
                        Sources = [ source ]
                    }
            ]

    // Over all shards: they may share the directory.
    let outputs =
        match destination with
        | Destination.OneFile path -> [ for task in tasks -> task.Sources.Head.Path, path ]
        | Destination.Directory directory ->
            [ for source in sources -> source.Path, Path.Combine(directory, nameOf source.Path) ]

    Finished.checkNames [ for source in sources -> source.Path ] outputs
    tasks

/// Fingerprints of the sources, each once.
let fingerprints (sources: Source list) : string list = sources |> List.map _.Fingerprint |> List.distinct

/// What a file says about itself; two runs that say the same make the same file.
let private metadata (settings: PreprocessSettings) (task: Target) =
    [
        "kind", "prepared from TICL ntuples"
        "program", Production.version
        "labels", string settings.Options.Labels
        "truth", string settings.Read.Truth
        "collection", settings.Read.Collection |> Option.ofObj |> Option.defaultValue "CLUE3D's"
        "time", "as in the ntuples"
        "units", Production.units
        "format", Production.formatName settings.Production.Format
        "fingerprint", fingerprints task.Sources |> String.concat "\n"
        "inputs",
        task.Sources
        |> List.map (fun source ->
            if source.HasEvents then
                $"{nameOf source.Path}: {source.Entries} events"
            else
                $"{nameOf source.Path}: events {source.FirstEvent} to {source.FirstEvent + source.Entries - 1L}")
        |> String.concat "\n"
        "parameters", OptionTable.Text settings.Options
    ]

/// True where the task has nothing left to do.
let isDone (settings: PreprocessSettings) (task: Target) : bool =
    Finished.isThere
        (ProductionSettings.existing settings.Production)
        Production.metadataOf
        (Map.ofList (metadata settings task))
        task.Path

let private add (made: Prepared) (graphs: PreparedGraphs) (counts: PreprocessCounts) (repeated: int64) =
    {
        Counts = made.Counts + counts
        Graphs = made.Graphs + int64 graphs.GraphCount
        Nodes = made.Nodes + graphs.NodeCount
        Pruned = made.Pruned + (graphs.Label |> Array.sumBy int64)
        Repeated = made.Repeated + repeated
    }

/// Adds the events of a block to those that were seen, and counts those that were there already.
let private repeated (seen: HashSet<struct (uint32 * uint32 * int64)>) (columns: TiclColumns) : int64 =
    match columns.Events with
    | null -> 0L
    | events ->
        let mutable count = 0L

        for entry in 0 .. events.EntryCount - 1 do
            if not (seen.Add(struct (events.Run[entry], events.Lumi[entry], events.Event[entry]))) then
                count <- count + 1L

        count

/// Counts of both.
let plus (a: Prepared) (b: Prepared) =
    {
        Counts = a.Counts + b.Counts
        Graphs = a.Graphs + b.Graphs
        Nodes = a.Nodes + b.Nodes
        Pruned = a.Pruned + b.Pruned
        Repeated = a.Repeated + b.Repeated
    }

/// Events whose graphs are made together: enough for few arrays, few enough for all threads to have some of a block.
let private entriesPerPart = 16

/// Makes one file; `report` hears of the counts after each block.
let prepare
    (settings: PreprocessSettings)
    (seen: HashSet<struct (uint32 * uint32 * int64)>)
    (stop: CancellationToken)
    (report: Prepared -> unit)
    (task: Target)
    : Prepared =
    match Path.GetDirectoryName(Path.GetFullPath task.Path) with
    | null -> ()
    | directory -> Directory.CreateDirectory directory |> ignore

    use writer =
        TracksterWriter.Create(
            task.Path,
            PreparedContents(
                HasTruth = true,
                HasRuns = (task.Sources |> List.exists _.HasEvents),
                Metadata = Production.dictionary (metadata settings task),
                Format = settings.Production.Format
            ),
            Production.writeOptions settings.Production.Compression settings.Production.Threads
        )

    let mutable made = nothing

    for source in task.Sources do
        use ntuple = TiclNtuple.Open(source.Path, settings.Read)

        if ntuple.EntryCount <> source.Entries then
            raise (
                DataException
                    $"{source.Path} has {ntuple.EntryCount} events and had {source.Entries} a moment ago: wait until it is complete."
            )

        for columns in ntuple.Blocks stop do
            let parts =
                TiclPreprocessor.Run(
                    columns,
                    settings.Options,
                    source.FirstEvent + columns.FirstEntry,
                    settings.Production.Threads,
                    stop,
                    entriesPerPart
                )
                |> Seq.toArray

            let graphs = parts |> Seq.map (fun struct (graphs, _) -> graphs) |> PreparedGraphs.Concat

            let counts =
                parts
                |> Array.fold (fun sum struct (_, counts) -> sum + counts) (PreprocessCounts())

            writer.Append(PreparedBatches.Of(graphs))
            made <- add made graphs counts (repeated seen columns)
            report made

    stop.ThrowIfCancellationRequested()
    writer.Close()
    made
