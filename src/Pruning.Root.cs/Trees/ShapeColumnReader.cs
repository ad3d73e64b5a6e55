using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;
using Pruning.Root.Trees.Decoding;

namespace Pruning.Root.Trees;

/// <summary>
/// Reads branches of any shape. Baskets are walked in runs, each on one thread into growing columns of its own; the
/// columns of all runs are then joined, and their numbers turned around, in one pass.
/// </summary>
internal static class ShapeColumnReader
{
    private const int RunsOfWorker = 4; // evens out runs of unequal size

    /// <summary>One column for each field of the branch.</summary>
    public static IReadOnlyList<RootColumn> Read(TreeFile file, RootBranch branch, long first, long end)
    {
        EntryShape shape = branch.Shape!.Shape;
        var budget = new ReadBudget(file.Options.MaxReadBytes, branch.Location);
        BasketPart[] parts = [.. BasketPart.Of(branch, first, end)];
        int size = Math.Max(1, (parts.Length + (file.Options.Workers * RunsOfWorker) - 1) / (file.Options.Workers * RunsOfWorker));
        Run[] runs = parts.Length == 0 ? [new Run([], shape, budget)] : [.. parts.Chunk(size).Select(chunk => new Run(chunk, shape, budget))];
        try
        {
            file.Run(runs, static (reader, run) => run.Read(reader));
            return ColumnAssembly.Join(branch.Name, first, end, [.. runs.Select(run => run.Columns)], budget);
        }
        finally
        {
            foreach (Run run in runs)
                run.Columns.Dispose();
        }
    }

    // Baskets that follow each other, read one after another.
    private sealed class Run
    {
        private readonly BasketPart[] _parts;
        private readonly ValueReader _reader;

        public Run(BasketPart[] parts, EntryShape shape, ReadBudget budget)
        {
            _parts = parts;
            Columns = new EntryColumns(budget);
            _reader = ValueReaders.Create(shape, Columns);
        }

        public EntryColumns Columns { get; }

        public void Read(BasketReader reader)
        {
            foreach (BasketPart part in _parts)
            {
                using LoadedBasket basket = reader.LoadShaped(part.Branch, part.Place);
                RootBuffer buffer = RootBuffer.OfPayload(basket.Data, part.Location with { Byte = part.Place.Seek }, 0);
                if (basket.Bounds.Length > 0)
                    ReadBetween(part, basket.Bounds, buffer);
                else
                    ReadOneAfterAnother(part, basket.EntryCount, buffer);
            }
        }

        private void ReadBetween(BasketPart part, ReadOnlySpan<int> bounds, RootBuffer basket)
        {
            for (int i = part.FirstLocal; i < part.EndLocal; i++)
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
                    throw Named(e, part.Place.First + i);
                }
            }
        }

        // Without a table of offsets each entry begins where the one before it ends, so none can be left out.
        private void ReadOneAfterAnother(BasketPart part, int entryCount, RootBuffer buffer)
        {
            if (part.Branch.Shape!.Shape is RestShape or TextShape { Form: TextForm.Leaf } && entryCount > 1)
                throw buffer.Error(RootErrorKind.CorruptBasket, $"the basket has no offset table, and nothing else tells where its {entryCount} entries begin");
            using var unwanted = new EntryColumns(new ReadBudget(long.MaxValue, part.Location));
            ValueReader skipper = part.FirstLocal > 0 || part.EndLocal < entryCount ? ValueReaders.Create(part.Branch.Shape.Shape, unwanted) : _reader;
            for (int i = 0; i < entryCount; i++)
            {
                bool isWanted = i >= part.FirstLocal && i < part.EndLocal;
                try
                {
                    (isWanted ? _reader : skipper).Read(ref buffer);
                }
                catch (RootFormatException e) when (e.Location.Entry is null)
                {
                    throw Named(e, part.Place.First + i);
                }
                if (!isWanted)
                    unwanted.Clear();
            }
            if (buffer.Remaining > 0)
                throw buffer.Error(RootErrorKind.CorruptBasket, $"{buffer.Remaining} bytes are left behind the {entryCount} entries of the basket");
        }

        private static RootFormatException Named(RootFormatException e, long entry) =>
            new(e.Kind == RootErrorKind.CorruptObject ? RootErrorKind.CorruptEntry : e.Kind, e.Problem, e.Location with { Entry = entry }, e);
    }
}
