using System.Runtime.ExceptionServices;

namespace Pruning.Data.Batching;

/// <summary>Loads ahead of the consumer: several items at once, handed out in order, never more than asked for.</summary>
public static class Prefetch
{
    /// <summary>
    /// Loads every item of a plan on its own threads and yields the results in the order of the plan. At most
    /// <paramref name="ahead"/> results are being loaded or waiting at any time. An exception of
    /// <paramref name="load"/> surfaces where its item stands in the order, and nothing after it is started. Leaving
    /// the loop early, an exception or a cancellation stops the threads, waits for them, and disposes results that
    /// nobody took.
    /// </summary>
    /// <param name="plan">What to load, in order.</param>
    /// <param name="load">Called from several threads at once; once per item at most.</param>
    /// <param name="workers">Threads; 0 loads in the consumer's thread when it asks.</param>
    /// <param name="ahead">Results loading or waiting at most, at least 1; more than <paramref name="workers"/> lets slow
    /// items catch up.</param>
    /// <param name="stop">Ends the sequence with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A sequence that starts its threads when it is enumerated, each time anew.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative number of workers, or nothing ahead.</exception>
    public static IEnumerable<T> InOrder<TItem, T>(IReadOnlyList<TItem> plan, Func<TItem, T> load, int workers, int ahead,
        CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(load);
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        ArgumentOutOfRangeException.ThrowIfLessThan(ahead, 1);
        return workers == 0 ? Direct(plan, load, stop) : Parallel(plan, load, workers, ahead, stop);
    }

    private static IEnumerable<T> Direct<TItem, T>(IReadOnlyList<TItem> plan, Func<TItem, T> load, CancellationToken stop)
    {
        for (int i = 0; i < plan.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            yield return load(plan[i]);
        }
    }

    private static IEnumerable<T> Parallel<TItem, T>(IReadOnlyList<TItem> plan, Func<TItem, T> load, int workers, int ahead,
        CancellationToken stop)
    {
        using Ring<TItem, T> ring = new(plan, load, workers, ahead, stop);
        for (int i = 0; i < plan.Count; i++)
            yield return ring.Take();
    }

    /// <summary>A ring of `ahead` slots; item i lives in slot i modulo `ahead` from its claim until it is taken.</summary>
    private sealed class Ring<TItem, T> : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly SemaphoreSlim _room; // slots that may be claimed
        private readonly SemaphoreSlim[] _ready; // per slot: its item is there
        private readonly Slot[] _slots;
        private readonly IReadOnlyList<TItem> _plan;
        private readonly Func<TItem, T> _load;
        private readonly Thread[] _threads;
        private readonly CancellationToken _stop;
        private readonly CancellationTokenSource _closing = new();
        private int _claimed;
        private int _taken;
        private bool _closed;

        public Ring(IReadOnlyList<TItem> plan, Func<TItem, T> load, int workers, int ahead, CancellationToken stop)
        {
            _plan = plan;
            _load = load;
            _stop = stop;
            ahead = Math.Min(ahead, Math.Max(1, plan.Count));
            _slots = new Slot[ahead];
            _room = new SemaphoreSlim(ahead);
            _ready = new SemaphoreSlim[ahead];
            for (int i = 0; i < ahead; i++)
                _ready[i] = new SemaphoreSlim(0);
            _threads = new Thread[Math.Min(workers, ahead)];
            for (int i = 0; i < _threads.Length; i++)
            {
                _threads[i] = new Thread(Work) { IsBackground = true, Name = $"prefetch {i}" };
                _threads[i].Start();
            }
        }

        public T Take()
        {
            int slot = _taken % _slots.Length;
            _stop.ThrowIfCancellationRequested();
            _ready[slot].Wait(_stop);
            Slot found = _slots[slot];
            _slots[slot] = default;
            _taken++;
            found.Error?.Throw();
            _room.Release();
            return found.Value!;
        }

        public void Dispose()
        {
            lock (_gate)
                _closed = true;
            _closing.Cancel();
            foreach (Thread thread in _threads)
                thread.Join();
            foreach (Slot slot in _slots)
                (slot.Value as IDisposable)?.Dispose();
            _room.Dispose();
            foreach (SemaphoreSlim ready in _ready)
                ready.Dispose();
            _closing.Dispose();
        }

        private void Work()
        {
            while (TryClaim(out int item))
            {
                Slot done = default;
                try
                {
                    done.Value = _load(_plan[item]);
                }
                catch (Exception error)
                {
                    // It is the consumer's exception: it surfaces there, when its turn comes.
                    done.Error = ExceptionDispatchInfo.Capture(error);
                    lock (_gate)
                        _closed = true;
                }

                int slot = item % _slots.Length;
                _slots[slot] = done;
                _ready[slot].Release();
            }
        }

        private bool TryClaim(out int item)
        {
            item = -1;
            try
            {
                _room.Wait(_closing.Token);
            }
            catch (OperationCanceledException)
            {
                return false;
            }

            lock (_gate)
            {
                if (_closed || _claimed >= _plan.Count)
                {
                    // Whoever waits behind has nothing to do either.
                    _room.Release();
                    return false;
                }

                item = _claimed++;
                return true;
            }
        }

        private struct Slot
        {
            public T? Value;
            public ExceptionDispatchInfo? Error;
        }
    }
}
