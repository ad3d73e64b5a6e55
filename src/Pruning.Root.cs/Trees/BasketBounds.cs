using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Pruning.Root.Errors;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>Finds where each entry of a basket begins: from its offset table, or from the counter where there is none.</summary>
internal static class BasketBounds
{
    private const int Generated = 80; // the flag of baskets whose writer left the table out although entries vary

    /// <summary>From the table after the data: a count, then offsets from the first byte of the key (or sizes).</summary>
    public static void OfTable(ReadOnlySpan<byte> tail, LoadedBasket basket, in BasketHeader header, RootLocation at)
    {
        long once = 4 + (4L * (basket.EntryCount + 1));
        if (tail.Length != once && tail.Length != 2 * once) // a second table holds displacements of objects
            throw Corrupt(at, $"the offset table of {basket.EntryCount} entries should have {once} bytes, found {tail.Length}");
        int count = BinaryPrimitives.ReadInt32BigEndian(tail);
        if (count != basket.EntryCount + 1)
            throw Corrupt(at, $"the offset table of {basket.EntryCount} entries says that it has {count}");
        Span<int> bounds = basket.CreateBounds();
        BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, int>(tail.Slice(4, 4 * (basket.EntryCount + 1))), bounds);
        if (header.IoBits != 0 && basket.EntryCount > 0 && bounds[0] == 0)
            Accumulate(bounds, header.Key.KeyBytes);
        Finish(bounds, header.Key.KeyBytes, basket.Data.Length, at);
    }

    /// <summary>From the table of an embedded basket.</summary>
    public static void OfOffsets(int[] offsets, LoadedBasket basket, in BasketHeader header, RootLocation at)
    {
        Span<int> bounds = basket.CreateBounds();
        offsets.CopyTo(bounds);
        Finish(bounds, header.Key.KeyBytes, basket.Data.Length, at);
    }

    /// <summary>From the size of an entry, where the basket says that all have the same; false where they cannot.</summary>
    public static bool OfSize(LoadedBasket basket, in BasketHeader header)
    {
        if (header.Flag >= Generated || header.EntryBytes <= 0 || (long)header.EntryBytes * header.EntryCount != header.DataBytes)
            return false;
        Span<int> bounds = basket.CreateBounds();
        for (int i = 0; i < bounds.Length; i++)
            bounds[i] = i * header.EntryBytes;
        return true;
    }

    /// <summary>From the number of elements of each entry.</summary>
    public static void OfCounts(int[] counts, LoadedBasket basket, EntryLayout layout, RootLocation at)
    {
        if (counts.Length != basket.EntryCount)
            throw Corrupt(at, $"the basket has no offset table, and no counter says where its {basket.EntryCount} entries begin");
        Span<int> bounds = basket.CreateBounds();
        long end = 0;
        bounds[0] = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            end += layout.HeaderBytes + (counts[i] * layout.ElementBytes);
            if (counts[i] < 0 || end > basket.Data.Length)
                throw new RootFormatException(RootErrorKind.InconsistentCounts,
                    $"the counter '{layout.Counter}' says {counts[i]}, which does not fit the basket's {basket.Data.Length} bytes", at);
            bounds[i + 1] = (int)end;
        }
        if (end != basket.Data.Length)
            throw new RootFormatException(RootErrorKind.InconsistentCounts,
                $"the counter '{layout.Counter}' accounts for {end} of the basket's {basket.Data.Length} bytes", at);
    }

    // Writers that may leave the table out store sizes in it: each number is the size of the entry before it.
    private static void Accumulate(Span<int> bounds, int keyBytes)
    {
        int sum = keyBytes;
        for (int i = 0; i < bounds.Length; i++)
        {
            sum = unchecked(sum + bounds[i]);
            bounds[i] = sum;
        }
    }

    // The last number of a table is filler and is replaced by the end of the data.
    private static void Finish(Span<int> bounds, int keyBytes, int dataBytes, RootLocation at)
    {
        int last = 0;
        for (int i = 0; i < bounds.Length - 1; i++)
        {
            int bound = unchecked(bounds[i] - keyBytes);
            if (bound < last || bound > dataBytes)
                throw Corrupt(at, $"entry {i} of the basket begins at byte {bound} of {dataBytes}, but the entry before it at {last}");
            bounds[i] = last = bound;
        }
        if (bounds.Length > 1 && bounds[0] != 0)
            throw Corrupt(at, $"the first entry of the basket begins at byte {bounds[0]} instead of 0");
        bounds[^1] = dataBytes;
    }

    private static RootFormatException Corrupt(RootLocation at, string problem) => new(RootErrorKind.CorruptBasket, problem, at);
}
