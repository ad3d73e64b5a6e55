using System.Globalization;
using Pruning.Data.Root;

namespace Pruning.Data.Tracksters;

/// <summary>Reads what a prepared file may say beyond the schema. What is missing is no error; what contradicts the tracksters is.</summary>
internal static class TruthReader
{
    /// <summary>Reads the optional branches of the tree of layer clusters and of the tree with one value per trackster.</summary>
    /// <param name="file">The file.</param>
    /// <param name="nodes">Its tree of layer clusters.</param>
    /// <param name="id">Ids of the layer clusters: one optional value is wanted for each.</param>
    /// <param name="options">Names of the trees.</param>
    /// <param name="path">Path of the file, for errors.</param>
    /// <exception cref="DataException">A branch has another length than the tracksters, or a fraction is outside 0 to 1.</exception>
    public static TruthColumns Read(RootFile file, IRootTable nodes, Jagged<long> id, TracksterReadOptions options, string path)
    {
        IRootTable? graphs = file.TryTable(options.GraphTree, out IRootTable? found) ? found : null;
        Jagged<float>? fraction = PerNode(nodes, [TracksterSchema.Fraction], id, path);
        if (fraction is Jagged<float> shares)
            CheckFractions(shares.Values, nodes, path);
        return new TruthColumns
        {
            Fraction = fraction,
            PdgId = PerGraph<long>(graphs, TracksterSchema.PdgId, id.EntryCount, path),
            SimEnergy = PerGraph<float>(graphs, TracksterSchema.SimEnergy, id.EntryCount, path),
            PileUp = PerGraph<float>(graphs, TracksterSchema.PileUp, id.EntryCount, path),
        };
    }

    /// <summary>An optional branch with one value for each layer cluster; null where there is none.</summary>
    /// <exception cref="DataException">It has another number of values.</exception>
    public static Jagged<float>? PerNode(IRootTable tree, IReadOnlyList<string> names, Jagged<long> id, string path)
    {
        foreach (string name in names)
        {
            if (!tree.TryBranch(name, out IRootBranch? branch) || !branch.IsSupported || branch.FixedLength == 1)
                continue;
            JaggedColumn<float> column = tree.Read([ColumnRequest.As<float>(name)]).Column<float>(name);
            return column.Offsets.AsSpan().SequenceEqual(id.Offsets)
                ? new Jagged<float>(column.Values, id.Offsets)
                : throw new DataException(Invariant($"wanted one value for each layer cluster in every entry, found another number of them (in {path}, {tree.Kind} '{tree.Path}', branch '{name}'): write the branch from the same tracksters, or leave it out."));
        }

        return null;
    }

    private static T[]? PerGraph<T>(IRootTable? tree, IReadOnlyList<string> names, long entries, string path)
        where T : unmanaged
    {
        foreach (string name in tree is null ? [] : names)
        {
            if (!tree!.TryBranch(name, out IRootBranch? branch) || !branch.IsSupported || branch.FixedLength != 1)
                continue;
            if (branch.EntryCount != entries)
                throw new DataException(Invariant($"wanted one value for each of the {entries} tracksters, found {branch.EntryCount} (in {path}, {tree.Kind} '{tree.Path}', branch '{name}'): write the tree from the same tracksters, or leave it out."));
            return tree.Read([ColumnRequest.As<T>(name)]).Column<T>(name).Values;
        }

        return null;
    }

    private static void CheckFractions(float[] values, IRootTable tree, string path)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!(values[i] >= 0f && values[i] <= 1f))
                throw new DataException(Invariant($"wanted shares from 0 to 1, found {values[i]} at position {i} of all layer clusters (in {path}, {tree.Kind} '{tree.Path}', branch '{TracksterSchema.Fraction}'): mend the file, or leave the branch out."));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
