namespace Pruning.Root.Errors;

/// <summary>
/// A ROOT file could not be written: no room, no permission, a failing disk. The temporary file is removed; a file that
/// was there before is left as it was.
/// </summary>
public sealed class RootWriteException : RootException
{
    /// <summary>A sentence without its full stop, and the file that was to be written.</summary>
    public RootWriteException(string problem, string path, Exception? inner = null)
        : base($"{problem} (writing {path})", inner) => Path = path;

    /// <summary>The file that was to be written.</summary>
    public string Path { get; }
}
