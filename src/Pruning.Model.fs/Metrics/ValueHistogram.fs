namespace Pruning.Model.Metrics

open System

/// How often a quantity had which value, in the bins of ScoreHistogram: two values in one bin differ by less than one part
/// in 32,768. Quantiles are exact for the binned values; the mean is exact.
type ValueHistogram =
    {
        /// The occupied bins, ascending.
        Bins: int[]
        /// Values counted, by position in Bins.
        Counts: int64[]
        /// Sum of the values themselves.
        Sum: ExactSum
    }

    /// Counts and sums add.
    static member (+)(a: ValueHistogram, b: ValueHistogram) : ValueHistogram =
        let bins, counts = SparseBins.add a.Bins [| a.Counts |] b.Bins [| b.Counts |] (+)

        {
            Bins = bins
            Counts = counts[0]
            Sum = a.Sum + b.Sum
        }

/// Filling histograms of values, and asking them.
[<RequireQualifiedAccess>]
module ValueHistogram =

    /// Nothing counted.
    let zero: ValueHistogram =
        {
            Bins = [||]
            Counts = [||]
            Sum = ExactSum.zero
        }

    /// Counts values that come with their bins and exact sums, sorted by bin, each `times` times.
    let internal ofSorted (count: int) (bin: int -> int) (value: int -> ExactSum) (times: int -> int64) =
        let bins = ResizeArray<int>()
        let counts = ResizeArray<int64>()
        let mutable sum = ExactSum.zero

        for i in 0 .. count - 1 do
            let weight = times i

            if weight > 0L then
                if bins.Count = 0 || bins[bins.Count - 1] <> bin i then
                    bins.Add(bin i)
                    counts.Add 0L

                counts[counts.Count - 1] <- counts[counts.Count - 1] + weight
                sum <- sum + ExactSum.scale weight (value i)

        {
            Bins = bins.ToArray()
            Counts = counts.ToArray()
            Sum = sum
        }

    /// Counts values. Undefined ones (NaN) are left out.
    let ofValues (values: float seq) : ValueHistogram =
        let known = values |> Seq.filter (Double.IsNaN >> not) |> Seq.toArray |> Array.sort

        ofSorted
            known.Length
            (fun i -> ScoreHistogram.binOf (float32 known[i]))
            (fun i -> ExactSum.ofFloat "a value" known[i])
            (fun _ -> 1L)

    /// Values counted.
    let count (h: ValueHistogram) : int64 = Array.sum h.Counts

    /// None when nothing was counted.
    let mean (h: ValueHistogram) : float option =
        match count h with
        | 0L -> None
        | n -> Some(ExactSum.toFloat h.Sum / float n)

    /// The value that a share q of all values do not exceed: the middle of its bin. None when nothing was counted.
    let quantile (q: float) (h: ValueHistogram) : float option =
        let total = count h

        if total = 0L then
            None
        else
            let wanted = max 1L (int64 (ceil (q * float total)))
            let mutable seen, i = 0L, 0

            while seen + h.Counts[i] < wanted do
                seen <- seen + h.Counts[i]
                i <- i + 1

            Some(ScoreHistogram.middleOf h.Bins[i])

    /// Half the width of the smallest interval that holds a share of the values (0.683 for a resolution): robust against
    /// tails. None when nothing was counted.
    let halfWidth (share: float) (h: ValueHistogram) : float option =
        let total = count h

        if total = 0L then
            None
        else
            let wanted = int64 (ceil (share * float total))
            let middles = h.Bins |> Array.map ScoreHistogram.middleOf
            let mutable first, held, smallest = 0, 0L, infinity

            for last in 0 .. h.Bins.Length - 1 do
                held <- held + h.Counts[last]

                while held - h.Counts[first] >= wanted && first < last do
                    held <- held - h.Counts[first]
                    first <- first + 1

                if held >= wanted then
                    smallest <- min smallest (middles[last] - middles[first])

            Some(smallest / 2.0)
