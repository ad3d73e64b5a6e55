using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>Datasets to batches, prepared ahead of the consumer.</summary>
public static class BatchLoader
{
    /// <summary>
    /// Builds graphs and batches in the background and yields the batches in order; the last one may be smaller.
    /// Results do not depend on the number of workers.
    /// </summary>
    /// <param name="dataset">Where the graphs are.</param>
    /// <param name="indices">Which graphs, in order.</param>
    /// <param name="batchSize">Graphs in a batch, at least 1.</param>
    /// <param name="preparation">What the network needs of each batch; the workers prepare it.</param>
    /// <param name="workers">Threads that build; 0 = the consumer's own.</param>
    /// <param name="prefetchFactor">Batches ready or being built per worker, at least 1.</param>
    /// <param name="stop">Ends the sequence.</param>
    public static IEnumerable<GraphBatch> Batches(GraphDataset dataset, int[] indices, int batchSize, GraphPreparation preparation,
        int workers, int prefetchFactor, CancellationToken stop)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        int[][] groups = new int[(int)(((long)indices.Length + batchSize - 1) / batchSize)][];
        for (int b = 0; b < groups.Length; b++)
            groups[b] = indices.AsSpan(b * batchSize, Math.Min(batchSize, indices.Length - (b * batchSize))).ToArray();
        return Groups(dataset, groups, preparation, workers, prefetchFactor, stop);
    }

    /// <summary>The same for batches that were chosen before; an empty one gives a batch without graphs.</summary>
    /// <param name="dataset">Where the graphs are.</param>
    /// <param name="groups">The graphs of each batch, in order.</param>
    /// <param name="preparation">What the network needs of each batch; the workers prepare it.</param>
    /// <param name="workers">Threads that build; 0 = the consumer's own.</param>
    /// <param name="prefetchFactor">Batches ready or being built per worker, at least 1.</param>
    /// <param name="stop">Ends the sequence.</param>
    public static IEnumerable<GraphBatch> Groups(GraphDataset dataset, int[][] groups, GraphPreparation preparation, int workers,
        int prefetchFactor, CancellationToken stop)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        ArgumentOutOfRangeException.ThrowIfLessThan(prefetchFactor, 1);
        return Prefetch.InOrder(groups, Load, workers, Math.Max(1, checked(workers * prefetchFactor)), stop);

        GraphBatch Load(int[] group) => BatchAssembler.Collate(Array.ConvertAll(group, index => dataset[index]), preparation);
    }
}
