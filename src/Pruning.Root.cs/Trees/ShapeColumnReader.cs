using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;
using Pruning.Root.Trees.Decoding;

namespace Pruning.Root.Trees;

/// <summary>
/// Reads branches of any shape. Each thread walks a group of baskets into growing columns. Then the
/// columns of all groups are joined and their numbers are converted from big-endian, in one pass.
/// </summary>
internal static class ShapeColumnReader
{
    private const int GroupsOfWorker = 4; // evens out groups of unequal size

    /// <summary>One column for each field of the branch.</summary>
    public static IReadOnlyList<RootColumn> Read(TreeFile file, RootBranch branch, long first, long end)
    {
        EntryShape shape = branch.Shape!.Shape;
        var budget = new ReadBudget(file.Options.MaxReadBytes, branch.Location);
        BasketSlice[] slices = [.. BasketSlice.Of(branch, first, end)];
        int size = Math.Max(1, (slices.Length + (file.Options.Workers * GroupsOfWorker) - 1) / (file.Options.Workers * GroupsOfWorker));
        Group[] groups = slices.Length == 0 ? [new Group([], shape, budget)]
            : [.. slices.Chunk(size).Select(chunk => new Group(chunk, shape, budget))];
        try
        {
            file.Run(groups, static (reader, group) => group.Read(reader));
            return ColumnAssembly.Join(branch.Name, first, end, [.. groups.Select(group => group.Columns)], budget);
        }
        finally
        {
            foreach (Group group in groups)
                group.Columns.Dispose();
        }
    }

    // Consecutive baskets, read one after another.
    private sealed class Group
    {
        private readonly BasketSlice[] _slices;
        private readonly ValueReader _reader;

        public Group(BasketSlice[] slices, EntryShape shape, ReadBudget budget)
        {
            _slices = slices;
            Columns = new EntryColumns(budget);
            _reader = ValueReaders.Create(shape, Columns);
        }

        public EntryColumns Columns { get; }

        public void Read(BasketReader reader)
        {
            foreach (BasketSlice slice in _slices)
            {
                using LoadedBasket basket = reader.LoadShaped(slice.Branch, slice.Place);
                RootBuffer buffer = RootBuffer.OfPayload(basket.Data, slice.Location with { Byte = slice.Place.Seek }, 0);
                if (basket.Bounds.Length > 0)
                    ReadBetween(slice, basket.Bounds, buffer);
                else
                    ReadOneAfterAnother(slice, basket.EntryCount, buffer);
            }
        }

        private void ReadBetween(BasketSlice slice, ReadOnlySpan<int> bounds, RootBuffer basket)
        {
            for (int i = slice.FirstLocal; i < slice.EndLocal; i++)
            {
                RootBuffer entry = basket.Between(bounds[i], bounds[i + 1]);
                try
                {
                    _reader.Read(ref entry);
                    if (entry.Remaining > 0)
                        throw entry.Error(RootErrorKind.CorruptEntry, $"{entry.Remaining} bytes are left of an entry of {entry.Length}");
                }
                catch (RootFormatException e) when (e.Location.Entry is null)
                {
                    throw Named(e, slice.Place.First + i);
                }
            }
        }

        // Without a table of offsets each entry begins where the previous one ends, so all of them must be read.
        private void ReadOneAfterAnother(BasketSlice slice, int entryCount, RootBuffer buffer)
        {
            if (slice.Branch.Shape!.Shape is RestShape or TextShape { Form: TextForm.Leaf } && entryCount > 1)
                throw buffer.Error(RootErrorKind.CorruptBasket,
                    $"the basket has no offset table, and nothing else says where its {entryCount} entries begin");
            using var unwanted = new EntryColumns(new ReadBudget(long.MaxValue, slice.Location));
            ValueReader skipper = slice.FirstLocal > 0 || slice.EndLocal < entryCount
                ? ValueReaders.Create(slice.Branch.Shape.Shape, unwanted) : _reader;
            for (int i = 0; i < entryCount; i++)
            {
                bool isWanted = i >= slice.FirstLocal && i < slice.EndLocal;
                try
                {
                    (isWanted ? _reader : skipper).Read(ref buffer);
                }
                catch (RootFormatException e) when (e.Location.Entry is null)
                {
                    throw Named(e, slice.Place.First + i);
                }
                if (!isWanted)
                    unwanted.Clear();
            }
            if (buffer.Remaining > 0)
                throw buffer.Error(RootErrorKind.CorruptBasket,
                    $"{buffer.Remaining} bytes are left after the {entryCount} entries of the basket");
        }

        private static RootFormatException Named(RootFormatException e, long entry) =>
            new(e.Kind == RootErrorKind.CorruptObject ? RootErrorKind.CorruptEntry
                : e.Kind, e.Problem, e.Location with { Entry = entry }, inner: e);
    }
}
