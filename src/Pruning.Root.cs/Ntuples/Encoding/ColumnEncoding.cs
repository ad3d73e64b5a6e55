using Pruning.Root.Columns;

namespace Pruning.Root.Ntuples.Encoding;

/// <summary>How a column's pages hold their elements.</summary>
internal enum ColumnLayout
{
    /// <summary>Elements one after the other.</summary>
    Plain,

    /// <summary>All first bytes, then all second bytes, and so on: compresses better.</summary>
    Split,

    /// <summary>Split, and integers with their sign in the lowest bit.</summary>
    SplitZigzag,

    /// <summary>Split, and each element less the one before it on the page.</summary>
    SplitDelta,

    /// <summary>One bit an element.</summary>
    Bits,

    /// <summary>The upper bits of 32-bit floats.</summary>
    Truncated,

    /// <summary>Integers that divide a range of numbers evenly.</summary>
    Quantised,

    /// <summary>Which alternative of a variant, and which element of it.</summary>
    Switch,
}

/// <summary>Encoding of a column, by its type on disk.</summary>
/// <param name="Name">The format's name.</param>
/// <param name="Layout">Arrangement in pages.</param>
/// <param name="Bits">Bits of an element.</param>
/// <param name="Type">Type of the decoded elements; 64-bit integers for indices.</param>
/// <param name="IsIndex">Ends of lists.</param>
/// <param name="Min">Smallest number of a quantised column.</param>
/// <param name="Max">Largest.</param>
internal sealed record ColumnEncoding(string Name, ColumnLayout Layout, int Bits, RootElementType Type, bool IsIndex = false,
    double Min = 0, double Max = 0)
{
    /// <summary>The bytes of pages are the elements.</summary>
    public bool IsPlainCopy => Layout == ColumnLayout.Plain && Bits == Type.Bytes() * 8;

    /// <summary>Elements are characters.</summary>
    public bool IsCharacter => Name == "Char";

    /// <summary>Elements select an alternative of a variant.</summary>
    public bool IsSwitch => Layout == ColumnLayout.Switch;

    /// <summary>Bytes of a page once decompressed.</summary>
    public UInt128 PageBytes(long elements) => (((UInt128)elements * (uint)Bits) + 7) / 8;

    /// <summary>The encoding of a column type, or why there is none.</summary>
    public static (ColumnEncoding? Encoding, string? Problem) Of(int type, int bits, (double Min, double Max)? range)
    {
        ColumnEncoding? known = Known(type, bits, range);
        if (known is null)
            return (null, $"its column type 0x{type:x2} is unknown");
        bool fits = known.Layout switch
        {
            ColumnLayout.Truncated => bits is >= 10 and <= 31,
            ColumnLayout.Quantised => bits is >= 1 and <= 32,
            _ => bits == known.Bits,
        };
        if (!fits)
            return (null, $"a {known.Name} column cannot have {bits} bits an element");
        if (known.Layout == ColumnLayout.Quantised
            && !(range is (double min, double max) && double.IsFinite(min) && double.IsFinite(max) && min < max))
            return (null, range is null ? "its quantised column has no range"
                : $"its quantised column has the range {range.Value.Min} to {range.Value.Max}");
        return (known, null);
    }

    /// <summary>The encoding of a column type whose elements always have as many bits.</summary>
    public static ColumnEncoding Of(int type) => Known(type, 0, null)
        ?? throw new ArgumentException($"There is no column type 0x{type:x2}.", nameof(type));

    private static ColumnEncoding? Known(int type, int bits, (double Min, double Max)? range) => type switch
    {
        0x00 => new("Bit", ColumnLayout.Bits, 1, RootElementType.Bool),
        0x01 => new("Byte", ColumnLayout.Plain, 8, RootElementType.UInt8),
        0x02 => new("Char", ColumnLayout.Plain, 8, RootElementType.Int8),
        0x03 => new("Int8", ColumnLayout.Plain, 8, RootElementType.Int8),
        0x04 => new("UInt8", ColumnLayout.Plain, 8, RootElementType.UInt8),
        0x05 => new("Int16", ColumnLayout.Plain, 16, RootElementType.Int16),
        0x06 => new("UInt16", ColumnLayout.Plain, 16, RootElementType.UInt16),
        0x07 => new("Int32", ColumnLayout.Plain, 32, RootElementType.Int32),
        0x08 => new("UInt32", ColumnLayout.Plain, 32, RootElementType.UInt32),
        0x09 => new("Int64", ColumnLayout.Plain, 64, RootElementType.Int64),
        0x0A => new("UInt64", ColumnLayout.Plain, 64, RootElementType.UInt64),
        0x0B => new("Real16", ColumnLayout.Plain, 16, RootElementType.Float32),
        0x0C => new("Real32", ColumnLayout.Plain, 32, RootElementType.Float32),
        0x0D => new("Real64", ColumnLayout.Plain, 64, RootElementType.Float64),
        0x0E => new("Index32", ColumnLayout.Plain, 32, RootElementType.Int64, IsIndex: true),
        0x0F => new("Index64", ColumnLayout.Plain, 64, RootElementType.Int64, IsIndex: true),
        0x10 => new("Switch", ColumnLayout.Switch, 96, RootElementType.UInt64),
        0x11 => new("SplitInt16", ColumnLayout.SplitZigzag, 16, RootElementType.Int16),
        0x12 => new("SplitUInt16", ColumnLayout.Split, 16, RootElementType.UInt16),
        0x13 => new("SplitInt32", ColumnLayout.SplitZigzag, 32, RootElementType.Int32),
        0x14 => new("SplitUInt32", ColumnLayout.Split, 32, RootElementType.UInt32),
        0x15 => new("SplitInt64", ColumnLayout.SplitZigzag, 64, RootElementType.Int64),
        0x16 => new("SplitUInt64", ColumnLayout.Split, 64, RootElementType.UInt64),
        0x17 => new("SplitReal16", ColumnLayout.Split, 16, RootElementType.Float32),
        0x18 => new("SplitReal32", ColumnLayout.Split, 32, RootElementType.Float32),
        0x19 => new("SplitReal64", ColumnLayout.Split, 64, RootElementType.Float64),
        0x1A => new("SplitIndex32", ColumnLayout.SplitDelta, 32, RootElementType.Int64, IsIndex: true),
        0x1B => new("SplitIndex64", ColumnLayout.SplitDelta, 64, RootElementType.Int64, IsIndex: true),
        0x1C => new("Real32Trunc", ColumnLayout.Truncated, bits, RootElementType.Float32),
        0x1D => new("Real32Quant", ColumnLayout.Quantised, bits, RootElementType.Float32, Min: range?.Min ?? 0, Max: range?.Max ?? 0),
        _ => null,
    };
}
