namespace Pruning.Root.Writing.Records;

/// <summary>The header of a record to be written: the counterpart of <c>RootKey</c>.</summary>
/// <param name="ClassName">fClassName.</param>
/// <param name="Name">fName.</param>
/// <param name="Title">fTitle.</param>
/// <param name="Parent">fSeekPdir: the record of the directory that owns this one.</param>
/// <param name="Wide">Offsets have 8 bytes.</param>
internal sealed record RecordKey(string ClassName, string Name, string Title, long Parent, bool Wide)
{
    private const int WideVersion = 1000;
    private const int Version = 4;

    /// <summary>fKeylen: bytes of the header.</summary>
    public int Bytes { get; } =
        (Wide ? 34 : 26) + RootBufferWriter.StringBytes(ClassName) + RootBufferWriter.StringBytes(Name)
            + RootBufferWriter.StringBytes(Title);

    /// <summary>Writes the header.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="time">fDatime.</param>
    /// <param name="seek">Where the record will be.</param>
    /// <param name="stored">Bytes of the payload as stored.</param>
    /// <param name="objectBytes">Bytes of the payload once decompressed.</param>
    /// <param name="extra">Bytes after the strings that belong to the key; only baskets have them.</param>
    /// <param name="cycle">fCycle.</param>
    public void Encode(RootBufferWriter buffer, uint time, long seek, int stored, int objectBytes, int extra = 0, int cycle = 1)
    {
        int keyBytes = Bytes + extra;
        buffer.WriteInt32(checked(keyBytes + stored));
        buffer.WriteInt16(Wide ? WideVersion + Version : Version);
        buffer.WriteInt32(objectBytes);
        buffer.WriteUInt32(time);
        buffer.WriteInt16(keyBytes);
        buffer.WriteInt16(cycle);
        buffer.WriteSeek(Wide, seek);
        buffer.WriteSeek(Wide, Parent);
        buffer.WriteString(ClassName);
        buffer.WriteString(Name);
        buffer.WriteString(Title);
    }
}
