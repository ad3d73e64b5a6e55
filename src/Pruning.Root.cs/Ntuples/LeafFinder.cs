using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>Finds the leaves of fields, and collects the list levels on the way.</summary>
internal sealed class LeafFinder(RootLocation location)
{
    /// <summary>Deeper nesting is refused: no C++ type has it, and walking it needs stack.</summary>
    public const int MaxDepth = 64;

    /// <summary>Largest number of characters of all member names: nested fields repeat the names of the fields above.</summary>
    private const long MaxNames = 1L << 26;

    private long _names;

    /// <summary>The leaves of a field, whose own levels are <paramref name="levels"/>.</summary>
    public List<NtupleLeaf> Find(RootField field, string member, IReadOnlyList<NtupleLevel> levels)
    {
        string? problem = field.Record.Problem
            ?? field.Families.Select(family => family.Problem).FirstOrDefault(found => found is not null);
        if (problem is not null)
            return [Unreadable(field, member, levels, problem)];
        if (field.Record.Repetition is ulong length)
        {
            long constant = levels.Where(level => level.Kind == LevelKind.Arrays).Aggregate(1L, (product, level) => product * level.Number);
            // The product of all constant dimensions stays the length of an array.
            if (length > (ulong)(Array.MaxLength / Math.Max(1, constant)))
                return [Unreadable(field, member, levels, $"arrays of {length} elements are too long")];
            levels = [.. levels, new NtupleLevel(LevelKind.Arrays, null, (long)length)];
        }
        return field.Record.Role switch
        {
            FieldRole.Leaf => OfLeaf(field, member, levels),
            FieldRole.Collection => OfCollection(field, member, levels),
            FieldRole.Record => [.. Members(field).SelectMany(inner => Find(inner.Field, Join(member, inner.Name), levels))],
            FieldRole.Variant => OfVariant(field, member, levels),
            _ => [Unreadable(field, member, levels, "it is stored through its class's streamer, as bytes without columns")],
        };
    }

    private static NtupleLeaf Unreadable(RootField field, string member, IReadOnlyList<NtupleLevel> levels, string problem) =>
        new(field, member, levels, LeafKind.Nothing, null, RootElementType.UInt8, problem);

    private List<NtupleLeaf> OfLeaf(RootField field, string member, IReadOnlyList<NtupleLevel> levels)
    {
        IReadOnlyList<ColumnFamily> families = field.Families;
        if (families.Count == 0 && field.Children.Count == 1) // enumerations, atomics, arrays
            return Find(field.Children[0], member, levels);
        if (families.Count == 1 && families[0].All(encoding => encoding.IsIndex)
            && field.TypeName.StartsWith("ROOT::RNTupleCardinality<", StringComparison.Ordinal))
            return [new(field, member, [.. levels, new NtupleLevel(LevelKind.Lists, families[0], 0)], LeafKind.Counts, null,
                RootElementType.Int64, null)];
        if (families.Count == 1 && families[0].All(encoding => !encoding.IsIndex && !encoding.IsSwitch))
            return [new(field, member, levels, LeafKind.Numbers, families[0], ElementTypeOf(field.TypeName)
                ?? families[0].First.Encoding!.Type, null)];
        if (families.Count == 2 && families[0].All(encoding => encoding.IsIndex) && families[1].All(encoding => encoding.IsCharacter))
            return [new(field, member, [.. levels, new NtupleLevel(LevelKind.Lists, families[0], 0)], LeafKind.Text, families[1],
                RootElementType.UInt8, null)];
        string found = families.Count == 0 ? "no column" : string.Join(" and ", families.Select(family => family.First.Encoding!.Name));
        return [Unreadable(field, member, levels, $"values of the type {field.TypeName} in {found} are unknown")];
    }

    private List<NtupleLeaf> OfCollection(RootField field, string member, IReadOnlyList<NtupleLevel> levels)
    {
        if (field.Families.Count != 1 || !field.Families[0].All(encoding => encoding.IsIndex))
            return [Unreadable(field, member, levels, $"a collection needs one index column, it has {field.Families.Count} columns")];
        NtupleLevel[] below = [.. levels, new NtupleLevel(LevelKind.Lists, field.Families[0], 0)];
        return field.Children.Count == 1
            ? Find(field.Children[0], member, below)
            : [.. field.Children.SelectMany(child => Find(child, Join(member, child.Name), below))];
    }

    // Alternatives have uproot's names: union0 for no value, then union1, union2, ... Each has two levels: one says which
    // items hold it, and one has its value, which union0 lacks.
    private List<NtupleLeaf> OfVariant(RootField field, string member, IReadOnlyList<NtupleLevel> levels)
    {
        if (field.Families.Count != 1 || !field.Families[0].All(encoding => encoding.IsSwitch))
            return [Unreadable(field, member, levels, $"a variant needs one switch column, it has {field.Families.Count} columns")];
        NtupleLevel[] Below(int number) =>
            [.. levels, new NtupleLevel(LevelKind.Alternative, field.Families[0], number),
            new NtupleLevel(LevelKind.Arrays, null, Math.Min(number, 1))];
        List<NtupleLeaf> leaves = [new(field, Join(member, "union0"), Below(0), LeafKind.Nothing, null, RootElementType.Float64, null)];
        for (int i = 0; i < field.Children.Count; i++)
            leaves.AddRange(Find(field.Children[i], Join(member, $"union{i + 1}"), Below(i + 1)));
        return leaves;
    }

    // Members of a record and of its base classes, each with the name that C++ code would use. A name that is not unique is
    // prefixed by its base class.
    private List<(string Name, RootField Field)> Members(RootField record)
    {
        if (record.Children.Count > 0 && record.Children.Select((child, i) => child.Name == $"_{i}").All(numbered => numbered))
            return [.. record.Children.Select((child, i) => ($"{i}", child))]; // pair, tuple
        List<(string Name, RootField Field, RootField? Base)> members =
            [.. record.Children.Where(child => !IsBase(child)).Select(child => (child.Name, child, (RootField?)null))];
        foreach (RootField inherited in record.Children.Where(IsBase))
            members.AddRange(Members(inherited).Select(member => (member.Name, member.Field, (RootField?)inherited)));
        HashSet<string> shared = [.. members.GroupBy(member => member.Name).Where(group => group.Count() > 1).Select(group => group.Key)];
        return [.. members.Select(member =>
            (member.Base is not null && shared.Contains(member.Name) ? Join(member.Base.TypeName, member.Name, "::")
            : member.Name, member.Field))];
    }

    private static bool IsBase(RootField field) => field.Name.StartsWith(":_", StringComparison.Ordinal)
        && field.Record.Role == FieldRole.Record;

    private string Join(string member, string name, string separator = ".")
    {
        _names += member.Length + name.Length + separator.Length;
        if (_names > MaxNames)
            throw new RootFormatException(RootErrorKind.MemoryLimit,
                $"the names of nested fields have more than {MaxNames} characters together", location);
        return member.Length == 0 ? name : member + separator + name;
    }

    private static RootElementType? ElementTypeOf(string typeName) => typeName switch
    {
        "bool" => RootElementType.Bool,
        "char" or "std::int8_t" => RootElementType.Int8,
        "std::byte" or "std::uint8_t" => RootElementType.UInt8,
        "std::int16_t" => RootElementType.Int16,
        "std::uint16_t" => RootElementType.UInt16,
        "std::int32_t" => RootElementType.Int32,
        "std::uint32_t" => RootElementType.UInt32,
        "std::int64_t" => RootElementType.Int64,
        "std::uint64_t" => RootElementType.UInt64,
        "float" => RootElementType.Float32,
        "double" => RootElementType.Float64,
        _ => null,
    };
}
