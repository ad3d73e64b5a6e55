using System.Globalization;

namespace Pruning.Root.Trees.Records;

/// <summary>The dimensions that a leaf's title gives: <c>x[3][4]</c>, <c>Jet_Px[NJet]</c>, <c>m[n][3]</c>.</summary>
internal static class LeafDimensions
{
    /// <summary>The texts between brackets.</summary>
    public static List<string> Of(string title)
    {
        var found = new List<string>();
        for (int open = title.IndexOf('['); open >= 0; open = title.IndexOf('[', open + 1))
        {
            int close = title.IndexOf(']', open);
            if (close < 0)
                break;
            found.Add(title[(open + 1)..close]);
        }
        return found;
    }

    /// <summary>
    /// The constant dimensions after the first <paramref name="skip"/>, if they are consistent: they must multiply to
    /// <paramref name="length"/> (fLen). Otherwise that length is the only dimension. Empty for single values.
    /// </summary>
    public static int[] Constant(string title, int length, int skip = 0)
    {
        int[] whole = length <= 1 ? [] : [length];
        if (!title.Contains('['))
            return whole;
        var sizes = new List<int>();
        long product = 1;
        foreach (string dimension in Of(title).Skip(skip))
        {
            if (!int.TryParse(dimension, NumberStyles.None, CultureInfo.InvariantCulture, out int size) || size <= 0
                || product * size > Math.Max(1, length))
                return whole;
            product *= size;
            sizes.Add(size);
        }
        return product == Math.Max(1, length) ? [.. sizes] : whole;
    }

    /// <summary>Dimensions in brackets.</summary>
    public static string Text(IEnumerable<int> dimensions) =>
        string.Concat(dimensions.Select(size => string.Create(CultureInfo.InvariantCulture, $"[{size}]")));
}
