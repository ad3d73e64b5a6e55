using System.Runtime.InteropServices;
using Pruning.Native.Kernels;
using Pruning.Native.Mpi;
using TorchSharp;

namespace Pruning.Native.Nccl;

/// <summary>
/// The ranks of a run as NCCL sees them, from one of them. Every rank calls every operation in the same order. Addresses are
/// those of a GPU; work is queued on its default stream, where libtorch computes too, so that nothing has to wait for it.
/// </summary>
public sealed unsafe class NcclRanks : IDisposable
{
    // cudaStream_t of the default stream.
    private const nint DefaultStream = 0;

    private readonly NcclLibrary _nccl;
    private nint _communicator;

    private NcclRanks(NcclLibrary nccl, nint communicator, int rank, int size)
    {
        _nccl = nccl;
        _communicator = communicator;
        Rank = rank;
        Size = size;
    }

    /// <summary>Number of this rank, from 0.</summary>
    public int Rank { get; }

    /// <summary>Number of ranks.</summary>
    public int Size { get; }

    /// <summary>The library and its version, in words.</summary>
    public string Description => $"NCCL {_nccl.Version} ({_nccl.Path})";

    /// <summary>
    /// Joins the other ranks, and returns when all have. The device of this rank must be the current one of this thread.
    /// </summary>
    /// <param name="nccl">The library.</param>
    /// <param name="id">What <see cref="NcclLibrary.CreateId"/> gave to one of the ranks.</param>
    /// <param name="rank">Number of this rank.</param>
    /// <param name="size">Number of ranks.</param>
    /// <exception cref="PeerException">NCCL refuses: two ranks on one GPU, a network that does not carry it.</exception>
    public static NcclRanks Join(NcclLibrary nccl, ReadOnlySpan<byte> id, int rank, int size)
    {
        if (id.Length != NcclId.Length)
            throw new ArgumentException($"wanted an id of {NcclId.Length} bytes, found {id.Length}.", nameof(id));
        nint communicator = 0;
        nccl.Check(nccl.CommInitRank(&communicator, size, MemoryMarshal.Read<NcclId>(id), rank), "ncclCommInitRank");
        return new NcclRanks(nccl, communicator, rank, size);
    }

    /// <summary>Piece r of what is sent goes to rank r; piece r of what is received came from it. All have one length.</summary>
    /// <param name="send">All pieces, end to end; contiguous.</param>
    /// <param name="receive">Room for as many; contiguous.</param>
    /// <exception cref="PeerException">NCCL refuses.</exception>
    public void AllToAll(torch.Tensor send, torch.Tensor receive)
    {
        Live();
        long bytes = Bytes(send) / Size;
        if (send.numel() % Size != 0 || Bytes(receive) != Bytes(send))
            throw new ArgumentException(
                $"wanted numbers for {Size} pieces of one length to send and as many to receive, found {send.numel()} and {receive.numel()}.", nameof(send));
        byte* from = (byte*)TensorMemory.Address(send), to = (byte*)TensorMemory.Address(receive);
        // Without the group the first send would wait for a receive that its own rank has not asked for yet.
        _nccl.Check(_nccl.GroupStart(), "ncclGroupStart");
        int failed = 0;
        for (int r = 0; r < Size && failed == 0; r++)
        {
            failed = _nccl.Send(from + (r * bytes), (nuint)bytes, NcclLibrary.Uint8, r, _communicator, DefaultStream);
            if (failed == 0)
                failed = _nccl.Recv(to + (r * bytes), (nuint)bytes, NcclLibrary.Uint8, r, _communicator, DefaultStream);
        }

        int ended = _nccl.GroupEnd();
        _nccl.Check(failed, "ncclSend or ncclRecv");
        _nccl.Check(ended, "ncclGroupEnd");
    }

    /// <summary>The pieces of all ranks, in the order of the ranks, to every rank. All have one length.</summary>
    /// <param name="mine">The piece of this rank; contiguous.</param>
    /// <param name="all">Room for all; contiguous.</param>
    /// <exception cref="PeerException">NCCL refuses.</exception>
    public void AllGather(torch.Tensor mine, torch.Tensor all)
    {
        Live();
        if (Bytes(all) != Bytes(mine) * Size)
            throw new ArgumentException($"wanted room for {Size} pieces of {Bytes(mine)} bytes, found {Bytes(all)}.", nameof(all));
        _nccl.Check(_nccl.AllGather((void*)TensorMemory.Address(mine), (void*)TensorMemory.Address(all), (nuint)Bytes(mine),
            NcclLibrary.Uint8, _communicator, DefaultStream), "ncclAllGather");
    }

    /// <summary>Leaves after what is queued is done.</summary>
    public void Dispose()
    {
        if (_communicator == 0)
            return;
        _ = _nccl.CommDestroy(_communicator);
        _communicator = 0;
    }

    /// <summary>Leaves at once, after another rank was lost: what is queued will never be done.</summary>
    public void Abandon()
    {
        if (_communicator == 0)
            return;
        _ = _nccl.CommAbort(_communicator);
        _communicator = 0;
    }

    private static long Bytes(torch.Tensor tensor) => tensor.numel() * tensor.ElementSize;

    private void Live() => ObjectDisposedException.ThrowIf(_communicator == 0, this);
}
