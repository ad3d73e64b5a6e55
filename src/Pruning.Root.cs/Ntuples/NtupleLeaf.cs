using Pruning.Root.Columns;
using Pruning.Root.Ntuples.Encoding;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>Kinds of levels between entries and values.</summary>
internal enum LevelKind
{
    /// <summary>Lists of any length; ends are in an index column.</summary>
    Lists,

    /// <summary>Arrays of constant length.</summary>
    Arrays,

    /// <summary>Items that hold a certain alternative of a variant: one below each, none below the others.</summary>
    Alternative,
}

/// <summary>The columns that hold a field's values, one for each representation. Each cluster uses one of them.</summary>
internal sealed class ColumnFamily(IReadOnlyList<PhysicalColumn> columns)
{
    public IReadOnlyList<PhysicalColumn> Columns { get; } = columns;

    /// <summary>The first representation; all decode to the same kind of values.</summary>
    public PhysicalColumn First => Columns[0];

    /// <summary>Why a column cannot be read, or null.</summary>
    public string? Problem => Columns.Select(column => column.Problem).FirstOrDefault(problem => problem is not null);

    public bool All(Func<ColumnEncoding, bool> test) => Columns.All(column => column.Encoding is not null && test(column.Encoding));
}

/// <summary>One level between the entries and the values of a leaf.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Family">Index or switch column; null for arrays.</param>
/// <param name="Number">Length of arrays; number of an alternative, from 1 on, 0 for none.</param>
internal readonly record struct NtupleLevel(LevelKind Kind, ColumnFamily? Family, long Number);

/// <summary>What the innermost items of a leaf are.</summary>
internal enum LeafKind
{
    /// <summary>Numbers or bool.</summary>
    Numbers,

    /// <summary>Texts: the last level's lists are their characters.</summary>
    Text,

    /// <summary>Lengths of the last level's lists.</summary>
    Counts,

    /// <summary>Nothing: the alternative of a variant that holds no value.</summary>
    Nothing,
}

/// <summary>A part of a field that holds values: a member of a record, an alternative of a variant, or the field itself.</summary>
/// <param name="Field">The field with the columns.</param>
/// <param name="Member">Names of members below the top-level field, joined by dots; empty for the field itself.</param>
/// <param name="Levels">From the outside in.</param>
/// <param name="Kind">Kind of the innermost items.</param>
/// <param name="Values">Column of numbers or characters, or null.</param>
/// <param name="Type">Type of the values.</param>
/// <param name="Problem">Why it cannot be read, or null.</param>
internal sealed record NtupleLeaf(RootField Field, string Member, IReadOnlyList<NtupleLevel> Levels, LeafKind Kind, ColumnFamily? Values,
    RootElementType Type, string? Problem)
{
    /// <summary>Values per entry where all entries have the same number, else null.</summary>
    public int? FixedLength => ListLevels.All(level => level.Kind == LevelKind.Arrays) ? (int)Product(ListLevels) : null;

    /// <summary>The numbers are one level of lists, with or without constant dimensions after it.</summary>
    public bool IsJagged => Kind is LeafKind.Numbers or LeafKind.Counts && ListLevels.Skip(1).All(level => level.Kind == LevelKind.Arrays);

    /// <summary>Values per element of a jagged leaf.</summary>
    public int InnerLength => FixedLength is null ? (int)Product(ListLevels.Skip(1)) : 1;

    /// <summary>Levels above the values. Counts have one more, the lists that are counted.</summary>
    public IEnumerable<NtupleLevel> ListLevels => Kind is LeafKind.Counts or LeafKind.Text ? Levels.SkipLast(1) : Levels;

    private static long Product(IEnumerable<NtupleLevel> levels) => levels.Aggregate(1L, (product, level) => product * level.Number);
}
