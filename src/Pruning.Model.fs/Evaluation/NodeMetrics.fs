namespace Pruning.Model.Evaluation

open Pruning.Model.Metrics

/// A node with its predictions, ready to be counted.
[<Struct; NoComparison; NoEquality>]
type internal EvaluatedNode =
    {
        /// Bin of its margin.
        Score: int
        CalibrationBin: int
        Prune: bool
        Pruned: bool
        /// Energy in GeV; below zero counts as nothing.
        Energy: ExactSum
        /// Energy that belongs to the shower.
        Shower: ExactSum
        Probability: ExactSum
        Square: ExactSum
        EnergyProbability: ExactSum
        EnergySquare: ExactSum
        /// Position of its graph in the sample, and its row there.
        Graph: int
        Node: int
    }

/// Everything that is counted of nodes, plain and by energy. States add, to the same bits in any order and grouping.
type NodeMetrics =
    {
        Decisions: Confusion
        Energy: EnergyConfusion
        Scores: ScoreHistogram
        EnergyScores: EnergyHistogram
        Calibration: Calibration
        EnergyCalibration: Calibration
    }

    /// States add.
    static member (+)(a: NodeMetrics, b: NodeMetrics) : NodeMetrics =
        {
            Decisions = a.Decisions + b.Decisions
            Energy = a.Energy + b.Energy
            Scores = a.Scores + b.Scores
            EnergyScores = a.EnergyScores + b.EnergyScores
            Calibration = a.Calibration + b.Calibration
            EnergyCalibration = a.EnergyCalibration + b.EnergyCalibration
        }

[<RequireQualifiedAccess>]
module NodeMetrics =

    let zero: NodeMetrics =
        {
            Decisions = Confusion.zero
            Energy = EnergyConfusion.zero
            Scores = ScoreHistogram.zero
            EnergyScores = EnergyHistogram.zero
            Calibration = Calibration.zero
            EnergyCalibration = Calibration.zero
        }

    /// The nodes of a graph. A node is pruned when its margin is above the threshold.
    let internal evaluate
        (threshold: float32)
        (position: int)
        (graph: EvaluatedGraph)
        (margins: float32[])
        : EvaluatedNode[] =
        if margins.Length <> graph.Graph.NodeCount then
            invalidArg
                (nameof margins)
                $"wanted one margin for each of the {graph.Graph.NodeCount} nodes of {graph.Graph.Origin}, found {margins.Length}"

        Array.init margins.Length (fun node ->
            let prune = graph.Graph.Labels[node] = 1uy
            let energy = max 0.0 (float (graph.Graph.Energy node))
            let probability = Calibration.probability margins[node]
            let square = pown (probability - (if prune then 1.0 else 0.0)) 2
            let exact = ExactSum.ofFloat "the energy of a node in GeV"

            {
                Score = ScoreHistogram.binOf margins[node]
                CalibrationBin = Calibration.binOf probability
                Prune = prune
                Pruned = margins[node] > threshold
                Energy = exact energy
                Shower = exact (float graph.Fraction[node] * energy)
                Probability = exact probability
                Square = exact square
                EnergyProbability = exact (energy * probability)
                EnergySquare = exact (energy * square)
                Graph = position
                Node = node
            })

    /// Adds a node to the counts of decisions.
    let private decided (weight: int64) (node: EvaluatedNode) (counts: Confusion) : Confusion =
        match node.Prune, node.Pruned with
        | true, true ->
            { counts with
                PrunedRightly = counts.PrunedRightly + weight
            }
        | false, true ->
            { counts with
                PrunedWrongly = counts.PrunedWrongly + weight
            }
        | true, false ->
            { counts with
                KeptWrongly = counts.KeptWrongly + weight
            }
        | false, false ->
            { counts with
                KeptRightly = counts.KeptRightly + weight
            }

    /// Adds the energy of a node to the energies of decisions.
    let private decidedEnergy (amount: ExactSum) (node: EvaluatedNode) (sums: EnergyConfusion) : EnergyConfusion =
        match node.Prune, node.Pruned with
        | true, true ->
            { sums with
                PrunedRightly = sums.PrunedRightly + amount
            }
        | false, true ->
            { sums with
                PrunedWrongly = sums.PrunedWrongly + amount
            }
        | true, false ->
            { sums with
                KeptWrongly = sums.KeptWrongly + amount
            }
        | false, false ->
            { sums with
                KeptRightly = sums.KeptRightly + amount
            }

    /// Counts nodes that are sorted by score, each as often as `times` says of its graph.
    let internal ofSorted (times: int -> int64) (nodes: EvaluatedNode[]) : NodeMetrics =
        let bins = ResizeArray<int>()
        let keep, prune = ResizeArray<int64>(), ResizeArray<int64>()

        let keepEnergy, pruneEnergy, shower =
            ResizeArray<ExactSum>(), ResizeArray<ExactSum>(), ResizeArray<ExactSum>()

        let plain, weighted = Calibration.fresh (), Calibration.fresh ()
        let one = ExactSum.ofFloat "one" 1.0
        let mutable decisions = Confusion.zero
        let mutable energy = EnergyConfusion.zero
        let mutable squares, energySquares = ExactSum.zero, ExactSum.zero

        for node in nodes do
            let weight = times node.Graph

            if weight > 0L then
                if bins.Count = 0 || bins[bins.Count - 1] <> node.Score then
                    bins.Add node.Score
                    keep.Add 0L
                    prune.Add 0L
                    keepEnergy.Add ExactSum.zero
                    pruneEnergy.Add ExactSum.zero
                    shower.Add ExactSum.zero

                let last = bins.Count - 1
                let amount = ExactSum.scale weight node.Energy
                shower[last] <- shower[last] + ExactSum.scale weight node.Shower

                if node.Prune then
                    prune[last] <- prune[last] + weight
                    pruneEnergy[last] <- pruneEnergy[last] + amount
                else
                    keep[last] <- keep[last] + weight
                    keepEnergy[last] <- keepEnergy[last] + amount

                decisions <- decided weight node decisions
                energy <- decidedEnergy amount node energy

                let bin = node.CalibrationBin
                let count = ExactSum.scale weight one
                plain.Weight[bin] <- plain.Weight[bin] + count
                plain.Probability[bin] <- plain.Probability[bin] + ExactSum.scale weight node.Probability
                squares <- squares + ExactSum.scale weight node.Square
                weighted.Weight[bin] <- weighted.Weight[bin] + amount
                weighted.Probability[bin] <- weighted.Probability[bin] + ExactSum.scale weight node.EnergyProbability
                energySquares <- energySquares + ExactSum.scale weight node.EnergySquare

                if node.Prune then
                    plain.Prune[bin] <- plain.Prune[bin] + count
                    weighted.Prune[bin] <- weighted.Prune[bin] + amount

        {
            Decisions = decisions
            Energy = energy
            Scores =
                {
                    Bins = bins.ToArray()
                    Keep = keep.ToArray()
                    Prune = prune.ToArray()
                }
            EnergyScores =
                {
                    Bins = bins.ToArray()
                    Keep = keepEnergy.ToArray()
                    Prune = pruneEnergy.ToArray()
                    Shower = shower.ToArray()
                }
            Calibration = { plain with Squares = squares }
            EnergyCalibration =
                { weighted with
                    Squares = energySquares
                }
        }

    /// The scores as a curve over thresholds, in nodes.
    let curve (m: NodeMetrics) : ScoreCurve =
        {
            Bins = m.Scores.Bins
            Keep = Array.map float m.Scores.Keep
            Prune = Array.map float m.Scores.Prune
        }

    let private ratios named rates curve calibration : Measurement<NodeMetrics> list =
        [
            Metrics.precision, rates >> Rates.precision
            Metrics.recall, rates >> Rates.recall
            Metrics.f1, rates >> Rates.f1
            Metrics.balancedAccuracy, rates >> Rates.balancedAccuracy
            Metrics.mcc, rates >> Rates.mcc
            Metrics.rocAuc, curve >> ScoreCurve.rocAuc
            Metrics.averagePrecision, curve >> ScoreCurve.averagePrecision
            Metrics.brier, calibration >> Calibration.brier
            Metrics.calibrationError, calibration >> Calibration.expectedError
        ]
        |> List.map (fun (metric, value) -> Measurement.create (named metric) value)

    /// What is measured of nodes: each counted once, then each weighted by its energy.
    let measurements: Measurement<NodeMetrics> list =
        ratios id (fun m -> Rates.ofConfusion m.Decisions) curve _.Calibration
        @ ratios
            Metrics.weightedByEnergy
            (fun m -> EnergyConfusion.rates m.Energy)
            (fun m -> EnergyHistogram.curve m.EnergyScores)
            _.EnergyCalibration

    /// Keys and values in a fixed order; what is undefined is nan. Keys that begin with energy_ weigh each node by its
    /// energy.
    let report (m: NodeMetrics) : (string * float) list = Measurement.report measurements m
