using System.Buffers;
using System.Numerics;

namespace Pruning.Data.Graphs;

/// <summary>
/// Ids of one trackster to rows: a small open-addressing table in a pooled buffer, at most half full. A Dictionary per
/// graph would cost more than everything else that is done to a graph.
/// </summary>
internal ref struct NodeIndex
{
    private readonly ReadOnlySpan<long> _ids;
    private readonly int _shift;
    private readonly int _mask;
    private int[]? _slots; // row + 1, 0 = free

    /// <summary>Indexes the ids; stops at the first id that comes twice.</summary>
    /// <param name="ids">[nodes] ids; must stay alive as long as the index.</param>
    /// <param name="duplicate">Row of the first repeated id, or -1.</param>
    public NodeIndex(ReadOnlySpan<long> ids, out int duplicate)
    {
        _ids = ids;
        int bits = Math.Max(2, BitOperations.Log2((uint)Math.Max(1, ids.Length)) + 2);
        int size = 1 << bits;
        _shift = 64 - bits;
        _mask = size - 1;
        _slots = ArrayPool<int>.Shared.Rent(size);
        Span<int> slots = _slots.AsSpan(0, size);
        slots.Clear();
        duplicate = -1;
        for (int row = 0; row < ids.Length; row++)
        {
            int slot = Start(ids[row]);
            while (slots[slot] != 0)
            {
                if (ids[slots[slot] - 1] == ids[row])
                {
                    duplicate = row;
                    return;
                }

                slot = (slot + 1) & _mask;
            }

            slots[slot] = row + 1;
        }
    }

    /// <summary>Row of an id, or -1.</summary>
    public readonly int Find(long id)
    {
        int[] slots = _slots!;
        int slot = Start(id);
        while (slots[slot] != 0)
        {
            int row = slots[slot] - 1;
            if (_ids[row] == id)
                return row;
            slot = (slot + 1) & _mask;
        }

        return -1;
    }

    /// <summary>Hands the buffer back.</summary>
    public void Dispose()
    {
        if (_slots is not null)
            ArrayPool<int>.Shared.Return(_slots);
        _slots = null;
    }

    // Fibonacci hashing: neighbouring ids, the usual case, land far apart.
    private readonly int Start(long id) => (int)((ulong)id * 0x9E3779B97F4A7C15UL >> _shift);
}
