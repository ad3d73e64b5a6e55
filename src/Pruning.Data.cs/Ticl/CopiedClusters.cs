using Pruning.Data.Errors;
using Pruning.Data.Graphs;

namespace Pruning.Data.Ticl;

/// <summary>
/// Layer clusters of events whose file has no tree of them, put together from the copies that tracksters have of theirs.
/// Those of no trackster are not known. Layers follow from z in the 47-layer geometry, eta and phi from the position;
/// nobody knows the hits.
/// </summary>
/// <param name="file">File, for messages.</param>
/// <param name="firstEntry">Entry of the file that is entry 0 here.</param>
/// <param name="entries">Entries.</param>
internal sealed class CopiedClusters(string file, long firstEntry, int entries)
{
    private const int MostClusters = 4_000_000; // of an event; an index beyond is damage
    private readonly List<(string Tree, NestedValues<uint> Vertices, NestedValues<float>[] Values)> _sources = [];

    /// <summary>Adds the tracksters of a tree.</summary>
    /// <param name="tree">Its name, for messages.</param>
    /// <param name="vertices">Indices of layer clusters.</param>
    /// <param name="values">x, y, z, energy, time and its uncertainty of each.</param>
    public void Add(string tree, NestedValues<uint> vertices, NestedValues<float>[] values) => _sources.Add((tree, vertices, values));

    /// <summary>The layer clusters.</summary>
    /// <exception cref="DataException">Copies that contradict each other, or do not fit their tracksters.</exception>
    public TiclClusters Take()
    {
        long[] offsets = Offsets();
        long count = offsets[^1];
        float[][] columns = [.. Enumerable.Range(0, TiclSchema.VertexBranches.Count).Select(_ => new float[count])];
        TiclClusterState[] states = new TiclClusterState[count];
        states.AsSpan().Fill(TiclClusterState.Unknown);
        foreach ((string tree, NestedValues<uint> vertices, NestedValues<float>[] values) in _sources)
        {
            for (int entry = 0; entry < entries; entry++)
            {
                for (int list = 0; list < vertices.CountOf(entry); list++)
                    Copy(tree, vertices, values, entry, list, offsets[entry], columns, states);
            }
        }

        return Complete(offsets, columns, states);
    }

    private long[] Offsets()
    {
        long[] offsets = new long[entries + 1];
        for (int entry = 0; entry < entries; entry++)
        {
            uint count = 0;
            foreach ((string tree, NestedValues<uint> vertices, _) in _sources)
            {
                if (vertices.EntryCount != entries)
                    throw new DataException(
                        $"{file}: tree '{tree}' has {vertices.EntryCount} entries of {entries}, but one entry is one event in "
                            + "every tree: the ntuple is damaged.");
                ReadOnlySpan<uint> all =
                    vertices.Values.AsSpan((int)vertices.Lists[vertices.Entries[entry]]..(int)vertices.Lists[vertices.Entries[entry + 1]]);
                foreach (uint index in all)
                {
                    if (index >= MostClusters)
                        throw new DataException(
                            $"{file}, entry {firstEntry + entry}, tree '{tree}': {TiclSchema.Vertices} names layer cluster "
                                + $"{index}, but no event has {MostClusters}: the ntuple is damaged.");
                    count = Math.Max(count, index + 1);
                }
            }

            offsets[entry + 1] = offsets[entry] + count;
        }

        return offsets;
    }

    private void Copy(
        string tree, NestedValues<uint> vertices, NestedValues<float>[] values, int entry, int list, long offset, float[][] columns,
        TiclClusterState[] states)
    {
        ReadOnlySpan<uint> members = vertices[entry, list];
        for (int c = 0; c < values.Length; c++)
        {
            int length = values[c].EntryCount == entries && list < values[c].CountOf(entry) ? values[c][entry, list].Length : 0;
            if (length != members.Length)
                throw new DataException(
                    $"{file}, entry {firstEntry + entry}, tree '{tree}', trackster {list}: {TiclSchema.VertexBranches[c]} counts "
                        + $"{length}, but {TiclSchema.Vertices} counts {members.Length}: the ntuple is damaged.");
        }

        for (int v = 0; v < members.Length; v++)
        {
            long at = offset + members[v];
            bool isKnown = states[at] == TiclClusterState.Present;
            for (int c = 0; c < values.Length; c++)
            {
                float value = values[c][entry, list][v];
                if (isKnown && !columns[c][at].Equals(value))
                    throw new DataException(
                        $"{file}, entry {firstEntry + entry}, tree '{tree}', trackster {list}: {TiclSchema.VertexBranches[c]} of "
                            + $"layer cluster {members[v]} is {value}, and another trackster says {columns[c][at]}: the ntuple "
                            + "is damaged.");
                columns[c][at] = value;
            }

            states[at] = TiclClusterState.Present;
        }
    }

    private TiclClusters Complete(long[] offsets, float[][] columns, TiclClusterState[] states)
    {
        float[] eta = new float[states.Length], phi = new float[states.Length];
        uint[] layer = new uint[states.Length];
        for (int i = 0; i < states.Length; i++)
        {
            if (states[i] != TiclClusterState.Present)
                continue;
            (float x, float y, float z) = (columns[0][i], columns[1][i], columns[2][i]);
            layer[i] = HgcalGeometry.LayerAt(z, file, ref states[i]);
            (eta[i], phi[i]) = HgcalGeometry.Direction(x, y, z);
        }

        ListValues<float> Column(float[] values) => new(offsets, values);
        return new TiclClusters
        {
            X = Column(columns[0]),
            Y = Column(columns[1]),
            Z = Column(columns[2]),
            Energy = Column(columns[3]),
            Time = Column(columns[4]),
            TimeError = Column(columns[5]),
            Eta = Column(eta),
            Phi = Column(phi),
            Layer = new(offsets, layer),
            HitCount = new(offsets, new uint[states.Length]),
            State = new(offsets, states),
            HasHitCounts = false,
        };
    }
}

/// <summary>What follows from the position of a layer cluster alone, in the 47-layer geometry.</summary>
internal static class HgcalGeometry
{
    private const float FirstEndcapZ = 300; // cm: the calorimeter's endcap begins at 321, its barrel ends before

    /// <summary>The layer at a position, from 1. In front of the endcap a layer cluster is one of the barrel.</summary>
    /// <exception cref="DataException">Behind the last layer or between barrel and endcap.</exception>
    public static uint LayerAt(float z, string file, ref TiclClusterState state)
    {
        if (Math.Abs(z) < FirstEndcapZ)
        {
            state = TiclClusterState.Barrel;
            return 1;
        }

        byte layer = CalorimeterLayers.Nearest(z);
        return layer != CalorimeterLayers.Unknown
            ? layer
            : throw new DataException(
                $"{file}: a layer cluster has z = {z} cm, where the geometry of 47 layers has none (from 321 to 521 cm): layers "
                    + "cannot be told from z in this file.");
    }

    /// <summary>Pseudorapidity and azimuth of a position.</summary>
    public static (float Eta, float Phi) Direction(float x, float y, float z)
    {
        double across = Math.Max(Math.Sqrt(((double)x * x) + ((double)y * y)), 1e-9);
        return ((float)Math.Asinh(z / across), (float)Math.Atan2(y, x));
    }
}
