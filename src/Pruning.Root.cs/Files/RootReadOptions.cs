namespace Pruning.Root.Files;

/// <summary>How a ROOT file is read. The limits protect against damaged and hostile files. Raise them for large valid ones.</summary>
public sealed record RootReadOptions
{
    /// <summary>The defaults.</summary>
    public static RootReadOptions Default { get; } = new();

    /// <summary>
    /// Threads that decompress and decode baskets of one call; 1 keeps the work on the calling thread. Default: one per core.
    /// </summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Largest record (basket, tree description, key list) in bytes once decompressed. Default 1 GiB.</summary>
    public long MaxRecordBytes { get; init; } = 1L << 30;

    /// <summary>
    /// Largest result of one read call in bytes, offsets included. Default: three quarters of the memory that the process may
    /// use.
    /// </summary>
    public long MaxReadBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;

    /// <summary>
    /// Opens files that were never closed, or that end too early, by walking through their records. Each tree is read by
    /// its newest complete description. <c>RootFile.Recovery</c> describes the result; the file is not changed. Costs one
    /// small read per record, also for complete files.
    /// </summary>
    public bool Recover { get; init; }
}
