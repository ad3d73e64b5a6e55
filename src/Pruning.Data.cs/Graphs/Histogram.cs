namespace Pruning.Data.Graphs;

/// <summary>
/// Counts in bins [edge, next edge), the last bin with its upper edge, and the moments of what was counted. Adds exactly.
/// </summary>
public sealed class Histogram
{
    private readonly double[] _edges;
    private readonly long[] _counts;
    private Moments _moments;

    /// <summary>An empty histogram.</summary>
    /// <param name="edges">Rising edges, two at least; kept.</param>
    /// <exception cref="ArgumentException">Fewer than two edges, or edges that do not rise.</exception>
    public Histogram(params double[] edges)
    {
        if (edges.Length < 2)
            throw new ArgumentException($"wanted two edges or more, found {edges.Length}.", nameof(edges));
        for (int i = 1; i < edges.Length; i++)
        {
            if (!(edges[i] > edges[i - 1]))
                throw new ArgumentException($"wanted rising edges, found {edges[i - 1]} before {edges[i]}.", nameof(edges));
        }

        _edges = edges;
        _counts = new long[edges.Length - 1];
    }

    /// <summary>[bins + 1] edges.</summary>
    public IReadOnlyList<double> Edges => _edges;

    /// <summary>[bins] counts.</summary>
    public IReadOnlyList<long> Counts => _counts;

    /// <summary>Values below the first edge.</summary>
    public long Below { get; private set; }

    /// <summary>Values above the last edge.</summary>
    public long Above { get; private set; }

    /// <summary>Count, extremes, mean and variance of all values, in and out of the bins.</summary>
    public Moments Moments => _moments;

    /// <summary>Counts a value; one that is not a number is an argument error.</summary>
    public void Add(double value)
    {
        if (double.IsNaN(value))
            throw new ArgumentException("wanted a number, found NaN.", nameof(value));
        _moments.Add(value);
        if (value < _edges[0])
        {
            Below++;
        }
        else if (value > _edges[^1])
        {
            Above++;
        }
        else
        {
            int found = Array.BinarySearch(_edges, value);
            int bin = found >= 0 ? found : ~found - 1;
            _counts[Math.Min(bin, _counts.Length - 1)]++;
        }
    }

    /// <summary>Adds the counts of another with the same edges.</summary>
    /// <exception cref="ArgumentException">Other edges.</exception>
    public void Merge(Histogram other)
    {
        if (!_edges.AsSpan().SequenceEqual(other._edges))
            throw new ArgumentException("wanted a histogram with the same edges.", nameof(other));
        for (int i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
        Below += other.Below;
        Above += other.Above;
        _moments.Merge(other._moments);
    }
}
