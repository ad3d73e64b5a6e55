using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Files;

/// <summary>ROOT's TKey: the header of every record, and the line of a directory that points at it.</summary>
/// <param name="RecordBytes">fNbytes: the whole record, key included.</param>
/// <param name="ObjectBytes">fObjlen: bytes of the payload once decompressed.</param>
/// <param name="KeyBytes">fKeylen: bytes before the payload.</param>
/// <param name="Cycle">fCycle: which rewrite of the object this is; higher is newer.</param>
/// <param name="Seek">fSeekKey: where the record is.</param>
/// <param name="ClassName">fClassName.</param>
/// <param name="Name">fName.</param>
/// <param name="Title">fTitle.</param>
/// <param name="ParentSeek">fSeekPdir: the record of the directory that owns this one; not always right.</param>
internal sealed record RootKey(int RecordBytes, int ObjectBytes, int KeyBytes, int Cycle, long Seek, string ClassName, string Name,
    string Title, long ParentSeek = 0)
{
    /// <summary>No key is shorter.</summary>
    public const int MinBytes = 29;

    /// <summary>Bytes of the payload as stored.</summary>
    public int StoredBytes => RecordBytes - KeyBytes;

    /// <summary>Reads one key and leaves the buffer after its strings.</summary>
    /// <param name="buffer">Positioned on the first byte of the key.</param>
    /// <param name="embedded">Keys of baskets inside a tree description have no record of their own, and no sizes.</param>
    public static RootKey Decode(ref RootBuffer buffer, bool embedded = false)
    {
        KeyNumbers numbers = KeyNumbers.Decode(ref buffer, embedded);
        string className = buffer.ReadString();
        string name = buffer.ReadString();
        string title = buffer.ReadString();
        return new RootKey(numbers.RecordBytes, numbers.ObjectBytes, numbers.KeyBytes, numbers.Cycle, numbers.Seek, className, name, title,
            numbers.ParentSeek);
    }
}

/// <summary>The numbers of a key without its texts, which are not needed for millions of baskets.</summary>
/// <param name="RecordBytes">As <see cref="RootKey.RecordBytes"/>.</param>
/// <param name="ObjectBytes">As <see cref="RootKey.ObjectBytes"/>.</param>
/// <param name="KeyBytes">As <see cref="RootKey.KeyBytes"/>.</param>
/// <param name="Cycle">As <see cref="RootKey.Cycle"/>.</param>
/// <param name="Seek">As <see cref="RootKey.Seek"/>.</param>
/// <param name="ParentSeek">As <see cref="RootKey.ParentSeek"/>.</param>
internal readonly record struct KeyNumbers(int RecordBytes, int ObjectBytes, int KeyBytes, int Cycle, long Seek, long ParentSeek)
{
    /// <summary>Bytes of the payload as stored.</summary>
    public int StoredBytes => RecordBytes - KeyBytes;

    /// <summary>Reads the numbers and leaves the buffer on the three texts.</summary>
    /// <param name="buffer">Positioned on the first byte of the key.</param>
    /// <param name="embedded">As for <see cref="RootKey.Decode"/>.</param>
    public static KeyNumbers Decode(ref RootBuffer buffer, bool embedded)
    {
        int begin = buffer.Position;
        int recordBytes = buffer.ReadInt32();
        int version = buffer.ReadInt16();
        int objectBytes = buffer.ReadInt32();
        buffer.Skip(4); // fDatime
        int keyBytes = buffer.ReadInt16();
        int cycle = Math.Abs((int)buffer.ReadInt16()); // the sign marks records to keep
        bool wide = version > 1000;
        long seek = buffer.ReadSeek(wide);
        long parent = buffer.ReadSeek(wide) & 0xFFFF_FFFF_FFFF; // the upper bits hold another number
        if (keyBytes < RootKey.MinBytes - 3 || objectBytes < 0 || (!embedded && recordBytes < keyBytes))
        {
            buffer.Seek(begin);
            throw buffer.Error(RootErrorKind.CorruptKey,
                $"a record of {recordBytes} bytes with a key of {keyBytes} and an object of {objectBytes} is impossible");
        }
        return new KeyNumbers(recordBytes, objectBytes, keyBytes, cycle, seek, parent);
    }
}
