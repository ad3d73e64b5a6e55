using System.Buffers.Binary;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Decoding;

/// <summary>
/// Reads values of one shape from the bytes of entries and appends them to columns. The tree of readers mirrors the tree of
/// shapes. Nothing is allocated per entry.
/// </summary>
internal abstract class ValueReader
{
    /// <summary>Reads one value.</summary>
    public abstract void Read(ref RootBuffer buffer);

    /// <summary>Reads values back to back, as lists hold them.</summary>
    public virtual void ReadMany(ref RootBuffer buffer, int count)
    {
        for (int i = 0; i < count; i++)
            Read(ref buffer);
    }

    /// <summary>Reads one member of many objects that are stored member by member.</summary>
    public virtual void ReadColumn(ref RootBuffer buffer, int count) => ReadMany(ref buffer, count);

    /// <summary>Reads objects that are stored member by member.</summary>
    public virtual void ReadByMember(ref RootBuffer buffer, int count) =>
        throw buffer.Error(RootErrorKind.CorruptEntry, "a list of values without members is marked as stored member by member");
}

/// <summary>Numbers, copied without conversion.</summary>
internal sealed class NumberReader(ElementEncoding encoding, GrowingArray<byte> bytes) : ValueReader
{
    private readonly int _width = encoding.DiskBytes;

    public override void Read(ref RootBuffer buffer) => buffer.Take(_width).CopyTo(bytes.Extend(_width));

    public override void ReadMany(ref RootBuffer buffer, int count)
    {
        if (count > buffer.Remaining / _width)
            throw buffer.Error(RootErrorKind.CorruptEntry,
                $"{count} values of {_width} bytes do not fit the {buffer.Remaining} bytes that remain");
        buffer.Take(count * _width).CopyTo(bytes.Extend(count * _width));
    }

    /// <summary>The number read last but <paramref name="back"/>, as the count of other values.</summary>
    public long CountAt(int back)
    {
        ReadOnlySpan<byte> all = bytes.Items;
        ReadOnlySpan<byte> one = all.Slice(all.Length - ((back + 1) * _width), _width);
        return encoding.Type switch
        {
            RootElementType.Int8 => (sbyte)one[0],
            RootElementType.UInt8 => one[0],
            RootElementType.Int16 => BinaryPrimitives.ReadInt16BigEndian(one),
            RootElementType.UInt16 => BinaryPrimitives.ReadUInt16BigEndian(one),
            RootElementType.UInt32 => BinaryPrimitives.ReadUInt32BigEndian(one),
            RootElementType.Int64 or RootElementType.UInt64 => BinaryPrimitives.ReadInt64BigEndian(one),
            _ => BinaryPrimitives.ReadInt32BigEndian(one),
        };
    }
}

/// <summary>The bits of objects.</summary>
internal sealed class BitsReader(NumberReader bits) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        bits.Read(ref buffer);
        if ((bits.CountAt(0) & StreamedBases.IsReferenced) != 0)
            buffer.Skip(sizeof(short)); // number of the process
    }
}

/// <summary>Texts, copied without conversion.</summary>
internal sealed class TextReader(TextForm form, GrowingArray<byte> utf8, GrowingArray<int> lengths) : ValueReader
{
    public override void Read(ref RootBuffer buffer)
    {
        int length = form == TextForm.Leaf && buffer.Remaining == 0 ? 0
            : form == TextForm.Wide ? buffer.ReadInt32()
            : buffer.ReadByte();
        if (length == 255 && form != TextForm.Wide)
            length = buffer.ReadInt32();
        buffer.Take(length).CopyTo(utf8.Extend(length));
        lengths.Add(length);
    }
}

/// <summary>Bytes that are skipped.</summary>
internal sealed class SkippingReader(SkippedKind kind) : ValueReader
{
    private const uint CountMask = 0x40000000;

    public override void Read(ref RootBuffer buffer)
    {
        if (kind == SkippedKind.Identity)
        {
            StreamedBases.SkipObject(ref buffer);
            return;
        }
        uint word = buffer.ReadUInt32();
        if (word != uint.MaxValue && (word & CountMask) != 0)
            buffer.Skip((int)(word & ~CountMask));
        else if ((word & 0x80000000) != 0)
            throw buffer.Error(RootErrorKind.CorruptEntry, "the object behind a pointer has no byte count, so it cannot be skipped");
    }
}
