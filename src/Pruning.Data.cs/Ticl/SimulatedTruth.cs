using Pruning.Data.Errors;

namespace Pruning.Data.Ticl;

/// <summary>Truth of an event from the simulated tracksters of a TICL ntuple.</summary>
internal static class SimulatedTruth
{
    /// <summary>
    /// Fractions of the simulated tracksters of an entry. A vertex has the fraction 1 over its multiplicity, at most 1;
    /// multiplicity 0 is none, as left by old ntuples in which it overflowed. A layer cluster that stands twice in a
    /// trackster counts once, the first time.
    /// </summary>
    /// <exception cref="DataException">Lengths, indices or multiplicities that cannot be.</exception>
    public static EventTruth At(TiclSimTracksters simulated, int entry, int clusters, string where)
    {
        int count = simulated.Vertices.CountOf(entry);
        Same(simulated.Multiplicity.CountOf(entry), count, TiclSchema.Multiplicity, simulated.Tree, where);
        Same(simulated.PdgId[entry].Length, count, TiclSchema.PdgId, simulated.Tree, where);
        Same(simulated.Energy[entry].Length, count, TiclSchema.SimEnergy, simulated.Tree, where);
        int[] offsets = new int[clusters + 1];
        int[] lastOf = new int[clusters]; // particle that a layer cluster had last, from 1
        for (int particle = 0; particle < count; particle++)
        {
            ReadOnlySpan<uint> vertices = simulated.Vertices[entry, particle];
            ReadOnlySpan<float> multiplicities = simulated.Multiplicity[entry, particle];
            Same(multiplicities.Length, vertices.Length, $"{TiclSchema.Multiplicity}[{particle}]", simulated.Tree, where);
            for (int v = 0; v < vertices.Length; v++)
            {
                if (vertices[v] >= (uint)clusters)
                    throw Beyond(vertices[v], clusters, where, simulated.Tree, particle);
                if (!(multiplicities[v] >= 0))
                    throw new DataException($"{where}, tree '{simulated.Tree}', trackster {particle}: the multiplicity of vertex {v} is {multiplicities[v]}, but it is 1 over a fraction: the ntuple is damaged.");
                offsets[vertices[v] + 1] += Counts(lastOf, particle, vertices[v], multiplicities[v]) ? 1 : 0;
            }
        }

        for (int i = 0; i < clusters; i++)
            offsets[i + 1] += offsets[i];
        int[] particles = new int[offsets[^1]];
        float[] fractions = new float[offsets[^1]];
        int[] next = offsets[..^1];
        Array.Clear(lastOf);
        for (int particle = 0; particle < count; particle++)
        {
            ReadOnlySpan<uint> vertices = simulated.Vertices[entry, particle];
            ReadOnlySpan<float> multiplicities = simulated.Multiplicity[entry, particle];
            for (int v = 0; v < vertices.Length; v++)
            {
                if (!Counts(lastOf, particle, vertices[v], multiplicities[v]))
                    continue;
                int at = next[vertices[v]]++;
                particles[at] = particle;
                fractions[at] = Math.Min(1 / multiplicities[v], 1);
            }
        }

        return new EventTruth
        {
            HardScatter = new TruthFractions(count, offsets, particles, fractions),
            PdgId = [.. simulated.PdgId[entry]],
            GeneratedEnergy = [.. simulated.Energy[entry]],
        };
    }

    /// <summary>Compares the shared energies that the file has for a trackster with ours.</summary>
    public static PreprocessCounts Compare(
        TiclTracksters collection, int entry, int trackster, ReadOnlySpan<int> members, LayerClusterColumns clusters, EventTruth truth, string where)
    {
        if (collection.Matches is null || collection.SharedEnergy is null)
            return default;
        Same(collection.Matches.CountOf(entry), collection.Vertices.CountOf(entry), "the associations", collection.Tree, where);
        ReadOnlySpan<uint> matches = collection.Matches[entry, trackster];
        ReadOnlySpan<float> energies = collection.SharedEnergy[entry, trackster];
        Same(energies.Length, matches.Length, "the shared energies", collection.Tree, where);
        double[] shared = new double[truth.HardScatter.ParticleCount];
        truth.HardScatter.SharedEnergy(members, clusters.Energy, shared);
        long differing = 0;
        for (int i = 0; i < matches.Length; i++)
        {
            double ours = matches[i] < (uint)shared.Length ? shared[matches[i]] : double.PositiveInfinity;
            differing += Math.Abs(ours - energies[i]) > 0.01 + (0.01 * Math.Abs(energies[i])) ? 1 : 0;
        }

        return new PreprocessCounts(0, 0, 0, 0, 0, matches.Length, differing);
    }

    /// <summary>An index of a layer cluster that is not there.</summary>
    public static DataException Beyond(uint index, int clusters, string where, string tree, int trackster) =>
        new($"{where}, tree '{tree}', trackster {trackster}: {TiclSchema.Vertices} names layer cluster {index}, but the event has {clusters}: the trees are not of one file, or the ntuple is damaged.");

    private static bool Counts(int[] lastOf, int particle, uint cluster, float multiplicity)
    {
        if (multiplicity == 0 || lastOf[cluster] == particle + 1)
            return false;
        lastOf[cluster] = particle + 1;
        return true;
    }

    private static void Same(int found, int wanted, string what, string tree, string where)
    {
        if (found != wanted)
            throw new DataException($"{where}, tree '{tree}': {what} counts {found}, but {TiclSchema.Vertices} counts {wanted}: the ntuple is damaged.");
    }
}
