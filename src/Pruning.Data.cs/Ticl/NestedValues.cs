using Pruning.Data.Errors;
using Pruning.Root.Columns;

namespace Pruning.Data.Ticl;

/// <summary>A list of values for each entry: entry e owns <c>Values[Offsets[e] .. Offsets[e + 1])</c>.</summary>
/// <param name="Offsets">[entries + 1]</param>
/// <param name="Values">[values]</param>
public sealed record ListValues<T>(long[] Offsets, T[] Values)
    where T : unmanaged
{
    /// <summary>Number of entries.</summary>
    public int EntryCount => Offsets.Length - 1;

    /// <summary>Values of an entry.</summary>
    public ReadOnlySpan<T> this[int entry] => Values.AsSpan((int)Offsets[entry], (int)(Offsets[entry + 1] - Offsets[entry]));

    /// <summary>Takes the arrays of a column that was read.</summary>
    /// <exception cref="DataException">The column is no list of such values.</exception>
    public static ListValues<T> Of(RootColumn column) => column switch
    {
        JaggedColumn<T> jagged => new(jagged.Offsets, jagged.Values),
        NestedColumn<T> { Levels.Count: 1 } nested => new(nested.Levels[0], nested.Values),
        _ => throw new DataException($"{column.Branch} should be one list of {typeof(T).Name} an entry, and has {column.Levels.Count} levels of lists or another type: it is not the branch of a TICL ntuple."),
    };
}

/// <summary>
/// A list of lists for each entry: entry e owns the lists <c>[Entries[e], Entries[e + 1])</c>, list l the values
/// <c>Values[Lists[l] .. Lists[l + 1])</c>.
/// </summary>
/// <param name="Entries">[entries + 1]</param>
/// <param name="Lists">[lists + 1]</param>
/// <param name="Values">[values]</param>
public sealed record NestedValues<T>(long[] Entries, long[] Lists, T[] Values)
    where T : unmanaged
{
    /// <summary>Number of entries.</summary>
    public int EntryCount => Entries.Length - 1;

    /// <summary>Lists of an entry.</summary>
    public int CountOf(int entry) => (int)(Entries[entry + 1] - Entries[entry]);

    /// <summary>Values of a list of an entry.</summary>
    public ReadOnlySpan<T> this[int entry, int list]
    {
        get
        {
            long at = Entries[entry] + list;
            return Values.AsSpan((int)Lists[at], (int)(Lists[at + 1] - Lists[at]));
        }
    }

    /// <summary>Takes the arrays of a column that was read.</summary>
    /// <exception cref="DataException">The column is no list of lists of such values.</exception>
    public static NestedValues<T> Of(RootColumn column) => column is NestedColumn<T> { Levels.Count: 2 } nested
        ? new(nested.Levels[0], nested.Levels[1], nested.Values)
        : throw new DataException($"{column.Branch} should be a list of lists of {typeof(T).Name} an entry, and has {column.Levels.Count} levels of lists or another type: it is not the branch of a TICL ntuple.");
}
