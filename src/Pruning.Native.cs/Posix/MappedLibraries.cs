namespace Pruning.Native.Posix;

/// <summary>Shared libraries that are mapped into this process, from <c>/proc/self/maps</c>.</summary>
internal static class MappedLibraries
{
    /// <summary>Path of the mapped file with this soname (<c>libstdc++.so.6</c> may be <c>libstdc++.so.6.0.30</c>), or null.</summary>
    public static string? Find(string soName, IEnumerable<string>? maps = null)
    {
        foreach (string line in maps ?? File.ReadLines("/proc/self/maps"))
        {
            int start = line.IndexOf('/', StringComparison.Ordinal);
            if (start < 0)
                continue;
            string path = line[start..];
            string name = Path.GetFileName(path);
            if (name == soName || name.StartsWith(soName + ".", StringComparison.Ordinal))
                return path;
        }

        return null;
    }

    /// <summary>Path of the first mapped library whose file name begins so, or null.</summary>
    public static string? FindStarting(string prefix, IEnumerable<string>? maps = null) =>
        (maps ?? File.ReadLines("/proc/self/maps"))
            .Select(line => line.IndexOf('/', StringComparison.Ordinal) is var start and >= 0 ? line[start..] : "")
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith(prefix, StringComparison.Ordinal)
                && path.Contains(".so", StringComparison.Ordinal));

    /// <summary>Symbol versions that the mapped library defines, or null when none with this soname is mapped.</summary>
    public static IReadOnlySet<string>? ProvidedVersions(string soName) =>
        Find(soName) is { } path ? ElfVersions.Decode(File.ReadAllBytes(path), path).Provides : null;
}
