namespace Pruning.Root.Columns;

/// <summary>Type of the values that a branch gives.</summary>
public enum RootElementType
{
    /// <summary><c>bool</c>.</summary>
    Bool,

    /// <summary><c>char</c> in C++: <see cref="sbyte"/>.</summary>
    Int8,

    /// <summary><c>unsigned char</c>: <see cref="byte"/>.</summary>
    UInt8,

    /// <summary><see cref="short"/>.</summary>
    Int16,

    /// <summary><see cref="ushort"/>.</summary>
    UInt16,

    /// <summary><see cref="int"/>.</summary>
    Int32,

    /// <summary><see cref="uint"/>.</summary>
    UInt32,

    /// <summary><see cref="long"/>.</summary>
    Int64,

    /// <summary><see cref="ulong"/>.</summary>
    UInt64,

    /// <summary><see cref="float"/>.</summary>
    Float32,

    /// <summary><see cref="double"/>.</summary>
    Float64,
}

/// <summary>Facts about <see cref="RootElementType"/>.</summary>
public static class RootElementTypes
{
    /// <summary>The .NET type of the values.</summary>
    public static Type ClrType(this RootElementType type) => type switch
    {
        RootElementType.Bool => typeof(bool),
        RootElementType.Int8 => typeof(sbyte),
        RootElementType.UInt8 => typeof(byte),
        RootElementType.Int16 => typeof(short),
        RootElementType.UInt16 => typeof(ushort),
        RootElementType.Int32 => typeof(int),
        RootElementType.UInt32 => typeof(uint),
        RootElementType.Int64 => typeof(long),
        RootElementType.UInt64 => typeof(ulong),
        RootElementType.Float32 => typeof(float),
        _ => typeof(double),
    };

    /// <summary>The C++ spelling that a physicist expects.</summary>
    public static string CppName(this RootElementType type) => type switch
    {
        RootElementType.Bool => "bool",
        RootElementType.Int8 => "char",
        RootElementType.UInt8 => "unsigned char",
        RootElementType.Int16 => "short",
        RootElementType.UInt16 => "unsigned short",
        RootElementType.Int32 => "int",
        RootElementType.UInt32 => "unsigned int",
        RootElementType.Int64 => "long",
        RootElementType.UInt64 => "unsigned long",
        RootElementType.Float32 => "float",
        _ => "double",
    };

    /// <summary>Calls the visitor with the .NET type of the values.</summary>
    internal static TResult Accept<TResult>(this RootElementType type, IElementTypeVisitor<TResult> visitor) => type switch
    {
        RootElementType.Bool => visitor.Visit<bool>(),
        RootElementType.Int8 => visitor.Visit<sbyte>(),
        RootElementType.UInt8 => visitor.Visit<byte>(),
        RootElementType.Int16 => visitor.Visit<short>(),
        RootElementType.UInt16 => visitor.Visit<ushort>(),
        RootElementType.Int32 => visitor.Visit<int>(),
        RootElementType.UInt32 => visitor.Visit<uint>(),
        RootElementType.Int64 => visitor.Visit<long>(),
        RootElementType.UInt64 => visitor.Visit<ulong>(),
        RootElementType.Float32 => visitor.Visit<float>(),
        _ => visitor.Visit<double>(),
    };

    /// <summary>Bytes of one value in memory.</summary>
    internal static int Bytes(this RootElementType type) => type switch
    {
        RootElementType.Bool or RootElementType.Int8 or RootElementType.UInt8 => 1,
        RootElementType.Int16 or RootElementType.UInt16 => 2,
        RootElementType.Int32 or RootElementType.UInt32 or RootElementType.Float32 => 4,
        _ => 8,
    };

    /// <summary>The element type of a .NET type, null for types that no branch has.</summary>
    internal static RootElementType? Of(Type type) =>
        Enum.GetValues<RootElementType>().Cast<RootElementType?>().FirstOrDefault(element => element!.Value.ClrType() == type);
}
