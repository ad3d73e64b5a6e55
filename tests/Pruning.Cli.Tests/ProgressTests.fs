module Pruning.Tests.Cli.ProgressTests

open System
open System.IO
open Expecto
open Pruning.Cli.Framework

let private seconds (s: float) = TimeSpan.FromSeconds s

let internal terminal verbosity =
    let data, talk = new StringWriter(), new StringWriter()

    {
        Data = data
        Talk = talk
        Lively = false
        Piped = true
        Colour = false
        Signals = false
        Command = []
        Verbosity = verbosity
    },
    data,
    talk

[<Tests>]
let tests =
    testList
        "Progress"
        [
            test "the pace of a steady job is its rate, and the time left follows" {
                let pace =
                    [ 1..20 ]
                    |> List.fold
                        (fun pace i -> Pace.update (seconds (float i)) (int64 i * 50L) pace)
                        (Pace.start TimeSpan.Zero)

                Expect.floatClose Accuracy.high pace.PerSecond 50.0 "graphs a second"
                Expect.equal (Pace.left 2000L pace) (Some(seconds 20.0)) "left"
            }

            test "a slow start is forgotten after a while" {
                let slow = Pace.start TimeSpan.Zero |> Pace.update (seconds 5.0) 5L

                let fast =
                    [ 1..60 ]
                    |> List.fold (fun pace i -> Pace.update (seconds (5.0 + float i)) (5L + int64 i * 100L) pace) slow

                Expect.isGreaterThan fast.PerSecond 95.0 "nearly the fast rate"
            }

            test "no pace, no promise" {
                Expect.equal (Pace.left 100L (Pace.start TimeSpan.Zero)) None "nothing done yet"
            }

            test "the line names loss, rate and time left, without what is not known" {
                let pace =
                    {
                        Done = 500L
                        At = seconds 1.0
                        PerSecond = 812.4
                    }

                Expect.equal (Progress.describe 1312L pace 0.25134) "loss 0.2513, 812 graphs/s, 1 s left" "all"
                Expect.equal (Progress.describe 1312L (Pace.start TimeSpan.Zero) nan) "" "none"
            }

            test "notes go to stderr, and nowhere with --quiet" {
                let loud, data, talk = terminal Verbosity.Normal
                Progress.run loud 10L (fun progress -> progress.Note "epoch 1") |> ignore
                Expect.equal (talk.ToString().Trim()) "epoch 1" "stderr"
                Expect.equal (data.ToString()) "" "stdout"
                let quiet, data, talk = terminal Verbosity.Quiet

                let answer =
                    Progress.run quiet 10L (fun progress ->
                        progress.Note "epoch 1"
                        7)

                Expect.equal answer 7 "the body's answer"
                Expect.equal (data.ToString() + talk.ToString()) "" "silence"
            }

            test "JSON writes NaN as null and keeps every digit" {
                let out, data, _ = terminal Verbosity.Normal

                Terminal.json
                    out
                    {|
                        loss = 0.1 + 0.2
                        auc = nan
                        names = [ "a<b" ]
                    |}

                let text = data.ToString()
                Expect.stringContains text "\"loss\": 0.30000000000000004" "digits"
                Expect.stringContains text "\"auc\": null" "NaN"
                Expect.stringContains text "\"a<b\"" "plain letters"
            }

            test "a table takes texts literally, brackets included" {
                let out, data, _ = terminal Verbosity.Normal

                Terminal.table
                    out
                    [ "branch", false; "type", false; "entries", true ]
                    [ [ "x"; "float[nJet]"; "12" ]; [ "[red]"; "vector<int>"; "3" ] ]

                let lines = data.ToString().Split('\n')

                Expect.exists
                    lines
                    (fun line -> line.Contains "x" && line.Contains "float[nJet]" && line.Contains "12")
                    "first row"

                Expect.exists lines (fun line -> line.Contains "[red]" && line.Contains "vector<int>") "second row"
            }
        ]
