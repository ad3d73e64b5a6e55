namespace Pruning.Root.Streamers;

/// <summary>The parts of a C++ type name: <c>map&lt;int,vector&lt;float&gt; &gt;</c> is <c>map</c> with two arguments.</summary>
/// <param name="Name">Without <c>const</c>, <c>std::</c>, arguments and spaces around it.</param>
/// <param name="Arguments">Template arguments as written; empty for other types.</param>
internal readonly record struct CppType(string Name, IReadOnlyList<string> Arguments)
{
    /// <summary>Splits a name into its parts. A name whose brackets do not match stays whole.</summary>
    public static CppType Parse(string text)
    {
        string name = Strip(text);
        int open = name.IndexOf('<');
        if (open <= 0 || !name.EndsWith('>'))
            return new CppType(name, []);
        return new CppType(name[..open].Trim(), Split(name[(open + 1)..^1]));
    }

    /// <summary>The name without the qualifiers that say nothing about its layout.</summary>
    public static string Strip(string name)
    {
        name = name.Trim();
        foreach (string prefix in (ReadOnlySpan<string>)["const ", "std::"])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                name = name[prefix.Length..];
        }
        return name.Trim();
    }

    private static List<string> Split(string arguments)
    {
        var found = new List<string>();
        int depth = 0;
        int begin = 0;
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is '<' or '(')
            {
                depth++;
            }
            else if (arguments[i] is '>' or ')')
            {
                depth--;
            }
            else if (arguments[i] == ',' && depth == 0)
            {
                found.Add(arguments[begin..i].Trim());
                begin = i + 1;
            }
        }
        found.Add(arguments[begin..].Trim());
        return found;
    }
}
