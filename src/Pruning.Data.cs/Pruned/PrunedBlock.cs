using Pruning.Data.Tracksters;

namespace Pruning.Data.Pruned;

/// <summary>What a network said about the tracksters of some entries of a file.</summary>
public sealed class PrunedBlock
{
    private readonly bool[] _isScored;

    /// <summary>Takes over the arrays.</summary>
    /// <param name="table">The tracksters.</param>
    /// <param name="margins">[nodes] logit of prune minus logit of keep; of tracksters that were not scored, any value.</param>
    /// <param name="isScored">[entries] false for tracksters that contradict themselves and were left out on request.</param>
    /// <param name="threshold">Layer clusters whose margin is above this are pruned.</param>
    /// <exception cref="ArgumentException">Lengths disagree.</exception>
    public PrunedBlock(TracksterTable table, float[] margins, bool[] isScored, float threshold)
    {
        if (margins.LongLength != table.NodeCount || isScored.LongLength != table.EntryCount)
            throw new ArgumentException(
                $"wanted margins of {table.NodeCount} layer clusters in {table.EntryCount} tracksters, found {margins.Length} in "
                    + $"{isScored.Length}");
        Table = table;
        Threshold = threshold;
        _isScored = isScored;
        Margins = margins;
        Pruned = new bool[margins.Length];
        ReadOnlySpan<long> offsets = table.NodeOffsets.Span;
        for (int entry = 0; entry < isScored.Length; entry++)
        {
            if (!isScored[entry])
            {
                margins.AsSpan((int)offsets[entry], (int)(offsets[entry + 1] - offsets[entry])).Fill(float.NaN);
                continue;
            }

            EvaluatedGraphs++;
            for (long node = offsets[entry]; node < offsets[entry + 1]; node++)
            {
                Pruned[node] = margins[node] > threshold;
                EvaluatedNodes++;
                PrunedNodes += Pruned[node] ? 1 : 0;
            }
        }
    }

    /// <summary>The tracksters.</summary>
    public TracksterTable Table { get; }

    /// <summary>Layer clusters whose margin is above this are pruned.</summary>
    public float Threshold { get; }

    /// <summary>[nodes] logit of prune minus logit of keep; NaN where the trackster was not scored.</summary>
    public float[] Margins { get; }

    /// <summary>[nodes] the decision; false where the trackster was not scored.</summary>
    public bool[] Pruned { get; }

    /// <summary>[entries] the trackster was scored.</summary>
    public ReadOnlySpan<bool> IsScored => _isScored;

    /// <summary>The same, for writers.</summary>
    internal ReadOnlyMemory<bool> ScoredColumn => _isScored;

    /// <summary>Tracksters that were scored.</summary>
    public long EvaluatedGraphs { get; }

    /// <summary>Layer clusters that were scored.</summary>
    public long EvaluatedNodes { get; }

    /// <summary>Layer clusters that are pruned.</summary>
    public long PrunedNodes { get; }

    /// <summary>Probability of prune of every layer cluster. -> [nodes]</summary>
    public float[] Scores() => Array.ConvertAll(Margins, static margin => (float)(1.0 / (1.0 + Math.Exp(-(double)margin))));
}
