using System.Text;
using System.Text.Unicode;

namespace Pruning.Root.Columns;

/// <summary>Texts of files.</summary>
internal static class RootText
{
    /// <summary>Old files carry Latin-1 (accents in author names), newer ones UTF-8: both are accepted.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes) =>
        Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);
}
