namespace Pruning.Root;

/// <summary>Work on baskets, on as many threads as the options allow.</summary>
internal static class BasketWork
{
    /// <summary>
    /// Runs work on every part. Of several damaged parts the first is reported, whatever the threads do: every part before
    /// it is still visited.
    /// </summary>
    public static void Run<T>(RootFile file, T[] parts, Action<BasketReader, T> work)
    {
        int workers = Math.Min(file.Options.Workers, parts.Length);
        if (workers <= 1)
        {
            BasketReader alone = file.RentReader();
            try
            {
                foreach (T part in parts)
                    work(alone, part);
            }
            finally
            {
                file.ReturnReader(alone);
            }
            return;
        }
        var shared = new SharedWork<T>(file, parts, work);
        var helpers = new Task[workers - 1];
        for (int i = 0; i < helpers.Length; i++)
            helpers[i] = Task.Run(shared.Run);
        try
        {
            shared.Run();
        }
        finally
        {
            Task.WaitAll(helpers);
        }
        shared.ThrowFirst();
    }

    // Threads take the next part each until there is none: parts differ in size, so none is given out beforehand.
    private sealed class SharedWork<T>(RootFile file, T[] parts, Action<BasketReader, T> work)
    {
        private readonly Lock _gate = new();
        private RootFormatException? _error;
        private int _failed = int.MaxValue;
        private int _taken = -1;

        public void Run()
        {
            BasketReader? reader = null;
            try
            {
                int i;
                while ((i = Interlocked.Increment(ref _taken)) < parts.Length && i < Volatile.Read(ref _failed))
                    Work(reader ??= file.RentReader(), i);
            }
            finally
            {
                if (reader is not null)
                    file.ReturnReader(reader);
            }
        }

        public void ThrowFirst()
        {
            if (_error is not null)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_error);
        }

        private void Work(BasketReader reader, int i)
        {
            try
            {
                work(reader, parts[i]);
            }
            catch (RootFormatException e)
            {
                lock (_gate)
                {
                    if (i < _failed)
                        (_failed, _error) = (i, e);
                }
            }
        }
    }
}
