namespace Pruning.Data;

/// <summary>
/// Input that does not fit: a missing file or branch, a broken record, a graph that contradicts itself. The message is
/// one sentence that says what was wanted, what was found, where, and what to do next. Programs exit with 4.
/// </summary>
public class DataException : Exception
{
    /// <summary>An error about data.</summary>
    /// <param name="message">Wanted, found, where, and what to do next.</param>
    /// <param name="innerException">What caused it, if anything.</param>
    public DataException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
