using System.Buffers;

namespace Pruning.Data.Root;

/// <summary>The decompressed contents of one basket, in pooled memory; give it back by disposing it.</summary>
internal sealed class LoadedBasket : IDisposable
{
    private readonly byte[] _bytes;
    private readonly bool _bytesPooled;
    private readonly int _dataStart;
    private readonly int _dataBytes;
    private int[]? _bounds;
    private int _boundCount;

    public LoadedBasket(byte[] bytes, bool pooled, int dataStart, int dataBytes, int entryCount)
    {
        _bytes = bytes;
        _bytesPooled = pooled;
        _dataStart = dataStart;
        _dataBytes = dataBytes;
        EntryCount = entryCount;
    }

    /// <summary>Entries in the basket.</summary>
    public int EntryCount { get; }

    /// <summary>The entries' bytes, big-endian.</summary>
    public ReadOnlySpan<byte> Data => _bytes.AsSpan(_dataStart, _dataBytes);

    /// <summary>[entries + 1] where each entry begins in <see cref="Data"/>; empty when all entries have the same size.</summary>
    public ReadOnlySpan<int> Bounds => _bounds.AsSpan(0, _boundCount);

    /// <summary>Takes memory for the bounds.</summary>
    public Span<int> CreateBounds()
    {
        _boundCount = EntryCount + 1;
        _bounds = ArrayPool<int>.Shared.Rent(_boundCount);
        return _bounds.AsSpan(0, _boundCount);
    }

    public void Dispose()
    {
        if (_bytesPooled)
            ArrayPool<byte>.Shared.Return(_bytes);
        if (_bounds is not null)
            ArrayPool<int>.Shared.Return(_bounds);
        _bounds = null;
    }
}
