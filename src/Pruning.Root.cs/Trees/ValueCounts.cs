using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>
/// Counts the values of column slices, which must be known before memory is allocated. Entries of one size need no reading,
/// columns with a shared counter need only the counter, and all others need the headers of their baskets.
/// </summary>
internal static class ValueCounts
{
    /// <summary>Smallest number of columns that justifies reading their counter: it costs as much as the headers of one column.</summary>
    private const int MinShared = 2;

    /// <summary>
    /// Counts a column whose entries all have one size. It trusts the branch about the entries of each basket until the
    /// basket is decoded, unless a basket would exceed the limit of its size.
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
    /// Counts with the counters, and lets the columns of one counter share their offsets. The counters are trusted until
    /// each basket is decoded and compared with them.
    /// </summary>
    /// <returns>The columns that were counted; none where the counters are inconsistent.</returns>
    public static HashSet<ColumnSink> ByCounters(TreeFile file, IReadOnlyList<ColumnSink> sinks, CounterValues counts)
    {
        var counted = new HashSet<ColumnSink>();
        foreach (IGrouping<string?, ColumnSink> group in sinks.GroupBy(sink => sink.Layout.Kind == EntryKind.Counted ? sink.Layout.Counter
            : null))
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

    /// <summary>Counts one slice with its basket's header. A basket that is needed only in part is decompressed to count it.</summary>
    public static void ByHeader(TreeFile file, BasketReader reader, ColumnSlice slice, CounterValues counts)
    {
        EntryLayout layout = slice.Sink.Layout;
        BasketHeader header = BasketReader.ReadHeader(file, slice.Sink.Branch, slice.Place);
        if (header.Key.ObjectBytes > file.Options.MaxRecordBytes || slice.Place.RecordBytes > file.Options.MaxRecordBytes)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"the basket has {header.Key.ObjectBytes} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is "
                    + $"{file.Options.MaxRecordBytes}",
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
            throw new RootFormatException(RootErrorKind.CorruptBasket,
                $"{header.EntryCount} entries in {header.DataBytes} bytes do not hold whole elements of {layout.ElementBytes} bytes", slice.Location);
        if (!slice.IsWhole)
        {
            slice.Loaded = reader.Load(slice.Sink.Branch, slice.Place, counts);
            ReadOnlySpan<int> bounds = slice.Loaded.Bounds;
            values = bounds[slice.EndLocal] - bounds[slice.FirstLocal] - ((long)slice.EntryCount * layout.HeaderBytes);
            if (values < 0 || values % layout.ElementBytes != 0)
                throw new RootFormatException(RootErrorKind.CorruptBasket,
                    $"{slice.EntryCount} entries do not hold whole elements of {layout.ElementBytes} bytes", slice.Location);
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
            return null; // the branch may still be readable
        }
    }
}
