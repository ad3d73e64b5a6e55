namespace Pruning.Data.Graphs;

/// <summary>
/// Count, extremes, mean and variance of a stream of numbers, in float64, without the cancellation of a sum of squares
/// (Welford 1962); two of them merge into what one would have seen (Chan, Golub, LeVeque 1979).
/// </summary>
public struct Moments
{
    private double _mean;
    private double _squares; // sum of squared distances to the mean

    /// <summary>How many numbers.</summary>
    public long Count { get; private set; }

    /// <summary>Smallest; NaN without numbers.</summary>
    public double Min { readonly get => Count == 0 ? double.NaN : field; private set; }

    /// <summary>Largest; NaN without numbers.</summary>
    public double Max { readonly get => Count == 0 ? double.NaN : field; private set; }

    /// <summary>Mean; NaN without numbers.</summary>
    public readonly double Mean => Count == 0 ? double.NaN : _mean;

    /// <summary>Variance, divided by the count; NaN without numbers.</summary>
    public readonly double Variance => Count == 0 ? double.NaN : _squares / Count;

    /// <summary>Square root of <see cref="Variance"/>.</summary>
    public readonly double StandardDeviation => Math.Sqrt(Variance);

    /// <summary>Sees one number.</summary>
    public void Add(double value)
    {
        Min = Count == 0 ? value : Math.Min(Min, value);
        Max = Count == 0 ? value : Math.Max(Max, value);
        Count++;
        double distance = value - _mean;
        _mean += distance / Count;
        _squares += distance * (value - _mean);
    }

    /// <summary>Adds what another has seen.</summary>
    public void Merge(Moments other)
    {
        if (other.Count == 0)
            return;
        if (Count == 0)
        {
            this = other;
            return;
        }

        double distance = other._mean - _mean;
        long count = Count + other.Count;
        _squares += other._squares + (distance * distance * ((double)Count * other.Count / count));
        _mean += distance * other.Count / count;
        Min = Math.Min(Min, other.Min);
        Max = Math.Max(Max, other.Max);
        Count = count;
    }
}
