using Pruning.Data.Root;

namespace Pruning.Data.Tracksters;

/// <summary>What files say about themselves, in the tree <see cref="TracksterSchema.MetadataTree"/>.</summary>
public static class PreparedMetadata
{
    /// <summary>Reads it, a text a key; null where the file has no such tree.</summary>
    /// <exception cref="RootFormatException">No ROOT file, or a damaged one.</exception>
    public static Dictionary<string, string>? Read(string path)
    {
        using RootFile file = RootFile.Open(path);
        return Of(file);
    }

    internal static Dictionary<string, string>? Of(RootFile file)
    {
        if (!file.TryTree(TracksterSchema.MetadataTree, out RootTree? tree))
            return null;
        Dictionary<string, string> found = new(StringComparer.Ordinal);
        foreach (RootBranch branch in tree.Branches)
        {
            if (branch.EntryCount > 0 && branch.IsSupported && tree.ReadColumns(branch.Name, 0, 1) is [TextColumn { ValueCount: 1 } text])
                found[branch.Name] = text[0];
        }

        return found;
    }
}
