namespace Pruning.Data.Root;

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
        RootFormatException? error = null;
        int failed = int.MaxValue;
        object gate = new();
        Parallel.For(
            0,
            parts.Length,
            new ParallelOptions { MaxDegreeOfParallelism = workers },
            file.RentReader,
            (i, _, reader) =>
            {
                if (i < Volatile.Read(ref failed))
                {
                    try
                    {
                        work(reader, parts[i]);
                    }
                    catch (RootFormatException e)
                    {
                        lock (gate)
                        {
                            if (i < failed)
                                (failed, error) = (i, e);
                        }
                    }
                }
                return reader;
            },
            file.ReturnReader);
        if (error is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
    }
}
