using Pruning.Root.Errors;

namespace Pruning.Root.Threading;

/// <summary>Work on many items, on a limited number of threads.</summary>
internal static class ParallelWork
{
    /// <summary>
    /// Calls <paramref name="work"/> for every item. If several items are damaged, the error of the first of them is
    /// thrown, however the threads were scheduled: every item before it is still visited.
    /// </summary>
    /// <param name="tools">Gives each thread the object that it works with.</param>
    /// <param name="workers">Most threads; 1 keeps the work on the calling thread.</param>
    /// <param name="items">The items.</param>
    /// <param name="work">Called once for each item, from any thread.</param>
    public static void Run<TTool, TItem>(ToolPool<TTool> tools, int workers, TItem[] items, Action<TTool, TItem> work)
        where TTool : class, IDisposable
    {
        workers = Math.Min(workers, items.Length);
        if (workers <= 1)
        {
            TTool alone = tools.Rent();
            try
            {
                foreach (TItem item in items)
                    work(alone, item);
            }
            finally
            {
                tools.Return(alone);
            }
            return;
        }
        var shared = new SharedWork<TTool, TItem>(tools, items, work);
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

    // Each thread takes the next item until there is none. Items differ in size, so they are not divided beforehand.
    private sealed class SharedWork<TTool, TItem>(ToolPool<TTool> tools, TItem[] items, Action<TTool, TItem> work)
        where TTool : class, IDisposable
    {
        private readonly Lock _gate = new();
        private RootFormatException? _error;
        private int _failed = int.MaxValue;
        private int _taken = -1;

        public void Run()
        {
            TTool? tool = null;
            try
            {
                int i;
                while ((i = Interlocked.Increment(ref _taken)) < items.Length && i < Volatile.Read(ref _failed))
                    Work(tool ??= tools.Rent(), i);
            }
            finally
            {
                if (tool is not null)
                    tools.Return(tool);
            }
        }

        public void ThrowFirst()
        {
            if (_error is not null)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_error);
        }

        private void Work(TTool tool, int i)
        {
            try
            {
                work(tool, items[i]);
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
