namespace Pruning.Cli.Tune


/// Where a job stands.
[<RequireQualifiedAccess>]
type JobStatus =
    /// Given back: to be done again.
    | Free
    | Held of owner: string
    | Over of JobOutcome * run: string * seconds: float

type JobState =
    {
        Status: JobStatus
        /// The process that trains it, if one has been started.
        Process: string option
        /// How often its training was ended by something else than the study.
        Losses: int
    }

/// What the lines of a log say together. Jobs that nobody has claimed yet are not in it.
type StudyState = Map<Job, JobState>

/// What a worker should do now.
[<RequireQualifiedAccess>]
type NextAction =
    /// Claim a job, from a dead owner perhaps.
    | Take of Job * from: string option
    /// Others are at work on what is left: look again later.
    | Wait
    /// Nothing is left to do.
    | Finished

/// The rules of a study. Pure: the log is the only memory, and every process that reads it comes to the same state.
[<RequireQualifiedAccess>]
module StudyState =

    /// A training that was ended from outside so often is not tried again.
    let maxLosses = 3

    let private holds (owner: string) (state: JobState) : bool = state.Status = JobStatus.Held owner

    /// The state after one more line. Lines of owners who no longer hold a job change nothing: of two that claim one job the
    /// first has it, and nothing is finished twice.
    let after (state: StudyState) (event: StudyEvent) : StudyState =
        let update job change =
            match Map.tryFind job state with
            | Some current -> Map.add job (change current) state
            | None -> state

        match event with
        | StudyEvent.Heartbeat _ -> state
        | StudyEvent.Claim(job, owner, from) ->
            let held losses =
                {
                    Status = JobStatus.Held owner
                    Process = None
                    Losses = losses
                }

            match Map.tryFind job state, from with
            | None, _ -> Map.add job (held 0) state
            | Some({ Status = JobStatus.Free } as current), _ -> Map.add job (held current.Losses) state
            | Some({ Status = JobStatus.Held holder } as current), Some from when holder = from ->
                Map.add job (held current.Losses) state
            | Some _, _ -> state
        | StudyEvent.Started(job, owner, id) ->
            update job (fun current -> if holds owner current then { current with Process = Some id } else current)
        | StudyEvent.Release(job, owner, lost) ->
            update job (fun current ->
                if not (holds owner current) then
                    current
                else
                    let losses = if lost then current.Losses + 1 else current.Losses

                    {
                        Status =
                            if losses >= maxLosses then
                                JobStatus.Over(JobOutcome.Failed $"ended from outside {losses} times", "", nan)
                            else
                                JobStatus.Free
                        Process = None
                        Losses = losses
                    })
        | StudyEvent.Finish(job, owner, outcome, run, seconds) ->
            update job (fun current ->
                if holds owner current then
                    { current with
                        Status = JobStatus.Over(outcome, run, seconds)
                    }
                else
                    current)

    let ofEvents (events: StudyEvent list) : StudyState = events |> List.fold after Map.empty

    /// Whether an owner has a job by now.
    let isHeldBy (owner: string) (job: Job) (state: StudyState) : bool =
        Map.tryFind job state |> Option.exists (holds owner)

    /// The jobs that a finished rung ranks: best first; what failed or was never defined comes last.
    let ranking (plan: StudyPlan) (rung: int) (state: StudyState) : Job list =
        let sign = if StudyPlan.isLowerBetter plan.Metric then 1.0 else -1.0

        [
            for KeyValue(job, current) in state do
                match current.Status with
                | JobStatus.Over(JobOutcome.Done value, _, _) when job.Rung = rung ->
                    (if System.Double.IsNaN value then infinity else sign * value), job
                | JobStatus.Over(JobOutcome.Failed _, _, _) when job.Rung = rung -> infinity, job
                | _ -> ()
        ]
        |> List.sortBy (fun (cost, job) -> cost, job.Trial)
        |> List.map snd

    let private hasFailed (state: StudyState) (job: Job) : bool =
        match state[job].Status with
        | JobStatus.Over(JobOutcome.Done value, _, _) -> System.Double.IsNaN value
        | _ -> true

    /// The next job of one that has come far enough: the highest rung first (algorithm 2 of Li et al.).
    let private promotion (plan: StudyPlan) (state: StudyState) : Job option =
        let top = (StudyPlan.rungs plan).Length - 1

        [ top - 1 .. -1 .. 0 ]
        |> List.tryPick (fun rung ->
            let ranked = ranking plan rung state

            ranked
            |> List.truncate (ranked.Length / StudyPlan.eta plan)
            |> List.filter (fun job -> not (hasFailed state job))
            |> List.map (fun job -> { job with Rung = rung + 1 })
            |> List.tryFind (fun job -> not (Map.containsKey job state)))

    let private firstNew (plan: StudyPlan) (state: StudyState) : Job option =
        Seq.init plan.Trials (fun trial -> { Trial = trial; Rung = 0 })
        |> Seq.tryFind (fun job -> not (Map.containsKey job state))

    /// What a worker should do. Work of the dead comes first, then what was given back, promotions, new trials.
    let next (plan: StudyPlan) (isDead: string -> bool) (state: StudyState) : NextAction =
        let orphan =
            state
            |> Map.tryPick (fun job current ->
                match current.Status with
                | JobStatus.Held owner when isDead owner -> Some(NextAction.Take(job, Some owner))
                | _ -> None)

        let free =
            state
            |> Map.tryPick (fun job current -> if current.Status = JobStatus.Free then Some job else None)

        match orphan with
        | Some step -> step
        | None ->
            match
                free
                |> Option.orElseWith (fun () -> promotion plan state)
                |> Option.orElseWith (fun () -> firstNew plan state)
            with
            | Some job -> NextAction.Take(job, None)
            | None ->
                let isHeld _ (current: JobState) =
                    match current.Status with
                    | JobStatus.Held _ -> true
                    | _ -> false

                if Map.exists isHeld state then NextAction.Wait else NextAction.Finished
