using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>
/// The graphs of a batch, laid end to end: what is known before anything is prepared. See <see cref="GraphBatch"/> for each
/// array.
/// </summary>
internal sealed class BatchGraphs
{
    public required GraphOrigin[] Origins { get; init; }

    public required int[] NodeOffsets { get; init; }

    public required int[] EdgeOffsets { get; init; }

    public required float[] Features { get; init; }

    public required long[] Source { get; init; }

    public required long[] Target { get; init; }

    public required long[] GraphOfNode { get; init; }

    public required long[] Labels { get; init; }

    public required byte[] Layers { get; init; }

    public required int[] HitCounts { get; init; }

    public required int[] LinkCounts { get; init; }

    public required int[] Seeds { get; init; }

    public int GraphCount => Origins.Length;

    public int NodeCount => Labels.Length;

    public int EdgeCount => Source.Length;

    public float Feature(int node, RawFeature column) => Features[(node * ShowerGraph.FeatureCount) + (int)column];

    /// <summary>The node of a graph that is its seed, see <see cref="GraphBatch.Seeds"/>.</summary>
    /// <param name="features">Row-major [nodes, features].</param>
    /// <param name="first">First node of the graph.</param>
    /// <param name="end">One past its last node.</param>
    public static int SeedOf(ReadOnlySpan<float> features, int first, int end)
    {
        if (first == end)
            return 0;
        int best = first;
        (double, float, float, float) least = Rank(features, first);
        for (int i = first + 1; i < end; i++)
        {
            (double, float, float, float) rank = Rank(features, i);
            if (rank.CompareTo(least) < 0)
                (best, least) = (i, rank);
        }

        return best;
    }

    private static (double Distance, float Low, float High, float Energy) Rank(ReadOnlySpan<float> features, int node)
    {
        ReadOnlySpan<float> row = features.Slice(node * ShowerGraph.FeatureCount, ShowerGraph.FeatureCount);
        double x = row[(int)RawFeature.PosX], y = row[(int)RawFeature.PosY], z = row[(int)RawFeature.PosZ];
        return ((x * x) + (y * y) + (z * z), -row[(int)RawFeature.SeedLow], -row[(int)RawFeature.SeedHigh], -row[(int)RawFeature.Energy]);
    }
}

/// <summary>What was prepared of a batch; null where the preparation leaves a part out.</summary>
internal sealed record PreparedParts(MessageEdges Messages, NeighbourPlan Plan)
{
    public long[]? SeedOfNode { get; init; }

    public NodeSurroundings? Surroundings { get; init; }

    public LinkForest? Forest { get; init; }
}
