using System.Buffers;

namespace Pruning.Root.Trees;

/// <summary>The decompressed contents of one basket. Disposing it returns its pooled memory.</summary>
/// <param name="bytes">Hold the data, possibly among other bytes.</param>
/// <param name="dataStart">Where the data begins.</param>
/// <param name="dataBytes">Bytes of the data.</param>
/// <param name="entryCount">Entries in the basket.</param>
internal sealed class LoadedBasket(byte[] bytes, int dataStart, int dataBytes, int entryCount) : IDisposable
{
    private byte[]? _owned;
    private int[]? _bounds;
    private int _boundCount;

    /// <summary>Entries in the basket.</summary>
    public int EntryCount => entryCount;

    /// <summary>The entries' bytes, big-endian.</summary>
    public ReadOnlySpan<byte> Data => bytes.AsSpan(dataStart, dataBytes);

    /// <summary>[entries + 1] where each entry begins in <see cref="Data"/>; empty when all entries have the same size.</summary>
    public ReadOnlySpan<int> Bounds => _bounds.AsSpan(0, _boundCount);

    /// <summary>Makes the basket the owner of pooled bytes, if its data is in them.</summary>
    /// <returns>True when it owns them now.</returns>
    public bool TryOwn(byte[] pooled)
    {
        if (!ReferenceEquals(pooled, bytes))
            return false;
        _owned = pooled;
        return true;
    }

    /// <summary>Allocates the bounds.</summary>
    public Span<int> CreateBounds()
    {
        _boundCount = EntryCount + 1;
        _bounds = ArrayPool<int>.Shared.Rent(_boundCount);
        return _bounds.AsSpan(0, _boundCount);
    }

    public void Dispose()
    {
        if (_owned is not null)
            ArrayPool<byte>.Shared.Return(_owned);
        _owned = null;
        if (_bounds is not null)
            ArrayPool<int>.Shared.Return(_bounds);
        _bounds = null;
    }
}
