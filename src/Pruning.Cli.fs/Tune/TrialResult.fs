namespace Pruning.Cli.Tune

open System
open System.IO
open System.Text.Json
open Pruning.Model.Metrics
open Pruning.Model.Logging

/// What a run directory tells about a trial.
type RunFound =
    {
        Directory: string
        /// Exit code in run.json; None while it runs and after it was killed.
        Exit: int option
        /// From the start of the run to its end; nan while it has none.
        Seconds: float
    }

[<RequireQualifiedAccess>]
module TrialResult =

    /// The best value of a metric over the epochs of a run's validation split; nan if it was never defined.
    let best (metric: Metric) (run: string) : float =
        let values =
            RunLog.ReadMetrics(Path.Combine(run, "metrics.jsonl"))
            |> List.filter (fun line -> line.Split = "val")
            |> List.choose (fun line -> line.Values |> List.tryFind (fun (name, _) -> name = metric.Key))
            |> List.map snd
            |> List.filter Double.IsFinite

        if values.IsEmpty then nan
        elif StudyPlan.isLowerBetter metric then List.min values
        else List.max values

    let private tryDescribe (directory: string) : (string * RunFound) option =
        try
            use document = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "run.json")))
            let root = document.RootElement
            let isNull (name: string) = root.GetProperty(name).ValueKind = JsonValueKind.Null
            let time (name: string) = root.GetProperty(name).GetDateTimeOffset()

            Some(
                string (root.GetProperty("name").GetString()),
                {
                    Directory = directory
                    Exit = if isNull "exit" then None else Some(root.GetProperty("exit").GetInt32())
                    Seconds =
                        if isNull "finished" then
                            nan
                        else
                            (time "finished" - time "started").TotalSeconds
                }
            )
        with
        | :? IOException
        | :? JsonException
        | :? FormatException
        | :? InvalidOperationException
        | :? Collections.Generic.KeyNotFoundException -> None

    /// The runs of a job under a directory of runs, newest first.
    let find (runs: string) (job: Job) : RunFound list =
        if not (Directory.Exists runs) then
            []
        else
            let name = StudyPlan.nameOf job

            Directory.GetDirectories(runs, $"*-{name}*")
            |> Array.sortDescending
            |> Seq.choose tryDescribe
            |> Seq.filter (fun (found, _) -> found = name)
            |> Seq.map snd
            |> List.ofSeq
