using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Pruning.Native.Kernels;

/// <summary>
/// Memory for what the kernels keep between forward and backward, and for their scratch. A training step asks for the same
/// hundreds of megabytes again and again: given back to the system, they would be mapped and zeroed page by page each time.
/// Slabs are 4 MB, aligned for huge pages, and never shrink below the most that was in use. They are mapped here and not asked
/// of malloc, whose heap has libtorch's tensors too: slabs between them leave holes that neither fits into.
/// </summary>
public static unsafe partial class FloatPool
{
    /// <summary>Floats in a slab.</summary>
    internal const int SlabFloats = 1 << 20;

    // Idle pieces larger than a slab that are kept, in bytes.
    private const long MostIdle = 128L << 20;

    private const nuint Alignment = 1 << 21; // a huge page
    private const int HugePages = 14; // MADV_HUGEPAGE
    private const int ReadWrite = 3; // PROT_READ | PROT_WRITE
    private const int PrivateAnonymous = 0x22; // MAP_PRIVATE | MAP_ANONYMOUS

    private static readonly ConcurrentStack<nint> _idle = [];
    private static readonly List<(nint Memory, long Floats)> _idlePieces = []; // oldest first; its own lock
    private static long _bytes;

    /// <summary>Bytes that the pool holds, in use or idle.</summary>
    public static long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Gives idle memory back to the system.</summary>
    public static void Trim()
    {
        while (_idle.TryPop(out nint slab))
            Free(slab, SlabFloats);
        lock (_idlePieces)
            DropPieces(0);
    }

    /// <summary>At least so many floats with any content.</summary>
    internal static nint Rent(long floats)
    {
        if (floats <= SlabFloats)
            return _idle.TryPop(out nint slab) ? slab : Allocate(SlabFloats);
        floats = Rounded(floats);
        lock (_idlePieces)
        {
            int place = _idlePieces.FindLastIndex(piece => piece.Floats == floats);
            if (place >= 0)
            {
                nint memory = _idlePieces[place].Memory;
                _idlePieces.RemoveAt(place);
                return memory;
            }
        }

        return Allocate(floats);
    }

    /// <summary>Takes back what <see cref="Rent"/> gave for the same number of floats.</summary>
    internal static void Return(nint memory, long floats)
    {
        if (floats <= SlabFloats)
        {
            _idle.Push(memory);
            return;
        }

        lock (_idlePieces)
        {
            _idlePieces.Add((memory, Rounded(floats)));
            DropPieces(MostIdle);
        }
    }

    // Up to a quarter more, so that batches of nearly one size share pieces.
    private static long Rounded(long floats)
    {
        long step = (long)BitOperations.RoundUpToPowerOf2((ulong)floats) / 8;
        return checked(floats + step - 1) / step * step;
    }

    private static void DropPieces(long most)
    {
        long held = _idlePieces.Sum(piece => piece.Floats * sizeof(float));
        while (held > most)
        {
            (nint memory, long floats) = _idlePieces[0];
            _idlePieces.RemoveAt(0);
            held -= floats * sizeof(float);
            Free(memory, floats);
        }
    }

    private static nint Allocate(long floats)
    {
        nuint bytes = checked((nuint)floats * sizeof(float));
        // Mapped with room to align, which is given back at both ends.
        nuint whole = checked(bytes + Alignment);
        nint start = Map(0, whole, ReadWrite, PrivateAnonymous, -1, 0);
        if (start == -1)
            throw new OutOfMemoryException($"wanted {bytes} bytes for the kernels beside the {Bytes} that they hold, found that the system gives no more; use smaller batches or --memory-budget.");
        nint memory = (nint)(((nuint)start + Alignment - 1) & ~(Alignment - 1));
        nuint before = (nuint)(memory - start);
        if (before > 0)
            _ = Unmap(start, before);
        if (whole - before > bytes)
            _ = Unmap(memory + (nint)bytes, whole - before - bytes);
        _ = Advise(memory, bytes, HugePages); // only a hint: what it answers does not matter
        Interlocked.Add(ref _bytes, (long)bytes);
        return memory;
    }

    private static void Free(nint memory, long floats)
    {
        _ = Unmap(memory, (nuint)floats * sizeof(float));
        Interlocked.Add(ref _bytes, -floats * sizeof(float));
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}

/// <summary>Pieces of pooled memory that are given back together. Not for several threads at once.</summary>
internal sealed unsafe class FloatArena : IDisposable
{
    private readonly List<(nint Memory, long Floats)> _slabs = [];
    private float* _next;
    private long _left;

    ~FloatArena() => Release();

    /// <summary>Floats with any content, aligned to 64 bytes.</summary>
    public float* Take(long floats)
    {
        long rounded = checked(floats + 15) & ~15L;
        if (rounded > FloatPool.SlabFloats)
        {
            nint large = FloatPool.Rent(rounded);
            _slabs.Add((large, rounded));
            return (float*)large;
        }

        if (rounded > _left)
        {
            _next = (float*)FloatPool.Rent(FloatPool.SlabFloats);
            _left = FloatPool.SlabFloats;
            _slabs.Add(((nint)_next, FloatPool.SlabFloats));
        }

        float* piece = _next;
        _next += rounded;
        _left -= rounded;
        return piece;
    }

    /// <summary>Floats that are all zero.</summary>
    public float* TakeZeros(long floats)
    {
        float* piece = Take(floats);
        NativeMemory.Clear(piece, checked((nuint)floats * sizeof(float)));
        return piece;
    }

    /// <summary>Gives everything back; what was taken must not be used any more.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        foreach ((nint memory, long floats) in _slabs)
            FloatPool.Return(memory, floats);
        _slabs.Clear();
        _left = 0;
    }
}
