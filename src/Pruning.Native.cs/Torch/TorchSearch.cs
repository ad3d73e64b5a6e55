using Pruning.Native.Errors;

namespace Pruning.Native.Torch;

/// <summary>One directory where libtorch may be.</summary>
/// <param name="Directory">Full path.</param>
/// <param name="Source">Who named it, in words: it is printed.</param>
internal sealed record TorchCandidate(string Directory, string Source);

/// <summary>Everything that the search depends on; nothing else is asked.</summary>
internal sealed record TorchSearchInputs
{
    /// <summary>Argument of <see cref="TorchNative.Load"/>, from <c>--libtorch</c>.</summary>
    public string? Explicit { get; init; }

    /// <summary>Value of the environment variable GRAPH_PRUNING_LIBTORCH.</summary>
    public string? Environment { get; init; }

    /// <summary>What the build wrote into the program's runtimeconfig.json.</summary>
    public string? BuildDirectory { get; init; }

    /// <summary>Directory of the program.</summary>
    public required string ApplicationDirectory { get; init; }

    /// <summary>Directory of TorchSharp.dll, empty when it is inside a single-file program.</summary>
    public string TorchSharpDirectory { get; init; } = "";

    /// <summary>Version of TorchSharp, as its package spells it.</summary>
    public string TorchSharpVersion { get; init; } = "";

    /// <summary>Version of libtorch that TorchSharp was built for, as its package spells it.</summary>
    public string LibTorchVersion { get; init; } = "";

    /// <summary>NuGet's package folders.</summary>
    public IReadOnlyList<string> PackageFolders { get; init; } = [];
}

/// <summary>Where libtorch and TorchSharp's native part are looked for. Pure but for asking whether files exist.</summary>
internal static class TorchSearch
{
    /// <summary>AppContext data (and runtimeconfig.json property) with the directory of the pinned libtorch package.</summary>
    public const string BuildDirectoryName = "GraphPruning.LibTorch";

    /// <summary>Environment variable with a libtorch directory of the user's own.</summary>
    public const string EnvironmentName = "GRAPH_PRUNING_LIBTORCH";

    private const string Runtime = "runtimes/linux-x64/native";
    private const string ShimName = "libLibTorchSharp.so";

    /// <summary>
    /// Directories in the order in which they are tried. A directory that a person named is the only one: another
    /// libtorch than the wanted one must not be taken in silence.
    /// </summary>
    public static IReadOnlyList<TorchCandidate> Directories(TorchSearchInputs inputs)
    {
        foreach ((string? named, string source) in new[] { (inputs.Explicit, "--libtorch"), (inputs.Environment, EnvironmentName) })
        {
            if (!string.IsNullOrWhiteSpace(named))
            {
                // A libtorch archive and a Python package keep the libraries in lib/; people name either.
                string full = Path.GetFullPath(named);
                return [new(full, source), new(Path.Combine(full, "lib"), source), new(Path.Combine(full, "torch", "lib"), source)];
            }
        }

        List<TorchCandidate> candidates = [];
        if (!string.IsNullOrWhiteSpace(inputs.BuildDirectory))
            candidates.Add(new(Path.GetFullPath(inputs.BuildDirectory), "the build"));
        // libtorch/ is what BundleLibTorch publishes; the other two are where NuGet's targets put a CUDA package.
        foreach (string inner in new[] { "libtorch", Runtime, "" })
            candidates.Add(new(Path.TrimEndingDirectorySeparator(Path.Combine(inputs.ApplicationDirectory, inner)),
                "the program's folder"));
        foreach (string folder in inputs.PackageFolders)
            candidates.Add(new(Path.Combine(folder, "libtorch-cpu-linux-x64", inputs.LibTorchVersion, Runtime), "NuGet's package folder"));
        return candidates;
    }

    /// <summary>The first directory that holds libtorch.</summary>
    /// <exception cref="DeviceException">None does; every path that was tried is listed.</exception>
    public static TorchCandidate FindDirectory(TorchSearchInputs inputs)
    {
        IReadOnlyList<TorchCandidate> candidates = Directories(inputs);
        return candidates.FirstOrDefault(candidate => File.Exists(Path.Combine(candidate.Directory, "libtorch_cpu.so")))
            ?? throw new DeviceException(
                $"libtorch was not found: no libtorch_cpu.so in {Listed(candidates.Select(c => $"{c.Directory} (from {c.Source})"))}; "
                + (candidates[0].Source is "--libtorch" or EnvironmentName
                    ? $"name the directory of a libtorch {inputs.LibTorchVersion} with {candidates[0].Source}, or leave it "
                        + "out to use the pinned package."
                    : $"run ./graph-pruning doctor to restore the packages, or name a directory with --libtorch or {EnvironmentName}."));
    }

    /// <summary>Paths where TorchSharp's native part may be, in the order in which they are tried.</summary>
    public static IReadOnlyList<string> ShimPaths(TorchSearchInputs inputs)
    {
        List<string> paths = [];
        foreach (string directory in new[] { inputs.ApplicationDirectory, inputs.TorchSharpDirectory }.Where(d => d.Length > 0).Distinct())
        {
            paths.Add(Path.Combine(directory, ShimName));
            paths.Add(Path.Combine(directory, Runtime, ShimName));
        }

        // TorchSharp.dll in the package itself: <package>/lib/net8.0/TorchSharp.dll.
        if (inputs.TorchSharpDirectory.Length > 0)
            paths.Add(Path.GetFullPath(Path.Combine(inputs.TorchSharpDirectory, "..", "..", Runtime, ShimName)));
        paths.AddRange(inputs.PackageFolders.Select(folder =>
            Path.Combine(folder, "torchsharp", inputs.TorchSharpVersion, Runtime, ShimName)));
        return paths;
    }

    /// <summary>The first file that is TorchSharp's native part.</summary>
    /// <exception cref="DeviceException">It is nowhere; every path that was tried is listed.</exception>
    public static string FindShim(TorchSearchInputs inputs)
    {
        IReadOnlyList<string> paths = ShimPaths(inputs);
        return paths.FirstOrDefault(File.Exists)
            ?? throw new DeviceException(
                $"TorchSharp's native part was not found: none of {Listed(paths)} is there; run ./graph-pruning doctor to "
                    + "restore the packages.");
    }

    private static string Listed(IEnumerable<string> paths) => string.Join(", ", paths);
}
