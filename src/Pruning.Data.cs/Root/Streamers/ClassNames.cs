namespace Pruning.Data.Root;

/// <summary>Reads C++ type names: which of them are collections of numbers, and of which numbers.</summary>
internal static class ClassNames
{
    // Containers whose elements stand back to back behind the same header.
    private static readonly string[] Collections =
        ["vector", "list", "forward_list", "deque", "set", "multiset", "unordered_set", "unordered_multiset", "ROOT::VecOps::RVec", "RVec"];

    /// <summary>
    /// The element of a collection of numbers such as <c>std::vector&lt;Float_t, std::allocator&lt;float&gt; &gt;</c>, and the
    /// type's plain spelling (<c>vector&lt;float&gt;</c>); null when it is something else.
    /// </summary>
    public static (ElementEncoding Element, string Name)? NumberCollection(string className)
    {
        string name = Strip(className);
        int open = name.IndexOf('<');
        if (open < 0 || !name.EndsWith('>'))
            return null;
        string container = name[..open];
        if (!Collections.Contains(container))
            return null;
        string argument = FirstArgument(name[(open + 1)..^1]);
        return Number(argument) is ElementEncoding element ? (element, $"{container}<{element.Name}>") : null;
    }

    /// <summary>The encoding of a number type by any of its C++ and ROOT names; null for other types.</summary>
    public static ElementEncoding? Number(string typeName) => Strip(typeName) switch
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
        "unsigned long" or "unsigned long int" or "unsigned long long" or "unsigned long long int" or "ULong_t" or "ULong64_t" or "uint64_t" or "size_t" =>
            ElementEncoding.Plain(RootElementType.UInt64),
        "float" or "Float_t" => ElementEncoding.Plain(RootElementType.Float32),
        "double" or "Double_t" => ElementEncoding.Plain(RootElementType.Float64),
        "Double32_t" => ElementEncoding.Double32(""), // a range is only known to members of classes
        "Float16_t" => ElementEncoding.Float16(""),
        _ => null,
    };

    private static string Strip(string name)
    {
        name = name.Trim();
        foreach (string prefix in (ReadOnlySpan<string>)["const ", "std::"])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                name = name[prefix.Length..];
        }
        return name.Trim();
    }

    // What follows the first comma outside of inner brackets is the allocator or the order.
    private static string FirstArgument(string arguments)
    {
        int depth = 0;
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is '<' or '(')
                depth++;
            else if (arguments[i] is '>' or ')')
                depth--;
            else if (arguments[i] == ',' && depth == 0)
                return arguments[..i];
        }
        return arguments;
    }
}
