using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Pruning.Root.Columns;

/// <summary>Converts the big-endian values of a basket to <typeparamref name="T"/>.</summary>
internal abstract class ElementConverter<T>
    where T : unmanaged
{
    /// <summary>Fills <paramref name="values"/> from as many values in <paramref name="raw"/>.</summary>
    /// <returns>-1, or the index of the first value that does not fit <typeparamref name="T"/>.</returns>
    public abstract int Convert(ReadOnlySpan<byte> raw, Span<T> values);

    /// <summary>The value at an index, for an error.</summary>
    public abstract string Describe(ReadOnlySpan<byte> raw, int index);
}

/// <summary>Makes converters.</summary>
internal static class ElementConverter
{
    /// <summary>A converter from a branch's encoding to <typeparamref name="T"/>; null when T is no number type.</summary>
    public static ElementConverter<T>? Create<T>(ElementEncoding encoding)
        where T : unmanaged
    {
        if (encoding.Packing is null && RootElementTypes.Of(typeof(T)) == encoding.Type)
            return new SwapConverter<T>();
        object? converter =
            typeof(T) == typeof(float) ? From<float>(encoding)
            : typeof(T) == typeof(double) ? From<double>(encoding)
            : typeof(T) == typeof(sbyte) ? From<sbyte>(encoding)
            : typeof(T) == typeof(byte) || typeof(T) == typeof(bool) ? From<byte>(encoding)
            : typeof(T) == typeof(short) ? From<short>(encoding)
            : typeof(T) == typeof(ushort) ? From<ushort>(encoding)
            : typeof(T) == typeof(int) ? From<int>(encoding)
            : typeof(T) == typeof(uint) ? From<uint>(encoding)
            : typeof(T) == typeof(long) ? From<long>(encoding)
            : typeof(T) == typeof(ulong) ? From<ulong>(encoding)
            : null;
        return typeof(T) == typeof(bool) && converter is ElementConverter<byte> bytes
            ? (ElementConverter<T>)(object)new ToBoolConverter(bytes)
            : (ElementConverter<T>?)converter;
    }

    private static ElementConverter<T> From<T>(ElementEncoding encoding)
        where T : unmanaged, INumber<T>
    {
        if (encoding.Packing is not null)
            return new UnpackConverter<T>(encoding.Packing);
        return encoding.Type switch
        {
            RootElementType.Bool => new CastConverter<byte, T>(isBool: true),
            RootElementType.Int8 => new CastConverter<sbyte, T>(),
            RootElementType.UInt8 => new CastConverter<byte, T>(),
            RootElementType.Int16 => new CastConverter<short, T>(),
            RootElementType.UInt16 => new CastConverter<ushort, T>(),
            RootElementType.Int32 => new CastConverter<int, T>(),
            RootElementType.UInt32 => new CastConverter<uint, T>(),
            RootElementType.Int64 => new CastConverter<long, T>(),
            RootElementType.UInt64 => new CastConverter<ulong, T>(),
            RootElementType.Float32 => new CastConverter<float, T>(),
            _ => new CastConverter<double, T>(),
        };
    }
}

/// <summary>The branch's own type: one vectorised pass from the decompressed bytes into the caller's array.</summary>
internal sealed class SwapConverter<T> : ElementConverter<T>
    where T : unmanaged
{
    public override int Convert(ReadOnlySpan<byte> raw, Span<T> values)
    {
        Swap(raw, values);
        if (typeof(T) == typeof(bool))
            NormaliseBools(MemoryMarshal.AsBytes(values));
        return -1;
    }

    public override string Describe(ReadOnlySpan<byte> raw, int index) =>
        throw new InvalidOperationException("A value always fits its own type.");

    /// <summary>Big-endian bytes to values.</summary>
    public static unsafe void Swap(ReadOnlySpan<byte> raw, Span<T> values)
    {
        if (sizeof(T) == 8)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, long>(raw), MemoryMarshal.Cast<T, long>(values));
        else if (sizeof(T) == 4)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, int>(raw), MemoryMarshal.Cast<T, int>(values));
        else if (sizeof(T) == 2)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, short>(raw), MemoryMarshal.Cast<T, short>(values));
        else
            raw.CopyTo(MemoryMarshal.AsBytes(values));
    }

    /// <summary>In C++ every byte except 0 is true; in .NET it must be 1.</summary>
    public static void NormaliseBools(Span<byte> bytes)
    {
        if (bytes.IndexOfAnyExceptInRange((byte)0, (byte)1) < 0)
            return;
        foreach (ref byte value in bytes)
            value = value == 0 ? (byte)0 : (byte)1;
    }
}

/// <summary>One number type to another. Integers must be exact; integers and doubles round to the nearest float.</summary>
internal sealed class CastConverter<TSource, T>(bool isBool = false) : ElementConverter<T>
    where TSource : unmanaged, INumber<TSource>
    where T : unmanaged, INumber<T>
{
    private const int Chunk = 256;

    private static bool FromFloat => typeof(TSource) == typeof(float) || typeof(TSource) == typeof(double);

    private static bool ToFloat => typeof(T) == typeof(float) || typeof(T) == typeof(double);

    public override unsafe int Convert(ReadOnlySpan<byte> raw, Span<T> values)
    {
        Span<TSource> buffer = stackalloc TSource[Chunk];
        for (int done = 0; done < values.Length; done += Chunk)
        {
            int count = Math.Min(Chunk, values.Length - done);
            Span<TSource> source = buffer[..count];
            SwapConverter<TSource>.Swap(raw.Slice(done * sizeof(TSource), count * sizeof(TSource)), source);
            if (isBool)
                SwapConverter<bool>.NormaliseBools(MemoryMarshal.AsBytes(source));
            int misfit = Cast(source, values.Slice(done, count));
            if (misfit >= 0)
                return done + misfit;
        }
        return -1;
    }

    public override unsafe string Describe(ReadOnlySpan<byte> raw, int index)
    {
        Span<TSource> one = stackalloc TSource[1];
        SwapConverter<TSource>.Swap(raw.Slice(index * sizeof(TSource), sizeof(TSource)), one);
        return one[0].ToString("R", System.Globalization.CultureInfo.InvariantCulture);
    }

    private static int Cast(ReadOnlySpan<TSource> source, Span<T> values)
    {
        for (int i = 0; i < source.Length; i++)
        {
            TSource value = source[i];
            if (ToFloat)
            {
                values[i] = T.CreateTruncating(value);
                if (typeof(TSource) == typeof(double) && typeof(T) == typeof(float) && T.IsInfinity(values[i])
                    && !TSource.IsInfinity(value))
                    return i;
            }
            else if (FromFloat)
            {
                if (!Exact.TryInteger(double.CreateTruncating(value), out values[i]))
                    return i;
            }
            else
            {
                T cast = T.CreateTruncating(value);
                values[i] = cast;
                if (TSource.CreateTruncating(cast) != value || T.IsNegative(cast) != TSource.IsNegative(value))
                    return i;
            }
        }
        return -1;
    }
}

/// <summary>Double32_t and Float16_t.</summary>
internal sealed class UnpackConverter<T>(FloatPacking packing) : ElementConverter<T>
    where T : unmanaged, INumber<T>
{
    public override int Convert(ReadOnlySpan<byte> raw, Span<T> values)
    {
        int width = packing.DiskBytes;
        for (int i = 0; i < values.Length; i++)
        {
            double value = packing.Unpack(raw.Slice(i * width, width));
            if (typeof(T) == typeof(float) || typeof(T) == typeof(double))
                values[i] = T.CreateTruncating(value);
            else if (!Exact.TryInteger(value, out values[i]))
                return i;
        }
        return -1;
    }

    public override string Describe(ReadOnlySpan<byte> raw, int index) =>
        packing.Unpack(raw.Slice(index * packing.DiskBytes, packing.DiskBytes)).ToString("R",
            System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Numbers that are 0 or 1.</summary>
internal sealed class ToBoolConverter(ElementConverter<byte> bytes) : ElementConverter<bool>
{
    public override int Convert(ReadOnlySpan<byte> raw, Span<bool> values)
    {
        Span<byte> numbers = MemoryMarshal.AsBytes(values);
        int misfit = bytes.Convert(raw, numbers);
        int notBool = (misfit < 0 ? numbers : numbers[..misfit]).IndexOfAnyExceptInRange((byte)0, (byte)1);
        return notBool >= 0 ? notBool : misfit;
    }

    public override string Describe(ReadOnlySpan<byte> raw, int index) => bytes.Describe(raw, index);
}

/// <summary>Floating point to integer without loss.</summary>
internal static class Exact
{
    public static bool TryInteger<T>(double value, out T integer)
        where T : unmanaged, INumber<T>
    {
        integer = T.CreateSaturating(value);
        // The round trip is exact unless something was lost, except that the largest long and ulong round up to 2^63 and 2^64.
        bool tooLarge = (typeof(T) == typeof(long) && value == 9223372036854775808.0)
            || (typeof(T) == typeof(ulong) && value == 18446744073709551616.0);
        return double.CreateTruncating(integer) == value && !tooLarge;
    }
}
