namespace Pruning.Model.Logging

open System
open Tensorboard

/// Numbers counted in TensorBoard's usual buckets: limits grow by a factor 1.1 from 1e-12 to 1e20, the same on both sides of
/// zero. The limits never depend on the numbers, so that distributions of many epochs can be laid beside each other and those of
/// parts add.
type ValueDistribution =
    {
        /// How many numbers there are in bucket b: from limit b - 1 to below limit b.
        Counts: int64[]
        /// Least and greatest number; infinite ends when there is none.
        Min: float
        Max: float
        Sum: float
        SumOfSquares: float
    }

[<RequireQualifiedAccess>]
module ValueDistribution =

    let private smallest, largest, growth = 1e-12, 1e20, 1.1

    /// Upper limits above zero, ascending.
    let private positive: float[] =
        smallest
        |> Array.unfold (fun limit -> if limit < largest then Some(limit, limit * growth) else None)

    /// Upper limits of the buckets, ascending; the last one holds everything.
    let limits: float[] =
        [| yield! positive |> Array.rev |> Array.map (~-); 0.0; yield! positive; Double.MaxValue |]

    /// The bucket of a finite number.
    let bucketOf (x: float) : int =
        // The logarithm is near; rounding at a limit is put right by looking.
        let steps = (log (abs x / smallest)) / log growth |> floor
        let place = int (max -1.0 (min (float positive.Length) steps))
        let middle = positive.Length // the limit 0

        let mutable bucket =
            if x = 0.0 then middle + 1
            elif x > 0.0 then middle + 2 + place
            else middle - place

        bucket <- max 0 (min (limits.Length - 1) bucket)

        while bucket > 0 && x < limits[bucket - 1] do
            bucket <- bucket - 1

        while x >= limits[bucket] && bucket < limits.Length - 1 do
            bucket <- bucket + 1

        bucket

    let zero: ValueDistribution =
        {
            Counts = Array.zeroCreate limits.Length
            Min = infinity
            Max = -infinity
            Sum = 0.0
            SumOfSquares = 0.0
        }

    /// Counts numbers; what is no finite number is left out.
    let ofValues (values: ReadOnlySpan<float32>) : ValueDistribution =
        let counts = Array.zeroCreate limits.Length
        let mutable low, high, sum, squares = infinity, -infinity, 0.0, 0.0

        for value in values do
            let x = float value

            if Double.IsFinite x then
                let bucket = bucketOf x
                counts[bucket] <- counts[bucket] + 1L
                low <- min low x
                high <- max high x
                sum <- sum + x
                squares <- squares + x * x

        {
            Counts = counts
            Min = low
            Max = high
            Sum = sum
            SumOfSquares = squares
        }

    /// How many numbers were counted.
    let count (distribution: ValueDistribution) : int64 = Array.sum distribution.Counts

    /// TensorBoard's message; of each run of empty buckets only the last one is written.
    let toProto (distribution: ValueDistribution) : HistogramProto =
        let counts = distribution.Counts
        let proto = HistogramProto()

        if count distribution > 0L then
            proto.Min <- distribution.Min
            proto.Max <- distribution.Max

        proto.Num <- float (count distribution)
        proto.Sum <- distribution.Sum
        proto.SumSquares <- distribution.SumOfSquares

        for bucket in 0 .. counts.Length - 1 do
            let last = bucket = counts.Length - 1

            if counts[bucket] > 0L || last || counts[bucket + 1] > 0L then
                proto.BucketLimit.Add limits[bucket]
                proto.Bucket.Add(float counts[bucket])

        proto
