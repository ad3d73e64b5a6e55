module Pruning.Cli.Tune.TuneVerb

open System
open System.Diagnostics
open System.IO
open Pruning.Cli.Framework
open Pruning.Model.Persistence

let private showJson (terminal: Terminal) (directory: string) (plan: StudyPlan) (rows: TrialRow list) : unit =
    let command = StudyReport.commandLine TuneSettings.isFlag plan

    let trial (row: TrialRow) =
        Json.record
            [
                "trial", Json.integer row.Trial
                "values", Json.record [ for name, value in row.Values -> name, Json.text value ]
                "rung",
                row.Rung
                |> Option.map (fun rung -> Json.integer rung)
                |> Option.defaultValue null
                plan.Metric.Key, Json.number row.Value
                "seconds", Json.number row.Seconds
                "status", Json.text row.Status
                "run", Json.text row.Run
            ]

    Json.record
        [
            "study", Json.text directory
            "metric", Json.text plan.Metric.Key
            "trials", Json.list [ for row in rows -> trial row ]
            "best",
            (match StudyReport.best rows with
             | Some row -> Json.integer row.Trial
             | None -> null)
            "command",
            (match StudyReport.best rows with
             | Some row -> Json.text (command row)
             | None -> null)
        ]
    |> Terminal.json terminal

let private showTable (terminal: Terminal) (plan: StudyPlan) (rows: TrialRow list) : unit =
    Terminal.table terminal (StudyReport.columns plan) (rows |> List.map (StudyReport.cells plan))

    match StudyReport.best rows with
    | Some row -> Terminal.print terminal $"Best: {StudyReport.commandLine TuneSettings.isFlag plan row}"
    | None -> ()

let private isOver (row: TrialRow) = row.Status = "done" || row.Status.StartsWith "failed"

let private run (terminal: Terminal) (words: string list) : int =
    let clock = Stopwatch.StartNew()
    let settings = TuneSettings.ofWords words
    let directory = settings.Directory
    settings.Plan |> Option.iter (StudyPlan.keep directory)
    let plan = StudyPlan.read (Path.Combine(directory, StudyPlan.fileName))
    use interruption = new Interruption(terminal, "asking the trainings to save", true)

    Terminal.say
        terminal
        $"{plan.Trials} trials in {directory}, {settings.Workers} at a time, {plan.Threads} threads each; compared by the validation \
         metric {plan.Metric.Key}."

    let around: StudySurroundings =
        {
            Directory = Path.GetFullPath directory
            Workers = settings.Workers
            Devices = settings.Devices
            IsFlag = TuneSettings.isFlag
            Say = Terminal.say terminal
        }

    let state = Study.run plan around interruption.Token
    let rows = StudyReport.rows plan state
    let page = Path.Combine(directory, "report.html")
    StudyReport.writeCsv (Path.Combine(directory, "trials.csv")) plan rows
    Output.writeText page (StudyReport.toHtml TuneSettings.isFlag directory plan rows)

    if settings.Json then
        showJson terminal directory plan rows
    else
        showTable terminal plan rows

    if interruption.Token.IsCancellationRequested then
        let finished = rows |> List.filter isOver |> List.length

        Terminal.say
            terminal
            $"Stopped with {finished} of {plan.Trials} trials done. The same command, or tune --study {directory}, goes on."

        interruption.ExitCode
    elif (StudyReport.best rows).IsNone then
        raise (
            TrainingException
                $"no trial has a value of {plan.Metric.Key}; the table says why each failed, the logs under {directory}/logs more."
        )
    else
        Terminal.say
            terminal
            $"Done in {Say.duration clock.Elapsed}. The page: {page}; the runs: tensorboard --logdir {Study.runsOf directory}"

        ExitCode.ok

let command: Command =
    {
        About =
            {
                Verb = "tune"
                Summary = "search good options for train: grid, random or successive halving, over parallel processes"
                Synopsis = "FILE [FILE ...] [space] [options of train]"
                Explanation =
                    "Trains many times with different options and reports which did best. Names in the space are options of train. \
                     Options of train beside it go to every training. Each trial is an ordinary run under the study's directory. A log \
                     there records which process does which trial. Several tune processes, on several machines with one file system, may \
                     share a study. After a crash or Ctrl-C the same command continues it."
                Examples =
                    [
                        "tune data.root --grid decision-cell=lstm,gru --grid memory-cell=none,gru,lstm --epochs 10",
                        "the original's grid: six trials"
                        "tune data.root --log-uniform learning-rate=1e-4:1e-2 --grid layer=sage,gatv2 --trials 40",
                        "at random"
                        "tune data.root --space space.json --method asha --trials 100 --epochs 81 --devices 0,1,2,3",
                        "successive halving on four GPUs"
                        "tune --study studies/tune --workers 4", "continue, or help with, a study that exists"
                    ]
            }
        Options = TuneChoices.describe
        Run = run
    }
