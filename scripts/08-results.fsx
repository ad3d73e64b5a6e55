// 08-results: how well does each network prune 30,000 simulated tracksters? Makes the table of docs/results.md.
//
// The script simulates the samples, trains one network of each strategy for about the same time on one core, and evaluates all of them
// on the same test split. Files and runs that exist are not made again, so a stopped script continues where it was.
//
// Run:     ./graph-pruning --version                                builds the program
//          dotnet fsi scripts/08-results.fsx                        only prints the commands
//          dotnet fsi scripts/08-results.fsx DIRECTORY              makes everything in DIRECTORY
//          dotnet fsi scripts/08-results.fsx DIRECTORY 600          the same with 600 events, as a trial
// Prints:  the commands and the table.
// Takes:   about 20 minutes; a few minutes with 600 events.

open System
open System.Diagnostics
open System.Globalization
open System.IO
open System.Text.Json

CultureInfo.CurrentCulture <- CultureInfo.InvariantCulture

/// Where everything is made; nowhere: the commands are only said.
let place = fsi.CommandLineArgs |> Array.tryItem 1 |> Option.map Path.GetFullPath

/// Of all files together: 30,000 tracksters in the first one.
let events =
    fsi.CommandLineArgs
    |> Array.tryItem 2
    |> Option.map int
    |> Option.defaultValue 72600

let program = Path.Combine(__SOURCE_DIRECTORY__, "..", "graph-pruning")

/// The first is the sample, which is divided into training, validation and test; the others are more to train on. Shards of
/// one simulation have no event in common.
let file (shard: int) : string = $"toy-{shard}.root"

let simulate (shard: int) : string list = [ "simulate"; file shard; "--events"; $"{events}"; "--shard"; $"{shard}/6" ]

let sample, more = file 1, [ for shard in 2..6 -> file shard ]

/// Name, files, options beside the preset, options of `evaluate`. Epochs are chosen so that training takes 75 to 120 s on one core; an
/// epoch of the autoregressive network takes ten minutes, so it stops in the first one.
let networks =
    [
        "one-pass", [ sample ], [], []
        "plain", [ sample ], [ "--features"; "extended,log_hits"; "--neighbours"; "0" ], []
        "equilibrium", [ sample ], [ "--mode"; "equilibrium"; "--passes"; "3"; "--epochs"; "3" ], []
        "tree", [ sample ], [ "--mode"; "tree"; "--epochs"; "5" ], []
        "autoregressive",
        [ sample ],
        [
            "--mode"
            "autoregressive"
            "--epochs"
            "1"
            "--schedule"
            "constant"
            "--learning-rate"
            "0.001"
            "--batch-size"
            "16"
            "--max-time"
            "100s"
        ],
        [ "--checkpoint"; "last" ]
        "more-data", more, [ "--epochs"; "3" ], [ sample ]
    ]

let train (name: string) (files: string list) (options: string list) : string list =
    let words = [ "--preset"; "fast"; "--training-fraction"; "0.6"; "--threads"; "1"; "--name"; name ]
    "train" :: files @ words @ [ "--runs"; "runs" ] @ options

/// The test split of the sample, at 99 % of the energy of its validation split. The baselines are the same for every network.
let evaluate (name: string) (run: string) (options: string list) : string list =
    let baselines = if name = "one-pass" then "all" else "none"
    let words = [ "--split"; "test"; "--working-point"; "efficiency=0.99"; "--bootstrap"; "100" ]
    "evaluate" :: run :: options @ words @ [ "--baselines"; baselines; "--json" ]

let say (words: string list) = $"""graph-pruning {String.concat " " words}"""

match place with
| Some _ -> ()
| None ->
    for shard in 1..6 do
        printfn "%s" (say (simulate shard))

    for name, files, options, evaluation in networks do
        printfn "%s" (say (train name files options))
        printfn "%s" (say (evaluate name $"runs/*-{name}" evaluation))

    exit 0

let inDirectory (name: string) : string = Path.Combine(place.Value, name)

/// Seconds of processor time of the programs that were started and have ended: the kernel's clock counts hundredths.
let processorTimeOfChildren () : float =
    let text = File.ReadAllText "/proc/self/stat"
    let fields = text.Substring(text.LastIndexOf ')' + 2).Split ' ' // from the third on: the second may hold blanks
    (float fields[13] + float fields[14]) / 100.0

/// Runs a verb, says its command line, and stops the script when it fails. -> its standard output, seconds of processor time
let run (words: string list) : string * float =
    eprintfn "%s" (say words)

    let start =
        ProcessStartInfo(program, words, RedirectStandardOutput = true, WorkingDirectory = place.Value)

    let before = processorTimeOfChildren ()
    use child = nonNull (Process.Start start)
    let text = child.StandardOutput.ReadToEnd()
    child.WaitForExit()

    if child.ExitCode <> 0 then
        exit child.ExitCode

    text, processorTimeOfChildren () - before

Directory.CreateDirectory place.Value |> ignore

for shard in 1..6 do
    if not (File.Exists(inDirectory (file shard))) then
        run (simulate shard) |> ignore

/// The directory of a finished run, trained if there is none, and the seconds of processor time that took.
let trained (name: string) (files: string list) (options: string list) : string * float =
    let seconds = inDirectory $"{name}.seconds"

    if not (File.Exists seconds) then
        let _, taken = run (train name files options)
        File.WriteAllText(seconds, $"{taken:F0}")

    let newest =
        Directory.GetDirectories(inDirectory "runs", $"*-{name}")
        |> Array.sort
        |> Array.last

    newest, float (File.ReadAllText seconds)

/// A network, and for one of them the baselines, evaluated.
let evaluated (name: string) (directory: string) (options: string list) : JsonElement =
    let file = inDirectory $"{name}.json"

    if not (File.Exists file) then
        let text, _ = run (evaluate name directory options)
        File.WriteAllText(file, text)

    use document = JsonDocument.Parse(File.ReadAllText file)
    document.RootElement.GetProperty("judgements").GetProperty("test").GetProperty("models").Clone()

let cell (digits: int) (scale: float) (model: JsonElement) (metric: string) : string =
    let found = model.GetProperty metric

    let number (name: string) =
        match found.TryGetProperty name with
        | true, value when value.ValueKind = JsonValueKind.Number ->
            Some((scale * value.GetDouble()).ToString $"F{digits}")
        | _ -> None

    match number "value", number "low", number "high" with
    | Some value, Some low, Some high -> $"{value} ({low} to {high})"
    | Some value, _, _ -> value
    | None, _, _ -> "-"

let row (name: string) (seconds: string) (model: JsonElement) =
    let accuracy = [ cell 3 1.0 model "roc_auc"; cell 3 1.0 model "average_precision" ]
    let energy = [ cell 2 100.0 model "total_purity_after"; cell 2 100.0 model "total_efficiency" ]
    let cells = String.concat " | " (accuracy @ energy)
    printfn $"| {name} | {cells} | {seconds} |"

let results =
    [
        for name, files, options, evaluation in networks do
            let run, seconds = trained name files options
            name, seconds, evaluated name run evaluation
    ]

printfn "| | AUC | AP | purity, %% | energy kept, %% | training, s |"
printfn "|---|---|---|---|---|---|"

let _, _, withRules = results.Head

for model in withRules.EnumerateObject() do
    if model.Name <> "network" then
        row model.Name "" model.Value

for name, seconds, models in results do
    row name $"{seconds:F0}" (models.GetProperty "network")
