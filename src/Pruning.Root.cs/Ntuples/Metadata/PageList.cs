using Pruning.Root.Errors;

namespace Pruning.Root.Ntuples.Metadata;

/// <summary>A page: some elements of a column in one cluster.</summary>
/// <param name="Offset">Byte of the file; -1 for another storage.</param>
/// <param name="StoredBytes">Bytes there, its checksum not counted.</param>
/// <param name="Elements">Number of elements.</param>
/// <param name="HasChecksum">Eight bytes of XXH3 follow.</param>
internal readonly record struct PageRecord(long Offset, int StoredBytes, int Elements, bool HasChecksum);

/// <summary>A column's pages in one cluster.</summary>
/// <param name="Pages">In the order of elements.</param>
/// <param name="Elements">Elements of all pages.</param>
/// <param name="IsSuppressed">Another representation of the field holds this cluster's values.</param>
/// <param name="Compression">ROOT's setting code; 0 for none.</param>
internal sealed record PageRange(PageRecord[] Pages, long Elements, bool IsSuppressed, int Compression);

/// <summary>One cluster: consecutive entries, and the pages of every column that the schema had when it was written.</summary>
/// <param name="Index">Counted from 0 over the whole RNTuple.</param>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="EntryCount">Its entries.</param>
/// <param name="Columns">By physical column.</param>
internal sealed record ClusterRecord(long Index, long FirstEntry, long EntryCount, PageRange[] Columns);

/// <summary>A page list envelope: the clusters of one group.</summary>
internal static class PageList
{
    private const int SummaryBytes = NtupleBuffer.RecordHeaderBytes + (2 * sizeof(ulong));
    private const int ListBytes = 12;
    private const int PageBytes = sizeof(int) + sizeof(int) + sizeof(ulong);
    private const int CountBits = 56;

    public static ClusterRecord[] Decode(NtupleEnvelope envelope, NtupleHeader header, ClusterGroup group, long firstCluster)
    {
        NtupleBuffer buffer = envelope.Open();
        header.RequireOwn(buffer.ReadUInt64(), "a page list", envelope.Location);
        (long First, long Count)[] summaries = Summaries(ref buffer, group);
        NtupleBuffer clusters = buffer.OpenList("clusters", ListBytes, out int count);
        if (count != summaries.Length)
            throw buffer.Error($"{summaries.Length} clusters are described but {count} have pages");
        var records = new ClusterRecord[count];
        for (int i = 0; i < count; i++)
        {
            NtupleBuffer columns = clusters.OpenList("columns", ListBytes, out int columnCount);
            if (columnCount > header.Schema.Columns.Count)
                throw columns.Error($"a cluster has pages of {columnCount} columns but there are {header.Schema.Columns.Count}");
            var ranges = new PageRange[columnCount];
            for (int c = 0; c < columnCount; c++)
                ranges[c] = Pages(ref columns);
            records[i] = new ClusterRecord(firstCluster + i, summaries[i].First, summaries[i].Count, ranges);
        }
        return records;
    }

    private static (long First, long Count)[] Summaries(ref NtupleBuffer buffer, ClusterGroup group)
    {
        NtupleBuffer list = buffer.OpenList("cluster summaries", SummaryBytes, out int count);
        if (count != group.ClusterCount)
            throw list.Error($"the footer announces {group.ClusterCount} clusters, the page list {count}");
        var summaries = new (long, long)[count];
        long next = group.FirstEntry;
        for (int i = 0; i < count; i++)
        {
            NtupleBuffer record = list.OpenRecord("a cluster summary");
            long first = record.ReadCount("a first entry");
            ulong word = record.ReadUInt64();
            long entries = (long)(word & ((1UL << CountBits) - 1));
            ulong flags = word >> CountBits;
            if (flags != 0)
                throw new RootFormatException(RootErrorKind.UnsupportedNtuple,
                    $"a cluster of the entries from {first} on is sharded or has another unknown flag ({flags:x})", record.Error(
                        "").Location);
            if (first != next || entries > group.FirstEntry + group.EntryCount - first)
                throw record.Error(
                    $"a cluster has {entries} entries from {first} on, where entry {next} comes next in a group that ends before "
                        + $"{group.FirstEntry + group.EntryCount}");
            summaries[i] = (first, entries);
            next = first + entries;
        }
        if (next != group.FirstEntry + group.EntryCount)
            throw list.Error($"the clusters end before entry {next}, their group before entry {group.FirstEntry + group.EntryCount}");
        return summaries;
    }

    private static PageRange Pages(ref NtupleBuffer columns)
    {
        NtupleBuffer list = columns.OpenList("pages", PageBytes, out int count);
        var pages = new PageRecord[count];
        long elements = 0;
        for (int i = 0; i < count; i++)
        {
            int number = list.ReadInt32();
            if (number == int.MinValue)
                throw list.Error($"a page of {number} elements is impossible");
            NtupleLocator place = list.ReadLocator();
            if (place.Bytes > int.MaxValue)
                throw list.Error($"a page of {place.Bytes} stored bytes is too large");
            // The sign says that a checksum follows the page.
            pages[i] = new PageRecord(place.Offset, (int)place.Bytes, Math.Abs(number), number < 0);
            elements += Math.Abs(number);
        }
        bool suppressed = list.ReadInt64() < 0;
        int compression = suppressed ? 0 : list.ReadInt32();
        if (suppressed && count != 0)
            throw list.Error($"a column that is suppressed in its cluster has {count} pages");
        return new PageRange(pages, elements, suppressed, compression);
    }
}
