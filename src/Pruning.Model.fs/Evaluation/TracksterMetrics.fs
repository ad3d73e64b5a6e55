namespace Pruning.Model.Evaluation

open System
open Pruning.Model.Metrics

/// What is measured of each trackster. Undefined values are NaN and are left out of means.
[<RequireQualifiedAccess>]
type TracksterQuantity =
    /// Share of the trackster's energy that belongs to the shower.
    | PurityBefore
    /// The same of what is kept.
    | PurityAfter
    /// The same with every label followed.
    | PurityOracle
    /// Share of the shower's energy that is kept.
    | Efficiency
    /// Share of the foreign energy that is pruned.
    | ContaminationRejected
    /// Energy of the trackster over energy of its shower: before, after, and with every label followed.
    | ResponseRaw
    | ResponsePruned
    | ResponseOracle
    /// Angle between the barycentre and the shower's own, mrad: before, after, and with every label followed.
    | AngleRaw
    | AnglePruned
    | AngleOracle
    /// Score of the associator from trackster to its particle, 0 good, 1 bad: before, after, and with every label followed.
    | ScoreBefore
    | ScoreAfter
    | ScoreOracle
    /// 1 where that score is 0.6 or more: the trackster is of no particle. Else 0.
    | FakeBefore
    | FakeAfter
    | FakeOracle
    /// Energy of the trackster over that of its particle in all layer clusters of the event.
    | SimResponseRaw
    | SimResponsePruned
    | SimResponseOracle
    /// Of the trackster that has most of a particle, 1 where that is half of the particle's energy or more, else 0.
    | FoundRaw
    | FoundPruned
    | FoundOracle

[<RequireQualifiedAccess>]
module TracksterQuantity =

    let all =
        [|
            TracksterQuantity.PurityBefore
            TracksterQuantity.PurityAfter
            TracksterQuantity.PurityOracle
            TracksterQuantity.Efficiency
            TracksterQuantity.ContaminationRejected
            TracksterQuantity.ResponseRaw
            TracksterQuantity.ResponsePruned
            TracksterQuantity.ResponseOracle
            TracksterQuantity.AngleRaw
            TracksterQuantity.AnglePruned
            TracksterQuantity.AngleOracle
            TracksterQuantity.ScoreBefore
            TracksterQuantity.ScoreAfter
            TracksterQuantity.ScoreOracle
            TracksterQuantity.FakeBefore
            TracksterQuantity.FakeAfter
            TracksterQuantity.FakeOracle
            TracksterQuantity.SimResponseRaw
            TracksterQuantity.SimResponsePruned
            TracksterQuantity.SimResponseOracle
            TracksterQuantity.FoundRaw
            TracksterQuantity.FoundPruned
            TracksterQuantity.FoundOracle
        |]

    let index (quantity: TracksterQuantity) : int = Array.IndexOf(all, quantity)

/// A trackster with its predictions, ready to be counted.
[<NoComparison; NoEquality>]
type EvaluatedTrackster =
    {
        /// Every node is decided as labelled.
        Exact: bool
        /// Energies in GeV: all, kept, of the shower, of the shower and kept.
        All: float
        Kept: float
        Shower: float
        ShowerKept: float
        /// By TracksterQuantity.all.
        Values: float[]
        /// Position of its graph in the sample.
        Graph: int
    }

/// Everything that is counted of tracksters. States add, to the same bits in any order and grouping.
type TracksterMetrics =
    {
        Count: int64
        /// Tracksters of which every node is decided as labelled.
        Exact: int64
        All: ExactSum
        Kept: ExactSum
        Shower: ExactSum
        ShowerKept: ExactSum
        /// By TracksterQuantity.all.
        Values: ValueHistogram[]
    }

    /// States add.
    static member (+)(a: TracksterMetrics, b: TracksterMetrics) : TracksterMetrics =
        {
            Count = a.Count + b.Count
            Exact = a.Exact + b.Exact
            All = a.All + b.All
            Kept = a.Kept + b.Kept
            Shower = a.Shower + b.Shower
            ShowerKept = a.ShowerKept + b.ShowerKept
            Values = Array.map2 (fun (x: ValueHistogram) (y: ValueHistogram) -> x + y) a.Values b.Values
        }

/// Tracksters with, for each quantity, the order of their values.
[<NoComparison; NoEquality>]
type internal SortedTracksters =
    {
        Items: EvaluatedTrackster[]
        /// By TracksterQuantity.all: position in Items, bin and exact value of the defined values, ascending by bin.
        Orders: struct (int * int * ExactSum)[][]
        Sums: struct (ExactSum * ExactSum * ExactSum * ExactSum)[]
    }

[<RequireQualifiedAccess>]
module TracksterMetrics =

    let zero: TracksterMetrics =
        {
            Count = 0L
            Exact = 0L
            All = ExactSum.zero
            Kept = ExactSum.zero
            Shower = ExactSum.zero
            ShowerKept = ExactSum.zero
            Values = TracksterQuantity.all |> Array.map (fun _ -> ValueHistogram.zero)
        }

    let private ratio (part: float) (whole: float) = if whole > 0.0 then part / whole else nan

    /// From this score on a trackster is of no particle, and from this share of its energy on a particle is found: cuts of
    /// CMSSW's validation.
    let private fakeScore, foundShare = 0.6, 0.5

    /// One trackster. A node is pruned when its margin is above the threshold.
    let evaluate
        (threshold: float32)
        (position: int)
        (evaluated: EvaluatedGraph)
        (margins: float32[])
        : EvaluatedTrackster =
        let graph = evaluated.Graph
        let nodes = [| 0 .. graph.NodeCount - 1 |]
        let energy node = float (graph.Energy node)
        let shower node = float evaluated.Fraction[node] * energy node
        let keep node = graph.Labels[node] <> 1uy
        let kept node = not (margins[node] > threshold)
        let sum amount chosen = nodes |> Array.sumBy (fun node -> if chosen node then amount node else 0.0)
        let everything _ = true
        let all, keptEnergy, oracle = sum energy everything, sum energy kept, sum energy keep
        let own, ownKept, ownOracle = sum shower everything, sum shower kept, sum shower keep
        let axis amount chosen = ShowerAxis.direction graph (fun node -> if chosen node then amount node else 0.0)
        let truth = axis shower everything
        // Sums of squares: score = S (1 - f)^2 E^2 / S E^2 of what is there; a layer cluster is wholly of its trackster.
        let square amount node = amount node * amount node

        let score chosen =
            ratio (sum (square (fun node -> energy node - shower node)) chosen) (sum (square energy) chosen)

        let flag condition value =
            if Double.IsNaN value then nan
            elif condition value then 1.0
            else 0.0

        let fake = flag (fun score -> score >= fakeScore)
        let ofParticle amount = evaluated.SimEnergy |> Option.map (ratio amount) |> Option.defaultValue nan

        let found amount =
            if evaluated.IsLeading then
                flag (fun share -> share >= foundShare) (ofParticle amount)
            else
                nan

        let distance chosen = ShowerAxis.angle truth (axis energy chosen)

        let value quantity =
            match quantity with
            | TracksterQuantity.PurityBefore -> ratio own all
            | TracksterQuantity.PurityAfter -> ratio ownKept keptEnergy
            | TracksterQuantity.PurityOracle -> ratio ownOracle oracle
            | TracksterQuantity.Efficiency -> ratio ownKept own
            | TracksterQuantity.ContaminationRejected ->
                // Rounding in sums of wholly owned nodes is no contamination.
                if all - own > 1e-6 * abs all then
                    1.0 - ratio (keptEnergy - ownKept) (all - own)
                else
                    nan
            | TracksterQuantity.ResponseRaw -> ratio all own
            | TracksterQuantity.ResponsePruned -> ratio keptEnergy own
            | TracksterQuantity.ResponseOracle -> ratio oracle own
            | TracksterQuantity.AngleRaw -> distance everything
            | TracksterQuantity.AnglePruned -> distance kept
            | TracksterQuantity.AngleOracle -> distance keep
            | TracksterQuantity.ScoreBefore -> score everything
            | TracksterQuantity.ScoreAfter -> score kept
            | TracksterQuantity.ScoreOracle -> score keep
            | TracksterQuantity.FakeBefore -> fake (score everything)
            | TracksterQuantity.FakeAfter -> fake (score kept)
            | TracksterQuantity.FakeOracle -> fake (score keep)
            | TracksterQuantity.SimResponseRaw -> ofParticle all
            | TracksterQuantity.SimResponsePruned -> ofParticle keptEnergy
            | TracksterQuantity.SimResponseOracle -> ofParticle oracle
            | TracksterQuantity.FoundRaw -> found own
            | TracksterQuantity.FoundPruned -> found ownKept
            | TracksterQuantity.FoundOracle -> found ownOracle

        {
            Exact = nodes |> Array.forall (fun node -> keep node = kept node)
            All = all
            Kept = keptEnergy
            Shower = own
            ShowerKept = ownKept
            Values = TracksterQuantity.all |> Array.map value
            Graph = position
        }

    let internal sort (items: EvaluatedTrackster[]) : SortedTracksters =
        let exact = ExactSum.ofFloat "the energy of a trackster in GeV"

        let order quantity =
            [|
                for position in 0 .. items.Length - 1 do
                    let value = items[position].Values[quantity]

                    if not (Double.IsNaN value) then
                        // A response may be huge where a shower has next to nothing of its trackster.
                        let value = min value 1e12
                        struct (position, ScoreHistogram.binOf (float32 value), ExactSum.ofFloat "a value" value)
            |]
            |> Array.sortBy (fun (struct (_, bin, _)) -> bin)

        {
            Items = items
            Orders = Array.init TracksterQuantity.all.Length order
            Sums =
                items
                |> Array.map (fun item ->
                    struct (exact item.All, exact item.Kept, exact item.Shower, exact item.ShowerKept))
        }

    /// Counts tracksters, each as often as `times` says of its graph.
    let internal ofSorted (times: int -> int64) (sorted: SortedTracksters) : TracksterMetrics =
        let weight position = times sorted.Items[position].Graph
        let mutable count, exact = 0L, 0L
        let mutable all, kept, shower, showerKept = ExactSum.zero, ExactSum.zero, ExactSum.zero, ExactSum.zero

        for position in 0 .. sorted.Items.Length - 1 do
            let w = weight position

            if w > 0L then
                let struct (a, k, s, sk) = sorted.Sums[position]
                count <- count + w
                exact <- exact + (if sorted.Items[position].Exact then w else 0L)
                all <- all + ExactSum.scale w a
                kept <- kept + ExactSum.scale w k
                shower <- shower + ExactSum.scale w s
                showerKept <- showerKept + ExactSum.scale w sk

        let histogram (order: struct (int * int * ExactSum)[]) =
            ValueHistogram.ofSorted
                order.Length
                (fun i ->
                    let struct (_, bin, _) = order[i]
                    bin)
                (fun i ->
                    let struct (_, _, value) = order[i]
                    value)
                (fun i ->
                    let struct (position, _, _) = order[i]
                    weight position)

        {
            Count = count
            Exact = exact
            All = all
            Kept = kept
            Shower = shower
            ShowerKept = showerKept
            Values = sorted.Orders |> Array.map histogram
        }

    /// The share of values that a resolution's interval holds: one standard deviation on both sides of a Gaussian.
    [<Literal>]
    let Central = 0.683

    /// The values of a quantity.
    let values (quantity: TracksterQuantity) (m: TracksterMetrics) : ValueHistogram =
        m.Values[TracksterQuantity.index quantity]

    let private mean quantity (m: TracksterMetrics) = ValueHistogram.mean (values quantity m)

    let private median quantity (m: TracksterMetrics) = ValueHistogram.quantile 0.5 (values quantity m)

    let private resolution quantity (m: TracksterMetrics) =
        Option.map2
            (fun width mean -> width / mean)
            (ValueHistogram.halfWidth Central (values quantity m))
            (mean quantity m)

    let private share part whole =
        let whole = ExactSum.toFloat whole
        if whole > 0.0 then Some(ExactSum.toFloat part / whole) else None

    let private exactShare (m: TracksterMetrics) = if m.Count = 0L then None else Some(float m.Exact / float m.Count)

    let private rejected (m: TracksterMetrics) =
        let foreign = m.All |> ExactSum.subtract m.Shower
        let foreignKept = m.Kept |> ExactSum.subtract m.ShowerKept
        share foreignKept foreign |> Option.map (fun kept -> 1.0 - kept)

    /// What is measured of tracksters. Means are over tracksters, total_ over energy; resolutions are half the smallest
    /// interval of 68.3 % over the mean; angles are medians in mrad.
    let measurements: Measurement<TracksterMetrics> list =
        [
            Metrics.exactGraphs, exactShare
            Metrics.purityBefore, mean TracksterQuantity.PurityBefore
            Metrics.purityAfter, mean TracksterQuantity.PurityAfter
            Metrics.purityOracle, mean TracksterQuantity.PurityOracle
            Metrics.efficiency, mean TracksterQuantity.Efficiency
            Metrics.contaminationRejected, mean TracksterQuantity.ContaminationRejected
            Metrics.totalPurityBefore, (fun m -> share m.Shower m.All)
            Metrics.totalPurityAfter, (fun m -> share m.ShowerKept m.Kept)
            Metrics.totalEfficiency, (fun m -> share m.ShowerKept m.Shower)
            Metrics.totalContaminationRejected, rejected
            Metrics.responseRaw, mean TracksterQuantity.ResponseRaw
            Metrics.responsePruned, mean TracksterQuantity.ResponsePruned
            Metrics.responseOracle, mean TracksterQuantity.ResponseOracle
            Metrics.resolutionRaw, resolution TracksterQuantity.ResponseRaw
            Metrics.resolutionPruned, resolution TracksterQuantity.ResponsePruned
            Metrics.resolutionOracle, resolution TracksterQuantity.ResponseOracle
            Metrics.angleRaw, median TracksterQuantity.AngleRaw
            Metrics.anglePruned, median TracksterQuantity.AnglePruned
            Metrics.angleOracle, median TracksterQuantity.AngleOracle
            Metrics.scoreBefore, mean TracksterQuantity.ScoreBefore
            Metrics.scoreAfter, mean TracksterQuantity.ScoreAfter
            Metrics.scoreOracle, mean TracksterQuantity.ScoreOracle
            Metrics.fakesBefore, mean TracksterQuantity.FakeBefore
            Metrics.fakesAfter, mean TracksterQuantity.FakeAfter
            Metrics.fakesOracle, mean TracksterQuantity.FakeOracle
            Metrics.simResponseRaw, mean TracksterQuantity.SimResponseRaw
            Metrics.simResponsePruned, mean TracksterQuantity.SimResponsePruned
            Metrics.simResponseOracle, mean TracksterQuantity.SimResponseOracle
            Metrics.foundRaw, mean TracksterQuantity.FoundRaw
            Metrics.foundPruned, mean TracksterQuantity.FoundPruned
            Metrics.foundOracle, mean TracksterQuantity.FoundOracle
        ]
        |> List.map (fun (metric, value) -> Measurement.create metric value)

    /// Keys and values in a fixed order; what is undefined is nan.
    let report (m: TracksterMetrics) : (string * float) list = Measurement.report measurements m
