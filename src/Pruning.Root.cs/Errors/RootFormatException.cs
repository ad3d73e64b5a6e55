namespace Pruning.Root.Errors;

/// <summary>
/// A ROOT file is not what was wanted. Nothing but this (and argument errors of the caller) leaves the reader, whatever
/// the bytes of the file are.
/// </summary>
public sealed class RootFormatException : RootException
{
    /// <summary>A sentence without its full stop, and the place; the message joins them.</summary>
    public RootFormatException(RootErrorKind kind, string problem, RootLocation location, Exception? inner = null)
        : base($"{problem} ({location})", inner)
    {
        Kind = kind;
        Problem = problem;
        Location = location;
    }

    /// <summary>What is wrong.</summary>
    public RootErrorKind Kind { get; }

    /// <summary>The message without the place.</summary>
    public string Problem { get; }

    /// <summary>Where it is wrong.</summary>
    public RootLocation Location { get; }
}
