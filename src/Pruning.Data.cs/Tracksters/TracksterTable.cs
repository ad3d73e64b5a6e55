using Pruning.Data.Errors;
using Pruning.Data.Graphs;

namespace Pruning.Data.Tracksters;

/// <summary>A jagged column: entry i holds Values[Offsets[i] .. Offsets[i + 1]).</summary>
internal readonly record struct Jagged<T>(T[] Values, long[] Offsets)
    where T : unmanaged
{
    public long EntryCount => Offsets.Length - 1;

    public ReadOnlySpan<T> this[long entry]
    {
        get
        {
            long start = Offsets[entry];
            return Values.AsSpan((int)start, (int)(Offsets[entry + 1] - start));
        }
    }

    /// <summary>The same column, on the other's offsets where they are equal: twelve copies of them would add up.</summary>
    public Jagged<T> Sharing(long[] offsets) => Offsets.AsSpan().SequenceEqual(offsets) ? this with { Offsets = offsets } : this;
}

/// <summary>One jagged column per branch of the schema, and the events if there are any.</summary>
internal sealed record TracksterArrays
{
    /// <summary>Entry of the file that is entry 0 of the columns.</summary>
    public long FirstEntry { get; init; }

    public required Jagged<long> Id { get; init; }

    public required Jagged<float> PosX { get; init; }

    public required Jagged<float> PosY { get; init; }

    public required Jagged<float> PosZ { get; init; }

    public required Jagged<float> Energy { get; init; }

    public required Jagged<float> Time { get; init; }

    public required Jagged<float> Eta { get; init; }

    public required Jagged<float> Phi { get; init; }

    public required Jagged<float> IsSeedHigh { get; init; }

    public required Jagged<float> IsSeedLow { get; init; }

    public required Jagged<float> Label { get; init; }

    public required Jagged<long> Origin { get; init; }

    public required Jagged<long> Target { get; init; }

    /// <summary>Layers of the layer clusters, or null where the file does not say.</summary>
    public Jagged<float>? Layer { get; init; }

    /// <summary>Hits of the layer clusters, or null where the file does not say.</summary>
    public Jagged<float>? HitCount { get; init; }

    /// <summary>[entries] event numbers, or null.</summary>
    public long[]? Event { get; init; }

    /// <summary>[entries] runs of the events, or null.</summary>
    public long[]? Run { get; init; }

    /// <summary>[entries] luminosity blocks of the events, or null.</summary>
    public long[]? Lumi { get; init; }

    /// <summary>[entries] numbers of the tracksters in their events, or null.</summary>
    public int[]? Trackster { get; init; }

    /// <summary>What else the file says.</summary>
    public TruthColumns Truth { get; init; } = TruthColumns.None;
}

/// <summary>
/// The tracksters of one file or of a part of it, in memory, as columns: 40 bytes a layer cluster for its numbers, 8 for
/// its id, 16 a link. Entries count from 0 within the table. Safe to read from many threads.
/// </summary>
public sealed class TracksterTable
{
    private readonly TracksterArrays _arrays;

    internal TracksterTable(string file, TracksterArrays arrays, string tracksterTree = TracksterSchema.TracksterTree,
        string edgeTree = TracksterSchema.EdgeTree)
    {
        File = file;
        TracksterTree = tracksterTree;
        EdgeTree = edgeTree;
        _arrays = arrays;
    }

    /// <summary>Path of the file as it was given.</summary>
    public string File { get; }

    /// <summary>Name of the trackster tree, for errors.</summary>
    public string TracksterTree { get; }

    /// <summary>Name of the edge tree, for errors.</summary>
    public string EdgeTree { get; }

    /// <summary>Entry of the file that is entry 0 of the table.</summary>
    public long FirstEntry => _arrays.FirstEntry;

    /// <summary>Number of tracksters.</summary>
    public long EntryCount => _arrays.Id.EntryCount;

    /// <summary>Number of layer clusters of all tracksters.</summary>
    public long NodeCount => _arrays.Id.Values.LongLength;

    /// <summary>Number of links of all tracksters, as in the file.</summary>
    public long LinkCount => _arrays.Origin.Values.LongLength;

    /// <summary>The file says which event each trackster belongs to.</summary>
    public bool HasEvents => _arrays.Event is not null;

    /// <summary>The columns of one entry; the spans point into the table.</summary>
    public TracksterColumns this[long entry] => new()
    {
        Id = _arrays.Id[entry],
        PosX = _arrays.PosX[entry],
        PosY = _arrays.PosY[entry],
        PosZ = _arrays.PosZ[entry],
        Energy = _arrays.Energy[entry],
        Time = _arrays.Time[entry],
        Eta = _arrays.Eta[entry],
        Phi = _arrays.Phi[entry],
        IsSeedHigh = _arrays.IsSeedHigh[entry],
        IsSeedLow = _arrays.IsSeedLow[entry],
        Layer = _arrays.Layer is Jagged<float> layer ? layer[entry] : default,
        HitCount = _arrays.HitCount is Jagged<float> hits ? hits[entry] : default,
        Label = _arrays.Label[entry],
        Origin = _arrays.Origin[entry],
        Target = _arrays.Target[entry],
        Fraction = _arrays.Truth.Fraction is Jagged<float> fraction ? fraction[entry] : default,
    };

    /// <summary>Ids of the layer clusters of one entry.</summary>
    public ReadOnlySpan<long> IdsOf(long entry) => _arrays.Id[entry];

    /// <summary>Event of one entry, or null.</summary>
    public long? EventOf(long entry) => _arrays.Event?[entry];

    /// <summary>Run and luminosity block of the event of one entry; 0 where the file does not say.</summary>
    public (long Run, long Lumi) BlockOf(long entry) => (_arrays.Run?[entry] ?? 0, _arrays.Lumi?[entry] ?? 0);

    /// <summary>Number of the trackster of one entry in its event, or null.</summary>
    public int? TracksterOf(long entry) => _arrays.Trackster?[entry];

    /// <summary>The file numbers the tracksters of an event.</summary>
    public bool HasTracksterNumbers => _arrays.Trackster is not null;

    /// <summary>[entries + 1] where the layer clusters of each entry begin.</summary>
    public ReadOnlyMemory<long> NodeOffsets => _arrays.Id.Offsets;

    /// <summary>[nodes] ids of all layer clusters.</summary>
    public ReadOnlyMemory<long> Ids => _arrays.Id.Values;

    /// <summary>What else the file says of one entry.</summary>
    public GraphTruth TruthOf(long entry) => _arrays.Truth.Of(entry);

    /// <summary>File, entry and event of one entry.</summary>
    public GraphOrigin OriginOf(long entry) => new(File, FirstEntry + entry, EventOf(entry));

    /// <summary>Builds the graph of one entry.</summary>
    /// <exception cref="DataException">The trackster contradicts itself.</exception>
    public ShowerGraph Build(long entry) => TryBuild(entry) ?? throw ProblemOf(entry)!;

    /// <summary>Builds the graph of one entry; null where the trackster contradicts itself.</summary>
    public ShowerGraph? TryBuild(long entry) => GraphBuilder.TryBuild(OriginOf(entry), this[entry]);

    /// <summary>Why an entry is no graph, or null.</summary>
    public DataException? ProblemOf(long entry) => GraphProblem.Find(this[entry])?.At(OriginOf(entry), TracksterTree, EdgeTree);

    /// <summary>The same for one that is left out: nothing is to be done about it.</summary>
    internal string? ReasonOf(long entry) => GraphProblem.Find(this[entry])?.Describe(OriginOf(entry), TracksterTree, EdgeTree);
}
