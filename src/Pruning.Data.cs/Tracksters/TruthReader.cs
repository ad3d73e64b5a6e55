using System.Globalization;
using Pruning.Data.Errors;
using Pruning.Root.Columns;

namespace Pruning.Data.Tracksters;

/// <summary>
/// Reads what a prepared file may say beyond the schema. What is missing is no error; what contradicts the tracksters is.
/// </summary>
/// <param name="nodes">The tree of layer clusters.</param>
/// <param name="graphs">The tree with one value per trackster, if there is one.</param>
/// <param name="id">Ids of the layer clusters of the entries: one optional value is wanted for each.</param>
/// <param name="path">Path of the file, for errors.</param>
/// <param name="first">First entry to read.</param>
/// <param name="end">Entry behind the last one.</param>
internal readonly struct TruthReader(IRootTable nodes, IRootTable? graphs, Jagged<long> id, string path, long first, long end)
{
    /// <summary>Reads the optional branches of the tree of layer clusters and of the tree with one value per trackster.</summary>
    /// <param name="entries">Tracksters of the whole file.</param>
    /// <exception cref="DataException">A branch has another length than the tracksters, or a fraction is outside 0 to 1.</exception>
    public TruthColumns Read(long entries)
    {
        Jagged<float>? fraction = PerNode([TracksterSchema.Fraction]);
        if (fraction is Jagged<float> shares)
            CheckFractions(shares);
        return new TruthColumns
        {
            Fraction = fraction,
            PdgId = PerGraph<long>(TracksterSchema.PdgId, entries),
            SimEnergy = PerGraph<float>(TracksterSchema.SimEnergy, entries),
            PileUp = PerGraph<float>(TracksterSchema.PileUp, entries),
        };
    }

    /// <summary>An optional branch with one value for each layer cluster; null where there is none.</summary>
    /// <exception cref="DataException">It has another number of values.</exception>
    public Jagged<float>? PerNode(IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            if (!nodes.TryBranch(name, out IRootBranch? branch) || !branch.IsSupported || branch.FixedLength == 1)
                continue;
            JaggedColumn<float>? column = branch.EntryCount == nodes.Branch(TracksterSchema.Id).EntryCount
                ? nodes.Read([ColumnRequest.As<float>(name)], first, end).Column<float>(name)
                : null;
            return column is not null && column.Offsets.AsSpan().SequenceEqual(id.Offsets)
                ? new Jagged<float>(column.Values, id.Offsets)
                : throw new DataException(Invariant($"wanted one value for each layer cluster in every entry, found another number of them (in {path}, {nodes.Kind} '{nodes.Path}', branch '{name}'): write the branch from the same tracksters, or leave it out."));
        }

        return null;
    }

    /// <summary>An optional branch with one value for each trackster; null where there is none.</summary>
    /// <exception cref="DataException">It has another number of entries.</exception>
    public T[]? PerGraph<T>(IReadOnlyList<string> names, long entries)
        where T : unmanaged
    {
        foreach (string name in graphs is null ? [] : names)
        {
            if (!graphs!.TryBranch(name, out IRootBranch? branch) || !branch.IsSupported || branch.FixedLength != 1)
                continue;
            if (branch.EntryCount != entries)
                throw new DataException(Invariant($"wanted one value for each of the {entries} tracksters, found {branch.EntryCount} (in {path}, {graphs.Kind} '{graphs.Path}', branch '{name}'): write the tree from the same tracksters, or leave it out."));
            return graphs.Read([ColumnRequest.As<T>(name)], first, end).Column<T>(name).Values;
        }

        return null;
    }

    private void CheckFractions(Jagged<float> shares)
    {
        float[] values = shares.Values;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] >= 0f && values[i] <= 1f)
                continue;
            int at = i;
            int entry = Array.FindIndex(shares.Offsets, offset => offset > at) - 1;
            throw new DataException(Invariant($"wanted shares from 0 to 1, found {values[i]} at position {i - shares.Offsets[entry]} (in {path}, {nodes.Kind} '{nodes.Path}', branch '{TracksterSchema.Fraction}', entry {first + entry}): mend the file, or leave the branch out."));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
