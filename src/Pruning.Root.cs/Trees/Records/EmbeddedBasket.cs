using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Records;

/// <summary>A basket that was still in memory when the tree was written, so it is stored inside the tree's description.</summary>
/// <param name="Header">Its header.</param>
/// <param name="Data">Entry data, uncompressed; null when the slot holds only a header and the data is a separate record.</param>
/// <param name="Offsets">Start of each entry, counted like <see cref="BasketHeader.Last"/>; null without a table.</param>
internal sealed record EmbeddedBasket(BasketHeader Header, byte[]? Data, int[]? Offsets)
{
    /// <summary>Reads fBaskets by index; null where the basket is a record.</summary>
    public static List<EmbeddedBasket?> DecodeList(ref RootBuffer buffer, ObjectMap map)
    {
        (_, int count) = StreamedBases.OpenArray(ref buffer);
        var baskets = new List<EmbeddedBasket?>();
        for (int i = 0; i < count; i++)
        {
            ObjectSlot slot = OpenSlot(ref buffer, map);
            if (slot.ClassName is not null)
            {
                while (baskets.Count < i)
                    baskets.Add(null);
                baskets.Add(Decode(ref buffer));
            }
            ObjectMap.Close(ref buffer, slot);
        }
        return baskets;
    }

    /// <summary>Skips fBaskets, and keeps the class names in it.</summary>
    public static void WalkList(ref RootBuffer buffer, ObjectMap map)
    {
        (Frame frame, int count) = StreamedBases.OpenArray(ref buffer);
        for (int i = 0; i < count; i++)
        {
            ObjectSlot slot = OpenSlot(ref buffer, map);
            if (slot is { ClassName: not null, End: < 0 })
                Decode(ref buffer); // its end follows from its contents only
            ObjectMap.Close(ref buffer, slot);
        }
        frame.Close(ref buffer);
    }

    private static ObjectSlot OpenSlot(ref RootBuffer buffer, ObjectMap map)
    {
        ObjectSlot slot = map.Open(ref buffer);
        if (slot.ClassName is not (null or "TBasket"))
            throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a TBasket but found a {slot.ClassName}");
        return slot;
    }

    /// <param name="buffer">Positioned after the class tag.</param>
    public static EmbeddedBasket Decode(ref RootBuffer buffer)
    {
        BasketHeader header = BasketHeader.Decode(ref buffer, embedded: true);
        int flag = header.Flag;
        if (flag == 0)
            return new EmbeddedBasket(header, null, null);
        if (flag >= 80)
            flag -= 80;
        int[]? offsets = null;
        if (flag % 10 == 1)
        {
            if (header.EntryCount > 0) // writers store no table for an empty basket, not even its length
                offsets = ReadOffsets(ref buffer, header.EntryCount, masked: flag is > 20 and < 40);
            if (flag > 40)
                SkipDisplacements(ref buffer);
        }
        byte[]? data = null;
        if (flag == 1 || flag > 10)
        {
            ReadOnlySpan<byte> raw = buffer.Take(header.Last);
            data = raw[header.Key.KeyBytes..].ToArray(); // a stale copy of the key precedes it
        }
        return new EmbeddedBasket(header, data, offsets);
    }

    // They are needed only for references between objects.
    private static void SkipDisplacements(ref RootBuffer buffer)
    {
        int count = buffer.ReadInt32();
        if (count < 0 || count > buffer.Remaining / 4)
            throw buffer.Error(RootErrorKind.CorruptBasket,
                $"a table of {count} displacements does not fit the {buffer.Remaining} bytes that remain");
        buffer.Skip(4 * count);
    }

    private static int[] ReadOffsets(ref RootBuffer buffer, int entryCount, bool masked)
    {
        int count = buffer.ReadInt32();
        if (count != entryCount && count != entryCount + 1)
            throw buffer.Error(RootErrorKind.CorruptBasket, $"a basket of {entryCount} entries has a table of {count} offsets");
        if (count > buffer.Remaining / 4)
            throw buffer.Error(RootErrorKind.CorruptBasket,
                $"a table of {count} offsets does not fit the {buffer.Remaining} bytes that remain");
        int[] offsets = new int[entryCount];
        for (int i = 0; i < count; i++)
        {
            int offset = buffer.ReadInt32();
            if (i < entryCount)
                offsets[i] = masked ? offset & 0x00FFFFFF : offset;
        }
        return offsets;
    }
}
