namespace Pruning.Cli.Runs

open System
open System.IO
open System.Text.Json.Nodes
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.ModelFiles
open Pruning.Model.Training
open Pruning.Model.Logging
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// A run to go on with, locked against other processes. Dispose it to let go.
[<NoEquality; NoComparison>]
type ResumedRun =
    {
        Directory: string
        Checkpoint: Checkpoint
        Lock: IDisposable
    }

    interface IDisposable with
        member this.Dispose() =
            (this.Checkpoint :> IDisposable).Dispose()
            this.Lock.Dispose()

/// Going on with a run: which one, whether the choices allow it, and its records as they were at the checkpoint.
[<RequireQualifiedAccess>]
module Resumption =

    let checkpoints (run: string) : string = Path.Combine(run, "checkpoints")

    /// One process trains in a run at a time. The system lets go of the lock when the process ends, however that is.
    let lockRun (run: string) : IDisposable =
        let path = Path.Combine(run, ".lock")

        try
            new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)
        with :? IOException as error when Directory.Exists run && not (error :? FileNotFoundException) ->
            raise (
                CheckpointException(
                    $"wanted to train in {run} alone, found that another process does, or that {path} cannot be written \
                     ({error.Message}); wait for it, or take another run",
                    error
                )
            )

    /// The newest run under a directory: names begin with the time.
    let tryNewest (runs: string) : string option =
        let found =
            if Directory.Exists runs then
                Directory.GetDirectories runs
                |> Array.filter (fun run -> File.Exists(Path.Combine(run, RunConfig.fileName)))
            else
                [||]

        found
        |> Array.sortBy (fun run -> string (Path.GetFileName run))
        |> Array.tryLast

    /// The word for the newest run.
    [<Literal>]
    let Auto = "auto"

    /// The run that `--resume` means.
    let locate (runs: string) (word: string) : string =
        let run =
            if word <> Auto then
                Path.TrimEndingDirectorySeparator word
            else
                tryNewest runs
                |> Option.defaultWith (fun () ->
                    raise (
                        CheckpointException
                            $"Cannot continue a run (--resume auto): there is none under {runs}. Name its directory, or name files, so \
                             that a run can begin."
                    ))

        if not (File.Exists(Path.Combine(run, RunConfig.fileName))) then
            raise (
                CheckpointException
                    $"wanted the directory of a run, found no {RunConfig.fileName} in {run}; check the path, or use --resume auto"
            )

        run

    let private textOf (fields: (string * (JsonNode | null)) list) (name: string) : string =
        match List.tryFind (fst >> (=) name) fields |> Option.map snd with
        | None -> "nothing"
        | Some(null) -> "null"
        | Some node -> (nonNull node).ToJsonString()

    /// Fields that differ, with the value there and here.
    let private differences there here : (string * string * string) list =
        List.distinct (List.map fst there @ List.map fst here)
        |> List.map (fun name -> name, textOf there name, textOf here name)
        |> List.filter (fun (_, before, now) -> before <> now)

    /// Fields of the network: those of model files, which are all fixed.
    let private modelFields (config: RunConfig) =
        [ for field in ConfigJson.ofPruner config.Settings.Model -> $"model.{field.Key}", field.Value ]

    /// Whether the number of epochs decides what a step does.
    let private needsEpochs (config: RunConfig) =
        LearningRateSchedule.needsTotal config.Settings.Training.Schedule
        || config.Settings.Model.TeacherForcing <> TeacherForcingSchedule.Always

    /// Refuses choices that would change the mathematics of a run; the names of those that change its last digits. The options
    /// say which they are. Files are compared by content, elsewhere.
    let check (run: string) (there: RunConfig) (here: RunConfig) : string list =
        let refuse (name: string, before: string, now: string) (more: string) =
            raise (
                UsageException
                    $"--resume continues {run} with its choices: {name} is {before} there, found {now}{more}. Leave the option out, or \
                     start a new run with --like {run}."
            )

        differences (modelFields there) (modelFields here)
        |> List.iter (fun difference -> refuse difference "")

        [
            for option in TrainSettings.options do
                let found = differences (RunConfig.fieldsOf there option) (RunConfig.fieldsOf here option)

                match option.Info.Resume, found with
                | _, [] -> ()
                | Resume.Fixed, first :: _ -> refuse first ""
                | Resume.MayChange, first :: _ ->
                    if option.Info.Name = "--epochs" && needsEpochs there then
                        refuse first ", and its schedule counts to the last epoch"
                | Resume.MayRound, found ->
                    for name, _, _ in found do
                        name
        ]

    /// Refuses files whose content is not that on which the run began.
    let checkFiles (run: string) (files: RunInput list) : unit =
        let known = RunConfig.readHashes run

        if known <> [ for file in files -> file.Sha256 ] then
            let names = files |> List.map _.Path |> String.concat ", "

            raise (
                Pruning.Data.Errors.DataException
                    $"wanted the {known.Length} files on which {run} began (their SHA-256 is in its run.json), found another content in \
                     {names}; give the same files in the same order, or begin a new run with --like {run}."
            )

    /// Locks a run, clears what a killed process left half-written, and reads its newest checkpoint that can be used; its network
    /// goes to the place that is given. Damaged ones are warned of.
    let openRun (terminal: Terminal) (placement: Placement) (run: string) : ResumedRun =
        let held = lockRun run

        try
            AtomicFile.removeLeftovers run
            CheckpointStore.clean (checkpoints run)

            let damaged (error: CheckpointException) =
                Terminal.warn terminal $"{error.Message}. Taking the checkpoint before it."

            match CheckpointStore.loadNewest placement (checkpoints run) damaged with
            | Some checkpoint ->
                {
                    Directory = run
                    Checkpoint = checkpoint
                    Lock = held
                }
            | None ->
                raise (
                    CheckpointException
                        $"wanted a checkpoint to go on from in {checkpoints run}, found none that can be used; begin again with --like \
                         {run}"
                )
        with _ ->
            held.Dispose()
            reraise ()

    /// Takes the records of steps and epochs that will be done again out of metrics.jsonl and the event files.
    let cutRecords (resumed: ResumedRun) : unit =
        let progress = resumed.Checkpoint.Progress
        RunLog.Cut(resumed.Directory, fun line -> line.Epoch < progress.Epoch && line.Split <> "test")

        // Within an epoch the checkpoint's last step stays; the end of the epoch, at the same step, is to come.
        let ofStep (event: Tensorboard.Event) =
            event.Summary |> isNull |> not
            && event.Summary.Value
               |> Seq.forall _.Tag.StartsWith("step/", StringComparison.Ordinal)

        // Written at the very end, at the step of the best epoch: the end will come again.
        let ofEnd (event: Tensorboard.Event) =
            event.Summary |> isNull |> not
            && event.Summary.Value
               |> Seq.exists (fun value ->
                   value.Tag.StartsWith("test/", StringComparison.Ordinal)
                   || value.Tag.StartsWith("tracksters/", StringComparison.Ordinal))

        let keep (event: Tensorboard.Event) =
            not (ofEnd event)
            && (event.Step < progress.GlobalStep
                || event.Step = progress.GlobalStep && (progress.Step = 0 || ofStep event))

        for path in Directory.GetFiles(resumed.Directory, "events.out.tfevents.*") do
            EventFile.cut path keep
