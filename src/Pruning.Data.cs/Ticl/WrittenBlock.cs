namespace Pruning.Data.Ticl;

/// <summary>
/// A block of events that is being written, with the columns that an ntuple has beside those that it is made of. Those that
/// several branches need are made once.
/// </summary>
/// <param name="columns">Columns.</param>
internal sealed class WrittenBlock(TiclColumns columns)
{
    private readonly Dictionary<(int Collection, TiclTruth Truth), Shared> _links = [];
    private TiclSimTracksters? _simClusters;

    /// <summary>Simulated tracksters that share energy with each trackster of a collection, and how much.</summary>
    public sealed record Shared(NestedValues<uint> Matches, NestedValues<float> Energy);

    /// <summary>Layer clusters.</summary>
    public TiclClusters Clusters => columns.Clusters;

    /// <summary>Run, luminosity block and event of each entry; only of generations that have them.</summary>
    public TiclEvents Events => columns.Events!;

    /// <summary>Simulated tracksters, one for each CaloParticle.</summary>
    public TiclSimTracksters CaloParticles => columns.Simulated;

    /// <summary>
    /// The same particles as SimClusters, one for each CaloParticle, in the reverse order: so that whoever takes one for the
    /// other is noticed.
    /// </summary>
    public TiclSimTracksters SimClusters => _simClusters ??= Reversed(columns.Simulated);

    /// <summary>Layer clusters of each trackster of a collection.</summary>
    public NestedValues<uint> Vertices(int collection) => columns.Tracksters[collection].Vertices;

    /// <summary>Simulated tracksters that share energy with each trackster of a collection.</summary>
    public Shared Links(int collection, TiclTruth truth)
    {
        if (!_links.TryGetValue((collection, truth), out Shared? links))
            _links[(collection, truth)] = links = SharedWith(columns.Tracksters[collection], truth);
        return links;
    }

    /// <summary>Multiplicity of every vertex: 1 where the columns have none.</summary>
    public NestedValues<float> Multiplicity(int collection)
    {
        TiclTracksters tracksters = columns.Tracksters[collection];
        if (tracksters.Multiplicity is NestedValues<float> own)
            return own;
        float[] ones = new float[tracksters.Vertices.Values.Length];
        ones.AsSpan().Fill(1);
        return new(tracksters.Vertices.Entries, tracksters.Vertices.Lists, ones);
    }

    /// <summary>Where each layer cluster lies: -1 in the barrel.</summary>
    public ListValues<int> Types()
    {
        int[] types = columns.Clusters.State is ListValues<TiclClusterState> state
            ? Array.ConvertAll(state.Values, static one => one == TiclClusterState.Barrel ? -1 : 0)
            : new int[columns.Clusters.X.Values.Length];
        return new(columns.Clusters.X.Offsets, types);
    }

    /// <summary>A property of the layer clusters of each trackster.</summary>
    public static NestedValues<float> Copied(NestedValues<uint> vertices, ListValues<float> column)
    {
        float[] values = new float[vertices.Values.Length];
        for (int entry = 0; entry < vertices.EntryCount; entry++)
        {
            ReadOnlySpan<float> own = column[entry];
            for (long at = vertices.Lists[vertices.Entries[entry]]; at < vertices.Lists[vertices.Entries[entry + 1]]; at++)
                values[at] = own[(int)vertices.Values[at]];
        }

        return new(vertices.Entries, vertices.Lists, values);
    }

    /// <summary>[lists] number of values of each list.</summary>
    public static uint[] Counts<T>(NestedValues<T> values)
        where T : unmanaged
    {
        uint[] counts = new uint[values.Lists.Length - 1];
        for (int i = 0; i < counts.Length; i++)
            counts[i] = (uint)(values.Lists[i + 1] - values.Lists[i]);
        return counts;
    }

    /// <summary>[lists] where each begins in its entry.</summary>
    public static uint[] Begins<T>(NestedValues<T> values)
        where T : unmanaged
    {
        uint[] begins = new uint[values.Lists.Length - 1];
        for (int entry = 0; entry < values.EntryCount; entry++)
        {
            long first = values.Entries[entry];
            for (long list = first; list < values.Entries[entry + 1]; list++)
                begins[list] = (uint)(values.Lists[list] - values.Lists[first]);
        }

        return begins;
    }

    /// <summary>[entries + 1] where the values of each entry begin, all its lists together.</summary>
    public static long[] Flat<T>(NestedValues<T> values)
        where T : unmanaged => Array.ConvertAll(values.Entries, entry => values.Lists[entry]);

    private static TiclSimTracksters Reversed(TiclSimTracksters simulated)
    {
        NestedValues<uint> vertices = simulated.Vertices;
        int[] order = new int[vertices.Lists.Length - 1]; // list that stands at a place
        int[] ofEntry = new int[order.Length];
        for (int entry = 0; entry < vertices.EntryCount; entry++)
        {
            int count = vertices.CountOf(entry);
            for (int i = 0; i < count; i++)
            {
                order[vertices.Entries[entry] + i] = (int)vertices.Entries[entry] + count - 1 - i;
                ofEntry[vertices.Entries[entry] + i] = count - 1 - i;
            }
        }

        long[] lists = new long[vertices.Lists.Length];
        uint[] indices = new uint[vertices.Values.Length];
        float[] multiplicity = new float[indices.Length];
        for (int place = 0; place < order.Length; place++)
        {
            int from = (int)vertices.Lists[order[place]], count = (int)vertices.Lists[order[place] + 1] - from;
            vertices.Values.AsSpan(from, count).CopyTo(indices.AsSpan((int)lists[place]));
            simulated.Multiplicity.Values.AsSpan(from, count).CopyTo(multiplicity.AsSpan((int)lists[place]));
            lists[place + 1] = lists[place] + count;
        }

        return new TiclSimTracksters(
            TiclSchema.SimTree(TiclTruth.SimCluster),
            new(vertices.Entries, lists, indices),
            new(vertices.Entries, lists, multiplicity),
            new(simulated.PdgId.Offsets, Array.ConvertAll(order, place => simulated.PdgId.Values[place])),
            new(simulated.Energy.Offsets, Array.ConvertAll(order, place => simulated.Energy.Values[place])))
        {
            CaloParticle = new(vertices.Entries, ofEntry),
        };
    }

    private Shared SharedWith(TiclTracksters collection, TiclTruth truth)
    {
        List<uint> matches = [];
        List<float> shared = [];
        long[] lists = new long[collection.Vertices.Lists.Length];
        int next = 0;
        for (int entry = 0; entry < collection.Vertices.EntryCount; entry++)
        {
            int clusters = columns.Clusters.X[entry].Length;
            EventTruth owners = SimulatedTruth.At(columns.Simulated, entry, clusters, [], columns.File);
            double[] energies = new double[owners.HardScatter.ParticleCount];
            for (int t = 0; t < collection.Vertices.CountOf(entry); t++)
            {
                int[] members = Array.ConvertAll(collection.Vertices[entry, t].ToArray(), static one => (int)one);
                owners.HardScatter.SharedEnergy(members, columns.Clusters.Energy[entry], energies);
                for (int particle = 0; particle < energies.Length; particle++)
                {
                    int from = truth == TiclTruth.SimCluster ? energies.Length - 1 - particle : particle;
                    if (!(energies[from] > 0))
                        continue;
                    matches.Add((uint)particle);
                    shared.Add((float)energies[from]);
                }

                lists[++next] = matches.Count;
            }
        }

        return new Shared(new(collection.Vertices.Entries, lists, [.. matches]), new(collection.Vertices.Entries, lists, [.. shared]));
    }
}
