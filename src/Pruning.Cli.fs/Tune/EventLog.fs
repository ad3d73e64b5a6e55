namespace Pruning.Cli.Tune

open System
open System.IO
open System.Text
open System.Text.Json
open Pruning.Model.Persistence

/// What became of a job.
[<RequireQualifiedAccess>]
type JobOutcome =
    /// The best value of the metric up to the rung; nan if it was never defined.
    | Done of value: float
    /// The training itself failed, and would again.
    | Failed of reason: string

/// One line of a study's log.
[<RequireQualifiedAccess>]
type StudyEvent =
    /// An owner takes a job; `from` names the dead owner who held it. Counts only if the job is free, or `from` holds it.
    | Claim of Job * owner: string * from: string option
    /// The owner has started the training as this process.
    | Started of Job * owner: string * processId: string
    /// The owner gives the job back. `lost`: its training was ended by something else than the study.
    | Release of Job * owner: string * lost: bool
    /// The job is over; run is the name of its directory, if it has one.
    | Finish of Job * owner: string * JobOutcome * run: string * seconds: float
    /// The owner lives.
    | Heartbeat of owner: string

/// The lines of a log. They are only ever added, and their order decides.
[<RequireQualifiedAccess>]
module EventLog =

    let fileName = "journal.jsonl"

    /// One line, its end not included.
    let toLine (time: string) (event: StudyEvent) : string =
        let job (job: Job) = [ "trial", Json.integer job.Trial; "rung", Json.integer job.Rung ]
        let record name fields = Json.record (("event", Json.text name) :: fields @ [ "time", Json.text time ])

        let json =
            match event with
            | StudyEvent.Claim(which, owner, from) ->
                record
                    "claim"
                    (job which
                     @ [ "owner", Json.text owner; "from", from |> Option.map Json.text |> Option.defaultValue null ])
            | StudyEvent.Started(which, owner, id) ->
                record "started" (job which @ [ "owner", Json.text owner; "process", Json.text id ])
            | StudyEvent.Release(which, owner, lost) ->
                record "release" (job which @ [ "owner", Json.text owner; "lost", Json.flag lost ])
            | StudyEvent.Finish(which, owner, JobOutcome.Done value, run, seconds) ->
                record
                    "done"
                    (job which
                     @ [
                         "owner", Json.text owner
                         "value", Json.number value
                         "run", Json.text run
                         "seconds", Json.number seconds
                     ])
            | StudyEvent.Finish(which, owner, JobOutcome.Failed reason, run, seconds) ->
                record
                    "failed"
                    (job which
                     @ [
                         "owner", Json.text owner
                         "reason", Json.text reason
                         "run", Json.text run
                         "seconds", Json.number seconds
                     ])
            | StudyEvent.Heartbeat owner -> record "alive" [ "owner", Json.text owner ]

        json.ToJsonString()

    let private ofElement (root: JsonElement) : StudyEvent option =
        let text (name: string) = string (root.GetProperty(name).GetString())

        let real (name: string) =
            let value = root.GetProperty name
            if value.ValueKind = JsonValueKind.Null then nan else value.GetDouble()

        let job () =
            {
                Trial = root.GetProperty("trial").GetInt32()
                Rung = root.GetProperty("rung").GetInt32()
            }

        match text "event" with
        | "claim" ->
            let from = root.GetProperty "from"
            let from = if from.ValueKind = JsonValueKind.Null then None else Some(text "from")
            Some(StudyEvent.Claim(job (), text "owner", from))
        | "started" -> Some(StudyEvent.Started(job (), text "owner", text "process"))
        | "release" -> Some(StudyEvent.Release(job (), text "owner", root.GetProperty("lost").GetBoolean()))
        | "done" ->
            Some(StudyEvent.Finish(job (), text "owner", JobOutcome.Done(real "value"), text "run", real "seconds"))
        | "failed" ->
            Some(StudyEvent.Finish(job (), text "owner", JobOutcome.Failed(text "reason"), text "run", real "seconds"))
        | "alive" -> Some(StudyEvent.Heartbeat(text "owner"))
        | _ -> None

    /// The event of a line; None for a line that was cut short by a crash, or that a later version wrote.
    let tryParse (line: string) : StudyEvent option =
        try
            use document = JsonDocument.Parse line
            ofElement document.RootElement
        with
        | :? JsonException
        | :? InvalidOperationException
        | :? FormatException
        | :? Collections.Generic.KeyNotFoundException -> None

    /// The events of a log in order. A last line without its end does not count yet.
    let parse (text: string) : StudyEvent list =
        let whole = text.Substring(0, text.LastIndexOf '\n' + 1)

        whole.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        |> Seq.choose tryParse
        |> List.ofSeq

    /// What to write behind a log to add lines: a line that a crash cut short is ended first.
    let addition (text: string) (lines: string list) : string =
        let repair = if text = "" || text.EndsWith '\n' then "" else "\n"
        repair + String.concat "" [ for line in lines -> line + "\n" ]
