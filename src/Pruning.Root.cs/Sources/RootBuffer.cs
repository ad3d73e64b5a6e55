using System.Buffers.Binary;
using Pruning.Root.Columns;
using Pruning.Root.Errors;

namespace Pruning.Root.Sources;

/// <summary>
/// Reads ROOT's big-endian structures from a span. It cannot overrun, allocates only for strings, and knows its position
/// in the file, so that every error names the byte.
/// </summary>
internal ref struct RootBuffer
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly RootLocation _at;
    private readonly bool _payload;
    private readonly int _keyBytes;
    private readonly int _origin;
    private int _next;

    private RootBuffer(ReadOnlySpan<byte> bytes, RootLocation at, bool payload, int keyBytes, int origin = 0)
    {
        _origin = origin;
        _bytes = bytes;
        _at = at;
        _payload = payload;
        _keyBytes = keyBytes;
        _next = 0;
    }

    /// <summary>Bytes of the file; <see cref="RootLocation.Byte"/> of <paramref name="at"/> is the position of the first.</summary>
    public static RootBuffer OfFile(ReadOnlySpan<byte> bytes, RootLocation at) => new(bytes, at, false, 0);

    /// <summary>The decompressed payload of the record at <paramref name="at"/>, whose key has <paramref name="keyBytes"/> bytes.</summary>
    public static RootBuffer OfPayload(ReadOnlySpan<byte> bytes, RootLocation at, int keyBytes) => new(bytes, at, true, keyBytes);

    /// <summary>A buffer over the bytes [begin, end) of this one. Its errors name the same positions.</summary>
    public readonly RootBuffer Between(int begin, int end) => new(_bytes[begin..end], _at, _payload, _keyBytes, _origin + begin);

    /// <summary>Index of the next byte.</summary>
    public readonly int Position => _next;

    /// <summary>Number of bytes, read and unread.</summary>
    public readonly int Length => _bytes.Length;

    /// <summary>Bytes that are left.</summary>
    public readonly int Remaining => _bytes.Length - _next;

    /// <summary>The next byte's distance from the first byte of the record's key: ROOT's object references are such distances.</summary>
    public readonly long KeyRelative => (long)_next + _origin + _keyBytes;

    /// <summary>
    /// Position of the object of a reference, which counts from two bytes before the record. May be outside of the buffer.
    /// </summary>
    public readonly long PositionOf(long reference) => reference - 2 - _origin - _keyBytes;

    /// <summary>Where the byte at <paramref name="position"/> is.</summary>
    public readonly RootLocation At(int position) =>
        _payload ? _at with { PayloadByte = (long)_origin + position } : _at with { Byte = (_at.Byte ?? 0) + _origin + position };

    /// <summary>An error at the next byte.</summary>
    public readonly RootFormatException Error(RootErrorKind kind, string problem) => new(kind, problem, At(_next));

    /// <summary>The next <paramref name="count"/> bytes.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)(_bytes.Length - _next))
            throw Short(count);
        ReadOnlySpan<byte> taken = _bytes.Slice(_next, count);
        _next += count;
        return taken;
    }

    private readonly RootFormatException Short(long count) => count < 0
        ? Error(RootErrorKind.CorruptObject, $"a length of {count} bytes is impossible")
        : Error(RootErrorKind.CorruptObject, $"needed {count} bytes but only {Remaining} remain");

    /// <summary>Skips bytes.</summary>
    public void Skip(int count) => Take(count);

    /// <summary>Moves to a position between 0 and <see cref="Length"/>.</summary>
    public void Seek(int position)
    {
        if ((uint)position > (uint)_bytes.Length)
            throw Short((long)position - _next);
        _next = position;
    }

    public byte ReadByte() => Take(1)[0];

    public short ReadInt16() => BinaryPrimitives.ReadInt16BigEndian(Take(sizeof(short)));

    public int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)));

    public long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long)));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(Take(sizeof(double)));

    /// <summary>A file offset: 8 bytes in wide structures, 4 in narrow ones.</summary>
    public long ReadSeek(bool wide) => wide ? ReadInt64() : ReadInt32();

    /// <summary>A counted string: one length byte, or 255 and four.</summary>
    public string ReadString() => RootText.Decode(ReadStringBytes());

    /// <summary>The bytes of a counted string.</summary>
    public ReadOnlySpan<byte> ReadStringBytes()
    {
        int length = ReadByte();
        if (length == 255)
            length = ReadInt32();
        return Take(length);
    }

    /// <summary>A NUL-terminated string, as class names in object tags are.</summary>
    public string ReadTerminatedString()
    {
        int length = _bytes[_next..].IndexOf((byte)0);
        if (length < 0)
            throw Error(RootErrorKind.CorruptObject, "a class name has no end");
        string text = RootText.Decode(Take(length));
        _next++;
        return text;
    }
}
