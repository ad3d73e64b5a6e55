using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>
/// Many entries of one field, for <see cref="NtupleWriter.Append"/>. Of numbers it refers to the caller's arrays and copies
/// nothing.
/// </summary>
public abstract class NtupleData
{
    private protected NtupleData(NtupleFieldWriter field, long entryCount)
    {
        Field = field;
        EntryCount = entryCount;
    }

    internal NtupleFieldWriter Field { get; }

    internal long EntryCount { get; }

    /// <summary>Bytes that entries [first, first + count) add to the field's columns.</summary>
    internal abstract long BytesOf(long first, long count);

    /// <summary>Adds entries [first, first + count) to the columns.</summary>
    internal abstract void Write(long first, long count);
}

/// <inheritdoc/>
internal sealed class NtupleData<T>(NtupleFieldWriter field, IReadOnlyList<ReadOnlyMemory<long>> levels, ReadOnlyMemory<T> values)
    : NtupleData(field, levels.Count > 0 ? levels[0].Length - 1 : values.Length)
    where T : unmanaged
{
    internal override long BytesOf(long first, long count)
    {
        long bytes = 0;
        (long begin, long end) = (first, first + count);
        foreach (ReadOnlyMemory<long> level in levels)
        {
            bytes += (end - begin) * sizeof(long);
            (begin, end) = (level.Span[(int)begin], level.Span[(int)end]);
        }
        return bytes + ((end - begin) * Unsafe.SizeOf<T>());
    }

    internal override void Write(long first, long count)
    {
        (long begin, long end) = (first, first + count);
        for (int i = 0; i < levels.Count; i++)
        {
            ReadOnlySpan<long> offsets = levels[i].Span[(int)begin..(int)(end + 1)];
            // Ends count the items of the next level from the start of the cluster.
            long origin = offsets[0] - Field.Columns[i + 1].Count;
            Span<long> ends = MemoryMarshal.Cast<byte, long>(Field.Columns[i].Take(offsets.Length - 1));
            for (int k = 0; k < ends.Length; k++)
                ends[k] = offsets[k + 1] - origin;
            (begin, end) = (offsets[0], offsets[^1]);
        }
        MemoryMarshal.AsBytes(values.Span[(int)begin..(int)end]).CopyTo(Field.Columns[^1].Take((int)(end - begin)));
    }
}
