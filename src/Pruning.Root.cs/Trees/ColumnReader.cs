using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;

namespace Pruning.Root.Trees;

/// <summary>
/// Reads columns. It first counts the values and checks the limits, then allocates the arrays, then decompresses and
/// decodes each basket directly into its place of the arrays, on as many threads as allowed.
/// </summary>
internal static class ColumnReader
{
    /// <param name="file">The file.</param>
    /// <param name="sinks">One for each column.</param>
    /// <param name="counts">Counter values of a branch for a range of entries.</param>
    public static JaggedColumn[] Read(TreeFile file, IReadOnlyList<ColumnSink> sinks, CounterValues counts)
    {
        HashSet<ColumnSink> counted = ValueCounts.ByCounters(file, sinks, counts);
        if (counted.Count > 0)
        {
            try
            {
                return Read(file, sinks, counted, counts);
            }
            catch (RootFormatException)
            {
                // The counter may be wrong and the baskets correct. Otherwise the headers of the baskets show what is damaged.
                foreach (ColumnSink sink in counted)
                    sink.CountedOffsets = null;
            }
        }
        return Read(file, sinks, [], counts);
    }

    private static JaggedColumn[] Read(TreeFile file, IReadOnlyList<ColumnSink> sinks, HashSet<ColumnSink> counted, CounterValues counts)
    {
        ColumnSlice[] slices = [.. sinks.SelectMany(sink => sink.Slices)];
        HashSet<ColumnSink> sized = [.. sinks.Where(sink => ValueCounts.BySize(file, sink))];
        try
        {
            file.Run(Array.FindAll(slices, slice => !sized.Contains(slice.Sink) && !counted.Contains(slice.Sink)), (reader, slice) =>
                ValueCounts.ByHeader(file, reader, slice, counts));
            long bytes = 0;
            foreach (ColumnSink sink in sinks)
            {
                Place(sink);
                bytes = checked(bytes + sink.Bytes);
            }
            if (bytes > file.Options.MaxReadBytes)
            {
                throw new RootFormatException(
                    RootErrorKind.MemoryLimit,
                    $"the values would take {bytes} bytes but {nameof(RootReadOptions.MaxReadBytes)} is {file.Options.MaxReadBytes}",
                    sinks[0].Branch.Location,
                    $"Read fewer entries at once, or raise {nameof(RootReadOptions.MaxReadBytes)}.");
            }
            foreach (ColumnSink sink in sinks)
                sink.Allocate();
            file.Run(BasketRun.Of(file, slices), (reader, run) => run.Decode(file, reader, counts));
            return [.. sinks.Select(sink => sink.Finish())];
        }
        finally
        {
            foreach (ColumnSlice slice in slices)
            {
                slice.Loaded?.Dispose();
                slice.Loaded = null;
            }
        }
    }

    private static void Place(ColumnSink sink)
    {
        long next = 0;
        foreach (ColumnSlice slice in sink.Slices)
        {
            slice.ValueStart = next;
            next += slice.ValueCount;
        }
        if (next > Array.MaxLength || sink.End - sink.First >= Array.MaxLength)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"one array cannot hold the {next} values of {sink.End - sink.First} entries",
                sink.Branch.Location,
                "Read fewer entries at once.");
        }
    }
}
