using Pruning.Root.Errors;

namespace Pruning.Root.Ntuples.Metadata;

/// <summary>The header envelope: names, and the schema as it was when writing began.</summary>
/// <param name="Name">Name of the RNTuple.</param>
/// <param name="Description">Given by the writer.</param>
/// <param name="Writer">Library that wrote it.</param>
/// <param name="Schema">Fields and columns.</param>
/// <param name="Checksum">By which footer and page lists say that they belong to it.</param>
internal sealed record NtupleHeader(string Name, string Description, string Writer, NtupleSchema Schema, ulong Checksum)
{
    public static NtupleHeader Decode(NtupleEnvelope envelope)
    {
        NtupleBuffer buffer = envelope.Open();
        buffer.ReadFeatureFlags("RNTuple");
        string name = buffer.ReadString();
        string description = buffer.ReadString();
        string writer = buffer.ReadString();
        var schema = new NtupleSchema();
        schema.Decode(ref buffer);
        return new NtupleHeader(name, description, writer, schema, envelope.Checksum);
    }

    /// <summary>Refuses an envelope that was written for another header.</summary>
    public void RequireOwn(ulong checksum, string what, RootLocation at)
    {
        if (checksum != Checksum)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"{what} belongs to a header with the checksum {checksum:x16}, this one has {Checksum:x16}", at);
    }
}

/// <summary>Clusters that share a page list.</summary>
/// <param name="FirstEntry">Their first entry.</param>
/// <param name="EntryCount">Their entries.</param>
/// <param name="ClusterCount">Number of clusters.</param>
/// <param name="PageList">The envelope with their pages.</param>
internal sealed record ClusterGroup(long FirstEntry, long EntryCount, int ClusterCount, NtupleLink PageList)
{
    private const int MinBytes = NtupleBuffer.RecordHeaderBytes + (3 * sizeof(ulong)) + (3 * sizeof(uint));

    /// <summary>Reads the footer: extends the schema and gives the groups, checked to follow each other without gaps.</summary>
    public static ClusterGroup[] DecodeFooter(NtupleEnvelope envelope, NtupleHeader header)
    {
        NtupleBuffer buffer = envelope.Open();
        buffer.ReadFeatureFlags("RNTuple");
        header.RequireOwn(buffer.ReadUInt64(), "the footer", envelope.Location);
        NtupleBuffer extension = buffer.OpenRecord("the schema extension");
        header.Schema.Decode(ref extension);
        NtupleBuffer list = buffer.OpenList("cluster groups", MinBytes, out int count);
        var groups = new ClusterGroup[count];
        long next = 0;
        for (int i = 0; i < count; i++)
        {
            NtupleBuffer record = list.OpenRecord("a cluster group");
            long first = record.ReadCount("a first entry");
            long entries = record.ReadCount("a number of entries");
            uint clusters = record.ReadUInt32();
            if (first != next || entries > long.MaxValue - first || clusters > int.MaxValue)
                throw record.Error(
                    $"cluster group {i} has {clusters} clusters from entry {first} on, and {entries} entries, where entry {next} "
                        + "comes next");
            groups[i] = new ClusterGroup(first, entries, (int)clusters, record.ReadLink());
            next = first + entries;
        }
        return groups;
    }
}
