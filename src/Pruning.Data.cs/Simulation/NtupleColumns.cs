using Pruning.Data.Ticl;

namespace Pruning.Data.Simulation;

/// <summary>
/// Simulated events as the columns of a TICL ntuple, so that preparing ntuples can be tried without one. Pile-up has no
/// simulated tracksters there, as in CMSSW. Toy data, not of CMS.
/// </summary>
public static class NtupleColumns
{
    /// <summary>Columns of some events, in order; one entry is one event.</summary>
    /// <param name="events">Events.</param>
    /// <param name="generation">
    /// Names of the tracksters, and what else the generation has: events of run 1 and luminosity block 1, and layer clusters
    /// of the barrel behind those of the HGCAL.
    /// </param>
    public static TiclColumns Of(IEnumerable<SimulatedEvent> events, TiclGeneration generation)
    {
        SimulatedEvent[] all = [.. events];
        TiclFormat format = TiclFormat.Of(generation);
        bool hasBarrel = format.HasBarrel;
        ListValues<T> Column<T>(Func<SimulatedEvent, T[]> column)
            where T : unmanaged
        {
            long[] offsets = new long[all.Length + 1];
            List<T> values = [];
            for (int e = 0; e < all.Length; e++)
            {
                values.AddRange(column(all[e]));
                offsets[e + 1] = values.Count;
            }

            return new(offsets, [.. values]);
        }

        static uint[] Unsigned(int[] values) => Array.ConvertAll(values, static v => (uint)v);
        (NestedValues<uint> vertices, NestedValues<float> multiplicity) = Simulated(all);
        List<TiclTracksters> collections = [];
        int passes = all.Length == 0 ? 1 : all[0].Tracksters.Count;
        for (int pass = 0; pass < passes; pass++)
        {
            string name = pass == 0 ? format.Collections[0].Name : format.Low;
            collections.Add(new TiclTracksters(name, (TracksterPass)pass, Reconstructed(all, pass)) { LinksDecide = format.IsFlat });
        }

        T[] With<T>(T[] endcap, params T[] barrel) => hasBarrel ? [.. endcap, .. barrel] : endcap;
        return new TiclColumns
        {
            File = "toy simulation",
            Events = format.Events == TiclEventForm.None
                ? null
                : new TiclEvents(Array.ConvertAll(all, static _ => 1u), Array.ConvertAll(all, static _ => 1u),
                    Array.ConvertAll(all, static e => e.Number)),
            Clusters = new TiclClusters
            {
                X = Column(e => With(e.Clusters.X, 130, 0)),
                Y = Column(e => With(e.Clusters.Y, 0, 150)),
                Z = Column(e => With(e.Clusters.Z, 0, -200)),
                Eta = Column(e => With(e.Clusters.Eta, 0, -1.1f)),
                Phi = Column(e => With(e.Clusters.Phi, 0, 1.57f)),
                Energy = Column(e => With(e.Clusters.Energy, 20, 0.5f)),
                Time = Column(e => With(e.Clusters.Time, -99, -99)),
                TimeError = Column(e => With(e.Clusters.TimeError, -1, -1)),
                Layer = Column(e => With(Unsigned(e.Clusters.Layer), 0u, 0u)),
                HitCount = Column(e => With(Unsigned(e.Clusters.HitCount), 9u, 1u)),
                State = hasBarrel
                    ? Column(e => With(new TiclClusterState[e.Clusters.Count], TiclClusterState.Barrel, TiclClusterState.Barrel)) : null,
            },
            Tracksters = collections,
            Simulated = new TiclSimTracksters(
                format.CaloParticles[0], vertices, multiplicity, Column(e => e.Truth.PdgId), Column(e => e.Truth.GeneratedEnergy)),
        };
    }

    /// <summary>Collections of tracksters that <see cref="Of"/> gives.</summary>
    /// <param name="generation">Generation.</param>
    /// <param name="passes">Passes of CLUE3D.</param>
    public static IReadOnlyList<string> Collections(TiclGeneration generation, int passes)
    {
        TiclFormat format = TiclFormat.Of(generation);
        return passes > 1 ? [format.Collections[0].Name, format.Low] : [format.Collections[0].Name];
    }

    private static NestedValues<uint> Reconstructed(SimulatedEvent[] all, int pass)
    {
        List<long> entries = [0], lists = [0];
        List<uint> values = [];
        foreach (SimulatedEvent one in all)
        {
            TracksterCollection collection = one.Tracksters[pass];
            for (int t = 0; t < collection.Count; t++)
            {
                foreach (int cluster in collection[t])
                    values.Add((uint)cluster);
                lists.Add(values.Count);
            }

            entries.Add(lists.Count - 1);
        }

        return new([.. entries], [.. lists], [.. values]);
    }

    private static (NestedValues<uint> Vertices, NestedValues<float> Multiplicity) Simulated(SimulatedEvent[] all)
    {
        List<long> entries = [0], lists = [0];
        List<uint> vertices = [];
        List<float> multiplicities = [];
        foreach (SimulatedEvent one in all)
        {
            TruthFractions truth = one.Truth.HardScatter;
            for (int particle = 0; particle < truth.ParticleCount; particle++)
            {
                for (int cluster = 0; cluster < one.Clusters.Count; cluster++)
                {
                    float fraction = truth.Of(cluster, particle);
                    if (fraction > 0)
                    {
                        vertices.Add((uint)cluster);
                        multiplicities.Add(1 / fraction);
                    }
                }

                lists.Add(vertices.Count);
            }

            entries.Add(lists.Count - 1);
        }

        long[] ofEntries = [.. entries], ofLists = [.. lists];
        return (new(ofEntries, ofLists, [.. vertices]), new(ofEntries, ofLists, [.. multiplicities]));
    }
}
