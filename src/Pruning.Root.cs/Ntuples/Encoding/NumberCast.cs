using System.Globalization;
using System.Numerics;
using Pruning.Root.Columns;

namespace Pruning.Root.Ntuples.Encoding;

/// <summary>Converts one number type to another: integers exactly, floats rounded to the nearest.</summary>
internal static class NumberCast
{
    /// <returns>-1, or the index of the first value that does not fit.</returns>
    public static int Convert<TSource, T>(ReadOnlySpan<TSource> source, Span<T> values)
        where TSource : unmanaged, INumber<TSource>
        where T : unmanaged, INumber<T>
    {
        bool fromFloat = typeof(TSource) == typeof(float) || typeof(TSource) == typeof(double);
        if (typeof(T) == typeof(float) || typeof(T) == typeof(double))
            return ToFloat(source, values);
        for (int i = 0; i < source.Length; i++)
        {
            if (fromFloat)
            {
                if (!Exact.TryInteger(double.CreateTruncating(source[i]), out values[i]))
                    return i;
                continue;
            }
            T cast = T.CreateTruncating(source[i]);
            values[i] = cast;
            if (TSource.CreateTruncating(cast) != source[i] || T.IsNegative(cast) != TSource.IsNegative(source[i]))
                return i;
        }
        return -1;
    }

    /// <summary>A value for an error.</summary>
    public static string Describe<TSource>(TSource value)
        where TSource : unmanaged, INumber<TSource> => value.ToString("R", CultureInfo.InvariantCulture);

    private static int ToFloat<TSource, T>(ReadOnlySpan<TSource> source, Span<T> values)
        where TSource : unmanaged, INumber<TSource>
        where T : unmanaged, INumber<T>
    {
        bool narrows = typeof(TSource) == typeof(double) && typeof(T) == typeof(float);
        for (int i = 0; i < source.Length; i++)
        {
            values[i] = T.CreateTruncating(source[i]);
            if (narrows && T.IsInfinity(values[i]) && !TSource.IsInfinity(source[i]))
                return i;
        }
        return -1;
    }
}
