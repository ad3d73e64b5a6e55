using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Decoding;

/// <summary>Lists that begin with their own count.</summary>
/// <param name="item">Reads an item.</param>
/// <param name="itemBytes">Smallest number of bytes of an item.</param>
/// <param name="memberBytes">Smallest number of bytes of an item where items are stored member by member, without envelopes.</param>
/// <param name="counts">Gets the counts.</param>
internal sealed class ListReader(ValueReader item, int itemBytes, int memberBytes, GrowingArray<int> counts) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        int count = TakeCount(ref buffer, itemBytes);
        item.ReadMany(ref buffer, count);
    }

    /// <summary>One list whose items are stored member by member.</summary>
    public override void ReadByMember(ref RootBuffer buffer, int count)
    {
        for (int i = 0; i < count; i++)
            item.ReadByMember(ref buffer, TakeCount(ref buffer, memberBytes));
    }

    // A wrong count is detected before memory is allocated for it.
    private int TakeCount(ref RootBuffer buffer, int leastBytes)
    {
        int count = buffer.ReadInt32();
        if (count < 0 || count > buffer.Remaining / leastBytes)
            throw buffer.Error(RootErrorKind.CorruptEntry,
                $"a list claims {count} items of at least {leastBytes} bytes but only {buffer.Remaining} bytes remain");
        counts.Add(count);
        return count;
    }
}

/// <summary>Lists of constant length.</summary>
internal sealed class ConstantReader(ValueReader item, int length) : ValueReader
{
    public override void Read(ref RootBuffer buffer) => item.ReadMany(ref buffer, length);

    public override void ReadMany(ref RootBuffer buffer, int count) => item.ReadMany(ref buffer, Product(ref buffer, count));

    private int Product(ref RootBuffer buffer, int count) => (long)count * length is <= int.MaxValue and long all
        ? (int)all
        : throw buffer.Error(RootErrorKind.CorruptEntry,
            $"{count} lists of {length} items do not fit the {buffer.Remaining} bytes that remain");
}

/// <summary>Lists that a member read before counts.</summary>
internal sealed class CountedReader(CountedShape shape, ValueReader item, NumberReader counter, GrowingArray<int> counts) : ValueReader
{
    public override void Read(ref RootBuffer buffer) => ReadOne(ref buffer, counter.CountAt(0));

    public override void ReadMany(ref RootBuffer buffer, int count)
    {
        for (int i = 0; i < count; i++)
            ReadOne(ref buffer, counter.CountAt(count - 1 - i));
    }

    private void ReadOne(ref RootBuffer buffer, long count)
    {
        if (shape.Flagged && buffer.ReadByte() == 0)
            count = 0;
        long items = shape.Triangular && count is > 0 and <= int.MaxValue ? count * (count + 1) / 2 : count;
        if (count < 0 || items > buffer.Remaining / shape.Item.MinBytes)
            throw buffer.Error(RootErrorKind.InconsistentCounts,
                $"the counter '{shape.Counter}' says {count}, which does not fit the {buffer.Remaining} bytes that remain");
        counts.Add((int)items);
        item.ReadMany(ref buffer, (int)items);
    }
}

/// <summary>Items up to the end of the entry: one member of every object of a split collection.</summary>
internal sealed class RestReader(ValueReader item, GrowingArray<int> counts) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        int count = 0;
        for (; buffer.Remaining > 0; count++)
        {
            int before = buffer.Position;
            item.Read(ref buffer);
            if (buffer.Position == before)
                throw buffer.Error(RootErrorKind.CorruptEntry, "an item takes no bytes, so the entry never ends");
        }
        counts.Add(count);
    }
}

/// <summary>A list of objects that are stored member by member.</summary>
internal sealed class ByMemberReader(ValueReader list) : ValueReader
{
    public override void Read(ref RootBuffer buffer) => list.ReadByMember(ref buffer, 1);
}

/// <summary>As <see cref="RestReader"/>, with one envelope around all items.</summary>
/// <param name="items">Reads them.</param>
/// <param name="byMember">Reads them where they are lists of objects that are stored member by member: the envelope says so.</param>
/// <param name="objects">Reads an object of such lists; the envelope has their version.</param>
internal sealed class EnvelopedRestReader(RestReader items, RestReader byMember, ObjectReader? objects) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        // Old writers leave out the envelope of an empty column.
        if (buffer.Remaining > 0 && Frame.Open(ref buffer, "a column of a collection").MemberWise)
        {
            CollectionReader.ReadItemVersion(ref buffer, objects);
            byMember.Read(ref buffer);
        }
        else
        {
            items.Read(ref buffer);
        }
    }
}
