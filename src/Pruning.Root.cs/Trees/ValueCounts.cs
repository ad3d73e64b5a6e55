using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>
/// How many values the slices of columns have, which has to be known before memory is taken and values find their place.
/// Where all entries have one size it needs nothing, where columns share a counter only that; else the headers of baskets.
/// </summary>
internal static class ValueCounts
{
    /// <summary>Columns that share a counter before it pays to read that: it costs as much as the headers of one column.</summary>
    private const int MinShared = 2;

    /// <summary>
    /// Counts a column whose entries all have one size. The baskets are believed to hold the entries that the branch says,
    /// as with counters; not though where one would be larger than any may be.
    /// </summary>
    public static bool BySize(TreeFile file, ColumnSink sink)
    {
        long most = Math.Min(int.MaxValue, file.Options.MaxRecordBytes) / Math.Max(1, sink.Layout.ElementBytes);
        if (!sink.IsFixed || sink.Slices.Exists(slice => slice.Place.End - slice.Place.First > most))
            return false;
        foreach (ColumnSlice slice in sink.Slices)
            slice.ValueCount = (long)slice.EntryCount * sink.Layout.Inner;
        return true;
    }

    /// <summary>
    /// Counts by the counters, and lets the columns of one counter share their offsets. The counters are believed for now:
    /// each basket is compared with them when it is decoded.
    /// </summary>
    /// <returns>The columns that were counted; none where the counters make no sense.</returns>
    public static HashSet<ColumnSink> ByCounters(TreeFile file, IReadOnlyList<ColumnSink> sinks, CounterValues counts)
    {
        var counted = new HashSet<ColumnSink>();
        foreach (IGrouping<string?, ColumnSink> group in sinks.GroupBy(sink => sink.Layout.Kind == EntryKind.Counted ? sink.Layout.Counter : null))
        {
            // Where offsets alone are too much, the columns are too, and their headers say so.
            if (string.IsNullOrEmpty(group.Key) || group.Count() < MinShared || OffsetBytes(group.First()) > file.Options.MaxReadBytes)
                continue;
            if (TryRead(group.First(), counts) is not int[] values)
                continue;
            long[] offsets = EntryOffsets.OfCounts(values);
            foreach (ColumnSink sink in group)
            {
                foreach (ColumnSlice slice in sink.Slices)
                    slice.ValueCount = (offsets[slice.FirstEntry + slice.EntryCount] - offsets[slice.FirstEntry]) * sink.Layout.Inner;
                sink.CountedOffsets = offsets;
                counted.Add(sink);
            }
        }
        return counted;
    }

    /// <summary>Counts one slice by its basket's header; slices of a basket are decompressed to be counted.</summary>
    public static void ByHeader(TreeFile file, BasketReader reader, ColumnSlice slice, CounterValues counts)
    {
        EntryLayout layout = slice.Sink.Layout;
        BasketHeader header = BasketReader.ReadHeader(file, slice.Sink.Branch, slice.Place);
        if (header.Key.ObjectBytes > file.Options.MaxRecordBytes || slice.Place.RecordBytes > file.Options.MaxRecordBytes)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"the basket has {header.Key.ObjectBytes} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is {file.Options.MaxRecordBytes}",
                slice.Location,
                $"Raise {nameof(RootReadOptions.MaxRecordBytes)}.");
        }
        if (layout.Kind == EntryKind.Fixed)
        {
            slice.ValueCount = (long)slice.EntryCount * layout.Inner;
            return;
        }
        long values = header.DataBytes - ((long)header.EntryCount * layout.HeaderBytes);
        if (values < 0 || values % layout.ElementBytes != 0)
            throw new RootFormatException(RootErrorKind.CorruptBasket, $"{header.EntryCount} entries in {header.DataBytes} bytes do not hold whole elements of {layout.ElementBytes} bytes", slice.Location);
        if (!slice.IsWhole)
        {
            slice.Loaded = reader.Load(slice.Sink.Branch, slice.Place, counts);
            ReadOnlySpan<int> bounds = slice.Loaded.Bounds;
            values = bounds[slice.EndLocal] - bounds[slice.FirstLocal] - ((long)slice.EntryCount * layout.HeaderBytes);
            if (values < 0 || values % layout.ElementBytes != 0)
                throw new RootFormatException(RootErrorKind.CorruptBasket, $"{slice.EntryCount} entries do not hold whole elements of {layout.ElementBytes} bytes", slice.Location);
        }
        slice.ValueCount = values / layout.Element.DiskBytes;
    }

    private static long OffsetBytes(ColumnSink sink) => (sink.End - sink.First + 1) * sizeof(long);

    private static int[]? TryRead(ColumnSink sink, CounterValues counts)
    {
        try
        {
            int[] values = counts(sink.Branch, sink.First, sink.End);
            return values.Length == sink.End - sink.First && !values.AsSpan().ContainsAnyInRange(int.MinValue, -1) ? values : null;
        }
        catch (RootFormatException)
        {
            return null; // the branch may be readable all the same
        }
    }
}
