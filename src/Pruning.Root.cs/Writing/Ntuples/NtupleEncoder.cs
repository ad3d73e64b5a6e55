using System.Buffers.Binary;
using System.IO.Hashing;
using Pruning.Root.Ntuples.Metadata;
using Pruning.Root.Writing.Records;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>Pages of one column in one cluster that are in the file.</summary>
/// <param name="FirstElement">Elements of the clusters before.</param>
/// <param name="Pages">In the order of elements.</param>
internal sealed record WrittenRange(long FirstElement, IReadOnlyList<PageRecord> Pages);

/// <summary>A cluster that is in the file.</summary>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="EntryCount">Its entries.</param>
/// <param name="Columns">By column.</param>
internal sealed record WrittenCluster(long FirstEntry, long EntryCount, IReadOnlyList<WrittenRange> Columns);

/// <summary>
/// The metadata of an RNTuple (binary format 1.0.0.0): the counterpart of <see cref="NtupleHeader"/>, <see cref="PageList"/>
/// and <see cref="NtupleAnchor"/>.
/// </summary>
internal static class NtupleEncoder
{
    /// <summary>Largest blob that is stored in one piece; larger ones are not written.</summary>
    public const int MaxKeyBytes = 1 << 30;

    private const string Library = "GraphPruning";

    /// <summary>Names, fields and columns.</summary>
    public static (ReadOnlyMemory<byte> Bytes, ulong Checksum) Header(NtupleWriter ntuple)
    {
        var buffer = new NtupleBufferWriter();
        buffer.WriteUInt64(0); // no feature flags
        buffer.WriteString(ntuple.Name);
        buffer.WriteString(ntuple.Title);
        buffer.WriteString(Library);
        FieldRecord[] fields = [.. ntuple.Fields.SelectMany(field => field.Records)];
        int list = buffer.OpenList(fields.Length);
        foreach (FieldRecord field in fields)
            WriteField(buffer, field);
        buffer.CloseList(list);
        NtupleColumnWriter[] columns = [.. ntuple.Columns];
        list = buffer.OpenList(columns.Length);
        foreach (NtupleColumnWriter column in columns)
            WriteColumn(buffer, column);
        buffer.CloseList(list);
        buffer.WriteEmptyList(); // alias columns
        buffer.WriteEmptyList(); // type descriptions
        return buffer.Seal(EnvelopeType.Header);
    }

    /// <summary>Where the pages of some clusters are.</summary>
    public static ReadOnlyMemory<byte> Pages(IReadOnlyList<WrittenCluster> clusters, ulong header, int compression)
    {
        var buffer = new NtupleBufferWriter();
        buffer.WriteUInt64(header);
        int list = buffer.OpenList(clusters.Count);
        foreach (WrittenCluster cluster in clusters)
        {
            int record = buffer.OpenRecord();
            buffer.WriteInt64(cluster.FirstEntry);
            buffer.WriteInt64(cluster.EntryCount);
            buffer.CloseRecord(record);
        }
        buffer.CloseList(list);
        list = buffer.OpenList(clusters.Count);
        foreach (WrittenCluster cluster in clusters)
        {
            int columns = buffer.OpenList(cluster.Columns.Count);
            foreach (WrittenRange range in cluster.Columns)
                WriteRange(buffer, range, compression);
            buffer.CloseList(columns);
        }
        buffer.CloseList(list);
        return buffer.Seal(EnvelopeType.PageList).Bytes;
    }

    /// <summary>The groups of clusters, each with its page list.</summary>
    public static ReadOnlyMemory<byte> Footer(IReadOnlyList<ClusterGroup> groups, ulong header)
    {
        var buffer = new NtupleBufferWriter();
        buffer.WriteUInt64(0); // no feature flags
        buffer.WriteUInt64(header);
        int extension = buffer.OpenRecord();
        for (int i = 0; i < 4; i++)
            buffer.WriteEmptyList(); // fields, columns, aliases and types that came late
        buffer.CloseRecord(extension);
        int list = buffer.OpenList(groups.Count);
        foreach (ClusterGroup group in groups)
        {
            int record = buffer.OpenRecord();
            buffer.WriteInt64(group.FirstEntry);
            buffer.WriteInt64(group.EntryCount);
            buffer.WriteInt32(group.ClusterCount);
            buffer.WriteLink(group.PageList);
            buffer.CloseRecord(record);
        }
        buffer.CloseList(list);
        return buffer.Seal(EnvelopeType.Footer).Bytes;
    }

    /// <summary>The object that the directory lists. It is big-endian, unlike the envelopes.</summary>
    public static ReadOnlySpan<byte> Anchor(NtupleLink header, NtupleLink footer)
    {
        const int classVersion = 2;
        var buffer = new RootBufferWriter();
        int frame = buffer.Open(classVersion);
        int hashed = buffer.Position;
        buffer.WriteInt16(1); // epoch; major, minor and patch are 0
        buffer.WriteZeros(3 * sizeof(short));
        foreach (NtupleLink link in (NtupleLink[])[header, footer])
        {
            buffer.WriteInt64(link.Place.Offset);
            buffer.WriteInt64(link.Place.Bytes);
            buffer.WriteInt64(link.Bytes);
        }
        buffer.WriteInt64(MaxKeyBytes);
        buffer.Close(frame);
        ulong checksum = XxHash3.HashToUInt64(buffer.Written[hashed..]);
        BinaryPrimitives.WriteUInt64BigEndian(buffer.Take(sizeof(ulong)), checksum); // after the bytes that the frame counts
        return buffer.Written;
    }

    private static void WriteField(NtupleBufferWriter buffer, FieldRecord field)
    {
        int record = buffer.OpenRecord();
        buffer.WriteInt32(0); // versions of the field
        buffer.WriteInt32(0); // and of its type
        buffer.WriteInt32(field.Parent);
        buffer.WriteUInt16((int)field.Role);
        buffer.WriteUInt16(0); // no flags
        buffer.WriteString(field.Name);
        buffer.WriteString(field.TypeName);
        buffer.WriteString(field.TypeAlias);
        buffer.WriteString(field.Description);
        buffer.CloseRecord(record);
    }

    private static void WriteColumn(NtupleBufferWriter buffer, NtupleColumnWriter column)
    {
        int record = buffer.OpenRecord();
        buffer.WriteUInt16(column.Code);
        buffer.WriteUInt16(column.Encoding.Bits);
        buffer.WriteInt32(column.Field);
        buffer.WriteUInt16(0); // no flags
        buffer.WriteUInt16(0); // the only representation
        buffer.CloseRecord(record);
    }

    private static void WriteRange(NtupleBufferWriter buffer, WrittenRange range, int compression)
    {
        int pages = buffer.OpenList(range.Pages.Count);
        foreach (PageRecord page in range.Pages)
        {
            buffer.WriteInt32(-page.Elements); // negative: a checksum follows the page
            buffer.WriteLocator(new NtupleLocator(page.Offset, page.StoredBytes));
        }
        buffer.WriteInt64(range.FirstElement);
        buffer.WriteInt32(compression);
        buffer.CloseList(pages);
    }
}
