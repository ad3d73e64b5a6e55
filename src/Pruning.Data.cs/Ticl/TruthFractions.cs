namespace Pruning.Data.Ticl;

/// <summary>
/// Whose energy the layer clusters of an event are: layer cluster l has the particles
/// <c>Particle[Offsets[l] .. Offsets[l + 1])</c>, rising, with the fraction of its energy that each owns, in (0, 1].
/// </summary>
public sealed class TruthFractions
{
    /// <summary>Takes columns as they are.</summary>
    /// <param name="particleCount">Particles of the event; each index is below.</param>
    /// <param name="offsets">[clusters + 1]</param>
    /// <param name="particle">[pairs]</param>
    /// <param name="fraction">[pairs]</param>
    /// <exception cref="ArgumentException">Lengths that do not fit.</exception>
    public TruthFractions(int particleCount, int[] offsets, int[] particle, float[] fraction)
    {
        if (offsets.Length == 0 || offsets[0] != 0 || offsets[^1] != particle.Length || particle.Length != fraction.Length)
            throw new ArgumentException(
                $"Offsets must lead from 0 to the number of pairs, but {particle.Length} particles and {fraction.Length} "
                    + $"fractions stand beside {offsets.Length} offsets that end with {(offsets.Length == 0 ? 0 : offsets[^1])}.");
        ParticleCount = particleCount;
        Offsets = offsets;
        Particle = particle;
        Fraction = fraction;
    }

    /// <summary>Particles of the event.</summary>
    public int ParticleCount { get; }

    /// <summary>[clusters + 1] where the pairs of each layer cluster begin.</summary>
    public int[] Offsets { get; }

    /// <summary>[pairs] particle, rising within a layer cluster.</summary>
    public int[] Particle { get; }

    /// <summary>[pairs] share of the layer cluster's energy.</summary>
    public float[] Fraction { get; }

    /// <summary>Particles of a layer cluster.</summary>
    public ReadOnlySpan<int> ParticlesOf(int cluster) => Particle.AsSpan(Offsets[cluster], Offsets[cluster + 1] - Offsets[cluster]);

    /// <summary>Their fractions.</summary>
    public ReadOnlySpan<float> FractionsOf(int cluster) => Fraction.AsSpan(Offsets[cluster], Offsets[cluster + 1] - Offsets[cluster]);

    /// <summary>Fraction of a layer cluster that a particle owns; 0 when it has none.</summary>
    public float Of(int cluster, int particle)
    {
        int at = ParticlesOf(cluster).IndexOf(particle);
        return at < 0 ? 0 : FractionsOf(cluster)[at];
    }

    /// <summary>[particles] energy of each particle in the layer clusters given, GeV.</summary>
    /// <param name="clusters">Layer clusters that count.</param>
    /// <param name="energy">[all clusters] energies, GeV.</param>
    /// <param name="shared">[particles] is overwritten.</param>
    public void SharedEnergy(ReadOnlySpan<int> clusters, ReadOnlySpan<float> energy, Span<double> shared) =>
        SharedEnergy(clusters, [], energy, shared);

    /// <summary>The same where the trackster owns a part of each layer cluster: the smaller one of both parts is shared.</summary>
    /// <param name="clusters">Layer clusters that count.</param>
    /// <param name="parts">[layer clusters that count] the trackster's part of each; empty for all of it.</param>
    /// <param name="energy">[all clusters] energies, GeV.</param>
    /// <param name="shared">[particles] is overwritten.</param>
    public void SharedEnergy(ReadOnlySpan<int> clusters, ReadOnlySpan<float> parts, ReadOnlySpan<float> energy, Span<double> shared)
    {
        shared.Clear();
        for (int i = 0; i < clusters.Length; i++)
        {
            int cluster = clusters[i];
            float part = parts.IsEmpty ? 1 : parts[i];
            for (int at = Offsets[cluster]; at < Offsets[cluster + 1]; at++)
                shared[Particle[at]] += (double)Math.Min(Fraction[at], part) * energy[cluster];
        }
    }

    /// <summary>[particles] energy of each particle in all layer clusters, GeV.</summary>
    public double[] TotalEnergy(ReadOnlySpan<float> energy)
    {
        double[] total = new double[ParticleCount];
        for (int cluster = 0; cluster < Offsets.Length - 1; cluster++)
        {
            for (int at = Offsets[cluster]; at < Offsets[cluster + 1]; at++)
                total[Particle[at]] += (double)Fraction[at] * energy[cluster];
        }

        return total;
    }

    /// <summary>
    /// The same with particles joined: particle p becomes <paramref name="joined"/>[p], and a layer cluster's fractions add, to 1
    /// at most.
    /// </summary>
    /// <param name="joined">[particles] the new particle of each.</param>
    /// <param name="count">New particles; each index is below.</param>
    public TruthFractions Join(ReadOnlySpan<int> joined, int count)
    {
        int[] offsets = new int[Offsets.Length];
        int[] particles = new int[Particle.Length];
        float[] fractions = new float[Particle.Length];
        int next = 0;
        for (int cluster = 0; cluster < Offsets.Length - 1; cluster++)
        {
            int start = next;
            for (int at = Offsets[cluster]; at < Offsets[cluster + 1]; at++)
            {
                int particle = joined[Particle[at]];
                int found = particles.AsSpan(start, next - start).IndexOf(particle);
                if (found < 0)
                {
                    particles[next] = particle;
                    fractions[next++] = Fraction[at];
                }
                else
                {
                    fractions[start + found] = Math.Min(1, fractions[start + found] + Fraction[at]);
                }
            }

            Array.Sort(particles, fractions, start, next - start);
            offsets[cluster + 1] = next;
        }

        return new TruthFractions(count, offsets, particles[..next], fractions[..next]);
    }

    /// <summary>A particle is among the largest of a layer cluster (equal fractions: the smaller index is larger).</summary>
    public bool IsAmongLargest(int cluster, int particle, int count)
    {
        ReadOnlySpan<int> particles = ParticlesOf(cluster);
        ReadOnlySpan<float> fractions = FractionsOf(cluster);
        int own = particles.IndexOf(particle);
        if (own < 0)
            return false;
        int larger = 0;
        for (int i = 0; i < particles.Length; i++)
            larger += fractions[i] > fractions[own] || (fractions[i] == fractions[own] && i < own) ? 1 : 0;
        return larger < count;
    }
}
