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
    /// <param name="simulated">Simulated tracksters.</param>
    /// <param name="entry">Entry within the columns.</param>
    /// <param name="clusters">Layer clusters of the event.</param>
    /// <param name="states">[clusters] what they are, or empty; only those of the HGCAL have fractions.</param>
    /// <param name="where">File and entry, for messages.</param>
    /// <exception cref="DataException">Lengths, indices or multiplicities that cannot be.</exception>
    public static EventTruth At(TiclSimTracksters simulated, int entry, int clusters, ReadOnlySpan<TiclClusterState> states, string where)
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
                    throw new DataException(
                        $"{where}, tree '{simulated.Tree}', trackster {particle}: the multiplicity of vertex {v} is "
                            + $"{multiplicities[v]}, but it is 1 over a fraction: the ntuple is damaged.");
                offsets[vertices[v] + 1] += IsPresent(states, vertices[v]) && Counts(lastOf, particle, vertices[v], multiplicities[v]) ? 1
                    : 0;
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
                if (!IsPresent(states, vertices[v]) || !Counts(lastOf, particle, vertices[v], multiplicities[v]))
                    continue;
                int at = next[vertices[v]]++;
                particles[at] = particle;
                fractions[at] = Math.Min(1 / multiplicities[v], 1);
            }
        }

        EventTruth truth = new()
        {
            HardScatter = new TruthFractions(count, offsets, particles, fractions),
            PdgId = [.. simulated.PdgId[entry]],
            GeneratedEnergy = [.. simulated.Energy[entry]],
        };
        int wrong = Array.FindIndex(truth.GeneratedEnergy, static energy => !float.IsFinite(energy));
        if (wrong >= 0)
            throw new DataException(
                $"{where}, tree '{simulated.Tree}', trackster {wrong}: {TiclSchema.SimEnergy} is {truth.GeneratedEnergy[wrong]}, "
                    + "not a finite number: the ntuple is damaged.");
        return simulated.CaloParticle is ListValues<int> caloParticles ? Joined(truth, caloParticles[entry], simulated.Tree, where) : truth;
    }

    /// <summary>
    /// CaloParticles of SimClusters: fractions and energies add. One of several SimClusters has no PDG number that the file
    /// tells.
    /// </summary>
    private static EventTruth Joined(EventTruth truth, ReadOnlySpan<int> caloParticles, string tree, string where)
    {
        Same(caloParticles.Length, truth.PdgId.Length, TiclSchema.CaloParticle, tree, where);
        int[] known = [.. caloParticles.ToArray().Distinct().Order()];
        int[] joined = new int[caloParticles.Length];
        int[] members = new int[known.Length], pdgId = new int[known.Length];
        float[] energy = new float[known.Length];
        for (int particle = 0; particle < joined.Length; particle++)
        {
            int into = Array.BinarySearch(known, caloParticles[particle]);
            joined[particle] = into;
            pdgId[into] = members[into]++ == 0 ? truth.PdgId[particle] : 0;
            energy[into] += truth.GeneratedEnergy[particle];
        }

        return new EventTruth { HardScatter = truth.HardScatter.Join(joined, known.Length), PdgId = pdgId, GeneratedEnergy = energy };
    }

    /// <summary>Compares the shared energies that the file has for a trackster with ours.</summary>
    public static PreprocessCounts Compare(
        TiclTracksters collection, int entry, int trackster, ReadOnlySpan<int> members, ReadOnlySpan<float> parts,
        LayerClusterColumns clusters, EventTruth truth, string where)
    {
        if (collection.Matches is null || collection.SharedEnergy is null)
            return default;
        CheckLinks(collection, entry, trackster, where);
        ReadOnlySpan<uint> matches = collection.Matches[entry, trackster];
        ReadOnlySpan<float> energies = collection.SharedEnergy[entry, trackster];
        double[] shared = new double[truth.HardScatter.ParticleCount];
        truth.HardScatter.SharedEnergy(members, parts, clusters.Energy, shared);
        long differing = 0;
        for (int i = 0; i < matches.Length; i++)
        {
            double ours = matches[i] < (uint)shared.Length ? shared[matches[i]] : double.PositiveInfinity;
            differing += Math.Abs(ours - energies[i]) > 0.01 + (0.01 * Math.Abs(energies[i])) ? 1 : 0;
        }

        return new PreprocessCounts(0, 0, 0, 0, 0, matches.Length, differing);
    }

    /// <summary>[particles] energies that the file says a trackster shares with each; null where it does not decide by them.</summary>
    /// <exception cref="DataException">Lengths that do not fit, or a particle that is not there.</exception>
    public static float[]? Known(TiclTracksters collection, int entry, int trackster, int particles, string where)
    {
        if (!collection.LinksDecide || collection.Matches is null || collection.SharedEnergy is null)
            return null;
        CheckLinks(collection, entry, trackster, where);
        ReadOnlySpan<uint> matches = collection.Matches[entry, trackster];
        ReadOnlySpan<float> energies = collection.SharedEnergy[entry, trackster];
        float[] known = new float[particles];
        for (int i = 0; i < matches.Length; i++)
        {
            if (matches[i] >= (uint)particles)
                throw new DataException(
                    $"{where}, '{collection.Tree}', trackster {trackster}: it is linked to simulated trackster {matches[i]}, but "
                        + $"the event has {particles}: the ntuple is damaged.");
            if (!float.IsFinite(energies[i]))
                throw new DataException(
                    $"{where}, '{collection.Tree}', trackster {trackster}: the energy shared with simulated trackster "
                        + $"{matches[i]} is {energies[i]}: the ntuple is damaged.");
            known[matches[i]] = Math.Max(known[matches[i]], energies[i]);
        }

        return known;
    }

    /// <summary>An index of a layer cluster that is not there.</summary>
    public static DataException Beyond(uint index, int clusters, string where, string tree, int trackster) =>
        new($"{where}, tree '{tree}', trackster {trackster}: {TiclSchema.Vertices} names layer cluster {index}, but the event has {clusters}: the trees are not of one file, or the ntuple is damaged.");

    private static void CheckLinks(TiclTracksters collection, int entry, int trackster, string where)
    {
        Same(collection.Matches!.CountOf(entry), collection.Vertices.CountOf(entry), "the associations", collection.Tree, where);
        Same(collection.SharedEnergy!.CountOf(entry), collection.Vertices.CountOf(entry), "the shared energies", collection.Tree, where);
        Same(collection.SharedEnergy[entry, trackster].Length, collection.Matches[entry, trackster].Length, "the shared energies",
            collection.Tree, where);
    }

    private static bool IsPresent(ReadOnlySpan<TiclClusterState> states, uint cluster) => states.IsEmpty
        || states[(int)cluster] == TiclClusterState.Present;

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
            throw new DataException(
                $"{where}, tree '{tree}': {what} counts {found}, but {TiclSchema.Vertices} counts {wanted}: the ntuple is damaged.");
    }
}
