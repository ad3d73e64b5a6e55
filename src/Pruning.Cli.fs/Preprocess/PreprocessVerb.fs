module Pruning.Cli.Preprocess.PreprocessVerb

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data.Errors
open Pruning.Data.Options
open Pruning.Data.Ticl
open Pruning.Data.Tracksters

/// An ntuple, and the number of its first event in the whole job.
type private Source =
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
type private Target = { Path: string; Sources: Source list }

/// What came out; counts add.
type private Done =
    {
        Counts: PreprocessCounts
        Graphs: int64
        Nodes: int64
        Pruned: int64
        /// Events with the run, luminosity block and number of an earlier one.
        Repeated: int64
    }

let private nothing =
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
let private sourcesOf (settings: PreprocessSettings) (skipped: string -> unit) : Source list =
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

let private tasksOf (settings: PreprocessSettings) (destination: Destination) (sources: Source list) : Target list =
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

let private fingerprints (sources: Source list) : string list = sources |> List.map _.Fingerprint |> List.distinct

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
let private isDone (settings: PreprocessSettings) (task: Target) : bool =
    Finished.isThere
        (ProductionSettings.existing settings.Production)
        Production.metadataOf
        (Map.ofList (metadata settings task))
        task.Path

let private add (made: Done) (graphs: PreparedGraphs) (counts: PreprocessCounts) (repeated: int64) =
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

let private plus (a: Done) (b: Done) =
    {
        Counts = a.Counts + b.Counts
        Graphs = a.Graphs + b.Graphs
        Nodes = a.Nodes + b.Nodes
        Pruned = a.Pruned + b.Pruned
        Repeated = a.Repeated + b.Repeated
    }

/// Events whose graphs are made together: enough for few arrays, few enough for all threads to have some of a block.
let private entriesPerPart = 16

let private prepare
    (settings: PreprocessSettings)
    (seen: HashSet<struct (uint32 * uint32 * int64)>)
    (stop: CancellationToken)
    (report: Done -> unit)
    (task: Target)
    : Done =
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

let private percent (part: int64) (whole: int64) = if whole = 0L then nan else 100.0 * float part / float whole

let private warnings (terminal: Terminal) (sources: Source list) (made: Done) =
    let counts = made.Counts

    for fault in sources |> List.collect _.Faults |> List.distinct do
        Terminal.warn terminal fault

    if made.Repeated > 0L then
        Terminal.warn
            terminal
            $"{Say.count made.Repeated} events have the run, luminosity block and number of an earlier one: they count as one event in \
             the split and in metrics. Productions that begin anew in every file do that."

    if counts.Tracksters > 0L && percent counts.Exact counts.Tracksters < 90.0 then
        let exact = Say.number (percent counts.Exact counts.Tracksters)

        Terminal.warn
            terminal
            $"only {exact} %% of the tracksters have CLUE3D's own links: its parameters may be those of another release; see --clue3d \
             (toy for ntuples of simulate) and --set."

    if counts.AssociationsDiffering > 0L then
        Terminal.warn
            terminal
            $"{Say.count counts.AssociationsDiffering} of {Say.count counts.AssociationsSeen} shared energies in the ntuples differ from \
             ours: --truth or --collection may be another one."

    if counts.Events > 0L && made.Graphs = 0L then
        Terminal.warn
            terminal
            "no trackster is left: the selection is too strict, or the ntuples have no simulated tracksters."

let private show
    (terminal: Terminal)
    (settings: PreprocessSettings)
    (sources: Source list)
    (written: Target list)
    (kept: Target list)
    (made: Done)
    =
    let counts = made.Counts

    if settings.Production.Json then
        Terminal.json
            terminal
            {|
                written = [ for task in written -> task.Path ]
                kept = [ for task in kept -> task.Path ]
                events = counts.Events
                tracksters = counts.Tracksters
                exact = counts.Exact
                repaired = counts.Repaired
                left_out = counts.LeftOut
                unmatched = counts.Unmatched
                barrel_layer_clusters = counts.Barrel
                repeated_events = made.Repeated
                fingerprints = fingerprints sources
                associations = counts.AssociationsSeen
                associations_differing = counts.AssociationsDiffering
                graphs = made.Graphs
                nodes = made.Nodes
                pruned_nodes_percent = percent made.Pruned made.Nodes
            |}
    else
        let line (name: string) (value: string) = Terminal.print terminal $"{name.PadRight 44}{value.PadLeft 14}"

        for fingerprint in fingerprints sources do
            Terminal.print terminal $"ntuple: {fingerprint}"

        line "events" (Say.count counts.Events)

        if counts.Barrel > 0L then
            line "  layer clusters of the barrel, skipped" (Say.count counts.Barrel)

        line "tracksters" (Say.count counts.Tracksters)
        line "  exact: with CLUE3D's own links" (Say.count counts.Exact)
        line "  repaired: links made anew" (Say.count counts.Repaired)
        line "  left out by the selection" (Say.count counts.LeftOut)
        line "    of these without a simulated particle" (Say.count counts.Unmatched)
        line "tracksters written" (Say.count made.Graphs)
        line "layer clusters" (Say.count made.Nodes)
        line "layer clusters to prune, %" (Say.number (percent made.Pruned made.Nodes))

        for task in written do
            Terminal.print terminal $"written: {task.Path} ({Say.bytes (FileInfo task.Path).Length})"

        for task in kept do
            Terminal.print terminal $"complete already: {task.Path}"

let private run (terminal: Terminal) (words: string list) : int =
    let settings = PreprocessSettings.ofWords words

    if settings.OnlyParameters then
        Terminal.print terminal (OptionTable.Text settings.Options)
    elif settings.OnlyDescription then
        if settings.Files.IsEmpty then
            raise (UsageException "no input: give at least one file to describe.")

        Description.run terminal settings.Production.Json settings.Files
    else
        let destination = ProductionSettings.destination settings.Production
        let skipped reason = Terminal.warn terminal $"skipped: {reason}"
        let sources = sourcesOf settings skipped
        let tasks = tasksOf settings destination sources
        let kept, left = tasks |> List.partition (isDone settings)

        if tasks.IsEmpty then
            Terminal.warn
                terminal
                $"shard {Shard.text settings.Production.Shard} has no file of {sources.Length}: nothing is written."

        use interruption =
            new Interruption(terminal, "complete files stay, for --resume; the one being written is removed")

        let total = left |> List.sumBy (fun task -> task.Sources |> List.sumBy _.Entries)
        let clock = Stopwatch.StartNew()
        let seen = HashSet()

        let made, written =
            Progress.runOf terminal "events" total (fun progress ->
                let report before now =
                    let both = plus before now

                    progress.Report
                        {
                            Stage = $"{Say.count both.Graphs} graphs"
                            Done = both.Counts.Events
                            Loss = nan
                        }

                left
                |> List.fold
                    (fun (before, written) task ->
                        try
                            plus before (prepare settings seen interruption.Token (report before) task),
                            written @ [ task ]
                        with error when DataException.Covers error && settings.SkipBadFiles && task.Sources.Length = 1 ->
                            // Nothing else is in its file, which is gone with it.
                            skipped error.Message
                            before, written)
                    (nothing, []))

        show terminal settings sources written kept made
        warnings terminal sources made
        let perSecond = Say.count (int64 (float made.Counts.Events / clock.Elapsed.TotalSeconds))

        Terminal.say
            terminal
            $"Done in {Say.duration clock.Elapsed}, {perSecond} events/s on {settings.Production.Threads} threads."

    ExitCode.ok

let command: Command =
    Command.create
        PreprocessSettings.describe
        {
            Verb = "preprocess"
            Summary = "make prepared files of TICL ntuples and HGCAL NanoAOD, with labels"
            Synopsis = "FILE [FILE ...] --output FILE | --output-dir DIR [options]"
            Explanation =
                "Reads ntuples of the TICL dumper of every generation and HGCAL NanoAOD, offline and of the trigger. Which one a file is \
                 follows from what it holds; --describe says it. Ntuples have neither links nor seeds, so CLUE3D runs again. A trackster \
                 is exact where that gives one tree; otherwise its links are repaired. Both are counted. Labels come from the simulated \
                 tracksters. Run, luminosity block and event come from the file; where it has none, events are numbered over all files in \
                 their order, whatever the shard. Events stream through memory in blocks. A file that does not fit stops the run with exit \
                 code 4."
            Examples =
                [
                    "preprocess --describe ntuple.root", "what it is, what can be made of it, what is missing"
                    "preprocess 'ntuples/*.root' --output sample.root", "many files to one"
                    "preprocess 'ntuples/*.root' --output-dir prepared --resume",
                    "one each; goes on where it was stopped"
                    "preprocess 'ntuples/*.root' --output-dir prepared --shard 3/16", "one job of sixteen"
                    "preprocess old.root --output old-sample.root --clue3d 2021 --truth sc --label any",
                    "an ntuple of 2021, labelled as in the original research"
                    "preprocess ntuple.root --output again.root --clue3d toy --min-energy 4 --max-nodes 150",
                    "an ntuple of simulate: the same tracksters again"
                ]
        }
        run
