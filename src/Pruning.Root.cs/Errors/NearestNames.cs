namespace Pruning.Root.Errors;

/// <summary>Suggests existing names in place of one that does not exist.</summary>
public static class NearestNames
{
    // Comparing costs time for each name, and a file may have a million of them.
    private const int MaxCompared = 10_000;

    /// <summary>A sentence for an error: <c>Did you mean 'energy' or 'eta'?</c>, or a list of the names that exist.</summary>
    /// <param name="wanted">The name that does not exist.</param>
    /// <param name="existing">The names that do.</param>
    /// <param name="nothing">The sentence when there are none: <c>The tree has no branches.</c></param>
    public static string Suggest(string wanted, IEnumerable<string> existing, string nothing)
    {
        string[] all = [.. existing.Distinct(StringComparer.Ordinal)];
        if (all.Length == 0)
            return nothing;
        string[] near = [.. all
            .Take(MaxCompared)
            .Select(name => (name, distance: Distance(wanted, name)))
            .Where(pair => pair.distance <= Math.Max(2, wanted.Length / 3) || Related(wanted, pair.name))
            .OrderBy(pair => pair.distance).ThenBy(pair => pair.name, StringComparer.Ordinal)
            .Take(3).Select(pair => $"'{pair.name}'")];
        if (near.Length > 0)
            return $"Did you mean {string.Join(" or ", near)}?";
        string shown = string.Join(", ", all.Take(12).Select(name => $"'{name}'"));
        return all.Length <= 12 ? $"Known names: {shown}." : $"Known names: {shown} and {all.Length - 12} more.";
    }

    private static bool Related(string wanted, string name) =>
        wanted.Length > 2
            && (name.Contains(wanted, StringComparison.OrdinalIgnoreCase)
            || (name.Length > 2 && wanted.Contains(name, StringComparison.OrdinalIgnoreCase)));

    // Levenshtein distance, letter case ignored; long names are cut so that a hostile file cannot make this slow.
    private static int Distance(string a, string b)
    {
        a = a.Length > 200 ? a[..200] : a;
        b = b.Length > 200 ? b[..200] : b;
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
