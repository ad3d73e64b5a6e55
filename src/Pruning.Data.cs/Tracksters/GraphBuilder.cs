using Pruning.Data.Errors;
using Pruning.Data.Graphs;

namespace Pruning.Data.Tracksters;

/// <summary>
/// Tracksters to graphs. The edges of a graph are, in this order: origin to target as read; each of them reversed, but
/// for those from a node to itself; one self loop per node, even where the file has one. Duplicates stay. This is the
/// order of the graph library that the original research code used, and the gated aggregators depend on it.
/// </summary>
public static class GraphBuilder
{
    /// <summary>Checks one trackster and builds its graph.</summary>
    /// <param name="origin">Where it came from, for errors and for finding it again.</param>
    /// <param name="one">Its columns; not kept.</param>
    /// <exception cref="DataException">The trackster contradicts itself: the message names branch and entry.</exception>
    public static ShowerGraph Build(GraphOrigin origin, in TracksterColumns one) =>
        TryBuild(origin, one) ?? throw GraphProblem.Find(one)!.At(origin);

    /// <summary>Builds a graph of features and links that are rows already: reverses and self loops are added.</summary>
    /// <param name="origin">Where it came from.</param>
    /// <param name="features">Row-major [nodes, 9]; kept.</param>
    /// <param name="origins">[links] row of the parent.</param>
    /// <param name="targets">[links] row of the follower.</param>
    /// <param name="labels">[nodes] 1 = prune, 0 = keep; kept.</param>
    /// <exception cref="ArgumentException">Lengths disagree, or a link names a row that is not there.</exception>
    public static ShowerGraph OfRows(GraphOrigin origin, float[] features, ReadOnlySpan<int> origins, ReadOnlySpan<int> targets,
        byte[] labels)
    {
        if (origins.Length != targets.Length)
            throw new ArgumentException($"{origin}: {origins.Length} link starts but {targets.Length} link ends.", nameof(targets));
        int loops = 0;
        for (int e = 0; e < origins.Length; e++)
            loops += origins[e] == targets[e] ? 1 : 0;
        int edges = checked((2 * origins.Length) - loops + labels.Length);
        int[] source = new int[edges];
        int[] target = new int[edges];
        origins.CopyTo(source);
        targets.CopyTo(target);
        Complete(source, target, origins.Length, labels.Length);
        return new ShowerGraph(origin, features, source, target, labels, origins.Length);
    }

    /// <summary>The graph, or null where <see cref="GraphProblem.Find"/> has something to say.</summary>
    internal static ShowerGraph? TryBuild(GraphOrigin origin, in TracksterColumns one)
    {
        int nodes = one.NodeCount;
        if (GraphProblem.FindInValues(one) is not null)
            return null;
        byte[] labels = new byte[nodes];
        float[] features = new float[nodes * ShowerGraph.FeatureCount];
        FillNodes(one, features, labels);

        // Ids are unique, so an edge whose ids are equal is a self loop: the length is known before the rows are.
        int links = one.Origin.Length;
        int loops = 0;
        for (int e = 0; e < links; e++)
            loops += one.Origin[e] == one.Target[e] ? 1 : 0;
        int edges = checked((2 * links) - loops + nodes);
        int[] source = new int[edges];
        int[] target = new int[edges];
        using NodeIndex rows = new(one.Id, out int duplicate);
        if (duplicate >= 0)
            return null;
        for (int e = 0; e < links; e++)
        {
            int from = rows.Find(one.Origin[e]);
            int to = rows.Find(one.Target[e]);
            if ((from | to) < 0)
                return null;
            source[e] = from;
            target[e] = to;
        }

        Complete(source, target, links, nodes);
        return new ShowerGraph(origin, features, source, target, labels, links) { Layers = LayersOf(one), HitCounts = HitCountsOf(one) };
    }

    /// <summary>The node that positions are relative to: the last with the Low flag, else with the High flag, else 0.</summary>
    private static int SeedOf(in TracksterColumns one)
    {
        int low = one.IsSeedLow.LastIndexOf(1f);
        int high = low >= 0 ? low : one.IsSeedHigh.LastIndexOf(1f);
        return Math.Max(high, 0);
    }

    /// <summary>What the file says about a layer cluster's layer, or where its position puts it.</summary>
    private static byte[] LayersOf(in TracksterColumns one)
    {
        byte[] layers = new byte[one.NodeCount];
        bool isRead = one.Layer.Length == layers.Length;
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i] = isRead && one.Layer[i] is >= 1f and <= byte.MaxValue
                ? (byte)one.Layer[i]
                : CalorimeterLayers.Nearest(one.PosZ[i]);
        }

        return layers;
    }

    // A number below zero or beyond any detector is as good as none.
    private static int[]? HitCountsOf(in TracksterColumns one)
    {
        if (one.HitCount.Length != one.NodeCount)
            return null;
        int[] hits = new int[one.NodeCount];
        for (int i = 0; i < hits.Length; i++)
            hits[i] = one.HitCount[i] is > 0f and < 1e9f ? (int)one.HitCount[i] : 0;
        return hits;
    }

    private static void FillNodes(in TracksterColumns one, float[] features, byte[] labels)
    {
        int seed = SeedOf(one);
        float x = one.PosX[seed], y = one.PosY[seed], z = one.PosZ[seed];
        for (int i = 0; i < labels.Length; i++)
        {
            Span<float> row = features.AsSpan(i * ShowerGraph.FeatureCount, ShowerGraph.FeatureCount);
            row[(int)RawFeature.PosX] = one.PosX[i] - x;
            row[(int)RawFeature.PosY] = one.PosY[i] - y;
            row[(int)RawFeature.PosZ] = one.PosZ[i] - z;
            row[(int)RawFeature.Energy] = one.Energy[i];
            row[(int)RawFeature.Time] = one.Time[i] > 0f ? one.Time[i] : 0f;
            row[(int)RawFeature.Eta] = one.Eta[i];
            row[(int)RawFeature.Phi] = one.Phi[i];
            row[(int)RawFeature.SeedHigh] = one.IsSeedHigh[i];
            row[(int)RawFeature.SeedLow] = one.IsSeedLow[i];
            labels[i] = (byte)one.Label[i];
        }
    }

    /// <summary>Appends the reversed links and the self loops to the links that fill the arrays' first part.</summary>
    private static void Complete(int[] source, int[] target, int links, int nodes)
    {
        int next = links;
        for (int e = 0; e < links; e++)
        {
            if (source[e] != target[e])
            {
                source[next] = target[e];
                target[next] = source[e];
                next++;
            }
        }

        for (int i = 0; i < nodes; i++, next++)
        {
            source[next] = i;
            target[next] = i;
        }
    }
}
