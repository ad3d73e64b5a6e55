namespace Pruning.Data.Pruned;

/// <summary>
/// Which items of which entries are kept. Entry <see cref="Entries"/>[k] keeps of its items those at the positions
/// <see cref="Items"/>[<see cref="Offsets"/>[k] .. Offsets[k + 1]).
/// </summary>
internal sealed class Selection
{
    private readonly List<int> _entries = [];
    private readonly List<int> _items = [];
    private readonly List<long> _offsets = [0];

    /// <summary>Entries that are kept, rising, counted within the block.</summary>
    public IReadOnlyList<int> Entries => _entries;

    /// <summary>Positions within their entries.</summary>
    public IReadOnlyList<int> Items => _items;

    /// <summary>[kept entries + 1]</summary>
    public long[] Offsets => [.. _offsets];

    /// <summary>Keeps an item of the entry that is being put together.</summary>
    public void Add(int item) => _items.Add(item);

    /// <summary>Ends an entry; the items added since the last one are its own.</summary>
    public void End(int entry)
    {
        _entries.Add(entry);
        _offsets.Add(_items.Count);
    }
}
