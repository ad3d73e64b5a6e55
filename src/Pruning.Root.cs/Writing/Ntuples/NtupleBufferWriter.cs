using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>An envelope's little-endian structures: the counterpart of <see cref="NtupleBuffer"/>.</summary>
internal sealed class NtupleBufferWriter
{
    private byte[] _bytes = new byte[1024];
    private int _next;

    /// <summary>Begins an envelope; <see cref="Seal"/> ends it.</summary>
    public NtupleBufferWriter() => WriteUInt64(0);

    public void WriteUInt16(int value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(sizeof(ushort)), checked((ushort)value));

    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(sizeof(int)), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(sizeof(long)), value);

    public void WriteUInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(sizeof(ulong)), value);

    public void WriteString(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        WriteInt32(length);
        Encoding.UTF8.GetBytes(text, Take(length));
    }

    public void WriteLocator(NtupleLocator place)
    {
        WriteInt32(checked((int)place.Bytes));
        WriteInt64(place.Offset);
    }

    public void WriteLink(NtupleLink link)
    {
        WriteInt64(link.Bytes);
        WriteLocator(link.Place);
    }

    /// <summary>Begins a record. Pass the result to <see cref="CloseRecord"/>.</summary>
    public int OpenRecord()
    {
        int begin = _next;
        WriteInt64(0);
        return begin;
    }

    /// <summary>Fills in the record's size.</summary>
    public void CloseRecord(int begin) => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(begin), _next - begin);

    /// <summary>Begins a list. Pass the result to <see cref="CloseList"/>.</summary>
    public int OpenList(int count)
    {
        int begin = OpenRecord();
        WriteInt32(count);
        return begin;
    }

    /// <summary>Fills in the list's size, which is negative to distinguish it from a record.</summary>
    public void CloseList(int begin) => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(begin), begin - _next);

    /// <summary>A list with nothing in it.</summary>
    public void WriteEmptyList() => CloseList(OpenList(0));

    /// <summary>Ends the envelope with its checksum, by which other envelopes refer to it.</summary>
    public (ReadOnlyMemory<byte> Bytes, ulong Checksum) Seal(EnvelopeType type)
    {
        int length = _next + sizeof(ulong);
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes, ((ulong)length << 16) | (ulong)type);
        ulong checksum = XxHash3.HashToUInt64(_bytes.AsSpan(0, _next));
        WriteUInt64(checksum);
        return (_bytes.AsMemory(0, length), checksum);
    }

    private Span<byte> Take(int count)
    {
        int end = checked(_next + count);
        if (end > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(end, (int)Math.Min(Array.MaxLength, 2L * _bytes.Length)));
        Span<byte> room = _bytes.AsSpan(_next, count);
        _next = end;
        return room;
    }
}
