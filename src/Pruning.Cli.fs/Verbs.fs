namespace Pruning.Cli

open System
open System.Text
open Pruning.Cli.Commands

/// Everything that the program can do. A new verb is a file under Commands and a case here; the compiler asks for the
/// rest.
[<RequireQualifiedAccess>]
type Verb =
    | Demo
    | Simulate
    | Preprocess
    | Train
    | Tune
    | Import
    | Evaluate
    | Prune
    | Report
    | Compare
    | Display
    | Inspect
    | Stats
    | Launch
    | Doctor
    | Benchmark

[<RequireQualifiedAccess>]
module Verb =

    /// In the order of the overview.
    let all =
        [
            Verb.Demo
            Verb.Simulate
            Verb.Preprocess
            Verb.Train
            Verb.Tune
            Verb.Import
            Verb.Evaluate
            Verb.Prune
            Verb.Report
            Verb.Compare
            Verb.Display
            Verb.Inspect
            Verb.Stats
            Verb.Launch
            Verb.Doctor
            Verb.Benchmark
        ]

    let command (verb: Verb) : Command =
        match verb with
        | Verb.Demo -> Demo.command
        | Verb.Simulate -> Simulate.command
        | Verb.Preprocess -> Preprocess.command
        | Verb.Train -> Train.command
        | Verb.Tune -> Tune.command
        | Verb.Import -> Import.command
        | Verb.Evaluate -> Evaluate.command
        | Verb.Prune -> Prune.command
        | Verb.Report -> Report.command
        | Verb.Compare -> Compare.command
        | Verb.Display -> Display.command
        | Verb.Inspect -> Inspect.command
        | Verb.Stats -> Stats.command
        | Verb.Launch -> Launch.command
        | Verb.Doctor -> Doctor.command
        | Verb.Benchmark -> Benchmark.command

    /// The verb of this name; an unknown one is a usage error that names the nearest.
    let find (name: string) : Command =
        let commands = all |> List.map command

        match commands |> List.tryFind (fun command -> command.Name = name.ToLowerInvariant()) with
        | Some command -> command
        | None ->
            let names = commands |> List.map _.Name

            match Value.nearest names name with
            | Some near -> raise (UsageException $"unknown verb '{name}'; did you mean {near}?")
            | None ->
                let list = String.Join(", ", names)
                raise (UsageException $"unknown verb '{name}'; the verbs are {list}.")

    /// What `graph-pruning --help` prints. Written from the table above: it must not wait for Argu.
    let overview () : string =
        let text = StringBuilder()
        let line (words: string) = text.Append(words).Append('\n') |> ignore

        line
            "Prunes the layer clusters of HGCAL tracksters that do not belong to the shower, with recurrent graph networks."

        line ""
        line $"Usage: {Arguments.program} VERB ...        {Arguments.program} VERB --help tells how"
        line ""

        for verb in all do
            let command = command verb
            line $"  {command.Name.PadRight 12}{command.Summary}"

        line ""

        line
            "Data goes to stdout, talk to stderr. Exit codes: 0 ok, 1 failed run, 2 usage, 4 data, 5 device or library,"

        line "6 another rank lost, 7 checkpoint, 85 stopped by a signal and saved, 130 interrupted."

        string text
