using System.Runtime.InteropServices;

namespace Pruning.Data.Root;

/// <summary>Numbers of one branch for a range of entries: one array of values, and where each entry's begin.</summary>
public abstract class JaggedColumn : RootColumn
{
    private long[]? _offsets;

    private protected JaggedColumn(string branch, long firstEntry, long entryCount, int? fixedLength, int innerLength, long[]? offsets)
        : base(branch, "", firstEntry, entryCount)
    {
        FixedLength = fixedLength;
        InnerLength = innerLength;
        _offsets = offsets;
    }

    /// <summary>Values per entry where all entries have the same number, else null.</summary>
    public int? FixedLength { get; }

    /// <summary>Values per element where a counted dimension is followed by constant ones (<c>x[n][3]</c>: 3), else 1.</summary>
    public int InnerLength { get; }

    /// <summary>[entries + 1] entry e owns the values [Offsets[e], Offsets[e + 1]); begins with 0.</summary>
    public long[] Offsets => _offsets ??= CreateOffsets();

    /// <inheritdoc/>
    public override IReadOnlyList<long[]> Levels => FixedLength == 1 ? [] : InnerLength == 1 || FixedLength is not null ? [Offsets] : [.. SplitInner()];

    /// <summary>Type of the values in this column (after conversion).</summary>
    public abstract RootElementType ElementType { get; }

    // [entries + 1] elements, [elements + 1] values
    private IEnumerable<long[]> SplitInner()
    {
        long[] elements = [.. Offsets.Select(offset => offset / InnerLength)];
        yield return elements;
        long[] values = new long[elements[^1] + 1];
        for (long i = 0; i < values.LongLength; i++)
            values[i] = i * InnerLength;
        yield return values;
    }

    private long[] CreateOffsets()
    {
        long[] offsets = new long[EntryCount + 1];
        for (long i = 0; i < offsets.LongLength; i++)
            offsets[i] = i * (FixedLength ?? 0);
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
    internal JaggedColumn(string branch, long firstEntry, long entryCount, int? fixedLength, int innerLength, long[]? offsets, T[] values)
        : base(branch, firstEntry, entryCount, fixedLength, innerLength, offsets) => Values = values;

    /// <summary>All values, entry after entry.</summary>
    public T[] Values { get; }

    /// <inheritdoc/>
    public override long ValueCount => Values.LongLength;

    /// <inheritdoc/>
    public override RootElementType ElementType => RootElementTypes.Of(typeof(T))!.Value;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> ValueBytes => MemoryMarshal.AsBytes(Values.AsSpan());

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
