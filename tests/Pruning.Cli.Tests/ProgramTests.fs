/// The program as a whole: exit codes, what goes to stdout and what to stderr, no stack trace.
module Pruning.Tests.Cli.ProgramTests

open System
open Expecto
open Pruning.Tests
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.InProcess
open Pruning.Cli.Framework

/// The command line as a script calls it: not verbose.
let internal cli (words: string list) : Setup = graphPruning words |> withoutVariable "GRAPH_PRUNING_VERBOSE"

let internal runCli (words: string list) : Outcome = run (cli words)

/// One line on stderr that names the program, nothing on stdout, this exit code.
let internal expectSentence (code: int) (parts: string list) (outcome: Outcome) =
    Expect.equal outcome.ExitCode code $"exit code ({outcome.Error})"
    Expect.equal outcome.Out "" "nothing on stdout"
    let lines = outcome.ErrorLines
    Expect.hasLength lines 1 $"one line, not {outcome.Error}"
    Expect.stringStarts lines[0] "graph-pruning: " "who speaks"

    for part in parts do
        Expect.stringContains lines[0] part "what it says"

[<Tests>]
let tests =
    testList
        "Program"
        [
            test "--help goes to stdout and names every verb" {
                let outcome = runCli [ "--help" ]
                Expect.equal (outcome.ExitCode, outcome.Error) (0, "") "code and stderr"

                for verb in Pruning.Cli.Program.verbs do
                    Expect.stringContains outcome.Out verb.Name "verb"
            }

            test "no verb prints the same to stderr and is a usage error" {
                let outcome = runCli []
                Expect.equal (outcome.ExitCode, outcome.Out) (2, "") "code and stdout"
                Expect.stringContains outcome.Error "Usage: graph-pruning VERB" "overview"
            }

            test "every verb has help with examples" {
                for verb in Pruning.Cli.Program.verbs do
                    let name = verb.Name
                    let outcome = runCli [ name; "--help" ]
                    Expect.equal (outcome.ExitCode, outcome.Error) (0, "") name
                    Expect.stringContains outcome.Out $"Usage: graph-pruning {name}" "usage"
                    Expect.stringContains outcome.Out "Examples:" "examples"
                    Expect.equal (runCli [ "help"; name ]).Out outcome.Out "help VERB says the same"
            }

            test "no libtorch is needed for help" {
                run (cli [ "train"; "--help" ] |> withVariable "GRAPH_PRUNING_LIBTORCH" "/nowhere")
                |> fun outcome -> Expect.equal (outcome.ExitCode, outcome.Error) (0, "") "train"
            }

            test "--version is a line of data" {
                let outcome = runCli [ "--version" ]
                Expect.equal outcome.ExitCode 0 "code"
                Expect.isMatch outcome.Out @"^graph-pruning \d+\.\d+\.\d+\n$" "version"
            }

            test "a misspelt verb names the nearest one" {
                runCli [ "doktor" ]
                |> expectSentence 2 [ "unknown verb 'doktor'; did you mean doctor?" ]
            }

            test "a misspelt option names the nearest one and where help is" {
                runCli [ "doctor"; "--libtroch"; "x" ]
                |> expectSentence 2 [ "did you mean --libtorch?"; "graph-pruning doctor --help" ]
            }

            test "a libtorch that is not there is a device error without a stack trace" {
                let outcome = runCli [ "doctor"; "--libtorch"; "/nowhere" ]
                Expect.equal (outcome.ExitCode, outcome.Error) (5, "") "doctor reports it as data"
                Expect.stringContains outcome.Out "/nowhere" "where it looked"
                Expect.isFalse (outcome.Out.Contains "   at ") "no stack trace"
            }

            test "--verbose and GRAPH_PRUNING_VERBOSE add the stack trace" {
                for outcome in
                    [
                        runCli [ "doktor"; "--verbose" ]
                        run (cli [ "doktor" ] |> withVariable "GRAPH_PRUNING_VERBOSE" "1")
                    ] do
                    Expect.equal outcome.ExitCode 2 "code"
                    Expect.stringContains outcome.Error "   at Pruning.Cli" "trace"
            }
        ]

/// A process for each verb.
[<SlowTests>]
let slow =
    testList
        "Program"
        [
            test "every verb has help, and no libtorch is needed for it" {
                for verb in Pruning.Cli.Program.verbs do
                    // With a libtorch that is not there, loading it would fail.
                    let outcome = run (cli [ verb.Name; "--help" ] |> withVariable "GRAPH_PRUNING_LIBTORCH" "/nowhere")
                    Expect.equal (outcome.ExitCode, outcome.Error) (0, "") verb.Name
                    Expect.stringContains outcome.Out $"Usage: graph-pruning {verb.Name}" "usage"
            }
        ]

[<Tests>]
let verbTests =
    testList
        "Verbs"
        [
            test "the list names every verb once" {
                let names = Pruning.Cli.Program.verbs |> List.map _.Name
                Expect.isGreaterThan names.Length 10 "there are verbs"
                Expect.equal (List.distinct names) names "no verb twice"
            }

            test "no line of help is too long for a terminal of usual width" {
                for verb in Pruning.Cli.Program.verbs do
                    let help = verb.Help()
                    Expect.all (help.Split '\n') (fun line -> line.Length <= 110) "no line is too long"
            }
        ]
