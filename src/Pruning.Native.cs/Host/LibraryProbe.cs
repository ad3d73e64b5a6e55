using System.Runtime.InteropServices;
using System.Text;
using Pruning.Native.Mpi;
using Pruning.Native.Nccl;
using Pruning.Native.Posix;
using Pruning.Native.Torch;

namespace Pruning.Native.Host;

/// <summary>Asks native libraries for their versions. Functions that may be called before any set-up only.</summary>
internal static unsafe class LibraryProbe
{
    public static FoundLibrary LibStdCxx()
    {
        const string Name = "libstdc++";
        if (Open(["libstdc++.so.6"], out string? path) == 0 || path is null)
            return new(Name, null, null, "not found: libtorch needs libstdc++.so.6; install the package libstdc++6");
        string newest = ShimPatcher.Newest(ElfVersions.Decode(File.ReadAllBytes(path), path).Provides, "GLIBCXX_");
        return new(Name, path, newest, $"{path}, newest symbol version {newest}");
    }

    public static FoundLibrary Mpi()
    {
        const string Name = "MPI";
        nint library =
            Open([.. MpiLibrary.Candidates(Environment.GetEnvironmentVariable(MpiLibrary.EnvironmentName), startedByMpich: false)],
            out string? path);
        if (library == 0)
            return new(Name, null, null,
                "not found: training on several processes needs Open MPI (package openmpi-bin) or MPICH; training on the cores "
                    + "of one machine does not");
        string? version = null;
        if (NativeLibrary.TryGetExport(library, "MPI_Get_library_version", out nint export))
        {
            // MPI_MAX_LIBRARY_VERSION_STRING is 256 in Open MPI and 8192 in MPICH.
            byte* text = stackalloc byte[8192];
            int length = 0;
            if (((delegate* unmanaged<byte*, int*, int>)export)(text, &length) == 0 && length is > 0 and < 8192)
                version = Encoding.UTF8.GetString(text, length).Split(',', '\n', '\0')[0].Trim();
        }

        bool open = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _);
        return new(Name, path
            ?? "libmpi", version, $"{version ?? "of unknown version"}, {path}{(open ? "" : ", used through the binary interface of MPICH")}");
    }

    public static FoundLibrary Nccl()
    {
        const string Name = "NCCL";
        nint library =
            Open([.. NcclLibrary.Candidates(Environment.GetEnvironmentVariable(NcclLibrary.EnvironmentName),
            TorchNative.Loaded?.Directory)], out string? path);
        if (library == 0)
            return new(Name, null, null, "not found: without it gradients of several NVIDIA GPUs go through the memory of the host");
        int packed = 0;
        string? version = null;
        if (NativeLibrary.TryGetExport(library, "ncclGetVersion", out nint export)
            && ((delegate* unmanaged<int*, int>)export)(&packed) == 0)
            version = NcclLibrary.VersionText(packed);
        return new(Name, path ?? "libnccl", version, $"{version ?? "of unknown version"}, {path}");
    }

    public static FoundLibrary CudaDriver()
    {
        const string Name = "NVIDIA driver";
        nint library = Open(["libcuda.so.1"], out string? path);
        if (library == 0)
            return new(Name, null, null, "not found: this machine computes on its CPU");
        int packed = 0;
        string? version = null;
        if (NativeLibrary.TryGetExport(library, "cuDriverGetVersion", out nint export)
            && ((delegate* unmanaged<int*, int>)export)(&packed) == 0)
            version = $"{packed / 1000}.{packed % 1000 / 10}";
        return new(Name, path ?? "libcuda", version, $"for CUDA {version ?? "of unknown version"}, {path}");
    }

    private static nint Open(string[] names, out string? path)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                path = MappedLibraries.Find(Path.GetFileName(name));
                return library;
            }
        }

        path = null;
        return 0;
    }
}
