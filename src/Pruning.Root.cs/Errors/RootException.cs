namespace Pruning.Root.Errors;

/// <summary>
/// An error about a file: a <see cref="RootFormatException"/> when reading, a <see cref="RootWriteException"/> when writing.
/// </summary>
public abstract class RootException : Exception
{
    /// <summary>Sentences for the user, and the cause.</summary>
    private protected RootException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}
