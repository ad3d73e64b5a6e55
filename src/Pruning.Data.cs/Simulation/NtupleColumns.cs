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
    /// <param name="generation">Names of the trees of the tracksters.</param>
    public static TiclColumns Of(IEnumerable<SimulatedEvent> events, TiclGeneration generation)
    {
        SimulatedEvent[] all = [.. events];
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
            string first = generation == TiclGeneration.Old ? TiclSchema.OldTracksters : TiclSchema.NewTracksters;
            collections.Add(new TiclTracksters(pass == 0 ? first
                : TiclSchema.LowTracksters, (TracksterPass)pass, Reconstructed(all, pass)));
        }

        return new TiclColumns
        {
            File = "toy simulation",
            Clusters = new TiclClusters
            {
                X = Column(e => e.Clusters.X),
                Y = Column(e => e.Clusters.Y),
                Z = Column(e => e.Clusters.Z),
                Eta = Column(e => e.Clusters.Eta),
                Phi = Column(e => e.Clusters.Phi),
                Energy = Column(e => e.Clusters.Energy),
                Time = Column(e => e.Clusters.Time),
                TimeError = Column(e => e.Clusters.TimeError),
                Layer = Column(e => Unsigned(e.Clusters.Layer)),
                HitCount = Column(e => Unsigned(e.Clusters.HitCount)),
            },
            Tracksters = collections,
            Simulated = new TiclSimTracksters(
                TiclSchema.SimTree(TiclTruth.CaloParticle), vertices, multiplicity, Column(e => e.Truth.PdgId), Column(e =>
                    e.Truth.GeneratedEnergy)),
        };
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
