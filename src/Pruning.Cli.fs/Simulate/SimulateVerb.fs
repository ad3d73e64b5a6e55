module Pruning.Cli.Simulate.SimulateVerb

open System
open System.Diagnostics
open System.IO
open System.Threading
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data
open Pruning.Root.Compression
open Pruning.Data.Simulation
open Pruning.Data.Ticl
open Pruning.Data.Tracksters

type SimulateArgument =
    | [<MainCommand>] Output of file: string list
    | [<Section "Sample">] Events of n: string
    | Seed of n: string
    | Preset of name: string
    | [<CustomCommandLine "--shard">] Part of part: string
    | [<Section "Physics">] Label of rule: string
    | Pile_Up of mean: string
    | Min_Energy of gev: string
    | Max_Energy of gev: string
    | Min_Eta of eta: string
    | Max_Eta of eta: string
    | Max_Distance of cm: string
    | Time of convention: string
    | [<CustomCommandLine "--set">] Assign of assignment: string
    | Parameters
    | [<Section "Output">] Ntuple of file: string
    | Schema of generation: string
    | Format of name: string
    | Compression of codec: string
    | Threads of n: string
    | Overwrite
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Output _ -> "prepared file to write (default toy.root, or none with --ntuple)"
            | Events _ -> "events to simulate (default 1000); each gives about 2.5 tracksters"
            | Seed _ -> "seed of the run (default 1); the same seed gives the same file, to the byte"
            | Preset _ ->
                "default (10 interactions of pile-up), research (labels and times as in the original's data) or hllhc (200 interactions)"
            | Part _ -> "K/N: only part K (from 1) of N parts of the events, for batch systems"
            | Label _ -> "what to prune: majority, any or cut=X, the least share of energy to keep (default majority)"
            | Pile_Up _ -> "mean number of pp interactions laid over each event (default 10)"
            | Min_Energy _ -> "smallest energy of a primary, GeV (default 20)"
            | Max_Energy _ -> "largest energy of a primary, GeV (default 300)"
            | Min_Eta _ -> "smallest |eta| of the first primary (default 1.65)"
            | Max_Eta _ -> "largest |eta| of the first primary (default 2.75)"
            | Max_Distance _ -> "largest distance of another primary from the first, cm (default 11)"
            | Time _ -> "local (with the flight to the layer cluster) or global (without it) (default local)"
            | Assign _ ->
                "NAME=VALUE: any parameter of docs/simulation.md, as in Clue.MinHits=3, Primaries.Photons=1 or Low=none; may be repeated"
            | Parameters -> "print every parameter with its value, and simulate nothing"
            | Ntuple _ -> "write a TICL ntuple of the same events too, to try preprocess on"
            | Schema _ -> "new (since 2024) or old (2022, 2023): names of the ntuple's trees (default new)"
            | Format _ ->
                "tree, or rntuple for ROOT 6.34 and newer: how the prepared file holds its tables (default tree)"
            | Compression _ -> "zstd, lz4, zlib, xz, each with =1 to =9 if you like, or none (default zstd=3)"
            | Threads _ -> "threads (default: number of cores); the file does not depend on it"
            | Overwrite -> "replace files that are there (else exit code 2)"
            | Json -> "the summary as one JSON document on stdout"

type SimulateSettings =
    {
        Output: string option
        Events: int
        Preset: string
        Shard: Shard
        Options: ToyOptions
        OnlyParameters: bool
        Ntuple: string option
        Generation: TiclGeneration
        Format: TableFormat
        Compression: RootCompressionSetting
        Threads: int
        Overwrite: bool
        Json: bool
    }

/// Options that are parameters under another name.
let private parameterOf argument =
    match argument with
    | Seed text -> Some("--seed", "Seed", text)
    | Label text -> Some("--label", "Labels", text)
    | Pile_Up text -> Some("--pile-up", "PileUp", text)
    | Min_Energy text -> Some("--min-energy", "Primaries.MinEnergy", text)
    | Max_Energy text -> Some("--max-energy", "Primaries.MaxEnergy", text)
    | Min_Eta text -> Some("--min-eta", "Primaries.MinEta", text)
    | Max_Eta text -> Some("--max-eta", "Primaries.MaxEta", text)
    | Max_Distance text -> Some("--max-distance", "Primaries.MaxDistance", text)
    | Time text -> Some("--time", "Time", text)
    | _ -> None

let private optionsOf (preset: string) (arguments: SimulateArgument list) : ToyOptions =
    let start = Production.checkedBy "--preset" (fun () -> ToyOptions.Preset preset)

    let apply options argument =
        match argument, parameterOf argument with
        | Assign assignment, _ -> Production.set options assignment
        | _, Some(option, name, text) -> Production.checkedBy option (fun () -> OptionTable.With(options, name, text))
        | _ -> options

    let options = List.fold apply start arguments
    Production.checkedBy "the parameters cannot be used" options.Check
    options

let private productionOption argument =
    match argument with
    | Part text -> Some(ProductionOption.Shard text)
    | Format name -> Some(ProductionOption.Format name)
    | Compression text -> Some(ProductionOption.Compression text)
    | Threads text -> Some(ProductionOption.Threads text)
    | Overwrite -> Some ProductionOption.Overwrite
    | Json -> Some ProductionOption.Json
    | _ -> None

/// Pure, so that tests can ask it.
let settingsOf (arguments: SimulateArgument list) : SimulateSettings =
    let last pick = arguments |> List.choose pick |> List.tryLast
    let production = arguments |> List.choose productionOption |> ProductionSettings.ofOptions

    let files =
        arguments
        |> List.collect (function
            | Output files -> files
            | _ -> [])

    let ntuple =
        last (function
            | Ntuple path -> Some path
            | _ -> None)

    let output =
        match files, ntuple with
        | [ file ], _ -> Some file
        | [], None -> Some "toy.root"
        | [], Some _ -> None
        | _ -> raise (UsageException $"one file to write at a time; found {files.Length} names.")

    if
        output.IsSome
        && Option.map Path.GetFullPath output = Option.map Path.GetFullPath ntuple
    then
        raise (UsageException "the prepared file and the ntuple have the same name: give --ntuple another.")

    let preset =
        last (function
            | Preset name -> Some name
            | _ -> None)
        |> Option.defaultValue "default"

    {
        Output = output
        Events =
            last (function
                | Events text -> Some(Value.whole "--events" (1, Int32.MaxValue) text)
                | _ -> None)
            |> Option.defaultValue 1000
        Preset = preset
        Shard = production.Shard
        Options = optionsOf preset arguments
        OnlyParameters = List.contains Parameters arguments
        Ntuple = ntuple
        Generation =
            last (function
                | Schema text ->
                    Some(Value.choice "--schema" [ "new", TiclGeneration.New; "old", TiclGeneration.Old ] text)
                | _ -> None)
            |> Option.defaultValue TiclGeneration.New
        Format = production.Format
        Compression = production.Compression
        Threads = production.Threads
        Overwrite = (production.Existing = Existing.Replace)
        Json = production.Json
    }

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

let private collections (settings: SimulateSettings) =
    [
        if settings.Generation = TiclGeneration.Old then
            TiclSchema.OldTracksters
        else
            TiclSchema.NewTracksters
        if not (isNull settings.Options.Low) then
            TiclSchema.LowTracksters
    ]

/// Makes the files and counts what is in them.
let internal simulate (settings: SimulateSettings) (progress: Progress) (stop: CancellationToken) : Made =
    let first, last = Shard.range (int64 settings.Events) settings.Shard
    let written = Production.writeOptions settings.Compression settings.Threads
    let says = metadata settings (first, last)

    use prepared: TracksterWriter | null =
        match settings.Output with
        | Some path ->
            let contents =
                PreparedContents(HasTruth = true, HasPileUp = true, Metadata = says, Format = settings.Format)

            TracksterWriter.Create(path, contents, written)
        | None -> null

    use ntuple: TiclNtupleWriter | null =
        match settings.Ntuple with
        | Some path ->
            TiclNtupleWriter.Create(path, List.toArray (collections settings), TiclTruth.CaloParticle, says, written)
        | None -> null

    let mutable made = nothing

    for block in
        ToySimulation.Run(settings.Options, first, int (last - first), settings.Threads, stop)
        |> Seq.chunkBySize blockEvents do
        let graphs = block |> Seq.map _.Graphs |> PreparedGraphs.Concat

        match prepared with
        | null -> ()
        | writer -> writer.Append(PreparedBatches.Of(graphs, settings.Options.PileUp))

        match ntuple with
        | null -> ()
        | writer -> writer.Append(NtupleColumns.Of(block, settings.Generation))

        made <- add made block.Length graphs

        progress.Step
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

    if settings.Json then
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

let private run (terminal: Terminal) (arguments: SimulateArgument list) : int =
    let settings = settingsOf arguments

    if settings.OnlyParameters then
        Terminal.print terminal (OptionTable.Text settings.Options)
    else
        List.choose id [ settings.Output; settings.Ntuple ]
        |> List.iter (Production.checkFree settings.Overwrite)

        use interruption = new Interruption(terminal, "nothing of this run is kept")
        let first, last = Shard.range (int64 settings.Events) settings.Shard
        let clock = Stopwatch.StartNew()

        let made =
            Progress.runOf terminal "events" (last - first) (fun progress ->
                simulate settings progress interruption.Token)

        let seconds = clock.Elapsed.TotalSeconds
        show terminal settings made seconds

        Terminal.say
            terminal
            $"Done in {Say.duration clock.Elapsed}, {Say.count (int64 (float made.Graphs / seconds))} graphs/s on {settings.Threads} threads."

    ExitCode.ok

let command: Command =
    Command.create<SimulateArgument>
        {
            Verb = "simulate"
            Summary = "make tracksters with truth by a toy simulation, so that nothing needs data of CMS"
            Synopsis = "[FILE] [options]"
            Explanation =
                "Simulates close-by electromagnetic and hadronic showers, pile-up and noise in a calorimeter like HGCAL, clusters them (CLUE on each layer, CLUE3D across layers) and writes the tracksters, with links, truth and labels, as a prepared file for train, evaluate, stats and display. It is a toy: no result on it is a statement about CMS. The file says in its tree Metadata how it was made. Equal options, seed and file name give equal bytes, whatever the number of threads. Stopped by Ctrl-C it leaves no file behind."
            Examples =
                [
                    "simulate toy.root --events 10000 --seed 7", "about 25,000 tracksters"
                    "simulate pu200.root --preset hllhc --events 2000", "as crowded as at the HL-LHC"
                    "simulate em.root --set Primaries.ChargedPions=0 --set Primaries.NeutralHadrons=0",
                    "photons and electrons alone"
                    "simulate part-3.root --events 1000000 --shard 3/16",
                    "one job of sixteen; together they are one sample"
                    "simulate toy.root --ntuple ntuple.root --schema old", "the same events as a TICL ntuple too"
                ]
        }
        run
