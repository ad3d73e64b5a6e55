namespace Pruning.Root.Files;

/// <summary>How a ROOT file is read. The limits protect against damaged and hostile files; raise them for real large ones.</summary>
public sealed record RootReadOptions
{
    /// <summary>The defaults.</summary>
    public static RootReadOptions Default { get; } = new();

    /// <summary>Threads that decompress and decode baskets of one call; 1 keeps the work on the calling thread. Default: one per core.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Largest record (basket, tree description, key list) in bytes once decompressed. Default 1 GiB.</summary>
    public long MaxRecordBytes { get; init; } = 1L << 30;

    /// <summary>Largest result of one read call in bytes, offsets included. Default: three quarters of the memory that the process may use.</summary>
    public long MaxReadBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;

    /// <summary>
    /// Opens files that were never closed, or that end too early, by walking through their records: the newest
    /// description of each tree that is complete counts. <c>RootFile.Recovery</c> tells what was found; the file
    /// is not changed. Costs one small read a record, for files too that turn out to be complete.
    /// </summary>
    public bool Recover { get; init; }
}
