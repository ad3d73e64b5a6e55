using System.Globalization;
using System.Numerics;
using Pruning.Data.Errors;
using Pruning.Data.Tracksters;
using Pruning.Root.Columns;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Pruned;

/// <summary>A branch of the input that the copy has too. What it takes of a block can be made ready on any thread.</summary>
internal abstract class CopiedColumn
{
    private protected CopiedColumn(IRootTable table, string name)
    {
        Table = table;
        Name = name;
    }

    protected IRootTable Table { get; }

    protected string Name { get; }

    /// <summary>Reads the branch for some entries and takes what is selected.</summary>
    public abstract BranchData Take(long first, long end, Selection selection);

    /// <summary>A column of numbers, in the type of its branch.</summary>
    /// <param name="tree">Where it is written.</param>
    /// <param name="table">Where it is read.</param>
    /// <param name="branch">Its branch, of numbers.</param>
    /// <param name="items">Counter of the items that are selected among, where the copy has one; null writes vectors.</param>
    /// <param name="perItem">A list of the branch has one value for each item, else it is kept as a whole.</param>
    /// <returns>Null where the writer has no such branch.</returns>
    public static CopiedColumn? OfNumbers(TreeWriter tree, IRootTable table, IRootBranch branch, CounterGroup? items, bool perItem) =>
        branch.ElementType switch
        {
            RootElementType.Bool => Of<bool>(tree, table, branch, items, perItem),
            RootElementType.Int8 => Of<sbyte>(tree, table, branch, items, perItem),
            RootElementType.UInt8 => Of<byte>(tree, table, branch, items, perItem),
            RootElementType.Int16 => Of<short>(tree, table, branch, items, perItem),
            RootElementType.UInt16 => Of<ushort>(tree, table, branch, items, perItem),
            RootElementType.Int32 => Of<int>(tree, table, branch, items, perItem),
            RootElementType.UInt32 => Of<uint>(tree, table, branch, items, perItem),
            RootElementType.Int64 => Of<long>(tree, table, branch, items, perItem),
            RootElementType.UInt64 => Of<ulong>(tree, table, branch, items, perItem),
            RootElementType.Float32 => Of<float>(tree, table, branch, items, perItem),
            RootElementType.Float64 => Of<double>(tree, table, branch, items, perItem),
            _ => null,
        };

    private static CopiedColumn? Of<T>(TreeWriter tree, IRootTable table, IRootBranch branch, CounterGroup? items, bool perItem)
        where T : unmanaged
    {
        JaggedColumn<T> none = (JaggedColumn<T>)table.Read([ColumnRequest.Of(branch.Name)], 0, 0).Columns[0];
        string name = branch.Name;
        if (branch.FixedLength is int length)
        {
            if (length == 1 && none.Dimensions.Count == 0)
            {
                FlatBranch<T> flat = tree.Flat<T>(name);
                return new WholeEntries<T>(table, name, (values, _) => flat.Values(values));
            }

            FixedBranch<T> several = tree.Fixed<T>(name, none.Dimensions.Count == 0 ? [length] : [.. none.Dimensions]);
            return new WholeEntries<T>(table, name, (values, _) => several.Values(values));
        }

        if (perItem && items is not null)
        {
            JaggedBranch<T> counted = items.Jagged<T>(name, [.. none.Dimensions]);
            return new PerItem<T>(table, name, none.InnerLength, (values, _) => counted.Values(values));
        }

        if (none.InnerLength != 1)
            return null; // a vector has no inner dimensions
        VectorBranch<T> vector = tree.Vector<T>(name);
        return perItem
            ? new PerItem<T>(table, name, 1, (values, offsets) => vector.Lists(offsets, values))
            : new WholeEntries<T>(table, name, (values, offsets) => vector.Lists(offsets, values));
    }

    /// <summary>Kept entries with all their values.</summary>
    private sealed class WholeEntries<T>(IRootTable table, string name, Func<T[], long[], BranchData> write) : CopiedColumn(table, name)
        where T : unmanaged
    {
        public override BranchData Take(long first, long end, Selection selection)
        {
            var column = (JaggedColumn<T>)Table.Read([ColumnRequest.Of(Name)], first, end).Columns[0];
            List<T> taken = [];
            long[] offsets = new long[selection.Entries.Count + 1];
            for (int k = 0; k < selection.Entries.Count; k++)
            {
                foreach (T value in column[selection.Entries[k]])
                    taken.Add(value);
                offsets[k + 1] = taken.Count;
            }

            return write([.. taken], offsets);
        }
    }

    /// <summary>Kept items of kept entries.</summary>
    private sealed class PerItem<T>(IRootTable table, string name, int inner, Func<T[], long[], BranchData> write)
        : CopiedColumn(table, name)
        where T : unmanaged
    {
        public override BranchData Take(long first, long end, Selection selection)
        {
            var column = (JaggedColumn<T>)Table.Read([ColumnRequest.Of(Name)], first, end).Columns[0];
            long[] offsets = selection.Offsets;
            T[] taken = new T[checked((int)offsets[^1] * inner)];
            int next = 0;
            for (int k = 0; k < selection.Entries.Count; k++)
            {
                ReadOnlySpan<T> values = column[selection.Entries[k]];
                for (long i = offsets[k]; i < offsets[k + 1]; i++, next += inner)
                {
                    int item = selection.Items[(int)i];
                    if ((item + 1) * inner > values.Length)
                        throw new DataException(string.Create(CultureInfo.InvariantCulture,
                            $"wanted as many values as in the first entries, one for each layer cluster or link, found {values.Length} "
                                + $"(in {Table.Kind} '{Table.Path}', branch '{Name}', entry {first + selection.Entries[k]}). "
                                + $"The branch cannot be pruned with the others. Leave it out of the file."));
                    values.Slice(item * inner, inner).CopyTo(taken.AsSpan(next));
                }
            }

            return write(taken, offsets);
        }
    }
}

/// <summary>A branch with one text an entry.</summary>
internal sealed class CopiedText(TreeWriter tree, IRootTable table, string name) : CopiedColumn(table, name)
{
    private readonly TextBranch _branch = tree.Text(name);

    public override BranchData Take(long first, long end, Selection selection)
    {
        var column = (TextColumn)Table.ReadColumns(Name, first, end)[0];
        return _branch.Values([.. selection.Entries.Select(entry => column[entry])]);
    }
}

/// <summary>Ids of the ends of links, which are not those of the input where links were mended; in the type of their branch.</summary>
internal abstract class LinkEnds
{
    /// <summary>The branch for the ids at one end.</summary>
    /// <param name="tree">Where it is written.</param>
    /// <param name="branch">Its branch in the input, of numbers.</param>
    /// <param name="links">Counter of the links; null writes vectors.</param>
    public static LinkEnds Of(TreeWriter tree, IRootBranch branch, CounterGroup? links) => branch.ElementType switch
    {
        RootElementType.Int8 => new Ends<sbyte>(tree, branch.Name, links),
        RootElementType.UInt8 => new Ends<byte>(tree, branch.Name, links),
        RootElementType.Int16 => new Ends<short>(tree, branch.Name, links),
        RootElementType.UInt16 => new Ends<ushort>(tree, branch.Name, links),
        RootElementType.Int32 => new Ends<int>(tree, branch.Name, links),
        RootElementType.UInt32 => new Ends<uint>(tree, branch.Name, links),
        RootElementType.UInt64 => new Ends<ulong>(tree, branch.Name, links),
        _ => new Ends<long>(tree, branch.Name, links),
    };

    /// <summary>The ids as the branch takes them.</summary>
    public abstract BranchData Take(List<long> ids, long[] offsets);

    private sealed class Ends<T> : LinkEnds
        where T : unmanaged, INumber<T>
    {
        private readonly Func<T[], long[], BranchData> _write;

        public Ends(TreeWriter tree, string name, CounterGroup? links)
        {
            if (links is not null)
            {
                JaggedBranch<T> counted = links.Jagged<T>(name);
                _write = (values, _) => counted.Values(values);
            }
            else
            {
                VectorBranch<T> vector = tree.Vector<T>(name);
                _write = (values, offsets) => vector.Lists(offsets, values);
            }
        }

        public override BranchData Take(List<long> ids, long[] offsets)
        {
            T[] values = new T[ids.Count];
            for (int i = 0; i < values.Length; i++)
                values[i] = T.CreateChecked(ids[i]); // they are ids of the same file: they fit
            return _write(values, offsets);
        }
    }
}
