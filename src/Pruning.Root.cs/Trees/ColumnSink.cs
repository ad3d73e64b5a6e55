using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Pruning.Root.Columns;
using Pruning.Root.Errors;

namespace Pruning.Root.Trees;

/// <summary>A column being read: the baskets that it needs, and the arrays that each of them fills a slice of.</summary>
internal abstract class ColumnSink
{
    protected ColumnSink(RootBranch branch, long first, long end)
    {
        Branch = branch;
        Layout = branch.SupportedLayout();
        First = first;
        End = end;
        Slices = [.. BasketSlice.Of(branch, first, end).Select(slice => new ColumnSlice(this, slice))];
    }

    /// <summary>A column of the values of a branch in the type that is requested.</summary>
    public static ColumnSink Create(ColumnRequest request, RootBranch branch, long first, long end) =>
        request.Accept(branch.SupportedLayout().Element.Type, new Creation(branch, first, end));

    public RootBranch Branch { get; }

    public EntryLayout Layout { get; }

    public long First { get; }

    public long End { get; }

    public List<ColumnSlice> Slices { get; }

    /// <summary>
    /// [entries + 1] first element of each entry by the counter, in one read-only array for all columns of that counter;
    /// null where the baskets have to be counted.
    /// </summary>
    public long[]? CountedOffsets { get; set; }

    public bool IsFixed => Layout.Kind == EntryKind.Fixed;

    /// <summary>Bytes of the finished column.</summary>
    public abstract long Bytes { get; }

    public long ValueCount => Slices.Count == 0 ? 0 : Slices[^1].ValueStart + Slices[^1].ValueCount;

    /// <summary>Allocates the column, once the values of every slice are counted.</summary>
    public abstract void Allocate();

    /// <summary>Decodes one basket into its slice of the arrays.</summary>
    public abstract void Decode(ColumnSlice slice, LoadedBasket basket);

    public abstract JaggedColumn Finish();

    private sealed class Creation(RootBranch branch, long first, long end) : IElementTypeVisitor<ColumnSink>
    {
        public ColumnSink Visit<T>()
            where T : unmanaged => new ColumnSink<T>(branch, first, end);
    }
}

/// <inheritdoc/>
internal sealed class ColumnSink<T> : ColumnSink
    where T : unmanaged
{
    private readonly ElementConverter<T> _converter;
    private long[]? _offsets;
    private bool _isShared;
    private T[] _values = [];

    public ColumnSink(RootBranch branch, long first, long end)
        : base(branch, first, end)
    {
        _converter = ElementConverter.Create<T>(Layout.Element)
            ?? throw new RootFormatException(RootErrorKind.WrongElementType,
                $"values cannot be given as {typeof(T).Name}, only as numbers and bool", branch.Location);
    }

    public override long Bytes => (ValueCount * Unsafe.SizeOf<T>()) + (IsFixed ? 0 : (End - First + 1) * sizeof(long));

    public override void Allocate()
    {
        _values = GC.AllocateUninitializedArray<T>((int)ValueCount);
        // If elements are single values and there are no headers between entries, the counter's offsets are the column's.
        _isShared = CountedOffsets is not null && Layout is { HeaderBytes: 0, Inner: 1 };
        _offsets = IsFixed ? null : _isShared ? CountedOffsets : new long[End - First + 1];
    }

    public override JaggedColumn Finish() =>
        new JaggedColumn<T>(Branch.Name, First, End - First, IsFixed ? Layout.Inner : null, Layout.Dimensions, _offsets, _values);

    public override void Decode(ColumnSlice slice, LoadedBasket basket)
    {
        Span<T> values = _values.AsSpan((int)slice.ValueStart, (int)slice.ValueCount);
        if (IsFixed)
        {
            int stride = (int)Layout.ElementBytes;
            if (basket.Data.Length != basket.EntryCount * Layout.ElementBytes)
                throw new RootFormatException(RootErrorKind.CorruptBasket,
                    $"{basket.EntryCount} entries of {stride} bytes make {basket.EntryCount * Layout.ElementBytes} but the basket has {basket.Data.Length}", slice.Location);
            ReadOnlySpan<byte> raw = basket.Data.Slice(slice.FirstLocal * stride, slice.EntryCount * stride);
            Report(_converter.Convert(raw, values), raw, slice, slice.Place.First + slice.FirstLocal, Layout.Inner);
        }
        else if (Layout.HeaderBytes == 0)
        {
            DecodeBackToBack(slice, basket, values);
        }
        else
        {
            DecodeBehindHeaders(slice, basket, values);
        }
    }

    // Counted arrays have no headers between entries, so one conversion decodes all of them.
    private void DecodeBackToBack(ColumnSlice slice, LoadedBasket basket, Span<T> values)
    {
        ReadOnlySpan<int> bounds = basket.Bounds[slice.FirstLocal..(slice.EndLocal + 1)];
        if (!_isShared)
            SetOffsets(slice, bounds);
        else if (!EntryOffsets.Agree(bounds, _offsets.AsSpan(slice.FirstEntry), Layout.Element.DiskBytes))
            throw new RootFormatException(RootErrorKind.InconsistentCounts,
                $"the entries do not have the numbers of values that '{Layout.Counter}' counts", slice.Location);
        ReadOnlySpan<byte> raw = basket.Data[bounds[0]..bounds[^1]];
        if (raw.Length != (long)values.Length * Layout.Element.DiskBytes)
            throw new RootFormatException(RootErrorKind.InconsistentCounts,
                $"{slice.EntryCount} entries in {raw.Length} bytes do not hold the {values.Length} values that '{Layout.Counter}' counts", slice.Location);
        int misfit = _converter.Convert(raw, values);
        if (misfit >= 0)
            throw Misfit(raw, misfit, slice, EntryOfValue(slice, slice.ValueStart + misfit));
    }

    private void SetOffsets(ColumnSlice slice, ReadOnlySpan<int> bounds)
    {
        Span<long> offsets = OffsetsOf(slice);
        int element = (int)Layout.ElementBytes;
        if (element == Layout.Element.DiskBytes && EntryOffsets.TryShift(bounds, offsets, slice.ValueStart, element))
            return;
        for (int i = 1; i < bounds.Length; i++)
        {
            int bytes = bounds[i] - bounds[0];
            if (bytes % element != 0)
                throw BadEntry(slice, i - 1, $"an entry of {bounds[i] - bounds[i - 1]} bytes does not hold whole elements of {element}");
            offsets[i - 1] = slice.ValueStart + (bytes / Layout.Element.DiskBytes);
        }
    }

    private void DecodeBehindHeaders(ColumnSlice slice, LoadedBasket basket, Span<T> values)
    {
        ReadOnlySpan<int> bounds = basket.Bounds[slice.FirstLocal..(slice.EndLocal + 1)];
        ReadOnlySpan<byte> data = basket.Data;
        Span<long> offsets = OffsetsOf(slice);
        int header = Layout.HeaderBytes;
        int element = (int)Layout.ElementBytes;
        int next = 0;
        for (int i = 0; i < bounds.Length - 1; i++)
        {
            ReadOnlySpan<byte> entry = data[bounds[i]..bounds[i + 1]];
            int bytes = entry.Length - header;
            if (bytes < 0 || bytes % element != 0)
                throw BadEntry(slice, i,
                    $"an entry of {entry.Length} bytes does not hold a header of {header} and whole elements of {element}");
            int count = bytes / Layout.Element.DiskBytes;
            if (Layout.Kind == EntryKind.Collection)
                CheckCollection(entry, count, slice, i);
            else if (entry[0] > 1 || (entry[0] == 0 && count > 0))
                throw BadEntry(slice, i, $"an array of {count} values is marked with the byte {entry[0]}");
            ReadOnlySpan<byte> raw = entry[header..];
            if (count > values.Length - next)
                throw BadEntry(slice, i, $"the entry's {count} values do not fit the {values.Length} values of the basket");
            int misfit = _converter.Convert(raw, values.Slice(next, count));
            if (misfit >= 0)
                throw Misfit(raw, misfit, slice, slice.Place.First + slice.FirstLocal + i);
            next += count;
            offsets[i] = slice.ValueStart + next;
        }
    }

    private static void CheckCollection(ReadOnlySpan<byte> entry, int count, ColumnSlice slice, int index)
    {
        uint word = BinaryPrimitives.ReadUInt32BigEndian(entry);
        int version = BinaryPrimitives.ReadInt16BigEndian(entry[4..]);
        int size = BinaryPrimitives.ReadInt32BigEndian(entry[6..]);
        if (word != (0x40000000u | (uint)(entry.Length - 4)))
            throw BadEntry(slice, index, $"a collection of {entry.Length} bytes begins with the byte count {word & 0xBFFFFFFF}");
        if ((version & 0x4000) != 0)
            throw BadEntry(slice, index, "a collection of numbers is marked as stored member by member");
        if (size != count)
            throw BadEntry(slice, index, $"a collection claims {size} values but has bytes for {count}");
    }

    // offsets[entry + 1] of every entry of the slice: the end of one entry is the start of the next.
    private Span<long> OffsetsOf(ColumnSlice slice) =>
        _offsets.AsSpan(slice.FirstEntry + 1, slice.EntryCount);

    private long EntryOfValue(ColumnSlice slice, long value)
    {
        Span<long> offsets = OffsetsOf(slice);
        int i = 0;
        while (i < offsets.Length - 1 && offsets[i] <= value)
            i++;
        return slice.Place.First + slice.FirstLocal + i;
    }

    private void Report(int misfit, ReadOnlySpan<byte> raw, ColumnSlice slice, long firstEntry, int perEntry)
    {
        if (misfit >= 0)
            throw Misfit(raw, misfit, slice, firstEntry + (misfit / perEntry));
    }

    private RootFormatException Misfit(ReadOnlySpan<byte> raw, int index, ColumnSlice slice, long entry) => new(
        RootErrorKind.ValueOutOfRange,
        $"the value {_converter.Describe(raw, index)} does not fit the type {RootElementTypes.Of(typeof(T))!.Value.CppName()} without loss",
        slice.Location with { Entry = entry });

    private static RootFormatException BadEntry(ColumnSlice slice, int index, string problem) =>
        new(RootErrorKind.CorruptEntry, problem, slice.Location with { Entry = slice.Place.First + slice.FirstLocal + index });
}
