/// Training in bfloat16, and autoregressive networks that are asked for several choices a step or by a beam, as processes.
module Pruning.Tests.Cli.AskingTests

open System
open System.IO
open System.Text.Json
open Expecto
open Pruning.Native.Kernels
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.InspectTests

let private parse (text: string) = JsonDocument.Parse(text).RootElement

/// Trains a network of 8 units on 38 graphs for one epoch.
let private train (runs: string) (words: string list) : Outcome =
    cli (
        [ "train"; sample; "--hidden_dim"; "8"; "--num_gnn_steps=1"; "--num_iterations=2"; "--epochs"; "1" ]
        @ [ "--sampling_fraction"; "0.05"; "--no-histograms"; "--runs"; runs; "--json" ]
        @ words
    )
    |> run

let private runOf (outcome: Outcome) : string =
    if outcome.ExitCode <> 0 then
        failtestf "wanted exit code 0 of %O" outcome

    string ((parse outcome.Out).GetProperty("run").GetString())

/// A run of each kind, made when the first test asks for it.
let private prepared =
    lazy
        let directory = Directory.CreateTempSubdirectory "graph-pruning-asking-"
        AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> directory.Delete true)
        let train words = runOf (train directory.FullName words)
        train [ "--mode"; "autoregressive"; "--name"; "ar" ], train [ "--mode"; "one-pass"; "--name"; "op" ]

let private evaluate (run: string) (words: string list) : JsonElement =
    parse
        (cli ([ "evaluate"; run; "--baselines"; "none"; "--json" ] @ words)
         |> expecting 0)
            .Out

let private number (split: string) (name: string) (answer: JsonElement) : float =
    answer.GetProperty("splits").GetProperty(split).GetProperty(name).GetDouble()

let private decoding =
    testList
        "evaluate --choices and --beam"
        [
            test "one choice a step is the plain answer, three are another one over the same graphs" {
                let run, _ = prepared.Value
                let plain = evaluate run []
                Expect.equal ((evaluate run [ "--choices"; "1" ]).GetRawText()) (plain.GetRawText()) "one"
                let three = evaluate run [ "--choices"; "3" ]

                for split in [ "validation"; "test" ] do
                    Expect.equal (number split "graphs" three) (number split "graphs" plain) "graphs"
                    Expect.notEqual (number split "loss" three) (number split "loss" plain) "loss"
                    Expect.isTrue (Double.IsFinite(number split "loss" three)) "finite"
            }

            test "a beam answers for every graph, and its numbers are in the files of --csv" {
                let run, _ = prepared.Value

                inTemporaryDirectory (fun directory ->
                    let answer = evaluate run [ "--beam"; "2"; "--split"; "test"; "--csv"; directory ]
                    Expect.equal (number "test" "graphs" answer) (number "test" "graphs" (evaluate run [])) "graphs"
                    Expect.isTrue (Double.IsFinite(number "test" "loss" answer)) "loss"
                    let name, value = "roc_auc", number "test" "roc_auc" answer

                    Expect.exists
                        (Directory.GetFiles(directory, "*.csv") |> Seq.collect File.ReadAllLines)
                        (fun line ->
                            line.Contains name
                            && line.Contains(value.ToString Globalization.CultureInfo.InvariantCulture))
                        "the same digits")
            }

            test "wrong words, both at once, and networks that decide all at once are usage errors" {
                let run, onePass = prepared.Value

                for words, parts in
                    [
                        [ "--choices"; "0" ], [ "--choices wants a whole number from 1"; "'0'" ]
                        [ "--choices"; "many" ], [ "--choices wants"; "'many'" ]
                        [ "--beam"; "-2" ], [ "--beam wants a whole number from 1 to 1000"; "'-2'" ]
                        [ "--beam"; "1001" ], [ "--beam wants"; "'1001'" ]
                        [ "--choices"; "2"; "--beam"; "2" ], [ "give one of them" ]
                        [ "--beam"; "2"; "--beam"; "3" ], [ "give one of them" ]
                    ] do
                    runCli ([ "evaluate"; run ] @ words) |> expectSentence 2 parts

                for words in [ [ "--choices"; "3" ]; [ "--beam"; "2" ] ] do
                    let outcome = runCli ([ "evaluate"; onePass ] @ words)
                    Expect.equal (outcome.ExitCode, outcome.Out) (2, "") "code and stdout"
                    Expect.stringContains outcome.Error "one layer cluster after the other" "why"
                    Expect.stringContains outcome.Error "--mode one-pass" "what was found"

                runCli [ "train"; sample; "--choices"; "3" ]
                |> expectSentence 2 [ "unknown option --choices" ]
            }
        ]

let private precision =
    testList
        "train --precision bfloat16"
        [
            test "a run says its precision, its weights are float32, and evaluate repeats its digits in it" {
                inTemporaryDirectory (fun runs ->
                    let outcome = train runs [ "--precision"; "bfloat16" ]

                    match Bfloat16Support.WhyNot with
                    | null ->
                        let run = runOf outcome
                        let config = parse (File.ReadAllText(Path.Combine(run, "config.json")))

                        Expect.equal
                            (config.GetProperty("machine").GetProperty("precision").GetString())
                            "bfloat16"
                            "configuration"

                        let model = Path.Combine(run, "checkpoints", "best", "model.safetensors")
                        // The header of a safetensors file is JSON behind its length of eight bytes.
                        let bytes = File.ReadAllBytes model
                        let header = Text.Encoding.UTF8.GetString(bytes, 8, int (BitConverter.ToInt64(bytes, 0)))
                        Expect.stringContains header "\"F32\"" "weights"
                        Expect.isFalse (header.Contains "\"BF16\"") "no bfloat16 weight"
                        let told = (parse outcome.Out).GetProperty("test").GetProperty("loss").GetDouble()
                        let again = evaluate run [ "--precision"; "bfloat16" ] |> number "test" "loss"
                        Expect.equal again told "the same digits"
                        let exact = evaluate run [] |> number "test" "loss"
                        Expect.isTrue (exact <> told) "float32 has other digits"
                        Expect.isLessThan (abs (exact - told)) (0.05 * exact) "near them"
                    | reason ->
                        expectSentence 5 [ reason; "--precision float32" ] outcome
                        Expect.isEmpty (Directory.GetDirectories runs) "no run was begun")
            }

            test "wrong words and what has no bfloat16 products are refused before a run is begun" {
                inTemporaryDirectory (fun runs ->
                    for words, parts in
                        [
                            [ "--precision"; "half" ], [ "--precision wants float32 or bfloat16"; "'half'" ]
                            [ "--precision"; "bfloat16"; "--engine"; "portable" ],
                            [ "--precision bfloat16"; "--engine portable" ]
                            [ "--gpus"; "1"; "--precision"; "bfloat16" ], [ "--precision bfloat16"; "--gpus 1" ]
                        ] do
                        train runs words |> expectSentence 2 parts

                    Expect.isEmpty (Directory.GetDirectories runs) "no run was begun"

                    for verb in [ [ "evaluate"; runs ]; [ "benchmark"; "infer" ] ] do
                        runCli (verb @ [ "--precision"; "bfloat16"; "--engine"; "portable" ])
                        |> expectSentence 2 [ "--precision bfloat16"; "--engine portable" ])
            }
        ]

// One after the other: each takes all cores.
[<Tests>]
let tests = testList "Asking" [ decoding; precision ]
