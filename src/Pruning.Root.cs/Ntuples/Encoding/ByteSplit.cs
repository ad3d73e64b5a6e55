using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Pruning.Root.Ntuples.Encoding;

/// <summary>
/// Split encodings: a page holds the first byte of all its elements, then the second of all, and so on. Joining and
/// separating are transpositions of bytes, 16 elements at a time where the machine has 128-bit vectors.
/// </summary>
internal static class ByteSplit
{
    /// <summary>Puts elements together.</summary>
    /// <param name="page">The whole page: <paramref name="width"/> planes of <paramref name="pageElements"/> bytes.</param>
    /// <param name="pageElements">Elements on the page.</param>
    /// <param name="first">First element that is wanted.</param>
    /// <param name="width">Bytes of an element: 2, 4 or 8.</param>
    /// <param name="into">The wanted elements' bytes.</param>
    public static void Join(ReadOnlySpan<byte> page, int pageElements, int first, int width, Span<byte> into)
    {
        int count = into.Length / width;
        if ((long)pageElements * width > page.Length || (long)first + count > pageElements)
            throw new ArgumentException("The page is smaller than its elements.", nameof(page));
        int done = 0;
        if (Zips)
        {
            ref byte source = ref Unsafe.Add(ref MemoryMarshal.GetReference(page), first);
            ref byte target = ref MemoryMarshal.GetReference(into);
            done = width switch
            {
                2 => Join2(ref source, pageElements, ref target, count),
                4 => Join4(ref source, pageElements, ref target, count),
                _ => Join8(ref source, pageElements, ref target, count),
            };
        }
        for (int plane = 0; plane < width; plane++)
        {
            ReadOnlySpan<byte> bytes = page.Slice((plane * pageElements) + first, count);
            for (int i = done; i < bytes.Length; i++)
                into[(i * width) + plane] = bytes[i];
        }
    }

    /// <summary>Takes elements apart, the opposite of <see cref="Join"/>.</summary>
    /// <param name="elements">Whole elements.</param>
    /// <param name="width">Bytes of an element: 2, 4 or 8.</param>
    /// <param name="page">As many bytes, in <paramref name="width"/> planes.</param>
    public static void Separate(ReadOnlySpan<byte> elements, int width, Span<byte> page)
    {
        if (elements.Length % width != 0 || page.Length != elements.Length)
            throw new ArgumentException("The page is not as large as its elements.", nameof(page));
        int count = elements.Length / width;
        int done = Zips ? SeparateVectors(ref MemoryMarshal.GetReference(elements), ref MemoryMarshal.GetReference(page), width, count) : 0;
        for (int plane = 0; plane < width; plane++)
        {
            Span<byte> bytes = page.Slice(plane * count, count);
            for (int i = done; i < bytes.Length; i++)
                bytes[i] = elements[(i * width) + plane];
        }
    }

    // A byte's place is written e3 e2 e1 e0 b1 b0 in bits (element, byte of it), and is to be b1 b0 e3 e2 e1 e0: the bits
    // are rotated by four. Zipping the lower half with the upper one rotates them by one, so it is done four times.
    private static int SeparateVectors(ref byte source, ref byte target, int width, int count)
    {
        const int rounds = 4;
        Span<Vector128<byte>> vectors = stackalloc Vector128<byte>[sizeof(ulong)];
        Span<Vector128<byte>> next = stackalloc Vector128<byte>[sizeof(ulong)];
        int half = width / 2;
        int i = 0;
        for (; i <= count - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            for (int k = 0; k < width; k++)
                vectors[k] = Vector128.LoadUnsafe(ref source, ((nuint)i * (nuint)width) + (nuint)(k * Vector128<byte>.Count));
            for (int round = 0; round < rounds; round++)
            {
                for (int k = 0; k < half; k++)
                    (next[2 * k], next[(2 * k) + 1]) = Zip(vectors[k], vectors[k + half]);
                next[..width].CopyTo(vectors);
            }
            for (int plane = 0; plane < width; plane++)
                vectors[plane].StoreUnsafe(ref target, ((nuint)plane * (nuint)count) + (nuint)i);
        }
        return i;
    }

    private static bool Zips
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Sse2.IsSupported || AdvSimd.Arm64.IsSupported;
    }

    // a0 b0 a1 b1 ... of the lower and of the upper halves.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<byte> Low, Vector128<byte> High) Zip(Vector128<byte> a, Vector128<byte> b) => Sse2.IsSupported
        ? (Sse2.UnpackLow(a, b), Sse2.UnpackHigh(a, b))
        : (AdvSimd.Arm64.ZipLow(a, b), AdvSimd.Arm64.ZipHigh(a, b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<byte> Low, Vector128<byte> High) ZipPairs(Vector128<byte> a, Vector128<byte> b) => Sse2.IsSupported
        ? (Sse2.UnpackLow(a.AsUInt16(), b.AsUInt16()).AsByte(), Sse2.UnpackHigh(a.AsUInt16(), b.AsUInt16()).AsByte())
        : (AdvSimd.Arm64.ZipLow(a.AsUInt16(), b.AsUInt16()).AsByte(), AdvSimd.Arm64.ZipHigh(a.AsUInt16(), b.AsUInt16()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<byte> Low, Vector128<byte> High) ZipQuads(Vector128<byte> a, Vector128<byte> b) => Sse2.IsSupported
        ? (Sse2.UnpackLow(a.AsUInt32(), b.AsUInt32()).AsByte(), Sse2.UnpackHigh(a.AsUInt32(), b.AsUInt32()).AsByte())
        : (AdvSimd.Arm64.ZipLow(a.AsUInt32(), b.AsUInt32()).AsByte(), AdvSimd.Arm64.ZipHigh(a.AsUInt32(), b.AsUInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Plane(ref byte source, nuint stride, nuint plane, nuint at) =>
        Vector128.LoadUnsafe(ref source, (plane * stride) + at);

    private static int Join2(ref byte source, int stride, ref byte target, int count)
    {
        int i = 0;
        for (; i <= count - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            (Vector128<byte> low, Vector128<byte> high) =
                Zip(Plane(ref source, (nuint)stride, 0, (nuint)i), Plane(ref source, (nuint)stride, 1, (nuint)i));
            low.StoreUnsafe(ref target, (nuint)i * 2);
            high.StoreUnsafe(ref target, ((nuint)i * 2) + 16);
        }
        return i;
    }

    private static int Join4(ref byte source, int stride, ref byte target, int count)
    {
        nuint n = (nuint)stride;
        int i = 0;
        for (; i <= count - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            nuint at = (nuint)i;
            (Vector128<byte> low01, Vector128<byte> high01) = Zip(Plane(ref source, n, 0, at), Plane(ref source, n, 1, at));
            (Vector128<byte> low23, Vector128<byte> high23) = Zip(Plane(ref source, n, 2, at), Plane(ref source, n, 3, at));
            Store4(low01, low23, ref target, at * 4);
            Store4(high01, high23, ref target, (at * 4) + 32);
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(Vector128<byte> pairs01, Vector128<byte> pairs23, ref byte target, nuint at)
    {
        (Vector128<byte> low, Vector128<byte> high) = ZipPairs(pairs01, pairs23);
        low.StoreUnsafe(ref target, at);
        high.StoreUnsafe(ref target, at + 16);
    }

    private static int Join8(ref byte source, int stride, ref byte target, int count)
    {
        nuint n = (nuint)stride;
        int i = 0;
        for (; i <= count - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            nuint at = (nuint)i;
            (Vector128<byte> low01, Vector128<byte> high01) = Zip(Plane(ref source, n, 0, at), Plane(ref source, n, 1, at));
            (Vector128<byte> low23, Vector128<byte> high23) = Zip(Plane(ref source, n, 2, at), Plane(ref source, n, 3, at));
            (Vector128<byte> low45, Vector128<byte> high45) = Zip(Plane(ref source, n, 4, at), Plane(ref source, n, 5, at));
            (Vector128<byte> low67, Vector128<byte> high67) = Zip(Plane(ref source, n, 6, at), Plane(ref source, n, 7, at));
            Store8(low01, low23, low45, low67, ref target, at * 8);
            Store8(high01, high23, high45, high67, ref target, (at * 8) + 64);
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store8(Vector128<byte> pairs01, Vector128<byte> pairs23, Vector128<byte> pairs45, Vector128<byte> pairs67,
        ref byte target, nuint at)
    {
        (Vector128<byte> low0123, Vector128<byte> high0123) = ZipPairs(pairs01, pairs23);
        (Vector128<byte> low4567, Vector128<byte> high4567) = ZipPairs(pairs45, pairs67);
        (Vector128<byte> first, Vector128<byte> second) = ZipQuads(low0123, low4567);
        (Vector128<byte> third, Vector128<byte> fourth) = ZipQuads(high0123, high4567);
        first.StoreUnsafe(ref target, at);
        second.StoreUnsafe(ref target, at + 16);
        third.StoreUnsafe(ref target, at + 32);
        fourth.StoreUnsafe(ref target, at + 48);
    }
}
