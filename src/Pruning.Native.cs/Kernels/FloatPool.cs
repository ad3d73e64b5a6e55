using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Pruning.Native.Kernels;

/// <summary>
/// Memory for what the kernels keep between forward and backward, and for their scratch. A training step asks for the same
/// hundreds of megabytes again and again: given back to the system, they would be mapped and zeroed page by page each time.
/// Slabs are 4 MB, aligned for huge pages, and never shrink below the most that was in use.
/// </summary>
public static unsafe partial class FloatPool
{
    /// <summary>Floats in a slab.</summary>
    internal const int SlabFloats = 1 << 20;

    private const nuint Alignment = 1 << 21; // a huge page
    private const int HugePages = 14; // MADV_HUGEPAGE

    private static readonly ConcurrentStack<nint> _idle = [];
    private static long _bytes;

    /// <summary>Bytes that the pool holds, in use or idle.</summary>
    public static long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Gives idle slabs back to the system.</summary>
    public static void Trim()
    {
        while (_idle.TryPop(out nint slab))
            Free(slab, SlabFloats);
    }

    /// <summary>At least so many floats with any content.</summary>
    internal static nint Rent(long floats) =>
        floats > SlabFloats ? Allocate(floats)
        : _idle.TryPop(out nint slab) ? slab
        : Allocate(SlabFloats);

    /// <summary>Takes back what <see cref="Rent"/> gave for the same number of floats.</summary>
    internal static void Return(nint memory, long floats)
    {
        if (floats > SlabFloats)
            Free(memory, floats);
        else
            _idle.Push(memory);
    }

    private static nint Allocate(long floats)
    {
        nuint bytes = checked((nuint)floats * sizeof(float));
        void* memory = NativeMemory.AlignedAlloc(bytes, Alignment);
        _ = Advise(memory, bytes, HugePages); // only a hint: what it answers does not matter
        Interlocked.Add(ref _bytes, (long)bytes);
        return (nint)memory;
    }

    private static void Free(nint memory, long floats)
    {
        NativeMemory.AlignedFree((void*)memory);
        Interlocked.Add(ref _bytes, -floats * sizeof(float));
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
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
