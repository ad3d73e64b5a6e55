using Pruning.Root.Errors;

namespace Pruning.Data.Errors;

/// <summary>
/// The data is not what was wanted: a file that is missing, damaged or of another kind, a branch that is not there,
/// values that do not fit. The message is one sentence for the user: wanted, found, where, what to do next.
/// </summary>
public class DataException : Exception
{
    /// <summary>One sentence for the user.</summary>
    public DataException(string message)
        : base(message)
    {
    }

    /// <summary>One sentence for the user, and what caused it.</summary>
    public DataException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <summary>Whether an error is about the data, whichever library found it: this class, or one of the ROOT library's.</summary>
    public static bool Covers(Exception error) => error is DataException or RootException;
}
