using System.Buffers.Binary;
using Pruning.Root.Columns;
using Pruning.Root.Errors;

namespace Pruning.Root.Ntuples.Metadata;

/// <summary>
/// Reads an RNTuple envelope's little-endian structures. A frame is a separate buffer, so nothing reads past its end.
/// Members that newer writers append to a frame are skipped.
/// </summary>
internal ref struct NtupleBuffer
{
    /// <summary>Bytes before the first element of a list: its size and its count.</summary>
    private const int ListHeaderBytes = 12;

    /// <summary>Bytes before the first member of a record: its size.</summary>
    public const int RecordHeaderBytes = 8;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly RootLocation _at;
    private readonly int _base;
    private int _next;

    /// <param name="bytes">What is to be read.</param>
    /// <param name="at">The envelope.</param>
    /// <param name="start">Index in the envelope of the first byte.</param>
    public NtupleBuffer(ReadOnlySpan<byte> bytes, RootLocation at, int start = 0)
    {
        _bytes = bytes;
        _at = at;
        _base = start;
        _next = 0;
    }

    /// <summary>Bytes that are left.</summary>
    public readonly int Remaining => _bytes.Length - _next;

    /// <summary>An error at the next byte.</summary>
    public readonly RootFormatException Error(string problem) =>
        new(RootErrorKind.CorruptNtuple, problem, _at with { PayloadByte = (long)_base + _next });

    /// <summary>The next <paramref name="count"/> bytes.</summary>
    public ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > Remaining)
            throw Error($"needed {count} bytes but only {Remaining} remain");
        ReadOnlySpan<byte> taken = _bytes.Slice(_next, (int)count);
        _next += (int)count;
        return taken;
    }

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    public long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)));

    /// <summary>A number that has to be a count or a size: 63 bits are enough for every real one.</summary>
    public long ReadCount(string what)
    {
        ulong count = ReadUInt64();
        return count <= long.MaxValue ? (long)count : throw Error($"{what} of {count} is impossible");
    }

    /// <summary>32 bits of length and UTF-8.</summary>
    public string ReadString() => RootText.Decode(Take(ReadUInt32()));

    /// <summary>Feature flags; this reader knows none, and one that it does not know may change the meaning of everything.</summary>
    public void ReadFeatureFlags(string what)
    {
        ulong flags = ReadUInt64();
        if (flags != 0)
        {
            throw new RootFormatException(
                RootErrorKind.UnsupportedNtuple,
                $"the {what} needs a feature that this reader does not know (flags {flags:x})",
                _at with { PayloadByte = (long)_base + _next - sizeof(ulong) });
        }
    }

    /// <summary>Opens a record frame; this buffer continues after it.</summary>
    public NtupleBuffer OpenRecord(string what)
    {
        long size = ReadInt64();
        if (size < RecordHeaderBytes || size - RecordHeaderBytes > Remaining)
        {
            _next -= RecordHeaderBytes;
            throw Error($"{what} of {size} bytes does not fit the {Remaining} that remain");
        }
        int begin = _base + _next;
        return new NtupleBuffer(Take(size - RecordHeaderBytes), _at, begin);
    }

    /// <summary>Opens a list frame; this buffer continues after it.</summary>
    /// <param name="what">Name for errors.</param>
    /// <param name="minItemBytes">Smallest number of bytes of an element. A count that cannot fit is refused before memory is
    /// allocated.</param>
    /// <param name="count">Number of elements.</param>
    public NtupleBuffer OpenList(string what, int minItemBytes, out int count)
    {
        long size = ReadInt64();
        // Sizes of lists are negative; the smallest number has no positive twin.
        if (size > -ListHeaderBytes || size < -((long)Remaining + RecordHeaderBytes))
        {
            _next -= RecordHeaderBytes;
            throw Error($"a list of {what} with the size {size} does not fit the {Remaining} bytes that remain");
        }
        uint items = ReadUInt32();
        long bytes = -size - ListHeaderBytes;
        if ((long)items * minItemBytes > bytes)
            throw Error($"a list of {items} {what} does not fit its {bytes} bytes");
        count = (int)items;
        int begin = _base + _next;
        return new NtupleBuffer(Take(bytes), _at, begin);
    }

    /// <summary>Where bytes are: in this file by offset and size, or in a storage that this reader does not know.</summary>
    public NtupleLocator ReadLocator()
    {
        const int large = 1;
        int head = ReadInt32();
        if (head >= 0)
            return new NtupleLocator(ReadCount("an offset"), head);
        // The sign marks an unusual locator: the number without it has the size of the locator below and its type above.
        uint meant = (uint)-(long)head;
        int bytes = (int)(meant & 0xFFFF) - sizeof(int);
        uint type = meant >> 24;
        if (bytes < 0)
            throw Error($"a locator of {bytes + sizeof(int)} bytes is impossible");
        int begin = _base + _next;
        var body = new NtupleBuffer(Take(bytes), _at, begin);
        if (type != large)
            return new NtupleLocator(-1, (int)type);
        long size = body.ReadCount("a size");
        return new NtupleLocator(body.ReadCount("an offset"), size);
    }

    /// <summary>An envelope's size once decompressed, and where it is.</summary>
    public NtupleLink ReadLink()
    {
        long bytes = ReadCount("an envelope's size");
        return new NtupleLink(bytes, ReadLocator());
    }
}

/// <summary>A place in the file.</summary>
/// <param name="Offset">Byte of the file; -1 when the bytes are in a storage that is no file.</param>
/// <param name="Bytes">Stored bytes; for an unknown storage, its type.</param>
internal readonly record struct NtupleLocator(long Offset, long Bytes);

/// <summary>Points at an envelope.</summary>
/// <param name="Bytes">Its size once decompressed.</param>
/// <param name="Place">Where it is stored.</param>
internal readonly record struct NtupleLink(long Bytes, NtupleLocator Place);
