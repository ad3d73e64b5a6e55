namespace Pruning.Cli.Tune

open System
open System.Diagnostics
open System.IO
open System.Threading
open System.Threading.Tasks
open Pruning.Cli.Framework
open Pruning.Data.Errors
open Pruning.Native.Errors

/// How this process works on a study.
[<NoComparison; NoEquality>]
type StudySurroundings =
    {
        /// study.json, log.jsonl, trials/, logs/.
        Directory: string
        Workers: int
        /// A GPU for each worker, by its number; empty = CPU.
        Devices: int list
        /// Words of `train` that take no value.
        IsFlag: string -> bool
        Say: string -> unit
    }

/// Workers that take jobs from a log until none is left.
[<RequireQualifiedAccess>]
module Study =

    let runsOf (directory: string) = Path.Combine(directory, "trials")

    let private logOf (directory: string) (job: Job) = Path.Combine(directory, "logs", StudyPlan.nameOf job + ".log")

    let private heartbeatEvery = TimeSpan.FromSeconds 30.0

    /// Silence after which the process of another machine counts as dead.
    let private timeout = TimeSpan.FromMinutes 5.0

    let private pollEvery = TimeSpan.FromSeconds 1.0

    /// What one step of a worker needs.
    [<NoComparison; NoEquality>]
    type private Desk =
        {
            Plan: StudyPlan
            Around: StudySurroundings
            EventLog: EventLogFile
            Heartbeats: Heartbeats
            Stop: CancellationToken
        }

    /// Takes the next job, if there is one that nobody else takes at the same moment.
    let private tryTake (desk: Desk) : NextAction * StudyState =
        let seen = ref (NextAction.Wait, Map.empty)

        let decide events =
            let state = StudyState.ofEvents events

            let step =
                lock desk.Heartbeats (fun () ->
                    desk.Heartbeats.Look events
                    StudyState.next desk.Plan desk.Heartbeats.IsDead state)

            seen.Value <- step, state

            match step with
            | NextAction.Take(job, from) -> [ StudyEvent.Claim(job, Owner.me.Value, from) ]
            | NextAction.Wait
            | NextAction.Finished -> []

        let afterwards = StudyState.ofEvents (desk.EventLog.Update decide)

        match seen.Value with
        | NextAction.Take(job, _), state when not (StudyState.isHeldBy Owner.me.Value job afterwards) ->
            NextAction.Wait, state
        | decided -> decided

    let private finish (desk: Desk) (job: Job) (outcome: JobOutcome) (run: string) (seconds: float) : unit =
        desk.EventLog.Add [ StudyEvent.Finish(job, Owner.me.Value, outcome, run, seconds) ]
        let name = StudyPlan.nameOf job

        match outcome with
        | JobOutcome.Done value ->
            let epochs = List.item job.Rung (StudyPlan.rungs desk.Plan)
            desk.Around.Say $"{name}: {desk.Plan.Metric.Title} {Say.number value} after {StudyPlan.epochsText epochs}."
        | JobOutcome.Failed reason -> desk.Around.Say $"{name} failed: {reason}"

    let private outcomeOf (desk: Desk) (found: RunFound) : JobOutcome =
        JobOutcome.Done(TrialResult.best desk.Plan.Metric found.Directory)

    let private nameOfRun (found: RunFound) : string = string (Path.GetFileName found.Directory)

    /// A training that came to its end while its study did not: its result counts, and nothing is done twice.
    let private tryAdopt (desk: Desk) (job: Job) : bool =
        match
            TrialResult.find (runsOf desk.Around.Directory) job
            |> List.tryFind (fun found -> found.Exit = Some ExitCode.ok)
        with
        | Some found ->
            finish desk job (outcomeOf desk found) (nameOfRun found) found.Seconds
            true
        | None -> false

    /// A run of a job that was stopped or killed after it had saved itself: it goes on from there.
    let private tryStopped (directory: string) (job: Job) : RunFound option =
        let hasCheckpoint (found: RunFound) =
            let checkpoints = Path.Combine(found.Directory, "checkpoints")

            Directory.Exists checkpoints
            && not (Seq.isEmpty (Directory.EnumerateDirectories checkpoints))

        TrialResult.find (runsOf directory) job
        |> List.tryHead
        |> Option.filter (fun found ->
            match found.Exit with
            | None -> hasCheckpoint found
            | Some code -> (code = ExitCode.saved || code = ExitCode.interrupted) && hasCheckpoint found)

    /// What fails the first training fails all: the words, the data, the device. A study that has results goes on.
    let private stopIfHopeless (desk: Desk) (job: Job) (code: int) (sentence: string) : unit =
        let hasResult =
            desk.EventLog.Read()
            |> List.exists (function
                | StudyEvent.Finish(_, _, JobOutcome.Done _, _, _) -> true
                | _ -> false)

        if
            not hasResult
            && List.contains code [ ExitCode.usage; ExitCode.data; ExitCode.device ]
        then
            desk.EventLog.Add [ StudyEvent.Release(job, Owner.me.Value, false) ]
            let text = $"{StudyPlan.nameOf job} cannot be trained, nor could others: {sentence}"

            if code = ExitCode.data then raise (DataException text)
            elif code = ExitCode.device then raise (DeviceException text)
            else raise (UsageException text)

    /// Trains, from the checkpoints of a stopped run if there is one, and notes what came out.
    let rec private workFrom (stopped: RunFound option) (desk: Desk) (worker: int) (job: Job) : unit =
        let directory = desk.Around.Directory
        let log = logOf directory job
        let clock = Stopwatch.StartNew()

        let words =
            match stopped with
            | Some found -> [ "train"; "--resume"; found.Directory; "--quiet" ]
            | None ->
                [ "train" ]
                @ StudyPlan.trainArguments desk.Around.IsFlag desk.Plan job
                @ [ "--runs"; runsOf directory; "--name"; StudyPlan.nameOf job; "--quiet" ]

        let environment =
            match desk.Around.Devices with
            | [] -> []
            | devices -> [ "CUDA_VISIBLE_DEVICES", string devices[worker % devices.Length] ]

        use running = TrialProcess.start log environment words

        match Owner.tryOfProcess running.Id with
        | Some id -> desk.EventLog.Add [ StudyEvent.Started(job, Owner.me.Value, id) ]
        | None -> ()

        use _stopping = desk.Stop.Register(fun () -> TrialProcess.stop running)
        running.WaitForExit()
        let newest = TrialResult.find (runsOf directory) job |> List.tryHead
        let run = newest |> Option.map nameOfRun |> Option.defaultValue ""

        match running.ExitCode, newest with
        | 0, Some found -> finish desk job (outcomeOf desk found) run found.Seconds
        // Checkpoints that cannot be used: from the start.
        | code, _ when code = ExitCode.checkpoint && stopped.IsSome -> workFrom None desk worker job
        | code, _ when code > 128 || code = ExitCode.saved ->
            let lost = not desk.Stop.IsCancellationRequested
            desk.EventLog.Add [ StudyEvent.Release(job, Owner.me.Value, lost) ]

            if lost then
                desk.Around.Say $"{StudyPlan.nameOf job} was ended from outside (exit code {code}); see {log}"
        | code, _ ->
            let sentence = TrialProcess.lastLine log
            stopIfHopeless desk job code sentence
            let reason = $"exit code {code}: {sentence}"
            finish desk job (JobOutcome.Failed reason) run clock.Elapsed.TotalSeconds

    let private endOrphan (state: StudyState) (job: Job) : unit =
        Map.tryFind job state
        |> Option.bind _.Process
        |> Option.iter TrialProcess.endOrphan

    let rec private workLoop (desk: Desk) (worker: int) : unit =
        if not desk.Stop.IsCancellationRequested then
            match tryTake desk with
            | NextAction.Finished, _ -> ()
            | NextAction.Wait, _ ->
                desk.Stop.WaitHandle.WaitOne pollEvery |> ignore
                workLoop desk worker
            | NextAction.Take(job, from), before ->
                if from.IsSome then
                    endOrphan before job

                if not (tryAdopt desk job) then
                    workFrom (tryStopped desk.Around.Directory job) desk worker job

                workLoop desk worker

    /// Works until nothing is left to do or `stop` is set. Gives back the state then.
    let run (plan: StudyPlan) (around: StudySurroundings) (stop: CancellationToken) : StudyState =
        Directory.CreateDirectory(Path.Combine(around.Directory, "logs")) |> ignore
        Directory.CreateDirectory(runsOf around.Directory) |> ignore
        let log = EventLogFile(Path.Combine(around.Directory, EventLog.fileName), TimeProvider.System)
        // A worker that fails takes the others with it: a disk that is full is full for all.
        use failing = CancellationTokenSource.CreateLinkedTokenSource stop

        let desk =
            {
                Plan = plan
                Around = around
                EventLog = log
                Heartbeats = Heartbeats(timeout, TimeProvider.System)
                Stop = failing.Token
            }

        use _pulse =
            new Timer(
                (fun _ ->
                    try
                        log.Add [ StudyEvent.Heartbeat Owner.me.Value ]
                    with :? IOException ->
                        ()),
                null,
                heartbeatEvery,
                heartbeatEvery
            )

        let worker (index: int) : Task =
            let action () =
                try
                    workLoop desk index
                with _ ->
                    failing.Cancel()
                    reraise ()

            Task.Factory.StartNew(Action action, TaskCreationOptions.LongRunning)

        Task.WaitAll(Array.init around.Workers worker)
        StudyState.ofEvents (log.Read())
