namespace Pruning.Cli.Tune

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open Pruning.Model.Metrics
open Pruning.Cli.Framework
open Pruning.Model.Persistence

/// How a study looks for good values.
[<RequireQualifiedAccess>]
type SearchMethod =
    /// Every combination.
    | Grid
    /// Trials at random, each for all epochs.
    | Random
    /// Asynchronous successive halving (Li et al. 2018, arXiv:1810.05934): many trials for few epochs, and of those that have
    /// come to a rung the best 1/eta for eta times as many.
    | Asha of eta: int * minEpochs: int

/// Everything that decides what a study does. Its trials are a pure function of it.
type StudyPlan =
    {
        Method: SearchMethod
        Space: TunedOption list
        Trials: int
        /// Draws the trials.
        Seed: int64
        /// Validation metric.
        Metric: Metric
        /// Words of `train` that all trials share: files, fixed options.
        TrainArguments: string list
        /// Epochs of a whole training.
        Epochs: int
        /// Threads of each training, for the mathematics and for reading: results depend on them, so that they stay the same
        /// when the study goes on elsewhere.
        Threads: int
    }

/// A piece of work: a trial up to the epochs of a rung.
[<Struct>]
type Job = { Trial: int; Rung: int }

[<RequireQualifiedAccess>]
module StudyPlan =

    let fileName = "study.json"

    let methods = [ "grid"; "random"; "asha" ]

    /// Whether a smaller value of the metric is the better one.
    let isLowerBetter (metric: Metric) : bool = metric.Direction = Direction.LowerIsBetter

    /// Epochs of the rungs, ascending; the last one has all of them.
    let rungs (plan: StudyPlan) : int list =
        match plan.Method with
        | SearchMethod.Grid
        | SearchMethod.Random -> [ plan.Epochs ]
        | SearchMethod.Asha(eta, minEpochs) ->
            let below =
                int64 (min minEpochs plan.Epochs)
                |> List.unfold (fun epochs ->
                    if epochs < int64 plan.Epochs then
                        Some(int epochs, epochs * int64 eta)
                    else
                        None)

            below @ [ plan.Epochs ]

    /// "1 epoch", "3 epochs"
    let epochsText (epochs: int) : string = if epochs = 1 then "1 epoch" else $"{epochs} epochs"

    /// Of those that have come to a rung one in so many goes on.
    let eta (plan: StudyPlan) : int =
        match plan.Method with
        | SearchMethod.Asha(eta, _) -> eta
        | SearchMethod.Grid
        | SearchMethod.Random -> 1

    /// The values of a trial, counted from 0.
    let values (plan: StudyPlan) (trial: int) : (string * string) list =
        match plan.Method with
        | SearchMethod.Grid -> Space.grid plan.Space trial
        | SearchMethod.Random
        | SearchMethod.Asha _ -> Space.random plan.Seed plan.Space trial

    /// Name of the run of a job: trial-0007, with the rung after the first one.
    let nameOf (job: Job) : string =
        let trial = job.Trial.ToString "D4"
        if job.Rung = 0 then $"trial-{trial}" else $"trial-{trial}-rung-{job.Rung}"

    /// Words after `train` for a job, without its place and its name.
    let trainArguments (isFlag: string -> bool) (plan: StudyPlan) (job: Job) : string list =
        plan.TrainArguments
        @ [
            $"--epochs={List.item job.Rung (rungs plan)}"
            $"--threads={plan.Threads}"
            $"--workers={plan.Threads}"
        ]
        @ Space.words isFlag (values plan job.Trial)

    let toJson (plan: StudyPlan) : JsonObject =
        Json.record
            [
                "method",
                Json.text (
                    match plan.Method with
                    | SearchMethod.Grid -> "grid"
                    | SearchMethod.Random -> "random"
                    | SearchMethod.Asha _ -> "asha"
                )
                match plan.Method with
                | SearchMethod.Asha(eta, minEpochs) ->
                    "eta", Json.integer eta
                    "min_epochs", Json.integer minEpochs
                | SearchMethod.Grid
                | SearchMethod.Random -> ()
                "space", Space.toJson plan.Space
                "trials", Json.integer plan.Trials
                "seed", Json.integer plan.Seed
                "metric", Json.text plan.Metric.Key
                "epochs", Json.integer plan.Epochs
                "threads", Json.integer plan.Threads
                "train", Json.list (plan.TrainArguments |> List.map Json.text)
            ]

    /// Reads study.json; what does not fit is a CheckpointException.
    let read (path: string) : StudyPlan =
        let refuse (found: string) (cause: exn | null) =
            raise (CheckpointException($"wanted a study, found {found} in {path}; give another --study.", cause))

        try
            use document = JsonDocument.Parse(File.ReadAllText path)
            let part (name: string) = document.RootElement.GetProperty name
            let text (name: string) = string ((part name).GetString())

            {
                Method =
                    match text "method" with
                    | "grid" -> SearchMethod.Grid
                    | "random" -> SearchMethod.Random
                    | "asha" -> SearchMethod.Asha((part "eta").GetInt32(), (part "min_epochs").GetInt32())
                    | other -> refuse $"the method '{other}'" null
                Space = Space.ofJson path ((part "space").GetRawText())
                Trials = (part "trials").GetInt32()
                Seed = (part "seed").GetInt64()
                Metric =
                    let key = text "metric"

                    MetricState.metrics
                    |> List.tryFind (fun metric -> metric.Key = key)
                    |> Option.defaultWith (fun () -> refuse $"the metric '{key}'" null)
                Epochs = (part "epochs").GetInt32()
                Threads = (part "threads").GetInt32()
                TrainArguments = [ for word in (part "train").EnumerateArray() -> string (word.GetString()) ]
            }
        with
        | :? JsonException as error -> refuse "no JSON" error
        | :? UsageException as error -> refuse $"another space ({error.Message})" error
        | :? Collections.Generic.KeyNotFoundException
        | :? InvalidOperationException
        | :? FormatException as error -> refuse $"another content ({error.Message})" error

    /// Notes the plan in a new study, or makes sure that an old one has the same.
    let keep (directory: string) (plan: StudyPlan) : unit =
        let path = Path.Combine(directory, fileName)

        if File.Exists path then
            if read path <> plan then
                raise (
                    UsageException
                        $"{directory} is the study of another space, seed or training: see {fileName} in it. Give another --study, or \
                         --study alone to go on with this one."
                )
        else
            Directory.CreateDirectory directory |> ignore
            AtomicFile.writeText path ((toJson plan).ToJsonString(JsonSerializerOptions(WriteIndented = true)) + "\n")
