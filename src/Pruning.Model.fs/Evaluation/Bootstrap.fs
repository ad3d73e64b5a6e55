namespace Pruning.Model.Evaluation

open System
open System.Threading.Tasks
open Pruning.Data.Batching

/// A value with its percentile interval; nan where it is undefined.
[<Struct>]
type Uncertain =
    {
        Value: float
        Low: float
        High: float
    }

/// Uncertainties by resampling groups (events) with replacement (Efron 1979). Everything depends on the seed alone: not
/// on threads, and not on what else is measured, so that two models resampled with one seed see the same events.
[<RequireQualifiedAccess>]
module Bootstrap =

    /// The share of resampled values that an interval holds: one standard deviation on both sides of a Gaussian.
    [<Literal>]
    let Confidence = 0.683

    /// How often each group is drawn in one replicate; the counts sum to the number of groups. [groups]
    let weights (seed: uint64) (replicate: int) (groups: int) : int64[] =
        let counts = Array.zeroCreate groups
        let stream = StableHash.Mix(seed, uint64 replicate)

        for draw in 0 .. groups - 1 do
            // The upper half of a 128-bit product maps 64 random bits to [0, groups) without a modulus' bias to speak of.
            let chosen = int (Math.BigMul(StableHash.Mix(stream, uint64 draw), uint64 groups) >>> 64)
            counts[chosen] <- counts[chosen] + 1L

        counts

    /// A statistic of every replicate: it gets the weight of each group. [replicates][statistics]
    let replicates (seed: uint64) (count: int) (groups: int) (statistic: int64[] -> float[]) : float[][] =
        let results = Array.zeroCreate count

        Parallel.For(0, count, fun i -> results[i] <- statistic (weights seed i groups))
        |> ignore

        results

    /// The value below which a share q of sorted numbers lies, linear between neighbours (type 7 of Hyndman and Fan 1996).
    let quantile (q: float) (sorted: float[]) : float =
        let place = q * float (sorted.Length - 1)
        let below = int (floor place)
        let above = min (sorted.Length - 1) (below + 1)
        sorted[below] + (place - float below) * (sorted[above] - sorted[below])

    /// The central interval of the resampled values about a value. Replicates in which the value is undefined are left out;
    /// when they are more than half, or there are none at all, there is no interval.
    let interval (value: float) (resampled: float[]) : Uncertain =
        let known = resampled |> Array.filter Double.IsFinite |> Array.sort

        if Double.IsNaN value || known.Length < 2 || 2 * known.Length < resampled.Length then
            { Value = value; Low = nan; High = nan }
        else
            {
                Value = value
                Low = quantile ((1.0 - Confidence) / 2.0) known
                High = quantile ((1.0 + Confidence) / 2.0) known
            }

    /// The report of every replicate of a sample. [replicates][names of EvaluationResult.report]
    let reports (seed: uint64) (count: int) (sample: EvaluationSample) (scored: ScoredSample) : float[][] =
        replicates seed count sample.Groups (fun weights ->
            EvaluationResult.weighted (fun graph -> weights[sample.GroupOf[graph]]) scored
            |> EvaluationResult.report
            |> List.map snd
            |> List.toArray)

    /// A report with the intervals of its values, by name.
    let uncertain (evaluation: EvaluationResult) (resampled: float[][]) : (string * Uncertain) list =
        EvaluationResult.report evaluation
        |> List.mapi (fun i (name, value) -> name, interval value (resampled |> Array.map (fun values -> values[i])))

    /// The differences b - a of two reports over the same replicates of the same sample: what both models owe to the choice
    /// of events cancels.
    let difference
        (a: EvaluationResult, aResampled: float[][])
        (b: EvaluationResult, bResampled: float[][])
        : (string * Uncertain) list =
        List.zip (EvaluationResult.report a) (EvaluationResult.report b)
        |> List.mapi (fun i ((name, x), (_, y)) ->
            name,
            interval
                (y - x)
                (Array.map2 (fun (one: float[]) (other: float[]) -> other[i] - one[i]) aResampled bResampled))
