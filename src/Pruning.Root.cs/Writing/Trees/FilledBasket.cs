using System.Buffers;
using Pruning.Root.Compression.Blocks;

namespace Pruning.Root.Writing.Trees;

/// <summary>One full basket that waits to be compressed and written.</summary>
/// <param name="branch">The branch.</param>
/// <param name="bytes">Pooled: room for the key, the entries' bytes, the table of offsets.</param>
/// <param name="dataBytes">Bytes of the entries.</param>
/// <param name="objectBytes">Bytes of entries and table.</param>
/// <param name="firstEntry">First entry of the tree in the basket.</param>
/// <param name="entryCount">Entries in it.</param>
internal sealed class FilledBasket(BranchWriter branch, byte[] bytes, int dataBytes, int objectBytes, long firstEntry, int entryCount)
    : IDisposable
{
    private byte[]? _plain = bytes;
    private byte[]? _packed;
    private Exception? _error;

    public BranchWriter Branch { get; } = branch;

    public int KeyBytes => Branch.BasketKeyBytes;

    public int DataBytes { get; } = dataBytes;

    public int ObjectBytes { get; } = objectBytes;

    public long FirstEntry { get; } = firstEntry;

    public int EntryCount { get; } = entryCount;

    /// <summary>Bytes of the payload as they will be stored; known once it is compressed.</summary>
    public int StoredBytes { get; private set; }

    /// <summary>The record, with room for the key at its start.</summary>
    public Span<byte> Record => (_packed ?? _plain).AsSpan(0, KeyBytes + StoredBytes);

    /// <summary>Set when <see cref="Compress"/> has finished.</summary>
    public ManualResetEventSlim Done { get; } = new();

    /// <summary>Compresses the payload, or keeps it if compression does not make it smaller.</summary>
    public void Compress(BlockEncoder encoder)
    {
        try
        {
            ReadOnlySpan<byte> payload = _plain.AsSpan(KeyBytes, ObjectBytes);
            _packed = ArrayPool<byte>.Shared.Rent(KeyBytes + ObjectBytes);
            StoredBytes = encoder.Encode(payload, _packed.AsSpan(KeyBytes, ObjectBytes));
            if (StoredBytes < 0)
            {
                ArrayPool<byte>.Shared.Return(_packed);
                _packed = null;
                StoredBytes = ObjectBytes;
            }
            else
            {
                ArrayPool<byte>.Shared.Return(_plain!);
                _plain = null;
            }
        }
        catch (Exception e)
        {
            _error = e; // thrown by the thread that waits
        }
        finally
        {
            Done.Set();
        }
    }

    /// <summary>Waits until the basket is compressed.</summary>
    public void Wait()
    {
        Done.Wait();
        if (_error is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_error);
    }

    public void Dispose()
    {
        if (_packed is not null)
            ArrayPool<byte>.Shared.Return(_packed);
        if (_plain is not null)
            ArrayPool<byte>.Shared.Return(_plain);
        (_packed, _plain) = (null, null);
        Done.Dispose();
    }
}
