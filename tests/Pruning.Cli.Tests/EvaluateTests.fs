/// evaluate, report, compare and display as processes on runs of a file with a hostile name, and their pages in Chromium.
module Pruning.Tests.Cli.EvaluateTests

open System
open System.IO
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Model.Evaluation
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.InspectTests
open Pruning.Tests.Cli.ValuesTests

let private parse (text: string) = JsonDocument.Parse(text).RootElement

/// A name that would run as a script where it is not escaped.
let private hostile = "\"><img src=x onerror=document.title=1>.root"

/// Two small runs on one file, in a directory that is removed with the process.
let private prepared =
    lazy
        let directory = Directory.CreateTempSubdirectory "graph-pruning-evaluate-"
        AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> directory.Delete true)
        let file = Path.Combine(directory.FullName, hostile)
        File.Copy(sample, file)

        let train hidden =
            let runs = Path.Combine(directory.FullName, "runs")

            let words =
                [
                    "--epochs"
                    "1"
                    "--num_gnn_steps=1"
                    "--num_iterations=2"
                    "--sampling_fraction"
                    "0.3"
                    "--json"
                ]
                @ [ "--hidden_dim"; string hidden; "--runs"; runs; "--name"; $"h{hidden}" ]

            let outcome = cli ([ "train"; file ] @ words) |> expecting 0
            string ((parse outcome.Out).GetProperty("run").GetString())

        directory.FullName, file, train 4, train 8

let private evaluates =
    testList
        "evaluate in depth"
        [
            test "baselines, bins, intervals, working points and disturbed inputs, the same numbers each time" {
                let directory, _, run, _ = prepared.Value
                let csv = Path.Combine(directory, "numbers")

                let words =
                    [ "evaluate"; run; "--bins"; "energy,layer"; "--bootstrap"; "20"; "--scan" ]
                    @ [ "--perturb"; "energy=0.1,position=0.5,time=0.5"; "--working-point"; "efficiency=0.99" ]

                let first = (cli (words @ [ "--json"; "--csv"; csv ]) |> expecting 0).Out

                Expect.equal
                    ((cli (words @ [ "--json"; "--workers"; "1" ]) |> expecting 0).Out)
                    first
                    "again, with one worker"

                let test = (parse first).GetProperty("judgements").GetProperty("test")
                let models = [ for model in test.GetProperty("models").EnumerateObject() -> model.Name ]

                Expect.equal
                    models
                    [
                        "network"
                        "keep all"
                        "energy cut"
                        "distance cut"
                        "logistic regression"
                        "extended regression"
                        "oracle"
                    ]
                    "models"

                let value (model: string) (name: string) =
                    test.GetProperty("models").GetProperty(model).GetProperty(name).GetProperty("value").GetDouble()

                Expect.equal (value "oracle" "exact_graphs") 1.0 "oracle"
                Expect.equal (value "keep all" "total_efficiency") 1.0 "keep all"
                let split = (parse first).GetProperty("splits").GetProperty("test")

                for name in [ "roc_auc"; "average_precision" ] do
                    Expect.floatClose Accuracy.high (value "network" name) (split.GetProperty(name).GetDouble()) name

                let interval = test.GetProperty("models").GetProperty("network").GetProperty("roc_auc")

                Expect.isLessThan
                    (interval.GetProperty("low").GetDouble())
                    (interval.GetProperty("high").GetDouble())
                    "interval"

                let bins (name: string) =
                    [
                        for bin in test.GetProperty("bins").GetProperty(name).EnumerateArray() ->
                            bin.GetProperty("nodes").GetInt64()
                    ]

                Expect.isGreaterThan (bins "energy").Length 3 "bins of energy"

                Expect.equal
                    (List.sum (bins "energy"))
                    (List.sum (bins "layer"))
                    "every node has an energy bin and a layer"

                let stability = test.GetProperty "stability"
                let flipped = stability.GetProperty("flipped").GetDouble()
                Expect.isTrue (flipped >= 0.0 && flipped < 1.0) $"flipped {flipped}"

                let disturbed = stability.GetProperty("values").GetProperty("roc_auc").GetProperty("value").GetDouble()

                Expect.notEqual disturbed (value "network" "roc_auc") "disturbed inputs, other scores"

                Expect.equal
                    (test.GetProperty("working_points").GetProperty("chosen_on").GetString())
                    "validation"
                    "chosen elsewhere"

                Expect.stringContains (string (test.GetProperty "left_out")) "pdgId" "what is missing is said"

                // CSV: as many cells in every line as in the header, hostile names and all.
                for name in [ "metrics"; "bins"; "curves"; "working_points"; "tracksters" ] do
                    let lines = File.ReadAllLines(Path.Combine(csv, name + ".csv"))
                    let cells (line: string) = Regex.Matches(line, "(?:^|,)(\"(?:[^\"]|\"\")*\"|[^,]*)").Count
                    Expect.isGreaterThan lines.Length 1 name
                    Expect.all lines (fun line -> cells line = cells lines[0]) $"cells of {name}"
            }

            test "a model without a run has no baselines that were fitted, and no threshold to choose" {
                let directory, file, run, _ = prepared.Value
                let model = Path.Combine(run, "checkpoints", "best", "model.safetensors")
                let outcome = parse (cli [ "evaluate"; model; file; "--json" ] |> expecting 0).Out
                let models = outcome.GetProperty("judgements").GetProperty("all").GetProperty("models")

                Expect.equal
                    [ for one in models.EnumerateObject() -> one.Name ]
                    [ "network"; "keep all"; "oracle" ]
                    "models"

                runCli [ "evaluate"; model; file; "--working-point"; "efficiency=0.9" ]
                |> expectSentence 2 [ "validation split of a run" ]
            }

            test
                "a split of other files is divided as the run divides: baselines and thresholds come from their own splits" {
                let directory, _, run, _ = prepared.Value
                let other = Path.Combine(directory, "other.root")

                cli [ "simulate"; other; "--events"; "60"; "--seed"; "5" ]
                |> expecting 0
                |> ignore

                let words = [ "--split"; "test"; "--working-point"; "best-f1"; "--json" ]
                let outcome = parse (cli ([ "evaluate"; run; other ] @ words) |> expecting 0).Out
                let test = outcome.GetProperty("judgements").GetProperty "test"
                let baselines = [ for one in test.GetProperty("models").EnumerateObject() -> one.Name ]
                Expect.contains baselines "logistic regression" "baselines"
                Expect.notEqual (test.GetProperty("margin").GetDouble()) 0.0 "a threshold of its own"

                runCli [ "evaluate"; run; other; "--working-point"; "best-f1" ]
                |> expectSentence 2 [ "or with --split" ]
            }

            test "options are read, and refused with what they take" {
                let settings words = EvaluateSettings.ofWords ("run" :: words)

                let read =
                    settings
                        [
                            "--bins"
                            "eta,Energy,eta"
                            "--working-point"
                            "best-f1"
                            "--perturb"
                            "time=0.5"
                            "--seed"
                            "7"
                        ]

                Expect.equal read.Dimensions [ Dimension.Eta; Dimension.Energy ] "bins"
                Expect.equal read.Threshold Threshold.BestF1 "working point"
                Expect.equal read.Perturbation (Some { Perturbation.none with Time = 0.5 }) "disturbance"
                Expect.equal read.Network.Resampling { Replicates = 0; Seed = 7UL } "resampling"
                Expect.equal (settings [ "--bins"; "all" ]).Dimensions Dimension.all "all bins"

                for words, part in
                    [
                        [ "--bins"; "colour" ], "energy, eta"
                        [ "--working-point"; "0.5" ], "probability=P, efficiency=E or best-f1"
                        [ "--working-point"; "probability=1.5" ], "from 0 to 1"
                        [ "--perturb"; "energy" ], "energy=X"
                        [ "--perturb"; "mass=1" ], "energy=X"
                        [ "--bootstrap"; "-1" ], "from 0 to"
                        [ "--baselines"; "some" ], "all or none"
                    ] do
                    Expect.stringContains (refusal (fun () -> settings words)) part (String.concat " " words)
            }
        ]

let private compares =
    testList
        "compare"
        [
            test "two runs on the same tracksters, with differences and a page" {
                let directory, _, a, b = prepared.Value
                let page = Path.Combine(directory, "comparison.html")

                let outcome =
                    parse
                        (cli [ "compare"; a; b; "--bootstrap"; "20"; "--json"; "--html"; page ]
                         |> expecting 0)
                            .Out

                let runs = [ for run in outcome.GetProperty("runs").EnumerateObject() -> run.Name, run.Value ]
                Expect.equal (List.map fst runs) [ string (Path.GetFileName a); string (Path.GetFileName b) ] "names"

                let value (run: JsonElement) =
                    run.GetProperty("values").GetProperty("roc_auc").GetProperty("value").GetDouble()

                let difference =
                    (snd runs[1]).GetProperty("differences").GetProperty("roc_auc").GetProperty("value").GetDouble()

                Expect.floatClose Accuracy.high difference (value (snd runs[1]) - value (snd runs[0])) "difference"
                Expect.equal ((snd runs[0]).GetProperty("differences").ValueKind) JsonValueKind.Null "none to itself"
                Expect.stringContains (File.ReadAllText page) "model.hidden" "choices that differ"
            }

            test "--config prints what differs and reads no data" {
                let _, _, a, b = prepared.Value
                let outcome = cli [ "compare"; a; b; "--config" ] |> expecting 0
                Expect.isMatch outcome.Out @"model\.hidden\s+4\s+8" "hidden"
                Expect.isFalse (outcome.Out.Contains "learning_rate") "the same is left out"

                Expect.stringContains
                    (cli [ "compare"; a; a; "--config" ] |> expecting 0).Out
                    "chose the same"
                    "no difference"
            }

            test "one run, and what is no run, are refused" {
                let directory, _, a, _ = prepared.Value
                runCli [ "compare"; a ] |> expectSentence 2 [ "two runs or more" ]

                runCli [ "compare"; a; directory; "--config" ]
                |> expectSentence 7 [ "directory of a run" ]
            }
        ]

/// A page as Chromium shows it: what the console said, the addresses that were asked for, and the document in the end.
let private browse (page: string) : string list * string list * string =
    inTemporaryDirectoryOf (fun directory ->
        let log = Path.Combine(directory, "net.json")

        let outcome =
            program
                (Browser.tryFind ()).Value
                (Browser.arguments (Path.Combine(directory, "profile"))
                 @ [ "--enable-logging=stderr"; $"--log-net-log={log}"; "--virtual-time-budget=20000"; "--dump-dom" ]
                 @ [ Uri(page).AbsoluteUri ])
            |> expecting 0

        let console = outcome.ErrorLines |> List.filter (fun line -> line.Contains "CONSOLE")

        let addresses =
            [
                for found in Regex.Matches(File.ReadAllText log, "\"url\":\"(https?://[^/\"]*)") do
                    // What the browser asks for itself, whatever page it shows; it gets no answer here.
                    if not (Regex.IsMatch(found.Groups[1].Value, @"\.(google|googleapis|gvt1)\.com$")) then
                        found.Groups[1].Value
            ]

        console, addresses, outcome.Out)

/// Width and height in pixels: big-endian numbers behind the name of a PNG's first chunk.
let private pngSize (path: string) : int * int =
    let header = File.ReadAllBytes(path)[..23]
    Expect.equal header[1..3] "PNG"B "a PNG"
    let number at = int header[at] * 256 + int header[at + 1]
    number 18, number 22

let private isError (line: string) =
    [ "Uncaught"; "Refused"; "rror" ]
    |> List.exists (fun word -> line.Contains word)

let private inChromium (test: unit -> unit) =
    if (Browser.tryFind ()).IsNone then
        skiptest "Chromium is not installed (package chromium): pages are not opened"
    else
        test ()

/// Plots that plotly.js drew, and places for plots in the page.
let private plots (document: string) = Regex.Matches(document, "class=\"plot js-plotly-plot\"").Count

let private pages =
    testList
        "pages"
        [
            test "a report is one page with every plot, and no console error, no request, no script of a file's name" {
                let directory, file, run, _ = prepared.Value
                let figures = Path.Combine(directory, "figures")
                let outcome = cli [ "report"; run; "--bootstrap"; "10"; "--figures"; figures ] |> expecting 0
                let page = Path.Combine(run, "report.html")
                Expect.equal (List.head outcome.OutLines) page "its path is the answer"
                let text = File.ReadAllText page

                for id in
                    [
                        "loss"
                        "average-precision"
                        "roc"
                        "precision-recall"
                        "calibration"
                        "scores"
                        "response"
                        "purity-energy"
                        "purity-eta"
                        "response-energy"
                        "working-points"
                        "times"
                    ] do
                    Expect.stringContains text $"id=\"{id}\"" "plot"
                    Expect.contains outcome.OutLines (Path.Combine(figures, id + ".svg")) "a drawing of it"
                    Xml.Linq.XDocument.Load(Path.Combine(figures, id + ".svg")) |> ignore
                    Expect.equal (File.ReadAllBytes(Path.Combine(figures, id + ".pdf"))[..4]) "%PDF-"B "a PDF of it"

                Expect.isFalse (text.Contains "<img src=x") "no element of a file's name"
                Expect.stringContains text "&lt;img src=x" "but the name is shown"

                inChromium (fun () ->
                    let console, addresses, document = browse page
                    Expect.isEmpty (console |> List.filter isError) "console"
                    Expect.isEmpty addresses "requests"
                    Expect.equal (plots document) (Regex.Matches(text, "<div class=\"plot\"").Count) "plots drawn"
                    Expect.stringContains document $"<title>Run {Path.GetFileName run}</title>" "the title is ours")
            }

            test "an event display in space, as a drawing and as a picture" {
                let directory, file, run, _ = prepared.Value
                let at name = Path.Combine(directory, name)

                let outcome =
                    cli
                        [
                            "display"
                            file
                            "--entry"
                            "7"
                            "--model"
                            run
                            "--html"
                            at "event.html"
                            "--svg"
                            at "event.svg"
                            "--png"
                            at "event.png"
                            "--pdf"
                            at "event.pdf"
                        ]
                    |> expecting 0

                Expect.equal
                    outcome.OutLines
                    [ at "event.html"; at "event.svg"; at "event.png"; at "event.pdf" ]
                    "paths"

                Expect.isTrue (Xml.Linq.XDocument.Load(at "event.svg").Root <> null) "XML"
                Expect.equal (pngSize (at "event.png")) (3000, 1680) "three pixels a point"
                Expect.equal (File.ReadAllBytes(at "event.pdf")[..4]) "%PDF-"B "a PDF"

                cli
                    [
                        "display"
                        file
                        "--entry"
                        "7"
                        "--model"
                        run
                        "--before-after"
                        "--scale"
                        "1"
                        "--png"
                        at "both.png"
                    ]
                |> expecting 0
                |> ignore

                Expect.equal (pngSize (at "both.png")) (1010, 594) "before and after"

                inChromium (fun () ->
                    let console, addresses, document = browse (at "event.html")
                    Expect.isEmpty (console |> List.filter isError) "console"
                    Expect.isEmpty addresses "requests"
                    Expect.equal (plots document) 1 "plot drawn"
                    Expect.stringContains document "<canvas" "in space")
            }

            test "the browser's eyes are open: an error and a request in a page are seen" {
                inChromium (fun () ->
                    let directory, _, _, _ = prepared.Value
                    let page = Path.Combine(directory, "bad.html")

                    File.WriteAllText(
                        page,
                        "<script>fetch('https://example.invalid/x').catch(()=>0);missing()</script>"
                    )

                    let console, addresses, document = browse page
                    Expect.isNonEmpty (console |> List.filter isError) "console"
                    Expect.isNonEmpty addresses "requests"
                    Expect.equal (plots document) 0 "no plot")
            }

            test "pictures need no font and no browser of the machine" {
                inTemporaryDirectory (fun directory ->
                    let png = Path.Combine(directory, "x.png")

                    cli [ "display"; sample; "--png"; png ]
                    |> withVariable "PATH" directory
                    |> withVariable "HOME" directory
                    |> withVariable "FONTCONFIG_PATH" directory
                    |> withVariable "FONTCONFIG_FILE" (Path.Combine(directory, "none"))
                    |> expecting 0
                    |> ignore

                    let here = Path.Combine(directory, "here.png")
                    cli [ "display"; sample; "--png"; here ] |> expecting 0 |> ignore
                    Expect.equal (File.ReadAllBytes png) (File.ReadAllBytes here) "the same picture")
            }

            test "entries and colours that are not there are refused" {
                runCli [ "display"; sample; "--entry"; "1000"; "--svg"; "x.svg" ]
                |> expectSentence 4 [ "wanted entry 1000"; "0 to 999" ]

                runCli [ "display"; sample; "--colour"; "score" ]
                |> expectSentence 2 [ "--model" ]

                runCli [ "display"; sample; "--entry"; "-1" ] |> expectSentence 2 [ "--entry" ]
                runCli [ "display"; sample; "--before-after" ] |> expectSentence 2 [ "--png" ]
                runCli [ "display"; sample; "--scale"; "0" ] |> expectSentence 2 [ "--scale" ]
                runCli [ "report" ] |> expectSentence 2 [ "directory of a run" ]
                runCli [ "report"; sample ] |> expectSentence 7 [ "directory of a run"; sample ]
            }
        ]

[<Tests>]
let tests = testList "Evaluation" [ evaluates; compares; pages ]
