namespace Pruning.Data.Batching;

/// <summary>The order in which an epoch visits its graphs.</summary>
public static class EpochOrder
{
    /// <summary>
    /// Shuffles by sorting on a hash of (seed, epoch, index). Nothing else enters: not the order of the input, not the
    /// epochs before, not the number of workers or ranks; a run that is resumed continues as if it had not stopped.
    /// </summary>
    /// <param name="indices">Indices of graphs, distinct; not changed.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">Number of the epoch.</param>
    /// <returns>The same indices in another order.</returns>
    public static int[] Shuffled(int[] indices, long seed, int epoch)
    {
        ulong key = StableHash.Mix((ulong)seed, (ulong)epoch);
        ulong[] ranks = new ulong[indices.Length];
        for (int i = 0; i < indices.Length; i++)
            ranks[i] = StableHash.Mix(key, (ulong)indices[i]); // a bijection: distinct indices never tie
        int[] shuffled = (int[])indices.Clone();
        Array.Sort(ranks, shuffled);
        return shuffled;
    }
}
