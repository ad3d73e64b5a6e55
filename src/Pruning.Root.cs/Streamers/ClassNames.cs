using Pruning.Root.Columns;

namespace Pruning.Root.Streamers;

/// <summary>Reads C++ type names and recognises numbers and collections.</summary>
internal static class ClassNames
{
    // Containers with the same header, followed by their elements without gaps.
    private static readonly string[] Collections =
        ["vector", "list", "forward_list", "deque", "set", "multiset", "unordered_set", "unordered_multiset", "ROOT::VecOps::RVec", "RVec"];

    private static readonly string[] Maps = ["map", "multimap", "unordered_map", "unordered_multimap"];

    /// <summary>True for containers that store a count and then their elements without gaps.</summary>
    public static bool IsCollection(string container) => Collections.Contains(container);

    /// <summary>True for containers of keys and values.</summary>
    public static bool IsMap(string container) => Maps.Contains(container);

    /// <summary>
    /// The element of a collection of numbers such as <c>std::vector&lt;Float_t, std::allocator&lt;float&gt; &gt;</c>, and the
    /// type's plain spelling (<c>vector&lt;float&gt;</c>); null when it is something else.
    /// </summary>
    public static (ElementEncoding Element, string Name)? NumberCollection(string className)
    {
        CppType type = CppType.Parse(className);
        if (type.Arguments.Count == 0 || !IsCollection(type.Name))
            return null;
        return Number(type.Arguments[0]) is ElementEncoding element ? (element, $"{type.Name}<{element.Name}>") : null;
    }

    /// <summary>The encoding of a number type by any of its C++ and ROOT names; null for other types.</summary>
    public static ElementEncoding? Number(string typeName) => CppType.Strip(typeName) switch
    {
        "bool" or "Bool_t" => ElementEncoding.Plain(RootElementType.Bool),
        "char" or "Char_t" or "signed char" or "int8_t" or "SignedChar_t" => ElementEncoding.Plain(RootElementType.Int8),
        "unsigned char" or "UChar_t" or "uint8_t" or "Byte_t" => ElementEncoding.Plain(RootElementType.UInt8),
        "short" or "short int" or "Short_t" or "int16_t" => ElementEncoding.Plain(RootElementType.Int16),
        "unsigned short" or "unsigned short int" or "UShort_t" or "uint16_t" => ElementEncoding.Plain(RootElementType.UInt16),
        "int" or "Int_t" or "signed int" or "signed" or "int32_t" => ElementEncoding.Plain(RootElementType.Int32),
        "unsigned int" or "unsigned" or "UInt_t" or "uint32_t" => ElementEncoding.Plain(RootElementType.UInt32),
        "long" or "long int" or "long long" or "long long int" or "Long_t" or "Long64_t" or "int64_t" or "ssize_t" or "ptrdiff_t" =>
            ElementEncoding.Plain(RootElementType.Int64),
        "unsigned long" or "unsigned long int" or "unsigned long long" or "unsigned long long int" or "ULong_t" or "ULong64_t"
            or "uint64_t" or "size_t" =>
            ElementEncoding.Plain(RootElementType.UInt64),
        "float" or "Float_t" => ElementEncoding.Plain(RootElementType.Float32),
        "double" or "Double_t" => ElementEncoding.Plain(RootElementType.Float64),
        "Double32_t" => ElementEncoding.Double32(""), // only members of classes have a range
        "Float16_t" => ElementEncoding.Float16(""),
        _ => null,
    };
}
