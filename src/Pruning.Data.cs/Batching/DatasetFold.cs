using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>One pass over many graphs on all threads, whose result does not depend on how many there are.</summary>
internal static class DatasetFold
{
    // Graphs per partial result. Fixed, so that sums are taken in the same order on every machine.
    private const int Chunk = 2048;

    /// <summary>Folds chunks of the indices side by side and merges the partial results in order.</summary>
    public static TState Run<TState>(GraphDataset dataset, int[] indices, Action<TState, ShowerGraph> add, Action<TState, TState> merge)
        where TState : class, new() =>
        RunIndices<TState>(dataset, indices, (state, index) => add(state, dataset[index]), merge);

    /// <summary>The same for what needs more of a graph's file than the graph.</summary>
    public static TState RunIndices<TState>(GraphDataset dataset, int[] indices, Action<TState, int> add, Action<TState, TState> merge)
        where TState : class, new()
    {
        TState[] parts = new TState[(indices.Length + Chunk - 1) / Chunk];
        Parallel.For(0, parts.Length, new ParallelOptions { MaxDegreeOfParallelism = dataset.Workers }, c =>
        {
            TState part = new();
            int end = Math.Min(indices.Length, (c + 1) * Chunk);
            for (int i = c * Chunk; i < end; i++)
                add(part, indices[i]);
            parts[c] = part;
        });
        TState all = new();
        foreach (TState part in parts)
            merge(all, part);
        return all;
    }
}
