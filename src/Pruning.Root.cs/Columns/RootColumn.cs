using System.Runtime.InteropServices;

namespace Pruning.Root.Columns;

/// <summary>
/// Values of one field for a range of entries, at any depth. A list level is an array of offsets into the level below; the
/// innermost level is one array of values. Trees and RNTuples give the same columns.
/// </summary>
public abstract class RootColumn
{
    private protected RootColumn(string branch, string field, long firstEntry, long entryCount)
    {
        Branch = branch;
        Field = field;
        FirstEntry = firstEntry;
        EntryCount = entryCount;
    }

    /// <summary>Full name of the branch, or of the RNTuple's top-level field.</summary>
    public string Branch { get; }

    /// <summary>
    /// Member within the branch: <c>x</c> of a record or leaf list, <c>0</c> and <c>1</c> for keys and values of a map, joined
    /// by dots where records are nested; empty for the branch itself.
    /// </summary>
    public string Field { get; }

    /// <summary>Entry of the tree that is entry 0 of the column.</summary>
    public long FirstEntry { get; }

    /// <summary>Entries in the column.</summary>
    public long EntryCount { get; }

    /// <summary>
    /// Lists from the outside in; empty when an entry is one value. Each array has one element more than its level has
    /// items, begins with 0, and counts items of the next level. Constant dimensions are also levels.
    /// </summary>
    public abstract IReadOnlyList<long[]> Levels { get; }

    /// <summary>Number of values (numbers or texts) at the innermost level.</summary>
    public abstract long ValueCount { get; }

    /// <summary>The innermost values as bytes in this machine's order; of texts, their UTF-8.</summary>
    public abstract ReadOnlySpan<byte> ValueBytes { get; }

    /// <summary>One of the innermost values as an object: a number, a bool or a text. It boxes, so use it for display only.</summary>
    public abstract object ValueAt(long index);

    /// <summary>Entries, then items of each level, values last.</summary>
    public IReadOnlyList<long> LevelCounts => [EntryCount, .. Levels.Select(offsets => offsets[^1])];
}

/// <summary>Numbers below any number of lists.</summary>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class NestedColumn<T> : RootColumn
    where T : unmanaged
{
    internal NestedColumn(string branch, string field, long firstEntry, long entryCount, IReadOnlyList<long[]> levels, T[] values)
        : base(branch, field, firstEntry, entryCount)
    {
        Levels = levels;
        Values = values;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<long[]> Levels { get; }

    /// <summary>All values, entry after entry.</summary>
    public T[] Values { get; }

    /// <inheritdoc/>
    public override long ValueCount => Values.LongLength;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> ValueBytes => MemoryMarshal.AsBytes(Values.AsSpan());

    /// <inheritdoc/>
    public override object ValueAt(long index) => Values[index];
}

/// <summary>Texts below any number of lists: one block of UTF-8 and the start of each text. Strings are created on access.</summary>
public sealed class TextColumn : RootColumn
{
    private readonly byte[] _bytes;
    private readonly long[] _starts;

    internal TextColumn(string branch, string field, long firstEntry, long entryCount, IReadOnlyList<long[]> levels, long[] starts,
        byte[] bytes)
        : base(branch, field, firstEntry, entryCount)
    {
        Levels = levels;
        _starts = starts;
        _bytes = bytes;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<long[]> Levels { get; }

    /// <inheritdoc/>
    public override long ValueCount => _starts.LongLength - 1;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> ValueBytes => _bytes;

    /// <inheritdoc/>
    public override object ValueAt(long index) => this[index];

    /// <summary>The bytes of one text as the file has them.</summary>
    public ReadOnlySpan<byte> Utf8(long index) => _bytes.AsSpan((int)_starts[index], (int)(_starts[index + 1] - _starts[index]));

    /// <summary>One text, decoded from UTF-8, or from Latin-1 if the bytes are not UTF-8.</summary>
    public string this[long index] => RootText.Decode(Utf8(index));
}
