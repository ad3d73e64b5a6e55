using Pruning.Root.Compression;

namespace Pruning.Root.Files;

/// <summary>How a ROOT file is written. The bytes of a file depend on everything here but <see cref="Workers"/>.</summary>
public sealed record RootWriteOptions
{
    /// <summary>The defaults.</summary>
    public static RootWriteOptions Default { get; } = new();

    /// <summary>Codec and level of every basket. Default: Zstandard at level 3.</summary>
    public RootCompressionSetting Compression { get; init; } = RootCompressionSetting.Zstd();

    /// <summary>
    /// Bytes of one branch that make a basket, before compression. Small baskets are quicker to jump into, large ones
    /// compress and read better; each open branch keeps one in memory. Default 256 KiB.
    /// </summary>
    public int BasketBytes { get; init; } = 256 << 10;

    /// <summary>
    /// Bytes of all branches of a tree that make a cluster, before compression: there every branch begins a new basket,
    /// so that readers can take whole clusters. It is decided once, at the first cluster; later clusters have the same number of entries.
    /// Default 30 MB, as ROOT's.
    /// </summary>
    public long ClusterBytes { get; init; } = 30_000_000;

    /// <summary>Entries of a cluster; null lets <see cref="ClusterBytes"/> decide.</summary>
    public long? ClusterEntries { get; init; }

    /// <summary>
    /// After so many bytes of baskets, before compression, the writer saves what it knows at the next end of a cluster, so
    /// that a crash loses no more. Costs a copy of the trees' descriptions and three flushes of the disk. Default 256 MiB; null for never.
    /// </summary>
    public long? CheckpointEvery { get; init; } = 256L << 20;

    /// <summary>Threads that compress; 1 compresses on the calling thread. Default: one per core.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Writes the time stamps of 1 January 1995 and an identity made from the file's name, so that equal content gives
    /// equal bytes. Default: the time of writing and a random identity.
    /// </summary>
    public bool Reproducible { get; init; }

    /// <summary>File size at which offsets change from 4 to 8 bytes; smaller only in tests.</summary>
    internal long LargeFileBytes { get; init; } = 2_000_000_000;

    /// <summary>Stores everything but the baskets uncompressed, so that tests can damage it at any byte.</summary>
    internal bool RawMetadata { get; init; }

    /// <summary>Tests let the disk fail here: called with the length of the file before each write.</summary>
    internal Action<long>? BeforeWrite { get; init; }

    internal RootWriteOptions Checked()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BasketBytes, 1, nameof(BasketBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BasketBytes, MaxBasketBytes, nameof(BasketBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(ClusterBytes, 1, nameof(ClusterBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(ClusterEntries ?? 1, 1, nameof(ClusterEntries));
        ArgumentOutOfRangeException.ThrowIfLessThan(CheckpointEvery ?? 1, 1, nameof(CheckpointEvery));
        ArgumentOutOfRangeException.ThrowIfLessThan(Workers, 1, nameof(Workers));
        return this;
    }

    /// <summary>A basket that is not larger is one block for every codec.</summary>
    private const int MaxBasketBytes = 8 << 20;
}
