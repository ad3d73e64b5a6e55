using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;

namespace Pruning.Root.Ntuples;

/// <summary>A leaf that is being read: its levels and its values.</summary>
internal sealed class LeafReading
{
    private readonly NtupleLeaf _leaf;
    private readonly LevelNode[] _levels;
    private readonly LevelNode _last;
    private readonly ValueSink? _sink;
    private readonly RootLocation _location;
    private readonly long _first;
    private byte[] _characters = [];

    /// <param name="leaf">The leaf.</param>
    /// <param name="entries">The wanted entries.</param>
    /// <param name="type">.NET type of the values; null for their own.</param>
    /// <param name="first">First entry.</param>
    /// <param name="location">The leaf's field.</param>
    public LeafReading(NtupleLeaf leaf, LevelNode entries, Type? type, long first, RootLocation location)
    {
        _leaf = leaf;
        _location = location;
        _first = first;
        _last = entries;
        var levels = new List<LevelNode>();
        foreach (NtupleLevel level in leaf.Levels)
        {
            _last = _last.Below(level, location);
            levels.Add(_last);
        }
        _levels = [.. levels];
        if (leaf.Kind != LeafKind.Text)
        {
            _sink = ValueSink.Create(type ?? leaf.Type.ClrType(), location)
                ?? throw new RootFormatException(RootErrorKind.WrongElementType,
                    $"values cannot be given as {type!.Name}, only as numbers and bool", location);
        }
    }

    /// <summary>Allocates the values once all levels are known, and adds the pages that hold them.</summary>
    public void Prepare(List<PageRead> reads, ReadBudget budget)
    {
        long count = _leaf.Kind == LeafKind.Counts ? _last.Parent!.ItemCount : _last.ItemCount;
        budget.Take(count, _sink?.ValueBytes ?? 1, _location);
        if (_leaf.Kind == LeafKind.Counts)
            return;
        PageSink sink;
        if (_sink is null)
        {
            _characters = new byte[count];
            sink = new CharacterSink(_characters, _location);
        }
        else
        {
            _sink.Allocate(count);
            sink = _sink;
        }
        if (_leaf.Values is null)
            return;
        foreach (ClusterSlice slice in _last.Items)
        {
            long missing = ClusterColumns.AddReads(reads, sink, _leaf.Values, slice, _last.PerEntry, budget);
            _sink?.Clear(slice.Start, missing);
        }
    }

    /// <summary>The finished column, of any depth.</summary>
    public RootColumn Column(string branch, long entryCount, ReadBudget budget)
    {
        TakeCounts(budget);
        long[][] levels = [.. ListLevels.Select(level => level.Offsets(budget))];
        return _leaf.Kind == LeafKind.Text
            ? new TextColumn(branch, _leaf.Member, _first, entryCount, levels, _last.Offsets(budget), _characters)
            : _sink!.Nested(branch, _leaf.Member, _first, entryCount, levels);
    }

    /// <summary>The finished column of a leaf with one level of lists, or none.</summary>
    public JaggedColumn Jagged(string branch, long entryCount, ReadBudget budget)
    {
        TakeCounts(budget);
        int? fixedLength = _leaf.FixedLength;
        long[]? offsets = fixedLength is null ? ListLevels[0].Offsets(budget) : null;
        int inner = _leaf.InnerLength;
        return _sink!.Jagged(branch, _first, entryCount, fixedLength, inner, inner == 1 || offsets is null ? offsets
            : Scale(offsets, inner, budget));
    }

    // Converts ends in elements to ends in values. The lists' offsets are not changed, because other leaves share them.
    private long[] Scale(long[] offsets, int by, ReadBudget budget)
    {
        budget.Take(offsets.LongLength, sizeof(long), _location);
        long[] scaled = new long[offsets.LongLength];
        for (int i = 0; i < scaled.Length; i++)
            scaled[i] = offsets[i] * by;
        return scaled;
    }

    private LevelNode[] ListLevels => _leaf.Kind is LeafKind.Text or LeafKind.Counts ? _levels[..^1] : _levels;

    private void TakeCounts(ReadBudget budget)
    {
        if (_leaf.Kind == LeafKind.Counts)
            _sink!.TakeLengths(_last.Offsets(budget));
    }
}
