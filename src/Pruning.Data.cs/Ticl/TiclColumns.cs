using Pruning.Data.Errors;

namespace Pruning.Data.Ticl;

/// <summary>
/// Columns of a TICL dumper ntuple for a range of entries, as far as graphs need them. One entry is one event in every
/// tree.
/// </summary>
public sealed record TiclColumns
{
    /// <summary>File, for messages.</summary>
    public required string File { get; init; }

    /// <summary>Entry of the file that is entry 0 here.</summary>
    public long FirstEntry { get; init; }

    /// <summary>Tree of the layer clusters.</summary>
    public required TiclClusters Clusters { get; init; }

    /// <summary>Reconstructed tracksters: one collection for each pass that is there, High before Low.</summary>
    public required IReadOnlyList<TiclTracksters> Tracksters { get; init; }

    /// <summary>Simulated tracksters.</summary>
    public required TiclSimTracksters Simulated { get; init; }

    /// <summary>Which events the entries are; null where the file does not say.</summary>
    public TiclEvents? Events { get; init; }

    /// <summary>Number of entries.</summary>
    public int EntryCount => Clusters.X.EntryCount;

    /// <summary>Refuses columns that count different numbers of entries: they match by entry.</summary>
    /// <exception cref="DataException">The first one that does.</exception>
    public void Check()
    {
        string tree = Simulated.Tree;
        List<(string Name, int Count)> counts =
        [
            ("position_y", Clusters.Y.EntryCount),
            ("position_z", Clusters.Z.EntryCount),
            ("position_eta", Clusters.Eta.EntryCount),
            ("position_phi", Clusters.Phi.EntryCount),
            ("energy", Clusters.Energy.EntryCount),
            ("cluster_time", Clusters.Time.EntryCount),
            ("cluster_timeErr", Clusters.TimeError.EntryCount),
            ("cluster_layer_id", Clusters.Layer.EntryCount),
            ("cluster_number_of_hits", Clusters.HitCount.EntryCount),
            ($"tree '{tree}'", Simulated.Vertices.EntryCount),
            ($"{TiclSchema.Multiplicity} of '{tree}'", Simulated.Multiplicity.EntryCount),
            ($"{TiclSchema.PdgId} of '{tree}'", Simulated.PdgId.EntryCount),
            ($"{TiclSchema.SimEnergy} of '{tree}'", Simulated.Energy.EntryCount),
            ("the numbers of the events", Events?.EntryCount ?? EntryCount),
            ("the states of the layer clusters", Clusters.State?.EntryCount ?? EntryCount),
            ($"{TiclSchema.CaloParticle} of '{tree}'", Simulated.CaloParticle?.EntryCount ?? EntryCount),
        ];
        foreach (TiclTracksters one in Tracksters)
        {
            counts.Add(($"tree '{one.Tree}'", one.Vertices.EntryCount));
            counts.Add(($"{TiclSchema.Multiplicity} of '{one.Tree}'", one.Multiplicity?.EntryCount ?? EntryCount));
            counts.Add(($"associations of '{one.Tree}'", one.Matches?.EntryCount ?? EntryCount));
            counts.Add(($"shared energies of '{one.Tree}'", one.SharedEnergy?.EntryCount ?? EntryCount));
        }

        foreach ((string name, int count) in counts)
        {
            if (count != EntryCount)
                throw new DataException(
                    $"{File}: {name} has {count} entries and position_x has {EntryCount}, but one entry is one event in every "
                        + "tree: the ntuple is damaged or not whole.");
        }
    }
}

/// <summary>What a layer cluster of a file is.</summary>
public enum TiclClusterState : byte
{
    /// <summary>A layer cluster of the HGCAL.</summary>
    Present = 0,

    /// <summary>One of the barrel, between those of the HGCAL: it has a number, and takes no part.</summary>
    Barrel = 1,

    /// <summary>One that nothing in the file tells about.</summary>
    Unknown = 2,
}

/// <summary>Layer clusters, one list an entry each; units as in <see cref="LayerClusterColumns"/>.</summary>
public sealed record TiclClusters
{
    /// <summary><c>position_x</c></summary>
    public required ListValues<float> X { get; init; }

    /// <summary><c>position_y</c></summary>
    public required ListValues<float> Y { get; init; }

    /// <summary><c>position_z</c></summary>
    public required ListValues<float> Z { get; init; }

    /// <summary><c>position_eta</c></summary>
    public required ListValues<float> Eta { get; init; }

    /// <summary><c>position_phi</c></summary>
    public required ListValues<float> Phi { get; init; }

    /// <summary><c>energy</c></summary>
    public required ListValues<float> Energy { get; init; }

    /// <summary><c>cluster_time</c></summary>
    public required ListValues<float> Time { get; init; }

    /// <summary><c>cluster_timeErr</c></summary>
    public required ListValues<float> TimeError { get; init; }

    /// <summary><c>cluster_layer_id</c>, from 1.</summary>
    public required ListValues<uint> Layer { get; init; }

    /// <summary><c>cluster_number_of_hits</c></summary>
    public required ListValues<uint> HitCount { get; init; }

    /// <summary>What each is; null where all are of the HGCAL.</summary>
    public ListValues<TiclClusterState>? State { get; init; }

    /// <summary>The file says how many hits they have.</summary>
    public bool HasHitCounts { get; init; } = true;

    /// <summary>The layer clusters of an entry, copied and checked.</summary>
    /// <param name="entry">Entry within the columns.</param>
    /// <param name="where">File and entry, for messages.</param>
    /// <exception cref="DataException">Columns that contradict each other or hold what cannot be.</exception>
    public LayerClusterColumns At(int entry, string where)
    {
        static int ToInt(uint value) => (int)Math.Min(value, int.MaxValue);
        LayerClusterColumns columns = new()
        {
            X = [.. X[entry]],
            Y = [.. Y[entry]],
            Z = [.. Z[entry]],
            Eta = [.. Eta[entry]],
            Phi = [.. Phi[entry]],
            Energy = [.. Energy[entry]],
            Time = [.. Time[entry]],
            TimeError = [.. TimeError[entry]],
            Layer = Array.ConvertAll(Layer[entry].ToArray(), ToInt),
            HitCount = Array.ConvertAll(HitCount[entry].ToArray(), ToInt),
        };
        if (State is ListValues<TiclClusterState> states)
            TakeOut(columns, states[entry], where);
        columns.Check(where);
        return columns;
    }

    // What takes no part may hold anything; its values become harmless ones, which nothing looks at.
    private static void TakeOut(LayerClusterColumns columns, ReadOnlySpan<TiclClusterState> states, string where)
    {
        if (states.Length != columns.Count)
            throw new DataException(
                $"{where}: {TiclSchema.ClusterType} has {states.Length} values and position_x has {columns.Count}, but both "
                    + "count the layer clusters: the ntuple is damaged.");
        columns.CheckLengths(where);
        for (int i = 0; i < states.Length; i++)
        {
            if (states[i] == TiclClusterState.Present)
                continue;
            columns.X[i] = columns.Y[i] = columns.Z[i] = columns.Eta[i] = 1;
            columns.Phi[i] = columns.Energy[i] = columns.Time[i] = columns.TimeError[i] = 0;
            columns.Layer[i] = 1;
            columns.HitCount[i] = 0;
        }
    }
}

/// <summary>A collection of reconstructed tracksters.</summary>
/// <param name="Tree">Name of its tree, for messages.</param>
/// <param name="Pass">CLUE3D pass that made it.</param>
/// <param name="Vertices"><c>vertices_indexes</c>: layer clusters of each trackster.</param>
public sealed record TiclTracksters(string Tree, TracksterPass Pass, NestedValues<uint> Vertices)
{
    /// <summary>Its tracksters were linked from several of CLUE3D's, and may have several seeds each.</summary>
    public bool IsMerged { get; init; }

    /// <summary>
    /// <c>vertices_multiplicity</c>: tracksters that share each layer cluster, so that each has 1 over it; null for 1 everywhere.
    /// </summary>
    public NestedValues<float>? Multiplicity { get; init; }

    /// <summary>The particle of a trackster is the one with the largest <see cref="SharedEnergy"/> of the file.</summary>
    public bool LinksDecide { get; init; }

    /// <summary><c>P_recoToSim_X</c>: simulated tracksters that share energy with each, where the file has them.</summary>
    public NestedValues<uint>? Matches { get; init; }

    /// <summary><c>P_recoToSim_X_sharedE</c>, beside <see cref="Matches"/>, GeV.</summary>
    public NestedValues<float>? SharedEnergy { get; init; }
}

/// <summary>Simulated tracksters of the hard scatter.</summary>
/// <param name="Tree">Name of the tree, for messages.</param>
/// <param name="Vertices"><c>vertices_indexes</c></param>
/// <param name="Multiplicity"><c>vertices_multiplicity</c>: 1 over the fraction of the layer cluster's energy.</param>
/// <param name="PdgId"><c>pdgID</c></param>
/// <param name="Energy"><c>regressed_energy</c>: of the particle, GeV.</param>
public sealed record TiclSimTracksters(string Tree, NestedValues<uint> Vertices, NestedValues<float> Multiplicity, ListValues<int> PdgId,
    ListValues<float> Energy)
{
    /// <summary><c>CPidx</c>: CaloParticle of each, to which they are to be joined; null where they stand for themselves.</summary>
    public ListValues<int>? CaloParticle { get; init; }
}
