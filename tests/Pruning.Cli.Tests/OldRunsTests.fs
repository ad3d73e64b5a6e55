/// Runs, checkpoints and model files that an earlier version wrote resume, evaluate and prune to the same numbers.
module Pruning.Tests.Cli.OldRunsTests

open System.IO
open System.Text.Json
open Expecto
open TorchSharp
open Pruning.Model.ModelFiles
open Pruning.Tests
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.InspectTests

let private fixture (variant: string) (file: string) =
    Path.Combine(Fixture.repository, "tests", "Fixtures", "runs", variant, file)

/// A copy of a stopped run, with the place of the repository filled in.
let private copyRun (variant: string) (target: string) =
    let source = fixture variant "run"

    Directory.CreateDirectory(Path.Combine(target, "checkpoints", "epoch-0002"))
    |> ignore

    for name in [ "config.json"; "run.json"; "metrics.jsonl" ] do
        let text = File.ReadAllText(Path.Combine(source, name))
        File.WriteAllText(Path.Combine(target, name), text.Replace("@REPOSITORY@", Fixture.repository))

    let checkpoint = Path.Combine("checkpoints", "epoch-0002")

    for path in Directory.GetFiles(Path.Combine(source, checkpoint)) do
        File.Copy(path, Path.Combine(target, checkpoint, nonNull (Path.GetFileName path)))

    for name in [ "best"; "last" ] do
        File.CreateSymbolicLink(Path.Combine(target, "checkpoints", name), "epoch-0002")
        |> ignore

let private parse (text: string) = JsonDocument.Parse(text).RootElement

let private linesOf (path: string) = File.ReadAllLines path |> Array.map parse

/// Numbers of one processor come again on another to rounding only: it may sum in another order.
let private same (wanted: JsonElement) (found: JsonElement) (what: string) =
    match wanted.ValueKind with
    | JsonValueKind.Number ->
        Expect.equal found.ValueKind JsonValueKind.Number what
        let wanted, found = wanted.GetDouble(), found.GetDouble()
        Expect.isLessThan (abs (found - wanted)) (2e-6 * max 1.0 (abs wanted)) $"{what}: wanted {wanted}, found {found}"
    | kind -> Expect.equal found.ValueKind kind what

let private timed = set [ "time"; "seconds"; "graphs_per_second"; "resident_bytes" ]

let private sameFields (wanted: JsonElement) (found: JsonElement) (what: string) =
    for field in wanted.EnumerateObject() do
        if not (timed.Contains field.Name) then
            match found.TryGetProperty field.Name with
            | true, value -> same field.Value value $"{what}, {field.Name}"
            | _ -> failtest $"{what}: {field.Name} is missing"

let private expectMetrics (variant: string) (run: string) =
    let found = linesOf (Path.Combine(run, "metrics.jsonl"))

    for wanted in linesOf (fixture variant "expected-metrics.jsonl") do
        let split = wanted.GetProperty("split").GetString()

        let last =
            found
            |> Array.findBack (fun line -> line.GetProperty("split").GetString() = split)

        sameFields wanted last $"metrics.jsonl, {split}"

let private expectWeights (variant: string) (run: string) =
    use _scope = torch.NewDisposeScope()
    use wanted = SafeTensors.read (fixture variant "expected.safetensors")

    use found = SafeTensors.read (Path.Combine(run, "checkpoints", "last", "model.safetensors"))

    Expect.equal (List.sort found.Names) (List.sort wanted.Names) "names of the tensors"

    for name in wanted.Names do
        Near.close 2e-6 (found.Tensor name) (wanted.Tensor name) name

let private expectEvaluation (variant: string) (run: string) =
    let outcome =
        cli [ "evaluate"; run; sample; "--json"; "--checkpoint"; "last"; "--workers"; "1" ]
        |> expecting 0

    let wanted = parse (File.ReadAllText(fixture variant "expected-evaluation.json"))
    let found = parse outcome.Out

    for split in wanted.GetProperty("splits").EnumerateObject() do
        sameFields split.Value (found.GetProperty("splits").GetProperty split.Name) $"evaluate, {split.Name}"

let private expectScores (expected: string) (model: string) (more: string list) =
    inTemporaryDirectory (fun directory ->
        let scores = Path.Combine(directory, "scores.root")

        cli ([ "prune"; model; sample; "--output"; scores; "--quiet" ] @ more)
        |> expecting 0
        |> ignore

        let found =
            (cli [ "inspect"; scores; "--values"; "--json" ] |> expecting 0).OutLines
            |> List.map parse

        for wanted in linesOf expected do
            let branch = nonNull (wanted.GetProperty("branch").GetString())

            let leaf = found |> List.find (fun leaf -> leaf.GetProperty("branch").GetString() = branch)

            Expect.equal (leaf.GetProperty("nvalues").GetInt64()) (wanted.GetProperty("nvalues").GetInt64()) branch
            same (wanted.GetProperty "sum") (leaf.GetProperty "sum") branch)

[<Tests>]
let tests =
    testList
        "Old runs"
        [
            for variant in [ "equilibrium"; "autoregressive"; "fast"; "tree" ] do
                test $"{variant}: a run of version 0.1.0 resumes, evaluates and prunes to the same numbers" {
                    inTemporaryDirectory (fun directory ->
                        let run = Path.Combine(directory, "run")
                        copyRun variant run
                        cli [ "train"; "--resume"; run; "--quiet" ] |> expecting 0 |> ignore
                        expectMetrics variant run
                        expectWeights variant run
                        expectEvaluation variant run
                        expectScores (fixture variant "expected-scores.jsonl") run [ "--checkpoint"; "last" ])
                }

                test $"{variant}: a model file of version 0.1.0 prunes to the same scores" {
                    expectScores
                        (fixture variant "expected-model-scores.jsonl")
                        (fixture variant "model.safetensors")
                        []
                }
        ]
