using System.Collections.Concurrent;

namespace Pruning.Root.Threading;

/// <summary>
/// Objects that one thread at a time works with and that are costly to make: a thread rents one and gives it back, so
/// there are as many as threads worked at once. Safe from many threads.
/// </summary>
/// <param name="create">Makes one when none is free.</param>
internal sealed class ToolPool<TTool>(Func<TTool> create) : IDisposable
    where TTool : class, IDisposable
{
    private readonly ConcurrentBag<TTool> _free = [];

    /// <summary>One for the calling thread; give it back with <see cref="Return"/>.</summary>
    public TTool Rent() => _free.TryTake(out TTool? tool) ? tool : create();

    public void Return(TTool tool) => _free.Add(tool);

    /// <summary>Disposes those that are free. No work may be under way.</summary>
    public void Dispose()
    {
        while (_free.TryTake(out TTool? tool))
            tool.Dispose();
    }
}
