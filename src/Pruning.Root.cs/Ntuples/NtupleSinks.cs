using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Ntuples.Encoding;

namespace Pruning.Root.Ntuples;

/// <summary>Ends of lists, as 64-bit integers.</summary>
internal sealed class EndSink(long[] ends, RootLocation location) : PageSink(location)
{
    public override void Decode(PageTask task, ReadOnlySpan<byte> page) =>
        PageDecoder.Decode(task.Column.Encoding!, page, task.Page.Elements, task.First, ends.AsSpan((int)task.Destination, task.Count));
}

/// <summary>Alternatives of variants.</summary>
internal sealed class SwitchSink(SwitchElement[] elements, RootLocation location) : PageSink(location)
{
    public override void Decode(PageTask task, ReadOnlySpan<byte> page) =>
        PageDecoder.DecodeSwitches(page, task.First, elements.AsSpan((int)task.Destination, task.Count));
}

/// <summary>Characters of texts.</summary>
internal sealed class CharacterSink(byte[] characters, RootLocation location) : PageSink(location)
{
    public override Span<byte> Direct(PageTask task) => characters.AsSpan((int)task.Destination, task.Count);

    public override void Decode(PageTask task, ReadOnlySpan<byte> page) => page.Slice(task.First, task.Count).CopyTo(Direct(task));
}

/// <summary>The values of a leaf, in the type that was asked for.</summary>
internal abstract class ValueSink(RootLocation location) : PageSink(location)
{
    /// <summary>Bytes of one value.</summary>
    public abstract int ValueBytes { get; }

    /// <summary>Takes memory for the values.</summary>
    public abstract void Allocate(long count);

    /// <summary>Values of elements that were never written.</summary>
    public abstract void Clear(long first, long count);

    /// <summary>Takes lengths of lists for values.</summary>
    public abstract void TakeLengths(long[] offsets);

    /// <summary>The column of a leaf at any depth.</summary>
    public abstract RootColumn Nested(string branch, string member, long firstEntry, long entryCount, IReadOnlyList<long[]> levels);

    /// <summary>The column of a leaf with one level of lists, or none.</summary>
    public abstract JaggedColumn Jagged(string branch, long firstEntry, long entryCount, int? fixedLength, int innerLength, long[]? offsets);

    /// <summary>A sink of a type; null for types that no column is given as.</summary>
    public static ValueSink? Create(Type type, RootLocation location) => RootElementTypes.Of(type) switch
    {
        RootElementType.Bool => new ValueSink<bool>(location),
        RootElementType.Int8 => new ValueSink<sbyte>(location),
        RootElementType.UInt8 => new ValueSink<byte>(location),
        RootElementType.Int16 => new ValueSink<short>(location),
        RootElementType.UInt16 => new ValueSink<ushort>(location),
        RootElementType.Int32 => new ValueSink<int>(location),
        RootElementType.UInt32 => new ValueSink<uint>(location),
        RootElementType.Int64 => new ValueSink<long>(location),
        RootElementType.UInt64 => new ValueSink<ulong>(location),
        RootElementType.Float32 => new ValueSink<float>(location),
        RootElementType.Float64 => new ValueSink<double>(location),
        _ => null,
    };
}

/// <inheritdoc/>
internal sealed class ValueSink<T>(RootLocation location) : ValueSink(location)
    where T : unmanaged
{
    private const int Chunk = 512;

    private T[] _values = [];

    public override int ValueBytes => Unsafe.SizeOf<T>();

    public override void Allocate(long count) => _values = GC.AllocateUninitializedArray<T>((int)count);

    public override void Clear(long first, long count) => _values.AsSpan((int)first, (int)count).Clear();

    public override RootColumn Nested(string branch, string member, long firstEntry, long entryCount, IReadOnlyList<long[]> levels) =>
        new NestedColumn<T>(branch, member, firstEntry, entryCount, levels, _values);

    public override JaggedColumn Jagged(string branch, long firstEntry, long entryCount, int? fixedLength, int innerLength, long[]? offsets) =>
        new JaggedColumn<T>(branch, firstEntry, entryCount, fixedLength, (fixedLength ?? innerLength) is int size and not 1 ? [size] : [], offsets, _values);

    public override Span<byte> Direct(PageTask task) => task.Column.Encoding!.IsPlainCopy && IsOwn(task.Column.Encoding.Type)
        ? MemoryMarshal.AsBytes(Part(task))
        : default;

    public override void Decode(PageTask task, ReadOnlySpan<byte> page)
    {
        ColumnEncoding encoding = task.Column.Encoding!;
        if (IsOwn(encoding.Type))
        {
            PageDecoder.Decode(encoding, page, task.Page.Elements, task.First, Part(task));
            return;
        }
        switch (encoding.Type)
        {
            case RootElementType.Int8: Convert<sbyte>(task, page); break;
            case RootElementType.Int16: Convert<short>(task, page); break;
            case RootElementType.UInt16: Convert<ushort>(task, page); break;
            case RootElementType.Int32: Convert<int>(task, page); break;
            case RootElementType.UInt32: Convert<uint>(task, page); break;
            case RootElementType.Int64: Convert<long>(task, page); break;
            case RootElementType.UInt64: Convert<ulong>(task, page); break;
            case RootElementType.Float32: Convert<float>(task, page); break;
            case RootElementType.Float64: Convert<double>(task, page); break;
            default: Convert<byte>(task, page); break; // bool, too: 0 and 1
        }
    }

    public override void TakeLengths(long[] offsets)
    {
        Span<long> lengths = stackalloc long[Chunk];
        Allocate(offsets.LongLength - 1);
        for (int done = 0; done < _values.Length; done += Chunk)
        {
            Span<long> part = lengths[..Math.Min(Chunk, _values.Length - done)];
            for (int i = 0; i < part.Length; i++)
                part[i] = offsets[done + i + 1] - offsets[done + i];
            int misfit = Cast<long>(part, _values.AsSpan(done, part.Length));
            if (misfit >= 0)
                throw Misfit(part[misfit], Location);
        }
    }

    private static bool IsOwn(RootElementType type) => type.ClrType() == typeof(T);

    private Span<T> Part(PageTask task) => _values.AsSpan((int)task.Destination, task.Count);

    private void Convert<S>(PageTask task, ReadOnlySpan<byte> page)
        where S : unmanaged, INumber<S>
    {
        Span<T> into = Part(task);
        ColumnEncoding encoding = task.Column.Encoding!;
        Span<S> buffer = stackalloc S[Chunk];
        for (int done = 0; done < into.Length; done += Chunk)
        {
            Span<S> part = buffer[..Math.Min(Chunk, into.Length - done)];
            PageDecoder.Decode(encoding, page, task.Page.Elements, task.First + done, part);
            int misfit = Cast<S>(part, into.Slice(done, part.Length));
            if (misfit >= 0)
                throw Misfit(part[misfit], task.Location);
        }
    }

    private static int Cast<S>(ReadOnlySpan<S> source, Span<T> into)
        where S : unmanaged, INumber<S>
    {
        if (typeof(T) == typeof(bool))
        {
            Span<byte> bytes = MemoryMarshal.AsBytes(into);
            int misfit = NumberCast.Convert(source, bytes);
            int notBool = (misfit < 0 ? bytes : bytes[..misfit]).IndexOfAnyExceptInRange((byte)0, (byte)1);
            return notBool >= 0 ? notBool : misfit;
        }
        if (typeof(T) == typeof(sbyte))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, sbyte>(into));
        if (typeof(T) == typeof(byte))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, byte>(into));
        if (typeof(T) == typeof(short))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, short>(into));
        if (typeof(T) == typeof(ushort))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, ushort>(into));
        if (typeof(T) == typeof(int))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, int>(into));
        if (typeof(T) == typeof(uint))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, uint>(into));
        if (typeof(T) == typeof(long))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, long>(into));
        if (typeof(T) == typeof(ulong))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, ulong>(into));
        if (typeof(T) == typeof(float))
            return NumberCast.Convert(source, MemoryMarshal.Cast<T, float>(into));
        return NumberCast.Convert(source, MemoryMarshal.Cast<T, double>(into));
    }

    private RootFormatException Misfit<S>(S value, RootLocation at)
        where S : unmanaged, INumber<S> => new(
            RootErrorKind.ValueOutOfRange,
            $"the value {NumberCast.Describe(value)} does not fit the type {RootElementTypes.Of(typeof(T))!.Value.CppName()} without loss",
            at);
}
