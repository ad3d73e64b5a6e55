using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Reading;

namespace Pruning.Data.Tracksters;

/// <summary>What files say about themselves, in the tree or RNTuple <see cref="TracksterSchema.MetadataTree"/>.</summary>
public static class PreparedMetadata
{
    /// <summary>Reads it, a text a key; null where the file has none.</summary>
    /// <exception cref="RootFormatException">No ROOT file, or a damaged one.</exception>
    public static Dictionary<string, string>? Read(string path)
    {
        using RootFile file = RootFile.Open(path);
        return Of(file);
    }

    internal static Dictionary<string, string>? Of(RootFile file)
    {
        if (!file.TryTable(TracksterSchema.MetadataTree, out IRootTable? table))
            return null;
        Dictionary<string, string> found = new(StringComparer.Ordinal);
        foreach (IRootBranch branch in table.Branches)
        {
            if (branch.EntryCount > 0 && branch.IsSupported && table.ReadColumns(branch.Name, 0, 1) is [TextColumn { ValueCount: 1 } text])
                found[branch.Name] = text[0];
        }

        return found;
    }
}
