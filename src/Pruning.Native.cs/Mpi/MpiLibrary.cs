using System.Runtime.InteropServices;
using System.Text;
using Pruning.Native.Errors;
using Pruning.Native.Posix;

namespace Pruning.Native.Mpi;

/// <summary>
/// The functions of the system's MPI library that we call, bound at run time: nothing of MPI is needed to build, and a
/// machine without it loses nothing else. Two binary interfaces exist: Open MPI's handles are addresses of exported data,
/// those of MPICH and its relatives (Intel MPI, MVAPICH, Cray MPICH: the MPICH ABI initiative) are integers. Both fit into
/// a register, so that the same calls serve both.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>Environment variable with the path of an MPI library of the user's own.</summary>
    public const string EnvironmentName = "GRAPH_PRUNING_MPI";

    /// <summary>MPI_THREAD_SERIALIZED: any thread calls, one at a time. The same in both interfaces.</summary>
    public const int ThreadSerialized = 2;

    // mpi.h of the MPICH ABI.
    private const nint MpichCommWorld = 0x44000000;
    private const nint MpichByte = 0x4c00010d;
    private const nint MpichErrorsReturn = 0x54000001;

    private readonly nint _errorString;

    private MpiLibrary(nint library, string path)
    {
        Path = path;
        IsOpenMpi = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out nint world);
        CommWorld = IsOpenMpi ? world : MpichCommWorld;
        Byte = IsOpenMpi ? NativeLibrary.GetExport(library, "ompi_mpi_byte") : MpichByte;
        ErrorsReturn = IsOpenMpi ? NativeLibrary.GetExport(library, "ompi_mpi_errors_return") : MpichErrorsReturn;
        StatusIgnore = IsOpenMpi ? 0 : 1;
        InitThread = (delegate* unmanaged<int*, byte***, int, int*, int>)Export(library, "MPI_Init_thread");
        Initialized = (delegate* unmanaged<int*, int>)Export(library, "MPI_Initialized");
        Finalize = (delegate* unmanaged<int>)Export(library, "MPI_Finalize");
        CommRank = (delegate* unmanaged<nint, int*, int>)Export(library, "MPI_Comm_rank");
        CommSize = (delegate* unmanaged<nint, int*, int>)Export(library, "MPI_Comm_size");
        SetErrorHandler = (delegate* unmanaged<nint, nint, int>)Export(library, "MPI_Comm_set_errhandler");
        Test = (delegate* unmanaged<nint*, int*, nint, int>)Export(library, "MPI_Test");
        Iallgatherv = (delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, nint*, int>)Export(library, "MPI_Iallgatherv");
        Ialltoallv =
            (delegate* unmanaged<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int>)Export(library, "MPI_Ialltoallv");
        _errorString = Export(library, "MPI_Error_string");
    }

    public string Path { get; }

    public bool IsOpenMpi { get; }

    public nint CommWorld { get; }

    public nint Byte { get; }

    public nint ErrorsReturn { get; }

    public nint StatusIgnore { get; }

    public delegate* unmanaged<int*, byte***, int, int*, int> InitThread { get; }

    public delegate* unmanaged<int*, int> Initialized { get; }

    public delegate* unmanaged<int> Finalize { get; }

    public delegate* unmanaged<nint, int*, int> CommRank { get; }

    public delegate* unmanaged<nint, int*, int> CommSize { get; }

    public delegate* unmanaged<nint, nint, int> SetErrorHandler { get; }

    public delegate* unmanaged<nint*, int*, nint, int> Test { get; }

    public delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, nint*, int> Iallgatherv { get; }

    public delegate* unmanaged<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int> Ialltoallv { get; }

    /// <summary>File names of MPI libraries in the order in which they are tried under a launcher.</summary>
    public static IReadOnlyList<string> Candidates(string? named, bool startedByMpich)
    {
        if (!string.IsNullOrWhiteSpace(named))
            return [named];
        string[] open = ["libmpi.so.40"];
        string[] mpich = ["libmpich.so.12", "libmpi.so.12", "libmpi_cray.so.12"];
        return startedByMpich ? [.. mpich, .. open, "libmpi.so"] : [.. open, .. mpich, "libmpi.so"];
    }

    /// <summary>Loads the first library that is there.</summary>
    /// <exception cref="DeviceException">None is there, or one lacks a function.</exception>
    public static MpiLibrary Load(string? named, bool startedByMpich)
    {
        IReadOnlyList<string> candidates = Candidates(named, startedByMpich);
        foreach (string name in candidates)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new MpiLibrary(library, MappedLibraries.Find(System.IO.Path.GetFileName(name)) ?? name);
        }

        throw new DeviceException(
            "wanted the system's MPI library to run on several processes, found none of "
                + $"{string.Join(", ", candidates)}; install Open MPI (package openmpi-bin) or MPICH, or name its library in {EnvironmentName}.");
    }

    /// <summary>What a return code means.</summary>
    public string Describe(int code)
    {
        const int Longest = 8192; // MPI_MAX_ERROR_STRING is 256 in Open MPI and 512 in MPICH.
        byte* text = stackalloc byte[Longest];
        int length = 0;
        bool known = ((delegate* unmanaged<int, byte*, int*, int>)_errorString)(code, text, &length) == 0 && length is > 0 and < Longest;
        return known ? Encoding.UTF8.GetString(text, length) : $"error {code}";
    }

    private nint Export(nint library, string name) =>
        NativeLibrary.TryGetExport(library, name, out nint address)
            ? address
            : throw new DeviceException(
                $"wanted the function {name} of MPI 3, found none in {Path}; install a newer MPI library, or name one in "
                    + $"{EnvironmentName}.");
}
