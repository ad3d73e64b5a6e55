using System.Buffers.Binary;
using System.Globalization;

namespace Pruning.Root.Columns;

/// <summary>How one value is stored in a basket.</summary>
/// <param name="Type">Type of the value in memory.</param>
/// <param name="DiskBytes">Bytes in the basket.</param>
/// <param name="Name">C++ spelling.</param>
/// <param name="Packing">How a Double32_t or Float16_t is packed; null for plain big-endian values.</param>
internal sealed record ElementEncoding(RootElementType Type, int DiskBytes, string Name, FloatPacking? Packing = null)
{
    /// <summary>Plain big-endian values.</summary>
    public static ElementEncoding Plain(RootElementType type) => new(type, type.Bytes(), type.CppName());

    /// <summary>Double32_t: float32 on disk unless a range is given.</summary>
    /// <param name="title">Text that may contain the range, <c>[min,max,bits]</c>.</param>
    public static ElementEncoding Double32(string title) => FloatPacking.Parse(title) is FloatPacking packing
        ? new(RootElementType.Float64, packing.DiskBytes, "Double32_t", packing)
        : new(RootElementType.Float64, sizeof(float), "Double32_t", FloatPacking.Single);

    /// <summary>Float16_t: an exponent byte and 12 bits of mantissa unless a range or another number of bits is given.</summary>
    /// <param name="title">Text that may contain the range, <c>[min,max,bits]</c>.</param>
    public static ElementEncoding Float16(string title)
    {
        FloatPacking packing = (FloatPacking.Parse(title) ?? FloatPacking.Truncated(12)) with { InSingle = true };
        return new(RootElementType.Float32, packing.DiskBytes, "Float16_t", packing);
    }

    /// <summary>The type code of TObject's bits, which two more bytes may follow.</summary>
    public const int ObjectBits = 15;

    /// <summary>The type code of class members (section "streamer types" of the format).</summary>
    public static ElementEncoding? OfStreamerType(int code) => code switch
    {
        1 => Plain(RootElementType.Int8),
        2 => Plain(RootElementType.Int16),
        3 or 6 => Plain(RootElementType.Int32),
        4 or 16 => Plain(RootElementType.Int64),
        5 => Plain(RootElementType.Float32),
        8 => Plain(RootElementType.Float64),
        11 => Plain(RootElementType.UInt8),
        12 => Plain(RootElementType.UInt16),
        13 or 15 => Plain(RootElementType.UInt32),
        14 or 17 => Plain(RootElementType.UInt64),
        18 => Plain(RootElementType.Bool),
        _ => null,
    };
}

/// <summary>How ROOT packs Double32_t and Float16_t.</summary>
/// <param name="Bits">Bits of a truncated mantissa; 0 for a range or a plain float32.</param>
/// <param name="Minimum">Start of the range.</param>
/// <param name="Step">Width of one step of the range; 0 when there is no range.</param>
/// <param name="InSingle">The value is a float32: it is computed in that precision.</param>
internal sealed record FloatPacking(int Bits, double Minimum, double Step, bool InSingle = false)
{
    /// <summary>A float32.</summary>
    public static FloatPacking Single { get; } = new(0, 0, 0);

    /// <summary>One exponent byte and two bytes of mantissa.</summary>
    public static FloatPacking Truncated(int bits) => new(bits, 0, 0);

    /// <summary>3 for truncated values, else 4.</summary>
    public int DiskBytes => Bits > 0 ? 3 : 4;

    /// <summary>Reads <c>[min,max]</c> or <c>[min,max,bits]</c> at the end of a title; null when there is none.</summary>
    public static FloatPacking? Parse(string title)
    {
        int open = title.LastIndexOf('[');
        int close = title.IndexOf(']', open + 1);
        if (open < 0 || close < 0)
            return null;
        string[] parts = title[(open + 1)..close].Split(',');
        if (parts.Length is < 2 or > 3 || !TryNumber(parts[0], out double minimum) || !TryNumber(parts[1], out double maximum))
            return null;
        int bits = parts.Length == 3 && int.TryParse(parts[2], NumberStyles.Integer, CultureInfo.InvariantCulture, out int given)
            && given is >= 2 and <= 32 ? given : 32;
        // With all 32 bits ROOT divides the range by 2^32 - 1 and uproot by 2^32, at most one step apart. This reader
        // follows uproot, whose values it is compared with.
        if (minimum < maximum)
            return new FloatPacking(0, minimum, (maximum - minimum) / (1L << bits));
        return bits < 15 ? Truncated(bits) : null;
    }

    // Ranges may be written with pi: [-pi,pi,16], [0,2pi], [0,pi/2].
    private static bool TryNumber(string text, out double number)
    {
        text = text.Trim();
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number))
            return double.IsFinite(number);
        string unsigned = text.TrimStart('-', '+');
        double pi = unsigned switch
        {
            "pi" => Math.PI,
            "2pi" or "2*pi" or "twopi" => 2 * Math.PI,
            "pi/2" => Math.PI / 2,
            "pi/4" => Math.PI / 4,
            _ => double.NaN,
        };
        number = text.StartsWith('-') ? -pi : pi;
        return double.IsFinite(number);
    }

    /// <summary>Unpacks one value; <paramref name="bytes"/> has <see cref="DiskBytes"/> bytes.</summary>
    public double Unpack(ReadOnlySpan<byte> bytes)
    {
        if (Step != 0)
        {
            uint steps = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            return InSingle ? (steps * (float)Step) + (float)Minimum : (steps * Step) + Minimum;
        }
        if (Bits == 0)
            return BinaryPrimitives.ReadSingleBigEndian(bytes);
        int mantissa = (bytes[1] << 8) | bytes[2];
        int word = (bytes[0] << 23) | ((mantissa & ((1 << (Bits + 1)) - 1)) << (23 - Bits));
        float value = BitConverter.Int32BitsToSingle(word);
        return (mantissa & (1 << (Bits + 1))) != 0 ? -value : value;
    }
}
