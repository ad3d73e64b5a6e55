using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;

namespace Pruning.Root.Ntuples;

/// <content>Reading values.</content>
public sealed partial class RootNtuple
{
    /// <summary>Reads a field of numbers, or of one list of numbers an entry, in its own type.</summary>
    /// <param name="field">Name of a top-level field, or of a member of it: <c>jets.pt</c>.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such field, another type, or damaged pages.</exception>
    public JaggedColumn<T> Read<T>(string field, long first = 0, long? end = null)
        where T : unmanaged
    {
        (RootField top, NtupleLeaf leaf) = JaggedLeaf(field);
        if (leaf.Type.ClrType() != typeof(T))
        {
            throw new RootFormatException(
                RootErrorKind.WrongElementType,
                $"wanted {RootElementTypes.Of(typeof(T))?.CppName() ?? typeof(T).Name} but the field is {leaf.Field.TypeName}",
                top.Location,
                $"Read it as {leaf.Type.CppName()}, or convert it with {nameof(ReadAs)}.");
        }
        return ReadAs<T>(field, first, end);
    }

    /// <summary>
    /// Reads a field of numbers or bool as another type. Integers must be exact (1.5 or 300 do not fit a byte), bool
    /// takes 0 and 1, and floating-point targets round to the nearest value they have.
    /// </summary>
    /// <param name="field">Name of a top-level field, or of a member of it: <c>jets.pt</c>.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such field, a value that does not fit, or damaged pages.</exception>
    public JaggedColumn<T> ReadAs<T>(string field, long first = 0, long? end = null)
        where T : unmanaged => (JaggedColumn<T>)Read([ColumnRequest.As<T>(field)], first, end).Columns[0];

    /// <summary>Reads several fields in their own types. The pages of all fields are decoded in parallel.</summary>
    /// <param name="fields">Names.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    public JaggedColumns Read(IReadOnlyList<string> fields, long first = 0, long? end = null) =>
        Read([.. fields.Select(ColumnRequest.Of)], first, end);

    /// <summary>
    /// Reads several fields, each in the requested type. The pages of all fields are decoded in parallel. Fields with the same
    /// lists share their offsets.
    /// </summary>
    /// <param name="requests">Names and types.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    public JaggedColumns Read(IReadOnlyList<ColumnRequest> requests, long first = 0, long? end = null)
    {
        (RootField Top, NtupleLeaf Leaf)[] leaves = [.. requests.Select(request => JaggedLeaf(request.Branch))];
        (LeafReading[] readings, long count, ReadBudget budget) =
            ReadLeaves([.. leaves.Select((leaf, i) => (leaf.Top, leaf.Leaf, requests[i].ValueType))], first, end);
        JaggedColumn[] columns = [.. readings.Select((reading, i) => reading.Jagged(requests[i].Branch, count, budget))];
        return new JaggedColumns(first, count, [.. requests.Select(request => request.Branch)], columns);
    }

    /// <summary>
    /// Reads everything that a field holds, of any depth: one column for each member that can be read (see
    /// <see cref="RootField.UnsupportedMember"/>).
    /// </summary>
    /// <param name="field">Name of a top-level field, or of a member of it.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such field, nothing in it that can be read, or damaged pages.</exception>
    public IReadOnlyList<RootColumn> ReadColumns(string field, long first = 0, long? end = null)
    {
        (RootField top, IReadOnlyList<NtupleLeaf> leaves) = Find(field);
        NtupleLeaf[] readable = [.. leaves.Where(leaf => leaf.Problem is null)];
        if (readable.Length == 0)
            throw Unsupported(top, leaves.Count == 0 ? "it has no values" : leaves[0].Problem!);
        (LeafReading[] readings, long count, ReadBudget budget) =
            ReadLeaves([.. readable.Select(leaf => (top, leaf, (Type?)null))], first, end);
        return [.. readings.Select(reading => reading.Column(top.Name, count, budget))];
    }

    /// <summary>Reads a field of texts, or of lists of texts of any depth.</summary>
    /// <param name="field">Name of a top-level field, or of a member of it.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such field, no texts in it, or damaged pages.</exception>
    public TextColumn ReadText(string field, long first = 0, long? end = null)
    {
        (RootField top, IReadOnlyList<NtupleLeaf> leaves) = Find(field);
        NtupleLeaf leaf = OnlyLeaf(top, leaves);
        if (leaf.Kind != LeafKind.Text)
            throw new RootFormatException(RootErrorKind.WrongElementType, $"wanted texts but the field is {leaf.Field.TypeName}",
                top.Location, $"Read it as {leaf.Type.CppName()}.");
        (LeafReading[] readings, long count, ReadBudget budget) = ReadLeaves([(top, leaf, null)], first, end);
        return (TextColumn)readings[0].Column(top.Name, count, budget);
    }

    private (LeafReading[] Readings, long EntryCount,
        ReadBudget Budget) ReadLeaves(IReadOnlyList<(RootField Top, NtupleLeaf Leaf, Type? Type)> leaves, long first, long? end)
    {
        long last = end ?? EntryCount;
        if (first < 0 || last < first)
            throw new ArgumentOutOfRangeException(nameof(first),
                $"Cannot read the entries {first} to {last} of RNTuple '{Path}': they are no range.");
        if (last > EntryCount)
            throw new ArgumentOutOfRangeException(nameof(end),
                $"Cannot read the entries {first} to {last} of RNTuple '{Path}': it has {EntryCount}.");
        var budget = new ReadBudget(_file.Options.MaxReadBytes, Location);
        LevelNode entries = LevelNode.OfEntries([.. Slices(first, last)], Location);
        LeafReading[] readings =
            [.. leaves.Select(leaf => new LeafReading(leaf.Leaf, entries, leaf.Type, first, LocationOf(leaf.Top, leaf.Leaf)))];
        // Lists give the positions of the next level's items, so levels are read one after another, each in parallel.
        for (IReadOnlyList<LevelNode> level = entries.Children; level.Count > 0; level = [.. level.SelectMany(node => node.Children)])
        {
            var reads = new List<PageRead>();
            foreach (LevelNode node in level)
                node.Prepare(reads, budget);
            PageLoader.Load(_file, reads, _anchor.MaxKeyBytes);
            foreach (LevelNode node in level)
                node.Finish(budget);
        }
        var values = new List<PageRead>();
        foreach (LeafReading reading in readings)
            reading.Prepare(values, budget);
        PageLoader.Load(_file, values, _anchor.MaxKeyBytes);
        return (readings, last - first, budget);
    }

    private (RootField Top, NtupleLeaf Leaf) JaggedLeaf(string name)
    {
        (RootField top, IReadOnlyList<NtupleLeaf> leaves) = Find(name);
        NtupleLeaf leaf = OnlyLeaf(top, leaves);
        return leaf.IsJagged
            ? (top, leaf)
            : throw new RootFormatException(RootErrorKind.WrongElementType,
                $"wanted numbers, or one list of numbers an entry, but the field is {leaf.Field.TypeName}", top.Location, $"{nameof(ReadColumns)} reads it at any depth, {nameof(ReadText)} reads texts.");
    }

    private static NtupleLeaf OnlyLeaf(RootField top, IReadOnlyList<NtupleLeaf> leaves) => leaves switch
    {
        [] => throw Unsupported(top, "it has no values"),
        [{ Problem: string problem }] => throw Unsupported(top, problem),
        [NtupleLeaf leaf] => leaf,
        _ => throw new RootFormatException(RootErrorKind.WrongElementType, "the field has several members", top.Location,
            $"Name one, for example '{top.Name}.{leaves[0].Member}', or read all with {nameof(ReadColumns)}."),
    };

    // A top-level field, or a top-level field and what follows its name and a dot.
    private (RootField Top, IReadOnlyList<NtupleLeaf> Leaves) Find(string name)
    {
        if (_byName.TryGetValue(name, out RootField? whole))
            return (whole, whole.Leaves);
        for (int dot = name.IndexOf('.'); dot >= 0; dot = name.IndexOf('.', dot + 1))
        {
            if (_byName.TryGetValue(name[..dot], out RootField? top))
                return (top, [top.Leaf(name[(dot + 1)..])]);
        }
        throw NotFound(name);
    }

    private static RootFormatException Unsupported(RootField field, string problem) =>
        new(RootErrorKind.UnsupportedBranch, $"{problem} (the field is {field.TypeName})", field.Location);

    private static RootLocation LocationOf(RootField top, NtupleLeaf leaf) =>
        leaf.Member.Length == 0 ? top.Location : top.Location with { Field = $"{top.Name}.{leaf.Member}" };
}
