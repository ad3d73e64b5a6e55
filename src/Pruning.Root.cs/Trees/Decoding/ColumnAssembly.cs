using System.Runtime.CompilerServices;
using Pruning.Root.Columns;
using Pruning.Root.Files;

namespace Pruning.Root.Trees.Decoding;

/// <summary>Joins the columns of groups of baskets.</summary>
internal static class ColumnAssembly
{
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one.</param>
    /// <param name="groups">In the order of their entries; each has the same columns.</param>
    /// <param name="budget">Charged for the joined columns.</param>
    public static IReadOnlyList<RootColumn> Join(string branch, long first, long end, EntryColumns[] groups, ReadBudget budget)
    {
        var shared = new Dictionary<int, long[]>(); // the fields of a record share the offsets of its list
        var columns = new List<RootColumn>();
        foreach (ShapeColumn column in groups[0].Columns)
        {
            var levels = new List<long[]>();
            long items = end - first;
            foreach (ListLevel level in column.Levels)
            {
                levels.Add(level.Index < 0 ? Constant(items, level.Length, budget) : Varying(level.Index, items, groups, shared, budget));
                items = levels[^1][^1];
            }
            columns.Add(column.Encoding is null
                ? Texts(branch, first, end, column, levels, items, groups, budget)
                : Numbers(branch, first, end, column, levels, items, groups, budget));
        }
        return columns;
    }

    private static long[] Constant(long lists, int length, ReadBudget budget)
    {
        budget.CheckLength(lists + 1);
        budget.Take((lists + 1) * sizeof(long));
        return JaggedColumn.ConstantOffsets(lists, length);
    }

    private static long[] Varying(int index, long lists, EntryColumns[] groups, Dictionary<int, long[]> shared, ReadBudget budget)
    {
        if (shared.TryGetValue(index, out long[]? known))
            return known;
        long[] offsets = Offsets(lists, groups, group => group.Counts[index], budget);
        shared.Add(index, offsets);
        return offsets;
    }

    private static long[] Offsets(long lists, EntryColumns[] groups, Func<EntryColumns, GrowingArray<int>> counts, ReadBudget budget)
    {
        budget.CheckLength(lists + 1);
        budget.Take((lists + 1) * sizeof(long));
        long[] offsets = new long[lists + 1];
        long total = 0;
        int next = 1;
        foreach (EntryColumns group in groups)
        {
            foreach (int count in counts(group).Items)
                offsets[next++] = total += count;
        }
        return offsets;
    }

    private static TextColumn Texts(string branch, long first, long end, ShapeColumn column, List<long[]> levels, long items,
        EntryColumns[] groups, ReadBudget budget)
    {
        long[] starts = Offsets(items, groups, group => group.TextBytes[column.Index], budget);
        budget.CheckLength(starts[^1]);
        budget.Take(starts[^1]);
        byte[] utf8 = GC.AllocateUninitializedArray<byte>((int)starts[^1]);
        int next = 0;
        foreach (EntryColumns group in groups)
        {
            ReadOnlySpan<byte> bytes = group.Texts[column.Index].Items;
            bytes.CopyTo(utf8.AsSpan(next));
            next += bytes.Length;
        }
        return new TextColumn(branch, column.Field, first, end - first, levels, starts, utf8);
    }

    private static RootColumn Numbers(string branch, long first, long end, ShapeColumn column, List<long[]> levels, long items,
        EntryColumns[] groups, ReadBudget budget)
    {
        return column.Encoding!.Type switch
        {
            RootElementType.Bool => Joined<bool>(),
            RootElementType.Int8 => Joined<sbyte>(),
            RootElementType.UInt8 => Joined<byte>(),
            RootElementType.Int16 => Joined<short>(),
            RootElementType.UInt16 => Joined<ushort>(),
            RootElementType.Int32 => Joined<int>(),
            RootElementType.UInt32 => Joined<uint>(),
            RootElementType.Int64 => Joined<long>(),
            RootElementType.UInt64 => Joined<ulong>(),
            RootElementType.Float32 => Joined<float>(),
            _ => Joined<double>(),
        };

        NestedColumn<T> Joined<T>()
            where T : unmanaged
        {
            budget.CheckLength(items);
            budget.Take(items * Unsafe.SizeOf<T>());
            T[] values = GC.AllocateUninitializedArray<T>((int)items);
            ElementConverter<T> converter = ElementConverter.Create<T>(column.Encoding)!;
            int next = 0;
            foreach (EntryColumns group in groups)
            {
                ReadOnlySpan<byte> raw = group.Numbers[column.Index].Items;
                int count = raw.Length / column.Encoding.DiskBytes;
                converter.Convert(raw, values.AsSpan(next, count));
                next += count;
            }
            return new NestedColumn<T>(branch, column.Field, first, end - first, levels, values);
        }
    }
}
