using Pruning.Root.Columns;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>Types of columns that are written.</summary>
internal static class ColumnCodes
{
    public const int Char = 0x02;
    private const int Index = 0x0F;
    private const int SplitIndex = 0x1B;

    /// <summary>The ends of lists.</summary>
    public static int OfIndex(bool split) => split ? SplitIndex : Index;

    /// <summary>Numbers. Split columns compress better, so they are used whenever there is a codec, as in ROOT.</summary>
    public static int Of(RootElementType type, bool split) => type switch
    {
        RootElementType.Bool => 0x00,
        RootElementType.Int8 => 0x03,
        RootElementType.UInt8 => 0x04,
        RootElementType.Int16 => split ? 0x11 : 0x05,
        RootElementType.UInt16 => split ? 0x12 : 0x06,
        RootElementType.Int32 => split ? 0x13 : 0x07,
        RootElementType.UInt32 => split ? 0x14 : 0x08,
        RootElementType.Int64 => split ? 0x15 : 0x09,
        RootElementType.UInt64 => split ? 0x16 : 0x0A,
        RootElementType.Float32 => split ? 0x18 : 0x0C,
        _ => split ? 0x19 : 0x0D,
    };

    /// <summary>The C++ type of a field, as RNTuples spell it.</summary>
    public static string FieldType(RootElementType type) => type switch
    {
        RootElementType.Bool => "bool",
        RootElementType.Int8 => "std::int8_t",
        RootElementType.UInt8 => "std::uint8_t",
        RootElementType.Int16 => "std::int16_t",
        RootElementType.UInt16 => "std::uint16_t",
        RootElementType.Int32 => "std::int32_t",
        RootElementType.UInt32 => "std::uint32_t",
        RootElementType.Int64 => "std::int64_t",
        RootElementType.UInt64 => "std::uint64_t",
        RootElementType.Float32 => "float",
        _ => "double",
    };
}
