using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Pruning.Native.Host;

/// <summary>A native library that was looked for.</summary>
/// <param name="Name">What it is, as <c>MPI</c>.</param>
/// <param name="Path">File that was found, or null.</param>
/// <param name="Version">What it says of itself, or null.</param>
/// <param name="Description">One line for a person: what was found, or what is absent and what for it would be needed.</param>
public sealed record FoundLibrary(string Name, string? Path, string? Version, string Description)
{
    /// <summary>Whether the library is there.</summary>
    public bool Found => Path is not null;
}

/// <summary>A setting of the environment that decides about speed.</summary>
/// <param name="Name">Environment variable.</param>
/// <param name="Value">Its value, or null when it is not set.</param>
/// <param name="Description">One line for a person.</param>
public sealed record ThreadSetting(string Name, string? Value, string Description);

/// <summary>What this machine offers; nothing of it needs libtorch.</summary>
public sealed record MachineReport
{
    /// <summary>Name and version of the system.</summary>
    public required string System { get; init; }

    /// <summary>Model of the processor and its widest vectors.</summary>
    public required string Processor { get; init; }

    /// <summary>Version of the .NET runtime.</summary>
    public required string Runtime { get; init; }

    /// <summary>.NET SDKs beside that runtime, oldest first; empty in a published program.</summary>
    public required IReadOnlyList<string> Sdks { get; init; }

    /// <summary>Cores that this process may use: affinity and control groups count, rounded up.</summary>
    public required int Cores { get; init; }

    /// <summary>Memory of the machine in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Memory that is free or can be freed, in bytes.</summary>
    public required long AvailableBytes { get; init; }

    /// <summary>What control groups allow.</summary>
    public required CgroupLimits Limits { get; init; }

    /// <summary>Names of the NVIDIA GPUs that the driver knows.</summary>
    public required IReadOnlyList<string> Gpus { get; init; }

    /// <summary>The C++ library: its newest symbol version decides whether TorchSharp's native part loads as it is.</summary>
    public required FoundLibrary LibStdCxx { get; init; }

    /// <summary>MPI, for training on several processes.</summary>
    public required FoundLibrary Mpi { get; init; }

    /// <summary>NCCL, for training on several GPUs.</summary>
    public required FoundLibrary Nccl { get; init; }

    /// <summary>NVIDIA's driver.</summary>
    public required FoundLibrary CudaDriver { get; init; }

    /// <summary>Environment variables of OpenMP.</summary>
    public required IReadOnlyList<ThreadSetting> Threads { get; init; }
}

/// <summary>Looks at the machine for <c>graph-pruning doctor</c> and for run records.</summary>
public static class Machine
{
    /// <summary>Never throws for something that is absent: the report says so in words.</summary>
    public static MachineReport Probe() => new()
    {
        System = SystemName(),
        Processor = ProcessorName(),
        Runtime = RuntimeInformation.FrameworkDescription,
        Sdks = SdksBeside(RuntimeEnvironment.GetRuntimeDirectory()),
        Cores = Environment.ProcessorCount,
        MemoryBytes = MemoryLine("MemTotal:"),
        AvailableBytes = MemoryLine("MemAvailable:"),
        Limits = CgroupLimits.Read("/sys/fs/cgroup", Lines("/proc/self/cgroup")),
        Gpus = GpuNames("/proc/driver/nvidia/gpus"),
        LibStdCxx = LibraryProbe.LibStdCxx(),
        Mpi = LibraryProbe.Mpi(),
        Nccl = LibraryProbe.Nccl(),
        CudaDriver = LibraryProbe.CudaDriver(),
        Threads = ThreadSettings(Environment.GetEnvironmentVariable),
    };

    internal static IReadOnlyList<ThreadSetting> ThreadSettings(Func<string, string?> variable)
    {
        string? policy = variable("OMP_WAIT_POLICY"), spin = variable("GOMP_SPINCOUNT"), threads = variable("OMP_NUM_THREADS");
        return
        [
            new("OMP_WAIT_POLICY", policy, policy switch
            {
                null => "not set: GraphPruning sets it to passive before it loads libtorch",
                _ when policy.Equals("passive", StringComparison.OrdinalIgnoreCase) => $"{policy}: waiting threads sleep",
                _ => $"{policy}: waiting threads spin, which can slow this and other programs down many times; set it to passive, or unset it",
            }),
            new("GOMP_SPINCOUNT", spin, spin switch
            {
                null => "not set: GraphPruning sets it to 0 before it loads libtorch",
                "0" => "0: waiting threads sleep",
                _ => $"{spin}: waiting threads spin first, which can slow this and other programs down; set it to 0, or unset it",
            }),
            new("OMP_NUM_THREADS", threads, threads is null ? "not set: --threads decides"
                : $"{threads}: the default of --threads in libtorch"),
        ];
    }

    internal static IReadOnlyList<string> SdksBeside(string runtimeDirectory)
    {
        // <root>/shared/Microsoft.NETCore.App/<version>/
        string sdks = Path.GetFullPath(Path.Combine(runtimeDirectory, "..", "..", "..", "sdk"));
        return Directory.Exists(sdks)
            ? [.. Directory.GetDirectories(sdks).Select(d => Path.GetFileName(d)!).Where(name =>
                char.IsAsciiDigit(name[0])).Order(StringComparer.Ordinal)]
            : [];
    }

    private static string SystemName()
    {
        string? pretty = Lines("/etc/os-release").FirstOrDefault(line => line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal));
        string name = pretty is null ? RuntimeInformation.OSDescription : pretty["PRETTY_NAME=".Length..].Trim('"');
        return $"{name}, {RuntimeInformation.RuntimeIdentifier}, kernel {Environment.OSVersion.Version}";
    }

    private static string ProcessorName()
    {
        string? model = Lines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        string name = model is null ? RuntimeInformation.ProcessArchitecture.ToString()
            : model[(model.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        string vectors =
            global::System.Runtime.Intrinsics.X86.Avx512F.IsSupported ? "AVX-512"
            : global::System.Runtime.Intrinsics.X86.Avx2.IsSupported ? "AVX2"
            : "no AVX2: libtorch will be slow";
        return $"{name} ({vectors})";
    }

    private static long MemoryLine(string name)
    {
        string? line = Lines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        string? kibibytes = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(kibibytes, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value * 1024 : 0;
    }

    internal static IReadOnlyList<string> GpuNames(string directory)
    {
        if (!Directory.Exists(directory))
            return [];
        return
        [
            .. Directory.GetDirectories(directory).Order(StringComparer.Ordinal).Select(gpu =>
                Lines(Path.Combine(gpu, "information")).FirstOrDefault(line =>
                    line.StartsWith("Model:", StringComparison.Ordinal))?["Model:".Length..].Trim()
                ?? Path.GetFileName(gpu)),
        ];
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path, Encoding.UTF8);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
