module Pruning.Tests.Cli.RunTests

open System
open System.IO
open Expecto
open Pruning.Tests.Cli

[<Tests>]
let tests =
    testList
        "Run"
        [
            test "a process is given its arguments, variables and directory, and is heard on both streams" {
                Run.inTemporaryDirectory (fun directory ->
                    let outcome =
                        Run.program
                            "/bin/sh"
                            [ "-c"; "echo \"$1 $WHO\"; pwd; cat >&2; echo no >&2; exit 3"; "sh"; "a b" ]
                        |> Run.withVariable "WHO" "me"
                        |> Run.inDirectory directory
                        |> Run.expecting 3

                    Expect.equal outcome.OutLines [ "a b me"; directory ] "stdout"
                    Expect.equal outcome.ErrorLines [ "no" ] "stderr; stdin was empty")
            }

            test "a process that takes too long is killed, and the failure shows what it said" {
                let message =
                    try
                        Run.program "/bin/sh" [ "-c"; "echo here; exec sleep 60" ]
                        |> Run.within (TimeSpan.FromMilliseconds 300.0)
                        |> Run.run
                        |> ignore

                        "it ended"
                    with error ->
                        error.Message

                Expect.stringContains message "here" "what it said"
                Expect.stringContains message "killed after 0.3 s" "why it ended"
            }

            test "a wrong exit code fails with everything the process said" {
                Expect.throwsC
                    (fun () ->
                        Run.program "/bin/sh" [ "-c"; "echo one; echo two >&2; exit 4" ]
                        |> Run.expecting 0
                        |> ignore)
                    (fun error ->
                        for part in [ "wanted exit code 0"; "exit code 4"; "one"; "two" ] do
                            Expect.stringContains error.Message part "the message")
            }

            test "a signal reaches the process" {
                let outcome =
                    Run.program "/bin/sh" [ "-c"; "trap 'exit 130' INT; while :; do sleep 0.05; done" ]
                    |> Run.whenStarted (fun running ->
                        Threading.Thread.Sleep 300
                        Run.signal "INT" running)
                    |> Run.run

                Expect.equal outcome.ExitCode 130 "exit code of the trap"
            }

            test "the repository is the folder of the solution" {
                Expect.isTrue (File.Exists(Path.Combine(Run.repository, "paket.lock"))) Run.repository
            }
        ]
