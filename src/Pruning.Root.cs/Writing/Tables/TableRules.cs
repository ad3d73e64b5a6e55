using System.Globalization;
using System.Text;
using Pruning.Root.Columns;

namespace Pruning.Root.Writing.Tables;

/// <summary>What names and types trees and RNTuples may have.</summary>
internal static class TableRules
{
    /// <summary>What names of directories and tables cannot contain.</summary>
    public const string PathForbidden = "/;";

    /// <summary>What names of branches cannot contain.</summary>
    public const string BranchForbidden = "/[]:;";

    /// <summary>What names of RNTuples and their fields cannot contain, by ROOT's rules and ours.</summary>
    public const string NtupleForbidden = "./\\ :;";

    private const int MostTextBytes = 8000; // keys count their bytes in 15 bits

    /// <summary>Refuses impossible names.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long, or has a forbidden character.</exception>
    public static void CheckName(string name, string what, string forbidden)
    {
        if (string.IsNullOrWhiteSpace(name) || name.AsSpan().IndexOfAny(forbidden) >= 0 || name.Any(char.IsControl))
            throw new ArgumentException(
                $"Cannot name a {what} '{name}': a name must not be empty, and must not contain control characters or any of {string.Join(' ', forbidden.Select(one => one == ' ' ? "space" : one.ToString()))}.");
        CheckLength(name, what);
    }

    /// <summary>Refuses texts that do not fit the key of a record.</summary>
    public static void CheckLength(string text, string what)
    {
        if (Encoding.UTF8.GetByteCount(text) > MostTextBytes)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"Cannot use the {what} '{text[..20]}...': it is longer than {MostTextBytes} bytes."));
    }

    /// <summary>ROOT's type of a .NET type.</summary>
    /// <exception cref="ArgumentException">ROOT has no such numbers.</exception>
    public static RootElementType TypeOf<T>(string name, string what)
        where T : unmanaged => RootElementTypes.Of(typeof(T))
        ?? throw new ArgumentException(
            $"Cannot add {what} '{name}': ROOT has no values of type {typeof(T).Name}. Use bool, integers of 8 to 64 bits, float "
                + "or double.");
}
