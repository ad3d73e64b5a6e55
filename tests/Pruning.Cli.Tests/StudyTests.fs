/// The rules of a study without processes: spaces, event logs, and what becomes of them under crashes.
module Pruning.Tests.Cli.StudyTests

open System
open System.IO
open Expecto
open FsCheck
open Pruning.Model.Metrics
open Pruning.Cli.Framework
open Pruning.Cli.Tune
open Pruning.Tests.Cli.ValuesTests

let private grid words = words |> List.map Space.ofGrid

let private plan: StudyPlan =
    {
        Method = SearchMethod.Grid
        Space = grid [ "aggregator=lstm,gru"; "memory=none,gru,lstm" ]
        Trials = 6
        Seed = 42L
        Metric = Metrics.averagePrecision
        TrainArguments = [ "data.root"; "--hidden-dim"; "8" ]
        Epochs = 9
        Threads = 1
    }

let private asha trials eta epochs =
    { plan with
        Method = SearchMethod.Asha(eta, 1)
        Space = [ Space.ofUniform "learning-rate=0:1" ]
        Trials = trials
        Epochs = epochs
    }

let private spaces =
    testList
        "spaces"
        [
            test "a grid has every combination once, the last option changing fastest" {
                let trials = List.init 6 (StudyPlan.values plan)
                Expect.hasLength (List.distinct trials) 6 "all"
                Expect.equal trials[0] [ "aggregator", "lstm"; "memory", "none" ] "first"
                Expect.equal trials[1] [ "aggregator", "lstm"; "memory", "gru" ] "second"
                Expect.equal trials[5] [ "aggregator", "gru"; "memory", "lstm" ] "last"
            }

            testProperty
                "trials are drawn within their ranges, by seed and number alone"
                (fun (seed: int64) (NonNegativeInt trial) ->
                    let space =
                        [
                            Space.ofUniform "dropout=0.1:0.5"
                            Space.ofLogUniform "learning-rate=1e-4:1e-2"
                            Space.ofInteger "rounds=1:4"
                            Space.ofGrid "memory=none,gru"
                        ]

                    let values = Space.random seed space trial

                    Expect.equal
                        (Space.random seed (List.rev space) trial)
                        (List.rev values)
                        "whatever else is in the space"

                    let number name = float (values |> List.find (fst >> (=) name) |> snd)
                    // Values are written with six digits.
                    let within low high x = x >= low * (1.0 - 1e-5) && x <= high * (1.0 + 1e-5)
                    Expect.isTrue (within 0.1 0.5 (number "dropout")) "uniform"
                    Expect.isTrue (within 1e-4 1e-2 (number "learning-rate")) "log-uniform"
                    Expect.isTrue (List.contains (number "rounds") [ 1.0; 2.0; 3.0; 4.0 ]) "integer")

            test "draws fill their range evenly, in powers where asked" {
                let share low high name =
                    let drawn =
                        [
                            for trial in 0..999 ->
                                Space.random 7L [ Space.ofLogUniform "a=1e-4:1"; Space.ofInteger "b=1:4" ] trial
                                |> List.find (fst >> (=) name)
                                |> snd
                                |> float
                        ]

                    float (drawn |> List.filter (fun x -> x >= low && x < high) |> List.length)
                    / 1000.0

                // Four standard deviations of a share of a quarter among 1000.
                for low in [ 1e-4; 1e-3; 1e-2; 1e-1 ] do
                    Expect.isLessThan (abs (share low (10.0 * low) "a" - 0.25)) 0.055 $"from {low}"

                for whole in [ 1.0; 2.0; 3.0; 4.0 ] do
                    Expect.isLessThan (abs (share whole (whole + 1.0) "b" - 0.25)) 0.055 $"{whole}"
            }

            test "a space is read from JSON and written so" {
                let text =
                    """{ "memory": ["none", "gru"], "hidden_dim": [8, 16], "class-weight": ["1,20", "1,50"], "residual": [true, false],
                         "learning-rate": { "log-uniform": [1e-4, 0.01] }, "dropout": { "uniform": [0, 0.5] }, "rounds": { "integer": [1, 4] } }"""

                let space = Space.ofJson "space.json" text

                Expect.equal
                    (space |> List.map _.Name)
                    [ "memory"; "hidden-dim"; "class-weight"; "residual"; "learning-rate"; "dropout"; "rounds" ]
                    "names"

                Expect.equal space[1].Domain (Domain.Choice [ "8"; "16" ]) "numbers as they are written"
                Expect.equal space[4].Domain (Domain.LogUniform(1e-4, 0.01)) "range"
                Expect.equal (Space.ofJson "again" ((Space.toJson space).ToJsonString())) space "round trip"
            }

            test "values become words of train, flags with or without" {
                let isFlag = (=) "residual"

                Expect.equal
                    (Space.words isFlag [ "memory", "gru"; "residual", "on" ])
                    [ "--memory=gru"; "--residual" ]
                    "on"

                Expect.equal (Space.words isFlag [ "residual", "false" ]) [] "off"
                Expect.throwsT<UsageException> (fun () -> Space.words isFlag [ "residual", "3" ] |> ignore) "neither"
            }

            test "what is no space is refused with what was found" {
                let refused (parts: string list) (action: unit -> 'a) =
                    let sentence = refusal (fun () -> action () |> ignore)

                    for part in parts do
                        Expect.stringContains sentence part "sentence"

                refused [ "--grid"; "memory" ] (fun () -> Space.ofGrid "memory")
                refused [ "--grid"; "different values" ] (fun () -> Space.ofGrid "memory=gru,gru")
                refused [ "--uniform"; "LOW:HIGH" ] (fun () -> Space.ofUniform "dropout=0.1")
                refused [ "low end is below" ] (fun () -> Space.ofUniform "dropout=0.5:0.1")
                refused [ "--log-uniform"; "above 0" ] (fun () -> Space.ofLogUniform "learning-rate=0:0.1")
                refused [ "--integer"; "whole number" ] (fun () -> Space.ofInteger "rounds=1:2.5")

                for json in
                    [
                        "[]"
                        "{"
                        """{"a": 3}"""
                        """{"a": []}"""
                        """{"a": {"normal": [0, 1]}}"""
                        """{"a": {"uniform": [1]}}"""
                    ] do
                    refused [ "--space wants"; "space.json" ] (fun () -> Space.ofJson "space.json" json)
            }

            test "rungs of successive halving grow by eta up to all epochs" {
                let rungs eta epochs = StudyPlan.rungs (asha 9 eta epochs)
                Expect.equal (rungs 3 9) [ 1; 3; 9 ] "powers"
                Expect.equal (rungs 3 10) [ 1; 3; 9; 10 ] "and the rest"
                Expect.equal (rungs 2 1) [ 1 ] "one epoch"
                Expect.equal (StudyPlan.rungs plan) [ 9 ] "a grid has one"
            }

            test "a plan is kept, read back, and not mixed up with another" {
                Run.inTemporaryDirectory (fun directory ->
                    for plan in [ plan; asha 9 3 81 ] do
                        let study = Path.Combine(directory, string plan.Trials)
                        StudyPlan.keep study plan
                        Expect.equal (StudyPlan.read (Path.Combine(study, StudyPlan.fileName))) plan "read back"
                        StudyPlan.keep study plan

                        Expect.throwsT<UsageException>
                            (fun () -> StudyPlan.keep study { plan with Seed = 43L })
                            "another seed")
            }
        ]

let private job trial = { Trial = trial; Rung = 0 }

let private eventLogs =
    testList
        "event logs"
        [
            test "events come back from their lines" {
                let events =
                    [
                        StudyEvent.Claim(job 3, "host/1/2", None)
                        StudyEvent.Claim({ Trial = 3; Rung = 2 }, "host/1/2", Some "host/3/4")
                        StudyEvent.Started(job 3, "host/1/2", "host/5/6")
                        StudyEvent.Release(job 3, "host/1/2", true)
                        StudyEvent.Finish(job 3, "host/1/2", JobOutcome.Done 0.25, "run \"x\"\n", 1.5)
                        StudyEvent.Finish(job 3, "host/1/2", JobOutcome.Failed "why", "", 2.5)
                        StudyEvent.Heartbeat "host/1/2"
                    ]

                let text = events |> List.map (EventLog.toLine "now") |> EventLog.addition ""
                Expect.equal (EventLog.parse text) events "events"
                Expect.equal (text.Split('\n').Length) (events.Length + 1) "one line each"

                match
                    EventLog.tryParse (
                        EventLog.toLine "now" (StudyEvent.Finish(job 0, "o", JobOutcome.Done nan, "", nan))
                    )
                with
                | Some(StudyEvent.Finish(_, _, JobOutcome.Done value, _, seconds)) ->
                    Expect.isTrue (Double.IsNaN value && Double.IsNaN seconds) "nan"
                | other -> failtest $"{other}"
            }

            test "a line that was cut short counts nowhere, and does not spoil the next one" {
                let first = EventLog.toLine "now" (StudyEvent.Claim(job 0, "a/1/1", None))
                let second = EventLog.toLine "now" (StudyEvent.Claim(job 1, "a/1/1", None))

                for cut in 0 .. first.Length - 1 do
                    let half = first.Substring(0, cut)
                    Expect.equal (EventLog.parse half) [] "unfinished"

                    Expect.equal
                        (EventLog.parse (half + EventLog.addition half [ second ]))
                        [ StudyEvent.Claim(job 1, "a/1/1", None) ]
                        $"cut at {cut}"
            }

            test "of two who claim a job the first has it, and only its holder finishes it" {
                let state =
                    StudyState.ofEvents
                        [
                            StudyEvent.Claim(job 0, "a", None)
                            StudyEvent.Claim(job 0, "b", None)
                            StudyEvent.Finish(job 0, "b", JobOutcome.Done 1.0, "", 1.0)
                            StudyEvent.Claim(job 0, "c", Some "b")
                        ]

                Expect.isTrue (StudyState.isHeldBy "a" (job 0) state) "the first one"
                let taken = StudyState.after state (StudyEvent.Claim(job 0, "c", Some "a"))
                Expect.isTrue (StudyState.isHeldBy "c" (job 0) taken) "taken over"
            }

            test "a training that is ended from outside three times is given up" {
                let once = [ StudyEvent.Claim(job 0, "a", None); StudyEvent.Release(job 0, "a", true) ]

                let single =
                    { plan with
                        Trials = 1
                        Space = grid [ "memory=gru" ]
                    }

                let next events = StudyState.next single (fun _ -> false) (StudyState.ofEvents events)
                Expect.equal (next (once @ once)) (NextAction.Take(job 0, None)) "again"
                Expect.equal (next (once @ once @ once)) NextAction.Finished "given up"
                // What a study gives back itself does not count.
                let interrupted = [ StudyEvent.Claim(job 0, "a", None); StudyEvent.Release(job 0, "a", false) ]

                Expect.equal
                    (next (List.replicate 9 interrupted |> List.concat))
                    (NextAction.Take(job 0, None))
                    "for ever"
            }

            test "an event log is appended to by many at once without loss" {
                Run.inTemporaryDirectory (fun directory ->
                    let path = Path.Combine(directory, EventLog.fileName)
                    File.WriteAllText(path, "{\"event\":\"cla") // what a crash left

                    // Each with a file of its own, as processes have.
                    Array.Parallel.iter
                        (fun writer ->
                            let log = EventLogFile(path, TimeProvider.System)

                            for trial in 0..19 do
                                log.Add [ StudyEvent.Claim(job (100 * writer + trial), $"h/{writer}/0", None) ])
                        [| 0..3 |]

                    let claims = EventLogFile(path, TimeProvider.System).Read()

                    let expected =
                        Set.ofList
                            [
                                for writer in 0..3 do
                                    for trial in 0..19 -> job (100 * writer + trial)
                            ]

                    let found =
                        claims
                        |> List.choose (function
                            | StudyEvent.Claim(job, _, _) -> Some job
                            | _ -> None)

                    Expect.equal found.Length 80 "lines"
                    Expect.equal (Set.ofList found) expected "all")
            }

            test "owners are alive, dead, or of another machine" {
                let me = Owner.me.Value
                Expect.equal (Owner.isAlive me) (Some true) "this process"
                let parts = me.Split '/'
                Expect.equal (Owner.isAlive $"{parts[0]}/{parts[1]}/later") (Some false) "another process of the number"
                Expect.equal (Owner.isAlive $"{parts[0]}/4194305/{parts[2]}") (Some false) "no such process"
                Expect.equal (Owner.isAlive $"elsewhere/{parts[1]}/{parts[2]}") None "another machine's"
            }

            test "another machine's owner is dead when its signs of life no longer come" {
                let mutable now = 0L

                let clock =
                    { new TimeProvider() with
                        override _.GetTimestamp() = now
                        override _.TimestampFrequency = 1L
                    }

                let heartbeats = Heartbeats(TimeSpan.FromSeconds 60.0, clock)
                let beats n = List.replicate n (StudyEvent.Heartbeat "elsewhere/1/1")
                heartbeats.Look(beats 1)
                now <- 50L
                heartbeats.Look(beats 2)
                now <- 100L
                heartbeats.Look(beats 2)
                Expect.isFalse (heartbeats.IsDead "elsewhere/1/1") "50 s of silence"
                now <- 111L
                Expect.isTrue (heartbeats.IsDead "elsewhere/1/1") "61 s of silence"
                heartbeats.Look(beats 3)
                Expect.isFalse (heartbeats.IsDead "elsewhere/1/1") "it was slow"
                Expect.isFalse (heartbeats.IsDead "elsewhere/2/2") "never seen: not yet"
            }
        ]

/// What a simulated process is at. Each phase is one moment at which it may be killed.
type private Phase =
    | Idle
    | Claiming of Job * from: string option
    | Verifying of Job
    | Training of Job
    | Trained of Job

type private Worker = { Owner: string; Phase: Phase }

/// Some machines and their shared disk.
type private World =
    {
        EventLog: string
        /// Trainings that came to their end, as their run directories tell; how often each did.
        Completed: Map<Job, int>
        Alive: Worker list
        Born: int
        /// What the log says up to this place of it: reading it all at every step would take most of the test's time.
        State: StudyState
        ReadTo: int
    }

/// Reads what has been added to the log since.
let private look (world: World) : World =
    let stop = world.EventLog.LastIndexOf '\n' + 1
    let added = EventLog.parse (world.EventLog.Substring(world.ReadTo, stop - world.ReadTo))

    { world with
        State = List.fold StudyState.after world.State added
        ReadTo = stop
    }

let private valueOf (job: Job) : float = float ((job.Trial * 7919 + 13) % 101) / 101.0

let private append (world: World) (event: StudyEvent) =
    { world with
        EventLog = world.EventLog + EventLog.addition world.EventLog [ EventLog.toLine "t" event ]
    }

let private finishing (job: Job) (owner: string) =
    StudyEvent.Finish(job, owner, JobOutcome.Done(valueOf job), "run", 1.0)

/// The event that a worker is about to write, if its phase is one of writing.
let private pending (worker: Worker) : StudyEvent option =
    match worker.Phase with
    | Claiming(job, from) -> Some(StudyEvent.Claim(job, worker.Owner, from))
    | Trained job -> Some(finishing job worker.Owner)
    | Idle
    | Verifying _
    | Training _ -> None

/// One phase of a worker. Reading and writing are apart, as on a file system without locks: others may come between.
let private advance (plan: StudyPlan) (world: World) (worker: Worker) : World * Phase =
    let world = look world
    let state = world.State
    let isDead owner = world.Alive |> List.forall (fun other -> other.Owner <> owner)

    match worker.Phase with
    | Idle ->
        match StudyState.next plan isDead state with
        | NextAction.Take(job, from) -> world, Claiming(job, from)
        | NextAction.Wait
        | NextAction.Finished -> world, Idle
    | Claiming(job, _) -> append world (pending worker).Value, Verifying job
    | Verifying job when not (StudyState.isHeldBy worker.Owner job state) -> world, Idle
    | Verifying job when world.Completed.ContainsKey job -> world, Trained job // adopted
    | Verifying job -> world, Training job
    | Training job ->
        let times = world.Completed |> Map.tryFind job |> Option.defaultValue 0

        { world with
            Completed = Map.add job (times + 1) world.Completed
        },
        Trained job
    | Trained _ -> append world (pending worker).Value, Idle

let private born (world: World) : World =
    { world with
        Alive =
            world.Alive
            @ [
                {
                    Owner = $"host/{world.Born}/0"
                    Phase = Idle
                }
            ]
        Born = world.Born + 1
    }

/// What happens next, by a random number: somebody takes a step, is killed (in the middle of a line perhaps), or is interrupted,
/// or a new process comes.
let private happen (plan: StudyPlan) (world: World) (chance: int) : World =
    let chance = abs (chance % 1_000_000)

    if world.Alive.IsEmpty || chance % 20 = 0 && world.Alive.Length < 4 then
        born world
    else
        let index = chance / 100 % world.Alive.Length
        let worker = world.Alive[index]
        let others = List.removeAt index world.Alive

        match chance % 20 with
        | 1
        | 2 ->
            let half =
                match pending worker with
                | None -> ""
                | Some event ->
                    let line = EventLog.addition world.EventLog [ EventLog.toLine "t" event ]
                    line.Substring(0, chance / 400 % (line.Length + 1))

            { world with
                Alive = others
                EventLog = world.EventLog + half
            }
        | 3 ->
            match worker.Phase with
            | Training job ->
                { append world (StudyEvent.Release(job, worker.Owner, false)) with
                    Alive = others
                }
            | _ -> { world with Alive = others }
        | _ ->
            let world, phase = advance plan world worker

            { world with
                Alive = List.updateAt index { worker with Phase = phase } world.Alive
            }

/// Everybody is killed; one process does what is left.
let private complete (plan: StudyPlan) (world: World) : World =
    let rec go (world: World) steps =
        let worker = List.exactlyOne world.Alive
        let state = (look world).State

        if
            worker.Phase = Idle
            && StudyState.next plan (fun _ -> false) state = NextAction.Finished
        then
            world
        elif steps = 0 then
            failtest $"does not come to an end:\n{world.EventLog}"
        else
            let world, phase = advance plan world worker

            go
                { world with
                    Alive = [ { worker with Phase = phase } ]
                }
                (steps - 1)

    go (born { world with Alive = [] }) 2_000

let private start =
    {
        EventLog = ""
        Completed = Map.empty
        Alive = []
        Born = 0
        State = Map.empty
        ReadTo = 0
    }

/// How often a job came to be over: lines that changed the state.
let private endings (log: string) : Map<Job, int> =
    ((Map.empty, Map.empty), EventLog.parse log)
    ||> List.fold (fun (state: StudyState, counts) event ->
        let next = StudyState.after state event

        match event with
        | StudyEvent.Finish(job, _, _, _, _) when next <> state ->
            next, Map.change job (fun count -> Some(1 + defaultArg count 0)) counts
        | _ -> next, counts)
    |> snd

let private crashes =
    testList
        "crashes"
        [
            for name, plan in [ "a grid", plan; "successive halving", asha 13 2 8 ] do
                testPropertyWithConfig
                    { FsCheckConfig.defaultConfig with
                        maxTest = 200
                        endSize = 400
                    }
                    $"no trial of {name} is lost or done twice, wherever processes are killed"
                    (fun (chances: int list) ->
                        let world = chances |> List.fold (happen plan) start |> complete plan
                        let state = StudyState.ofEvents (EventLog.parse world.EventLog)

                        for trial in 0 .. plan.Trials - 1 do
                            Expect.isTrue (state.ContainsKey(job trial)) $"trial {trial} is there"

                        for KeyValue(job, current) in state do
                            Expect.equal
                                current.Status
                                (JobStatus.Over(JobOutcome.Done(valueOf job), "run", 1.0))
                                $"{job} is over, with its value"

                            Expect.equal (Map.tryFind job world.Completed) (Some 1) $"{job} was trained once"

                        Expect.isTrue (endings world.EventLog |> Map.forall (fun _ count -> count = 1)) "noted once"
                        Expect.equal (endings world.EventLog).Count state.Count "all noted")

            testProperty
                "successive halving takes the best to the top, and nobody who has not come through the rungs"
                (fun (chances: int list) ->
                    let plan = asha 27 3 9
                    let world = chances |> List.fold (happen plan) start |> complete plan
                    let state = StudyState.ofEvents (EventLog.parse world.EventLog)

                    for job in Map.keys state do
                        if job.Rung > 0 then
                            Expect.isTrue (state.ContainsKey { job with Rung = job.Rung - 1 }) "came through"

                    for rung in 0..1 do
                        let ranked = StudyState.ranking plan rung state

                        let promoted =
                            ranked
                            |> List.filter (fun job -> state.ContainsKey { job with Rung = rung + 1 })

                        for job in ranked |> List.truncate (ranked.Length / 3) do
                            Expect.contains promoted job "one in three goes on"

                    let best = List.init 27 job |> List.maxBy valueOf
                    Expect.isTrue (state.ContainsKey { best with Rung = 2 }) "the best is at the top"
                    let row = StudyReport.rows plan state |> StudyReport.best
                    Expect.equal (row |> Option.map _.Trial) (Some best.Trial) "and named")
        ]

let private finished: StudyState =
    (Map.empty, [ 0..5 ])
    ||> List.fold (fun state trial ->
        let outcome =
            if trial = 4 then
                JobOutcome.Failed "exit code 1: NaN <b>"
            else
                JobOutcome.Done(valueOf (job trial))

        [
            StudyEvent.Claim(job trial, "a", None)
            StudyEvent.Finish(job trial, "a", outcome, $"run-{trial}", 2.5)
        ]
        |> List.fold StudyState.after state)

let private reports =
    testList
        "reports"
        [
            test "rows are sorted best first, failures last, and the command trains the best one again" {
                let rows = StudyReport.rows plan finished
                let expected = [ 0..5 ] |> List.filter ((<>) 4) |> List.sortByDescending (job >> valueOf)
                Expect.equal (rows |> List.map _.Trial) (expected @ [ 4 ]) "order"
                let best = (StudyReport.best rows).Value
                let isFlag _ = false

                let command =
                    StudyReport.commandLine
                        isFlag
                        { plan with
                            TrainArguments = [ "my data.root" ]
                        }
                        best

                Expect.stringStarts command "graph-pruning train 'my data.root' --epochs=9 --threads=1" "words"

                for name, value in best.Values do
                    Expect.stringContains command $"--{name}={value}" "values"

                let loss = StudyReport.rows { plan with Metric = Metrics.loss } finished
                Expect.equal (List.head loss).Trial (List.last expected) "of a loss the smallest is the best"
            }

            test "the page has the plot and the table, and no script of others" {
                let rows = StudyReport.rows plan finished
                let page = StudyReport.toHtml (fun _ -> false) "studies/mine" plan rows
                Expect.stringContains page "parcoords" "plot"
                Expect.stringContains page "Study mine" "title"
                Expect.stringContains page "NaN &lt;b&gt;" "escaped"
                Expect.isFalse (page.Contains "NaN <b>") "not as HTML"

                let headings =
                    [
                        for found in Text.RegularExpressions.Regex.Matches(page, "<h2>([^<]*)</h2>") ->
                            found.Groups[1].Value
                    ]

                Expect.equal headings [ "Best"; "What the options do"; "Trials" ] "headings, each once"
            }

            test "an axis for each option and one for the metric, a line for each trial with a value" {
                let space =
                    [
                        Space.ofGrid "memory=none,gru"
                        Space.ofLogUniform "learning-rate=1e-4:1e-2"
                        Space.ofInteger "rounds=1:4"
                    ]

                let mixed =
                    { plan with
                        Method = SearchMethod.Random
                        Space = space
                    }

                use json =
                    System.Text.Json.JsonDocument.Parse(
                        StudyReport.parallelCoordinates mixed (StudyReport.rows mixed finished)
                    )

                let trace = json.RootElement.GetProperty("data").EnumerateArray() |> Seq.exactlyOne
                let axes = trace.GetProperty("dimensions").EnumerateArray() |> List.ofSeq
                let label (axis: System.Text.Json.JsonElement) = axis.GetProperty("label").GetString()

                Expect.equal
                    (axes |> List.map label)
                    [ "memory"; "learning-rate (log)"; "rounds"; "average precision" ]
                    "axes"

                for axis in axes do
                    Expect.equal (axis.GetProperty("values").GetArrayLength()) 5 "five trials have a value"

                let logs = [ for x in axes[1].GetProperty("values").EnumerateArray() -> x.GetDouble() ]
                Expect.isTrue (logs |> List.forall (fun x -> x >= -4.0001 && x <= -1.9999)) "powers of ten"
            }
        ]

[<Tests>]
let tests = testList "study" [ spaces; eventLogs; crashes; reports ]
