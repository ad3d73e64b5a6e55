using System.Runtime.InteropServices;

namespace Pruning.Root.Columns;

/// <summary>Numbers of one branch for a range of entries: one array of values, and where each entry's begin.</summary>
public abstract class JaggedColumn : RootColumn
{
    private long[]? _offsets;

    private protected JaggedColumn(string branch, long firstEntry, long entryCount, int? fixedLength, int[] dimensions, long[]? offsets)
        : base(branch, "", firstEntry, entryCount)
    {
        FixedLength = fixedLength;
        Dimensions = dimensions;
        InnerLength = fixedLength is null ? dimensions.Aggregate(1, (product, size) => product * size) : 1;
        _offsets = offsets;
    }

    /// <summary>Values per entry where all entries have the same number, else null.</summary>
    public int? FixedLength { get; }

    /// <summary>Values per element where a counted dimension is followed by constant ones (<c>x[n][3]</c>: 3), else 1.</summary>
    public int InnerLength { get; }

    /// <summary>
    /// Constant dimensions, the first outermost: of every entry where all have the same number of values, else of every
    /// element.
    /// </summary>
    public IReadOnlyList<int> Dimensions { get; }

    /// <summary>
    /// [entries + 1] entry e owns the values [Offsets[e], Offsets[e + 1]); begins with 0. Columns that are read together and
    /// have the same counter share this array, so do not change it.
    /// </summary>
    public long[] Offsets => _offsets ??= ConstantOffsets(EntryCount, FixedLength ?? 0);

    /// <inheritdoc/>
    public override IReadOnlyList<long[]> Levels
    {
        get
        {
            if (FixedLength is null && Dimensions.Count == 0)
                return [Offsets];
            var levels = new List<long[]>();
            if (FixedLength is null)
                levels.Add([.. Offsets.Select(offset => offset / InnerLength)]);
            foreach (int size in Dimensions)
                levels.Add(ConstantOffsets(levels.Count == 0 ? EntryCount : levels[^1][^1], size));
            return levels;
        }
    }

    /// <summary>Type of the values in this column (after conversion).</summary>
    public abstract RootElementType ElementType { get; }

    /// <summary>[lists + 1] where lists of one length begin.</summary>
    internal static long[] ConstantOffsets(long lists, int length)
    {
        long[] offsets = new long[lists + 1];
        for (long i = 0; i < offsets.LongLength; i++)
            offsets[i] = i * length;
        return offsets;
    }

    /// <summary>Where the values of an entry are, without making <see cref="Offsets"/> for columns of fixed length.</summary>
    private protected (int Start, int Length) Range(long entry)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(entry);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(entry, EntryCount);
        if (FixedLength is int length)
            return ((int)(entry * length), length);
        long[] offsets = Offsets;
        return ((int)offsets[entry], (int)(offsets[entry + 1] - offsets[entry]));
    }
}

/// <inheritdoc/>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class JaggedColumn<T> : JaggedColumn
    where T : unmanaged
{
    internal JaggedColumn(string branch, long firstEntry, long entryCount, int? fixedLength, int[] dimensions, long[]? offsets, T[] values)
        : base(branch, firstEntry, entryCount, fixedLength, dimensions, offsets) => Values = values;

    /// <summary>All values, entry after entry.</summary>
    public T[] Values { get; }

    /// <inheritdoc/>
    public override long ValueCount => Values.LongLength;

    /// <inheritdoc/>
    public override RootElementType ElementType => RootElementTypes.Of(typeof(T))!.Value;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> ValueBytes => MemoryMarshal.AsBytes(Values.AsSpan());

    /// <inheritdoc/>
    public override object ValueAt(long index) => Values[index];

    /// <summary>Values of one entry, counted from 0 within the column.</summary>
    public ReadOnlySpan<T> this[long entry]
    {
        get
        {
            (int start, int length) = Range(entry);
            return Values.AsSpan(start, length);
        }
    }
}
