using Pruning.Data.Tracksters;
using Pruning.Root.Columns;
using Pruning.Root.Trees;
using Pruning.Root.Writing;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Pruned;

/// <summary>A tree of the input that the copy has too, with every branch that can be written again.</summary>
internal sealed class CopiedTable
{
    private readonly List<CopiedColumn> _columns = [];
    private readonly CounterGroup? _counter;

    /// <summary>Adds the tree to the copy.</summary>
    /// <param name="file">The copy.</param>
    /// <param name="table">The tree of the input.</param>
    /// <param name="item">Branch with one value for each item that is selected among; null where whole entries are.</param>
    /// <param name="own">Branches of items whose values are not taken from the input: the ends of links.</param>
    /// <param name="leftOut">Gets the branches that cannot be written.</param>
    public CopiedTable(RootFileWriter file, IRootTable table, string? item, IReadOnlyList<string> own, ICollection<string> leftOut)
    {
        Tree = file.CreateTree(table.Path, table.Title);
        Dictionary<string, string> counters = Counters(table);
        string? counter = item is null ? null : counters.GetValueOrDefault(item);
        _counter = counter is null ? null : Tree.Counter(counter);
        foreach (IRootBranch branch in table.Branches)
        {
            if (counters.ContainsValue(branch.Name))
                continue; // filled anew from what it counts
            if (own.Contains(branch.Name))
                Ends.Add(LinkEnds.Of(Tree, branch, _counter));
            else if (Column(table, branch, item, counters) is CopiedColumn column)
                _columns.Add(column);
            else
                leftOut.Add($"{table.Path}/{branch.Name} ({branch.TypeName})");
        }
    }

    /// <summary>The tree in the copy.</summary>
    public TreeWriter Tree { get; }

    /// <summary>The branches that were asked to be the caller's, in the order of the tree.</summary>
    public List<LinkEnds> Ends { get; } = [];

    /// <summary>Reads and selects; safe from many threads.</summary>
    public List<BranchData> Take(long first, long end, Selection selection)
    {
        List<BranchData> data = [.. _columns.Select(column => column.Take(first, end, selection))];
        if (_counter is not null)
            data.Add(_counter.Lists(selection.Offsets));
        return data;
    }

    private CopiedColumn? Column(IRootTable table, IRootBranch branch, string? item, Dictionary<string, string> counters)
    {
        if (!branch.IsSupported || branch.EntryCount != table.EntryCount)
            return null;
        if (branch.ElementType is not null)
            return CopiedColumn.OfNumbers(Tree, table, branch, _counter, item is not null && branch.FixedLength is null
                && IsPerItem(table, branch, item, counters));
        return branch.TypeName is "string" or "char*" or "TString" or "std::string"
            && table.ReadColumns(branch.Name, 0, 0) is [TextColumn { Levels.Count: 0 }]
            ? new CopiedText(Tree, table, branch.Name)
            : null;
    }

    // The same counter is proof; of vectors, and of lists with a counter of their own, the first entries tell. A later entry
    // that disagrees is refused when it is read.
    private static bool IsPerItem(IRootTable table, IRootBranch branch, string item, Dictionary<string, string> counters)
    {
        if (branch.Name == item || TracksterSchema.Features.Contains(branch.Name) || branch.Name == TracksterSchema.Label)
            return true;
        if (counters.TryGetValue(branch.Name, out string? own) && counters.TryGetValue(item, out string? shared) && own == shared)
            return true;
        long seen = Math.Min(1000, table.EntryCount);
        JaggedColumns both = table.Read([ColumnRequest.Of(item), ColumnRequest.Of(branch.Name)], 0, seen);
        return both.Columns[0].Levels[0].AsSpan().SequenceEqual(both.Columns[1].Levels[0]);
    }

    // Branch to the branch that counts its elements.
    private static Dictionary<string, string> Counters(IRootTable table)
    {
        Dictionary<string, string> counters = new(StringComparer.Ordinal);
        foreach (RootBranch branch in table.Branches.OfType<RootBranch>())
        {
            if (branch is { IsSupported: true, Counter: string counter } && table.TryBranch(counter, out IRootBranch? found)
                && found.FixedLength == 1)
                counters[branch.Name] = counter;
        }

        return counters;
    }
}
