using Pruning.Data.Errors;
using Pruning.Data.Graphs;
using Pruning.Data.Tracksters;

namespace Pruning.Data.Batching;

/// <summary>A file that was read.</summary>
/// <param name="Path">Path as it was given, or as a pattern gave it.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="EntryCount">Tracksters in it.</param>
/// <param name="GraphCount">Graphs that came of them.</param>
public sealed record InputFile(string Path, long Bytes, long EntryCount, long GraphCount);

/// <summary>Something that was left out on request.</summary>
/// <param name="File">Path of the file.</param>
/// <param name="Entry">Entry of the trackster; null = the whole file.</param>
/// <param name="Reason">What is wrong and where: the error that it would have been.</param>
public sealed record SkippedInput(string File, long? Entry, string Reason);

/// <summary>
/// The graphs of one or more prepared files. The columns are in memory, checked when they were read; graphs are built
/// when asked for, from any thread. Graph i is the same in every run over the same files in the same order.
/// </summary>
public sealed partial class GraphDataset : IDisposable
{
    private readonly Place[] _places;
    private IReadOnlyList<TracksterTable>? _tables;
    private IReadOnlyList<ShowerGraph>? _graphs;

    private GraphDataset(IReadOnlyList<TracksterTable>? tables, IReadOnlyList<ShowerGraph>? graphs, Place[] places, int workers)
    {
        _tables = tables;
        _graphs = graphs;
        _places = places;
        Workers = Math.Max(1, workers);
        Count = graphs?.Count ?? places.Length;
    }

    /// <summary>Number of graphs.</summary>
    public int Count { get; }

    /// <summary>The files that were read, in order; none for graphs made in memory.</summary>
    public IReadOnlyList<InputFile> Files { get; private init; } = [];

    /// <summary>What was left out, in order.</summary>
    public IReadOnlyList<SkippedInput> Skipped { get; private init; } = [];

    /// <summary>Threads that passes over the whole dataset use.</summary>
    public int Workers { get; }

    /// <summary>Builds a graph. Thread-safe.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such graph.</exception>
    public ShowerGraph this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            if (_graphs is not null)
                return _graphs[index];
            Place place = _places[index];
            return Table(place).Build(place.Entry);
        }
    }

    /// <summary>A dataset of graphs made in memory.</summary>
    public static GraphDataset OfGraphs(IReadOnlyList<ShowerGraph> graphs) => new(null, graphs, [], Environment.ProcessorCount);

    /// <summary>Event of a graph, or null where its file does not say.</summary>
    public long? EventOf(int index) => _graphs is not null ? _graphs[index].Origin.Event
        : Table(_places[index]).EventOf(_places[index].Entry);

    /// <summary>
    /// A number that graphs of one event share, at least 0; null where the file does not say. It is the event's own number
    /// where there is no run, else a hash of 63 bits of run, luminosity block and event.
    /// </summary>
    public long? EventKeyOf(int index)
    {
        if (EventOf(index) is not long number)
            return null;
        (long run, long lumi) = _graphs is not null ? default : Table(_places[index]).BlockOf(_places[index].Entry);
        return run == 0 && lumi == 0 ? number
            : (long)(StableHash.Mix(StableHash.Mix((ulong)run, (ulong)lumi), (ulong)number) & long.MaxValue);
    }

    /// <summary>Ids of the layer clusters of a graph, row by row; empty for graphs made in memory.</summary>
    public ReadOnlySpan<long> IdsOf(int index) => _graphs is not null ? [] : Table(_places[index]).IdsOf(_places[index].Entry);

    /// <summary>Nodes of a graph, without building it.</summary>
    public int NodeCountOf(int index) => _graphs is not null ? _graphs[index].NodeCount
        : Table(_places[index]).IdsOf(_places[index].Entry).Length;

    /// <summary>What else the file of a graph says about it; nothing for graphs made in memory.</summary>
    public GraphTruth TruthOf(int index) => _graphs is not null ? default : Table(_places[index]).TruthOf(_places[index].Entry);

    /// <summary>The columns of a graph as they stand in its file; empty for graphs made in memory.</summary>
    public TracksterColumns ColumnsOf(int index) => _graphs is not null ? default : Table(_places[index])[_places[index].Entry];

    /// <summary>Lets go of the columns; the dataset is of no use after that.</summary>
    public void Dispose()
    {
        _tables = null;
        _graphs = null;
    }

    internal static GraphDataset OfTables(IReadOnlyList<TracksterTable> tables, TracksterReadOptions options, List<SkippedInput> skipped)
    {
        List<Place> places = [];
        List<InputFile> files = [];
        for (int t = 0; t < tables.Count; t++)
        {
            TracksterTable table = tables[t];
            bool[] bad = Check(table, options);
            int before = places.Count;
            for (int entry = 0; entry < bad.Length; entry++)
            {
                if (bad[entry])
                    skipped.Add(new SkippedInput(table.File, entry, table.ReasonOf(entry)!));
                else
                    places.Add(new Place(t, entry));
            }

            long bytes = File.Exists(table.File) ? new FileInfo(table.File).Length : 0;
            files.Add(new InputFile(table.File, bytes, table.EntryCount, places.Count - before));
        }

        if (places.Count == 0)
            throw new DataException(
                $"wanted at least one trackster, found none in {string.Join(", ", files.Select(file => file.Path))}{(skipped.Count > 0 ? $" ({skipped.Count} skipped; the first: {skipped[0].Reason})" : "")}.");
        return new GraphDataset(tables, null, [.. places], options.Workers) { Files = files, Skipped = skipped };
    }

    // Every trackster is checked before the first is used: better now than in the middle of an epoch, and the number of
    // graphs has to be known. Which error is reported does not depend on the threads.
    private static bool[] Check(TracksterTable table, TracksterReadOptions options)
    {
        bool[] bad = new bool[checked((int)table.EntryCount)];
        const int Chunk = 1024;
        int chunks = (bad.Length + Chunk - 1) / Chunk;
        Parallel.For(0, chunks, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Workers) }, chunk =>
        {
            int end = Math.Min(bad.Length, (chunk + 1) * Chunk);
            for (int entry = chunk * Chunk; entry < end; entry++)
                bad[entry] = GraphProblem.Find(table[entry]) is not null;
        });
        int first = options.SkipBadGraphs ? -1 : Array.IndexOf(bad, true);
        return first >= 0 ? throw table.ProblemOf(first)! : bad;
    }

    private TracksterTable Table(Place place)
    {
        ObjectDisposedException.ThrowIf(_tables is null, this);
        return _tables[place.Table];
    }

    private readonly record struct Place(int Table, int Entry);
}
