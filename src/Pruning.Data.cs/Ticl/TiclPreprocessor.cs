using System.Collections.Concurrent;
using Pruning.Data.Batching;
using Pruning.Data.Errors;

namespace Pruning.Data.Ticl;

/// <summary>How ntuples become graphs.</summary>
public sealed record PreprocessOptions
{
    /// <summary>CLUE3D of the release that made the ntuple; a wrong one shows as a low share of exact tracksters.</summary>
    public Clue3DOptions High { get; init; } = Clue3DOptions.Cmssw2022;

    /// <summary>CLUE3D of the second pass, where the ntuple has its tracksters.</summary>
    public Clue3DOptions Low { get; init; } = Clue3DOptions.Cmssw2022;

    /// <summary>What is to be pruned.</summary>
    public LabelRule Labels { get; init; } = LabelRule.Majority;

    /// <summary>Which tracksters become graphs.</summary>
    public GraphSelection Selection { get; init; } = new() { MinEnergy = 0, MaxNodes = 1000000 };

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The first one that is, with its range.</exception>
    public void Check()
    {
        High.Check();
        Low.Check();
        Selection.Check();
    }
}

/// <summary>What happened to the tracksters of some events; counts that add.</summary>
/// <param name="Events">Events seen.</param>
/// <param name="Tracksters">Tracksters seen.</param>
/// <param name="Exact">Of these, with CLUE3D's own links.</param>
/// <param name="LeftOut">Of all, left out by the selection, unmatched ones among them.</param>
/// <param name="Unmatched">Of all, within the selection but without a particle of the hard scatter.</param>
/// <param name="AssociationsSeen">Shared energies that the file has.</param>
/// <param name="AssociationsDiffering">Of these, farther than 1 % and 10 MeV from ours: another truth or another collection.</param>
/// <param name="Barrel">Layer clusters of the barrel between those of the HGCAL, which were skipped.</param>
public readonly record struct PreprocessCounts(
    long Events, long Tracksters, long Exact, long LeftOut, long Unmatched, long AssociationsSeen, long AssociationsDiffering,
    long Barrel = 0)
{
    /// <summary>Tracksters whose links were repaired.</summary>
    public long Repaired => Tracksters - Exact;

    /// <summary>Adds two.</summary>
    public static PreprocessCounts operator +(PreprocessCounts a, PreprocessCounts b) => new(
        a.Events + b.Events, a.Tracksters + b.Tracksters, a.Exact + b.Exact, a.LeftOut + b.LeftOut, a.Unmatched + b.Unmatched,
        a.AssociationsSeen + b.AssociationsSeen, a.AssociationsDiffering + b.AssociationsDiffering, a.Barrel + b.Barrel);
}

/// <summary>
/// Graphs with labels from the columns of TICL ntuples: CLUE3D is run again for links and seeds, labels come from the
/// simulated tracksters. An instance serves one thread.
/// </summary>
public sealed class TiclPreprocessor
{
    private readonly PreprocessOptions _options;
    private readonly Clue3D _clue3D = new();
    private readonly LinkRebuilder _links = new();
    private readonly GraphMaker _graphs;

    /// <summary>Prepares with some options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Options out of range.</exception>
    public TiclPreprocessor(PreprocessOptions options)
    {
        options.Check();
        _options = options;
        _graphs = new GraphMaker(options.Labels, options.Selection);
    }

    /// <summary>The graphs of some columns, in order, a part for each entry or for several; several parts are made at once.</summary>
    /// <param name="columns">Columns.</param>
    /// <param name="options">Options.</param>
    /// <param name="firstNumber">Number of the event of entry 0, where the file does not say which event it is; the others follow.</param>
    /// <param name="workers">Threads; 0 works in the consumer's thread.</param>
    /// <param name="stop">Ends the sequence with an <see cref="OperationCanceledException"/>.</param>
    /// <param name="entriesPerPart">Entries whose graphs come together: fewer arrays than one by one.</param>
    /// <exception cref="DataException">
    /// The columns do not fit each other; or an entry does not, and that surfaces where its part stands.
    /// </exception>
    public static IEnumerable<(PreparedGraphs Graphs, PreprocessCounts Counts)> Run(
        TiclColumns columns, PreprocessOptions options, long firstNumber, int workers, CancellationToken stop = default,
        int entriesPerPart = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(entriesPerPart, 1);
        options.Check();
        columns.Check();
        ConcurrentBag<TiclPreprocessor> idle = [];
        (PreparedGraphs, PreprocessCounts) Prepare(int part)
        {
            TiclPreprocessor one = idle.TryTake(out TiclPreprocessor? free) ? free : new TiclPreprocessor(options);
            PreprocessCounts counts = default;
            int end = Math.Min(columns.EntryCount, (part + 1) * entriesPerPart);
            for (int entry = part * entriesPerPart; entry < end; entry++)
                counts += one.Collect(columns, entry, firstNumber + entry);
            PreparedGraphs graphs = one._graphs.Take();
            idle.Add(one);
            return (graphs, counts);
        }

        int parts = (columns.EntryCount + entriesPerPart - 1) / entriesPerPart;
        return Prefetch.InOrder([.. Enumerable.Range(0, parts)], Prepare, workers, Math.Max(1, 4 * workers), stop);
    }

    /// <summary>The graphs of one entry.</summary>
    /// <param name="columns">Columns that count the same entries (<see cref="TiclColumns.Check"/>).</param>
    /// <param name="entry">Entry within them.</param>
    /// <param name="number">Number of the event, where the file does not say it.</param>
    /// <param name="counts">What happened.</param>
    /// <exception cref="DataException">The entry does not fit: lengths, indices, layers or numbers that cannot be.</exception>
    public PreparedGraphs Prepare(TiclColumns columns, int entry, long number, out PreprocessCounts counts)
    {
        counts = Collect(columns, entry, number);
        return _graphs.Take();
    }

    private PreprocessCounts Collect(TiclColumns columns, int entry, long number)
    {
        string where = $"{columns.File}, entry {columns.FirstEntry + entry}";
        LayerClusterColumns clusters = columns.Clusters.At(entry, $"{where}, tree '{TiclSchema.Clusters}'");
        ReadOnlySpan<TiclClusterState> states = columns.Clusters.State is ListValues<TiclClusterState> known ? known[entry] : [];
        EventTruth truth = SimulatedTruth.At(columns.Simulated, entry, clusters.Count, states, where);
        long leftOut = _graphs.LeftOut, unmatched = _graphs.Unmatched;
        if (columns.Events is TiclEvents events)
            _graphs.Begin(events.Event[entry], clusters, truth, events.Run[entry], events.Lumi[entry]);
        else
            _graphs.Begin(number, clusters, truth);
        PreprocessCounts counts = new(1, 0, 0, 0, 0, 0, 0, states.Count(TiclClusterState.Barrel));
        bool[] isFree = new bool[clusters.Count];
        isFree.AsSpan().Fill(true);
        for (int i = 0; i < states.Length; i++)
            isFree[i] = states[i] == TiclClusterState.Present;
        foreach (TiclTracksters collection in columns.Tracksters)
        {
            // The second pass of CMSSW gets what the tracksters of the first one left, those of the file.
            Clue3DOptions options = collection.Pass == TracksterPass.High ? _options.High : _options.Low;
            if (!columns.Clusters.HasHitCounts)
                options = options with { MinHits = 0 }; // a layer cluster of a trackster had enough
            Clue3DResult pass = _clue3D.Run(clusters, collection.Pass == TracksterPass.High && states.IsEmpty ? [] : isFree, options);
            for (int t = 0; t < collection.Vertices.CountOf(entry); t++)
            {
                int[] members = MembersOf(collection, entry, t, clusters.Count, where, out float[] parts);
                int present = states.IsEmpty ? members.Length : KeepPresent(states, members, parts);
                counts += Add(collection, entry, t, members.AsSpan(0, present), parts.AsSpan(0, Math.Min(present, parts.Length)), clusters,
                    pass, options, truth, where);
                foreach (int member in members.AsSpan(0, present))
                    isFree[member] = false;
            }
        }

        return counts + new PreprocessCounts(0, 0, 0, _graphs.LeftOut - leftOut, _graphs.Unmatched - unmatched, 0, 0);
    }

    private PreprocessCounts Add(
        TiclTracksters collection, int entry, int trackster, ReadOnlySpan<int> members, ReadOnlySpan<float> parts,
        LayerClusterColumns clusters, Clue3DResult pass, Clue3DOptions options, EventTruth truth, string where)
    {
        int[] parents = new int[members.Length];
        bool exact = _links.Find(clusters, pass, options, members, collection.IsMerged, parents) == LinkOrigin.Exact;
        _graphs.Add(collection.Pass, trackster, members, parents, exact, parts,
            SimulatedTruth.Known(collection, entry, trackster, truth.HardScatter.ParticleCount, where));
        return new PreprocessCounts(0, 1, exact ? 1 : 0, 0, 0, 0, 0)
            + SimulatedTruth.Compare(collection, entry, trackster, members, parts, clusters, truth, where);
    }

    // Layer clusters of the HGCAL come first then; how many there are.
    private static int KeepPresent(ReadOnlySpan<TiclClusterState> states, int[] members, float[] parts)
    {
        int kept = 0;
        for (int i = 0; i < members.Length; i++)
        {
            if (states[members[i]] != TiclClusterState.Present)
                continue;
            members[kept] = members[i];
            if (parts.Length > 0)
                parts[kept] = parts[i];
            kept++;
        }

        return kept;
    }

    /// <summary>Layer clusters of a trackster, rising, each once, and its part of each; no parts where all are whole.</summary>
    private static int[] MembersOf(TiclTracksters collection, int entry, int trackster, int clusters, string where, out float[] parts)
    {
        ReadOnlySpan<uint> vertices = collection.Vertices[entry, trackster];
        int[] members = new int[vertices.Length];
        parts = PartsOf(collection, entry, trackster, where);
        for (int i = 0; i < members.Length; i++)
        {
            if (vertices[i] >= (uint)clusters)
                throw SimulatedTruth.Beyond(vertices[i], clusters, where, collection.Tree, trackster);
            members[i] = (int)vertices[i];
        }

        if (parts.Length > 0)
            Array.Sort(members, parts);
        else
            Array.Sort(members);
        int kept = 0;
        for (int i = 0; i < members.Length; i++)
        {
            if (kept > 0 && members[kept - 1] == members[i])
                continue;
            if (parts.Length > 0)
                parts[kept] = parts[i];
            members[kept++] = members[i];
        }

        if (parts.Length > 0)
            parts = parts[..kept];
        return kept == members.Length ? members : members[..kept];
    }

    // A trackster has 1 over the multiplicity of a layer cluster. 0 is what old ntuples have where it overflowed.
    private static float[] PartsOf(TiclTracksters collection, int entry, int trackster, string where)
    {
        if (collection.Multiplicity is not NestedValues<float> all)
            return [];
        int vertices = collection.Vertices[entry, trackster].Length;
        int lists = all.CountOf(entry);
        ReadOnlySpan<float> multiplicities = trackster < lists ? all[entry, trackster] : [];
        if (lists != collection.Vertices.CountOf(entry) || multiplicities.Length != vertices)
            throw new DataException(
                $"{where}, tree '{collection.Tree}', trackster {trackster}: {TiclSchema.Multiplicity} counts "
                    + $"{multiplicities.Length}, but {TiclSchema.Vertices} counts {vertices}: the ntuple is damaged.");
        bool shared = false;
        for (int v = 0; v < vertices; v++)
        {
            if (!(multiplicities[v] >= 0))
                throw new DataException(
                    $"{where}, tree '{collection.Tree}', trackster {trackster}: the multiplicity of vertex {v} is "
                        + $"{multiplicities[v]}, but it is 1 over a fraction: the ntuple is damaged.");
            shared |= multiplicities[v] > 1;
        }

        if (!shared)
            return [];
        float[] parts = new float[vertices];
        for (int v = 0; v < vertices; v++)
            parts[v] = multiplicities[v] > 1 ? 1 / multiplicities[v] : 1;
        return parts;
    }
}
