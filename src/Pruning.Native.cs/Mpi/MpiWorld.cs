using System.Buffers;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Pruning.Native.Errors;

namespace Pruning.Native.Mpi;

/// <summary>
/// All ranks of an MPI run. Every operation is called by every rank, in the same order, from one thread at a time. None
/// waits for ever: a rank that ends is noticed within a second on its own machine, and everywhere when the time is up.
/// </summary>
public sealed unsafe class MpiWorld : IDisposable
{
    // While waiting: first turning, then giving way, then short sleeps; a look at the other processes now and then.
    private const int Turns = 200;
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    private readonly MpiLibrary _mpi;
    private readonly PeerProcess[] _processes;
    private readonly PeerProcess _self = PeerProcess.Current();
    private bool _broken;

    private MpiWorld(MpiLibrary mpi, int rank, int size, TimeSpan rankTimeout)
    {
        _mpi = mpi;
        Rank = rank;
        Size = size;
        RankTimeout = rankTimeout;
        _processes = [];
        byte[][] records = Gather(Encoding.UTF8.GetBytes(_self.ToRecord()));
        _processes = [.. records.Select(record => PeerProcess.Parse(Encoding.UTF8.GetString(record)))];
        // Ranks of one machine are counted in the order of their ranks, whatever started them.
        LocalRank = _processes.Take(rank).Count(process => process.Machine == _self.Machine);
        LocalSize = _processes.Count(process => process.Machine == _self.Machine);
    }

    /// <summary>Number of this rank, from 0.</summary>
    public int Rank { get; }

    /// <summary>Number of ranks.</summary>
    public int Size { get; }

    /// <summary>Number of this rank among those of its machine, from 0.</summary>
    public int LocalRank { get; }

    /// <summary>Ranks on this machine.</summary>
    public int LocalSize { get; }

    /// <summary>How long an operation waits for the other ranks.</summary>
    public TimeSpan RankTimeout { get; }

    /// <summary>Path of the MPI library.</summary>
    public string Library => _mpi.Path;

    /// <summary>Starts MPI in this process; once only.</summary>
    /// <param name="startedByMpich">Which library is tried first where both are installed.</param>
    /// <param name="rankTimeout">How long an operation waits for the other ranks.</param>
    /// <exception cref="DeviceException">MPI is missing or does not start.</exception>
    public static MpiWorld Start(bool startedByMpich, TimeSpan rankTimeout)
    {
        MpiLibrary mpi = MpiLibrary.Load(Environment.GetEnvironmentVariable(MpiLibrary.EnvironmentName), startedByMpich);
        int already = 0;
        if (mpi.Initialized(&already) == 0 && already != 0)
            throw new DeviceException("MPI was started twice in this process; keep the world of the first start.");
        int provided = 0;
        int code = mpi.InitThread(null, null, MpiLibrary.ThreadSerialized, &provided);
        if (code != 0)
            throw new DeviceException($"MPI did not start ({mpi.Describe(code)}, {mpi.Path}); check with: mpirun -np 2 hostname");
        _ = mpi.SetErrorHandler(mpi.CommWorld, mpi.ErrorsReturn);
        int rank = 0, size = 0;
        Check(mpi, mpi.CommRank(mpi.CommWorld, &rank), "MPI_Comm_rank");
        Check(mpi, mpi.CommSize(mpi.CommWorld, &size), "MPI_Comm_size");
        return new MpiWorld(mpi, rank, size, rankTimeout);
    }

    /// <summary>The bytes of every rank, in the order of the ranks; every rank gets them all. Lengths may differ.</summary>
    /// <exception cref="PeerException">A rank did not come.</exception>
    public byte[][] Gather(ReadOnlySpan<byte> mine)
    {
        int[] lengths = new int[Size];
        Span<byte> counts = MemoryMarshal.AsBytes(lengths.AsSpan());
        int length = mine.Length;
        AllGather(new ReadOnlySpan<byte>(&length, sizeof(int)), counts, Equal(sizeof(int)));
        long total = 0;
        foreach (int l in lengths)
            total += l;
        if (total > Array.MaxLength)
            throw new PeerException(
                $"wanted to gather at most {Array.MaxLength} bytes of {Size} ranks, found {total}; gather less at once.");
        byte[] all = new byte[(int)total];
        AllGather(mine, all, lengths);
        byte[][] parts = new byte[Size][];
        int at = 0;
        for (int r = 0; r < Size; r++)
        {
            parts[r] = all.AsSpan(at, lengths[r]).ToArray();
            at += lengths[r];
        }

        return parts;
    }

    /// <summary>
    /// Sends a piece of <paramref name="send"/> to each rank and receives one from each: piece r of what is sent goes to
    /// rank r; piece r of what is received came from it.
    /// </summary>
    /// <param name="send">All pieces, end to end.</param>
    /// <param name="sendLengths">Bytes for each rank.</param>
    /// <param name="receive">Room for all pieces, end to end.</param>
    /// <param name="receiveLengths">Bytes from each rank.</param>
    /// <exception cref="PeerException">A rank did not come.</exception>
    public void AllToAll(ReadOnlySpan<byte> send, ReadOnlySpan<int> sendLengths, Span<byte> receive, ReadOnlySpan<int> receiveLengths)
    {
        int[] sendStarts = Starts(sendLengths, send.Length);
        int[] receiveStarts = Starts(receiveLengths, receive.Length);
        fixed (byte* from = send, to = receive)
        fixed (int* fromLengths = sendLengths, fromStarts = sendStarts, toLengths = receiveLengths, toStarts = receiveStarts)
        {
            nint request = 0;
            Complete(_mpi.Ialltoallv(from, fromLengths, fromStarts, _mpi.Byte, to, toLengths, toStarts, _mpi.Byte, _mpi.CommWorld,
                &request), &request, "MPI_Ialltoallv");
        }
    }

    /// <summary>Pieces of all ranks, end to end, to every rank.</summary>
    /// <param name="mine">The piece of this rank.</param>
    /// <param name="all">Room for all.</param>
    /// <param name="lengths">Bytes of each rank, known to all.</param>
    /// <exception cref="PeerException">A rank did not come.</exception>
    public void AllGather(ReadOnlySpan<byte> mine, Span<byte> all, ReadOnlySpan<int> lengths)
    {
        int[] starts = Starts(lengths, all.Length);
        if (mine.Length != lengths[Rank])
            throw new ArgumentException($"wanted the {lengths[Rank]} bytes of rank {Rank}, found {mine.Length}.", nameof(mine));
        fixed (byte* from = mine, to = all)
        fixed (int* toLengths = lengths, toStarts = starts)
        {
            nint request = 0;
            Complete(_mpi.Iallgatherv(from, mine.Length, _mpi.Byte, to, toLengths, toStarts, _mpi.Byte, _mpi.CommWorld, &request),
                &request, "MPI_Iallgatherv");
        }
    }

    /// <summary>
    /// Replaces the numbers of every rank by their sums over the ranks. Each rank adds one slice, in the order of the
    /// ranks, and sends it to all: results do not depend on the MPI library's algorithms, are the same bits on every rank,
    /// and twice (W - 1) / W of the numbers travel, as little as any algorithm needs.
    /// </summary>
    /// <param name="values">As many on every rank.</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="PeerException">A rank did not come.</exception>
    public void Sum<T>(Span<T> values)
        where T : unmanaged, IAdditionOperators<T, T, T>
    {
        int[] counts = Slices(values.Length, Size);
        int mine = counts[Rank];
        Span<byte> bytes = MemoryMarshal.AsBytes(values);
        int[] lengths = [.. counts.Select(count => checked(count * sizeof(T)))];
        T[] received = ArrayPool<T>.Shared.Rent(Math.Max(1, checked(mine * Size)));
        try
        {
            Span<T> pieces = received.AsSpan(0, mine * Size);
            AllToAll(bytes, lengths, MemoryMarshal.AsBytes(pieces), Equal(mine * sizeof(T)));
            Span<T> sum = pieces[..mine];
            for (int r = 1; r < Size; r++)
                AddTo(sum, pieces.Slice(r * mine, mine));
            AllGather(MemoryMarshal.AsBytes(sum), bytes, lengths);
        }
        finally
        {
            // After a lost rank MPI may hold the address: such a buffer is never used again.
            if (!_broken)
                ArrayPool<T>.Shared.Return(received);
        }
    }

    /// <summary>
    /// How many of <paramref name="count"/> things each of <paramref name="parts"/> gets when they are dealt out in runs.
    /// </summary>
    public static int[] Slices(int count, int parts)
    {
        int[] counts = new int[parts];
        for (int p = 0; p < parts; p++)
            counts[p] = (int)(((long)count * (p + 1) / parts) - ((long)count * p / parts));
        return counts;
    }

    /// <summary>
    /// Ends MPI, if all ranks are well. After a lost rank nothing is said to MPI any more: its closing operation would wait
    /// for that rank.
    /// </summary>
    public void Dispose()
    {
        if (_broken)
            return;
        _broken = true;
        _ = _mpi.Finalize();
    }

    /// <summary>Tells that this rank gives up: <see cref="Dispose"/> will not wait for the others.</summary>
    public void Abandon() => _broken = true;

    private static void AddTo<T>(Span<T> sum, ReadOnlySpan<T> terms)
        where T : unmanaged, IAdditionOperators<T, T, T>
    {
        int vector = 0;
        if (Vector<T>.IsSupported)
        {
            for (; vector <= sum.Length - Vector<T>.Count; vector += Vector<T>.Count)
                (new Vector<T>(sum[vector..]) + new Vector<T>(terms[vector..])).CopyTo(sum[vector..]);
        }

        for (int i = vector; i < sum.Length; i++)
            sum[i] += terms[i];
    }

    private static void Check(MpiLibrary mpi, int code, string function)
    {
        if (code != 0)
            throw new PeerException($"{function} failed: {mpi.Describe(code)}.");
    }

    private static int[] Starts(ReadOnlySpan<int> lengths, int total)
    {
        int[] starts = new int[lengths.Length];
        int at = 0;
        for (int r = 0; r < lengths.Length; r++)
        {
            starts[r] = at;
            at = checked(at + lengths[r]);
        }

        return at == total ? starts : throw new ArgumentException($"wanted pieces of {total} bytes together, found {at}.", nameof(lengths));
    }

    private int[] Equal(int length)
    {
        int[] lengths = new int[Size];
        Array.Fill(lengths, length);
        return lengths;
    }

    // The caller keeps the buffers fixed until this returns. When it throws, MPI is never called again, so that nothing
    // is written into memory that has moved.
    private void Complete(int code, nint* request, string function)
    {
        if (_broken)
            throw new PeerException("a rank was lost before: this one cannot go on.");
        if (code != 0)
        {
            _broken = true;
            throw new PeerException($"{function} failed: {_mpi.Describe(code)}.");
        }

        long start = Stopwatch.GetTimestamp();
        TimeSpan nextLook = s_look;
        for (int turn = 0; ; turn++)
        {
            int done = 0;
            int tested = _mpi.Test(request, &done, _mpi.StatusIgnore);
            if (tested != 0)
            {
                _broken = true;
                throw new PeerException($"{function} failed: {_mpi.Describe(tested)}.");
            }

            if (done != 0)
                return;
            if (turn < Turns)
            {
                Thread.Yield();
                continue;
            }

            Thread.Sleep(turn < 10 * Turns ? TimeSpan.Zero : TimeSpan.FromMilliseconds(1));
            TimeSpan waited = Stopwatch.GetElapsedTime(start);
            if (waited < nextLook)
                continue;
            nextLook = waited + s_look;
            ThrowIfLost(waited);
        }
    }

    private void ThrowIfLost(TimeSpan waited)
    {
        List<int> ended = [];
        for (int r = 0; r < _processes.Length; r++)
        {
            if (_processes[r].HasEnded(_self))
                ended.Add(r);
        }

        if (ended.Count > 0)
        {
            _broken = true;
            string ranks = string.Join(", ", ended.Select(r => $"rank {r} (process {_processes[r].Id})"));
            throw new PeerException(
                $"wanted all {Size} ranks, lost {ranks}: the process has ended; rank {Rank} stops. Start again with --resume to "
                    + "go on from the last checkpoint.");
        }

        if (waited > RankTimeout)
        {
            _broken = true;
            string others = string.Join(", ", Elsewhere());
            throw new PeerException(
                $"wanted all {Size} ranks within {RankTimeout.TotalSeconds:0} s, and rank {Rank} still waits although no process on its machine has ended; look at {(others.Length > 0 ? others : "the ranks of this machine, one may hang")}, and see --rank-timeout.");
        }
    }

    private IEnumerable<string> Elsewhere()
    {
        for (int r = 0; r < _processes.Length; r++)
        {
            if (_processes[r].Machine != _self.Machine)
                yield return $"rank {r} on {_processes[r].Machine.Split(' ')[0]}";
        }
    }
}
