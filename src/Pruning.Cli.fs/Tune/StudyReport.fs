namespace Pruning.Cli.Tune

open System
open System.Globalization
open System.IO
open System.Text.Json.Nodes
open Pruning.Model.Metrics
open Pruning.Cli.Framework
open Pruning.Cli.Drawing
open Pruning.Model.Persistence

/// A trial as the table shows it: where it has come to.
type TrialRow =
    {
        Trial: int
        Values: (string * string) list
        /// The highest rung that it has finished; None = not even the first.
        Rung: int option
        /// The metric there; nan if it is not there or was never defined.
        Value: float
        /// Directory of that run.
        Run: string
        /// Training time of all its rungs, as far as it is known.
        Seconds: float
        /// "done", "failed: why", "running", "waiting".
        Status: string
    }

/// What a study found: a table, a CSV, a page.
[<RequireQualifiedAccess>]
module StudyReport =

    let private ofTrial (plan: StudyPlan) (state: StudyState) (trial: int) : TrialRow =
        let jobs =
            [
                for rung in 0 .. (StudyPlan.rungs plan).Length - 1 do
                    match Map.tryFind { Trial = trial; Rung = rung } state with
                    | Some job -> rung, job
                    | None -> ()
            ]

        let finished =
            jobs
            |> List.choose (fun (rung, job) ->
                match job.Status with
                | JobStatus.Over(JobOutcome.Done value, run, _) -> Some(rung, value, run)
                | _ -> None)
            |> List.tryLast

        let seconds =
            jobs
            |> List.sumBy (fun (_, job) ->
                match job.Status with
                | JobStatus.Over(_, _, seconds) when Double.IsFinite seconds -> seconds
                | _ -> 0.0)

        let status =
            match List.tryLast jobs with
            | None -> "waiting"
            | Some(_, job) ->
                match job.Status with
                | JobStatus.Free -> "waiting"
                | JobStatus.Held _ -> "running"
                | JobStatus.Over(JobOutcome.Done _, _, _) -> "done"
                | JobStatus.Over(JobOutcome.Failed reason, _, _) -> "failed: " + reason

        {
            Trial = trial
            Values = StudyPlan.values plan trial
            Rung = finished |> Option.map (fun (rung, _, _) -> rung)
            Value = finished |> Option.map (fun (_, value, _) -> value) |> Option.defaultValue nan
            Run = finished |> Option.map (fun (_, _, run) -> run) |> Option.defaultValue ""
            Seconds = seconds
            Status = status
        }

    /// All trials, best first: who has come further stands before who has not, whatever the metric.
    let rows (plan: StudyPlan) (state: StudyState) : TrialRow list =
        let sign = if StudyPlan.isLowerBetter plan.Metric then 1.0 else -1.0

        List.init plan.Trials (ofTrial plan state)
        |> List.sortBy (fun row ->
            let cost = if Double.IsNaN row.Value then infinity else sign * row.Value
            -(defaultArg row.Rung -1), cost, row.Trial)

    /// The best of those that have come furthest; None if no trial has a value.
    let best (rows: TrialRow list) : TrialRow option = rows |> List.tryFind (fun row -> not (Double.IsNaN row.Value))

    /// Quotes words that a shell would take apart.
    let private shellWord (word: string) : string =
        let plain letter = Char.IsAsciiLetterOrDigit letter || "-_=./:,@%+".Contains(letter: char)

        if word <> "" && String.forall plain word then
            word
        else
            "'" + word.Replace("'", "'\\''") + "'"

    /// The command that trains a trial again, for all epochs.
    let commandLine (isFlag: string -> bool) (plan: StudyPlan) (row: TrialRow) : string =
        let last = (StudyPlan.rungs plan).Length - 1
        let words = StudyPlan.trainArguments isFlag plan { Trial = row.Trial; Rung = last }

        Arguments.program :: "train" :: words |> List.map shellWord |> String.concat " "

    let private epochsOf (plan: StudyPlan) (row: TrialRow) : string =
        row.Rung
        |> Option.map (fun rung -> string (List.item rung (StudyPlan.rungs plan)))
        |> Option.defaultValue "-"

    let columns (plan: StudyPlan) : (string * bool) list =
        [
            "trial", true
            for tuned in plan.Space do
                tuned.Name, true
            "epochs", true
            Metrics.heading plan.Metric, true
            "seconds", true
            "status", false
        ]

    let cells (plan: StudyPlan) (row: TrialRow) : string list =
        [
            string row.Trial
            for _, value in row.Values do
                value
            epochsOf plan row
            Say.number row.Value
            Say.number (Math.Round(row.Seconds, 1))
            row.Status
        ]

    let writeCsv (path: string) (plan: StudyPlan) (rows: TrialRow list) : unit =
        let header = (columns plan |> List.map fst) @ [ "run" ]

        Csv.write
            path
            header
            [
                for row in rows ->
                    [
                        string row.Trial
                        for _, value in row.Values do
                            value
                        (if row.Rung.IsSome then epochsOf plan row else "")
                        Csv.number row.Value
                        Csv.number row.Seconds
                        row.Status
                        row.Run
                    ]
            ]

    let private tryNumber (text: string) : float option =
        match Double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture) with
        | true, x when Double.IsFinite x -> Some x
        | _ -> None

    let private numbers (values: float list) = Json.list (values |> List.map Json.number)

    let private texts (values: string list) = Json.list (values |> List.map (Html.escape >> Json.text))

    /// An axis whose places have names.
    let private named (label: string) (words: string list) (values: string list) : JsonObject =
        let place value = float (List.findIndex ((=) value) words)

        Json.record
            [
                "label", Json.text (Html.escape label)
                "values", numbers (values |> List.map place)
                "tickvals", numbers [ for place in 0 .. words.Length - 1 -> float place ]
                "ticktext", texts words
                "range", numbers [ -0.1; max 0.1 (float words.Length - 0.9) ]
            ]

    let private plain (label: string) (values: float list) : JsonObject =
        Json.record [ "label", Json.text (Html.escape label); "values", numbers values ]

    /// An axis of powers of ten, with its ends and what is round between them.
    let private logarithmic (label: string) (low: float, high: float) (values: float list) : JsonObject =
        let inner =
            [
                for power in floor (log10 low) .. ceil (log10 high) do
                    for digit in [ 1.0; 2.0; 5.0 ] do
                        let tick = digit * 10.0 ** power

                        if tick > low * 1.05 && tick < high / 1.05 then
                            tick
            ]

        let ticks = low :: inner @ [ high ]

        Json.record
            [
                "label", Json.text (Html.escape (label + " (log)"))
                "values", numbers (values |> List.map log10)
                "tickvals", numbers (ticks |> List.map log10)
                "ticktext", texts (ticks |> List.map Say.number)
                "range", numbers [ log10 low; log10 high ]
            ]

    let private axisOf (rows: TrialRow list) (tuned: TunedOption) : JsonObject =
        let values =
            rows
            |> List.map (fun row -> row.Values |> List.find (fst >> (=) tuned.Name) |> snd)

        match tuned.Domain with
        | Domain.Choice words -> named tuned.Name words values
        | Domain.LogUniform(low, high) -> logarithmic tuned.Name (low, high) (values |> List.choose tryNumber)
        | Domain.Uniform _
        | Domain.Integer _ -> plain tuned.Name (values |> List.choose tryNumber)

    /// Parallel coordinates in Plotly's JSON: an axis for each option and one for the metric, a line for each trial that has a
    /// value, coloured by it.
    let parallelCoordinates (plan: StudyPlan) (rows: TrialRow list) : string =
        let rows = rows |> List.filter (fun row -> not (Double.IsNaN row.Value))
        let epochs = rows |> List.map (epochsOf plan)
        let rungs = StudyPlan.rungs plan |> List.map string

        let axes =
            [
                for tuned in plan.Space do
                    axisOf rows tuned
                if rungs.Length > 1 then
                    named "epochs" rungs epochs
                plain plan.Metric.Title (rows |> List.map _.Value)
            ]

        let line =
            Json.record
                [
                    "color", numbers (rows |> List.map _.Value)
                    "colorscale", Json.text "Viridis"
                    "reversescale", Json.flag (StudyPlan.isLowerBetter plan.Metric)
                    "showscale", Json.flag true
                    "colorbar",
                    Json.record [ "title", Json.record [ "text", Json.text (Html.escape plan.Metric.Title) ] ]
                ]

        let trace =
            Json.record
                [
                    "type", Json.text "parcoords"
                    "line", line
                    "dimensions", Json.list [ for axis in axes -> axis ]
                ]

        let font =
            Json.record [ "family", Json.text "Helvetica, Arial, 'DejaVu Sans', sans-serif"; "size", Json.integer 15 ]

        let layout =
            Json.record
                [
                    "height", Json.integer 480
                    "autosize", Json.flag true
                    "font", font
                    "paper_bgcolor", Json.text "white"
                    "margin",
                    Json.record
                        [ "l", Json.integer 90; "r", Json.integer 60; "t", Json.integer 60; "b", Json.integer 40 ]
                ]

        (Json.record [ "data", Json.list [ trace ]; "layout", layout ]).ToJsonString()

    let private htmlTitle (directory: string) : string =
        "Study "
        + string (Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath directory)))

    /// The page of a study: what is best and how to train it, the plot, all trials.
    let toHtml (isFlag: string -> bool) (directory: string) (plan: StudyPlan) (rows: TrialRow list) : string =
        let count status =
            rows
            |> List.filter (fun row -> row.Status.StartsWith(status: string))
            |> List.length

        let failed = count "failed"
        let evaluated = rows |> List.filter (fun row -> not (Double.IsNaN row.Value)) |> List.length

        Page.toHtml
            (htmlTitle directory)
            [
                Block.Paragraph
                    $"{plan.Trials} trials, {evaluated} with a value of the validation metric {plan.Metric.Key}, {failed} failed. A \
                     trial's value is its best epoch's."
                match best rows with
                | Some row ->
                    let rung = defaultArg row.Rung 0
                    let epochs = StudyPlan.epochsText (List.item rung (StudyPlan.rungs plan))

                    Block.Heading "Best"

                    Block.Paragraph
                        $"Trial {row.Trial} with {plan.Metric.Key} {Say.number row.Value} after {epochs}. Train it again:"

                    Block.Listing(commandLine isFlag plan row)
                    Block.Heading "What the options do"

                    Block.Plot(
                        "trials",
                        "A line is a trial. Drag along an axis to select trials; drag its name to move it.",
                        parallelCoordinates plan rows
                    )
                | None -> ()
                Block.Heading "Trials"
                Block.Table(columns plan, rows |> List.map (cells plan))
            ]
