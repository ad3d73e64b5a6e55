namespace Pruning.Root.Errors;

/// <summary>
/// A ROOT file cannot be written: no room, no permission, a failing disk. The temporary file is removed. A file of that
/// name that existed before is unchanged.
/// </summary>
public sealed class RootWriteException : RootException
{
    /// <summary>The message reads "Cannot write PATH: PROBLEM. ADVICE".</summary>
    /// <param name="problem">The reason, without a full stop.</param>
    /// <param name="path">The file that was to be written.</param>
    /// <param name="advice">What to do next, as whole sentences; null when there is nothing to suggest.</param>
    /// <param name="inner">The cause.</param>
    internal RootWriteException(string problem, string path, string? advice = null, Exception? inner = null)
        : base($"Cannot write {(path.Length == 0 ? "a file" : path)}: {problem}.{(advice is null ? "" : " " + advice)}", inner) =>
            Path = path;

    /// <summary>The file that was to be written.</summary>
    public string Path { get; }
}
