module Pruning.Cli.Simulate.SimulateVerb

open System
open System.Diagnostics
open System.IO
open System.Threading
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data.Options
open Pruning.Root.Compression
open Pruning.Data.Simulation
open Pruning.Data.Ticl
open Pruning.Data.Tracksters

/// How the ntuple is laid out.
type Schema =
    {
        Generation: TiclGeneration
        /// Without the tree of layer clusters.
        WithoutClusters: bool
    }

type SimulateSettings =
    {
        Output: string option
        Events: int
        Preset: string
        Options: ToyOptions
        OnlyParameters: bool
        Ntuple: string option
        Schema: Schema
        Production: ProductionSettings
    }

let private defaultPreset = "default"

let private schemas: (string * Schema) list =
    let schema generation =
        {
            Generation = generation
            WithoutClusters = false
        }

    [
        "v5", schema TiclGeneration.New
        "2022", schema TiclGeneration.Old
        "2024-v4", schema TiclGeneration.Mid2024V4
        "2024-v5", schema TiclGeneration.Mid2024V5
        "hlt", schema TiclGeneration.Hlt
        "hlt-no-clusters",
        {
            Generation = TiclGeneration.Hlt
            WithoutClusters = true
        }
        "nano", schema TiclGeneration.Nano
        "nano-hlt", schema TiclGeneration.NanoHlt
        // Their names before there were more.
        "new", schema TiclGeneration.New
        "old", schema TiclGeneration.Old
    ]

let private startAt (preset: string) : SimulateSettings =
    {
        Output = None
        Events = 1000
        Preset = preset
        Options = Production.checkedBy "--preset" (fun () -> ToyOptions.Preset preset)
        OnlyParameters = false
        Ntuple = None
        Schema = snd schemas.Head
        Production = ProductionSettings.standard
    }

let private production names =
    ProductionSettings.options names
    |> Opt.within _.Production (fun v s -> { s with Production = v })

let private parameter name known meta help =
    Production.parameter _.Options (fun v s -> { s with Options = v }) name known meta help

let private sample: Opt<SimulateSettings> list =
    [
        Opt.whole
            "--events"
            (1, Int32.MaxValue)
            "Events to simulate. Each gives about 2.5 tracksters."
            _.Events
            (fun v s -> { s with Events = v })
        parameter "--seed" "Seed" "N" "Seed of the run. The same seed gives the same file, to the byte."
        Opt.ofVerb
            (Kind.text "NAME")
            "--preset"
            "default (10 interactions of pile-up), research (labels and times as in the original's data) or hllhc (200 interactions)."
        |> Opt.unset defaultPreset
        yield! production [ "--shard" ]
    ]
    |> Opt.section "Sample"

let private physics: Opt<SimulateSettings> list =
    [
        parameter
            "--label"
            "Labels"
            "RULE"
            "Which layer clusters to prune: majority, any or cut=X (X is the smallest share of energy that is kept)."
        parameter "--pile-up" "PileUp" "MEAN" "Mean number of pp interactions laid over each event."
        parameter "--min-energy" "Primaries.MinEnergy" "GEV" "Smallest energy of a primary, in GeV."
        parameter "--max-energy" "Primaries.MaxEnergy" "GEV" "Largest energy of a primary, in GeV."
        parameter "--min-eta" "Primaries.MinEta" "ETA" "Smallest |eta| of the first primary."
        parameter "--max-eta" "Primaries.MaxEta" "ETA" "Largest |eta| of the first primary."
        parameter
            "--max-distance"
            "Primaries.MaxDistance"
            "CM"
            "Largest distance of another primary from the first, in cm."
        parameter
            "--time"
            "Time"
            "CONVENTION"
            "Time of a layer cluster: local (with the flight to it) or global (without it)."
        Production.assignment _.Options (fun v s -> { s with Options = v }) "Clue.MinHits=3 or Low=none"
        Opt.flag
            "--parameters"
            "Print every parameter with its value, and simulate nothing."
            _.OnlyParameters
            (fun v s -> { s with OnlyParameters = v })
    ]
    |> Opt.section "Physics"

let private output: Opt<SimulateSettings> list =
    [
        Opt.path
            "--ntuple"
            "FILE"
            "Write a TICL ntuple of the same events too, as input for preprocess."
            _.Ntuple
            (fun v s -> { s with Ntuple = v })
        |> Opt.unset "none"
        Opt.choice
            "--schema"
            schemas
            "Generation of the ntuple: v5, 2022, 2024-v4, 2024-v5, hlt, hlt-no-clusters, nano or nano-hlt. See docs/reference/ntuples.md. \
             (new means v5, old means 2022.)"
            _.Schema
            (fun v s -> { s with Schema = v })
        yield! production [ "--format"; "--compression"; "--threads"; "--overwrite"; "--json" ]
    ]
    |> Opt.section "Output"

let private options: Opt<SimulateSettings> list = sample @ physics @ output

let private describe () : OptionInfo list = Opt.describe (startAt defaultPreset) options

/// From the words after `simulate`.
let settingsOf (words: string list) : SimulateSettings =
    let line = Arguments.read true (describe ()) words
    let start = startAt (Line.last "--preset" line |> Option.defaultValue defaultPreset)
    let settings = Arguments.apply options line start
    Production.checkedBy "the parameters cannot be used" settings.Options.Check

    let output =
        match line.Positional, settings.Ntuple with
        | [ file ], _ -> Some file
        | [], None -> Some "toy.root"
        | [], Some _ -> None
        | files, _ -> raise (UsageException $"one file to write at a time; found {files.Length} names.")

    if
        output.IsSome
        && Option.map Path.GetFullPath output = Option.map Path.GetFullPath settings.Ntuple
    then
        raise (UsageException "the prepared file and the ntuple have the same name: give --ntuple another.")

    { settings with Output = output }

/// Counts of what was made; they add.
type internal Made =
    {
        Events: int64
        Graphs: int64
        Nodes: int64
        Pruned: int64
        Clean: int64
    }

let private nothing: Made =
    {
        Events = 0L
        Graphs = 0L
        Nodes = 0L
        Pruned = 0L
        Clean = 0L
    }

let private add (made: Made) (events: int) (graphs: PreparedGraphs) : Made =
    let prunedOf graph =
        let first, end' = int graphs.NodeOffsets[graph], int graphs.NodeOffsets[graph + 1]
        let mutable sum = 0L

        for node in first .. end' - 1 do
            sum <- sum + int64 graphs.Label[node]

        sum

    let pruned = Array.init graphs.GraphCount prunedOf

    {
        Events = made.Events + int64 events
        Graphs = made.Graphs + int64 graphs.GraphCount
        Nodes = made.Nodes + graphs.NodeCount
        Pruned = made.Pruned + Array.sum pruned
        Clean = made.Clean + (pruned |> Array.filter ((=) 0L) |> Array.length |> int64)
    }

/// What the files say about themselves. Nothing that does not decide their content: equal runs give equal bytes.
let private metadata (settings: SimulateSettings) (first: int64, last: int64) =
    Production.dictionary
        [
            "kind", "toy simulation, not CMS"
            "program", Production.version
            "preset", settings.Preset
            "labels", string settings.Options.Labels
            "time",
            (match settings.Options.Time with
             | TimeConvention.Local -> "local: since the collision, flight to the layer cluster included"
             | _ -> "global: flight from the origin at the speed of light taken off")
            "units", Production.units
            "events", $"{first} to {last - 1L}"
            "parameters", OptionTable.Text settings.Options
        ]

/// Events that are handed to the writer at once: enough for its loops, few enough for 200 interactions.
let private blockEvents = 32

let private ntupleContents (settings: SimulateSettings) says =
    let passes = if isNull settings.Options.Low then 1 else 2

    TiclNtupleContents(
        Generation = settings.Schema.Generation,
        Collections = NtupleColumns.Collections(settings.Schema.Generation, passes),
        WithoutClusters = settings.Schema.WithoutClusters,
        Metadata = says
    )

/// Makes the files and counts what is in them.
let internal simulate (settings: SimulateSettings) (progress: Progress) (stop: CancellationToken) : Made =
    let first, last = Shard.range (int64 settings.Events) settings.Production.Shard
    let written = Production.writeOptions settings.Production.Compression settings.Production.Threads
    let says = metadata settings (first, last)

    use prepared: TracksterWriter | null =
        match settings.Output with
        | Some path ->
            let contents =
                PreparedContents(
                    HasTruth = true,
                    HasPileUp = true,
                    Metadata = says,
                    Format = settings.Production.Format
                )

            TracksterWriter.Create(path, contents, written)
        | None -> null

    use ntuple: TiclNtupleWriter | null =
        match settings.Ntuple with
        | Some path -> TiclNtupleWriter.Create(path, ntupleContents settings says, written)
        | None -> null

    let mutable made = nothing

    for block in
        ToySimulation.Run(settings.Options, first, int (last - first), settings.Production.Threads, stop)
        |> Seq.chunkBySize blockEvents do
        let graphs = block |> Seq.map _.Graphs |> PreparedGraphs.Concat

        match prepared with
        | null -> ()
        | writer -> writer.Append(PreparedBatches.Of(graphs, settings.Options.PileUp))

        match ntuple with
        | null -> ()
        | writer -> writer.Append(NtupleColumns.Of(block, settings.Schema.Generation))

        made <- add made block.Length graphs

        progress.Report
            {
                Stage = $"{Say.count made.Graphs} graphs"
                Done = made.Events
                Loss = nan
            }

    stop.ThrowIfCancellationRequested()

    // Both are complete before either gets its name, but for what closing itself writes.
    match ntuple with
    | null -> ()
    | writer -> writer.Close()

    match prepared with
    | null -> ()
    | writer -> writer.Close()

    made

let private share (part: int64) (whole: int64) = if whole = 0L then nan else 100.0 * float part / float whole

let private show (terminal: Terminal) (settings: SimulateSettings) (made: Made) (seconds: float) =
    let files = List.choose id [ settings.Output; settings.Ntuple ]

    if settings.Production.Json then
        Terminal.json
            terminal
            {|
                files = files
                kind = "toy simulation, not CMS"
                events = made.Events
                graphs = made.Graphs
                nodes = made.Nodes
                pruned_nodes_percent = share made.Pruned made.Nodes
                graphs_without_pruning_percent = share made.Clean made.Graphs
                seconds = seconds
                graphs_per_second = float made.Graphs / seconds
            |}
    else
        let line (name: string) (value: string) = Terminal.print terminal $"{name.PadRight 36}{value.PadLeft 14}"
        line "events of a toy simulation, not CMS" (Say.count made.Events)
        line "tracksters" (Say.count made.Graphs)
        line "layer clusters" (Say.count made.Nodes)
        line "layer clusters to prune, %" (Say.number (share made.Pruned made.Nodes))
        line "tracksters that need no pruning, %" (Say.number (share made.Clean made.Graphs))

        for file in files do
            Terminal.print terminal $"written: {file} ({Say.bytes (FileInfo file).Length})"

let private run (terminal: Terminal) (words: string list) : int =
    let settings = settingsOf words

    if settings.OnlyParameters then
        Terminal.print terminal (OptionTable.Text settings.Options)
    else
        List.choose id [ settings.Output; settings.Ntuple ]
        |> List.iter (Production.checkFree settings.Production.Overwrite)

        use interruption = new Interruption(terminal, "nothing of this run is kept")
        let first, last = Shard.range (int64 settings.Events) settings.Production.Shard
        let clock = Stopwatch.StartNew()

        let made =
            Progress.runOf terminal "events" (last - first) (fun progress ->
                simulate settings progress interruption.Token)

        let seconds = clock.Elapsed.TotalSeconds
        show terminal settings made seconds

        Terminal.say
            terminal
            $"Done in {Say.duration clock.Elapsed}, {Say.count (int64 (float made.Graphs / seconds))} graphs/s on \
             {settings.Production.Threads} threads."

    ExitCode.ok

let command: Command =
    Command.create
        describe
        {
            Verb = "simulate"
            Summary = "make tracksters with truth by a toy simulation, so that nothing needs data of CMS"
            Synopsis = "[FILE] [options]"
            Explanation =
                "Simulates close-by electromagnetic and hadronic showers, pile-up and noise in a calorimeter like HGCAL. CLUE clusters \
                 each layer, CLUE3D builds tracksters across layers. The prepared file holds tracksters with links, truth and labels, for \
                 train, evaluate, stats and display. This is a toy: its results say nothing about CMS. The tree Metadata of the file says \
                 how it was made. Equal options, seed and file name give equal bytes, whatever the number of threads. Ctrl-C leaves no \
                 file behind."
            Examples =
                [
                    "simulate toy.root --events 10000 --seed 7", "about 25,000 tracksters"
                    "simulate pu200.root --preset hllhc --events 2000", "as crowded as at the HL-LHC"
                    "simulate em.root --set Primaries.ChargedPions=0 --set Primaries.NeutralHadrons=0",
                    "photons and electrons alone"
                    "simulate part-3.root --events 1000000 --shard 3/16",
                    "one job of sixteen; together they are one sample"
                    "simulate toy.root --ntuple ntuple.root --schema 2022", "the same events as a TICL ntuple too"
                ]
        }
        run
