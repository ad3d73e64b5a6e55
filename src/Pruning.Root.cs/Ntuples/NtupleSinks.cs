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
    public override void Decode(PageRead read, ReadOnlySpan<byte> page) =>
        PageDecoder.Decode(read.Column.Encoding!, page, read.Page.Elements, read.First, ends.AsSpan((int)read.Destination, read.Count));
}

/// <summary>Alternatives of variants.</summary>
internal sealed class SwitchSink(SwitchElement[] elements, RootLocation location) : PageSink(location)
{
    public override void Decode(PageRead read, ReadOnlySpan<byte> page) =>
        PageDecoder.DecodeSwitches(page, read.First, elements.AsSpan((int)read.Destination, read.Count));
}

/// <summary>Characters of texts.</summary>
internal sealed class CharacterSink(byte[] characters, RootLocation location) : PageSink(location)
{
    public override Span<byte> Direct(PageRead read) => characters.AsSpan((int)read.Destination, read.Count);

    public override void Decode(PageRead read, ReadOnlySpan<byte> page) => page.Slice(read.First, read.Count).CopyTo(Direct(read));
}

/// <summary>The values of a leaf, in the requested type.</summary>
internal abstract class ValueSink(RootLocation location) : PageSink(location)
{
    /// <summary>Bytes of one value.</summary>
    public abstract int ValueBytes { get; }

    /// <summary>Allocates the values.</summary>
    public abstract void Allocate(long count);

    /// <summary>Values of elements that were never written.</summary>
    public abstract void Clear(long first, long count);

    /// <summary>Takes lengths of lists for values.</summary>
    public abstract void TakeLengths(long[] offsets);

    /// <summary>The column of a leaf at any depth.</summary>
    public abstract RootColumn Nested(string branch, string member, long firstEntry, long entryCount, IReadOnlyList<long[]> levels);

    /// <summary>The column of a leaf with one level of lists, or none.</summary>
    public abstract JaggedColumn Jagged(string branch, long firstEntry, long entryCount, int? fixedLength, int innerLength,
        long[]? offsets);

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

    public override JaggedColumn Jagged(string branch, long firstEntry, long entryCount, int? fixedLength, int innerLength,
        long[]? offsets) =>
        new JaggedColumn<T>(branch, firstEntry, entryCount, fixedLength, (fixedLength ?? innerLength) is int size and not 1 ? [size]
            : [], offsets, _values);

    public override Span<byte> Direct(PageRead read) => read.Column.Encoding!.IsPlainCopy && IsOwn(read.Column.Encoding.Type)
        ? MemoryMarshal.AsBytes(Target(read))
        : default;

    public override void Decode(PageRead read, ReadOnlySpan<byte> page)
    {
        ColumnEncoding encoding = read.Column.Encoding!;
        if (IsOwn(encoding.Type))
        {
            PageDecoder.Decode(encoding, page, read.Page.Elements, read.First, Target(read));
            return;
        }
        switch (encoding.Type)
        {
            case RootElementType.Int8: Convert<sbyte>(read, page); break;
            case RootElementType.Int16: Convert<short>(read, page); break;
            case RootElementType.UInt16: Convert<ushort>(read, page); break;
            case RootElementType.Int32: Convert<int>(read, page); break;
            case RootElementType.UInt32: Convert<uint>(read, page); break;
            case RootElementType.Int64: Convert<long>(read, page); break;
            case RootElementType.UInt64: Convert<ulong>(read, page); break;
            case RootElementType.Float32: Convert<float>(read, page); break;
            case RootElementType.Float64: Convert<double>(read, page); break;
            default: Convert<byte>(read, page); break; // bool, too: 0 and 1
        }
    }

    public override void TakeLengths(long[] offsets)
    {
        Span<long> lengths = stackalloc long[Chunk];
        Allocate(offsets.LongLength - 1);
        for (int done = 0; done < _values.Length; done += Chunk)
        {
            Span<long> chunk = lengths[..Math.Min(Chunk, _values.Length - done)];
            for (int i = 0; i < chunk.Length; i++)
                chunk[i] = offsets[done + i + 1] - offsets[done + i];
            int misfit = Cast<long>(chunk, _values.AsSpan(done, chunk.Length));
            if (misfit >= 0)
                throw Misfit(chunk[misfit], Location);
        }
    }

    private static bool IsOwn(RootElementType type) => type.ClrType() == typeof(T);

    private Span<T> Target(PageRead read) => _values.AsSpan((int)read.Destination, read.Count);

    private void Convert<S>(PageRead read, ReadOnlySpan<byte> page)
        where S : unmanaged, INumber<S>
    {
        Span<T> into = Target(read);
        ColumnEncoding encoding = read.Column.Encoding!;
        Span<S> buffer = stackalloc S[Chunk];
        for (int done = 0; done < into.Length; done += Chunk)
        {
            Span<S> chunk = buffer[..Math.Min(Chunk, into.Length - done)];
            PageDecoder.Decode(encoding, page, read.Page.Elements, read.First + done, chunk);
            int misfit = Cast<S>(chunk, into.Slice(done, chunk.Length));
            if (misfit >= 0)
                throw Misfit(chunk[misfit], read.Location);
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
