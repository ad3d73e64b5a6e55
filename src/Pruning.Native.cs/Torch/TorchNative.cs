using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Pruning.Native.Errors;
using Pruning.Native.Posix;
using TorchSharp;

namespace Pruning.Native.Torch;

/// <summary>The libtorch that this process uses.</summary>
/// <param name="Directory">Where libtorch_cpu.so was found.</param>
/// <param name="Source">Who named that directory, in words.</param>
/// <param name="Version">Version that the library itself reports, as <c>2.10.0</c>.</param>
/// <param name="TorchSharpVersion">Version of TorchSharp.</param>
/// <param name="ShimPath">File that was loaded as TorchSharp's native part.</param>
/// <param name="ShimPatched">Whether that is a copy with weakened symbol versions.</param>
/// <param name="WeakenedVersions">The versions that this machine's libstdc++ lacks, empty when nothing was patched.</param>
/// <param name="HasCuda">Whether the build has libtorch_cuda.so; a GPU may be missing all the same.</param>
public sealed record TorchLibrary(
    string Directory,
    string Source,
    string Version,
    string TorchSharpVersion,
    string ShimPath,
    bool ShimPatched,
    IReadOnlyList<string> WeakenedVersions,
    bool HasCuda);

/// <summary>
/// Loads libtorch and TorchSharp's native part, once, before the first use of a TorchSharp type. TorchSharp's own
/// search is not used: it copies 480 MB beside the program and cannot load its native part on Debian 12.
/// </summary>
public static partial class TorchNative
{
    // libtorch_cpu pulls its dependencies in by soname, so each is mapped from the same directory before it is asked for.
    // A second libtorch in one process aborts it.
    private static readonly string[] _libraries =
        ["libtorch_global_deps", "libc10", "libtorch_cpu", "libc10_cuda", "libtorch_cuda", "libtorch"];

    private static readonly Lock _gate = new();
    private static TorchLibrary? _loaded;
    private static DeviceException? _failure;

    /// <summary>TorchSharp's native part, or 0 before <see cref="Load"/>.</summary>
    internal static nint Shim { get; private set; }

    /// <summary>libtorch's CPU part, or 0 before <see cref="Load"/>.</summary>
    internal static nint Cpu { get; private set; }

    /// <summary>What was loaded, or null before <see cref="Load"/>.</summary>
    public static TorchLibrary? Loaded => _loaded;

    /// <summary>
    /// Loads libtorch from <paramref name="directory"/>, else from the environment variable GRAPH_PRUNING_LIBTORCH, else
    /// where the build said that the pinned package is, else from <c>libtorch/</c> beside the program, else from NuGet's
    /// package folder. Safe to call often and from many threads; later calls give what the first one loaded.
    /// </summary>
    /// <param name="directory">A libtorch directory of the user's own (CPU or CUDA build), or null.</param>
    /// <exception cref="DeviceException">
    /// Nothing was found (all paths are listed), a library does not load, its version does not fit TorchSharp, or another
    /// directory was loaded before.
    /// </exception>
    public static TorchLibrary Load(string? directory = null)
    {
        lock (_gate)
        {
            if (_failure is not null)
                throw new DeviceException(_failure.Message, _failure);
            if (_loaded is not null)
            {
                RefuseOther(_loaded, directory);
                return _loaded;
            }

            if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            {
                throw new DeviceException(
                    $"libtorch is supported on Linux x86-64 only, and this is {RuntimeInformation.RuntimeIdentifier}; "
                        + "run GraphPruning there, or in a Linux container.");
            }

            TorchSearchInputs inputs = Inputs(directory);
            TorchCandidate found = TorchSearch.FindDirectory(inputs);
            string shim = TorchSearch.FindShim(inputs);
            LetWaitingThreadsSleep();
            try
            {
                _loaded = LoadFrom(found, shim, inputs);
                return _loaded;
            }
            catch (DeviceException error)
            {
                // Parts are mapped now and cannot be unmapped: a second try could only mix two libtorches.
                _failure = error;
                throw;
            }
        }
    }

    /// <summary>What the search would look at in this process.</summary>
    internal static TorchSearchInputs Inputs(string? directory)
    {
        Assembly torchSharp = typeof(torch).Assembly;
        string location = torchSharp.Location;
        string? packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return new TorchSearchInputs
        {
            Explicit = directory,
            Environment = Environment.GetEnvironmentVariable(TorchSearch.EnvironmentName),
            BuildDirectory = AppContext.GetData(TorchSearch.BuildDirectoryName) as string,
            ApplicationDirectory = AppContext.BaseDirectory,
            TorchSharpDirectory = location.Length > 0 ? Path.GetDirectoryName(location)! : "",
            TorchSharpVersion = PackageVersion(torchSharp),
            LibTorchVersion = WantedVersion().ToString(3),
            PackageFolders = string.IsNullOrEmpty(packages) ? home.Length > 0 ? [Path.Combine(home, ".nuget", "packages")] : []
                : [packages],
        };
    }

    /// <summary>
    /// libtorch's OpenMP threads spin while they wait, which starves every other thread of the machine. OpenMP reads its
    /// environment when its library is mapped, so it is not too late here; what the user has set stays. The launcher
    /// exports the same; this is for scripts and published programs.
    /// </summary>
    private static void LetWaitingThreadsSleep()
    {
        // .NET keeps its own copy of the environment: native code sees only what setenv wrote.
        _ = SetNativeVariable("OMP_WAIT_POLICY", "passive", 0);
        _ = SetNativeVariable("GOMP_SPINCOUNT", "0", 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNativeVariable(string name, string value, int overwrite);

    private static TorchLibrary LoadFrom(TorchCandidate found, string shim, TorchSearchInputs inputs)
    {
        string PathOf(string library) => Path.Combine(found.Directory, library + ".so");
        nint torchCpu = 0;
        foreach (string library in _libraries.Where(library => File.Exists(PathOf(library))))
        {
            nint handle = MustLoad(PathOf(library), $"libtorch (from {found.Source})");
            if (library == "libtorch_cpu")
                torchCpu = handle;
        }

        string version = CheckVersion(torchCpu, found, inputs);
        PatchedLibrary? copy = null;
        string loadedShim = shim;
        if (!NativeLibrary.TryLoad(shim, out nint native))
            (native, loadedShim, copy) = LoadWeakened(shim);
        Attach(native, found.Directory);
        Shim = native;
        Cpu = torchCpu;
        return new TorchLibrary(
            found.Directory,
            found.Source,
            version,
            inputs.TorchSharpVersion,
            loadedShim,
            copy is not null,
            copy?.Weakened ?? [],
            File.Exists(PathOf("libtorch_cuda")));
    }

    /// <summary>
    /// The shim is bound lazily, so a libtorch of another version would abort the process at the first missing function:
    /// it is refused here. Since 2.9 libtorch says its version through a C function.
    /// </summary>
    private static string CheckVersion(nint torchCpu, TorchCandidate found, TorchSearchInputs inputs)
    {
        string version = "before 2.9";
        if (NativeLibrary.TryGetExport(torchCpu, "aoti_torch_abi_version", out nint export))
        {
            ulong packed;
            unsafe
            {
                packed = ((delegate* unmanaged<ulong>)export)();
            }

            var parts = new Version((int)(packed >> 56), (int)((packed >> 48) & 0xff), (int)((packed >> 40) & 0xff));
            version = parts.ToString(3);
            Version wanted = WantedVersion();
            if (parts.Major == wanted.Major && parts.Minor == wanted.Minor)
                return version;
        }

        throw new DeviceException(
            $"TorchSharp {inputs.TorchSharpVersion} wants libtorch {inputs.LibTorchVersion}, but the one in "
                + $"{found.Directory} (from {found.Source}) is {version}; "
            + $"name a libtorch {WantedVersion().ToString(2)}.x, or none to use the pinned package.");
    }

    private static (nint Handle, string Path, PatchedLibrary? Copy) LoadWeakened(string shim)
    {
        PatchedLibrary? copy = ShimPatcher.Weaken(File.ReadAllBytes(shim), shim, MappedLibraries.ProvidedVersions);
        if (copy is null)
            return (MustLoad(shim, "TorchSharp's native part"), shim, null); // Another reason: it fails again and says why.

        List<string> failures = [];
        foreach (string directory in CacheDirectories())
        {
            try
            {
                string path = ShimPatcher.Store(copy, directory);
                return (NativeLibrary.Load(path), path, copy);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or DllNotFoundException)
            {
                failures.Add(error.Message);
            }
        }

        // Nobody else can write here, and a mapped file does not need its name any more.
        DirectoryInfo temporary = Directory.CreateTempSubdirectory("graph-pruning-");
        try
        {
            string path = ShimPatcher.Store(copy, temporary.FullName);
            return (NativeLibrary.Load(path), path, copy);
        }
        catch (DllNotFoundException error)
        {
            throw new DeviceException(
                $"A copy of {shim} that fits this machine's libstdc++ could not be loaded from a cache directory: "
                + $"{string.Join("; ", failures.Append(error.Message))}; set XDG_CACHE_HOME to a directory that allows executable files.",
                error);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static IEnumerable<string> CacheDirectories()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (!string.IsNullOrEmpty(cache) && Path.IsPathRooted(cache))
            yield return Path.Combine(cache, "graph-pruning");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (home.Length > 0)
            yield return Path.Combine(home, ".cache", "graph-pruning");
    }

    private static nint MustLoad(string path, string what)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            // The loader's own words are the last line; those before it are .NET's general advice.
            string reason =
                error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1].TrimEnd('.');
            throw new DeviceException(
                $"{path} of {what} could not be loaded ({reason}); check that the directory is complete and made for this system.", error);
        }
    }

    /// <summary>Makes TorchSharp's imports go to the loaded shim and keeps its own search from running.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "TorchSharp cannot be trimmed anyway.")]
    private static void Attach(nint shim, string directory)
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? shim : 0);
            // Runs TorchSharp's static constructor: it looks its native part up by name and finds the one mapped here.
            RuntimeHelpers.RunClassConstructor(typeof(torch).TypeHandle);
            SetFlag("nativeBackendLoaded");
            if (File.Exists(Path.Combine(directory, "libtorch_cuda.so")))
                SetFlag("nativeBackendCudaLoaded");
        }
        catch (Exception error) when (error is InvalidOperationException or TypeInitializationException)
        {
            throw new DeviceException(
                $"TorchSharp could not be attached to libtorch in {directory} "
                    + $"({(error.InnerException ?? error).Message}); call TorchNative.Load before any other use of TorchSharp.",
                error);
        }
    }

    private static void SetFlag(string name) =>
        typeof(torch).GetField(name, BindingFlags.NonPublic | BindingFlags.Static)?.SetValue(null, true);

    private static void RefuseOther(TorchLibrary loaded, string? directory)
    {
        if (string.IsNullOrWhiteSpace(directory))
            return;
        TorchCandidate wanted = TorchSearch.FindDirectory(Inputs(directory));
        if (wanted.Directory != loaded.Directory)
            throw new DeviceException(
                $"libtorch of {wanted.Directory} was asked for, but this process has loaded the one in {loaded.Directory}; start "
                    + "a new process for another one.");
    }

    private static string PackageVersion(Assembly assembly)
    {
        string? full = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        return (full ?? assembly.GetName().Version!.ToString(3)).Split('+')[0];
    }

    /// <summary>The libtorch version that TorchSharp was compiled for. Asking the property would load libtorch.</summary>
    private static Version WantedVersion()
    {
        object? constant =
            typeof(torch).GetField("libtorchPackageVersion", BindingFlags.NonPublic | BindingFlags.Static)?.GetRawConstantValue();
        return Version.Parse(Convert.ToString(constant, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "2.10.0");
    }
}
