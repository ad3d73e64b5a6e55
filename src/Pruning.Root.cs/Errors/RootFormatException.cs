namespace Pruning.Root.Errors;

/// <summary>
/// A ROOT file cannot be read as requested. Whatever bytes a file holds, the reader throws this exception and no other,
/// except for wrong arguments of the caller.
/// </summary>
public sealed class RootFormatException : RootException
{
    /// <summary>The message reads "Cannot read LOCATION: PROBLEM. ADVICE".</summary>
    /// <param name="kind">What is wrong.</param>
    /// <param name="problem">The reason, without a full stop.</param>
    /// <param name="location">Where.</param>
    /// <param name="advice">What to do next, as whole sentences; null for the usual advice of the kind.</param>
    /// <param name="inner">The cause.</param>
    internal RootFormatException(RootErrorKind kind, string problem, RootLocation location, string? advice = null, Exception? inner = null)
        : base(Sentences(kind, problem, location, advice), inner)
    {
        Kind = kind;
        Problem = problem;
        Location = location;
        Advice = advice ?? UsualAdvice(kind);
    }

    /// <summary>What is wrong.</summary>
    public RootErrorKind Kind { get; }

    /// <summary>The reason, without location and advice, and without a full stop.</summary>
    public string Problem { get; }

    /// <summary>Where it is wrong.</summary>
    public RootLocation Location { get; }

    /// <summary>What to do next, as whole sentences; null when there is nothing to suggest.</summary>
    public string? Advice { get; }

    private static string Sentences(RootErrorKind kind, string problem, RootLocation location, string? advice)
    {
        string text = $"Cannot read {location}: {problem}.";
        return (advice ?? UsualAdvice(kind)) is string next ? $"{text} {next}" : text;
    }

    private static string? UsualAdvice(RootErrorKind kind) => kind switch
    {
        RootErrorKind.CorruptHeader
            or RootErrorKind.CorruptKey
            or RootErrorKind.CorruptKeyList
            or RootErrorKind.DirectoryLoop
            or RootErrorKind.UnknownCompression
            or RootErrorKind.CorruptBlock
            or RootErrorKind.DecompressFailed
            or RootErrorKind.ChecksumMismatch
            or RootErrorKind.CorruptObject
            or RootErrorKind.CorruptBranch
            or RootErrorKind.MissingBasket
            or RootErrorKind.WrongBasket
            or RootErrorKind.CorruptBasket
            or RootErrorKind.CorruptEntry
            or RootErrorKind.InconsistentCounts
            or RootErrorKind.CorruptNtuple => "The file is damaged. Copy it again, or write it again.",
        RootErrorKind.Truncated => "Copy the file again.",
        RootErrorKind.ValueOutOfRange => "Read the branch as a wider type.",
        _ => null,
    };
}
