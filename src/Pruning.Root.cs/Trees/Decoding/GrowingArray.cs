using System.Buffers;
using System.Runtime.CompilerServices;
using Pruning.Root.Files;

namespace Pruning.Root.Trees.Decoding;

/// <summary>A pooled array that grows within a budget. Disposing it returns its memory.</summary>
internal sealed class GrowingArray<T>(ReadBudget budget) : IDisposable
    where T : unmanaged
{
    private const int FirstCapacity = 256;

    private T[] _items = [];
    private int _count;

    /// <summary>Items so far.</summary>
    public int Count => _count;

    /// <summary>The items so far.</summary>
    public ReadOnlySpan<T> Items => _items.AsSpan(0, _count);

    /// <summary>Adds one item.</summary>
    public void Add(T item)
    {
        if (_count == _items.Length)
            Grow(1);
        _items[_count++] = item;
    }

    /// <summary>Adds room for items, which the caller fills.</summary>
    public Span<T> Extend(int count)
    {
        if (count > _items.Length - _count)
            Grow(count);
        Span<T> added = _items.AsSpan(_count, count);
        _count += count;
        return added;
    }

    /// <summary>Discards the items and keeps the memory.</summary>
    public void Clear() => _count = 0;

    public void Dispose()
    {
        if (_items.Length > 0)
            ArrayPool<T>.Shared.Return(_items);
        _items = [];
        _count = 0;
    }

    private void Grow(int count)
    {
        long wanted = Math.Max(FirstCapacity, Math.Max((long)_count + count, Math.Min(2L * _items.Length, Array.MaxLength)));
        budget.CheckLength(wanted);
        budget.Take((wanted - _items.Length) * Unsafe.SizeOf<T>());
        T[] longer = ArrayPool<T>.Shared.Rent((int)wanted);
        _items.AsSpan(0, _count).CopyTo(longer);
        if (_items.Length > 0)
            ArrayPool<T>.Shared.Return(_items);
        _items = longer;
    }
}
