using Pruning.Root.Columns;

namespace Pruning.Root.Writing.Records;

/// <summary>C++ names of collections, in ROOT's spelling, and what ROOT knows them by.</summary>
internal static class CollectionClass
{
    /// <summary>Version of the description of every standard collection.</summary>
    public const int Version = 6;

    /// <summary><c>vector&lt;float&gt;</c>; a space keeps two closing brackets apart.</summary>
    public static string VectorOf(string content) => content.EndsWith('>') ? $"vector<{content} >" : $"vector<{content}>";

    /// <summary>The type between the brackets of a vector.</summary>
    public static string ContentOf(string className) => className["vector<".Length..^1].TrimEnd();

    /// <summary>The name of a number type in class names: 64 bits by ROOT's names, which mean the same on every system.</summary>
    public static string NameOf(RootElementType type) => type switch
    {
        RootElementType.Int64 => "Long64_t",
        RootElementType.UInt64 => "ULong64_t",
        _ => type.CppName(),
    };

    /// <summary>ROOT's checksum of a class without members: of its name alone.</summary>
    public static uint Checksum(string className)
    {
        uint sum = 0;
        foreach (char letter in className)
            sum = unchecked((sum * 3) + letter);
        return sum;
    }
}
