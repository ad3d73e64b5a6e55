using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Pruning.Root.Writing.Records;
using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Trees;

/// <summary>A branch <c>vector&lt;T&gt;</c>: lists without a counter. It needs 10 bytes per entry more than a counted branch.</summary>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class VectorBranch<T> : BranchWriter
    where T : unmanaged
{
    internal VectorBranch(TreeWriter tree, string name)
        : base(tree, name, LeafShape.OfObjects, CollectionClass.VectorOf(CollectionClass.NameOf(TableRules.TypeOf<T>(name, "branch"))),
            isJagged: true)
    {
    }

    /// <summary>Values of the current entry.</summary>
    public void Set(ReadOnlySpan<T> values)
    {
        long bytes = VectorHeader.Bytes + ((long)values.Length * Unsafe.SizeOf<T>());
        Span<byte> entry = Begin().Take(bytes);
        VectorHeader.Write(entry, (int)bytes, values.Length);
        BranchData.Swap(values, entry[VectorHeader.Bytes..]);
        End();
    }

    /// <summary>Lists of many entries: entry e has the values [offsets[e], offsets[e + 1]).</summary>
    /// <param name="offsets">[entries + 1]; need not begin with 0.</param>
    /// <param name="values">The values that the offsets refer to.</param>
    public BranchData Lists(ReadOnlyMemory<long> offsets, ReadOnlyMemory<T> values)
    {
        BranchData.CheckOffsets(offsets.Span, values.Length, Unsafe.SizeOf<T>(), Name);
        return new VectorData<T>(this, offsets, values);
    }
}

/// <summary>A branch <c>vector&lt;vector&lt;T&gt; &gt;</c>: lists of lists.</summary>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class NestedVectorBranch<T> : BranchWriter
    where T : unmanaged
{
    internal NestedVectorBranch(TreeWriter tree, string name)
        : base(
            tree,
            name,
            LeafShape.OfObjects,
            CollectionClass.VectorOf(CollectionClass.VectorOf(CollectionClass.NameOf(TableRules.TypeOf<T>(name, "branch")))),
            isJagged: true)
    {
    }

    /// <summary>Lists of the current entry: list i has the values [offsets[i], offsets[i + 1]).</summary>
    /// <param name="offsets">[lists + 1]; need not begin with 0. An entry without lists has one offset or none.</param>
    /// <param name="values">The values that the offsets refer to.</param>
    public void Set(ReadOnlySpan<long> offsets, ReadOnlySpan<T> values)
    {
        if (offsets.IsEmpty)
            offsets = [0];
        BranchData.CheckOffsets(offsets, values.Length, Unsafe.SizeOf<T>(), Name);
        Encode(Begin().Take(BytesOf(offsets)), offsets, values);
        End();
    }

    /// <summary>
    /// Lists of many entries: entry e has the lists [outer[e], outer[e + 1]), list i the values [inner[i], inner[i + 1]).
    /// </summary>
    /// <param name="outer">[entries + 1]</param>
    /// <param name="inner">[lists + 1]</param>
    /// <param name="values">All values.</param>
    public BranchData Lists(ReadOnlyMemory<long> outer, ReadOnlyMemory<long> inner, ReadOnlyMemory<T> values)
    {
        BranchData.CheckOffsets(inner.Span, values.Length, Unsafe.SizeOf<T>(), Name);
        long entries = BranchData.CheckOffsets(outer.Span, inner.Length - 1, sizeof(int), Name);
        for (int e = 0; e < entries; e++)
        {
            if (BytesOf(inner.Span[(int)outer.Span[e]..((int)outer.Span[e + 1] + 1)]) > BasketBuffer.MaxBytes / 2)
                throw new ArgumentException(
                    $"Cannot write branch '{Name}': entry {e} has more than {BasketBuffer.MaxBytes / 2} bytes. Split the entry.");
        }
        return new NestedData<T>(this, outer, inner, values);
    }

    /// <summary>Writes one entry and gives its bytes.</summary>
    internal static int Encode(Span<byte> room, ReadOnlySpan<long> offsets, ReadOnlySpan<T> values)
    {
        int bytes = (int)BytesOf(offsets);
        VectorHeader.Write(room, bytes, offsets.Length - 1);
        int next = VectorHeader.Bytes;
        for (int i = 0; i < offsets.Length - 1; i++)
        {
            ReadOnlySpan<T> list = values[(int)offsets[i]..(int)offsets[i + 1]];
            BinaryPrimitives.WriteInt32BigEndian(room[next..], list.Length);
            next += sizeof(int);
            int listBytes = list.Length * Unsafe.SizeOf<T>();
            BranchData.Swap(list, room.Slice(next, listBytes));
            next += listBytes;
        }
        return bytes;
    }

    private static long BytesOf(ReadOnlySpan<long> offsets) =>
        VectorHeader.Bytes + (sizeof(int) * (offsets.Length - 1L)) + ((offsets[^1] - offsets[0]) * Unsafe.SizeOf<T>());
}
