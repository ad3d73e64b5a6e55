namespace Pruning.Root.Writing.Records;

/// <summary>A directory of the file that is being written: the counterpart of <c>RootDirectory</c>.</summary>
internal sealed class WrittenDirectory
{
    private const int Version = 5;
    private const int WideVersion = 1005;

    /// <summary>Bytes of the fields, of either width.</summary>
    public const int FieldBytes = 60;

    public WrittenDirectory(RecordKey key, long seek, int nameBytes, WrittenDirectory? above)
    {
        Key = key;
        Seek = seek;
        NameBytes = nameBytes;
        Above = above;
    }

    /// <summary>Its own key.</summary>
    public RecordKey Key { get; }

    /// <summary>fSeekDir: its own record.</summary>
    public long Seek { get; }

    /// <summary>fNbytesName: bytes of the record before the fields.</summary>
    public int NameBytes { get; }

    /// <summary>The directory that it is in; null for the top.</summary>
    public WrittenDirectory? Above { get; }

    /// <summary>Directories in it.</summary>
    public Dictionary<string, WrittenDirectory> Below { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys of the directories in it, as bytes.</summary>
    public List<byte[]> Keys { get; } = [];

    /// <summary>The newest key of each tree and RNTuple in it, as bytes, by name.</summary>
    public Dictionary<string, byte[]> Tables { get; } = new(StringComparer.Ordinal);

    /// <summary>fSeekKeys and fNbytesKeys: the list of keys that is written.</summary>
    public (long Seek, int Bytes) KeyList { get; set; }

    /// <summary>Writes the fields.</summary>
    public void Encode(RootBufferWriter buffer, uint time, Guid identity, long largeFileBytes)
    {
        long parent = Above?.Seek ?? 0;
        bool wide = Math.Max(Math.Max(Seek, parent), KeyList.Seek) > largeFileBytes;
        int begin = buffer.Position;
        buffer.WriteInt16(wide ? WideVersion : Version);
        buffer.WriteUInt32(time);
        buffer.WriteUInt32(time);
        buffer.WriteInt32(KeyList.Bytes);
        buffer.WriteInt32(NameBytes);
        buffer.WriteSeek(wide, Seek);
        buffer.WriteSeek(wide, parent);
        buffer.WriteSeek(wide, KeyList.Seek);
        buffer.WriteInt16(1);
        buffer.Write(identity.ToByteArray(bigEndian: true));
        buffer.WriteZeros(begin + FieldBytes - buffer.Position);
    }
}
