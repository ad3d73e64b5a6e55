namespace Pruning.Model.Training

open Pruning.Model.Metrics

/// Which validation metric tells a better epoch from a worse one: its name in metrics.jsonl.
type Monitor = { Metric: string }

[<RequireQualifiedAccess>]
module Monitor =

    /// Average precision depends on no threshold and is not fooled by rare positives.
    let standard: Monitor = { Metric = "average_precision" }

    let private lossName = "loss"

    /// Every metric that can be monitored.
    let all: Monitor list = [ for name, _ in MetricState.report MetricState.zero -> { Metric = name } ]

    /// What an epoch is worth, to be compared as a pair: the metric (the smaller the better for the loss, the greater the
    /// better for every other), then, on a tie and where the metric is undefined, the loss.
    let score (monitor: Monitor) (validation: MetricState) : float * float =
        let loss = MetricState.loss validation |> Option.defaultValue infinity

        if monitor.Metric = lossName then
            -loss, -loss
        else
            let value = MetricState.report validation |> List.find (fst >> (=) monitor.Metric) |> snd
            (if System.Double.IsNaN value then 0.0 else value), -loss
