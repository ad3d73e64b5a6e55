using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Records;

/// <summary>
/// A tree's description in memory. Opening a tree only walks over it and notes where branches are. The details of a
/// branch are decoded from here when they are first needed.
/// </summary>
internal sealed class TreePayload
{
    private const int Offset = 2; // ROOT's references count from two bytes before the record

    private readonly byte[] _bytes;
    private readonly RootLocation _at;
    private readonly int _keyBytes;
    private readonly Lock _gate = new();

    public TreePayload(byte[] bytes, RootLocation at, int keyBytes, Func<ClassCatalogue> classes)
    {
        _bytes = bytes;
        _at = at;
        _keyBytes = keyBytes;
        Map = new ObjectMap { Classes = classes };
    }

    /// <summary>Decodes something at a position of the description.</summary>
    public delegate T Decoder<T>(ref RootBuffer buffer, ObjectMap map);

    /// <summary>The class names of the record; references in it are resolved by their positions.</summary>
    public ObjectMap Map { get; }

    /// <summary>A buffer over the whole description.</summary>
    public RootBuffer Open() => RootBuffer.OfPayload(_bytes, _at, _keyBytes);

    /// <summary>Decodes what begins at a position. One thread at a time: the map of class names is shared.</summary>
    public T Decode<T>(int position, Decoder<T> decode)
    {
        lock (_gate)
        {
            RootBuffer buffer = Open();
            buffer.Seek(position);
            return decode(ref buffer, Map);
        }
    }

    /// <summary>Decodes the slot that a reference means; null when it means nothing in this record.</summary>
    public T? DecodeReference<T>(long reference, Decoder<T?> decode)
        where T : class
    {
        long position = reference - Offset - _keyBytes;
        if (position < 0 || position >= _bytes.Length)
            return null;
        try
        {
            return Decode((int)position, decode);
        }
        catch (RootFormatException)
        {
            return null; // old writers left dangling references
        }
    }

    /// <summary>A counted text at a position.</summary>
    public string Text(int position)
    {
        RootBuffer buffer = Open();
        buffer.Seek(position);
        return buffer.ReadString();
    }

    /// <summary>The bytes of a counted text at a position.</summary>
    public ReadOnlySpan<byte> TextBytes(int position)
    {
        RootBuffer buffer = Open();
        buffer.Seek(position);
        return buffer.ReadStringBytes();
    }
}
