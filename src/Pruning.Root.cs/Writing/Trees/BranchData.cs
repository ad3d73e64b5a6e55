using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pruning.Root.Writing.Trees;

/// <summary>Many entries of one branch, for <see cref="TreeWriter.Append"/>. It uses the caller's arrays without a copy.</summary>
public abstract class BranchData
{
    private protected BranchData(BranchWriter branch, long entryCount)
    {
        Branch = branch;
        EntryCount = entryCount;
    }

    internal BranchWriter Branch { get; }

    internal long EntryCount { get; }

    /// <summary>Bytes that entries [first, first + count) add to a basket, the table of offsets included.</summary>
    internal abstract long BytesOf(long first, long count);

    /// <summary>Adds entries [first, first + count) to the basket.</summary>
    internal abstract void Write(long first, int count);

    /// <summary>
    /// Smallest number of entries from <paramref name="first"/> on that have <paramref name="bytes"/> bytes; all remaining
    /// entries if they have fewer.
    /// </summary>
    internal long EntriesFor(long first, long bytes)
    {
        long low = 1;
        long high = EntryCount - first;
        while (low < high)
        {
            long middle = low + ((high - low) / 2);
            if (BytesOf(first, middle) >= bytes)
                high = middle;
            else
                low = middle + 1;
        }
        return high;
    }

    /// <summary>Values to big-endian bytes.</summary>
    internal static void Swap<T>(ReadOnlySpan<T> values, Span<byte> bytes)
        where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() == 8)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<T, long>(values), MemoryMarshal.Cast<byte, long>(bytes));
        else if (Unsafe.SizeOf<T>() == 4)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<T, int>(values), MemoryMarshal.Cast<byte, int>(bytes));
        else if (Unsafe.SizeOf<T>() == 2)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<T, short>(values), MemoryMarshal.Cast<byte, short>(bytes));
        else
            MemoryMarshal.AsBytes(values).CopyTo(bytes);
    }

    /// <summary>Checks offsets: one more than there are entries, not decreasing, and within the values.</summary>
    /// <returns>Number of entries.</returns>
    internal static long CheckOffsets(ReadOnlySpan<long> offsets, long valueCount, long bytesPerValue, string name)
    {
        if (offsets.IsEmpty)
            throw new ArgumentException($"Cannot write branch '{name}': there are no offsets. Give one for each entry and one more.");
        if (offsets[0] < 0 || offsets[^1] > valueCount)
            throw new ArgumentException(
                $"Cannot write branch '{name}': the offsets {offsets[0]} to {offsets[^1]} are outside of its {valueCount} values.");
        long most = (BasketBuffer.MaxBytes / 2) / bytesPerValue;
        for (int i = 1; i < offsets.Length; i++)
        {
            long count = offsets[i] - offsets[i - 1];
            if (count < 0)
                throw new ArgumentException(
                    $"Cannot write branch '{name}': its offsets decrease after entry {i - 1}, from {offsets[i - 1]} to {offsets[i]}.");
            if (count > most)
                throw new ArgumentException(
                    $"Cannot write branch '{name}': entry {i - 1} has {count} values but a basket holds at most {most}. Split the entry.");
        }
        return offsets.Length - 1;
    }
}

/// <summary>Entries of equal size.</summary>
internal sealed class FixedData<T>(BranchWriter branch, ReadOnlyMemory<T> values, int perEntry)
    : BranchData(branch, values.Length / perEntry)
    where T : unmanaged
{
    internal override long BytesOf(long first, long count) => count * perEntry * Unsafe.SizeOf<T>();

    internal override void Write(long first, int count)
    {
        ReadOnlySpan<T> taken = values.Span.Slice((int)first * perEntry, count * perEntry);
        Swap(taken, Branch.Basket.Take((long)taken.Length * Unsafe.SizeOf<T>()));
        Branch.Basket.CommitMany(count);
    }
}

/// <summary>The counts of a group.</summary>
internal sealed class CountData(CounterGroup group, ReadOnlyMemory<long> offsets) : BranchData(group, offsets.Length - 1)
{
    public ReadOnlyMemory<long> Offsets { get; } = offsets;

    internal override long BytesOf(long first, long count) => count * sizeof(int);

    internal override void Write(long first, int count)
    {
        ReadOnlySpan<long> bounds = Offsets.Span.Slice((int)first, count + 1);
        Span<int> counts = MemoryMarshal.Cast<byte, int>(Branch.Basket.Take((long)count * sizeof(int)));
        int largest = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            int one = (int)(bounds[i + 1] - bounds[i]);
            largest = Math.Max(largest, one);
            counts[i] = BinaryPrimitives.ReverseEndianness(one);
        }
        group.Saw(largest);
        Branch.Basket.CommitMany(count);
    }
}

/// <summary>Data that uses the offsets of its counter.</summary>
internal interface ICounted
{
    /// <summary>The same data with the offsets of its counter.</summary>
    BranchData Bind(ReadOnlyMemory<long> offsets);
}

/// <summary>Values without gaps; the counter's offsets assign them to entries.</summary>
internal sealed class CountedData<T>(BranchWriter branch, ReadOnlyMemory<T> values, int inner, ReadOnlyMemory<long> offsets = default)
    : BranchData(branch, Math.Max(0, offsets.Length - 1)), ICounted
    where T : unmanaged
{
    private readonly ReadOnlyMemory<long> _offsets = offsets;

    public BranchData Bind(ReadOnlyMemory<long> offsets)
    {
        CheckOffsets(offsets.Span, values.Length / inner, (long)inner * Unsafe.SizeOf<T>(), Branch.Name);
        return new CountedData<T>(Branch, values, inner, offsets);
    }

    internal override long BytesOf(long first, long count)
    {
        ReadOnlySpan<long> bounds = _offsets.Span;
        return ((bounds[(int)(first + count)] - bounds[(int)first]) * inner * Unsafe.SizeOf<T>()) + (count * sizeof(int));
    }

    internal override void Write(long first, int count)
    {
        ReadOnlySpan<long> bounds = _offsets.Span.Slice((int)first, count + 1);
        ReadOnlySpan<T> taken = values.Span[((int)bounds[0] * inner)..((int)bounds[^1] * inner)];
        int begin = Branch.Basket.CommittedData;
        int width = inner * Unsafe.SizeOf<T>();
        Swap(taken, Branch.Basket.Take((long)taken.Length * Unsafe.SizeOf<T>()));
        Span<int> ends = Branch.Basket.CommitMany(count);
        long origin = bounds[0];
        for (int i = 0; i < ends.Length; i++)
            ends[i] = begin + ((int)(bounds[i + 1] - origin) * width);
    }
}

/// <summary>Entries that are already encoded: texts.</summary>
internal sealed class EncodedData(BranchWriter branch, byte[] bytes, long[] starts) : BranchData(branch, starts.Length - 1)
{
    internal override long BytesOf(long first, long count) => starts[first + count] - starts[first] + (count * sizeof(int));

    internal override void Write(long first, int count)
    {
        ReadOnlySpan<byte> taken = bytes.AsSpan((int)starts[first], (int)(starts[first + count] - starts[first]));
        int begin = Branch.Basket.CommittedData;
        taken.CopyTo(Branch.Basket.Take(taken.Length));
        Span<int> ends = Branch.Basket.CommitMany(count);
        var text = Branch as TextBranch;
        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = begin + (int)(starts[first + i + 1] - starts[first]);
            text?.Saw((int)(starts[first + i + 1] - starts[first + i]));
        }
    }
}

/// <summary>Vectors, each after its header.</summary>
internal sealed class VectorData<T>(BranchWriter branch, ReadOnlyMemory<long> offsets, ReadOnlyMemory<T> values)
    : BranchData(branch, offsets.Length - 1)
    where T : unmanaged
{
    internal override long BytesOf(long first, long count)
    {
        ReadOnlySpan<long> bounds = offsets.Span;
        return ((bounds[(int)(first + count)] - bounds[(int)first]) * Unsafe.SizeOf<T>()) + (count * (VectorHeader.Bytes + sizeof(int)));
    }

    internal override void Write(long first, int count)
    {
        ReadOnlySpan<long> bounds = offsets.Span.Slice((int)first, count + 1);
        int begin = Branch.Basket.CommittedData;
        Span<byte> room = Branch.Basket.Take(BytesOf(first, count) - ((long)count * sizeof(int)));
        Span<int> ends = Branch.Basket.CommitMany(count);
        int next = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<T> taken = values.Span[(int)bounds[i]..(int)bounds[i + 1]];
            int bytes = VectorHeader.Bytes + (taken.Length * Unsafe.SizeOf<T>());
            VectorHeader.Write(room[next..], bytes, taken.Length);
            Swap(taken, room[(next + VectorHeader.Bytes)..(next + bytes)]);
            next += bytes;
            ends[i] = begin + next;
        }
    }
}

/// <summary>Vectors of vectors: one header an entry, a size before each inner vector.</summary>
internal sealed class NestedData<T>(BranchWriter branch, ReadOnlyMemory<long> outer, ReadOnlyMemory<long> inner, ReadOnlyMemory<T> values)
    : BranchData(branch, outer.Length - 1)
    where T : unmanaged
{
    internal override long BytesOf(long first, long count)
    {
        ReadOnlySpan<long> bounds = outer.Span;
        long from = bounds[(int)first];
        long to = bounds[(int)(first + count)];
        return ((inner.Span[(int)to] - inner.Span[(int)from]) * Unsafe.SizeOf<T>()) + ((to - from) * sizeof(int))
            + (count * (VectorHeader.Bytes + sizeof(int)));
    }

    internal override void Write(long first, int count)
    {
        int begin = Branch.Basket.CommittedData;
        Span<byte> room = Branch.Basket.Take(BytesOf(first, count) - ((long)count * sizeof(int)));
        Span<int> ends = Branch.Basket.CommitMany(count);
        int next = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<long> lists = inner.Span[(int)outer.Span[(int)first + i]..((int)outer.Span[(int)first + i + 1] + 1)];
            next += NestedVectorBranch<T>.Encode(room[next..], lists, values.Span);
            ends[i] = begin + next;
        }
    }
}
