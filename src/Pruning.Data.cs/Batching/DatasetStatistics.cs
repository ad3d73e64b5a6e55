using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>Mean and spread of each feature over the nodes of some graphs: what standardisation needs.</summary>
/// <param name="Mean">[9] means, 0 without nodes.</param>
/// <param name="Std">[9] standard deviations (divided by the count), 1 where a feature does not vary.</param>
/// <param name="NodeCount">Nodes that were seen.</param>
public sealed record FeatureMoments(double[] Mean, double[] Std, long NodeCount)
{
    /// <summary>Sees the nodes of the given graphs, in float64; the same to the bit for any number of threads.</summary>
    public static FeatureMoments Of(GraphDataset dataset, int[] indices)
    {
        Moments[] all =
            DatasetFold.Run<State>(dataset, indices, (state, graph) => state.Add(graph), (state, other) => state.Merge(other)).Features;
        return new FeatureMoments(
            Array.ConvertAll(all, m => m.Count == 0 ? 0 : m.Mean),
            Array.ConvertAll(all, m => m.Variance > 0 ? m.StandardDeviation : 1),
            all[0].Count);
    }

    private sealed class State
    {
        public Moments[] Features { get; } = new Moments[ShowerGraph.FeatureCount];

        public void Add(ShowerGraph graph)
        {
            for (int i = 0; i < graph.Features.Length; i += ShowerGraph.FeatureCount)
            {
                for (int f = 0; f < ShowerGraph.FeatureCount; f++)
                    Features[f].Add(graph.Features[i + f]);
            }
        }

        public void Merge(State other)
        {
            for (int f = 0; f < Features.Length; f++)
                Features[f].Merge(other.Features[f]);
        }
    }
}

/// <summary>Nodes of each class over some graphs: what a measured class weight needs.</summary>
/// <param name="Kept">Nodes with label 0.</param>
/// <param name="Pruned">Nodes with label 1.</param>
public sealed record ClassCounts(long Kept, long Pruned)
{
    /// <summary>Counts the nodes of the given graphs.</summary>
    public static ClassCounts Of(GraphDataset dataset, int[] indices)
    {
        State state = DatasetFold.Run<State>(dataset, indices, (state, graph) => state.Add(graph), (state, other) => state.Merge(other));
        return new ClassCounts(state.Kept, state.Pruned);
    }

    private sealed class State
    {
        public long Kept { get; private set; }

        public long Pruned { get; private set; }

        public void Add(ShowerGraph graph)
        {
            int pruned = graph.Labels.AsSpan().Count((byte)1);
            Pruned += pruned;
            Kept += graph.NodeCount - pruned;
        }

        public void Merge(State other)
        {
            Kept += other.Kept;
            Pruned += other.Pruned;
        }
    }
}

/// <summary>Passes over a dataset.</summary>
public static class DatasetStatistics
{
    /// <summary>Statistics of the given graphs.</summary>
    public static TracksterStatistics Of(GraphDataset dataset, int[] indices) =>
        DatasetFold.RunIndices<TracksterStatistics>(dataset, indices, (state, index) =>
            state.Add(dataset[index], dataset.ColumnsOf(index).Fraction), (state, other) => state.Merge(other));
}
