namespace Pruning.Root.Columns;

/// <summary>Several branches read together, by their names.</summary>
public sealed class JaggedColumns
{
    private readonly Dictionary<string, JaggedColumn> _columns;

    internal JaggedColumns(long firstEntry, long entryCount, IReadOnlyList<string> names, IReadOnlyList<JaggedColumn> columns)
    {
        FirstEntry = firstEntry;
        EntryCount = entryCount;
        Columns = columns;
        _columns = new Dictionary<string, JaggedColumn>(StringComparer.Ordinal);
        for (int i = 0; i < names.Count; i++)
            _columns[names[i]] = columns[i];
    }

    /// <summary>Entry of the tree that is entry 0 of every column.</summary>
    public long FirstEntry { get; }

    /// <summary>Entries in every column.</summary>
    public long EntryCount { get; }

    /// <summary>The columns in the order of the requests.</summary>
    public IReadOnlyList<JaggedColumn> Columns { get; }

    /// <summary>A column by the name of its request.</summary>
    /// <exception cref="ArgumentException">The branch was not read, or as another type.</exception>
    public JaggedColumn<T> Column<T>(string branch)
        where T : unmanaged
    {
        if (!_columns.TryGetValue(branch, out JaggedColumn? column))
            throw new ArgumentException($"Cannot get branch '{branch}': it was not read. These were: {string.Join(", ", _columns.Keys)}.",
                nameof(branch));
        return column as JaggedColumn<T>
            ?? throw new ArgumentException(
                $"Cannot get branch '{branch}' as {typeof(T).Name}: it was read as {column.ElementType.CppName()}. Request it with ColumnRequest.As<{typeof(T).Name}>.", nameof(branch));
    }
}
