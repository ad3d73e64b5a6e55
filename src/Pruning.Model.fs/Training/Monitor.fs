namespace Pruning.Model.Training

open Pruning.Model.Metrics

/// Which validation metric tells a better epoch from a worse one.
type Monitor = { Metric: Metric }

[<RequireQualifiedAccess>]
module Monitor =

    /// Average precision depends on no threshold and is not fooled by rare positives.
    let standard: Monitor = { Metric = Metrics.averagePrecision }

    /// Every metric that can be monitored.
    let all: Monitor list = [ for metric in MetricState.metrics -> { Metric = metric } ]

    /// What an epoch is worth, to be compared as a pair: the metric, turned so that greater is better, then, on a tie and
    /// where the metric is undefined, the loss.
    let score (monitor: Monitor) (validation: MetricState) : float * float =
        let loss = MetricState.loss validation |> Option.defaultValue infinity

        match monitor.Metric.Direction with
        | Direction.LowerIsBetter -> -loss, -loss
        | _ ->
            let value = MetricState.value monitor.Metric validation
            (if System.Double.IsNaN value then 0.0 else value), -loss
