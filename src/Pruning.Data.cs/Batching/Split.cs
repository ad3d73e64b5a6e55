using System.IO.Hashing;
using System.Runtime.InteropServices;
using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

/// <summary>How a dataset is divided.</summary>
public sealed record SplitOptions
{
    /// <summary>Share of the graphs that train, above 0 and at most 1; the rest is halved into validation and test.</summary>
    public double TrainingFraction { get; init; } = 0.75;

    /// <summary>Share of each part that is used, above 0 and at most 1.</summary>
    public double SamplingFraction { get; init; } = 1;

    /// <summary>Another seed, another division.</summary>
    public long Seed { get; init; }
}

/// <summary>Which graphs of a dataset belong where; each list rises, no graph is in two.</summary>
/// <param name="Training">Graphs to learn from.</param>
/// <param name="Validation">Graphs to choose by.</param>
/// <param name="Test">Graphs to report on.</param>
/// <param name="ByEvent">Every graph said which event it is from, and events were kept whole.</param>
/// <param name="GroupCount">Number of events, or of different graphs where there are none.</param>
public sealed record SplitIndices(int[] Training, int[] Validation, int[] Test, bool ByEvent, int GroupCount);

/// <summary>
/// Training, validation and test. Graphs of one event are correlated, so an event is never divided; where a file does
/// not say which event, a graph stands for itself. Events (graphs) are sorted by a hash of the seed and of what they
/// are - run, luminosity block and event number, or the graph's own features and edges, not its labels and not its place - and the list is
/// cut at the fractions. So the parts have the sizes that were asked for, to the nearest event; neither the order of
/// the files nor how graphs are spread over files matters; and copies of a graph never end on both sides. Equal event
/// numbers in different files count as one event, which can make the cut coarser but cannot leak.
/// </summary>
public static class Split
{
    /// <summary>Divides a dataset.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A fraction outside (0, 1].</exception>
    public static SplitIndices Create(GraphDataset dataset, SplitOptions options)
    {
        Require(options.TrainingFraction, nameof(options.TrainingFraction));
        Require(options.SamplingFraction, nameof(options.SamplingFraction));
        ulong[] keys = new ulong[dataset.Count];
        bool[] hasEvent = new bool[dataset.Count];
        Parallel.For(0, keys.Length, new ParallelOptions { MaxDegreeOfParallelism = dataset.Workers }, i =>
        {
            long? number = dataset.EventKeyOf(i);
            hasEvent[i] = number is not null;
            ulong what = number is long n ? StableHash.Mix(0, (ulong)n) : StableHash.Mix(1, ContentHash(dataset[i]));
            keys[i] = StableHash.Mix((ulong)options.Seed, what);
        });
        int[] order = new int[keys.Length];
        for (int i = 0; i < order.Length; i++)
            order[i] = i;
        Array.Sort(keys, order);
        int[] groupStarts = GroupStarts(keys);

        // Cuts in the sorted list: training | validation | test.
        int count = keys.Length;
        int trained = Nearest(groupStarts, 0, Share(options.TrainingFraction, count));
        int validated = Nearest(groupStarts, trained, trained + ((count - trained + 1) / 2));
        // A single event is left: it validates, as models are chosen by that.
        if (validated == trained && trained < count)
            validated = groupStarts[Array.BinarySearch(groupStarts, trained) + 1];
        return new SplitIndices(
            Part(0, trained),
            Part(trained, validated),
            Part(validated, count),
            ByEvent: Array.TrueForAll(hasEvent, known => known),
            groupStarts.Length - 1);

        int[] Part(int start, int end)
        {
            // Sampling each part for itself keeps every graph in its part: learning curves do not mix them. A part
            // that is not empty keeps at least one event.
            int wanted = start + Share(options.SamplingFraction, end - start);
            int last = Math.Min(end, Nearest(groupStarts, start, wanted));
            if (last == start && end > start)
                last = groupStarts[Array.BinarySearch(groupStarts, start) + 1];
            int[] part = order[start..last];
            Array.Sort(part);
            return part;
        }
    }

    /// <summary>Hash of the features and edges of a graph; its labels and its place do not enter.</summary>
    internal static ulong ContentHash(ShowerGraph graph)
    {
        ulong features = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(graph.Features.AsSpan()));
        ulong source = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(graph.Source.AsSpan()));
        ulong target = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(graph.Target.AsSpan()));
        return StableHash.Mix(StableHash.Mix(features, source), target);
    }

    private static void Require(double fraction, string name)
    {
        if (!(fraction > 0 && fraction <= 1))
            throw new ArgumentOutOfRangeException(name, fraction, "wanted a fraction above 0 and at most 1");
    }

    private static int Share(double fraction, int count) => (int)Math.Round(fraction * count, MidpointRounding.AwayFromZero);

    // Places where one key ends and the next begins, both ends of the list included.
    private static int[] GroupStarts(ulong[] sortedKeys)
    {
        List<int> starts = [0];
        for (int i = 1; i < sortedKeys.Length; i++)
        {
            if (sortedKeys[i] != sortedKeys[i - 1])
                starts.Add(i);
        }

        if (sortedKeys.Length > 0)
            starts.Add(sortedKeys.Length);
        return [.. starts];
    }

    // The allowed cut nearest to the wanted one, not before `from`; the lower one of two.
    private static int Nearest(int[] cuts, int from, int wanted)
    {
        int found = Array.BinarySearch(cuts, wanted);
        if (found >= 0)
            return Math.Max(from, cuts[found]);
        int above = ~found;
        if (above >= cuts.Length)
            return Math.Max(from, cuts[^1]);
        int best = above > 0 && wanted - cuts[above - 1] <= cuts[above] - wanted ? cuts[above - 1] : cuts[above];
        return Math.Max(from, best);
    }
}
