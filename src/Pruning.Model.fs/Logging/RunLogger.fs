namespace Pruning.Model.Logging

open System
open System.Text.Json
open System.Text.Json.Nodes
open Pruning.Model.Metrics
open Pruning.Model.Drawing

/// What a run says while it goes on.
[<RequireQualifiedAccess; NoComparison; NoEquality>]
type RunRecord =
    /// Training begins or goes on, with this configuration (config.json), after so many steps.
    | Began of config: JsonObject * step: int64
    /// Numbers after a step or an epoch, by tag.
    | Scalars of step: int64 * values: (string * float) list
    /// The metrics of a split, and the counts that they are the ratios of.
    | Metrics of line: MetricLine * state: MetricState
    /// How the numbers of a tensor are distributed.
    | Distribution of step: int64 * tag: string * ValueDistribution
    | Picture of step: int64 * tag: string * Picture
    /// The run is over: its exit code, and the error in one sentence if there was one.
    | Ended of exitCode: int * error: string option

/// Keeps what it can of what a run says: metrics.jsonl, a table, TensorBoard, or one of your own.
type RunLogger = RunRecord -> unit

[<RequireQualifiedAccess>]
module RunLogger =

    /// All of them hear everything, in order.
    let all (loggers: RunLogger list) : RunLogger = fun record -> loggers |> List.iter (fun log -> log record)

    /// metrics.jsonl and the end in run.json.
    let runLog (log: RunLog) : RunLogger =
        function
        | RunRecord.Metrics(line, _) -> log.Metrics line
        | RunRecord.Ended(exitCode, error) -> log.Finish(exitCode, ?error = error)
        | RunRecord.Began _
        | RunRecord.Scalars _
        | RunRecord.Distribution _
        | RunRecord.Picture _ -> ()

    /// metrics.csv in a run's directory.
    let csv (log: RunLog) : RunLogger =
        let path = log.File MetricsCsv.fileName

        function
        | RunRecord.Began _ -> MetricsCsv.rewrite (log.File "metrics.jsonl") path
        | RunRecord.Metrics(line, _) -> MetricsCsv.append path line
        | RunRecord.Scalars _
        | RunRecord.Distribution _
        | RunRecord.Picture _
        | RunRecord.Ended _ -> ()

    /// What the HParams tab shows of a run: the best epoch's metrics, and the test split's.
    let private shownMetrics: (string * string) list =
        [
            for metric in
                [
                    Metrics.averagePrecision
                    Metrics.rocAuc
                    Metrics.f1
                    Metrics.energyEfficiency
                    Metrics.energyPurity
                    Metrics.loss
                ] do
                $"best/{metric.Key}", $"validation {metric.Title}, best epoch"
            $"test/{Metrics.averagePrecision.Key}", $"test {Metrics.averagePrecision.Title}"
            "system/graphs_per_second", "training graphs a second"
        ]

    let private describe (board: TensorBoard) (config: JsonObject) (step: int64) =
        let hparams = HParams.ofConfig config
        let text = config.ToJsonString(JsonSerializerOptions(WriteIndented = true))

        [
            Summaries.text "config" $"```json\n{text}\n```"
            Summaries.hparams HParams.experimentTag (HParams.experiment hparams shownMetrics)
            Summaries.hparams HParams.sessionStartTag (HParams.sessionStart hparams board.Now)
        ]
        |> fun values -> board.Values(step, values)

    /// Undefined numbers are left out: a curve has no point there.
    let private finite (values: (string * float) list) = values |> List.filter (fun (_, value) -> Double.IsFinite value)

    let private describeSplit (line: MetricLine) (state: MetricState) =
        [
            for name, value in finite line.Values do
                // What is no metric stands under system/.
                if not (List.contains name MetricsCsv.ofTraining) then
                    Summaries.scalar $"{line.Split}/{name}" value

            if line.Split <> "train" && Array.exists ((<>) 0L) state.Scores.Prune then
                state.Scores
                |> PrecisionRecallTable.ofScores PrecisionRecallTable.standardThresholds
                |> Summaries.precisionRecall line.Split

            if line.Split <> "train" && Confusion.nodes state.Decisions > 0L then
                state.Decisions
                |> ConfusionDrawing.draw
                |> Renderer.picture 1.0
                |> Summaries.image $"{line.Split}/confusion"
        ]

    /// Everything, for TensorBoard.
    let tensorBoard (board: TensorBoard) : RunLogger =
        let last = ref 0L

        let write (step: int64) values =
            last.Value <- max last.Value step
            board.Values(step, values)

        function
        | RunRecord.Began(config, step) ->
            if step > 0L then
                board.Restart step

            last.Value <- step
            describe board config step
        | RunRecord.Scalars(step, values) ->
            write step [ for tag, value in finite values -> Summaries.scalar tag value ]
        | RunRecord.Metrics(line, state) -> write line.Step (describeSplit line state)
        | RunRecord.Distribution(step, tag, distribution) -> write step [ Summaries.histogram tag distribution ]
        | RunRecord.Picture(step, tag, picture) -> write step [ Summaries.image tag picture ]
        | RunRecord.Ended(exitCode, _) ->
            let status = if exitCode = 0 then SessionStatus.Success else SessionStatus.Failure
            // After the last step: it goes with what is cut off when the run is taken up again.
            board.Values(
                last.Value + 1L,
                [ Summaries.hparams HParams.sessionEndTag (HParams.sessionEnd status board.Now) ]
            )
