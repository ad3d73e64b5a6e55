using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Decoding;

/// <summary>Members one after another.</summary>
internal sealed class RecordValueReader(ValueReader[] members) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        foreach (ValueReader member in members)
            member.Read(ref buffer);
    }

    public override void ReadByMember(ref RootBuffer buffer, int count)
    {
        foreach (ValueReader member in members)
            member.ReadColumn(ref buffer, count);
    }
}

/// <summary>Objects in envelopes.</summary>
internal class ObjectReader(string className, StreamerInfo? info, ValueReader body) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        Frame frame = Frame.Open(ref buffer, className);
        ReadVersion(ref buffer, frame.Version);
        body.Read(ref buffer);
        if (frame.End >= 0 && buffer.Position != frame.End)
            throw buffer.Error(RootErrorKind.CorruptEntry,
                $"an object of class {className} ends {frame.End - buffer.Position} bytes before its byte count");
    }

    public override void ReadByMember(ref RootBuffer buffer, int count) => body.ReadByMember(ref buffer, count);

    /// <summary>Checks the version before a body. Classes without a version have a checksum after it.</summary>
    public void ReadVersion(ref RootBuffer buffer, int version)
    {
        uint checksum = version == 0 ? buffer.ReadUInt32() : 0;
        if (info is null || (version > 0 && version == info.Version) || (version == 0 && checksum == info.Checksum))
            return;
        throw buffer.Error(
            RootErrorKind.UnsupportedVersion,
            $"wanted class {className} of version {info.Version} but found version "
                + $"{version}{(version == 0 ? $" with checksum {checksum:x8}" : "")}");
    }
}

/// <summary>Base classes. They have envelopes, except where objects are stored member by member: there their members are columns
/// like those of the class itself.</summary>
internal sealed class BaseReader(string className, StreamerInfo? info, ValueReader body) : ObjectReader(className, info, body)
{
    public override void ReadColumn(ref RootBuffer buffer, int count) => ReadByMember(ref buffer, count);
}

/// <summary>Lists, texts and maps in envelopes.</summary>
internal sealed class CollectionReader(ValueReader body, bool onlyInColumns, ObjectReader? items) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        if (onlyInColumns)
            body.Read(ref buffer);
        else
            ReadEnvelope(ref buffer, 1);
    }

    // One envelope for the whole column.
    public override void ReadColumn(ref RootBuffer buffer, int count)
    {
        if (count > 0 || buffer.Remaining >= 6)
            ReadEnvelope(ref buffer, count);
    }

    private void ReadEnvelope(ref RootBuffer buffer, int count)
    {
        Frame frame = Frame.Open(ref buffer, "a collection");
        if (frame.MemberWise)
        {
            ReadItemVersion(ref buffer, items);
            ReadByMemberWithin(ref buffer, frame, count);
        }
        else
        {
            body.ReadMany(ref buffer, count);
        }
        if (frame.End >= 0 && buffer.Position != frame.End)
            throw buffer.Error(RootErrorKind.CorruptEntry, $"a collection ends {frame.End - buffer.Position} bytes before its byte count");
    }

    // Columns without items may or may not have envelopes; only the bytes that remain of this collection show it.
    private void ReadByMemberWithin(ref RootBuffer buffer, Frame frame, int count)
    {
        if (frame.End < buffer.Position)
        {
            body.ReadByMember(ref buffer, count);
            return;
        }
        int begin = buffer.Position;
        RootBuffer inside = buffer.Between(begin, frame.End);
        body.ReadByMember(ref inside, count);
        buffer.Seek(begin + inside.Position);
    }

    /// <summary>Reads what precedes items that are stored member by member: the version of their class.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="items">Reads the items; null where every version is accepted.</param>
    public static void ReadItemVersion(ref RootBuffer buffer, ObjectReader? items)
    {
        int version = buffer.ReadInt16();
        if (items is not null)
            items.ReadVersion(ref buffer, version);
        else if (version <= 0)
            buffer.Skip(sizeof(uint));
    }
}
