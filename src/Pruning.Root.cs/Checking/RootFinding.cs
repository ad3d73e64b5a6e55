using Pruning.Root.Errors;

namespace Pruning.Root.Checking;

/// <summary>One thing that is wrong with a file, found by <see cref="RootFileChecks.Check"/>.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Problem">A sentence without its full stop.</param>
/// <param name="Location">Where.</param>
public sealed record RootFinding(RootErrorKind Kind, string Problem, RootLocation Location)
{
    /// <summary>The sentence and the place.</summary>
    public override string ToString() => $"{Problem} ({Location})";

    internal static RootFinding Of(RootFormatException error) => new(error.Kind, error.Problem, error.Location);
}
