module Pruning.Cli.Preprocess.PreprocessVerb

open System.Collections.Generic
open System.Diagnostics
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Preprocess.PreprocessJob
open Pruning.Data.Errors
open Pruning.Data.Options

let private run (terminal: Terminal) (words: string list) : int =
    let settings = PreprocessSettings.ofWords words

    if settings.OnlyParameters then
        Terminal.print terminal (OptionTable.Text settings.Options)
    elif settings.OnlyDescription then
        if settings.Files.IsEmpty then
            raise (UsageException "no input: give at least one file to describe.")

        Description.run terminal settings.Production.Json settings.Files
    else
        let destination = ProductionSettings.destination settings.Production
        let skipped reason = Terminal.warn terminal $"skipped: {reason}"
        let sources = sourcesOf settings skipped
        let tasks = tasksOf settings destination sources
        let kept, left = tasks |> List.partition (isDone settings)

        if tasks.IsEmpty then
            Terminal.warn
                terminal
                $"shard {Shard.text settings.Production.Shard} has no file of {sources.Length}: nothing is written."

        use interruption =
            new Interruption(terminal, "complete files stay, for --resume; the one being written is removed")

        let total = left |> List.sumBy (fun task -> task.Sources |> List.sumBy _.Entries)
        let clock = Stopwatch.StartNew()
        let seen = HashSet()

        let made, written =
            Progress.runOf terminal "events" total (fun progress ->
                let report before now =
                    let both = plus before now

                    progress.Report
                        {
                            Stage = $"{Say.count both.Graphs} graphs"
                            Done = both.Counts.Events
                            Loss = nan
                        }

                left
                |> List.fold
                    (fun (before, written) task ->
                        try
                            plus before (prepare settings seen interruption.Token (report before) task),
                            written @ [ task ]
                        with error when DataException.Covers error && settings.SkipBadFiles && task.Sources.Length = 1 ->
                            // Nothing else is in its file, which is gone with it.
                            skipped error.Message
                            before, written)
                    (nothing, []))

        PreprocessReport.show terminal settings sources written kept made
        PreprocessReport.warnings terminal sources made
        let perSecond = Say.count (int64 (float made.Counts.Events / clock.Elapsed.TotalSeconds))

        Terminal.say
            terminal
            $"Done in {Say.duration clock.Elapsed}, {perSecond} events/s on {settings.Production.Threads} threads."

    ExitCode.ok

let command: Command =
    Command.create
        PreprocessSettings.describe
        {
            Verb = "preprocess"
            Summary = "make prepared files of TICL ntuples and HGCAL NanoAOD, with labels"
            Synopsis = "FILE [FILE ...] --output FILE | --output-dir DIR [options]"
            Explanation =
                "Reads ntuples of the TICL dumper of every generation and HGCAL NanoAOD, offline and of the trigger. Which one a file is \
                 follows from what it holds; --describe says it. Ntuples have neither links nor seeds, so CLUE3D runs again. A trackster \
                 is exact where that gives one tree; otherwise its links are repaired. Both are counted. Labels come from the simulated \
                 tracksters. Run, luminosity block and event come from the file; where it has none, events are numbered over all files in \
                 their order, whatever the shard. Events stream through memory in blocks. A file that does not fit stops the run with exit \
                 code 4."
            Examples =
                [
                    "preprocess --describe ntuple.root", "what it is, what can be made of it, what is missing"
                    "preprocess 'ntuples/*.root' --output sample.root", "many files to one"
                    "preprocess 'ntuples/*.root' --output-dir prepared --resume",
                    "one each; goes on where it was stopped"
                    "preprocess 'ntuples/*.root' --output-dir prepared --shard 3/16", "one job of sixteen"
                    "preprocess old.root --output old-sample.root --clue3d 2021 --truth sc --label any",
                    "an ntuple of 2021, labelled as in the original research"
                    "preprocess ntuple.root --output again.root --clue3d toy --min-energy 4 --max-nodes 150",
                    "an ntuple of simulate: the same tracksters again"
                ]
        }
        run
