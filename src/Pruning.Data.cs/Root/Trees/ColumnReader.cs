namespace Pruning.Data.Root;

/// <summary>
/// Reads columns. First the baskets' headers say how many values there are, which is checked before memory is taken;
/// then every basket is decompressed and decoded straight into its place of the arrays, on as many threads as allowed.
/// </summary>
internal static class ColumnReader
{
    /// <param name="file">The file.</param>
    /// <param name="sinks">One for each column.</param>
    /// <param name="counts">Counter values of a branch for a range of entries; needed by baskets without an offset table.</param>
    public static JaggedColumn[] Read(RootFile file, IReadOnlyList<ColumnSink> sinks, Func<RootBranch, long, long, int[]> counts)
    {
        ColumnPart[] parts = [.. sinks.SelectMany(sink => sink.Parts)];
        try
        {
            BasketWork.Run(file, parts, (reader, part) => Count(file, reader, part, counts));
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
                    $"the values would take {bytes} bytes but {nameof(RootReadOptions.MaxReadBytes)} is {file.Options.MaxReadBytes}; read fewer entries at once or raise the limit",
                    sinks[0].Branch.Location);
            }
            foreach (ColumnSink sink in sinks)
                sink.Allocate();
            // In the order of the file: the disk reads ahead.
            Array.Sort(parts, static (a, b) => a.Place.Seek.CompareTo(b.Place.Seek));
            BasketWork.Run(file, parts, (reader, part) => Decode(reader, part, counts));
            return [.. sinks.Select(sink => sink.Finish())];
        }
        finally
        {
            foreach (ColumnPart part in parts)
                part.Loaded?.Dispose();
        }
    }

    private static void Count(RootFile file, BasketReader reader, ColumnPart part, Func<RootBranch, long, long, int[]> counts)
    {
        EntryLayout layout = part.Sink.Layout;
        BasketHeader header = BasketReader.ReadHeader(file, part.Sink.Branch, part.Place);
        if (header.Key.ObjectBytes > file.Options.MaxRecordBytes || part.Place.RecordBytes > file.Options.MaxRecordBytes)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"the basket has {header.Key.ObjectBytes} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is {file.Options.MaxRecordBytes}; raise the limit",
                part.Location);
        }
        if (layout.Kind == EntryKind.Fixed)
        {
            if (header.DataBytes != header.EntryCount * layout.ElementBytes)
                throw new RootFormatException(RootErrorKind.CorruptBasket, $"{header.EntryCount} entries of {layout.ElementBytes} bytes make {header.EntryCount * layout.ElementBytes} but the basket has {header.DataBytes}", part.Location);
            part.ValueCount = (long)part.EntryCount * layout.Inner;
            return;
        }
        long values = header.DataBytes - ((long)header.EntryCount * layout.HeaderBytes);
        if (values < 0 || values % layout.ElementBytes != 0)
            throw new RootFormatException(RootErrorKind.CorruptBasket, $"{header.EntryCount} entries in {header.DataBytes} bytes do not hold whole elements of {layout.ElementBytes} bytes", part.Location);
        if (!part.IsWhole)
        {
            part.Loaded = reader.Load(part.Sink.Branch, part.Place, (first, end) => counts(part.Sink.Branch, first, end));
            ReadOnlySpan<int> bounds = part.Loaded.Bounds;
            values = bounds[part.EndLocal] - bounds[part.FirstLocal] - ((long)part.EntryCount * layout.HeaderBytes);
            if (values < 0 || values % layout.ElementBytes != 0)
                throw new RootFormatException(RootErrorKind.CorruptBasket, $"{part.EntryCount} entries do not hold whole elements of {layout.ElementBytes} bytes", part.Location);
        }
        part.ValueCount = values / layout.Element.DiskBytes;
    }

    private static void Place(ColumnSink sink)
    {
        long next = 0;
        foreach (ColumnPart part in sink.Parts)
        {
            part.ValueStart = next;
            next += part.ValueCount;
        }
        if (next > Array.MaxLength || sink.End - sink.First >= Array.MaxLength)
        {
            throw new RootFormatException(
                RootErrorKind.MemoryLimit,
                $"one array cannot hold the {next} values of {sink.End - sink.First} entries; read fewer entries at once",
                sink.Branch.Location);
        }
    }

    private static void Decode(BasketReader reader, ColumnPart part, Func<RootBranch, long, long, int[]> counts)
    {
        LoadedBasket basket = part.Loaded ?? reader.Load(part.Sink.Branch, part.Place, (first, end) => counts(part.Sink.Branch, first, end));
        part.Loaded = null;
        using (basket)
            part.Sink.Decode(part, basket);
    }
}
