module Pruning.Cli.Prune.PruneVerb

open System
open System.Diagnostics
open System.IO
open System.Threading
open TorchSharp
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Evaluation
open Pruning.Model.Prediction
open Pruning.Model.Logging

/// What files say about themselves but for the threshold: it decides whether a file is another run's.
let private metadata
    (settings: PruneSettings)
    (input: InputSettings)
    (model: RunInput)
    (workingPoint: string)
    (target: PruneTarget)
    =
    let read = RunInput.ofFile target.Input

    [
        if settings.Write <> PruneOutput.Copy then
            "kind", "scores of tracksters: probability of prune, and the decision"
            "units", Production.units
        "prune_program", Production.version
        "prune_model_sha256", model.Sha256
        "prune_working_point", workingPoint
        "prune_input", Path.GetFileName target.Input |> nonNull
        "prune_input_bytes", string read.Bytes
        "prune_input_sha256", read.Sha256
        "prune_trees", $"{input.TracksterTree} {input.EdgeTree}"
        "prune_output", PruneOutput.name settings.Write
        "prune_bad_graphs", (if settings.Reading.SkipBadGraphs then "skip" else "stop")
        "prune_batch",
        (match settings.Network.BatchSize with
         | Some graphs -> $"{graphs} graphs"
         | None -> "as the network likes it")
    ]

/// How the threshold is found, in words that mean the same in every run.
let private describePoint (settings: PruneSettings) (source: ModelSource) : string =
    let point = WorkingPoint.describe settings.Threshold

    match settings.Threshold, settings.ChooseOn with
    | Threshold.Probability _, _ -> point
    | _, [] when source.Run.IsSome -> $"{point} on the validation split of the model's run"
    | _, [] ->
        raise (
            UsageException
                "--working-point efficiency=E and best-f1 are chosen on labelled tracksters: give a run directory, which has a validation \
                 split, or --choose-on FILE."
        )
    | _, files ->
        let hashes =
            [
                for path in InputFiles.Expand(List.toArray files) ->
                    $"{Path.GetFileName path} {(RunInput.ofFile path).Sha256}"
            ]

        let listed = String.Join(", ", hashes)
        $"{point} on {listed}"

/// Finds the threshold: on the run's own validation split, or on files that were named.
let private choose
    (terminal: Terminal)
    (settings: PruneSettings)
    (source: ModelSource)
    (input: InputSettings)
    (device: torch.Device)
    (model: TrainedModel)
    (stop: CancellationToken)
    : float32 =
    let on (input: InputSettings) (options: SplitOptions) split =
        let data = Session.openData terminal input options
        use _dataset = data.Dataset

        let plan =
            {
                Device = device
                Threads = defaultArg settings.Network.Threads Environment.ProcessorCount
                Model = model
                Data = data
                Divided = false
                BatchSize = defaultArg settings.Network.BatchSize (Applying.batchGraphs model.Pruner.Config.Strategy)
                Workers = settings.Network.Workers
                Resampling = settings.Network.Resampling
                WithBaselines = false
                Threshold = settings.Threshold
            }

        Evaluator.threshold terminal plan stop split

    match settings.Threshold, settings.ChooseOn, source.Run with
    | Threshold.Probability probability, _, _ -> WorkingPoint.marginOf probability
    | _, [], Some(_, chosen) -> on chosen.Input (TrainSettings.splitOptions chosen) SplitName.Validation
    | _, files, _ -> on { input with Files = files } (SplitOptions()) SplitName.All

/// A file that is worked on: opened by the first thread that needs it, closed when its last block is written.
[<NoComparison; NoEquality>]
type private FileTask =
    {
        Target: PruneTarget
        Source: Lazy<TracksterFile>
        Sink: Lazy<PruneSink>
    }

let private giveBack (task: FileTask) =
    if task.Sink.IsValueCreated then
        task.Sink.Value.Dispose()

    if task.Source.IsValueCreated then
        task.Source.Value.Dispose()

/// The file is the one that was looked into.
let private opened (input: InputSettings) (target: PruneTarget) : TracksterFile =
    let file = TracksterFile.Open(target.Input, PruneTargets.readOptions input)

    if file.EntryCount <> target.Entries then
        let found = file.EntryCount
        file.Dispose()

        raise (
            Pruning.Data.Errors.DataException
                $"{target.Input} has {found} tracksters and had {target.Entries} a moment ago: wait until it is complete."
        )

    file

/// Blocks of all files go through the threads one after the other, so that small files keep them busy too; they are written in
/// order by this one. A file gets its name when its last block is in it. `finished` hears of each.
let private apply
    (plan: ApplyingPlan)
    (threads: int)
    (tasks: FileTask list)
    (written: PruneCounts -> unit)
    (finished: PruneTarget -> PruneCounts * string list -> unit)
    (stop: CancellationToken)
    : unit =
    let work =
        [|
            for task in tasks do
                match task.Target.Blocks with
                | [] -> struct (task, struct (0L, 0L), true)
                | blocks ->
                    let last = List.last blocks

                    for block in blocks do
                        struct (task, block, block = last)
        |]

    let compute (struct (task: FileTask, struct (first, last), isLast)) =
        let block = Applying.block plan (task.Source.Value.Read(first, last))
        struct (task, PruneCounts.ofBlock block, task.Sink.Value.Prepare block, isLast)

    try
        for struct (task, counts, write, isLast) in Prefetch.InOrder(work, compute, threads, threads + 2, stop) do
            write ()
            written counts

            if isLast then
                finished task.Target (task.Sink.Value.Close())
                giveBack task
    finally
        List.iter giveBack tasks

let private percent (part: int64) (whole: int64) = if whole = 0L then nan else 100.0 * float part / float whole

let private show
    (terminal: Terminal)
    (settings: PruneSettings)
    (written: PruneTarget list)
    (kept: PruneTarget list)
    (counts: PruneCounts)
    (point: string)
    (margin: float32 option)
    (seconds: float)
    =
    let probability = margin |> Option.map (fun margin -> 1.0 / (1.0 + exp -(float margin)))
    let copies = settings.Write = PruneOutput.Copy

    if settings.Production.Json then
        Json.record
            [
                "written", Json.list [ for target in written -> Json.text target.Output ]
                "kept", Json.list [ for target in kept -> Json.text target.Output ]
                "working_point", Json.text point
                "threshold", (probability |> Option.map Json.number |> Option.defaultValue null)
                "graphs", Json.integer counts.Graphs
                "graphs_skipped", Json.integer counts.Skipped
                "nodes", Json.integer counts.Nodes
                "nodes_pruned", Json.integer counts.Pruned
                if copies then
                    "graphs_written", Json.integer counts.Written
                    "links_to_another_parent", Json.integer counts.Relinked
                    "links_without_a_parent", Json.integer counts.Detached
                "seconds", Json.number seconds
                "graphs_per_second", Json.number (float counts.Graphs / seconds)
            ]
        |> Terminal.json terminal
    else
        let line (name: string) (value: string) = Terminal.print terminal $"{name.PadRight 44}{value.PadLeft 14}"
        line "tracksters" (Say.count counts.Graphs)

        if counts.Skipped > 0L then
            line "tracksters that contradict themselves" (Say.count counts.Skipped)

        line "layer clusters" (Say.count counts.Nodes)
        line "layer clusters pruned" (Say.count counts.Pruned)
        line "layer clusters pruned, %" (Say.number (percent counts.Pruned counts.Nodes))

        match probability with
        | Some probability -> line $"pruned above ({point})" (Say.number probability)
        | None -> ()

        if copies then
            line "tracksters of which something is left" (Say.count counts.Written)
            line "links to a parent further up" (Say.count counts.Relinked)
            line "links gone, the follower is a root" (Say.count counts.Detached)

        // Hundreds of names help nobody.
        let shown = 10

        for target in List.truncate shown written do
            Terminal.print terminal $"written: {target.Output} ({Say.bytes (FileInfo target.Output).Length})"

        if written.Length > shown then
            Terminal.print terminal $"written: {written.Length - shown} more"

        for target in List.truncate shown kept do
            Terminal.print terminal $"complete already: {target.Output}"

        if kept.Length > shown then
            Terminal.print terminal $"complete already: {kept.Length - shown} more"

let private tellLeftOut (terminal: Terminal) (target: PruneTarget) (names: string list) =
    if not names.IsEmpty then
        let listed = String.Join(", ", names)
        Terminal.warn terminal $"{target.Output} lacks what cannot be written again: {listed}."

/// A GPU works on one block while another thread reads the next.
let private threadsOf (settings: PruneSettings) : int =
    if settings.Network.Gpus |> Option.exists ((<) 0) then
        2
    else
        defaultArg settings.Network.Threads Environment.ProcessorCount

let private planOf (settings: PruneSettings) (device: torch.Device) (model: TrainedModel) (threshold: float32) =
    {
        Device = device
        Model = model
        Threshold = threshold
        BatchGraphs = defaultArg settings.Network.BatchSize (Applying.batchGraphs model.Pruner.Config.Strategy)
        BatchNodes = Applying.batchNodes
        SkipBadGraphs = settings.Reading.SkipBadGraphs
    }

/// Input and output are opened when their first block is due.
let private taskOf settings input options (says: (string * string) list) (target: PruneTarget) =
    let source = lazy opened input target

    {
        Target = target
        Source = source
        Sink = lazy PruneSink.create settings.Write target.Output source.Value says options
    }

let private inputOf (settings: PruneSettings) (source: ModelSource) : InputSettings =
    match settings.Input, source.Run with
    | Some input, _ -> input
    | None, Some(_, chosen) -> chosen.Input
    | None, None -> raise (UsageException "no input: give at least one ROOT file after the model.")

/// Whether a target was written completely by an earlier call with the same metadata.
let private isComplete (settings: PruneSettings) (target: PruneTarget, says: (string * string) list) : bool =
    Finished.isThere
        (ProductionSettings.existing settings.Production)
        (PruneSink.metadataOf settings.Write)
        (Map.ofList says)
        target.Output

let private run (terminal: Terminal) (words: string list) : int =
    let settings = PruneSettings.ofWords File.Exists words
    let source = ModelSource.locate settings.Model settings.Network.Checkpoint

    let input = inputOf settings source

    let targets =
        PruneTargets.find settings input (fun reason -> Terminal.warn terminal $"skipped: {reason}")

    let point = describePoint settings source
    let weights = RunInput.ofFile source.Path
    let says = metadata settings input weights point

    let kept, left =
        [ for target in targets -> target, says target ]
        |> List.partition (isComplete settings)

    if targets.IsEmpty then
        Terminal.warn terminal $"shard {Shard.text settings.Production.Shard} has no file: nothing is written."

    use interruption =
        new Interruption(terminal, "complete files stay, for --resume; those being written are removed")

    let clock = Stopwatch.StartNew()
    let mutable counts = PruneCounts.zero
    let mutable chosen = None

    if not left.IsEmpty then
        let device =
            Session.start
                terminal
                settings.Network.LibTorch
                settings.Network.Arithmetic
                (defaultArg settings.Network.Gpus 0)

        let model = ModelFile.load (Placement.on device settings.Network.Arithmetic) source.Path
        let threshold = choose terminal settings source input device model interruption.Token
        chosen <- Some threshold
        let threads = threadsOf settings
        let plan = planOf settings device model threshold
        let options = Production.writeOptions settings.Production.Compression 1
        let exact (margin: float32) = margin.ToString("R", Globalization.CultureInfo.InvariantCulture)

        let tasks =
            [
                for target, says in left ->
                    taskOf settings input options (says @ [ "prune_threshold_logit", exact threshold ]) target
            ]

        let total = left |> List.sumBy (fun (target, _) -> target.Entries)

        Progress.run terminal total (fun progress ->
            let mutable files = 0

            let written block =
                counts <- PruneCounts.plus counts block

                progress.Report
                    {
                        Stage = $"file {min (files + 1) left.Length}/{left.Length}"
                        Done = counts.Graphs + counts.Skipped
                        Loss = nan
                    }

            let finished target (extra, leftOut) =
                files <- files + 1
                counts <- PruneCounts.plus counts extra
                tellLeftOut terminal target leftOut

            apply plan threads tasks written finished interruption.Token)

    let seconds = clock.Elapsed.TotalSeconds
    show terminal settings (List.map fst left) (List.map fst kept) counts point chosen seconds

    if not left.IsEmpty then
        let perSecond = Say.count (int64 (float counts.Graphs / seconds))
        Terminal.say terminal $"Done in {Say.duration clock.Elapsed}, {perSecond} graphs/s."

    ExitCode.ok

let command: Command =
    Command.create
        PruneSettings.describe
        {
            Verb = "prune"
            Summary = "apply a trained network to files: scores and decisions, or pruned copies"
            Synopsis = "RUN|MODEL [FILE ...] [TRACKSTERS EDGES] --output FILE | --output-dir DIR [options]"
            Explanation =
                "Runs a network over any number of prepared files, labelled or not, and writes one file for each. A ROOT file has a tree \
                 Scores: id, score and decision of each layer cluster, entry by entry. A Parquet file has a row per layer cluster. A copy \
                 is the input without the pruned layer clusters. In a copy ids stay, and a follower of a pruned layer cluster is linked to \
                 the nearest kept one above it. Files stream through memory block by block. Each gets its name when it is complete; its \
                 metadata says which model, working point and input made it."
            Examples =
                [
                    "prune runs/20261123-120000-equilibrium-lstm-none 'data/*.root' --output-dir scores",
                    "score and decision of each layer cluster"
                    "prune runs/best 'data/*.root' --output-dir pruned --write copy --working-point efficiency=0.99",
                    "pruned copies that keep 99 % of the showers' energy"
                    "prune model.safetensors data.root --output data.parquet --write parquet",
                    "rows for pandas, polars or DuckDB"
                    "prune model.safetensors 'data/*.root' --output-dir scores --shard 3/16 --resume",
                    "one job of sixteen; goes on where it was stopped"
                ]
        }
        run
