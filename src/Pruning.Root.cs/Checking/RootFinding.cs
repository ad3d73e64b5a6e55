using Pruning.Root.Errors;

namespace Pruning.Root.Checking;

/// <summary>One thing that is wrong with a file, found by <see cref="RootFileChecks.Check"/>.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Problem">The reason, without a full stop.</param>
/// <param name="Location">Where.</param>
public sealed record RootFinding(RootErrorKind Kind, string Problem, RootLocation Location)
{
    /// <summary>The place and the reason, as one sentence.</summary>
    public override string ToString() => $"{Location}: {Problem}.";

    internal static RootFinding Of(RootFormatException error) => new(error.Kind, error.Problem, error.Location);
}
