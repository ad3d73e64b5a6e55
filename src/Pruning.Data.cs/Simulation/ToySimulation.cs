using System.Collections;
using System.Collections.Concurrent;
using Pruning.Data.Batching;
using Pruning.Data.Errors;

namespace Pruning.Data.Simulation;

/// <summary>
/// A toy simulation of showers in a calorimeter like HGCAL, from particles to labelled graphs. It is no simulation of
/// CMS: docs/reference/simulation.md lists what it leaves out.
/// </summary>
public static class ToySimulation
{
    /// <summary>
    /// Simulates events in the order of their numbers. An event depends on the options and its number alone: any number
    /// of workers gives the same sequence, to the bit. Memory is bounded: no more than eight events a worker wait for the
    /// consumer.
    /// </summary>
    /// <param name="options">What is simulated; checked here.</param>
    /// <param name="first">Number of the first event, at least 0.</param>
    /// <param name="count">How many.</param>
    /// <param name="workers">Threads; 0 works in the consumer's thread when it asks.</param>
    /// <param name="stop">Ends the sequence with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A sequence that begins its work when it is enumerated, each time anew.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Options, a number, a count or workers out of range.</exception>
    public static IEnumerable<SimulatedEvent> Run(ToyOptions options, long first, int count, int workers, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        Ranges.Within(first, 0, long.MaxValue - int.MaxValue, nameof(first), "");
        Ranges.Within(count, 0, int.MaxValue, nameof(count), "events");
        Ranges.Within(workers, 0, 4096, nameof(workers), "threads");
        ConcurrentBag<EventGenerator> idle = [];
        SimulatedEvent Generate(long number)
        {
            EventGenerator generator = idle.TryTake(out EventGenerator? free) ? free : new EventGenerator(options);
            SimulatedEvent made = generator.Generate(number);
            idle.Add(generator);
            return made;
        }

        return Prefetch.InOrder(new Numbers(first, count), Generate, workers, Math.Max(1, 8 * workers), stop);
    }

    /// <summary>Whole numbers that follow each other, without a list of them.</summary>
    private sealed class Numbers(long first, int count) : IReadOnlyList<long>
    {
        public int Count => count;

        public long this[int index] => first + index;

        public IEnumerator<long> GetEnumerator()
        {
            for (int i = 0; i < count; i++)
                yield return first + i;
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
