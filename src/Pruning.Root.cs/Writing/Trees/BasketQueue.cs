using System.Collections.Concurrent;
using Pruning.Root.Compression;
using Pruning.Root.Compression.Blocks;

namespace Pruning.Root.Writing.Trees;

/// <summary>
/// Compresses baskets on several threads and writes them in the order in which they were added, so that the bytes of the
/// file do not depend on the threads. The queue is bounded: adding to a full queue first writes the oldest basket.
/// </summary>
internal sealed class BasketQueue : IDisposable
{
    private const long MostBytes = 128L << 20;

    private readonly Action<FilledBasket> _write;
    private readonly Queue<FilledBasket> _ordered = new();
    private readonly BlockingCollection<FilledBasket> _todo = [];
    private readonly BlockEncoder _own;
    private readonly Thread[] _threads;
    private readonly int _most;
    private long _bytes;

    /// <param name="setting">Codec and level.</param>
    /// <param name="workers">Threads; 1 uses none but the caller's.</param>
    /// <param name="write">Called on the caller's thread with each compressed basket.</param>
    public BasketQueue(RootCompressionSetting setting, int workers, Action<FilledBasket> write)
    {
        _write = write;
        _own = new BlockEncoder(setting);
        _most = 2 * workers;
        bool alone = workers == 1 || setting.Codec == RootCompression.None;
        _threads = alone ? [] : new Thread[workers];
        for (int i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new Thread(() => Work(setting)) { IsBackground = true, Name = "ROOT basket compression" };
            _threads[i].Start();
        }
    }

    /// <summary>Adds a basket; the queue disposes it.</summary>
    public void Add(FilledBasket basket)
    {
        if (_threads.Length == 0)
        {
            using (basket)
            {
                basket.Compress(_own);
                basket.Wait();
                _write(basket);
            }
            return;
        }
        while (_ordered.Count >= _most || (_ordered.Count > 0 && _bytes + basket.ObjectBytes > MostBytes))
            WriteOldest();
        _ordered.Enqueue(basket);
        _bytes += basket.ObjectBytes;
        _todo.Add(basket);
    }

    /// <summary>Compresses a record that is not a basket.</summary>
    public int Encode(ReadOnlySpan<byte> payload, Span<byte> output) => _own.Encode(payload, output);

    /// <summary>Writes all baskets of the queue.</summary>
    public void Drain()
    {
        while (_ordered.Count > 0)
            WriteOldest();
    }

    public void Dispose()
    {
        _todo.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join();
        foreach (FilledBasket basket in _ordered)
            basket.Dispose();
        _ordered.Clear();
        _todo.Dispose();
        _own.Dispose();
    }

    private void WriteOldest()
    {
        using FilledBasket basket = _ordered.Dequeue();
        _bytes -= basket.ObjectBytes;
        basket.Wait();
        _write(basket);
    }

    private void Work(RootCompressionSetting setting)
    {
        using var encoder = new BlockEncoder(setting);
        foreach (FilledBasket basket in _todo.GetConsumingEnumerable())
            basket.Compress(encoder);
    }
}
