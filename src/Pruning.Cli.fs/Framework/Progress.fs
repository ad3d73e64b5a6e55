namespace Pruning.Cli.Framework

open System
open System.Diagnostics
open Spectre.Console

/// How far a long job is, as its loop reports it.
type ProgressReport =
    {
        /// What is being done: "epoch 3/20", "validation".
        Stage: string
        /// Graphs done in the whole job.
        Done: int64
        /// Loss of the latest step; NaN if the job has none.
        Loss: float
    }

/// How fast a job goes: a running average over about ten seconds, so that a slow start is forgotten.
type Pace =
    {
        Done: int64
        At: TimeSpan
        PerSecond: float
    }

[<RequireQualifiedAccess>]
module Pace =

    let start (at: TimeSpan) : Pace = { Done = 0L; At = at; PerSecond = nan }

    /// Takes in a new count. Reports closer together than a tenth of a second are kept for the next one.
    let update (at: TimeSpan) (count: int64) (pace: Pace) : Pace =
        let seconds = (at - pace.At).TotalSeconds

        if seconds < 0.1 || count <= pace.Done then
            pace
        else
            let now = float (count - pace.Done) / seconds
            let keep = if Double.IsNaN pace.PerSecond then 0.0 else exp (-seconds / 10.0)
            let before = if keep = 0.0 then 0.0 else pace.PerSecond * keep

            {
                Done = count
                At = at
                PerSecond = before + now * (1.0 - keep)
            }

    /// Time left to a total, once there is a pace.
    let left (total: int64) (pace: Pace) : TimeSpan option =
        if pace.PerSecond > 0.0 then
            Some(TimeSpan.FromSeconds(min 1e8 (float (max 0L (total - pace.Done)) / pace.PerSecond)))
        else
            None

/// What a long job calls while it runs.
[<NoEquality; NoComparison>]
type Progress =
    {
        /// After every step; cheap enough for thousands a second.
        Report: ProgressReport -> unit
        /// A line worth keeping, such as the metrics of an epoch.
        Note: string -> unit
    }

[<RequireQualifiedAccess>]
module Progress =

    /// "loss 0.2513, 812 graphs/s, 3:07 min left"; `unit` is what is counted.
    let describeOf (unit: string) (total: int64) (pace: Pace) (loss: float) : string =
        [
            if Double.IsFinite loss then
                $"loss {Say.number loss}"
            if pace.PerSecond > 0.0 then
                $"{Say.number (Math.Round(pace.PerSecond, (if pace.PerSecond < 10.0 then 1 else 0)))} {unit}/s"
            match Pace.left total pace with
            | Some time -> $"{Say.duration time} left"
            | None -> ()
        ]
        |> String.concat ", "

    /// The same of graphs.
    let describe (total: int64) (pace: Pace) (loss: float) : string = describeOf "graphs" total pace loss

    let private plain (terminal: Terminal) (unit: string) (total: int64) (every: TimeSpan) : Progress =
        let clock = Stopwatch.StartNew()
        let mutable pace = Pace.start clock.Elapsed
        let mutable said = clock.Elapsed

        {
            Report =
                fun report ->
                    let now = clock.Elapsed
                    pace <- Pace.update now report.Done pace

                    if now - said >= every then
                        said <- now
                        let percent = 100L * report.Done / max 1L total
                        Terminal.say terminal $"{report.Stage}: {percent} %%, {describeOf unit total pace report.Loss}"
            Note = Terminal.say terminal
        }

    let private bar (terminal: Terminal) (unit: string) (total: int64) (body: Progress -> 'a) : 'a =
        let console = Terminal.talkConsole terminal

        let columns: ProgressColumn[] =
            [| TaskDescriptionColumn(Alignment = Justify.Left); ProgressBarColumn(); PercentageColumn() |]

        let view = console.Progress().AutoClear(true).Columns(columns)

        view.Start(fun context ->
            let task = context.AddTask("starting", true, float (max 1L total))
            let clock = Stopwatch.StartNew()
            let mutable pace = Pace.start clock.Elapsed

            body
                {
                    Report =
                        fun report ->
                            pace <- Pace.update clock.Elapsed report.Done pace
                            task.Value <- float report.Done

                            task.Description <-
                                Markup.Escape $"{report.Stage}: {describeOf unit total pace report.Loss}"
                    Note = fun text -> console.WriteLine text
                })

    /// Runs a job under a bar on a terminal, with a line every half minute elsewhere, silently with --quiet.
    /// `unit`: what the job counts ("graphs", "events"); `total`: how many the whole job has.
    let runOf (terminal: Terminal) (unit: string) (total: int64) (body: Progress -> 'a) : 'a =
        if terminal.Lively then
            bar terminal unit total body
        else
            body (plain terminal unit total (TimeSpan.FromSeconds 30.0))

    /// The same, counting graphs.
    let run (terminal: Terminal) (total: int64) (body: Progress -> 'a) : 'a = runOf terminal "graphs" total body
