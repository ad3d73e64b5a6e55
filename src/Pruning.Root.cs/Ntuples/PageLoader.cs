using System.Runtime.ExceptionServices;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>The elements of a page that a read needs, and their destination.</summary>
/// <param name="Sink">Takes the elements.</param>
/// <param name="Column">The column.</param>
/// <param name="Page">The page.</param>
/// <param name="Cluster">Index of the cluster.</param>
/// <param name="PageIndex">Index of the page within column and cluster.</param>
/// <param name="First">First wanted element of the page.</param>
/// <param name="Count">Number of wanted elements.</param>
/// <param name="Destination">Index in the sink of the first of them.</param>
internal sealed record PageRead(PageSink Sink, PhysicalColumn Column, PageRecord Page, long Cluster, int PageIndex, int First, int Count,
    long Destination)
{
    /// <summary>Memory of one, for budgets.</summary>
    public const int Bytes = 120;

    public RootLocation Location => Sink.Location with { Cluster = Cluster, Page = PageIndex, Byte = Page.Offset };
}

/// <summary>An array that pages are decoded into.</summary>
internal abstract class PageSink(RootLocation location)
{
    /// <summary>The field, for errors.</summary>
    public RootLocation Location { get; } = location;

    /// <summary>Where the bytes of a page may go as they are, or nothing when they have to be decoded.</summary>
    public virtual Span<byte> Direct(PageRead read) => default;

    /// <summary>Decodes the wanted part of a decompressed page.</summary>
    public abstract void Decode(PageRead read, ReadOnlySpan<byte> page);
}

/// <summary>Reads, verifies, decompresses and decodes pages on as many threads as the file's options allow.</summary>
internal static class PageLoader
{
    // If several pages are damaged, the error of the first is thrown, however the threads were scheduled: every page before
    // it is still read.
    public static void Load(OpenedFile file, List<PageRead> reads, long maxKeyBytes)
    {
        // In the order of the file, so that the disk can read ahead.
        reads.Sort(static (a, b) => a.Page.Offset.CompareTo(b.Page.Offset));
        int workers = Math.Min(file.Options.Workers, reads.Count);
        if (workers <= 1)
        {
            using PageReader alone = new(file, maxKeyBytes);
            foreach (PageRead read in reads)
                alone.Read(read);
            return;
        }
        RootFormatException? error = null;
        int failed = int.MaxValue;
        object gate = new();
        Parallel.For(
            0,
            reads.Count,
            new ParallelOptions { MaxDegreeOfParallelism = workers },
            () => new PageReader(file, maxKeyBytes),
            (i, _, reader) =>
            {
                if (i > Volatile.Read(ref failed))
                    return reader;
                try
                {
                    reader.Read(reads[i]);
                }
                catch (RootFormatException e)
                {
                    lock (gate)
                    {
                        if (i < failed)
                            (failed, error) = (i, e);
                    }
                }
                return reader;
            },
            reader => reader.Dispose());
        if (error is not null)
            ExceptionDispatchInfo.Throw(error);
    }
}
