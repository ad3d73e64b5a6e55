namespace Pruning.Root.Writing.Records;

/// <summary>
/// Writes objects into places of lists and pointers: each class name once, objects by reference afterwards. The
/// counterpart of <c>ObjectMap</c>.
/// </summary>
/// <param name="keyBytes">Bytes of the key before the payload: references are counted from the key's first byte.</param>
internal sealed class ObjectWriter(int keyBytes)
{
    private const uint NewClass = 0xFFFFFFFF;
    private const uint ClassMask = 0x80000000;
    private const int Offset = 2; // ROOT's positions in the map are shifted by two

    private readonly Dictionary<string, uint> _classes = new(StringComparer.Ordinal);

    /// <summary>The payload so far.</summary>
    public RootBufferWriter Buffer { get; } = new();

    /// <summary>Begins an object. Its body follows. Pass the result to <see cref="RootBufferWriter.Close"/>.</summary>
    public int OpenSlot(string className)
    {
        int begin = Buffer.OpenCount();
        if (_classes.TryGetValue(className, out uint known))
        {
            Buffer.WriteUInt32(ClassMask | known);
            return begin;
        }
        _classes[className] = (uint)(Buffer.Position + keyBytes + Offset);
        Buffer.WriteUInt32(NewClass);
        Buffer.WriteTerminatedString(className);
        return begin;
    }

    /// <summary>What refers to the object that was begun at <paramref name="begin"/>.</summary>
    public int ReferenceTo(int begin) => begin + keyBytes + Offset;

    /// <summary>Begins a TObjArray; its slots follow.</summary>
    public int OpenArray(int count)
    {
        int frame = Buffer.Open(3);
        Buffer.WriteObject();
        Buffer.WriteString("");
        Buffer.WriteInt32(count);
        Buffer.WriteInt32(0); // lower bound
        return frame;
    }
}
