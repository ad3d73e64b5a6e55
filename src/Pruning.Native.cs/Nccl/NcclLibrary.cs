using System.Runtime.InteropServices;
using Pruning.Native.Errors;
using Pruning.Native.Mpi;
using Pruning.Native.Posix;

namespace Pruning.Native.Nccl;

/// <summary>ncclUniqueId: what the ranks of a communicator recognise each other by. NCCL takes it by value.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NcclId
{
    /// <summary>NCCL_UNIQUE_ID_BYTES.</summary>
    public const int Length = 128;

    public fixed byte Bytes[Length];
}

/// <summary>
/// The functions of NVIDIA's NCCL that we call, bound at run time as nccl.h declares them: nothing of NCCL is needed to
/// build, and a machine without it loses nothing else. Only bytes are moved: sums stay ours, in the order of the ranks.
/// </summary>
public sealed unsafe class NcclLibrary
{
    /// <summary>Environment variable with the path of a NCCL of the user's own.</summary>
    public const string EnvironmentName = "GRAPH_PRUNING_NCCL";

    private const int NcclSuccess = 0;

    private readonly delegate* unmanaged<NcclId*, int> _getUniqueId;
    private readonly delegate* unmanaged<int, byte*> _getErrorString;

    private NcclLibrary(nint library, string path)
    {
        Path = path;
        _getErrorString = (delegate* unmanaged<int, byte*>)Export(library, "ncclGetErrorString");
        _getUniqueId = (delegate* unmanaged<NcclId*, int>)Export(library, "ncclGetUniqueId");
        CommInitRank = (delegate* unmanaged<nint*, int, NcclId, int, int>)Export(library, "ncclCommInitRank");
        CommDestroy = (delegate* unmanaged<nint, int>)Export(library, "ncclCommDestroy");
        CommAbort = (delegate* unmanaged<nint, int>)Export(library, "ncclCommAbort");
        GroupStart = (delegate* unmanaged<int>)Export(library, "ncclGroupStart");
        GroupEnd = (delegate* unmanaged<int>)Export(library, "ncclGroupEnd");
        Send = (delegate* unmanaged<void*, nuint, int, int, nint, nint, int>)Export(library, "ncclSend");
        Recv = (delegate* unmanaged<void*, nuint, int, int, nint, nint, int>)Export(library, "ncclRecv");
        AllGather = (delegate* unmanaged<void*, void*, nuint, int, nint, nint, int>)Export(library, "ncclAllGather");
        int packed = 0;
        Check(((delegate* unmanaged<int*, int>)Export(library, "ncclGetVersion"))(&packed), "ncclGetVersion");
        Version = VersionText(packed);
    }

    /// <summary>Path of the library.</summary>
    public string Path { get; }

    /// <summary>Its version, as 2.27.3.</summary>
    public string Version { get; }

    /// <summary>ncclUint8 of ncclDataType_t.</summary>
    internal const int Uint8 = 1;

    internal delegate* unmanaged<nint*, int, NcclId, int, int> CommInitRank { get; }

    internal delegate* unmanaged<nint, int> CommDestroy { get; }

    internal delegate* unmanaged<nint, int> CommAbort { get; }

    internal delegate* unmanaged<int> GroupStart { get; }

    internal delegate* unmanaged<int> GroupEnd { get; }

    // Buffer, count, ncclDataType_t, peer, communicator, CUDA stream.
    internal delegate* unmanaged<void*, nuint, int, int, nint, nint, int> Send { get; }

    internal delegate* unmanaged<void*, nuint, int, int, nint, nint, int> Recv { get; }

    // Buffer of this rank, buffer of all, count of one rank, ncclDataType_t, communicator, CUDA stream.
    internal delegate* unmanaged<void*, void*, nuint, int, nint, nint, int> AllGather { get; }

    /// <summary>NCCL_VERSION_CODE: 2.8 and older 2809, newer ones 22304 for 2.23.4.</summary>
    internal static string VersionText(int packed) =>
        packed < 10000
            ? $"{packed / 1000}.{packed % 1000 / 100}.{packed % 100}"
            : $"{packed / 10000}.{packed % 10000 / 100}.{packed % 100}";

    /// <summary>
    /// File names in the order in which they are tried: the one that a person named is the only one; else the system's, and
    /// what lies beside the user's libtorch (a Python package has it in <c>nvidia/nccl/lib</c>, two folders above).
    /// </summary>
    public static IReadOnlyList<string> Candidates(string? named, string? torchDirectory)
    {
        if (!string.IsNullOrWhiteSpace(named))
            return [named];
        List<string> names = ["libnccl.so.2"];
        if (!string.IsNullOrWhiteSpace(torchDirectory))
        {
            names.Add(System.IO.Path.Combine(torchDirectory, "libnccl.so.2"));
            names.Add(System.IO.Path.GetFullPath(System.IO.Path.Combine(torchDirectory, "..", "..", "nvidia", "nccl", "lib",
                "libnccl.so.2")));
        }

        names.Add("libnccl.so");
        return names;
    }

    /// <summary>Loads the first library that is there.</summary>
    /// <param name="named">The only path to try, or null.</param>
    /// <param name="torchDirectory">Where the libtorch of this process lies, or null.</param>
    /// <exception cref="DeviceException">None is there, or one lacks a function.</exception>
    public static NcclLibrary Load(string? named, string? torchDirectory)
    {
        IReadOnlyList<string> candidates = Candidates(named, torchDirectory);
        foreach (string name in candidates)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new NcclLibrary(library, MappedLibraries.Find(System.IO.Path.GetFileName(name)) ?? name);
        }

        throw new DeviceException(
            $"wanted NCCL to exchange gradients between GPUs, found none of {string.Join(", ", candidates)}; install "
                + $"NCCL 2, or name its library in {EnvironmentName}.");
    }

    /// <summary>A new id, for one rank to make and all to get.</summary>
    /// <exception cref="PeerException">NCCL refuses.</exception>
    public byte[] CreateId()
    {
        NcclId id = default;
        Check(_getUniqueId(&id), "ncclGetUniqueId");
        return new ReadOnlySpan<byte>(id.Bytes, NcclId.Length).ToArray();
    }

    internal void Check(int result, string function)
    {
        if (result == NcclSuccess)
            return;
        string words = Marshal.PtrToStringUTF8((nint)_getErrorString(result)) ?? "no word";
        throw new PeerException(
            $"{function} failed: {words} (ncclResult_t {result}, {Path}); NCCL_DEBUG=INFO in the environment tells more.");
    }

    private nint Export(nint library, string name) =>
        NativeLibrary.TryGetExport(library, name, out nint address)
            ? address
            : throw new DeviceException(
                $"wanted the function {name} of NCCL 2.7 or newer, found none in {Path}; name another one in {EnvironmentName}.");
}
