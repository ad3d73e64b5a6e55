namespace Pruning.Data.Root;

/// <summary>A basket that was still in memory when the tree was written: it stands inside the tree's description.</summary>
/// <param name="Header">Its header.</param>
/// <param name="Data">Entry data, uncompressed; null when the slot holds a header only and the data is a record of its own.</param>
/// <param name="Offsets">Where each entry begins, counted like <see cref="BasketHeader.Last"/>; null without a table.</param>
internal sealed record EmbeddedBasket(BasketHeader Header, byte[]? Data, int[]? Offsets)
{
    /// <param name="buffer">Stands behind the class tag.</param>
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
            if (header.EntryCount > 0) // writers store no table, not even its length, for none
                offsets = ReadOffsets(ref buffer, header.EntryCount, masked: flag is > 20 and < 40);
            if (flag > 40)
                SkipDisplacements(ref buffer);
        }
        byte[]? data = null;
        if (flag == 1 || flag > 10)
        {
            ReadOnlySpan<byte> raw = buffer.Take(header.Last);
            data = raw[header.Key.KeyBytes..].ToArray(); // before it stands a stale copy of the key
        }
        return new EmbeddedBasket(header, data, offsets);
    }

    // Only references between objects need them.
    private static void SkipDisplacements(ref RootBuffer buffer)
    {
        int count = buffer.ReadInt32();
        if (count < 0 || count > buffer.Remaining / 4)
            throw buffer.Error(RootErrorKind.CorruptBasket, $"a table of {count} displacements does not fit the {buffer.Remaining} bytes that remain");
        buffer.Skip(4 * count);
    }

    private static int[] ReadOffsets(ref RootBuffer buffer, int entryCount, bool masked)
    {
        int count = buffer.ReadInt32();
        if (count != entryCount && count != entryCount + 1)
            throw buffer.Error(RootErrorKind.CorruptBasket, $"a basket of {entryCount} entries has a table of {count} offsets");
        if (count > buffer.Remaining / 4)
            throw buffer.Error(RootErrorKind.CorruptBasket, $"a table of {count} offsets does not fit the {buffer.Remaining} bytes that remain");
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
