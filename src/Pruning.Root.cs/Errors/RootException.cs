namespace Pruning.Root.Errors;

/// <summary>What every error of this library about a file has in common: <see cref="RootFormatException"/> when reading, <see cref="RootWriteException"/> when writing.</summary>
public abstract class RootException : Exception
{
    /// <summary>One sentence for the user, and what caused it.</summary>
    protected RootException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}
