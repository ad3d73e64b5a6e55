using System.Buffers.Binary;
using System.Text;

namespace Pruning.Root.Writing.Records;

/// <summary>A growing buffer of ROOT's big-endian structures: the counterpart of <c>RootBuffer</c>.</summary>
internal sealed class RootBufferWriter
{
    private const uint CountMask = 0x40000000;

    private byte[] _bytes = new byte[1024];

    /// <summary>Index of the next byte, and number of bytes so far.</summary>
    public int Position { get; private set; }

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Position);

    /// <summary>Forgets what was written.</summary>
    public void Clear() => Position = 0;

    /// <summary>Room for the next <paramref name="count"/> bytes, which the caller fills.</summary>
    public Span<byte> Take(int count)
    {
        int end = checked(Position + count);
        if (end > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(end, (int)Math.Min(Array.MaxLength, 2L * _bytes.Length)));
        Span<byte> room = _bytes.AsSpan(Position, count);
        Position = end;
        return room;
    }

    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    public void WriteZeros(int count) => Take(count).Clear();

    public void WriteByte(byte value) => Take(1)[0] = value;

    public void WriteInt16(int value) => BinaryPrimitives.WriteInt16BigEndian(Take(sizeof(short)), checked((short)value));

    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), value);

    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(sizeof(uint)), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(sizeof(long)), value);

    public void WriteSingle(float value) => BinaryPrimitives.WriteSingleBigEndian(Take(sizeof(float)), value);

    public void WriteDouble(double value) => BinaryPrimitives.WriteDoubleBigEndian(Take(sizeof(double)), value);

    /// <summary>A file offset: 8 bytes in wide structures, 4 in narrow ones.</summary>
    public void WriteSeek(bool wide, long value)
    {
        if (wide)
            WriteInt64(value);
        else
            WriteInt32(checked((int)value));
    }

    /// <summary>A counted string: one length byte, or 255 and four.</summary>
    public void WriteString(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        if (length < 255)
        {
            WriteByte((byte)length);
        }
        else
        {
            WriteByte(255);
            WriteInt32(length);
        }
        Encoding.UTF8.GetBytes(text, Take(length));
    }

    /// <summary>Bytes that <see cref="WriteString"/> writes.</summary>
    public static int StringBytes(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        return length < 255 ? length + 1 : length + 5;
    }

    /// <summary>A NUL-terminated string, as class names in object tags are.</summary>
    public void WriteTerminatedString(string text)
    {
        Encoding.UTF8.GetBytes(text, Take(Encoding.UTF8.GetByteCount(text)));
        WriteByte(0);
    }

    /// <summary>Begins an envelope of byte count and class version. Pass the result to <see cref="Close"/>.</summary>
    public int Open(int version)
    {
        int begin = OpenCount();
        WriteInt16(version);
        return begin;
    }

    /// <summary>Begins something that has a byte count. Pass the result to <see cref="Close"/>.</summary>
    public int OpenCount()
    {
        int begin = Position;
        WriteInt32(0);
        return begin;
    }

    /// <summary>Fills in the byte count.</summary>
    public void Close(int begin) =>
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(begin), CountMask | (uint)(Position - begin - sizeof(uint)));

    /// <summary>TNamed with the identity and bits of an object that nothing refers to.</summary>
    public void WriteNamed(string name, string title, uint bits = 0x03000000)
    {
        int frame = Open(1);
        WriteObject(bits);
        WriteString(name);
        WriteString(title);
        Close(frame);
    }

    /// <summary>TObject.</summary>
    public void WriteObject(uint bits = 0x03000000)
    {
        WriteInt16(1);
        WriteInt32(0);
        WriteUInt32(bits);
    }
}
