module Pruning.Cli.Program

open System
open System.Globalization
open System.Reflection
open Pruning.Cli.Framework
open Pruning.Cli.Demo
open Pruning.Cli.Simulate
open Pruning.Cli.Preprocess
open Pruning.Cli.Train
open Pruning.Cli.Tune
open Pruning.Cli.Import
open Pruning.Cli.Evaluate
open Pruning.Cli.Prune
open Pruning.Cli.Report
open Pruning.Cli.Compare
open Pruning.Cli.Display
open Pruning.Cli.Inspect
open Pruning.Cli.Stats
open Pruning.Cli.Launch
open Pruning.Cli.Doctor
open Pruning.Cli.Benchmark

/// Every verb, in the order of the overview.
let verbs: Command list =
    [
        DemoVerb.command
        SimulateVerb.command
        PreprocessVerb.command
        TrainVerb.command
        TuneVerb.command
        ImportVerb.command
        EvaluateVerb.command
        PruneVerb.command
        ReportVerb.command
        CompareVerb.command
        DisplayVerb.command
        InspectVerb.command
        StatsVerb.command
        LaunchVerb.command
        DoctorVerb.command
        BenchmarkVerb.command
    ]

/// Words that every verb takes, before the verb's own parser sees the rest.
let private common = Map [ "--verbose", Verbosity.Verbose; "--quiet", Verbosity.Quiet ]

let private isHelp (word: string) = word = "--help" || word = "-h"

let private version () =
    match Assembly.GetExecutingAssembly().GetName().Version with
    | null -> "unversioned"
    | version -> version.ToString 3

let private dispatch (terminal: Terminal) (words: string list) : int =
    match words with
    | [] ->
        terminal.Talk.Write(Verbs.overview verbs)
        ExitCode.usage
    | [ word ] when isHelp word || word = "help" ->
        terminal.Data.Write(Verbs.overview verbs)
        ExitCode.ok
    | [ "--version" ] ->
        Terminal.print terminal $"{Arguments.program} {version ()}"
        ExitCode.ok
    | "help" :: verb :: _ ->
        terminal.Data.Write((Verbs.find verbs verb).Help())
        ExitCode.ok
    | verb :: rest ->
        let command = Verbs.find verbs verb

        if List.exists isHelp rest then
            terminal.Data.Write(command.Help())
            ExitCode.ok
        else
            try
                command.Run terminal rest
            with :? UsageException as error ->
                raise (UsageException($"{error.Message} See {Arguments.program} {command.Name} --help."))

/// Runs the program with these words and tells its exit code. `--verbose` or `--quiet` among the words win over the
/// terminal's verbosity. An error ends as one sentence on the terminal.
let run (terminal: Terminal) (words: string list) : int =
    let asked = words |> List.choose (fun word -> Map.tryFind word common) |> List.tryLast

    let terminal =
        match asked with
        | Some verbosity -> Terminal.withVerbosity verbosity terminal
        | None -> terminal

    try
        dispatch terminal (words |> List.filter (common.ContainsKey >> not))
    with error ->
        let code, sentence = Failures.describe error
        terminal.Talk.WriteLine $"{Arguments.program}: {sentence}"
        Terminal.detail terminal (string error)
        code

[<EntryPoint>]
let main arguments =
    // Before anything is parsed or printed: 1e-3 is a thousandth wherever the user lives.
    CultureInfo.DefaultThreadCurrentCulture <- CultureInfo.InvariantCulture
    CultureInfo.CurrentCulture <- CultureInfo.InvariantCulture

    let variable = Environment.GetEnvironmentVariable "GRAPH_PRUNING_VERBOSE"
    let always = not (String.IsNullOrEmpty variable) && variable <> "0"
    let terminal = Terminal.create (if always then Verbosity.Verbose else Verbosity.Normal)
    run terminal (List.ofArray arguments)
