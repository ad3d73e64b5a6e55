using System.Buffers;

namespace Pruning.Root.Trees;

/// <summary>
/// Baskets that are close to each other in the file, of one branch or of several: one positioned read loads all of them.
/// </summary>
/// <param name="Slices">The baskets, in the order of the file.</param>
/// <param name="Bytes">From the first byte of the first to the last of the last; 0 where each is to be read on its own.</param>
internal readonly record struct BasketRun(ArraySegment<ColumnSlice> Slices, int Bytes)
{
    private const int MaxBytes = 1 << 18; // stays in the cache of a core until it is decoded
    private const int FewRuns = 128; // with so few, one late long run would leave the other threads idle
    private const int MaxGap = 1 << 13; // costs less than one more system call

    /// <summary>
    /// Cuts baskets, which it sorts into the order of the file, into runs: many in that order, few with the longest first,
    /// so that threads are done at the same time.
    /// </summary>
    public static BasketRun[] Of(TreeFile file, ColumnSlice[] slices)
    {
        Array.Sort(slices, static (a, b) => a.Place.Seek.CompareTo(b.Place.Seek));
        var runs = new List<BasketRun>();
        for (int begin = 0; begin < slices.Length;)
        {
            long start = slices[begin].Place.Seek;
            long end = start + slices[begin].Place.RecordBytes;
            int next = begin + 1;
            if (CanShare(file, slices[begin]))
            {
                while (next < slices.Length && CanShare(file, slices[next]) && slices[next].Place.Seek - end <= MaxGap)
                {
                    long longer = Math.Max(end, slices[next].Place.Seek + slices[next].Place.RecordBytes);
                    if (longer - start > MaxBytes)
                        break;
                    end = longer;
                    next++;
                }
            }
            runs.Add(new BasketRun(new ArraySegment<ColumnSlice>(slices, begin, next - begin), next - begin > 1 ? (int)(end - start) : 0));
            begin = next;
        }
        if (runs.Count <= FewRuns)
            runs.Sort(static (a, b) => b.StoredBytes.CompareTo(a.StoredBytes));
        return [.. runs];
    }

    private long StoredBytes => Bytes > 0 ? Bytes : Slices[0].Place.RecordBytes;

    /// <summary>Decodes the baskets into their columns.</summary>
    public void Decode(TreeFile file, BasketReader reader, CounterValues counts)
    {
        if (Bytes == 0)
        {
            foreach (ColumnSlice slice in Slices)
                Decode(reader, slice, counts, default);
            return;
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Bytes);
        try
        {
            long start = Slices[0].Place.Seek;
            file.Source.Read(start, buffer.AsSpan(0, Bytes), Slices[0].Location);
            foreach (ColumnSlice slice in Slices)
                Decode(reader, slice, counts, new RecordBytes(buffer, (int)(slice.Place.Seek - start)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Decode(BasketReader reader, ColumnSlice slice, CounterValues counts, RecordBytes record)
    {
        LoadedBasket basket = slice.Loaded ?? reader.Load(slice.Sink.Branch, slice.Place, counts, record);
        slice.Loaded = null;
        using (basket)
            slice.Sink.Decode(slice, basket);
    }

    // What is embedded, loaded, outside of the file or beyond the limits is left to the reader of single baskets, which says so.
    private static bool CanShare(TreeFile file, ColumnSlice slice) =>
        slice is { Place.Embedded: null, Loaded: null }
        && slice.Place.RecordBytes <= Math.Min(MaxBytes, file.Options.MaxRecordBytes)
        && BasketReader.IsInFile(file, slice.Place);
}
