using System.IO.Enumeration;
using Pruning.Data.Errors;

namespace Pruning.Data.Tracksters;

/// <summary>Paths and patterns to files.</summary>
public static class InputFiles
{
    private static readonly EnumerationOptions s_everything = new() { IgnoreInaccessible = true, AttributesToSkip = 0 };

    /// <summary>
    /// Resolves paths and patterns: <c>*</c> and <c>?</c> match within a name, <c>**</c> any number of directories; names
    /// with a leading dot want a pattern with one. Matches of a pattern are in ordinal order, patterns in the given
    /// order, a file that is named twice comes once. A path without wildcards is kept as it is, there or not.
    /// </summary>
    /// <exception cref="DataException">A pattern without a match, a directory, an empty path, or nothing at all.</exception>
    public static IReadOnlyList<string> Expand(IReadOnlyList<string> filesOrGlobs)
    {
        if (filesOrGlobs.Count == 0)
            throw new DataException("wanted at least one file or pattern, found none: name a ROOT file.");
        List<string> files = [];
        HashSet<string> known = new(StringComparer.Ordinal);
        foreach (string path in filesOrGlobs)
        {
            foreach (string file in Matches(path))
            {
                if (known.Add(Path.GetFullPath(file)))
                    files.Add(file);
            }
        }

        return files;
    }

    private static List<string> Matches(string path)
    {
        if (path.Length == 0)
            throw new DataException("wanted the path of a file, found an empty one: name a ROOT file.");
        if (Directory.Exists(path))
            throw new DataException(
                $"wanted a file, found the directory '{path}': name its files, for example '{Path.Combine(path, "*.root")}'.");
        if (!IsPattern(path) || File.Exists(path))
            return [path];
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        List<string> found = [];
        Walk(path.StartsWith('/') ? "/" : "", parts, 0, found);
        if (found.Count == 0)
            throw new DataException($"no file matches '{path}': check the pattern and the directory it starts from.");
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    private static bool IsPattern(string part) => part.AsSpan().IndexOfAny('*', '?') >= 0;

    private static void Walk(string directory, string[] parts, int next, List<string> found)
    {
        string part = parts[next];
        bool last = next == parts.Length - 1;
        if (part == "**")
        {
            // Zero directories, then one more each time. A final ** means every file below.
            Walk(directory, last ? ["*"] : parts, last ? 0 : next + 1, found);
            foreach (string below in Names(directory, Directory.EnumerateDirectories))
            {
                if (!below.StartsWith('.'))
                    Walk(Path.Combine(directory, below), parts, next, found);
            }
        }
        else if (!IsPattern(part))
        {
            string path = Path.Combine(directory, part);
            if (last && File.Exists(path))
                found.Add(path);
            else if (!last && (part is "." or ".." || Directory.Exists(path)))
                Walk(path, parts, next + 1, found);
        }
        else
        {
            foreach (string name in Names(directory, last ? Directory.EnumerateFiles : Directory.EnumerateDirectories))
            {
                bool hidden = name.StartsWith('.') && !part.StartsWith('.');
                if (hidden || !FileSystemName.MatchesSimpleExpression(part, name, ignoreCase: false))
                    continue;
                string path = Path.Combine(directory, name);
                if (last)
                    found.Add(path);
                else
                    Walk(path, parts, next + 1, found);
            }
        }
    }

    private static IEnumerable<string> Names(string directory, Func<string, string, EnumerationOptions, IEnumerable<string>> list)
    {
        string where = directory.Length == 0 ? "." : directory;
        return Directory.Exists(where) ? list(where, "*", s_everything).Select(path => Path.GetFileName(path)) : [];
    }
}
