using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Encoding;

namespace Pruning.Root.Ntuples;

/// <summary>
/// A level that is being read, shared by all leaves below it. From the wanted items above it follow the items of the next
/// level.
/// </summary>
internal sealed class LevelNode
{
    private readonly List<LevelNode> _children = [];
    private readonly NtupleLevel _level;
    private readonly RootLocation _location;
    private long[]? _offsets;
    private SwitchElement[] _switches = [];

    private LevelNode(LevelNode? parent, NtupleLevel level, RootLocation location)
    {
        Parent = parent;
        _level = level;
        _location = location;
        PerEntry = parent is null ? 1 : parent.PerEntry is long above && level.Kind == LevelKind.Arrays ? above * level.Number : null;
    }

    public LevelNode? Parent { get; }

    public IReadOnlyList<LevelNode> Children => _children;

    /// <summary>Items of the next level, cluster by cluster.</summary>
    public ClusterSlice[] Items { get; private set; } = [];

    /// <summary>Number of them.</summary>
    public long ItemCount => Items.Length == 0 ? 0 : Items[^1].Start + Items[^1].Count;

    /// <summary>Items per entry where that is constant, else null.</summary>
    public long? PerEntry { get; }

    /// <summary>The entries themselves.</summary>
    public static LevelNode OfEntries(ClusterSlice[] entries, RootLocation location) => new(null, default, location) { Items = entries };

    /// <summary>The node of a level below this one, made when a leaf first needs it.</summary>
    public LevelNode Below(NtupleLevel level, RootLocation location)
    {
        LevelNode? node = _children.Find(child => child._level == level);
        if (node is null)
            _children.Add(node = new LevelNode(this, level, location));
        return node;
    }

    /// <summary>[items above + 1] first item of each item above. For constant lengths it is created on first use.</summary>
    public long[] Offsets(ReadBudget budget)
    {
        if (_offsets is not null)
            return _offsets;
        long count = Parent!.ItemCount;
        budget.Take(count + 1, sizeof(long), _location);
        long[] offsets = new long[count + 1];
        for (long i = 0; i <= count; i++)
            offsets[i] = i * _level.Number;
        return _offsets = offsets;
    }

    /// <summary>Allocates memory and adds the pages that must be decoded before <see cref="Finish"/>.</summary>
    public void Prepare(List<PageRead> reads, ReadBudget budget)
    {
        long count = Parent!.ItemCount;
        if (_level.Kind == LevelKind.Arrays)
            return;
        budget.Take(count + 1, sizeof(long), _location);
        _offsets = new long[count + 1];
        PageSink sink;
        if (_level.Kind == LevelKind.Alternative)
        {
            budget.Take(count, 16, _location);
            _switches = new SwitchElement[count];
            sink = new SwitchSink(_switches, _location);
        }
        else
        {
            sink = new EndSink(_offsets, _location);
        }
        foreach (ClusterSlice slice in Parent.Items)
        {
            if (_level.Kind == LevelKind.Alternative)
            {
                ClusterColumns.AddReads(reads, sink, _level.Family!, slice, Parent.PerEntry, budget);
                continue;
            }
            // Ends follow the offset 0. If the slice does not begin with the cluster's first list, the end of the list before it
            // is needed too. Only the first slice can begin like that, and it has room for that end at offset 0.
            ClusterSlice ends = slice with { Start = slice.Start + 1 };
            if (slice is { First: > 0, Count: > 0 })
                ends = ends with { First = slice.First - 1, Start = slice.Start };
            ClusterColumns.AddReads(reads, sink, _level.Family!, ends, Parent.PerEntry, budget);
        }
    }

    /// <summary>Converts the decoded pages to offsets, and finds the items of the next level.</summary>
    public void Finish(ReadBudget budget)
    {
        ClusterSlice[] above = Parent!.Items;
        budget.Take(above.Length, ClusterSlice.Bytes, _location);
        var items = new ClusterSlice[above.Length];
        long next = 0;
        for (int i = 0; i < above.Length; i++)
        {
            items[i] = _level.Kind switch
            {
                LevelKind.Arrays => OfArrays(above[i], next),
                LevelKind.Lists => OfLists(above[i], next),
                _ => OfAlternative(above[i], next),
            };
            if (items[i].Count > Array.MaxLength - next)
                throw new RootFormatException(RootErrorKind.MemoryLimit, $"one array cannot hold {next} and {items[i].Count} elements",
                    _location with { Cluster = above[i].Cluster.Index }, "Read fewer entries at once.");
            next += items[i].Count;
        }
        _switches = [];
        Items = items;
    }

    private ClusterSlice OfArrays(ClusterSlice slice, long next)
    {
        if (slice.End > long.MaxValue / Math.Max(1, _level.Number))
            throw new RootFormatException(RootErrorKind.MemoryLimit, $"{slice.End} arrays of {_level.Number} elements are too many",
                _location);
        return new ClusterSlice(slice.Cluster, slice.First * _level.Number, slice.End * _level.Number, next, slice.IsLast);
    }

    // Ends that count from the start of the cluster become ends that count from the start of the output.
    private ClusterSlice OfLists(ClusterSlice slice, long next)
    {
        long first = slice is { First: > 0, Count: > 0 } ? _offsets![slice.Start] : 0;
        Span<long> ends = _offsets.AsSpan((int)slice.Start + 1, (int)slice.Count);
        if (slice.Start == 0)
            _offsets![0] = 0;
        long previous = first;
        if (first < 0)
            throw Decreasing(slice, -1, first, 0);
        for (int i = 0; i < ends.Length; i++)
        {
            long end = ends[i];
            if (end < previous)
                throw Decreasing(slice, i, end, previous);
            previous = end;
            ends[i] = next + (end - first);
        }
        // An empty slice in the middle of a cluster does not know where it ends.
        return new ClusterSlice(slice.Cluster, first, previous, next, slice.IsLast && (slice.First == 0 || slice.Count > 0));
    }

    private RootFormatException Decreasing(ClusterSlice slice, long index, long end, long previous) => new(
        RootErrorKind.CorruptNtuple,
        $"list {slice.First + index} of the cluster ends at element {end}, the one before it at {previous}",
        _location with { Cluster = slice.Cluster.Index });

    private ClusterSlice OfAlternative(ClusterSlice slice, long next)
    {
        Span<long> offsets = _offsets.AsSpan((int)slice.Start + 1, (int)slice.Count);
        ReadOnlySpan<SwitchElement> elements = _switches.AsSpan((int)slice.Start, (int)slice.Count);
        long found = 0;
        ulong first = 0;
        for (int i = 0; i < elements.Length; i++)
        {
            if (elements[i].Tag == _level.Number)
            {
                if (found == 0)
                    first = elements[i].Index;
                // Writers append, so the elements of an alternative are consecutive. (The alternative "no value" has no elements.)
                else if (_level.Number > 0 && elements[i].Index - first != (ulong)found)
                    throw Scattered(slice, i, elements[i].Index, first + (ulong)found);
                found++;
            }
            offsets[i] = next + found;
        }
        if (_level.Number == 0)
            first = 0;
        if (first > long.MaxValue / 2)
            throw Scattered(slice, 0, first, 0);
        // Without an element of the alternative, the number of those before the slice is unknown.
        bool isLast = slice.IsLast && (slice.First == 0 || (found > 0 && _level.Number > 0));
        return new ClusterSlice(slice.Cluster, (long)first, (long)first + found, next, isLast);
    }

    private RootFormatException Scattered(ClusterSlice slice, long index, ulong element, ulong expected) => new(
        RootErrorKind.CorruptNtuple,
        $"variant {slice.First + index} of the cluster holds element {element} of its alternative where {expected} comes next",
        _location with { Cluster = slice.Cluster.Index });
}
