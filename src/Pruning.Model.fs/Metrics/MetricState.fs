namespace Pruning.Model.Metrics

open System

/// Everything that is counted while graphs are evaluated. States add: over batches, threads and ranks, in any order and
/// grouping, to the same bits. Ratios are taken once, at the end.
type MetricState =
    {
        /// Decisions against labels, in nodes.
        Decisions: Confusion
        /// Scores by label.
        Scores: ScoreHistogram
        /// Energies by label and decision.
        Energy: ShowerMetrics
        /// Graphs whose loss is in LossSum.
        Graphs: int64
        /// Sum of the losses of those graphs.
        LossSum: ExactSum
    }

    /// States add.
    static member (+)(a: MetricState, b: MetricState) : MetricState =
        {
            Decisions = a.Decisions + b.Decisions
            Scores = a.Scores + b.Scores
            Energy = a.Energy + b.Energy
            Graphs = a.Graphs + b.Graphs
            LossSum = a.LossSum + b.LossSum
        }

/// Making, adding and reading metric states.
[<RequireQualifiedAccess>]
module MetricState =

    /// Nothing seen: adding it changes nothing.
    let zero: MetricState =
        {
            Decisions = Confusion.zero
            Scores = ScoreHistogram.zero
            Energy = ShowerMetrics.zero
            Graphs = 0L
            LossSum = ExactSum.zero
        }

    /// The state of the nodes of both.
    let add (a: MetricState) (b: MetricState) : MetricState = a + b

    /// Adds many states, pairing those of like size, so that a long evaluation does not copy its histogram every batch.
    let sum (states: MetricState seq) : MetricState =
        // Item k of the stack holds about 2^k states, as in a binary counter.
        let mutable stack: struct (int * MetricState) list = []

        for state in states do
            let mutable carry = struct (0, state)
            let mutable carrying = true

            while carrying do
                let struct (level, upper) = carry

                match stack with
                | struct (topLevel, top) :: rest when topLevel = level ->
                    carry <- struct (level + 1, top + upper)
                    stack <- rest
                | _ -> carrying <- false

            stack <- carry :: stack

        stack |> List.fold (fun total (struct (_, state)) -> state + total) zero

    /// The nodes of one or many graphs, one element a node: labels (1 = prune), margins (logit of prune minus logit of
    /// keep; above zero = pruned) and energies in GeV. No loss: see withLoss. A score that is NaN: TrainingException.
    let ofNodes (labels: int64[]) (margins: float32[]) (energies: float32[]) : MetricState =
        { zero with
            Decisions = Confusion.ofNodes labels margins
            Scores = ScoreHistogram.ofNodes labels margins
            Energy = ShowerMetrics.ofNodes labels margins energies
        }

    /// The same state with the losses of its graphs: how many graphs, and the sum of their losses.
    let withLoss (graphs: int) (lossSum: float) (state: MetricState) : MetricState =
        { state with
            Graphs = int64 graphs
            LossSum = ExactSum.ofFloat "the loss" lossSum
        }

    /// Mean loss a graph. None when no graph's loss is known.
    let loss (state: MetricState) : float option =
        if state.Graphs = 0L then
            None
        else
            Some(ExactSum.toFloat state.LossSum / float state.Graphs)

    /// What a state knows, in the order of every list of them.
    let measurements: Measurement<MetricState> list =
        [
            Measurement.create Metrics.loss loss
            Measurement.create Metrics.accuracy (fun state -> Confusion.accuracy state.Decisions)
            Measurement.create Metrics.precision (fun state -> Confusion.precision state.Decisions)
            Measurement.create Metrics.recall (fun state -> Confusion.recall state.Decisions)
            Measurement.create Metrics.f1 (fun state -> Confusion.f1 state.Decisions)
            Measurement.create Metrics.rocAuc (fun state -> ScoreHistogram.rocAuc state.Scores)
            Measurement.create Metrics.averagePrecision (fun state -> ScoreHistogram.averagePrecision state.Scores)
            Measurement.create Metrics.energyEfficiency (fun state -> ShowerMetrics.efficiency state.Energy)
            Measurement.create Metrics.energyPurity (fun state -> ShowerMetrics.purity state.Energy)
        ]

    /// Their metrics.
    let metrics: Metric list = [ for one in measurements -> one.Metric ]

    /// One value; nan where it is undefined, and for a metric that is of no such state.
    let value (metric: Metric) (state: MetricState) : float =
        measurements
        |> List.tryFind (fun one -> one.Metric.Key = metric.Key)
        |> Option.bind (fun one -> one.Value state)
        |> Option.defaultValue Double.NaN

    /// Keys and values in a fixed order; what is undefined (a zero denominator) is nan.
    let report (state: MetricState) : (string * float) list = Measurement.report measurements state
